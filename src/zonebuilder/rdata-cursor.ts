/**
 * Bounds-checked cursors over rdata: `TextCursor` over its presentation form (RFC 1035 section 5.1) and
 * `WireCursor` over its uncompressed wire form. What the fields of a type are is said in `rr-types.ts`.
 */
import { decodeName, encodeName, NAME_OCTETS_MAX, NameError } from './names.ts';

/** Longest character-string in octets (RFC 1035 section 3.3). */
export const STRING_OCTETS_MAX = 255;

/** Why rdata is refused. Codes are stable. */
export type RdataErrorCode =
  | 'UNKNOWN_TYPE'
  | 'TYPE_REFUSED'
  | 'MISSING_FIELD'
  | 'EXTRA_FIELD'
  | 'BAD_SYNTAX'
  | 'BAD_NUMBER'
  | 'BAD_ADDRESS'
  | 'BAD_NAME'
  | 'BAD_STRING'
  | 'BAD_HEX'
  | 'BAD_BASE64'
  | 'BAD_PARAMETER'
  | 'BAD_GENERIC'
  | 'MALFORMED_RDATA'
  | 'RDATA_TOO_LONG';

/** A record's type or data that is refused. */
export class RdataError extends Error {
  readonly code: RdataErrorCode;

  constructor(code: RdataErrorCode, message: string) {
    super(message);
    this.name = 'RdataError';
    this.code = code;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Reads the fields of a record's presentation form one after the other. */
export interface TextCursor {
  readonly text: Buffer;
  pos: number;
}

/** Starts at the first field. */
export function openText(dataText: string): TextCursor {
  const cursor = { text: Buffer.from(dataText, 'utf8'), pos: 0 };
  skipSpace(cursor);
  return cursor;
}

/** Whether all fields are read. */
export function atEnd(cursor: TextCursor): boolean {
  return cursor.pos >= cursor.text.length;
}

/** The next field as it stands, escapes not undone: for numbers, names and hexadecimal text. */
export function readWord(cursor: TextCursor, what: string): string {
  if (atEnd(cursor)) throw new RdataError('MISSING_FIELD', `${what} is missing`);
  const start = cursor.pos;
  while (!atEnd(cursor) && !isSpace(cursor.text[cursor.pos]!)) {
    const octet = cursor.text[cursor.pos]!;
    if (octet === QUOTE) throw new RdataError('BAD_SYNTAX', `${what} must not be quoted`);
    refuseSpecial(octet);
    cursor.pos += octet === BACKSLASH ? 2 : 1;
  }
  const word = cursor.text.toString('utf8', start, cursor.pos);
  skipSpace(cursor);
  return word;
}

/** All remaining fields joined: hexadecimal and base64 text may be broken by blanks. */
export function readRest(cursor: TextCursor, what: string): string {
  let text = readWord(cursor, what);
  while (!atEnd(cursor)) text += readWord(cursor, what);
  return text;
}

/** The next character-string, quoted or not, escapes undone. Its length is for the caller to judge. */
export function readString(cursor: TextCursor, what: string): Buffer {
  if (atEnd(cursor)) throw new RdataError('MISSING_FIELD', `${what} is missing`);
  const octets = cursor.text[cursor.pos] === QUOTE ? readQuoted(cursor, what) : readUnquoted(cursor);
  skipSpace(cursor);
  return octets;
}

/** A decimal number from 0 to `max`. */
export function readNumber(cursor: TextCursor, what: string, max: number): number {
  return parseNumber(readWord(cursor, what), what, max);
}

/** A decimal number from 0 to `max`, from a text of its own. */
export function parseNumber(text: string, what: string, max: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw new RdataError('BAD_NUMBER', `${what} must be 0 to ${max}, not ${text}`);
  return value;
}

/** A domain name in wire form; absolute with or without its trailing dot, case kept. */
export function readName(cursor: TextCursor, what: string): Buffer {
  const text = readWord(cursor, what);
  // `@` means the origin in a zone file. Records here stand alone, so it would silently become a label.
  if (text === '@') throw new RdataError('BAD_NAME', `${what} must be written out, @ has no meaning here`);
  try {
    return encodeName(text);
  } catch (error) {
    if (error instanceof NameError) throw new RdataError('BAD_NAME', `${what}: ${error.message}`);
    throw error;
  }
}

/** The octets of a hexadecimal text. */
export function parseHex(text: string, what: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) {
    throw new RdataError('BAD_HEX', `${what} must be pairs of hexadecimal digits`);
  }
  return Buffer.from(text, 'hex');
}

/** The octets of a base64 text. */
export function parseBase64(text: string, what: string): Buffer {
  const octets = Buffer.from(text, 'base64');
  // Buffer skips what is no base64, so only a round trip shows that nothing was skipped.
  if (octets.toString('base64') !== text) throw new RdataError('BAD_BASE64', `${what} must be base64`);
  return octets;
}

/** Refuses what is left over. */
export function expectEnd(cursor: TextCursor): void {
  if (atEnd(cursor)) return;
  const rest = cursor.text.toString('utf8', cursor.pos, cursor.pos + 40);
  throw new RdataError('EXTRA_FIELD', `nothing is expected from here on: ${rest}`);
}

/** Octets of a character-string in presentation form, quoted. Accepted back by {@link readString}. */
export function quoteString(octets: Uint8Array): string {
  let text = '"';
  for (const octet of octets) {
    if (octet === QUOTE || octet === BACKSLASH) text += '\\' + String.fromCharCode(octet);
    else if (octet < 0x20 || octet > 0x7e) text += '\\' + String(octet).padStart(3, '0');
    else text += String.fromCharCode(octet);
  }
  return text + '"';
}

function readQuoted(cursor: TextCursor, what: string): Buffer {
  const octets: number[] = [];
  cursor.pos++;
  while (cursor.text[cursor.pos] !== QUOTE) {
    if (atEnd(cursor)) throw new RdataError('BAD_STRING', `${what} has no closing quote`);
    octets.push(readOctet(cursor));
  }
  cursor.pos++;
  if (!atEnd(cursor) && !isSpace(cursor.text[cursor.pos]!)) {
    throw new RdataError('BAD_STRING', `a blank is missing behind the closing quote of ${what}`);
  }
  return Buffer.from(octets);
}

function readUnquoted(cursor: TextCursor): Buffer {
  const octets: number[] = [];
  while (!atEnd(cursor) && !isSpace(cursor.text[cursor.pos]!)) {
    if (cursor.text[cursor.pos] === QUOTE) {
      throw new RdataError('BAD_STRING', 'a quote inside a word must be written \\"');
    }
    refuseSpecial(cursor.text[cursor.pos]!);
    octets.push(readOctet(cursor));
  }
  return Buffer.from(octets);
}

/** One octet, `\X` and `\DDD` undone (RFC 1035 section 5.1). */
function readOctet(cursor: TextCursor): number {
  const octet = cursor.text[cursor.pos++]!;
  if (octet !== BACKSLASH) return octet;
  const digits = /^[0-9]{3}/.exec(cursor.text.toString('latin1', cursor.pos, cursor.pos + 3))?.[0];
  if (digits !== undefined) {
    cursor.pos += 3;
    if (Number(digits) > 255) throw new RdataError('BAD_STRING', `\\${digits} is above 255`);
    return Number(digits);
  }
  const escaped = cursor.text[cursor.pos++];
  if (escaped === undefined || (escaped >= 0x30 && escaped <= 0x39)) {
    throw new RdataError('BAD_STRING', 'a backslash must stand before three digits or one other character');
  }
  return escaped;
}

/**
 * `;` starts a comment in a zone file and `(` `)` join lines. Taking them as text would make one record mean two
 * things, and the usual cause is a TXT record whose quotes were eaten by YAML.
 */
function refuseSpecial(octet: number): void {
  const char = String.fromCharCode(octet);
  if (char === ';' || char === '(' || char === ')') {
    throw new RdataError('BAD_SYNTAX', `${char} must stand in a quoted string: '"…"' in YAML`);
  }
}

function skipSpace(cursor: TextCursor): void {
  while (!atEnd(cursor) && isSpace(cursor.text[cursor.pos]!)) cursor.pos++;
}

function isSpace(octet: number): boolean {
  return octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d;
}

/** Reads the fields of a record's uncompressed wire form one after the other. */
export interface WireCursor {
  readonly data: Buffer;
  pos: number;
}

/** Starts at the first octet. */
export function openWire(rdata: Uint8Array): WireCursor {
  return { data: Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length), pos: 0 };
}

/** Octets that are not read yet. */
export function remaining(cursor: WireCursor): number {
  return cursor.data.length - cursor.pos;
}

/** An unsigned number of 1, 2 or 4 octets. */
export function takeNumber(cursor: WireCursor, octets: 1 | 2 | 4): number {
  return takeOctets(cursor, octets).readUIntBE(0, octets);
}

/** The next octets; not a copy. */
export function takeOctets(cursor: WireCursor, length: number): Buffer {
  if (length > remaining(cursor)) throw new RdataError('MALFORMED_RDATA', 'the rdata ends too early');
  cursor.pos += length;
  return cursor.data.subarray(cursor.pos - length, cursor.pos);
}

/** A character-string without its length octet. */
export function takeString(cursor: WireCursor): Buffer {
  return takeOctets(cursor, takeNumber(cursor, 1));
}

/** An uncompressed name as text with its trailing dot. */
export function takeName(cursor: WireCursor): string {
  const start = cursor.pos;
  let length: number;
  do {
    length = takeNumber(cursor, 1);
    if (length > 63) throw new RdataError('MALFORMED_RDATA', 'a name in the rdata is compressed or broken');
    takeOctets(cursor, length);
  } while (length !== 0);
  if (cursor.pos - start > NAME_OCTETS_MAX) {
    throw new RdataError('MALFORMED_RDATA', `a name in the rdata is longer than ${NAME_OCTETS_MAX} octets`);
  }
  const text = decodeName(cursor.data, start);
  return text === '.' ? text : text + '.';
}

/**
 * The rdata of SVCB and HTTPS records (RFC 9460): priority, target and service parameters. Everything about
 * parameters is here; `rr-types.ts` knows only that the two types share this form.
 */
import { formatAddress, parseAddress } from './ip-text.ts';
import {
  atEnd,
  openWire,
  parseBase64,
  parseNumber,
  quoteString,
  RdataError,
  readName,
  readNumber,
  readString,
  remaining,
  takeName,
  takeNumber,
  takeOctets,
  takeString,
  type TextCursor,
  type WireCursor,
} from './rdata-cursor.ts';

/** One kind of parameter: its value between the octets of the character-string and the wire. */
interface Parameter {
  readonly key: number;
  readonly name: string;
  /** From the character-string, escapes undone; undefined when the text has no `=`. */
  readonly parse: (value: Buffer | undefined, name: string) => Buffer;
  /** To presentation form, without the key; throws when the wire value is malformed. */
  readonly format: (value: WireCursor) => string;
}

/** RFC 9460 section 14.3.2, with dohpath (RFC 9461) and ohttp (RFC 9540). */
const PARAMETERS: readonly Parameter[] = [
  { key: 0, name: 'mandatory', parse: parseMandatory, format: formatMandatory },
  { key: 1, name: 'alpn', parse: parseAlpn, format: formatAlpn },
  { key: 2, name: 'no-default-alpn', parse: parseEmpty, format: formatEmpty },
  { key: 3, name: 'port', parse: parsePort, format: formatPort },
  { key: 4, name: 'ipv4hint', parse: parseHints(4), format: formatHints(4) },
  { key: 5, name: 'ech', parse: parseEch, format: formatEch },
  { key: 6, name: 'ipv6hint', parse: parseHints(16), format: formatHints(16) },
  { key: 7, name: 'dohpath', parse: requireValue, format: formatOpaque },
  { key: 8, name: 'ohttp', parse: parseEmpty, format: formatEmpty },
];
const BY_NAME = new Map(PARAMETERS.map((parameter) => [parameter.name, parameter]));
const BY_KEY = new Map(PARAMETERS.map((parameter) => [parameter.key, parameter]));

/** Keys of this number on are printed as `keyNNN`: zone tools of today do not know their names yet. */
const NAMED_KEYS_END = 7;
/** RFC 9460 section 14.3.2: reserved as the invalid key. */
const INVALID_KEY = 65535;
const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;

/** Reads `priority target params…` (RFC 9460 section 2.1). */
export function parseSvcb(cursor: TextCursor): Buffer {
  const priority = Buffer.alloc(2);
  priority.writeUInt16BE(readNumber(cursor, 'the priority', 65535));
  const target = readName(cursor, 'the target');
  const params = new Map<number, Buffer>();
  while (!atEnd(cursor)) {
    const { key, name, value } = readParameter(cursor);
    // RFC 9460 section 2.1: SvcParamKeys MUST NOT be repeated.
    if (params.has(key)) throw new RdataError('BAD_PARAMETER', `${name} appears twice`);
    params.set(key, value);
  }
  checkTogether(params);
  return Buffer.concat([priority, target, ...encodeParameters(params)]);
}

/** Prints the rdata, and refuses it when any part of it is malformed (RFC 9460 section 2.2). */
export function formatSvcb(cursor: WireCursor): string {
  const parts = [String(takeNumber(cursor, 2)), takeName(cursor)];
  const params = new Map<number, Buffer>();
  let last = -1;
  while (remaining(cursor) > 0) {
    const key = takeNumber(cursor, 2);
    // RFC 9460 section 2.2: keys appear in increasing order, each once.
    if (key <= last) throw new RdataError('MALFORMED_RDATA', 'the parameters are not in increasing order');
    last = key;
    const value = takeOctets(cursor, takeNumber(cursor, 2));
    params.set(key, value);
    parts.push(formatParameter(key, value));
  }
  checkTogether(params);
  return parts.join(' ');
}

function readParameter(cursor: TextCursor): { key: number; name: string; value: Buffer } {
  const name = readKey(cursor);
  let text: Buffer | undefined;
  if (cursor.text[cursor.pos] === 0x3d) {
    cursor.pos++;
    text = readValue(cursor, name);
  } else {
    skipBlank(cursor, name);
  }
  const known = BY_NAME.get(name);
  if (known) return { key: known.key, name, value: known.parse(text, name) };
  const key = numberedKey(name);
  const value = text ?? Buffer.alloc(0);
  // RFC 9460 section 2.1: keyNNNNN holds the wire value; it must still be a valid one where the key is known.
  BY_KEY.get(key)?.format(openWire(value));
  return { key, name, value };
}

function readKey(cursor: TextCursor): string {
  const match = /^[a-z0-9-]+/.exec(cursor.text.toString('latin1', cursor.pos, cursor.pos + 64));
  if (!match) {
    const rest = cursor.text.toString('utf8', cursor.pos, cursor.pos + 20);
    throw new RdataError('BAD_PARAMETER', `a parameter must start with a lower-case key: ${rest}`);
  }
  cursor.pos += match[0].length;
  return match[0];
}

/** `key=` at a blank is the empty value, not the next word. */
function readValue(cursor: TextCursor, name: string): Buffer {
  const next = cursor.text[cursor.pos];
  if (next !== undefined && ![0x20, 0x09, 0x0a, 0x0d].includes(next)) return readString(cursor, name);
  skipBlank(cursor, name);
  return Buffer.alloc(0);
}

function skipBlank(cursor: TextCursor, name: string): void {
  if (atEnd(cursor)) return;
  const match = /^[ \t\r\n]+/.exec(cursor.text.toString('latin1', cursor.pos));
  if (!match) throw new RdataError('BAD_PARAMETER', `${name} is followed by neither = nor a blank`);
  cursor.pos += match[0].length;
}

/** `keyNNN` without leading zeros (RFC 9460 section 2.1). */
function numberedKey(name: string): number {
  const digits = /^key(0|[1-9][0-9]{0,4})$/.exec(name)?.[1];
  if (digits === undefined) {
    const known = PARAMETERS.map((parameter) => parameter.name).join(', ');
    throw new RdataError('BAD_PARAMETER', `${name} is no parameter; known are ${known} and keyNNN`);
  }
  const key = parseNumber(digits, name, 65535);
  if (key === INVALID_KEY) throw new RdataError('BAD_PARAMETER', 'key65535 is reserved');
  return key;
}

function nameOf(key: number): string {
  const known = key < NAMED_KEYS_END ? BY_KEY.get(key) : undefined;
  return known?.name ?? `key${key}`;
}

function keyOf(name: string): number {
  return BY_NAME.get(name)?.key ?? numberedKey(name);
}

/** What holds between parameters. */
function checkTogether(params: ReadonlyMap<number, Buffer>): void {
  // RFC 9460 section 7.1.1: no-default-alpn without alpn is not self-consistent.
  if (params.has(NO_DEFAULT_ALPN) && !params.has(ALPN)) {
    throw new RdataError('BAD_PARAMETER', 'no-default-alpn needs alpn beside it');
  }
  // RFC 9460 section 8: each key listed as mandatory must be present.
  for (const key of mandatoryKeys(params.get(MANDATORY) ?? Buffer.alloc(0))) {
    if (!params.has(key))
      throw new RdataError('BAD_PARAMETER', `mandatory lists ${nameOf(key)}, which is absent`);
  }
}

function encodeParameters(params: ReadonlyMap<number, Buffer>): Buffer[] {
  return [...params]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([key, value]) => {
      if (value.length > 65535) throw new RdataError('RDATA_TOO_LONG', `${nameOf(key)} is too long`);
      const head = Buffer.alloc(4);
      head.writeUInt16BE(key, 0);
      head.writeUInt16BE(value.length, 2);
      return [head, value];
    });
}

function formatParameter(key: number, value: Buffer): string {
  if (key === INVALID_KEY) throw new RdataError('MALFORMED_RDATA', 'key65535 is reserved');
  const cursor = openWire(value);
  const text = (BY_KEY.get(key)?.format ?? formatOpaque)(cursor);
  if (key < NAMED_KEYS_END && BY_KEY.has(key)) return text === '' ? nameOf(key) : `${nameOf(key)}=${text}`;
  return value.length === 0 ? nameOf(key) : `${nameOf(key)}=${quoteString(value)}`;
}

function requireValue(value: Buffer | undefined, name: string): Buffer {
  if (value === undefined || value.length === 0)
    throw new RdataError('BAD_PARAMETER', `${name} needs a value`);
  return value;
}

function formatOpaque(value: WireCursor): string {
  return quoteString(takeOctets(value, remaining(value)));
}

function parseEmpty(value: Buffer | undefined, name: string): Buffer {
  if (value !== undefined && value.length > 0) {
    throw new RdataError('BAD_PARAMETER', `${name} takes no value`);
  }
  return Buffer.alloc(0);
}

function formatEmpty(value: WireCursor): string {
  if (remaining(value) > 0) throw new RdataError('MALFORMED_RDATA', 'a parameter without value has one');
  return '';
}

/**
 * A comma-separated list: `\,` and `\\` inside an item stand for themselves (RFC 9460 appendix A.1).
 * This is a second layer below the escapes of the character-string.
 */
function splitList(value: Buffer, name: string): Buffer[] {
  const items: number[][] = [[]];
  for (let i = 0; i < value.length; i++) {
    const octet = value[i]!;
    if (octet === 0x2c) items.push([]);
    else if (octet !== 0x5c) items.at(-1)!.push(octet);
    else if (value[i + 1] === 0x2c || value[i + 1] === 0x5c) items.at(-1)!.push(value[++i]!);
    else
      throw new RdataError(
        'BAD_PARAMETER',
        `a backslash in ${name} must stand before a comma or a backslash`,
      );
  }
  if (items.some((item) => item.length === 0)) {
    throw new RdataError('BAD_PARAMETER', `${name} has an empty item`);
  }
  return items.map((item) => Buffer.from(item));
}

function parseMandatory(value: Buffer | undefined, name: string): Buffer {
  const keys = splitList(requireValue(value, name), name).map((item) => keyOf(item.toString('latin1')));
  const wire = Buffer.alloc(keys.length * 2);
  keys.toSorted((a, b) => a - b).forEach((key, i) => wire.writeUInt16BE(key, i * 2));
  mandatoryKeys(wire);
  return wire;
}

/** RFC 9460 section 8: in increasing order, each once, and `mandatory` itself is not among them. */
function mandatoryKeys(value: Buffer): number[] {
  const keys = Array.from({ length: value.length >> 1 }, (_, i) => value.readUInt16BE(i * 2));
  if (value.length % 2 !== 0) throw new RdataError('MALFORMED_RDATA', 'mandatory has an odd length');
  if (keys.some((key, i) => key === MANDATORY || (i > 0 && key <= keys[i - 1]!))) {
    throw new RdataError('BAD_PARAMETER', 'mandatory lists a key twice, or itself');
  }
  return keys;
}

function formatMandatory(value: WireCursor): string {
  if (remaining(value) === 0) throw new RdataError('MALFORMED_RDATA', 'mandatory is empty');
  return mandatoryKeys(takeOctets(value, remaining(value)))
    .map((key) => nameOf(key))
    .join(',');
}

function parseAlpn(value: Buffer | undefined, name: string): Buffer {
  const parts = splitList(requireValue(value, name), name).flatMap((id) => {
    if (id.length > 255) throw new RdataError('BAD_PARAMETER', 'a protocol id is longer than 255 octets');
    return [Buffer.of(id.length), id];
  });
  return Buffer.concat(parts);
}

function formatAlpn(value: WireCursor): string {
  const ids: string[] = [];
  do {
    const id = takeString(value);
    if (id.length === 0) throw new RdataError('MALFORMED_RDATA', 'alpn has an empty protocol id');
    ids.push(id.toString('latin1').replaceAll(/[\\,]/g, '\\$&'));
  } while (remaining(value) > 0);
  return quoteString(Buffer.from(ids.join(','), 'latin1'));
}

function parsePort(value: Buffer | undefined, name: string): Buffer {
  const wire = Buffer.alloc(2);
  wire.writeUInt16BE(parseNumber(requireValue(value, name).toString('latin1'), name, 65535));
  return wire;
}

function formatPort(value: WireCursor): string {
  const port = takeNumber(value, 2);
  formatEmpty(value);
  return String(port);
}

function parseHints(octets: 4 | 16): Parameter['parse'] {
  return (value, name) =>
    Buffer.concat(
      splitList(requireValue(value, name), name).map((item) => {
        const address = parseAddress(item.toString('latin1'));
        if (address?.length === octets) return address;
        throw new RdataError('BAD_ADDRESS', `${item.toString('latin1')} is no address for ${name}`);
      }),
    );
}

function formatHints(octets: 4 | 16): Parameter['format'] {
  return (value) => {
    const addresses: string[] = [];
    do addresses.push(formatAddress(takeOctets(value, octets)));
    while (remaining(value) > 0);
    return addresses.join(',');
  };
}

function parseEch(value: Buffer | undefined, name: string): Buffer {
  return parseBase64(requireValue(value, name).toString('latin1'), 'ech');
}

function formatEch(value: WireCursor): string {
  if (remaining(value) === 0) throw new RdataError('MALFORMED_RDATA', 'ech is empty');
  return takeOctets(value, remaining(value)).toString('base64');
}

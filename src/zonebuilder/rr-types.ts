/**
 * The RR types: one table with code, mnemonic and the way between presentation text and wire rdata, which every
 * consumer looks up. Types that are not in it are served as opaque octets (RFC 3597). Where records may stand,
 * and what they mean together, is for others to say.
 */
import { formatSshfp, formatTlsa, parseSshfp, parseTlsa } from './fingerprints.ts';
import { formatAddress, parseAddress } from './ip-text.ts';
import { Type } from './dns.ts';
import { formatLoc, parseLoc } from './loc.ts';
import { formatNaptr, parseNaptr } from './naptr.ts';
import {
  atEnd,
  expectEnd,
  openText,
  openWire,
  parseBase64,
  parseHex,
  quoteString,
  RdataError,
  readName,
  readNumber,
  readRest,
  readString,
  readWord,
  remaining,
  STRING_OCTETS_MAX,
  takeName,
  takeNumber,
  takeOctets,
  takeString,
  type TextCursor,
  type WireCursor,
} from './rdata-cursor.ts';
import { formatSvcb, parseSvcb } from './svcb.ts';

export { RdataError, type RdataErrorCode } from './rdata-cursor.ts';

/** Longest rdata in octets: RDLENGTH is 16 bits (RFC 1035 section 3.2.1). */
export const RDATA_OCTETS_MAX = 65535;

/** What is known of one type. */
export interface RrType {
  readonly code: number;
  readonly mnemonic: string;
  /** Reads presentation form into uncompressed wire form. Absent: only RFC 3597's `\#` form is read. */
  readonly parse?: (cursor: TextCursor) => Buffer;
  /** Prints wire form; throws on malformed rdata. Absent: RFC 3597's `\#` form is printed. */
  readonly format?: (cursor: WireCursor) => string;
  /** Where in the rdata the name stands that a resolver looks up next (RFC 1035 section 3.3). */
  readonly targetOffset?: number;
  /** Why an operator may not give such a record. */
  readonly refused?: string;
}

const MADE_HERE = 'fedns makes the SOA record itself';
const SIGNED = 'fedns makes signatures and proofs itself';
const KEYS_OWN = 'the keys of dnssec are served by themselves';
const SYNTHESIS = 'its aliases would have to be synthesised, which fedns does not';
const QUESTION_ONLY = 'it exists in questions and transactions only (RFC 6895 section 3.1)';

/** Every type that fedns knows by name. */
const RR_TYPES: readonly RrType[] = [
  { code: 1, mnemonic: 'A', parse: parseAddressOf(4), format: formatAddressOf(4) },
  { code: 2, mnemonic: 'NS', parse: parseTarget, format: takeName, targetOffset: 0 },
  { code: 5, mnemonic: 'CNAME', parse: parseTarget, format: takeName, targetOffset: 0 },
  { code: 6, mnemonic: 'SOA', format: formatSoa, refused: MADE_HERE },
  { code: 12, mnemonic: 'PTR', parse: parseTarget, format: takeName, targetOffset: 0 },
  { code: 15, mnemonic: 'MX', parse: parseMx, format: formatMx, targetOffset: 2 },
  { code: 16, mnemonic: 'TXT', parse: parseTxt, format: formatTxt },
  { code: 24, mnemonic: 'SIG', refused: SIGNED },
  { code: 25, mnemonic: 'KEY', refused: SIGNED },
  { code: 28, mnemonic: 'AAAA', parse: parseAddressOf(16), format: formatAddressOf(16) },
  { code: 29, mnemonic: 'LOC', parse: parseLoc, format: formatLoc },
  { code: 30, mnemonic: 'NXT', refused: SIGNED },
  { code: 33, mnemonic: 'SRV', parse: parseSrv, format: formatSrv, targetOffset: 6 },
  { code: 35, mnemonic: 'NAPTR', parse: parseNaptr, format: formatNaptr },
  { code: 39, mnemonic: 'DNAME', refused: SYNTHESIS },
  { code: 41, mnemonic: 'OPT', refused: QUESTION_ONLY },
  { code: 43, mnemonic: 'DS', parse: parseDs, format: formatDs },
  { code: 44, mnemonic: 'SSHFP', parse: parseSshfp, format: formatSshfp },
  { code: 46, mnemonic: 'RRSIG', refused: SIGNED },
  { code: 47, mnemonic: 'NSEC', refused: SIGNED },
  { code: 48, mnemonic: 'DNSKEY', format: formatDnskey, refused: KEYS_OWN },
  { code: 50, mnemonic: 'NSEC3', refused: SIGNED },
  { code: 51, mnemonic: 'NSEC3PARAM', refused: SIGNED },
  { code: 52, mnemonic: 'TLSA', parse: parseTlsa, format: formatTlsa },
  { code: 59, mnemonic: 'CDS', parse: parseDs, format: formatDs },
  { code: 60, mnemonic: 'CDNSKEY', parse: parseDnskey, format: formatDnskey },
  { code: 64, mnemonic: 'SVCB', parse: parseSvcb, format: formatSvcb, targetOffset: 2 },
  { code: 65, mnemonic: 'HTTPS', parse: parseSvcb, format: formatSvcb, targetOffset: 2 },
  { code: 249, mnemonic: 'TKEY', refused: QUESTION_ONLY },
  { code: 250, mnemonic: 'TSIG', refused: QUESTION_ONLY },
  { code: 251, mnemonic: 'IXFR', refused: QUESTION_ONLY },
  { code: 252, mnemonic: 'AXFR', refused: QUESTION_ONLY },
  { code: 253, mnemonic: 'MAILB', refused: QUESTION_ONLY },
  { code: 254, mnemonic: 'MAILA', refused: QUESTION_ONLY },
  { code: 255, mnemonic: 'ANY', refused: QUESTION_ONLY },
  { code: 257, mnemonic: 'CAA', parse: parseCaa, format: formatCaa },
  // No type of DNS: it stands for the addresses of a Service. Its code is reserved, so that nobody can ask for it.
  { code: Type.ALIAS, mnemonic: 'ALIAS', parse: parseTarget, format: takeName, targetOffset: 0 },
];
const BY_MNEMONIC = new Map(RR_TYPES.map((type) => [type.mnemonic, type]));
const BY_CODE = new Map(RR_TYPES.map((type) => [type.code, type]));

/** Mnemonics of the types whose records may be given in presentation form. */
export const WRITABLE_TYPES: readonly string[] = RR_TYPES.filter((type) => type.parse).map(
  (type) => type.mnemonic,
);

/**
 * The code of a type: a mnemonic in any case, or `TYPEnnn` (RFC 3597 section 5).
 *
 * @returns 0 to 65535, or undefined when the text names no type
 */
export function typeCode(name: string): number | undefined {
  const upper = name.toUpperCase();
  const known = BY_MNEMONIC.get(upper);
  if (known) return known.code;
  const digits = /^TYPE(0|[1-9][0-9]{0,4})$/.exec(upper)?.[1];
  return digits !== undefined && Number(digits) <= 65535 ? Number(digits) : undefined;
}

/** The mnemonic of a type, or `TYPEnnn`. */
export function typeText(code: number): string {
  return BY_CODE.get(code)?.mnemonic ?? `TYPE${code}`;
}

/**
 * The code of a type that an operator may give records of.
 *
 * @throws RdataError UNKNOWN_TYPE or TYPE_REFUSED
 */
export function recordTypeCode(typeName: string): number {
  const code = typeCode(typeName);
  if (code === undefined) {
    throw new RdataError(
      'UNKNOWN_TYPE',
      `${typeName} is no RR type; known are ${WRITABLE_TYPES.join(', ')} and TYPEnnn`,
    );
  }
  const isByName = BY_MNEMONIC.has(typeName.toUpperCase());
  const reason = BY_CODE.get(code)?.refused ?? (isByName ? undefined : refusedRange(code));
  if (reason === undefined) return code;
  throw new RdataError('TYPE_REFUSED', `${typeText(code)} records cannot be given: ${reason}`);
}

/**
 * Turns a record's presentation form into wire form. RFC 3597's `\# length hex` is read for every type.
 *
 * @param typeName - mnemonic or `TYPEnnn`
 * @param dataText - one line, fields parted by blanks; names are absolute with or without a trailing dot
 * @returns the type's code and its rdata: names uncompressed, their case kept
 * @throws RdataError
 */
export function parseRdata(typeName: string, dataText: string): { type: number; rdata: Buffer } {
  const type = recordTypeCode(typeName);
  const cursor = openText(dataText);
  const rdata = isGeneric(cursor) ? parseGeneric(type, cursor) : parseKnown(type, cursor);
  expectEnd(cursor);
  if (rdata.length > RDATA_OCTETS_MAX) {
    throw new RdataError(
      'RDATA_TOO_LONG',
      `the data has ${rdata.length} octets, the limit is ${RDATA_OCTETS_MAX}`,
    );
  }
  return { type, rdata };
}

/**
 * Turns wire form into presentation form as zone files take it: names absolute with their trailing dot, strings
 * quoted, `\# length hex` for types without a form of their own.
 *
 * @throws RdataError MALFORMED_RDATA when the octets are no rdata of that type
 */
export function formatRdata(type: number, rdata: Uint8Array): string {
  const format = BY_CODE.get(type)?.format;
  if (!format) return formatGeneric(rdata);
  const cursor = openWire(rdata);
  const text = format(cursor);
  if (remaining(cursor) > 0)
    throw new RdataError('MALFORMED_RDATA', `the ${typeText(type)} rdata is too long`);
  return text;
}

/**
 * Where in a type's rdata the name stands that a resolver looks up next: exchange, SRV target, name server, alias.
 *
 * @returns an offset in octets, or undefined for types without such a name
 */
export function targetOffset(type: number): number | undefined {
  return BY_CODE.get(type)?.targetOffset;
}

/** RFC 6895 section 3.1: 128 to 255 are question and meta types; 0 is reserved, and so is 65535. */
function refusedRange(code: number): string | undefined {
  if (code >= 128 && code <= 255) return QUESTION_ONLY;
  return code === 0 || code === 65535 ? 'the code is reserved (RFC 6895 section 3.1)' : undefined;
}

function isGeneric(cursor: TextCursor): boolean {
  return /^\\#(?:[ \t\r\n]|$)/.test(cursor.text.toString('latin1', cursor.pos, cursor.pos + 3));
}

function parseKnown(type: number, cursor: TextCursor): Buffer {
  const parse = BY_CODE.get(type)?.parse;
  if (parse) return parse(cursor);
  throw new RdataError(
    'BAD_GENERIC',
    `${typeText(type)} data must have the form \\# LENGTH HEX (RFC 3597 section 5)`,
  );
}

function parseGeneric(type: number, cursor: TextCursor): Buffer {
  readWord(cursor, '\\#');
  const length = readNumber(cursor, 'the length', RDATA_OCTETS_MAX);
  const rdata = atEnd(cursor) ? Buffer.alloc(0) : parseHex(readRest(cursor, 'the data'), 'the data');
  if (rdata.length !== length) {
    throw new RdataError('BAD_GENERIC', `the data has ${rdata.length} octets, its length says ${length}`);
  }
  // RFC 3597 section 5: rdata of a known type must be valid for it in this form, too.
  formatRdata(type, rdata);
  return rdata;
}

function formatGeneric(rdata: Uint8Array): string {
  const hex = Buffer.from(rdata).toString('hex');
  return hex === '' ? '\\# 0' : `\\# ${rdata.length} ${hex}`;
}

function parseAddressOf(octets: 4 | 16): (cursor: TextCursor) => Buffer {
  return (cursor) => {
    const text = readWord(cursor, 'the address');
    const address = parseAddress(text);
    if (address?.length === octets) return address;
    throw new RdataError('BAD_ADDRESS', `${text} is no IPv${octets === 4 ? 4 : 6} address`);
  };
}

function formatAddressOf(octets: 4 | 16): (cursor: WireCursor) => string {
  return (cursor) => formatAddress(takeOctets(cursor, octets));
}

function parseTarget(cursor: TextCursor): Buffer {
  return readName(cursor, 'the target');
}

function formatSoa(cursor: WireCursor): string {
  const names = `${takeName(cursor)} ${takeName(cursor)}`;
  const numbers = Array.from({ length: 5 }, () => takeNumber(cursor, 4));
  return `${names} ${numbers.join(' ')}`;
}

function parseMx(cursor: TextCursor): Buffer {
  return Buffer.concat([readUint16(cursor, 'the preference'), readName(cursor, 'the exchange')]);
}

function formatMx(cursor: WireCursor): string {
  return `${takeNumber(cursor, 2)} ${takeName(cursor)}`;
}

function parseTxt(cursor: TextCursor): Buffer {
  const parts: Buffer[] = [];
  do {
    const octets = readString(cursor, 'the text');
    if (octets.length > STRING_OCTETS_MAX) {
      throw new RdataError(
        'BAD_STRING',
        `a string has ${octets.length} octets, the limit is ${STRING_OCTETS_MAX}; write it as several: "…" "…"`,
      );
    }
    parts.push(Buffer.of(octets.length), octets);
  } while (!atEnd(cursor));
  return Buffer.concat(parts);
}

function formatTxt(cursor: WireCursor): string {
  const strings: string[] = [];
  do strings.push(quoteString(takeString(cursor)));
  while (remaining(cursor) > 0);
  return strings.join(' ');
}

function parseSrv(cursor: TextCursor): Buffer {
  const numbers = ['the priority', 'the weight', 'the port'].map((what) => readUint16(cursor, what));
  return Buffer.concat([...numbers, readName(cursor, 'the target')]);
}

function formatSrv(cursor: WireCursor): string {
  const numbers = [takeNumber(cursor, 2), takeNumber(cursor, 2), takeNumber(cursor, 2)];
  return `${numbers.join(' ')} ${takeName(cursor)}`;
}

/** RFC 8659 section 4.1: the tag is letters and digits, the value runs to the end of the rdata. */
const CAA_TAG = /^[A-Za-z0-9]{1,255}$/;

function parseCaa(cursor: TextCursor): Buffer {
  const flags = readNumber(cursor, 'the flags', 255);
  const tag = readWord(cursor, 'the tag');
  if (!CAA_TAG.test(tag)) throw new RdataError('BAD_SYNTAX', `the tag ${tag} must be letters and digits`);
  const value = readString(cursor, 'the value');
  return Buffer.concat([Buffer.of(flags, tag.length), Buffer.from(tag), value]);
}

function formatCaa(cursor: WireCursor): string {
  const flags = takeNumber(cursor, 1);
  const tag = takeString(cursor).toString('latin1');
  if (!CAA_TAG.test(tag)) throw new RdataError('MALFORMED_RDATA', 'the CAA tag is not letters and digits');
  return `${flags} ${tag} ${quoteString(takeOctets(cursor, remaining(cursor)))}`;
}

/** Octets of a digest by its type (RFC 4034 section 5.1.4, RFC 4509, RFC 5933, RFC 6605). */
const DIGEST_OCTETS: ReadonlyMap<number, number> = new Map([
  [1, 20],
  [2, 32],
  [3, 32],
  [4, 48],
]);

/** Mnemonics that RFC 4034 section 5.3 lets stand for the algorithm's number. */
const ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ['RSASHA1', 5],
  ['RSASHA256', 8],
  ['RSASHA512', 10],
  ['ECDSAP256SHA256', 13],
  ['ECDSAP384SHA384', 14],
  ['ED25519', 15],
  ['ED448', 16],
]);

function parseDs(cursor: TextCursor): Buffer {
  const keyTag = readUint16(cursor, 'the key tag');
  const algorithm = readAlgorithm(cursor);
  const digestType = readNumber(cursor, 'the digest type', 255);
  const digest = parseHex(readRest(cursor, 'the digest'), 'the digest');
  checkDigest(digestType, digest.length);
  return Buffer.concat([keyTag, Buffer.of(algorithm, digestType), digest]);
}

function readAlgorithm(cursor: TextCursor): number {
  const start = cursor.pos;
  const known = ALGORITHMS.get(readWord(cursor, 'the algorithm').toUpperCase());
  if (known !== undefined) return known;
  cursor.pos = start;
  return readNumber(cursor, 'the algorithm', 255);
}

function formatDs(cursor: WireCursor): string {
  const [keyTag, algorithm, digestType] = [
    takeNumber(cursor, 2),
    takeNumber(cursor, 1),
    takeNumber(cursor, 1),
  ];
  const digest = takeOctets(cursor, remaining(cursor));
  checkDigest(digestType, digest.length);
  return `${keyTag} ${algorithm} ${digestType} ${digest.toString('hex').toUpperCase()}`;
}

function parseDnskey(cursor: TextCursor): Buffer {
  const flags = readUint16(cursor, 'the flags');
  const protocol = readNumber(cursor, 'the protocol', 255);
  const algorithm = readAlgorithm(cursor);
  const key = parseBase64(readRest(cursor, 'the key'), 'the key');
  return Buffer.concat([flags, Buffer.of(protocol, algorithm), key]);
}

function formatDnskey(cursor: WireCursor): string {
  const numbers = [takeNumber(cursor, 2), takeNumber(cursor, 1), takeNumber(cursor, 1)];
  const key = takeOctets(cursor, remaining(cursor));
  if (key.length === 0) throw new RdataError('MALFORMED_RDATA', 'there is no key');
  return `${numbers.join(' ')} ${key.toString('base64')}`;
}

function checkDigest(digestType: number, octets: number): void {
  const expected = DIGEST_OCTETS.get(digestType);
  if (expected === undefined ? octets > 0 : octets === expected) return;
  throw new RdataError(
    'MALFORMED_RDATA',
    `a digest of type ${digestType} has ${expected ?? 'some'} octets, not ${octets}`,
  );
}

function readUint16(cursor: TextCursor, what: string): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(readNumber(cursor, what, 65535));
  return octets;
}

/** The TSIG record as it stands in a message (RFC 8945 section 4.2): where its parts are. What they are worth is verify.ts. */

/** Positions from the start of the octets that were looked at; numbers in units of the RFC. */
export interface TsigRecord {
  /** Of the owner name: the end of what the MAC covers of the message. */
  readonly at: number;
  readonly keyName: Buffer;
  readonly algorithmName: Buffer;
  /** Seconds since 1970. */
  readonly timeSigned: number;
  readonly fudgeSeconds: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

const TYPE_TSIG = 250;
const CLASS_ANY = 255;
const HEADER_OCTETS = 12;
/** Time signed, fudge, MAC size. */
const HEAD_OCTETS = 10;
/** Original ID, error, other length. */
const TAIL_OCTETS = 6;

/** The record of a message, `undefined` where it has none, `malformed` where it has one that the RFC does not allow. */
export function findTsig(message: Buffer): TsigRecord | undefined | 'malformed' {
  const counts = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
  const [questions = 0, ...sections] = counts;
  let at: number = HEADER_OCTETS;
  for (let left = questions; left > 0; left--) {
    at = skipName(message, at) + 4;
    if (at <= 4 || at > message.length) return 'malformed';
  }
  const records = sections.reduce((sum, count) => sum + count, 0);
  for (let i = 0; i < records; i++) {
    const fixed = skipName(message, at);
    if (fixed <= 0 || fixed + 10 > message.length) return 'malformed';
    const end = fixed + 10 + message.readUInt16BE(fixed + 8);
    if (end > message.length) return 'malformed';
    if (message.readUInt16BE(fixed) === TYPE_TSIG) {
      // Section 5.1: one, and the last record of the message.
      const isLast = i === records - 1 && sections[2]! > 0 && end === message.length;
      return isLast ? (readTsig(message, at, fixed, end) ?? 'malformed') : 'malformed';
    }
    at = end;
  }
  return at === message.length ? undefined : 'malformed';
}

/**
 * Reads the record whose owner is at `at` and whose type is at `fixed`.
 *
 * @returns undefined where its form is not that of RFC 8945 section 4.2
 */
export function readTsig(message: Buffer, at: number, fixed: number, end: number): TsigRecord | undefined {
  if (message.readUInt16BE(fixed + 2) !== CLASS_ANY || message.readUInt32BE(fixed + 4) !== 0)
    return undefined;
  const algorithm = fixed + 10;
  const time = plainNameEnd(message, algorithm, end);
  if (plainNameEnd(message, at, fixed) !== fixed || time === 0) return undefined;
  if (time + HEAD_OCTETS + TAIL_OCTETS > end) return undefined;
  const mac = time + HEAD_OCTETS;
  const tail = mac + message.readUInt16BE(time + 8);
  if (tail + TAIL_OCTETS > end || tail + TAIL_OCTETS + message.readUInt16BE(tail + 4) !== end)
    return undefined;
  return {
    at,
    keyName: lower(message.subarray(at, fixed)),
    algorithmName: lower(message.subarray(algorithm, time)),
    timeSigned: message.readUIntBE(time, 6),
    fudgeSeconds: message.readUInt16BE(time + 6),
    mac: message.subarray(mac, tail),
    originalId: message.readUInt16BE(tail),
    error: message.readUInt16BE(tail + 2),
    other: message.subarray(tail + TAIL_OCTETS, end),
  };
}

/** A record to be written. */
export interface TsigFields {
  readonly wireName: Buffer;
  readonly wireAlgorithm: Buffer;
  readonly timeSigned: number;
  readonly fudgeSeconds: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** Octets of a record with a MAC and other data of these lengths. */
export function tsigOctets(nameOctets: number, macOctets: number, otherOctets = 0): number {
  return nameOctets + 10 + HEAD_OCTETS + macOctets + TAIL_OCTETS + otherOctets;
}

/** Writes a record. @returns the position behind it */
export function writeTsig(to: Buffer, start: number, fields: TsigFields): number {
  const { wireName, wireAlgorithm, mac, other } = fields;
  let at = start + wireName.copy(to, start);
  at = to.writeUInt16BE(TYPE_TSIG, at);
  at = to.writeUInt16BE(CLASS_ANY, at);
  at = to.writeUInt32BE(0, at);
  at = to.writeUInt16BE(wireAlgorithm.length + HEAD_OCTETS + mac.length + TAIL_OCTETS + other.length, at);
  at += wireAlgorithm.copy(to, at);
  at = to.writeUIntBE(fields.timeSigned, at, 6);
  at = to.writeUInt16BE(fields.fudgeSeconds, at);
  at = to.writeUInt16BE(mac.length, at);
  to.set(mac, at);
  at = to.writeUInt16BE(fields.originalId, at + mac.length);
  at = to.writeUInt16BE(fields.error, at);
  at = to.writeUInt16BE(other.length, at);
  to.set(other, at);
  return at + other.length;
}

/** Skips a name that may end in a pointer. @returns 0 where there is none */
function skipName(message: Buffer, from: number): number {
  for (let at = from; at < message.length;) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return 0;
    at += length + 1;
  }
  return 0;
}

/** The end of an uncompressed name that ends by `end`; 0 when there is none (section 4.2: no compression). */
function plainNameEnd(message: Buffer, from: number, end: number): number {
  for (let at = from; at < end && at - from < 255;) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length > 63) return 0;
    at += length + 1;
  }
  return 0;
}

/** Names go into the digest in lower case (section 4.3.3); length octets are below all letters. */
function lower(name: Buffer): Buffer {
  const copy = Buffer.from(name);
  for (let i = 0; i < copy.length; i++) if (copy[i]! >= 0x41 && copy[i]! <= 0x5a) copy[i]! += 0x20;
  return copy;
}

/** Records that say by which certificate or key a server is known: TLSA (RFC 6698) and SSHFP (RFC 4255, RFC 6594, RFC 7479). */
import {
  parseHex,
  RdataError,
  readNumber,
  readRest,
  remaining,
  takeNumber,
  takeOctets,
  type TextCursor,
  type WireCursor,
} from './rdata-cursor.ts';

/** Octets of a digest by its number in the record: SHA-1, SHA-256 and SHA-512 where the type has them. */
const TLSA_DIGEST_OCTETS: ReadonlyMap<number, number> = new Map([
  [1, 32],
  [2, 64],
]);
const SSHFP_DIGEST_OCTETS: ReadonlyMap<number, number> = new Map([
  [1, 20],
  [2, 32],
]);

/** RFC 6698 section 2.2: usage, selector and matching type as numbers, then the data in hexadecimal. */
export function parseTlsa(cursor: TextCursor): Buffer {
  return parseNumbersAndHex(
    cursor,
    ['the usage', 'the selector', 'the matching type'],
    'the certificate data',
  );
}

export function formatTlsa(cursor: WireCursor): string {
  return formatNumbersAndHex(cursor, 3);
}

/** RFC 4255 section 3.2: the algorithm and the type of fingerprint as numbers, then the fingerprint in hexadecimal. */
export function parseSshfp(cursor: TextCursor): Buffer {
  return parseNumbersAndHex(cursor, ['the algorithm', 'the fingerprint type'], 'the fingerprint');
}

export function formatSshfp(cursor: WireCursor): string {
  return formatNumbersAndHex(cursor, 2);
}

/**
 * What is odd about a digest, in words for the operator: a cut one is valid on the wire, and no client will ever match it.
 *
 * @param rdata - of a TLSA (52) or SSHFP (44) record; of other types nothing is odd
 */
export function oddDigest(type: number, rdata: Uint8Array): string | undefined {
  if (type !== 52 && type !== 44) return undefined;
  const [numbers, table] = type === 52 ? [3, TLSA_DIGEST_OCTETS] : [2, SSHFP_DIGEST_OCTETS];
  const expected = table.get(rdata[numbers - 1]!);
  const octets = rdata.length - numbers;
  if (expected === undefined || octets === expected) return undefined;
  return `a digest of type ${rdata[numbers - 1]} has ${expected} octets, not ${octets}: nothing will match it`;
}

function parseNumbersAndHex(cursor: TextCursor, numbers: readonly string[], data: string): Buffer {
  const octets = Buffer.from(numbers.map((what) => readNumber(cursor, what, 255)));
  return Buffer.concat([octets, parseHex(readRest(cursor, data), data)]);
}

function formatNumbersAndHex(cursor: WireCursor, count: number): string {
  const numbers = Array.from({ length: count }, () => takeNumber(cursor, 1));
  const data = takeOctets(cursor, remaining(cursor));
  // In presentation form a field cannot be empty.
  if (data.length === 0) throw new RdataError('MALFORMED_RDATA', 'the digest in the rdata is missing');
  return `${numbers.join(' ')} ${data.toString('hex').toUpperCase()}`;
}

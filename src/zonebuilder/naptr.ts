/** NAPTR records (RFC 3403 section 4): a rule that rewrites one name into another, or into a URI. */
import {
  quoteString,
  RdataError,
  readName,
  readNumber,
  readString,
  STRING_OCTETS_MAX,
  takeName,
  takeNumber,
  takeString,
  type TextCursor,
  type WireCursor,
} from './rdata-cursor.ts';

/** `order preference "flags" "services" "regexp" replacement`. */
export function parseNaptr(cursor: TextCursor): Buffer {
  const numbers = Buffer.alloc(4);
  numbers.writeUInt16BE(readNumber(cursor, 'the order', 65535), 0);
  numbers.writeUInt16BE(readNumber(cursor, 'the preference', 65535), 2);
  const flags = readShortString(cursor, 'the flags');
  // RFC 3403 section 4.1: flags are single letters and digits.
  if (!/^[A-Za-z0-9]*$/.test(flags.toString('latin1')))
    throw new RdataError('BAD_SYNTAX', `the flags are letters and digits, not ${quoteString(flags)}`);
  const services = readShortString(cursor, 'the services');
  const regexp = readShortString(cursor, 'the regexp');
  const replacement = readName(cursor, 'the replacement');
  // RFC 3403 section 4.1: a record with both is in error.
  if (regexp.length > 0 && replacement.length > 1)
    throw new RdataError('BAD_SYNTAX', 'beside a regexp the replacement is the root: .');
  const strings = [flags, services, regexp].flatMap((octets) => [Buffer.of(octets.length), octets]);
  return Buffer.concat([numbers, ...strings, replacement]);
}

export function formatNaptr(cursor: WireCursor): string {
  const numbers = `${takeNumber(cursor, 2)} ${takeNumber(cursor, 2)}`;
  const strings = Array.from({ length: 3 }, () => quoteString(takeString(cursor)));
  return `${numbers} ${strings.join(' ')} ${takeName(cursor)}`;
}

function readShortString(cursor: TextCursor, what: string): Buffer {
  const octets = readString(cursor, what);
  if (octets.length <= STRING_OCTETS_MAX) return octets;
  throw new RdataError('BAD_STRING', `${what}: ${octets.length} octets, the limit is ${STRING_OCTETS_MAX}`);
}

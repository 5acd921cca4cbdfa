/**
 * TSIG (RFC 8945) as a server without keys has it: a signed query is checked for its form, then told that its key is
 * unknown. To answer it unsigned, as if nothing had been asked for, would pass for a forgery at the client.
 */
import { Class, Rcode, Type } from '../../zonebuilder/dns.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import type { Exchange } from './exchange.ts';

/** TSIG error: the key is not known (RFC 8945 section 3). */
const BADKEY = 17;
/** Time signed, fudge, MAC size. */
const HEAD_OCTETS = 10;
/** Original ID, error, other length. */
const TAIL_OCTETS = 6;

/**
 * Notes a TSIG record if it has the form that RFC 8945 section 4.2 gives it.
 *
 * @param owner - position of the key's name in the query
 * @param fixed - position of the record's type; `end` is the position behind the record
 */
export function noteTsig(x: Exchange, owner: number, fixed: number, end: number): boolean {
  const data = x.queryData;
  // Section 5.1: the last record of the message; section 4.2: class ANY, TTL 0.
  const isLast = end === x.queryEnd;
  if (!isLast || data.getUint16(fixed + 2) !== Class.ANY || data.getUint32(fixed + 4) !== 0) return false;
  const algorithm = fixed + 10;
  const algorithmEnd = plainNameEnd(data, algorithm, end);
  if (plainNameEnd(data, owner, fixed) !== fixed || algorithmEnd === 0) return false;
  if (algorithmEnd + HEAD_OCTETS + TAIL_OCTETS > end) return false;
  const tail = algorithmEnd + HEAD_OCTETS + data.getUint16(algorithmEnd + 8);
  if (tail + TAIL_OCTETS > end || tail + TAIL_OCTETS + data.getUint16(tail + 4) !== end) return false;
  x.tsigAt = owner;
  x.tsigFixed = fixed;
  x.tsigTimeAt = algorithmEnd;
  return true;
}

/** RFC 8945 section 5.2.1: NOTAUTH. */
export function refuseSigned(x: Exchange): void {
  x.rcode = Rcode.NOTAUTH;
}

/**
 * Writes the TSIG record of the refusal, without a MAC (RFC 8945 section 5.3.2). It goes last, behind OPT, and is
 * left out where names that long do not fit.
 */
export function writeTsigError(x: Exchange): void {
  if (x.tsigAt === 0) return;
  const { replyData: to, queryData: from } = x;
  const nameOctets = x.tsigFixed - x.tsigAt;
  const algorithm = x.tsigFixed + 10;
  const algorithmOctets = x.tsigTimeAt - algorithm;
  const rdataOctets = algorithmOctets + HEAD_OCTETS + TAIL_OCTETS;
  if (x.at + nameOctets + 10 + rdataOctets > x.messageMax) return;
  let at = copyOctets(to, x.at, from, x.tsigAt, nameOctets);
  to.setUint16(at, Type.TSIG);
  to.setUint16(at + 2, Class.ANY);
  to.setUint32(at + 4, 0);
  to.setUint16(at + 8, rdataOctets);
  // The algorithm, time signed and fudge as they came; no MAC.
  at = copyOctets(to, at + 10, from, algorithm, algorithmOctets + 8);
  to.setUint16(at, 0);
  at = copyOctets(to, at + 2, from, x.queryStart, 2);
  to.setUint16(at, BADKEY);
  to.setUint16(at + 2, 0);
  x.at = at + 4;
  x.additionals++;
}

/** The end of an uncompressed name that ends by `end`; 0 when there is none (section 4.2: no compression). */
function plainNameEnd(data: DataView, from: number, end: number): number {
  for (let at = from; at < end && at - from < 255;) {
    const length = data.getUint8(at);
    if (length === 0) return at + 1;
    if (length > 63) return 0;
    at += length + 1;
  }
  return 0;
}

/**
 * TSIG (RFC 8945) on the answer path: the form of the record while a query is read, then what it is worth, then the signature of the
 * reply. What is computed is src/tsig.
 *
 * A signed query is the one that allocates: node:crypto makes objects. Only whoever knows the name of a key gets that far,
 * and to answer it unsigned, as if nothing had been asked for, would pass for a forgery at the client.
 */
import { Class, Rcode, Type } from '../../zonebuilder/dns.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import type { OpenKey } from '../../tsig/keys.ts';
import { readTsig } from '../../tsig/record.ts';
import { ReplySigner, TsigError, verify } from '../../tsig/verify.ts';
import type { Exchange } from './exchange.ts';

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

/**
 * Judges the record of a query, and gets the signature of the reply ready. To be called before anything of the reply is written
 * behind its question: the octets that were signed may lie below it.
 *
 * @param clock - milliseconds since 1970
 * @returns whether the query is to be answered; otherwise the RCODE is set
 */
export function settleTsig(x: Exchange, keys: readonly OpenKey[], clock: () => number): boolean {
  const from = x.isInPlace ? x.reply : x.query;
  const start = x.isInPlace ? x.base : x.queryStart;
  const message = Buffer.from(from.buffer, from.byteOffset + start, x.queryEnd - x.queryStart);
  const [at, fixed] = [x.tsigAt - x.queryStart, x.tsigFixed - x.queryStart];
  const record = readTsig(message, at, fixed, message.length)!;
  const nowSeconds = (): number => Math.floor(clock() / 1000);
  const verdict = verify(message, record, keys, nowSeconds());
  if (verdict.kind === 'signed') {
    // The reply is about to be written over it.
    const request = { ...record, mac: Buffer.from(record.mac) };
    x.signer = new ReplySigner(verdict.key, request, verdict.error, nowSeconds);
    x.signedBy = verdict.key.key.name;
    x.messageMax -= x.signer.octets;
    if (verdict.error === TsigError.none) return true;
    x.rcode = Rcode.NOTAUTH;
  } else if (verdict.kind === 'unsigned') {
    // RFC 8945 section 5.2.1 and 5.2.2.
    x.rcode = Rcode.NOTAUTH;
    x.tsigError = verdict.error;
  } else {
    x.rcode = Rcode.FORMERR;
  }
  return false;
}

/** Signs the reply, whose header is written. @returns its length */
export function signReply(x: Exchange, octets: number): number {
  if (x.signer === undefined) return octets;
  const { buffer, byteOffset, length } = x.reply;
  return x.signer.sign(Buffer.from(buffer, byteOffset, length), x.base, x.base + octets) - x.base;
}

/**
 * Writes the TSIG record of a refusal, without a MAC (RFC 8945 section 5.3.2). It goes last, behind OPT, and is
 * left out where names that long do not fit.
 */
export function writeTsigError(x: Exchange): void {
  if (x.tsigError === TsigError.none) return;
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
  to.setUint16(at, x.tsigError);
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

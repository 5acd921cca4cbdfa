/** Negative answers, and the SOA that bounds how long they are kept. */
import { Rcode } from '../../zonebuilder/dns.ts';
import { domainAt, type Answering } from './answering.ts';
import { writeSoa } from './compose.ts';
import { ExtendedError } from './edns.ts';
import { truncate } from './exchange.ts';
import { couldBeUnread } from './unread.ts';

/** No shard of a known Service counts. A cluster that is not read yet, and not given up, may bring one. */
export function denyUnlessPending(a: Answering, rcode: number): void {
  if (a.view.isPending) notReady(a);
  else deny(a, rcode);
}

/** The present name is not known. One that only a cluster could know that was never read is not denied, however long that lasts. */
export function denyUnlessUnread(a: Answering): void {
  if (couldBeUnread(a)) notReady(a);
  else deny(a, Rcode.NXDOMAIN);
}

/** Nothing is known yet, and nothing is said. */
export function notReady({ x }: Answering): void {
  x.rcode = Rcode.SERVFAIL;
  x.extendedError = ExtendedError.notReady;
  x.isAuthoritative = false;
  x.answers = 0;
  x.at = x.questionEnd;
}

/** NODATA or NXDOMAIN that may be wrong the next moment, also at the end of a chain (RFC 6604 section 2). */
export function deny(a: Answering, rcode: number): void {
  denyFor(a, rcode, a.apex.negativeTtlSeconds);
}

/** NODATA that only another configuration ends, or that a name has because others lie below it. */
export function denyLasting(a: Answering): void {
  denyFor(a, Rcode.NOERROR, a.apex.nodataTtlSeconds);
}

/**
 * NODATA for a type that a name with other data does not have. It may be kept as long as that data: for so long an answer
 * may be old in any case.
 */
export function denyBeside(a: Answering, ttlSeconds: number): void {
  const { nodataTtlSeconds } = a.apex;
  denyFor(a, Rcode.NOERROR, ttlSeconds < nodataTtlSeconds ? ttlSeconds : nodataTtlSeconds);
}

/**
 * RFC 2308 section 3 takes the TTL from the SOA's MINIMUM; here the MINIMUM is the longest that there is, and the TTL
 * says what holds for this name. Resolvers keep a denial for the lesser of the two (section 5).
 */
function denyFor(a: Answering, rcode: number, ttlSeconds: number): void {
  const { x } = a;
  x.rcode = rcode;
  if (writeSoa(x, a.view, a.apex, domainAt(a), ttlSeconds)) x.authorities++;
  else truncate(x);
}

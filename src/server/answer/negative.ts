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

/** NODATA or NXDOMAIN with the SOA (RFC 2308 section 3), also at the end of a chain (RFC 6604 section 2). */
export function deny(a: Answering, rcode: number): void {
  const { x } = a;
  x.rcode = rcode;
  if (writeSoa(x, a.view, a.apex, domainAt(a), a.apex.negativeTtlSeconds)) x.authorities++;
  else truncate(x);
}

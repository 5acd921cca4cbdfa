/** Negative answers, and the SOA that bounds how long they are kept. */
import { Rcode } from '../../zonebuilder/dns.ts';
import { domainAt, type Answering } from './answering.ts';
import { writeSoa } from './compose.ts';
import { ExtendedError } from './edns.ts';
import { truncate } from './exchange.ts';

/** A negative conclusion about Services, which waits until every cluster has been heard (SERVFAIL until then). */
export function denyUnlessPending(a: Answering, rcode: number): void {
  const { x } = a;
  if (!a.view.isPending) return deny(a, rcode);
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

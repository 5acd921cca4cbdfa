/** Replies without an answer: what could not be read, is not ours, or must be proven first. */
import { Rcode, Type } from '../../zonebuilder/dns.ts';
import { CLIENT_COOKIE_OCTETS, CookieVerdict } from '../policy/cookies.ts';
import { ExtendedError } from './edns.ts';
import { OptionBit, type Exchange } from './exchange.ts';
import { Parsed } from './query.ts';

/** Whether the client has shown that its address is no forgery (RFC 7873 section 5.2.5). */
export function isProven(x: Exchange): boolean {
  return x.cookie === CookieVerdict.valid || x.cookie === CookieVerdict.aging;
}

export function refuseToRead(x: Exchange, parsed: Parsed): void {
  x.options = 0;
  x.tsigAt = 0;
  if (parsed === Parsed.badVersion) {
    x.rcode = Rcode.BADVERS;
  } else if (parsed === Parsed.notImplemented) {
    x.rcode = Rcode.NOTIMP;
  } else {
    x.rcode = Rcode.FORMERR;
  }
}

/** RFC 6891 section 7: a malformed option is FORMERR, with an OPT record in the reply. */
export function refuseOptions(x: Exchange): void {
  x.options = 0;
  x.rcode = Rcode.FORMERR;
}

/** RFC 7873 section 5.4: a query without a question asks for a cookie, or whether the one it has is good. */
export function settleCookie(x: Exchange): void {
  if ((x.options & OptionBit.cookie) === 0) x.rcode = Rcode.FORMERR;
  else if (x.cookieLength > CLIENT_COOKIE_OCTETS && !isProven(x)) x.rcode = Rcode.BADCOOKIE;
}

/**
 * Has the client prove its address: with the cookie in this reply where it knows cookies (RFC 7873 section 5.2.3), over
 * TCP where it does not.
 *
 * The truncated reply is an authority's for names of the domain, as one with data would be (RFC 1035 section 4.1.1): glibc
 * takes an empty one with neither AA nor RA for a lame server, before it looks at TC, and never asks over TCP.
 */
export function challenge(x: Exchange, isOurs: boolean): void {
  x.at = x.questionEnd;
  x.answers = 0;
  x.authorities = 0;
  x.additionals = 0;
  x.hasApexSoa = false;
  x.zoneLabels = 0;
  x.extendedError = -1;
  const hasCookie = (x.options & OptionBit.cookie) !== 0;
  x.rcode = hasCookie ? Rcode.BADCOOKIE : Rcode.NOERROR;
  x.isTruncated = !hasCookie;
  x.isAuthoritative = isOurs && !hasCookie;
}

/** More asks for signatures than there is time for. A client whose address is its own asks again. */
export function refuseBusy(x: Exchange): void {
  x.at = x.questionEnd;
  x.answers = 0;
  x.authorities = 0;
  x.additionals = 0;
  x.hasApexSoa = false;
  x.isAuthoritative = false;
  x.rcode = Rcode.SERVFAIL;
}

/** Types that ask for something other than an RRset (RFC 6895 section 3.1); ANY is answered. */
export function isMetaType(type: number): boolean {
  return type === 0 || type === Type.OPT || (type >= Type.NXNAME && type < Type.ANY);
}

export function refuseType(x: Exchange): void {
  if (x.type === Type.AXFR || x.type === Type.IXFR) {
    x.rcode = Rcode.REFUSED;
  } else if (x.type === Type.MAILA || x.type === Type.MAILB || x.type === Type.TKEY) {
    x.rcode = Rcode.NOTIMP;
  } else {
    x.rcode = Rcode.FORMERR;
    x.extendedError = ExtendedError.invalidQueryType;
  }
}

/** Off-domain names get no data and no upward referral (RFC 8499 "lame"); `. NS` is CoreDNS's health probe. */
export function refuseForeign(x: Exchange): void {
  x.rcode = Rcode.REFUSED;
  x.extendedError = ExtendedError.notAuthoritative;
}

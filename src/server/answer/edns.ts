/**
 * The OPT record of a reply (RFC 6891) and the options in it. What the query's OPT said is read in query.ts; here it is
 * judged (checkOptions) and answered (writeOpt).
 */
import { SOA_EXPIRE_SECONDS } from '../../zonebuilder/apex.ts';
import { Type } from '../../zonebuilder/dns.ts';
import { subnetLength, writeSubnet } from './client-subnet.ts';
import { COOKIE_OCTETS, CookieVerdict, verifyCookie, writeCookie } from '../policy/cookies.ts';
import { OptionBit, type Exchange } from './exchange.ts';
import type { OpenPolicy } from '../policy/policy.ts';
import { Transport } from '../responder.ts';
import { write16, write32 } from './write.ts';

/** Octets of an OPT record without options. */
const OPT_OCTETS = 11;
/** Octets of an option before its data. */
const OPTION_OCTETS = 4;
const EXPIRE_OCTETS = 4;
const KEEPALIVE_OCTETS = 2;
/** An extended error without text (RFC 8914 section 2). */
const EXTENDED_ERROR_OCTETS = 2;
/** Labels, type, and a serial (RFC 9660 section 2). */
const ZONE_VERSION_OCTETS = 6;
/** IANA, DNS ZONEVERSION TYPE Values. */
const SOA_SERIAL = 0;
/** RFC 8467 section 4.1: replies are padded to a multiple of this. */
const PADDING_BLOCK_OCTETS = 468;

/** Smallest payload size that counts; less is taken as this (RFC 6891 section 6.2.3). */
export const PAYLOAD_MIN = 512;

/** Option codes (IANA, DNS EDNS0 Option Codes). */
export const Option = {
  nsid: 3,
  subnet: 8,
  expire: 9,
  cookie: 10,
  keepalive: 11,
  padding: 12,
  error: 15,
  zoneVersion: 19,
} as const;

/** Extended DNS errors that fedns tells (RFC 8914 section 4, RFC 9824 section 3.5). */
export const ExtendedError = {
  notReady: 14,
  prohibited: 18,
  notAuthoritative: 20,
  invalidQueryType: 30,
} as const;

/** EXTRA-TEXT (RFC 8914 section 2) for people who look with dig; ASCII. */
const NOT_READY_TEXT = Buffer.from('a cluster that may know this name has not been read');

/**
 * Judges the options of a query that has any, and turns off those that are not answered.
 *
 * @param clock - milliseconds since 1970; asked only for a cookie
 * @returns false when one of them is malformed: FORMERR
 */
export function checkOptions(x: Exchange, policy: OpenPolicy, clock: () => number): boolean {
  const { options } = x;
  if ((options & OptionBit.ecs) !== 0 && x.isSubnetMalformed) return false;
  return options === OptionBit.ecs || checkOthers(x, policy, clock);
}

/** Options but the client subnet, which resolvers that tell of clients send in every query, and mostly alone. */
function checkOthers(x: Exchange, policy: OpenPolicy, clock: () => number): boolean {
  const { options } = x;
  if ((options & OptionBit.cookie) !== 0 && !checkCookie(x, policy, clock)) return false;
  if (x.transport === Transport.udp) {
    // RFC 7828 section 3.2.1: the option means nothing over UDP.
    x.options &= ~OptionBit.keepalive;
  } else if ((options & OptionBit.keepalive) !== 0 && x.keepaliveLength !== 0) {
    // RFC 7828 section 3.2.1: a client must not name a time.
    return false;
  }
  // RFC 7830 section 6: padding is of use only where the message is encrypted.
  if (x.transport !== Transport.tls) x.options &= ~OptionBit.padding;
  if (policy.nsid.length === 0) x.options &= ~OptionBit.nsid;
  return true;
}

function checkCookie(x: Exchange, policy: OpenPolicy, clock: () => number): boolean {
  const { cookies } = policy;
  if (cookies === undefined) {
    x.options &= ~OptionBit.cookie;
    return true;
  }
  x.nowSeconds = Math.floor(clock() / 1000);
  const { query, cookieAt, cookieLength, client, clientStart, clientLength, nowSeconds } = x;
  x.cookie = verifyCookie(
    cookies,
    query,
    cookieAt,
    cookieLength,
    client,
    clientStart,
    clientLength,
    nowSeconds,
  );
  return x.cookie !== CookieVerdict.malformed;
}

/** Octets to keep free for the OPT record of this reply. An extended error and padding take what is left. */
export function optOctets(x: Exchange, policy: OpenPolicy): number {
  if (!x.hasOpt) return 0;
  const { options } = x;
  const octets = OPT_OCTETS + ((options & OptionBit.ecs) === 0 ? 0 : OPTION_OCTETS + subnetLength(x.subnet));
  return (options & ~OptionBit.ecs) === 0 ? octets : octets + otherOctets(options, policy);
}

function otherOctets(options: number, policy: OpenPolicy): number {
  let octets = 0;
  if ((options & OptionBit.nsid) !== 0) octets += OPTION_OCTETS + policy.nsid.length;
  if ((options & OptionBit.cookie) !== 0) octets += OPTION_OCTETS + COOKIE_OCTETS;
  if ((options & OptionBit.expire) !== 0) octets += OPTION_OCTETS + EXPIRE_OCTETS;
  if ((options & OptionBit.keepalive) !== 0) octets += OPTION_OCTETS + KEEPALIVE_OCTETS;
  if ((options & OptionBit.zoneVersion) !== 0) octets += OPTION_OCTETS + ZONE_VERSION_OCTETS;
  return octets;
}

/**
 * Writes OPT if the query had one (RFC 6891 section 7), with the upper bits of the RCODE.
 *
 * @param payloadMax - largest UDP query and reply that this server takes, in octets
 * @param idleMs - how long an idle connection is kept at the moment, in milliseconds
 */
export function writeOpt(x: Exchange, policy: OpenPolicy, payloadMax: number, idleMs: number): void {
  if (!x.hasOpt) return;
  const { replyData: data, at } = x;
  // The root, type OPT, and the payload size in place of a class.
  data.setInt32(at, (Type.OPT << 8) | (payloadMax >>> 8));
  data.setInt16(at + 4, (payloadMax << 8) | (x.rcode >>> 4));
  // RFC 3225 section 3: DO is copied; a flag that is unknown stays clear (RFC 6891 section 6.1.4), as CO is without keys.
  const flags = (x.isDnssecOk ? 0x0080_0000 : 0) | (x.canSign && x.isCompactOk ? 0x0040_0000 : 0);
  data.setInt32(at + 6, flags);
  x.at = at + OPT_OCTETS;
  if (x.options !== 0) writeOptions(x, policy, idleMs);
  if (x.extendedError >= 0 && x.at + OPTION_OCTETS + EXTENDED_ERROR_OCTETS <= x.messageMax)
    writeExtendedError(x);
  if ((x.options & OptionBit.padding) !== 0) writePadding(x);
  data.setInt16(at + 9, x.at - at - OPT_OCTETS);
  x.additionals++;
}

/** Each option at most once, however often the query had it. */
function writeOptions(x: Exchange, policy: OpenPolicy, idleMs: number): void {
  const { options } = x;
  if ((options & OptionBit.ecs) !== 0) x.at = writeSubnet(x.replyData, x.at, x.subnet, x.ecsScope);
  if ((options & ~OptionBit.ecs) !== 0) writeOthers(x, policy, idleMs);
}

function writeOthers(x: Exchange, policy: OpenPolicy, idleMs: number): void {
  const { options } = x;
  if ((options & OptionBit.nsid) !== 0) writeNsid(x, policy.nsid);
  // RFC 7314 section 3.2: told with the SOA of a zone.
  if ((options & OptionBit.expire) !== 0 && x.hasApexSoa) {
    write32(x.reply, writeOptionHead(x, Option.expire, EXPIRE_OCTETS), SOA_EXPIRE_SECONDS);
  }
  if ((options & OptionBit.cookie) !== 0) writeCookieOption(x, policy);
  // RFC 7828 section 3.1: in units of 100 ms.
  if ((options & OptionBit.keepalive) !== 0) {
    write16(x.reply, writeOptionHead(x, Option.keepalive, KEEPALIVE_OCTETS), Math.floor(idleMs / 100));
  }
  if ((options & OptionBit.zoneVersion) !== 0 && x.zoneLabels !== 0) writeZoneVersion(x);
}

/** RFC 9660 section 3.2: told with every answer from the zone, a denial, a referral and SERVFAIL too, and with nothing else. */
function writeZoneVersion(x: Exchange): void {
  const at = writeOptionHead(x, Option.zoneVersion, ZONE_VERSION_OCTETS);
  x.reply[at] = x.zoneLabels;
  x.reply[at + 1] = SOA_SERIAL;
  write32(x.reply, at + 2, x.serial);
}

/** Writes code and length, and moves behind the data. @returns where the data goes */
function writeOptionHead(x: Exchange, code: number, length: number): number {
  write16(x.reply, x.at, code);
  write16(x.reply, x.at + 2, length);
  const at = x.at + OPTION_OCTETS;
  x.at = at + length;
  return at;
}

function writeNsid(x: Exchange, nsid: Uint8Array): void {
  const at = writeOptionHead(x, Option.nsid, nsid.length);
  for (let i = 0; i < nsid.length; i++) x.reply[at + i] = nsid[i]!;
}

/** RFC 9018 section 4.3: a cookie that is still fresh is sent back as it came, another one is replaced. */
function writeCookieOption(x: Exchange, policy: OpenPolicy): void {
  const { query, cookieAt, client, clientStart, clientLength, nowSeconds, reply } = x;
  const at = writeOptionHead(x, Option.cookie, COOKIE_OCTETS);
  if (x.cookie === CookieVerdict.valid) {
    for (let i = 0; i < COOKIE_OCTETS; i++) reply[at + i] = query[cookieAt + i]!;
    return;
  }
  writeCookie(policy.cookies!, query, cookieAt, client, clientStart, clientLength, nowSeconds, reply, at);
}

/** The text goes with it where it fits: the code says the same to whoever is no person. */
function writeExtendedError(x: Exchange): void {
  const hasText = x.extendedError === ExtendedError.notReady;
  const wanted = EXTENDED_ERROR_OCTETS + (hasText ? NOT_READY_TEXT.length : 0);
  const octets = x.at + OPTION_OCTETS + wanted > x.messageMax ? EXTENDED_ERROR_OCTETS : wanted;
  const at = writeOptionHead(x, Option.error, octets);
  write16(x.reply, at, x.extendedError);
  for (let i = 0; i < octets - EXTENDED_ERROR_OCTETS; i++) {
    x.reply[at + EXTENDED_ERROR_OCTETS + i] = NOT_READY_TEXT[i]!;
  }
}

function writePadding(x: Exchange): void {
  const used = x.at + OPTION_OCTETS - x.base;
  const padded = Math.min(
    Math.ceil(used / PADDING_BLOCK_OCTETS) * PADDING_BLOCK_OCTETS,
    x.messageMax - x.base,
  );
  if (padded < used) return;
  const at = writeOptionHead(x, Option.padding, padded - used);
  x.reply.fill(0, at, x.at);
}

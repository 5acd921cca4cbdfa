/**
 * The answer to one query, as a function over octets, the same for every transport.
 *
 * ```
 *   query.ts ──► find.ts ──► compose.ts ──► edns.ts
 *   read it      what the    sections       OPT, header
 *                name is
 * ```
 *
 * One guard stands around it: an exception is a bug, costs that query a SERVFAIL, and is counted. Nothing here
 * waits or allocates.
 */
import { Class, Rcode, Type } from '../zonebuilder/dns.ts';
import { GLOBAL, RECORD_HEADER_OCTETS } from '../zonebuilder/layout.ts';
import type { Apex } from '../zonebuilder/apex.ts';
import { isAllowed } from './access.ts';
import { answerChaos } from './chaos.ts';
import {
  isAnswered,
  levelAbove,
  levelName,
  moveTo,
  writeAddresses,
  writeAlias,
  writeFullAlias,
  writeRrset,
  writeService,
  writeSoa,
} from './compose.ts';
import { depthBit } from '../zonebuilder/static-table.ts';
import { Counter } from './counters.ts';
import { CLIENT_COOKIE_OCTETS, CookieVerdict } from './cookies.ts';
import { checkOptions, ExtendedError, optOctets, PAYLOAD_MIN, writeOpt } from './edns.ts';
import { Exchange, Flag, HEADER_OCTETS, OptionBit } from './exchange.ts';
import { find, Found, isStatic, Kind } from './find.ts';
import { ImageView } from './image-view.ts';
import { labelsBelow, Name, readName } from './name.ts';
import { EMPTY_POLICY, openPolicy, type OpenPolicy } from './policy.ts';
import { Parsed, readQuery } from './query.ts';
import { limitReply, RateVerdict, ReplyClass, type RateLimiter } from './rate-limit.ts';
import type { Responder, ResponderSettings } from './responder.ts';
import { TCP_REPLY_OCTETS, Transport } from './responder.ts';
import { refuseSigned, writeTsigError } from './tsig.ts';
import { canPointAt, write16 } from './write.ts';

/** Static aliases that one reply follows: longer chains are a configuration at fault, and a loop has no end. */
const CHAIN_MAX = 8;

/** Name servers whose addresses one referral carries (all that a delegation in use has). */
const GLUE_NAMES_MAX = 16;

/**
 * Makes the responder of one worker.
 *
 * @param clock - milliseconds since 1970, for cookies and rate limiting
 */
export function createResponder(settings: ResponderSettings, clock: () => number = Date.now): Responder {
  return new ImageResponder(settings, clock);
}

/** Answers from the image. */
class ImageResponder implements Responder {
  readonly #x = new Exchange();
  readonly #found = new Found();
  /** The name behind a static alias, and that of a record's target. */
  readonly #aliased = new Name();
  readonly #target = new Name();
  /** Where a look-up beside the present one leaves what it found. */
  readonly #aside = new Found();
  #view: ImageView;
  #apex: Apex;
  #domainLabels = 0;
  #counters: Float64Array;
  #payloadMax: number;
  #policy: OpenPolicy;
  readonly #clock: () => number;
  /** The name being looked up and its position in the reply. */
  #name: Name;
  #nameAt = 0;
  #below = 0;

  constructor(settings: ResponderSettings, clock: () => number) {
    this.#clock = clock;
    this.#policy = openPolicy(settings.policy ?? EMPTY_POLICY);
    this.#view = new ImageView(settings.image, settings.reader);
    this.#apex = settings.apex;
    this.#counters = new Float64Array(settings.counters);
    this.#payloadMax = settings.udpPayloadMax;
    this.#name = this.#x.name;
    this.adopt(settings);
  }

  adopt(settings: ResponderSettings): void {
    this.#view.leave();
    this.#view = new ImageView(settings.image, settings.reader);
    this.#view.leave();
    this.#apex = settings.apex;
    this.#counters = new Float64Array(settings.counters);
    this.#payloadMax = settings.udpPayloadMax;
    this.#policy = openPolicy(settings.policy ?? EMPTY_POLICY);
    const name = new Name();
    readName(name, dataOf(this.#apex.domain), 0, this.#apex.domain.length);
    this.#domainLabels = name.count;
  }

  get isStale(): boolean {
    return this.#view.isStale;
  }

  enter(): void {
    this.#view.enter();
  }

  leave(): void {
    this.#view.leave();
  }

  answer(
    query: Uint8Array,
    queryStart: number,
    queryLength: number,
    reply: Uint8Array,
    replyStart: number,
    transport: Transport,
    client: Uint8Array,
    clientStart: number,
    clientLength: number,
  ): number {
    const x = this.#x;
    if (x.query !== query) {
      x.query = query;
      x.queryData = dataOf(query);
    }
    x.queryStart = queryStart;
    x.queryEnd = queryStart + queryLength;
    x.transport = transport;
    x.client = client;
    x.clientStart = clientStart;
    x.clientLength = clientLength;
    if (x.reply !== reply) {
      x.reply = reply;
      x.replyData = dataOf(reply);
    }
    x.base = replyStart;
    reset(x);
    try {
      return this.#respond(x);
    } catch {
      this.#counters[Counter.faults]!++;
      return this.#fault(x);
    }
  }

  #respond(x: Exchange): number {
    const parsed = readQuery(x);
    this.#countQuery(x, parsed);
    if (parsed === Parsed.unanswerable) return 0;
    x.at = x.questionEnd;
    if (this.#policy.hasAccess && !this.#isClientAllowed(x)) this.#refuseClient(x);
    else if (parsed !== Parsed.fine) refuseToRead(x, parsed);
    else if (x.options !== 0 && !checkOptions(x, this.#policy, this.#clock())) refuseOptions(x);
    else if (x.tsigAt !== 0) refuseSigned(x);
    else this.#dispatch(x);
    return this.#finish(x);
  }

  #isClientAllowed(x: Exchange): boolean {
    return isAllowed(this.#policy.access, x.client, x.clientStart, x.clientLength);
  }

  #refuseClient(x: Exchange): void {
    this.#counters[Counter.refusedAccess]!++;
    x.options = 0;
    x.tsigAt = 0;
    x.rcode = Rcode.REFUSED;
    x.extendedError = ExtendedError.prohibited;
  }

  /** Queries that no name needs to be looked up for are settled here. */
  #dispatch(x: Exchange): void {
    x.limit = x.base + this.#replyMax(x) - optOctets(x, this.#policy);
    if (!x.hasQuestion) {
      settleCookie(x);
    } else if (this.#policy.cookiesRequired && x.transport === Transport.udp && !isProven(x)) {
      challenge(x);
    } else if (x.class !== Class.IN) {
      if (x.class !== Class.CH || !answerChaos(x, this.#policy)) refuseForeign(x);
    } else if (isMetaType(x.type)) {
      refuseType(x);
    } else {
      this.#below = labelsBelow(x.name, this.#apex.domain, this.#domainLabels);
      if (this.#below < 0) refuseForeign(x);
      else this.#answerName(x);
    }
  }

  #answerName(x: Exchange): void {
    this.#name = x.name;
    this.#nameAt = x.base + HEADER_OCTETS;
    x.isAuthoritative = true;
    for (let links = 0; links < CHAIN_MAX; links++) if (!this.#answerLink(x)) return;
    // RFC 1034 section 5.3.3 leaves the bound to the server; what was found of the chain is true and goes out.
  }

  /** Answers for the present name. Returns whether an alias leads on to another name. */
  #answerLink(x: Exchange): boolean {
    const found = this.#found;
    const kind = find(this.#view, this.#name, this.#below, x.type === Type.DS, found);
    switch (kind) {
      case Kind.service:
      case Kind.port:
        return this.#answerService(x, kind);
      case Kind.static:
        return this.#answerStatic(x);
      case Kind.cut:
        this.#refer(x);
        return false;
      case Kind.emptyNonTerminal:
        if (this.#below === 0) this.#answerApex(x);
        else this.#deny(x, Rcode.NOERROR);
        return false;
      default:
        this.#denyUnlessPending(x, Rcode.NXDOMAIN);
        return false;
    }
  }

  /**
   * A Service's name or port: the addresses of the level, or the aliases up to a level that has some, all from one
   * blob and so from one state. Returns whether an alias leads to a name that static records decide about.
   */
  #answerService(x: Exchange, kind: Kind): boolean {
    const view = this.#view;
    const found = this.#found;
    let owner = this.#nameAt;
    x.answerKey = found.blob;
    for (;;) {
      const v4 = view.levelV4(found.blob, found.location);
      const v6 = view.levelV6(found.blob, found.location);
      if (v4 !== 0 || v6 !== 0) this.#answerLevel(x, kind, owner, v4, v6);
      else if (found.location === GLOBAL) this.#noneHealthy(x);
      // `_tcp.S.…` has no data of its own: it is no alias, only the port names below it are.
      else if (kind === Kind.port && found.port === 0) this.#deny(x, Rcode.NOERROR);
      else {
        const region = levelAbove(view, found, this.#name);
        if (this.#isStaticLevel(region)) return this.#aliasToStatic(x, owner);
        owner = writeAlias(x, view, found, this.#name, this.#nameAt, owner, region);
        if (owner === 0) truncate(x);
        else x.answers++;
        if (owner === 0 || x.type === Type.CNAME || x.type === Type.ANY) return false;
        moveTo(view, found, region);
        continue;
      }
      return false;
    }
  }

  /** Whether the configuration has records at the level above. */
  #isStaticLevel(region: number): boolean {
    const view = this.#view;
    const below = this.#found.svcLabel + (region === 0 ? 1 : 2);
    if (view.cutDepths === 0 && (view.staticDepths & depthBit(below)) === 0) return false;
    levelName(view, this.#found, this.#name, region, this.#target);
    return isStatic(view, this.#target, below, this.#aside);
  }

  #aliasToStatic(x: Exchange, owner: number): boolean {
    const start = x.at;
    if (writeFullAlias(x, this.#view, this.#found, this.#target, owner) === 0) {
      truncate(x);
      return false;
    }
    x.answers++;
    return x.type !== Type.CNAME && x.type !== Type.ANY && this.#follow(x, start);
  }

  /** A level with addresses (DESIGN: failover is decided over both families, so the other family is NODATA). */
  #answerLevel(x: Exchange, kind: Kind, owner: number, v4: number, v6: number): void {
    if (kind === Kind.port) {
      if (this.#found.port !== 0 && (x.type === Type.SRV || x.type === Type.ANY))
        this.#answerPort(x, owner, v4, v6);
      else this.#deny(x, Rcode.NOERROR);
      return;
    }
    // RFC 8482 section 4.1: ANY is answered with one of the RRsets.
    const wantsV4 = x.type === Type.A || (x.type === Type.ANY && v4 !== 0);
    const level = wantsV4 ? v4 : x.type === Type.AAAA || x.type === Type.ANY ? v6 : 0;
    if (level === 0) return this.#noOtherFamily(x);
    const count = writeAddresses(x, this.#view, this.#found, level, wantsV4 ? Type.A : Type.AAAA, owner);
    if (count === 0) truncate(x);
    else x.answers += count;
  }

  #answerPort(x: Exchange, owner: number, v4: number, v6: number): void {
    const view = this.#view;
    const target = writeService(x, view, this.#apex, this.#found, owner);
    if (target === 0) return truncate(x);
    x.answers++;
    if (!canPointAt(x, target)) return;
    // RFC 2782: the target's addresses save a query; they are left out when they do not fit.
    if (v4 !== 0) x.additionals += writeAddresses(x, view, this.#found, v4, Type.A, target);
    if (v6 !== 0) x.additionals += writeAddresses(x, view, this.#found, v6, Type.AAAA, target);
  }

  #noneHealthy(x: Exchange): void {
    const isAbsent = this.#apex.nxdomainWhenNoneHealthy && !this.#isAboveStatic();
    this.#denyUnlessPending(x, isAbsent ? Rcode.NXDOMAIN : Rcode.NOERROR);
  }

  /** Whether the configuration has records below the global name, which exists then whatever its Service does (RFC 8020). */
  #isAboveStatic(): boolean {
    const view = this.#view;
    const below = this.#found.svcLabel + 1;
    if ((view.staticDepths & depthBit(below)) === 0) return false;
    levelName(view, this.#found, this.#name, 0, this.#target);
    return view.findStatic(this.#target.data, 0, this.#target.labels[below]!) !== 0;
  }

  /**
   * A type that the level does not have. While a cluster is pending it may yet bring that type, so the SOA is left
   * out: a negative answer without one is not cached (RFC 2308 section 5), and clients that ask for A and AAAA
   * together go on with the family they got, as they would not after SERVFAIL.
   */
  #noOtherFamily(x: Exchange): void {
    if (!this.#view.isPending) this.#deny(x, Rcode.NOERROR);
  }

  #answerStatic(x: Exchange): boolean {
    const view = this.#view;
    const { entry } = this.#found;
    x.answerKey = entry;
    if (this.#below === 0 && (x.type === Type.SOA || x.type === Type.ANY)) {
      this.#answerApex(x);
      return false;
    }
    const alias = x.type === Type.CNAME ? 0 : view.findRrset(entry, Type.CNAME);
    const rrset =
      alias !== 0 ? alias : x.type === Type.ANY ? view.firstRrset(entry) : view.findRrset(entry, x.type);
    if (rrset === 0) {
      this.#deny(x, Rcode.NOERROR);
      return false;
    }
    const start = x.at;
    const count = writeRrset(x, view, rrset, this.#nameAt);
    if (count === 0) {
      truncate(x);
      return false;
    }
    x.answers += count;
    if (x.type === Type.NS && alias === 0 && x.answers === count) this.#addGlue(x, start, count);
    return alias !== 0 && x.type !== Type.ANY && this.#follow(x, start);
  }

  /**
   * Takes the target of the alias at `start` as the next name; false when it lies outside the domain, or has been
   * answered: records that lead through Services can close a circle that no check of the configuration sees.
   */
  #follow(x: Exchange, start: number): boolean {
    const target = start + 2 + RECORD_HEADER_OCTETS;
    if (!canPointAt(x, target)) return false;
    readName(this.#aliased, x.replyData, target, x.at);
    this.#name = this.#aliased;
    this.#nameAt = target;
    this.#below = labelsBelow(this.#name, this.#apex.domain, this.#domainLabels);
    return this.#below >= 0 && !isAnswered(x, this.#name);
  }

  #answerApex(x: Exchange): void {
    if (x.type !== Type.SOA && x.type !== Type.ANY) return this.#deny(x, Rcode.NOERROR);
    x.hasApexSoa = writeSoa(x, this.#view, this.#apex, this.#domainAt(), this.#apex.ttlSeconds);
    if (x.hasApexSoa) x.answers++;
    else truncate(x);
  }

  /** RFC 1034 section 4.3.2 step 3b: below a zone cut the delegation is all we know, and it is not ours. */
  #refer(x: Exchange): void {
    const view = this.#view;
    const found = this.#found;
    if (x.answers === 0) x.isAuthoritative = false;
    const start = x.at;
    const rrset = view.findRrset(found.entry, Type.NS);
    const count = writeRrset(x, view, rrset, this.#nameAt + this.#name.labels[found.cutLabel]!);
    if (count === 0) return truncate(x);
    x.authorities += count;
    // RFC 9471: glue that is needed to follow the referral and does not fit sets TC.
    if (!this.#addGlue(x, start, count)) truncate(x);
  }

  /** Adds the static addresses of the targets of NS records that start at `start`. Returns whether all fit. */
  #addGlue(x: Exchange, start: number, count: number): boolean {
    let at = start;
    let complete = true;
    for (let i = 0; i < count && i < GLUE_NAMES_MAX; i++) {
      const target = at + 2 + RECORD_HEADER_OCTETS;
      at = target + ((x.reply[target - 2]! << 8) | x.reply[target - 1]!);
      complete = this.#addAddresses(x, target, at) && complete;
    }
    return complete;
  }

  #addAddresses(x: Exchange, target: number, end: number): boolean {
    const view = this.#view;
    readName(this.#target, x.replyData, target, end);
    const below = labelsBelow(this.#target, this.#apex.domain, this.#domainLabels);
    if (below < 1 || !canPointAt(x, target)) return true;
    const entry = view.findStatic(this.#target.data, 0, this.#target.labels[below]!);
    if (entry === 0) return true;
    return this.#addRrset(x, entry, Type.A, target) && this.#addRrset(x, entry, Type.AAAA, target);
  }

  #addRrset(x: Exchange, entry: number, type: number, owner: number): boolean {
    const rrset = this.#view.findRrset(entry, type);
    if (rrset === 0) return true;
    const count = writeRrset(x, this.#view, rrset, owner);
    x.additionals += count;
    return count !== 0;
  }

  /** A negative conclusion about Services, which waits until every cluster has been heard (SERVFAIL until then). */
  #denyUnlessPending(x: Exchange, rcode: number): void {
    if (!this.#view.isPending) return this.#deny(x, rcode);
    x.rcode = Rcode.SERVFAIL;
    x.extendedError = ExtendedError.notReady;
    x.isAuthoritative = false;
    x.answers = 0;
    x.at = x.questionEnd;
  }

  /** NODATA or NXDOMAIN with the SOA (RFC 2308 section 3), also at the end of a chain (RFC 6604 section 2). */
  #deny(x: Exchange, rcode: number): void {
    x.rcode = rcode;
    if (writeSoa(x, this.#view, this.#apex, this.#domainAt(), this.#apex.negativeTtlSeconds)) x.authorities++;
    else truncate(x);
  }

  /** Where the domain's name stands at the end of the present name. */
  #domainAt(): number {
    return this.#nameAt + this.#name.labels[this.#below]!;
  }

  #replyMax(x: Exchange): number {
    if (x.transport !== Transport.udp) return TCP_REPLY_OCTETS;
    if (!x.hasOpt) return PAYLOAD_MIN;
    return Math.min(Math.max(x.payloadMax, PAYLOAD_MIN), this.#payloadMax);
  }

  #finish(x: Exchange): number {
    const { rateLimiter } = this.#policy;
    if (rateLimiter !== undefined && !this.#mayReply(x, rateLimiter)) return 0;
    const messageMax = x.base + this.#replyMax(x);
    writeOpt(x, this.#policy, this.#payloadMax, messageMax, this.#counters[Counter.tcpIdleLimitMs]!);
    writeTsigError(x, messageMax);
    this.#countReply(x);
    return writeHeader(x);
  }

  /** Counts the reply against its client's rate, and empties it where it slips. */
  #mayReply(x: Exchange, limiter: RateLimiter): boolean {
    if (x.transport !== Transport.udp || isProven(x)) return true;
    const { client, clientStart, clientLength } = x;
    const kind = replyClass(x);
    switch (limitReply(limiter, kind, x.answerKey, client, clientStart, clientLength, this.#clock())) {
      case RateVerdict.send:
        return true;
      case RateVerdict.drop:
        this.#counters[Counter.droppedRateLimited]!++;
        return false;
      case RateVerdict.slip:
        this.#counters[Counter.rateLimitedSlip]!++;
        challenge(x);
        return true;
    }
  }

  /** After a bug: the question again, if it was read, and SERVFAIL. */
  #fault(x: Exchange): number {
    const end = x.hasQuestion ? x.questionEnd : x.base + HEADER_OCTETS;
    reset(x);
    x.flags = (x.query[x.queryStart + 2]! << 8) | x.query[x.queryStart + 3]!;
    x.hasQuestion = end !== x.base + HEADER_OCTETS;
    x.rcode = Rcode.SERVFAIL;
    x.at = end;
    return writeHeader(x);
  }

  #countQuery(x: Exchange, parsed: Parsed): void {
    const counters = this.#counters;
    counters[Counter.queriesUdp + x.transport]!++;
    if (parsed === Parsed.unanswerable) counters[Counter.droppedUnanswerable]!++;
    if (x.hasQuestion) counters[Counter.type + typeCounter(x.type)]!++;
    if (x.hasOpt) counters[Counter.ednsQueries]!++;
  }

  #countReply(x: Exchange): void {
    const counters = this.#counters;
    counters[Counter.rcode + x.rcode]!++;
    if (x.isTruncated) counters[Counter.repliesTruncated]!++;
    if (isProven(x)) counters[Counter.cookiesValid]!++;
  }
}

/** Made once for each buffer that a transport uses; transports reuse theirs. */
function dataOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.length);
}

function reset(x: Exchange): void {
  x.hasOpt = false;
  x.tsigAt = 0;
  x.hasQuestion = false;
  x.options = 0;
  x.questionEnd = x.base + HEADER_OCTETS;
  x.rcode = Rcode.NOERROR;
  x.isAuthoritative = false;
  x.isTruncated = false;
  x.answers = 0;
  x.authorities = 0;
  x.additionals = 0;
  x.extendedError = -1;
  x.cookie = CookieVerdict.unproven;
  x.isDnssecOk = false;
  x.ecsScope = 0;
  x.hasApexSoa = false;
  x.answerKey = 0;
}

function refuseToRead(x: Exchange, parsed: Parsed): void {
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
function refuseOptions(x: Exchange): void {
  x.options = 0;
  x.rcode = Rcode.FORMERR;
}

/** Whether the client has shown that its address is no forgery (RFC 7873 section 5.2.5). */
function isProven(x: Exchange): boolean {
  return x.cookie === CookieVerdict.valid || x.cookie === CookieVerdict.aging;
}

/** RFC 7873 section 5.4: a query without a question asks for a cookie, or whether the one it has is good. */
function settleCookie(x: Exchange): void {
  if ((x.options & OptionBit.cookie) === 0) x.rcode = Rcode.FORMERR;
  else if (x.cookieLength > CLIENT_COOKIE_OCTETS && !isProven(x)) x.rcode = Rcode.BADCOOKIE;
}

/**
 * Has the client prove its address: with the cookie in this reply where it knows cookies (RFC 7873 section 5.2.3), over
 * TCP where it does not.
 */
function challenge(x: Exchange): void {
  x.at = x.questionEnd;
  x.answers = 0;
  x.authorities = 0;
  x.additionals = 0;
  x.hasApexSoa = false;
  x.extendedError = -1;
  const hasCookie = (x.options & OptionBit.cookie) !== 0;
  x.rcode = hasCookie ? Rcode.BADCOOKIE : Rcode.NOERROR;
  x.isTruncated = !hasCookie;
}

/** What a reply is counted as by rate limiting. */
function replyClass(x: Exchange): ReplyClass {
  if (x.rcode === Rcode.NXDOMAIN) return ReplyClass.nxdomain;
  if (x.rcode !== Rcode.NOERROR) return ReplyClass.error;
  if (x.answers > 0) return ReplyClass.answer;
  return x.authorities > 0 && !x.isAuthoritative ? ReplyClass.referral : ReplyClass.nodata;
}

/** Types that ask for something other than an RRset (RFC 6895 section 3.1); ANY is answered. */
function isMetaType(type: number): boolean {
  return type === 0 || type === Type.OPT || (type >= Type.NXNAME && type < Type.ANY);
}

function refuseType(x: Exchange): void {
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
function refuseForeign(x: Exchange): void {
  x.rcode = Rcode.REFUSED;
  x.extendedError = ExtendedError.notAuthoritative;
}

function truncate(x: Exchange): void {
  x.isTruncated = true;
}

/** Writes the header and returns the reply's length. */
function writeHeader(x: Exchange): number {
  const { reply, base } = x;
  // RD is copied (RFC 1035 section 4.1.1) from what was understood as a query; every other bit is ours.
  const copied = (x.flags & 0x7800) === 0 ? x.flags & Flag.RD : x.flags & 0x7800;
  const flags =
    Flag.QR | copied | (x.isAuthoritative ? Flag.AA : 0) | (x.isTruncated ? Flag.TC : 0) | (x.rcode & 15);
  reply[base] = x.query[x.queryStart]!;
  reply[base + 1] = x.query[x.queryStart + 1]!;
  write16(reply, base + 2, flags);
  write16(reply, base + 4, x.hasQuestion ? 1 : 0);
  write16(reply, base + 6, x.answers);
  write16(reply, base + 8, x.authorities);
  write16(reply, base + 10, x.additionals);
  return x.at - base;
}

/** Position of a type among the counted ones. */
function typeCounter(type: number): number {
  switch (type) {
    case 1:
      return 0;
    case 2:
      return 1;
    case 5:
      return 2;
    case 6:
      return 3;
    case 15:
      return 4;
    case 16:
      return 5;
    case 28:
      return 6;
    case 33:
      return 7;
    case 65:
      return 8;
    case 255:
      return 9;
    default:
      return 10;
  }
}

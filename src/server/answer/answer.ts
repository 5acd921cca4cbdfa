/**
 * The answer to one query, as a function over octets, the same for every transport.
 *
 * ```
 *   query.ts ──► answer-name.ts ──► answer-service.ts, answer-static.ts, negative.ts ──► edns.ts ──► write.ts
 *   read it      what the name      sections of the reply, written by compose.ts         OPT         header
 *                is: find.ts
 * ```
 *
 * One guard stands around it: an exception is a bug, costs that query a SERVFAIL, and is counted. Nothing here
 * waits or allocates.
 */
import { isMapped, MAPPED_OFFSET } from '../client-address.ts';
import { Class, Rcode, Type } from '../../zonebuilder/dns.ts';
import { isAllowed } from '../policy/access.ts';
import { answerName } from './answer-name.ts';
import { answerSignatures } from './answer-rrsig.ts';
import { Answering } from './answering.ts';
import { answerChaos } from './chaos.ts';
import { ClientPlace } from './client-place.ts';
import { Counter, typeCounter } from '../counters.ts';
import { checkOptions, ExtendedError, optOctets, PAYLOAD_MIN, writeOpt } from './edns.ts';
import { HEADER_OCTETS, OptionBit, reset, type Exchange } from './exchange.ts';
import { ImageView } from './image-view.ts';
import { labelsBelow, readName } from './name.ts';
import { addSoa, isSoaDue } from './negative.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import { EMPTY_POLICY, openPolicy, type OpenPolicy } from '../policy/policy.ts';
import { isToBeSigned, Parsed, readQuery } from './query.ts';
import { mayTransfer } from '../policy/transfer-access.ts';
import { limitReply, RateVerdict, ReplyClass, type RateLimiter } from '../policy/rate-limit.ts';
import {
  challenge,
  isMetaType,
  isProven,
  refuseBusy,
  refuseForeign,
  refuseOptions,
  refuseToRead,
  refuseType,
  settleCookie,
} from './refuse.ts';
import { Sealing } from './sealing.ts';
import { admit, claim, Slot, Waiting, writeClient } from '../signing/waiting.ts';
import type { Parking, ResponderSettings, SigningResponder } from '../responder.ts';
import { TCP_REPLY_OCTETS, Transport, UDP_REPLY_OCTETS } from '../responder.ts';
import { channelOf } from '../signing/channel.ts';
import { settleTsig, signReply, writeTsigError } from './tsig.ts';
import { writeHeader } from './write.ts';

/**
 * Makes the responder of one worker.
 *
 * @param clock - milliseconds since 1970, for cookies and rate limiting
 */
export function createResponder(
  settings: ResponderSettings,
  clock: () => number = Date.now,
): SigningResponder {
  return new ImageResponder(settings, clock);
}

/** Answers from the image. */
class ImageResponder implements SigningResponder {
  readonly #answering: Answering;
  readonly #clock: () => number;
  #counters: Float64Array;
  #payloadMax: number;
  #policy: OpenPolicy;
  /** Queries come from workers, who have counted and limited them. */
  #isSigner = false;
  parking: Parking | undefined;
  #query: Uint8Array = new Uint8Array(0);
  #queryData: DataView = dataOf(this.#query);

  constructor(settings: ResponderSettings, clock: () => number) {
    this.#clock = clock;
    const view = new ImageView(settings.image, settings.reader);
    this.#answering = new Answering(view, settings.apex, settings.reader);
    this.#counters = new Float64Array(settings.counters);
    this.#payloadMax = settings.udpPayloadMax;
    this.#policy = openPolicy(settings.policy ?? EMPTY_POLICY);
    this.adopt(settings);
  }

  adopt(settings: ResponderSettings): void {
    const a = this.#answering;
    a.view.leave();
    a.adopt(new ImageView(settings.image, settings.reader), settings.apex);
    a.view.leave();
    this.#counters = new Float64Array(settings.counters);
    this.#payloadMax = settings.udpPayloadMax;
    this.#policy = openPolicy(settings.policy ?? EMPTY_POLICY);
    const { geoMemory, trust } = this.#policy;
    a.geo = geoMemory && new ClientPlace(geoMemory);
    a.trust = trust;
    a.sealing = settings.signing && new Sealing(settings.signing, settings.apex);
    a.isSigning = false;
    a.x.canSign = a.sealing !== undefined;
    this.#isSigner = a.sealing?.isSigner ?? false;
    this.parking = a.sealing && this.#parkingFor(a.sealing, settings.reader);
  }

  get isStale(): boolean {
    return this.#answering.view.isStale;
  }

  enter(): void {
    this.#answering.view.enter();
  }

  leave(): void {
    this.#answering.view.leave();
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
    const { x } = this.#answering;
    if (x.reply !== reply) {
      x.reply = reply;
      x.replyData = dataOf(reply);
    }
    x.query = query;
    x.queryData = query === reply ? x.replyData : this.#dataOfQuery(query);
    x.queryStart = queryStart;
    x.queryEnd = queryStart + queryLength;
    x.transport = transport;
    x.client = client;
    // One client is to be known as one over every socket: to its cookie, to rate limiting.
    const mapped = clientLength === 16 && isMapped(client, clientStart);
    x.clientStart = mapped ? clientStart + MAPPED_OFFSET : clientStart;
    x.clientLength = mapped ? 4 : clientLength;
    x.base = replyStart;
    x.isInPlace = query === reply && queryStart === replyStart;
    reset(x);
    try {
      return this.#respond(x);
    } catch {
      this.#counters[Counter.faults]!++;
      return this.#fault(x);
    }
  }

  /** For transports that have queries and replies in buffers of their own. */
  #dataOfQuery(query: Uint8Array): DataView {
    if (this.#query !== query) {
      this.#query = query;
      this.#queryData = dataOf(query);
    }
    return this.#queryData;
  }

  #respond(x: Exchange): number {
    const parsed = readQuery(x);
    this.#countQuery(x, parsed);
    if (parsed === Parsed.unanswerable) return 0;
    x.at = x.questionEnd;
    x.messageMax = x.base + this.#replyMax(x);
    if (this.#policy.hasAccess && !this.#isClientAllowed(x)) this.#refuseClient(x);
    else if (parsed !== Parsed.fine) refuseToRead(x, parsed);
    else if (x.options !== 0 && !checkOptions(x, this.#policy, this.#clock)) refuseOptions(x);
    else if (x.tsigAt === 0 || settleTsig(x, this.#policy.transfer.keys, this.#clock)) this.#dispatch(x);
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
    x.limit = x.messageMax - optOctets(x, this.#policy);
    if (!x.hasQuestion) {
      settleCookie(x);
    } else if (this.#policy.cookiesRequired && x.transport === Transport.udp && !isProven(x)) {
      challenge(x, this.#isOurs(x));
    } else if (x.class !== Class.IN) {
      if (x.class !== Class.CH || !answerChaos(x, this.#policy)) refuseForeign(x);
    } else if (isMetaType(x.type) && !this.#isPoll(x)) {
      refuseType(x);
    } else {
      const a = this.#answering;
      a.below = labelsBelow(x.name, a.domain, a.domainLabels);
      if (a.below >= 0) this.#answerName(a);
      else if (!this.#answerCatalog(x)) refuseForeign(x);
    }
  }

  #answerName(a: Answering): void {
    const { x } = a;
    if ((x.options & OptionBit.zoneVersion) !== 0) {
      x.zoneLabels = a.domainLabels;
      // A SOA in the reply puts its own there, so that both say the same.
      x.serial = a.view.serial;
    }
    if (a.sealing === undefined) answerName(a);
    else this.#answerSigned(a);
  }

  /** Answers for a name of a domain that is signed, to a client that may not want to know of it. */
  #answerSigned(a: Answering): void {
    const { x } = a;
    a.isSigning = isToBeSigned(x);
    if (a.isSigning) {
      x.signingSeconds = signingSeconds(a.sealing!, this.#clock());
      x.isClientProven = x.transport !== Transport.udp || isProven(x);
    }
    if (x.type === Type.RRSIG) answerSignatures(a);
    else answerName(a);
  }

  /**
   * Whether it is an IXFR over UDP of a client that may have one. It is answered with the SOA alone, which tells the client
   * whether to come over TCP (RFC 1995 section 2).
   */
  #isPoll(x: Exchange): boolean {
    if (x.type !== Type.IXFR || x.transport !== Transport.udp || !this.#isApex(x)) return false;
    const { transfer } = this.#policy;
    if (!mayTransfer(transfer, x.client, x.clientStart, x.clientLength, x.signedBy)) return false;
    x.type = Type.SOA;
    return true;
  }

  /** The SOA of the catalog zone, which secondaries ask for to see whether it has changed (RFC 9432). */
  #answerCatalog(x: Exchange): boolean {
    const { transfer } = this.#policy;
    const { catalog } = transfer;
    if (catalog === undefined || x.type !== Type.SOA) return false;
    if (labelsBelow(x.name, catalog.name, catalog.labels) !== 0) return false;
    if (!mayTransfer(transfer, x.client, x.clientStart, x.clientLength, x.signedBy)) return false;
    const { soa } = catalog;
    if (x.at + soa.byteLength > x.limit) return false;
    x.at = copyOctets(x.replyData, x.at, soa, 0, soa.byteLength);
    x.answers = 1;
    x.isAuthoritative = true;
    return true;
  }

  #isApex(x: Exchange): boolean {
    const { domain, domainLabels } = this.#answering;
    return labelsBelow(x.name, domain, domainLabels) === 0;
  }

  /** Whether the question is one that this server is an authority for, also where no answer was looked up. */
  #isOurs(x: Exchange): boolean {
    const { domain, domainLabels } = this.#answering;
    return x.hasQuestion && x.class === Class.IN && labelsBelow(x.name, domain, domainLabels) >= 0;
  }

  #replyMax(x: Exchange): number {
    if (x.transport !== Transport.udp) return TCP_REPLY_OCTETS;
    if (!x.hasOpt) return PAYLOAD_MIN;
    return Math.min(Math.max(x.payloadMax, PAYLOAD_MIN), this.#payloadMax);
  }

  #finish(x: Exchange): number {
    const { rateLimiter } = this.#policy;
    if (rateLimiter !== undefined && !this.#isSigner && !this.#mayReply(x, rateLimiter)) return 0;
    if (x.waitingFor !== Waiting.none) return -x.waitingFor;
    if (x.isDue) this.#tellSigner(x);
    return this.#end(x);
  }

  #end(x: Exchange): number {
    writeOpt(x, this.#policy, this.#payloadMax, this.#counters[Counter.tcpIdleLimitMs]!);
    writeTsigError(x);
    this.#countReply(x);
    return signReply(x, writeHeader(x));
  }

  /** Counts the reply against its client's rate, and empties it where it slips. */
  #mayReply(x: Exchange, limiter: RateLimiter): boolean {
    if (x.transport !== Transport.udp || isProven(x) || x.signer !== undefined) return true;
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
        x.waitingFor = Waiting.none;
        challenge(x, this.#isOurs(x));
        return true;
    }
  }

  /** Has the signatures of this reply made anew, which are good still. */
  #tellSigner(x: Exchange): void {
    const room = this.#answering.sealing!.waiting;
    const at = claim(room, Waiting.refresh, x.queryData, x.queryStart, x.queryEnd - x.queryStart);
    if (at === 0) return;
    writeClient(room, at, x.transport, x.client, x.clientStart, x.clientLength);
    admit(room, at);
  }

  #parkingFor({ waiting: room, settings: { channel } }: Sealing, worker: number): Parking {
    return {
      room,
      worker,
      channel: channelOf(channel, worker),
      claim: this.#claim,
      turnAway: this.#turnAway,
    };
  }

  readonly #claim = (): number => {
    const { x, sealing } = this.#answering;
    const room = sealing!.waiting;
    const at = claim(room, x.waitingFor, x.queryData, x.queryStart, x.queryEnd - x.queryStart);
    if (at === 0) return 0;
    this.#counters[Counter.signaturesAwaited]!++;
    writeClient(room, at, x.transport, x.client, x.clientStart, x.clientLength);
    return at;
  };

  /** A client that has not shown its address may come back with a proof, which then waits in another row. */
  readonly #turnAway = (): number => {
    const { x } = this.#answering;
    this.#counters[Counter.signaturesRefused]!++;
    x.isClientProven ||= isProven(x);
    if (x.isClientProven) refuseBusy(x);
    else challenge(x, true);
    return this.#end(x);
  };

  /** For signers. */
  get denialsPerSecond(): number {
    const settings = this.#answering.sealing?.settings;
    return settings === undefined ? 0 : settings.denialsPerSecond / settings.signers;
  }

  get channel(): string {
    return this.#answering.sealing?.settings.channel ?? '';
  }

  answerWaiting(waiting: Waiting, slot: Uint8Array, reply: Uint8Array): number {
    const sealing = this.#answering.sealing!;
    const words = new Int32Array(slot.buffer, slot.byteOffset, Slot.query / 4);
    const transport = words[Slot.transport / 4] as Transport;
    sealing.isRefreshing = waiting === Waiting.refresh;
    sealing.made = 0;
    const octets = this.answer(
      slot,
      Slot.query,
      words[Slot.queryOctets / 4]!,
      reply,
      0,
      transport,
      slot,
      Slot.client,
      words[Slot.clientOctets / 4]!,
    );
    this.#countSignatures(sealing);
    sealing.isRefreshing = false;
    return octets;
  }

  #countSignatures({ made, isRefreshing }: Sealing): void {
    this.#counters[isRefreshing ? Counter.signaturesRefreshed : Counter.signaturesMade]! += made;
  }

  keepSoaSigned(): void {
    const a = this.#answering;
    const { sealing, view, x } = a;
    if (sealing === undefined || !isSoaDue(sealing, view.serial, this.#clock())) return;
    sealing.made = 0;
    x.reply = soaReply;
    x.replyData = soaReplyData;
    x.base = 0;
    reset(x);
    x.at = copyOctets(soaReplyData, HEADER_OCTETS, a.domain, 0, a.domain.byteLength);
    x.limit = soaReply.length;
    x.signingSeconds = signingSeconds(sealing, this.#clock());
    a.name = a.target;
    a.nameAt = HEADER_OCTETS;
    readName(a.name, a.domain, 0, a.domain.byteLength);
    a.below = 0;
    a.wildcardLabel = 0;
    a.isSigning = true;
    addSoa(a, a.apex.ttlSeconds, view.serial);
    this.#countSignatures(sealing);
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
    if (this.#isSigner) return;
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

/** Seconds since 1970 as signatures are dated: a clock is wrong that shows less than what is past. */
function signingSeconds({ settings }: Sealing, nowMs: number): number {
  return Math.max(Math.floor(nowMs / 1000), settings.times.notBeforeSeconds);
}

/** Where the SOA is written that is signed before anybody asks. */
const soaReply = new Uint8Array(UDP_REPLY_OCTETS);
const soaReplyData = dataOf(soaReply);

/** Made once for each buffer that a transport uses; transports reuse theirs. */
function dataOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.length);
}

/** What a reply is counted as by rate limiting. */
function replyClass(x: Exchange): ReplyClass {
  if (x.rcode === Rcode.NXDOMAIN) return ReplyClass.nxdomain;
  if (x.rcode !== Rcode.NOERROR) return ReplyClass.error;
  if (x.answers > 0) return ReplyClass.answer;
  return x.authorities > 0 && !x.isAuthoritative ? ReplyClass.referral : ReplyClass.nodata;
}

/**
 * One query and the reply to it, as numbers in one reused object: what was read from the query, and how far the
 * reply has been written. Positions are octets from the start of the buffer; offsets in the message are from `base`.
 */
import { type ReplySigner, TsigError } from '../../tsig/verify.ts';
import { CookieVerdict } from '../policy/cookies.ts';
import { Rcode } from '../../zonebuilder/dns.ts';
import { ClientSubnet } from './client-subnet.ts';
import { Name } from './name.ts';
import { Transport } from '../responder.ts';
import { Waiting } from '../signing/waiting.ts';

/** Bits of a message's second pair of octets (RFC 1035 section 4.1.1). */
export const Flag = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100 } as const;

/** Octets of a message header. */
export const HEADER_OCTETS = 12;

/** EDNS options that the parser recognises, as bits of {@link Exchange.options}. */
export const OptionBit = {
  nsid: 1,
  ecs: 2,
  expire: 4,
  cookie: 8,
  keepalive: 16,
  padding: 32,
  zoneVersion: 64,
} as const;

/** An exchange in progress. One per responder, reused for every query. */
export class Exchange {
  // The query.
  query: Uint8Array = new Uint8Array(0);
  queryData: DataView = new DataView(new ArrayBuffer(0));
  queryStart = 0;
  queryEnd = 0;
  transport: Transport = Transport.udp;
  client: Uint8Array = new Uint8Array(0);
  clientStart = 0;
  clientLength = 0;
  flags = 0;
  type = 0;
  class = 0;
  /** The name asked for. */
  readonly name = new Name();

  // EDNS(0) of the query (RFC 6891).
  hasOpt = false;
  ednsVersion = 0;
  /** Largest UDP reply that the client takes, in octets. */
  payloadMax = 0;
  /** Recognised options, {@link OptionBit}. */
  options = 0;
  cookieAt = 0;
  cookieLength = 0;
  /** What the cookie is worth, when there is one. */
  cookie: CookieVerdict = CookieVerdict.unproven;
  /** Seconds since 1970, when there is a cookie. */
  nowSeconds = 0;
  /** The client subnet, where there is one that is well formed. */
  readonly subnet = new ClientSubnet();
  isSubnetMalformed = false;
  keepaliveLength = 0;
  /** The flag DO: the client wants DNSSEC records. */
  isDnssecOk = false;
  /** The flag CO: the client wants the RCODE to say that a name does not exist, also beside a compact denial (RFC 9824 section 5). */
  isCompactOk = false;

  // TSIG of the query (RFC 8945): where the record, its type and its time stand; 0 for none.
  tsigAt = 0;
  tsigFixed = 0;
  tsigTimeAt = 0;
  /** What a TSIG record without a MAC is to say; 0: there is to be none. */
  tsigError: TsigError = TsigError.none;
  /** Signs the reply; undefined: it is not signed. */
  signer: ReplySigner | undefined;
  /** Name of the key that the query is signed with; undefined: of none that is known. */
  signedBy: string | undefined;

  // The reply.
  reply: Uint8Array = new Uint8Array(0);
  replyData: DataView = new DataView(new ArrayBuffer(0));
  base = 0;
  /** The reply is written over the query, whose question then stands where it belongs. */
  isInPlace = false;
  /** Where the next octet goes. */
  at = 0;
  /** Position that the reply must not pass. */
  messageMax = 0;
  /** Where its sections must end, room for OPT kept free. */
  limit = 0;
  /** Position of the question's end, from which the answer section starts. */
  questionEnd = 0;
  rcode = 0;
  isAuthoritative = false;
  isTruncated = false;
  hasQuestion = false;
  answers = 0;
  authorities = 0;
  additionals = 0;
  /** Extended DNS error to tell, -1 for none (RFC 8914). */
  extendedError = -1;
  /** Prefix length of the client subnets that the answer holds for (RFC 7871 section 7.2.1): 0, for all. */
  ecsScope = 0;
  /** What answers are told apart by for rate limiting: where the Service or the static name lies in the image. */
  answerKey = 0;
  /** The answer is the SOA of the apex. */
  hasApexSoa = false;
  /** Labels of the domain, without the root, where its version is to be told with the answer; 0: it is not. */
  zoneLabels = 0;
  /** SOA serial of the state that the answer is made from, where one of both is told. */
  serial = 0;

  // Signatures.
  /** Whether replies may be signed, so that a query that wants it is kept until its reply is there. */
  canSign = false;
  /** Whether the client's address is known to be its own. */
  isClientProven = false;
  /** Seconds since 1970, by which signatures are dated. */
  signingSeconds = 0;
  /** Which of the addresses that were written last is the first in the image. */
  firstAddress = 0;
  /** What the reply waits for. */
  waitingFor: Waiting = Waiting.none;
  /** Whether a signature in the reply is to be made anew. */
  isDue = false;
}

/** Forgets the query before. */
export function reset(x: Exchange): void {
  x.hasOpt = false;
  x.tsigAt = 0;
  x.tsigError = TsigError.none;
  x.signer = undefined;
  x.signedBy = undefined;
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
  x.isCompactOk = false;
  x.waitingFor = Waiting.none;
  x.isDue = false;
  x.ecsScope = 0;
  x.hasApexSoa = false;
  x.zoneLabels = 0;
  x.answerKey = 0;
}

/** An RRset was left out (RFC 2181 section 9). */
export function truncate(x: Exchange): void {
  x.isTruncated = true;
}

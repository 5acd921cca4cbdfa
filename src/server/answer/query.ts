/**
 * Reads a query: header, question and OPT. Results are ordered from "no reply" to "fine", so that a caller can
 * compare. Octets from the network are never trusted: every read is behind a comparison with the end.
 */
import { Type } from '../../zonebuilder/dns.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import { readSubnet } from './client-subnet.ts';
import type { Exchange } from './exchange.ts';
import { HEADER_OCTETS, OptionBit } from './exchange.ts';
import { readName } from './name.ts';
import { UDP_REPLY_OCTETS } from '../responder.ts';
import { noteTsig } from './tsig.ts';

/** How reading a query ended. */
export const Parsed = {
  /** Nothing may be sent back. */
  unanswerable: 0,
  /** Malformed in a way that leaves no question to echo. */
  formatErrorNoQuestion: 1,
  /** An opcode that is not implemented. */
  notImplemented: 2,
  /** Malformed behind the question. */
  formatError: 3,
  /** An EDNS version above 0. */
  badVersion: 4,
  fine: 5,
} as const;
export type Parsed = (typeof Parsed)[keyof typeof Parsed];

/** Records that are read in a query's additional section: OPT and TSIG are all that belong there. */
const ADDITIONAL_MAX = 4;

/** Where the query lies while its reply is written in its place. */
const aside = new Uint8Array(UDP_REPLY_OCTETS);
const asideData = new DataView(aside.buffer);

/** Reads a query into the exchange and copies its question into the reply. */
export function readQuery(x: Exchange): Parsed {
  const { query, queryStart: start } = x;
  // RFC 1035 section 7.3: without a whole header there is no ID to answer to; a response is never answered.
  if (x.queryEnd - start < HEADER_OCTETS || (query[start + 2]! & 0x80) !== 0) return Parsed.unanswerable;
  x.flags = (query[start + 2]! << 8) | query[start + 3]!;
  if ((x.flags & 0x7800) !== 0) return Parsed.notImplemented;
  // RFC 9619: QDCOUNT of a query is 0 or 1; only a cookie refresh (RFC 7873 section 5.4) has 0.
  if (read16(query, start + 4) !== 1) return readQuestionless(x);
  const question = readQuestion(x);
  if (question === 0) return Parsed.formatErrorNoQuestion;
  // A query carries nothing in its answer and authority sections. IXFR has an SOA there (RFC 1995 section 3).
  if (read16(query, start + 6) !== 0) return Parsed.formatError;
  const authorities = read16(query, start + 8);
  if (authorities !== 0 && x.type !== Type.IXFR) return Parsed.formatError;
  return readRecords(x, question, authorities, read16(query, start + 10));
}

function readQuestionless(x: Exchange): Parsed {
  const { query, queryStart: start } = x;
  const isEmpty =
    read16(query, start + 4) === 0 && read16(query, start + 6) === 0 && read16(query, start + 8) === 0;
  if (!isEmpty) return Parsed.formatErrorNoQuestion;
  const rest = readRecords(x, start + HEADER_OCTETS, 0, read16(query, start + 10));
  return rest < Parsed.badVersion ? Parsed.formatErrorNoQuestion : rest;
}

/** Reads the question and echoes it octet for octet. Returns the position behind it, 0 when it is malformed. */
function readQuestion(x: Exchange): number {
  const { query } = x;
  const start = x.queryStart + HEADER_OCTETS;
  const octets = readName(x.name, x.queryData, start, x.queryEnd);
  const end = start + octets + 4;
  if (octets === 0 || end > x.queryEnd) return 0;
  const to = x.base + HEADER_OCTETS;
  if (!x.isInPlace) copyOctets(x.replyData, to, x.queryData, start, end - start);
  x.type = read16(query, end - 4);
  x.class = read16(query, end - 2);
  x.hasQuestion = true;
  x.questionEnd = to + end - start;
  return end;
}

/** Reads what follows the question; the message must end where its last record does. */
function readRecords(x: Exchange, from: number, authorities: number, additionals: number): Parsed {
  if (authorities + additionals > ADDITIONAL_MAX) return Parsed.formatError;
  let at = from;
  for (let i = 0; i < authorities + additionals; i++) {
    at = readRecord(x, at, i >= authorities);
    if (at === 0) return Parsed.formatError;
  }
  if (at !== x.queryEnd) return Parsed.formatError;
  if (x.isInPlace && ((x.options & OptionBit.cookie) !== 0 || x.tsigAt !== 0)) setAside(x, from);
  else if (x.isInPlace && isToBeSigned(x)) setAside(x, from);
  return x.hasOpt && x.ednsVersion !== 0 ? Parsed.badVersion : Parsed.fine;
}

/** Whether the reply may have to wait for a signature. */
export function isToBeSigned(x: Exchange): boolean {
  return x.canSign && (x.isDnssecOk || x.type === Type.RRSIG);
}

/**
 * Moves a query out of the way of the reply that is about to be written over it: its cookie and its TSIG record are read once
 * more when they are answered, and a query that waits for a signature as a whole. All other options are numbers by now.
 *
 * @param from - where the records begin
 */
function setAside(x: Exchange, from: number): void {
  const { queryStart: start } = x;
  const octets = x.queryEnd - start;
  copyOctets(asideData, 0, x.queryData, start, isToBeSigned(x) ? from - start : HEADER_OCTETS);
  copyOctets(asideData, from - start, x.queryData, from, x.queryEnd - from);
  x.cookieAt -= start;
  if (x.tsigAt !== 0) {
    x.tsigAt -= start;
    x.tsigFixed -= start;
    x.tsigTimeAt -= start;
  }
  x.query = aside;
  x.queryData = asideData;
  x.queryStart = 0;
  x.queryEnd = octets;
}

/** Reads one record, keeping what is OPT. Returns the position behind it, 0 when it is malformed. */
function readRecord(x: Exchange, at: number, isAdditional: boolean): number {
  const { query, queryData: data } = x;
  const fixed = skipName(query, at, x.queryEnd);
  if (fixed === 0 || fixed + 10 > x.queryEnd) return 0;
  const end = fixed + 10 + data.getUint16(fixed + 8);
  if (end > x.queryEnd) return 0;
  const typeAndClass = data.getInt32(fixed);
  const type = typeAndClass >>> 16;
  if (type === Type.TSIG) return isAdditional && noteTsig(x, at, fixed, end) ? end : 0;
  if (type !== Type.OPT) return end;
  // RFC 6891 section 6.1.1: one OPT, in the additional section; section 6.1.2: its owner is the root.
  if (x.hasOpt || !isAdditional || query[at] !== 0) return 0;
  x.hasOpt = true;
  const ttl = data.getInt32(fixed + 4);
  x.payloadMax = typeAndClass & 0xffff;
  x.ednsVersion = (ttl >>> 16) & 0xff;
  x.isDnssecOk = (ttl & 0x8000) !== 0;
  x.isCompactOk = (ttl & 0x4000) !== 0;
  // RFC 6891 section 6.1.3: what another version put there is not for us to judge.
  if (x.ednsVersion !== 0) return end;
  return end === fixed + 10 || readOptions(x, fixed + 10, end) ? end : 0;
}

/** Notes the first of each option that is known; others are ignored (RFC 6891 section 6.1.2). */
function readOptions(x: Exchange, from: number, end: number): boolean {
  const { queryData: data } = x;
  let at = from;
  while (at < end) {
    if (at + 4 > end) return false;
    const head = data.getInt32(at);
    at += 4;
    const length = head & 0xffff;
    if (at + length > end) return false;
    noteOption(x, head >>> 16, at, length);
    at += length;
  }
  return true;
}

function noteOption(x: Exchange, code: number, at: number, length: number): void {
  const bit = optionBit(code);
  if ((x.options & bit) !== 0) return;
  x.options |= bit;
  if (bit === OptionBit.ecs) {
    x.isSubnetMalformed = !readSubnet(x.subnet, x.queryData, at, length);
  } else if (bit === OptionBit.cookie) {
    x.cookieAt = at;
    x.cookieLength = length;
  } else if (bit === OptionBit.keepalive) {
    x.keepaliveLength = length;
  }
}

function optionBit(code: number): number {
  switch (code) {
    case 3:
      return OptionBit.nsid;
    case 8:
      return OptionBit.ecs;
    case 9:
      return OptionBit.expire;
    case 10:
      return OptionBit.cookie;
    case 11:
      return OptionBit.keepalive;
    case 12:
      return OptionBit.padding;
    case 19:
      return OptionBit.zoneVersion;
    default:
      return 0;
  }
}

/**
 * Skips a name that may end in a compression pointer. Where the pointer leads does not matter: nothing that such a
 * name says is used, so no chain is ever followed.
 */
function skipName(source: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const length = source[at]!;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= end ? at + 2 : 0;
    if (length > 63) return 0;
    at += length + 1;
  }
  return 0;
}

function read16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

/**
 * Reads what the query log tells of a message. Queries may be anything, so every step stays within the octets, and what cannot be read
 * is undefined. Allocates: the query path has its own reader.
 */

import { Type } from '../zonebuilder/dns.ts';
import { decodeName, NAME_OCTETS_MAX } from '../zonebuilder/names.ts';

/** Octets of a message, `start` to `end`; names point from `start`. */
export interface MessageView {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Positions of the header (RFC 1035 section 4.1.1). */
const HEADER_OCTETS = 12;
const QDCOUNT = 4;
const ANCOUNT = 6;
const NSCOUNT = 8;
const ARCOUNT = 10;

export const HeaderFlag = {
  qr: 0x8000,
  aa: 0x0400,
  tc: 0x0200,
  rd: 0x0100,
  ad: 0x0020,
  cd: 0x0010,
} as const;

/** Octets of a question behind its name, and of a record before its data. */
const QUESTION_FIXED = 4;
const RECORD_FIXED = 10;
/** Label octets with both upper bits point elsewhere (RFC 1035 section 4.1.4). */
const POINTER = 0xc0;

export interface Question {
  /** Wire form, in a memory of its own, case kept. */
  readonly wireName: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Where the next section starts. */
  readonly end: number;
}

export interface RecordHead {
  /** Where the owner name starts. */
  readonly at: number;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly dataAt: number;
  readonly dataOctets: number;
}

/** The 16 bits behind the id; 0 where there is no header. */
export function flagsOf(message: MessageView): number {
  return number16(message, message.start + 2) ?? 0;
}

export function answerCount(message: MessageView): number {
  return number16(message, message.start + ANCOUNT) ?? 0;
}

/** The first question. */
export function readQuestion(message: MessageView): Question | undefined {
  if ((number16(message, message.start + QDCOUNT) ?? 0) === 0) return undefined;
  const at = message.start + HEADER_OCTETS;
  const wireName = readName(message, at);
  const end = skipName(message, at);
  if (wireName === undefined || end === undefined) return undefined;
  const type = number16(message, end);
  const dnsClass = number16(message, end + 2);
  if (type === undefined || dnsClass === undefined) return undefined;
  return { wireName, type, class: dnsClass, end: end + QUESTION_FIXED };
}

/** The records behind the question, all sections, up to the first that cannot be read. */
export function* recordsOf(message: MessageView, question: Question): Generator<RecordHead> {
  let left = [ANCOUNT, NSCOUNT, ARCOUNT].reduce(
    (sum, at) => sum + (number16(message, message.start + at) ?? 0),
    0,
  );
  let at = question.end;
  for (; left > 0; left--) {
    const record = readRecordHead(message, at);
    if (record === undefined) return;
    yield record;
    at = record.dataAt + record.dataOctets;
  }
}

function readRecordHead(message: MessageView, at: number): RecordHead | undefined {
  const end = skipName(message, at);
  if (end === undefined || end + RECORD_FIXED > message.end) return undefined;
  const dataOctets = number16(message, end + 8)!;
  if (end + RECORD_FIXED + dataOctets > message.end) return undefined;
  return {
    at,
    type: number16(message, end)!,
    class: number16(message, end + 2)!,
    ttl: number16(message, end + 4)! * 0x1_0000 + number16(message, end + 6)!,
    dataAt: end + RECORD_FIXED,
    dataOctets,
  };
}

export function isOpt({ type }: RecordHead): boolean {
  return type === Type.OPT;
}

/** The data of an EDNS option (RFC 6891 section 6.1.2). */
export function findOption(
  { octets, end }: MessageView,
  opt: RecordHead,
  code: number,
): Uint8Array | undefined {
  const view = { octets, start: opt.dataAt, end: Math.min(end, opt.dataAt + opt.dataOctets) };
  for (let at = view.start; at + 4 <= view.end;) {
    const length = number16(view, at + 2)!;
    if (at + 4 + length > view.end) return undefined;
    if (number16(view, at) === code) return octets.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** Where a name is put together. */
const nameRoom = new Uint8Array(NAME_OCTETS_MAX);

/** A name in wire form without pointers. Undefined: it is none, or goes in a circle. */
export function readName(message: MessageView, start: number): Uint8Array | undefined {
  const { octets, end } = message;
  let length = 0;
  // A pointer must lead back, and a label makes the name longer, which has a limit: so it comes to an end.
  for (let at = start, limit = end; at < limit;) {
    const octet = octets[at]!;
    if (octet >= POINTER) {
      if (at + 1 >= end) return undefined;
      limit = at;
      at = message.start + (((octet & ~POINTER) << 8) | octets[at + 1]!);
    } else {
      if (octet > 63 || length + octet + 1 > NAME_OCTETS_MAX || at + octet >= end) return undefined;
      for (let i = 0; i <= octet; i++) nameRoom[length++] = octets[at++]!;
      if (octet === 0) return nameRoom.slice(0, length);
      limit = end;
    }
  }
  return undefined;
}

function skipName({ octets, end }: MessageView, start: number): number | undefined {
  for (let at = start; at < end; at += octets[at]! + 1) {
    const octet = octets[at]!;
    if (octet === 0) return at + 1;
    if (octet >= POINTER) return at + 2 <= end ? at + 2 : undefined;
    if (octet > 63) return undefined;
  }
  return undefined;
}

function number16({ octets, end }: MessageView, at: number): number | undefined {
  return at + 2 <= end ? (octets[at]! << 8) | octets[at + 1]! : undefined;
}

/** Whether a name in wire form is the domain or lies below it. @param domain - in wire form, lower case */
export function isBelow(wireName: Uint8Array, domain: Uint8Array): boolean {
  let at = 0;
  while (wireName.length - at > domain.length && wireName[at] !== 0) at += wireName[at]! + 1;
  return (
    wireName.length - at === domain.length && domain.every((octet, i) => lower(wireName[at + i]!) === octet)
  );
}

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/** Whether a name is only a pointer to the question's, as owner names of replies mostly are. */
export function isQuestionName(message: MessageView, at: number): boolean {
  return number16(message, at) === (POINTER << 8) + HEADER_OCTETS;
}

/** As in a zone file, without the trailing dot; what is not printable is escaped. */
export function nameText(wireName: Uint8Array): string {
  return decodeName(wireName);
}

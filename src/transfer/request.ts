/** Reads a request for a transfer (RFC 5936 section 2.1, RFC 1995 section 3). Octets from the network are never trusted. */
import { Type } from '../zonebuilder/dns.ts';
import { lowerWireName } from '../zonebuilder/names.ts';
import { findTsig, type TsigRecord } from '../tsig/record.ts';
import { serialOf } from './wire-record.ts';

const HEADER_OCTETS = 12;
const OPTION_EXPIRE = 9;
const NAME_OCTETS_MAX = 255;

/** A request as far as it could be read. */
export interface TransferRequest {
  readonly id: number;
  /** RD, to be copied. */
  readonly flags: number;
  /** As it came, with type and class; empty where it could not be read. */
  readonly question: Buffer;
  /** Lower-case wire form. */
  readonly name: Buffer;
  readonly type: number;
  /** What the client has, of an IXFR; undefined: it does not say. */
  readonly serial: number | undefined;
  readonly hasOpt: boolean;
  /** Of EDNS; 0 also without it. */
  readonly ednsVersion: number;
  readonly wantsExpire: boolean;
  /** The signature, and the whole message that it is over. */
  readonly tsig: { readonly record: TsigRecord; readonly message: Buffer } | undefined;
  readonly isMalformed: boolean;
}

/** Reads a message for which {@link asksForTransfer} holds. */
export function readRequest(message: Buffer): TransferRequest {
  let at = HEADER_OCTETS;
  while (message[at] !== 0) at += message[at]! + 1;
  const nameEnd = at + 1;
  const question = Buffer.from(message.subarray(HEADER_OCTETS, nameEnd + 4));
  const tsig = findTsig(message);
  const rest = tsig === 'malformed' ? undefined : readRest(message, nameEnd + 4, tsig?.at ?? message.length);
  return {
    id: message.readUInt16BE(0),
    flags: message.readUInt16BE(2) & 0x0100,
    question,
    name: lowerWireName(Buffer.from(question.subarray(0, -4))),
    type: message.readUInt16BE(nameEnd),
    serial: rest?.serial,
    hasOpt: rest?.hasOpt ?? false,
    ednsVersion: rest?.ednsVersion ?? 0,
    wantsExpire: rest?.wantsExpire ?? false,
    tsig: tsig === 'malformed' || tsig === undefined ? undefined : { record: tsig, message },
    isMalformed: rest === undefined || nameEnd - HEADER_OCTETS > NAME_OCTETS_MAX,
  };
}

interface Rest {
  readonly serial: number | undefined;
  readonly hasOpt: boolean;
  readonly ednsVersion: number;
  readonly wantsExpire: boolean;
}

/** What stands between the question and the signature: the client's SOA, and OPT. */
function readRest(message: Buffer, from: number, end: number): Rest | undefined {
  let serial: number | undefined;
  let hasOpt = false;
  let ednsVersion = 0;
  let wantsExpire = false;
  for (let at = from; at < end;) {
    const fixed = skipName(message, at, end);
    if (fixed === 0 || fixed + 10 > end) return undefined;
    const next = fixed + 10 + message.readUInt16BE(fixed + 8);
    if (next > end) return undefined;
    const type = message.readUInt16BE(fixed);
    const rdata = message.subarray(fixed + 10, next);
    if (type === Type.SOA) serial = serialOf(rdata);
    else if (type === Type.OPT) {
      hasOpt = true;
      ednsVersion = message[fixed + 5]!;
      wantsExpire = hasOption(rdata, OPTION_EXPIRE);
    }
    at = next;
  }
  return { serial, hasOpt, ednsVersion, wantsExpire };
}

function hasOption(rdata: Buffer, code: number): boolean {
  for (let at = 0; at + 4 <= rdata.length; at += 4 + rdata.readUInt16BE(at + 2))
    if (rdata.readUInt16BE(at) === code) return true;
  return false;
}

/** Skips a name that may end in a pointer: nothing that it says is used. */
function skipName(message: Buffer, from: number, end: number): number {
  for (let at = from; at < end;) {
    const length = message[at]!;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= end ? at + 2 : 0;
    if (length > 63) return 0;
    at += length + 1;
  }
  return 0;
}

/**
 * DNS messages as the doctor writes and reads them: any section, any type, with rdata as octets. The server's own code is not
 * used for it: that writes replies in place, and would read its own faults as right. A reply is bounded before it is
 * read (dns-exchange.ts), and a name follows pointers backwards only, so that reading ends.
 */

import { formatRdata } from '../../zonebuilder/rr-types.ts';
import { decodeName, encodeName, LABEL_OCTETS_MAX, NAME_OCTETS_MAX } from '../../zonebuilder/names.ts';
import { Class, Type } from '../../zonebuilder/dns.ts';

/** What is asked. */
export interface Question {
  /** Absolute, with or without the trailing dot. */
  readonly name: string;
  readonly type: number;
  /** A recursive resolver is asked. Default: the server's own data are asked for. */
  readonly isRecursive?: boolean;
  /** RFC 4035 section 3.2.2: what fails validation is wanted all the same. Default: false. */
  readonly isUnchecked?: boolean;
}

export interface DnsRecord {
  /** Lower case, without the trailing dot; the root is the empty text. */
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  /** Presentation form, names lower-cased and absolute with their trailing dot. */
  readonly data: string;
  /** Names in it uncompressed. */
  readonly rdata: Buffer;
}

export interface DnsReply {
  /** With the upper bits of OPT. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** RFC 5001: what the server calls itself. */
  readonly serverId?: string;
  /** RFC 8914: why it says so, as `code (text)`. */
  readonly error?: string;
}

/** A reply that is no DNS message. */
export class MessageFault extends Error {}

/** What is told as the largest UDP reply, so that no reply is fragmented (RFC 9715). */
const UDP_PAYLOAD_MAX = 1232;
/** Records of a reply: a root referral has 27. */
const RECORDS_MAX = 512;
const HEADER_OCTETS = 12;
/** From here on an octet begins a pointer. */
const POINTER = 0xc0;
const OptionCode = { NSID: 3, ERROR: 15 } as const;

/** Types whose rdata begins with so many octets and then has so many names, which may be compressed (RFC 3597 section 4). */
const NAMED: Readonly<Record<number, { readonly before: number; readonly names: number }>> = {
  [Type.NS]: { before: 0, names: 1 },
  [Type.CNAME]: { before: 0, names: 1 },
  [Type.SOA]: { before: 0, names: 2 },
  // PTR and MX.
  12: { before: 0, names: 1 },
  15: { before: 2, names: 1 },
};

/** @param id - 16 bits that nobody can guess */
export function encodeQuestion({ name, type, isRecursive, isUnchecked }: Question, id: number): Buffer {
  const header = Buffer.alloc(HEADER_OCTETS);
  header.writeUInt16BE(id, 0);
  header[2] = isRecursive === true ? 0x01 : 0;
  header[3] = isUnchecked === true ? 0x10 : 0;
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(1, 10);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(Class.IN, 2);
  return Buffer.concat([header, encodeName(name), tail, optRecord()]);
}

/** RFC 6891 section 6.1.2, with an empty NSID option: what the server calls itself is wanted. */
function optRecord(): Buffer {
  const opt = Buffer.alloc(15);
  opt.writeUInt16BE(Type.OPT, 1);
  opt.writeUInt16BE(UDP_PAYLOAD_MAX, 3);
  opt.writeUInt16BE(4, 9);
  opt.writeUInt16BE(OptionCode.NSID, 11);
  return opt;
}

interface Cursor {
  readonly octets: Buffer;
  at: number;
}

/** @throws MessageFault */
export function decodeReply(octets: Buffer): DnsReply {
  try {
    return readMessage(octets);
  } catch (error) {
    throw new MessageFault(
      `the reply is malformed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function readMessage(octets: Buffer): DnsReply {
  const cursor = { octets, at: HEADER_OCTETS };
  const counts = [4, 6, 8, 10].map((at) => octets.readUInt16BE(at));
  if (counts.reduce((sum, count) => sum + count, 0) > RECORDS_MAX) throw new Error('too many records');
  for (let i = 0; i < counts[0]!; i++) {
    takeName(cursor);
    cursor.at += 4;
  }
  const [answers = [], authorities = [], additionals = []] = counts
    .slice(1)
    .map((count) => Array.from({ length: count }, () => takeRecord(cursor)));
  const opt = additionals.find(({ type }) => type === Type.OPT);
  return {
    rcode: ((opt?.ttlSeconds ?? 0) >>> 24) * 16 + (octets[3]! & 0x0f),
    isAuthoritative: (octets[2]! & 0x04) !== 0,
    isTruncated: (octets[2]! & 0x02) !== 0,
    answers,
    authorities,
    additionals,
    ...optionsOf(opt),
  };
}

function takeRecord(cursor: Cursor): DnsRecord {
  const name = decodeName(takeName(cursor)).toLowerCase();
  const [type, ttlSeconds] = [
    cursor.octets.readUInt16BE(cursor.at),
    cursor.octets.readUInt32BE(cursor.at + 4),
  ];
  const start = cursor.at + 10;
  const end = start + cursor.octets.readUInt16BE(cursor.at + 8);
  if (end > cursor.octets.length) throw new Error('a record reaches past its end');
  const rdata = uncompressed(type, cursor.octets, start, end);
  cursor.at = end;
  const data = type === Type.OPT ? '' : formatRdata(type, rdata);
  return { name: name === '.' ? '' : name, type, ttlSeconds, data, rdata };
}

/** Names of DNS compare without case (RFC 4343), so those in rdata are lowered. */
function uncompressed(type: number, octets: Buffer, start: number, end: number): Buffer {
  const named = NAMED[type];
  if (named === undefined) return octets.subarray(start, end);
  const cursor = { octets, at: start + named.before };
  const names = Array.from({ length: named.names }, () => takeName(cursor));
  return Buffer.concat([
    octets.subarray(start, start + named.before),
    ...names,
    octets.subarray(cursor.at, end),
  ]);
}

/** The wire form of a name without pointers, lowered. */
function takeName(cursor: Cursor): Buffer {
  const { octets } = cursor;
  const parts: Buffer[] = [];
  let at = cursor.at;
  let bound = at;
  let end: number | undefined;
  for (let length = 0; ;) {
    const octet = octets.readUInt8(at);
    if (octet >= POINTER) {
      end ??= at + 2;
      at = bound = pointedTo(octets, at, bound);
      continue;
    }
    const label = labelAt(octets, at);
    parts.push(label);
    length += label.length;
    at += label.length;
    if (length > NAME_OCTETS_MAX) throw new Error('a name is too long');
    if (octet === 0) break;
  }
  cursor.at = end ?? at;
  return lowered(Buffer.concat(parts));
}

/** RFC 1035 section 4.1.4: a pointer is to a prior occurrence, so a name ends, however many there are. */
function pointedTo(octets: Buffer, at: number, bound: number): number {
  const target = octets.readUInt16BE(at) & 0x3fff;
  if (target >= bound) throw new Error('a name points forward');
  return target;
}

/** With its length octet. */
function labelAt(octets: Buffer, at: number): Buffer {
  const length = octets.readUInt8(at);
  if (length > LABEL_OCTETS_MAX) throw new Error('a label of an unknown kind');
  if (at + 1 + length > octets.length) throw new Error('a label reaches past the end');
  return octets.subarray(at, at + 1 + length);
}

function lowered(wireName: Buffer): Buffer {
  return Buffer.from(wireName.map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet)));
}

function optionsOf(opt: DnsRecord | undefined): Pick<DnsReply, 'serverId' | 'error'> {
  const found: { serverId?: string; error?: string } = {};
  const rdata = opt?.rdata ?? Buffer.alloc(0);
  for (let at = 0; at + 4 <= rdata.length;) {
    const [code, length] = [rdata.readUInt16BE(at), rdata.readUInt16BE(at + 2)];
    const value = rdata.subarray(at + 4, at + 4 + length);
    if (code === OptionCode.NSID && value.length > 0) found.serverId = value.toString('utf8');
    if (code === OptionCode.ERROR && value.length >= 2) found.error ??= errorText(value);
    at += 4 + length;
  }
  return found;
}

function errorText(value: Buffer): string {
  const text = value.toString('utf8', 2);
  return `EDE ${value.readUInt16BE(0)}${text === '' ? '' : ` (${text})`}`;
}

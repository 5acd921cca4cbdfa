/** Writes the pieces of a reply: numbers, records, names. Callers have made sure that they fit. */
import type { ApexName } from '../../zonebuilder/apex.ts';
import { Class } from '../../zonebuilder/dns.ts';
import { Flag, type Exchange } from './exchange.ts';

/** Octets of a record with a compressed owner name, without RDATA. */
export const RECORD_OCTETS = 12;

/** Offsets beyond this cannot be pointed at (RFC 1035 section 4.1.4). */
const POINTER_MAX = 0x3fff;

export function write16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

export function write32(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 24;
  octets[at + 1] = value >>> 16;
  octets[at + 2] = value >>> 8;
  octets[at + 3] = value;
}

/**
 * Writes owner, type, class IN, TTL and RDLENGTH.
 *
 * @param owner - position of the owner name in the reply
 * @returns the position of RDATA
 */
export function writeRecordHead(
  x: Exchange,
  owner: number,
  type: number,
  ttlSeconds: number,
  rdataOctets: number,
): number {
  const { replyData: data, at } = x;
  data.setInt32(at, ((0xc000 | (owner - x.base)) << 16) | type);
  data.setInt32(at + 4, (Class.IN << 16) | (ttlSeconds >>> 16));
  data.setInt32(at + 8, (ttlSeconds << 16) | rdataOctets);
  return at + RECORD_OCTETS;
}

/** Whether a name at this position can be pointed at. */
export function canPointAt(x: Exchange, position: number): boolean {
  return position - x.base <= POINTER_MAX;
}

/** Octets that {@link writeApexName} writes. */
export function apexNameOctets(name: ApexName): number {
  return name.labels.length + (name.inDomain ? 2 : 0);
}

/**
 * Writes a name in compressed form.
 *
 * @param domainAt - position of the domain's name in the reply
 * @returns the position behind it
 */
export function writeApexName(x: Exchange, at: number, name: ApexName, domainAt: number): number {
  const { labels } = name;
  for (let i = 0; i < labels.length; i++) x.reply[at + i] = labels[i]!;
  const end = at + labels.length;
  if (!name.inDomain) return end;
  write16(x.reply, end, 0xc000 | (domainAt - x.base));
  return end + 2;
}

/** Writes the header and returns the reply's length. */
export function writeHeader(x: Exchange): number {
  const { replyData: data, base } = x;
  // RD is copied (RFC 1035 section 4.1.1) from what was understood as a query; every other bit is ours.
  const copied = (x.flags & 0x7800) === 0 ? x.flags & Flag.RD : x.flags & 0x7800;
  const flags =
    Flag.QR | copied | (x.isAuthoritative ? Flag.AA : 0) | (x.isTruncated ? Flag.TC : 0) | (x.rcode & 15);
  data.setInt32(base, (x.queryData.getUint16(x.queryStart) << 16) | flags);
  data.setInt32(base + 4, ((x.hasQuestion ? 1 : 0) << 16) | x.answers);
  data.setInt32(base + 8, (x.authorities << 16) | x.additionals);
  return x.at - base;
}

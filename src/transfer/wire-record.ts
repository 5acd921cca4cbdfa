/** Records in wire form, uncompressed: what differences are kept as, and messages made of. */
import { encodeName, lowerWireName } from '../zonebuilder/names.ts';
import { parseAddress } from '../zonebuilder/ip-text.ts';
import type { RecordSet } from '../zonebuilder/records.ts';
import { parseRdata, typeCode } from '../zonebuilder/rr-types.ts';
import { Class, Type } from '../zonebuilder/dns.ts';
import { SOA_EXPIRE_SECONDS, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS } from '../zonebuilder/apex.ts';
import type { ZoneStart } from './zone-view.ts';

/** A record. */
export interface WireRecord {
  /** Wire form with root label, its case kept. */
  readonly owner: Buffer;
  readonly type: number;
  readonly ttlSeconds: number;
  /** Names in it uncompressed. */
  readonly rdata: Buffer;
}

/** Type, class, TTL and RDLENGTH. */
export const FIXED_OCTETS = 10;

/** The records of an RRset. */
export function* toWire({ name, type: typeName, ttlSeconds, data }: RecordSet): Generator<WireRecord> {
  const owner = encodeName(name);
  for (const text of data) {
    const { type, rdata } = toRdata(typeName, text);
    yield { owner, type, ttlSeconds, rdata };
  }
}

/** Nearly all records of a zone are of these types, and need no reading word by word. */
function toRdata(typeName: string, text: string): { type: number; rdata: Buffer } {
  switch (typeName) {
    case 'A':
    case 'AAAA':
      return { type: Type[typeName], rdata: parseAddress(text)! };
    case 'CNAME':
      return { type: Type.CNAME, rdata: encodeName(text) };
    default:
      return parseRdata(typeName, text);
  }
}

/** The SOA of a state. */
export function soaOf(start: ZoneStart, serial: number): WireRecord {
  const { domain, primary, hostmaster, ttlSeconds, nodataTtlSeconds } = start;
  const numbers = Buffer.alloc(20);
  const fields = [serial, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS, SOA_EXPIRE_SECONDS, nodataTtlSeconds];
  fields.forEach((field, i) => numbers.writeUInt32BE(field, i * 4));
  return {
    owner: encodeName(domain),
    type: Type.SOA,
    ttlSeconds,
    rdata: Buffer.concat([encodeName(primary), encodeName(hostmaster), numbers]),
  };
}

/** The serial in the data of an SOA; undefined where that is none. */
export function serialOf(rdata: Buffer): number | undefined {
  return rdata.length < 22 ? undefined : rdata.readUInt32BE(rdata.length - 20);
}

/** Octets that a record takes uncompressed. */
export function octetsOf({ owner, rdata }: WireRecord): number {
  return owner.length + FIXED_OCTETS + rdata.length;
}

/** The record in one piece. */
export function packRecord({ owner, type, ttlSeconds, rdata }: WireRecord): Buffer {
  const octets = Buffer.allocUnsafe(owner.length + FIXED_OCTETS + rdata.length);
  let at = owner.copy(octets, 0);
  at = octets.writeUInt16BE(type, at);
  at = octets.writeUInt16BE(Class.IN, at);
  at = octets.writeUInt32BE(ttlSeconds, at);
  at = octets.writeUInt16BE(rdata.length, at);
  rdata.copy(octets, at);
  return octets;
}

/** Reads records that stand one behind the other. */
export function* unpackRecords(octets: Buffer): Generator<WireRecord> {
  for (let at = 0; at < octets.length;) {
    let end = at;
    while (octets[end] !== 0) end += octets[end]! + 1;
    end++;
    const rdataAt = end + FIXED_OCTETS;
    const next = rdataAt + octets.readUInt16BE(end + 8);
    yield {
      owner: octets.subarray(at, end),
      type: octets.readUInt16BE(end),
      ttlSeconds: octets.readUInt32BE(end + 4),
      rdata: octets.subarray(rdataAt, next),
    };
    at = next;
  }
}

/** Types whose rdata is names only, or ends in one; lowered in the canonical form (RFC 4034 section 6.2), compressed in messages. */
const NAME_AT: ReadonlyMap<number, number> = new Map([
  [Type.NS, 0],
  [Type.CNAME, 0],
  [typeCode('PTR')!, 0],
  [typeCode('MX')!, 2],
]);

/** Where the name begins that the rdata of a type ends in and that may be compressed (RFC 3597 section 4); undefined: there is none. */
export function compressibleAt(type: number): number | undefined {
  return NAME_AT.get(type);
}

/**
 * The canonical form of a record (RFC 4034 section 6.2): names in lower case. Names of SRV, too, as the RFC has it; other types
 * with names in their rdata are not lowered (RFC 6840 section 5.1 leaves HINFO out, and NAPTR is kept as it came).
 */
export function canonical(record: WireRecord): Buffer {
  const octets = packRecord(record);
  lowerWireName(octets.subarray(0, record.owner.length));
  const nameAt = record.type === Type.SRV ? 6 : NAME_AT.get(record.type);
  if (nameAt !== undefined) lowerWireName(octets.subarray(record.owner.length + FIXED_OCTETS + nameAt));
  return octets;
}

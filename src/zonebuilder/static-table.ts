/**
 * The static table of the image: names with records that no cluster has a say in — those of the configuration,
 * and the apex's own NS, with the addresses of name servers inside the domain.
 */
import { RECORD_HEADER_OCTETS, RRSET_HEADER_OCTETS, StaticName, Statics } from './layout.ts';
import { hashKey } from './hash.ts';
import { insertSlot } from './locations.ts';
import { encodeNameLower } from './names.ts';
import { Class, Type } from './dns.ts';

/** A record with its data in wire form. */
export interface StaticRecord {
  /** Absolute, lower case, within the domain. */
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  /** Uncompressed RDATA. */
  readonly rdata: Buffer;
}

/** A name below the domain ('' is the apex). */
interface StaticOwner {
  /** Lower-case wire form without root label. */
  readonly key: Buffer;
  /** Labels below the apex. */
  readonly depth: number;
  readonly records: StaticRecord[];
}

/** Encodes the static table. Every name between the domain and a record's name becomes an empty non-terminal. */
export function encodeStatics(records: readonly StaticRecord[], domain: string, seed: number): Buffer {
  const owners = collectOwners(records, encodeNameLower(domain).length);
  let slots = 8;
  while (slots < owners.length * 2) slots *= 2;
  const head = Buffer.alloc(Statics.slots + slots * 4);
  head.writeUInt32LE(slots - 1, Statics.mask);
  const entries: Buffer[] = [];
  let at = head.length;
  for (const owner of owners) {
    const { key } = owner;
    const entry = encodeEntry(key, owner.records);
    insertSlot(head, Statics.slots, slots - 1, hashKey(key, seed), at);
    markOwner(head, owner);
    entries.push(entry);
    at += entry.length;
  }
  return Buffer.concat([head, ...entries]);
}

/** The bit of a depth in the table's masks; {@link Statics}. */
export function depthBit(depth: number): number {
  return 1 << Math.min(depth, 31);
}

/** Keyed by octets, so that two ways to write a name are one name. */
function collectOwners(records: readonly StaticRecord[], domainOctets: number): StaticOwner[] {
  const owners = new Map<string, StaticOwner>();
  for (const record of records) {
    const wireName = encodeNameLower(record.name);
    ownerOf(owners, wireName.subarray(0, wireName.length - domainOctets)).records.push(record);
  }
  return [...owners.values()];
}

/** The owner of a key, with those above it when it is new. The apex comes from records of its own only. */
function ownerOf(owners: Map<string, StaticOwner>, key: Buffer): StaticOwner {
  const text = key.toString('latin1');
  const known = owners.get(text);
  if (known !== undefined) return known;
  const parent = key.subarray(1 + (key[0] ?? 0));
  const depth = key.length === 0 ? 0 : 1 + (parent.length === 0 ? 0 : ownerOf(owners, parent).depth);
  const owner = { key, depth, records: [] };
  owners.set(text, owner);
  return owner;
}

function markOwner(head: Buffer, { key, depth, records }: StaticOwner): void {
  const bit = depthBit(depth);
  head.writeInt32LE(head.readInt32LE(Statics.depths) | bit, Statics.depths);
  if (key[0] === 1 && key[1] === 0x2a)
    head.writeUInt32LE(head.readUInt32LE(Statics.wildcards) + 1, Statics.wildcards);
  if (depth === 0 || !records.some((record) => record.type === Type.NS)) return;
  head.writeInt32LE(head.readInt32LE(Statics.cutDepths) | bit, Statics.cutDepths);
}

function encodeEntry(key: Buffer, own: readonly StaticRecord[]): Buffer {
  const byType = Map.groupBy(own, (record) => record.type);
  const head = Buffer.alloc((StaticName.key + key.length + 3) & ~3);
  head.writeUInt16LE(byType.size, StaticName.rrsets);
  head.writeUInt16LE(head.length, StaticName.rrsetsAt);
  head[StaticName.keyOctets] = key.length;
  key.copy(head, StaticName.key);
  return Buffer.concat([head, ...[...byType.values()].map(encodeRrset)]);
}

function encodeRrset(records: readonly StaticRecord[]): Buffer {
  const bodies = Buffer.concat(records.map(encodeRecord));
  const rrset = Buffer.alloc((RRSET_HEADER_OCTETS + bodies.length + 3) & ~3);
  rrset.writeUInt16LE(records[0]!.type, 0);
  rrset.writeUInt16LE(records.length, 2);
  rrset.writeUInt32LE(bodies.length, 4);
  bodies.copy(rrset, RRSET_HEADER_OCTETS);
  return rrset;
}

function encodeRecord({ type, ttlSeconds, rdata }: StaticRecord): Buffer {
  const head = Buffer.alloc(RECORD_HEADER_OCTETS);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(Class.IN, 2);
  head.writeUInt32BE(ttlSeconds, 4);
  head.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([head, rdata]);
}

/**
 * The static table of the image: names with records that no cluster has a say in — those of the configuration,
 * and the apex's own NS, with the addresses of name servers inside the domain.
 */
import { RECORD_HEADER_OCTETS, RRSET_HEADER_OCTETS, StaticName, Statics } from './layout.ts';
import { hashKey } from './hash.ts';
import { insertSlot } from './locations.ts';
import { encodeNameLower, parseLabels } from './names.ts';
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

/** Encodes the static table. Every name between the domain and a record's name becomes an empty non-terminal. */
export function encodeStatics(records: readonly StaticRecord[], domain: string, seed: number): Buffer {
  const names = collectNames(records, domain);
  let slots = 8;
  while (slots < names.size * 2) slots *= 2;
  const head = Buffer.alloc(Statics.slots + slots * 4);
  head.writeUInt32LE(slots - 1, Statics.mask);
  const entries: Buffer[] = [];
  let at = head.length;
  for (const [relative, own] of names) {
    const key = encodeNameLower(relative).subarray(0, -1);
    const entry = encodeEntry(key, own);
    insertSlot(head, Statics.slots, slots - 1, hashKey(key, seed), at);
    markDepths(head, parseLabels(relative).length, own);
    if (relative === '*' || relative.startsWith('*.'))
      head.writeUInt32LE(head.readUInt32LE(Statics.wildcards) + 1, Statics.wildcards);
    entries.push(entry);
    at += entry.length;
  }
  return Buffer.concat([head, ...entries]);
}

/** The bit of a depth in the table's masks; {@link Statics}. */
export function depthBit(depth: number): number {
  return 1 << Math.min(depth, 31);
}

/** Names relative to the domain ('' is the apex), each with its records. */
function collectNames(records: readonly StaticRecord[], domain: string): Map<string, StaticRecord[]> {
  const names = new Map<string, StaticRecord[]>();
  for (const record of records) {
    let relative = record.name === domain ? '' : record.name.slice(0, -domain.length - 1);
    names.set(relative, [...(names.get(relative) ?? []), record]);
    for (relative = parentOf(relative); relative !== ''; relative = parentOf(relative)) {
      if (!names.has(relative)) names.set(relative, []);
    }
  }
  return names;
}

function parentOf(relative: string): string {
  const labels = parseLabels(relative).slice(1);
  return labels.map((label) => label.toString('latin1').replace(/[.\\]/g, '\\$&')).join('.');
}

function markDepths(head: Buffer, depth: number, own: readonly StaticRecord[]): void {
  const bit = depthBit(depth);
  head.writeInt32LE(head.readInt32LE(Statics.depths) | bit, Statics.depths);
  if (depth === 0 || !own.some((record) => record.type === Type.NS)) return;
  head.writeInt32LE(head.readInt32LE(Statics.cutDepths) | bit, Statics.cutDepths);
}

function encodeEntry(key: Buffer, own: readonly StaticRecord[]): Buffer {
  const types = [...new Set(own.map((record) => record.type))];
  const head = Buffer.alloc((StaticName.key + key.length + 3) & ~3);
  head.writeUInt16LE(types.length, StaticName.rrsets);
  head.writeUInt16LE(head.length, StaticName.rrsetsAt);
  head[StaticName.keyOctets] = key.length;
  key.copy(head, StaticName.key);
  const rrsets = types.map((type) => encodeRrset(own.filter((record) => record.type === type)));
  return Buffer.concat([head, ...rrsets]);
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

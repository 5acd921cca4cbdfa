/**
 * Owns static records as one run of octets: a hundred thousand of them are a few megabytes that move from thread to thread
 * without a copy, instead of a million objects. How the image finds them is static-table.ts.
 *
 * ```
 *  octets    entry | entry | …      each a name below the domain with its RRsets, as {@link StaticName} lays out
 *  offsets   where each entry begins
 * ```
 */
import { Class, Type } from './dns.ts';
import { hashKey } from './hash.ts';
import { RECORD_HEADER_OCTETS, RRSET_HEADER_OCTETS, StaticName } from './layout.ts';
import { decodeLabels, encodeNameLower, NameError } from './names.ts';

/** A record with its data in wire form. */
export interface StaticRecord {
  /** Absolute, lower case, within the domain. */
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  /** Uncompressed RDATA. */
  readonly rdata: Buffer;
}

/** The static records of a domain, those of its name servers included. Plain data, to be transferred or cloned. */
export interface StaticSet {
  readonly octets: Uint8Array<ArrayBuffer>;
  /** In octets, by entry. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** {@link depthBit}s of the names, and of those of them that are zone cuts. */
  readonly depths: number;
  readonly cutDepths: number;
  readonly wildcards: number;
}

/** A name below the domain ('' is the apex). */
interface StaticOwner {
  /** Lower-case wire form without root label. */
  readonly key: Buffer;
  /** Labels below the apex. */
  readonly depth: number;
  readonly records: Packable[];
}

type Packable = Omit<StaticRecord, 'name'>;

/** Packs records. Every name between the domain and a record's name becomes an empty non-terminal. */
export function packStatics(records: Iterable<StaticRecord>, domain: string): StaticSet {
  const owners = collectOwners(records, encodeNameLower(domain).length);
  const offsets = new Uint32Array(owners.length);
  let octetsInAll = 0;
  owners.forEach((owner, i) => {
    offsets[i] = octetsInAll;
    octetsInAll += entryOctets(owner);
  });
  const octets = new Uint8Array(octetsInAll);
  const view = Buffer.from(octets.buffer);
  const marks = { depths: 0, cutDepths: 0, wildcards: 0 };
  owners.forEach((owner, i) => {
    writeEntry(view, offsets[i]!, owner);
    markOwner(marks, owner);
  });
  return { octets, offsets, ...marks };
}

/** The bit of a depth in the masks of a set. */
export function depthBit(depth: number): number {
  return 1 << Math.min(depth, 31);
}

/** The key of an entry: its name below the domain, in lower-case wire form without root label. */
export function keyAt({ octets, offsets }: StaticSet, entry: number): Buffer {
  const at = offsets[entry]!;
  return Buffer.from(octets.buffer, at + StaticName.key, octets[at + StaticName.keyOctets]!);
}

/** All records, those of a name one after the other, its RRsets in the order in which their types came. */
export function* walkStatics(set: StaticSet, domain: string): Generator<StaticRecord> {
  for (let entry = 0; entry < set.offsets.length; entry++) yield* recordsOf(set, entry, domain);
}

/** The records of one entry; none for an empty non-terminal. */
export function recordsOf(set: StaticSet, entry: number, domain: string): StaticRecord[] {
  const start = set.offsets[entry]!;
  const end = set.offsets[entry + 1] ?? set.octets.length;
  const view = Buffer.from(set.octets.buffer, start, end - start);
  let left = view.readUInt16LE(StaticName.rrsets);
  if (left === 0) return [];
  const name = nameOf(set, entry, domain);
  const records: StaticRecord[] = [];
  for (let at = view.readUInt16LE(StaticName.rrsetsAt); left > 0; left--) {
    const octets = view.readUInt32LE(at + 4);
    readRrset(view.subarray(at + RRSET_HEADER_OCTETS, at + RRSET_HEADER_OCTETS + octets), name, records);
    at += rrsetOctets(octets);
  }
  return records;
}

/** Names with a record of a type, absolute. */
export function namesWith(set: StaticSet, type: number, domain: string): string[] {
  const names: string[] = [];
  for (let entry = 0; entry < set.offsets.length; entry++)
    if (hasType(set, entry, type)) names.push(nameOf(set, entry, domain));
  return names;
}

/** Names with records of any type, absolute. */
export function* namesOfStatics(set: StaticSet, domain: string): Generator<string> {
  for (const [entry, at] of set.offsets.entries())
    if (set.octets[at + StaticName.rrsets]! + set.octets[at + StaticName.rrsets + 1]! > 0)
      yield nameOf(set, entry, domain);
}

function nameOf(set: StaticSet, entry: number, domain: string): string {
  const key = keyAt(set, entry);
  if (key.length === 0) return domain;
  return `${decodeLabels(key)}.${domain}`;
}

function hasType({ octets, offsets }: StaticSet, entry: number, type: number): boolean {
  const start = offsets[entry]!;
  const view = new DataView(octets.buffer, start);
  let at = view.getUint16(StaticName.rrsetsAt, true);
  for (let left = view.getUint16(StaticName.rrsets, true); left > 0; left--) {
    if (view.getUint16(at, true) === type) return true;
    at += rrsetOctets(view.getUint32(at + 4, true));
  }
  return false;
}

function readRrset(bodies: Buffer, name: string, records: StaticRecord[]): void {
  for (let at = 0; at < bodies.length;) {
    const rdataAt = at + RECORD_HEADER_OCTETS;
    const end = rdataAt + bodies.readUInt16BE(at + 8);
    const type = bodies.readUInt16BE(at);
    records.push({
      name,
      type,
      ttlSeconds: bodies.readUInt32BE(at + 4),
      rdata: bodies.subarray(rdataAt, end),
    });
    at = end;
  }
}

/** Keyed by octets, so that two ways to write a name are one name. */
function collectOwners(records: Iterable<StaticRecord>, domainOctets: number): StaticOwner[] {
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

function markOwner(
  marks: { depths: number; cutDepths: number; wildcards: number },
  { key, depth, records }: StaticOwner,
): void {
  const bit = depthBit(depth);
  marks.depths |= bit;
  if (key[0] === 1 && key[1] === 0x2a) marks.wildcards++;
  if (depth > 0 && records.some((record) => record.type === Type.NS)) marks.cutDepths |= bit;
}

function entryOctets({ key, records }: StaticOwner): number {
  let octets = headOctets(key);
  for (const rrset of byType(records)) octets += rrsetOctets(bodyOctets(rrset));
  return octets;
}

function writeEntry(to: Buffer, start: number, { key, records }: StaticOwner): void {
  const rrsets = byType(records);
  to.writeUInt16LE(rrsets.length, start + StaticName.rrsets);
  to.writeUInt16LE(headOctets(key), start + StaticName.rrsetsAt);
  to[start + StaticName.keyOctets] = key.length;
  key.copy(to, start + StaticName.key);
  let at = start + headOctets(key);
  for (const rrset of rrsets) at = writeRrset(to, at, rrset);
}

function writeRrset(to: Buffer, start: number, rrset: readonly Packable[]): number {
  const octets = bodyOctets(rrset);
  to.writeUInt16LE(rrset[0]!.type, start);
  to.writeUInt16LE(rrset.length, start + 2);
  to.writeUInt32LE(octets, start + 4);
  let at = start + RRSET_HEADER_OCTETS;
  for (const { type, ttlSeconds, rdata } of rrset) {
    to.writeUInt16BE(type, at);
    to.writeUInt16BE(Class.IN, at + 2);
    to.writeUInt32BE(ttlSeconds, at + 4);
    to.writeUInt16BE(rdata.length, at + 8);
    rdata.copy(to, at + RECORD_HEADER_OCTETS);
    at += RECORD_HEADER_OCTETS + rdata.length;
  }
  return start + rrsetOctets(octets);
}

/** The RRsets of a name. Most names have one record, for which nothing is made. */
function byType(records: readonly Packable[]): readonly (readonly Packable[])[] {
  if (records.length === 0) return [];
  // A query for ANY gets the first RRset, which an ALIAS is only where there is nothing else.
  const sorted = records.toSorted((a, b) => Number(a.type === Type.ALIAS) - Number(b.type === Type.ALIAS));
  return records.length === 1 ? [records] : [...Map.groupBy(sorted, ({ type }) => type).values()];
}

function headOctets(key: Buffer): number {
  return (StaticName.key + key.length + 3) & ~3;
}

function bodyOctets(rrset: readonly Packable[]): number {
  return rrset.reduce((octets, { rdata }) => octets + RECORD_HEADER_OCTETS + rdata.length, 0);
}

function rrsetOctets(bodies: number): number {
  return (RRSET_HEADER_OCTETS + bodies + 3) & ~3;
}

/** Finds entries by name. */
export class StaticIndex {
  readonly #set: StaticSet;
  readonly #domain: string;
  /** Numbers of entries, from 1; 0 is free. Always at least half of the slots are free. */
  readonly #slots: Uint32Array;

  constructor(set: StaticSet, domain: string) {
    this.#set = set;
    this.#domain = domain;
    this.#slots = new Uint32Array(slotsFor(set));
    for (let entry = 0; entry < set.offsets.length; entry++)
      this.#slots[this.#slotOf(keyAt(set, entry))] = entry + 1;
  }

  /** Whether there are records at a name or below it. */
  has(name: string): boolean {
    return this.#entryOf(name) !== undefined;
  }

  /** The records at a name. */
  at(name: string): StaticRecord[] {
    const entry = this.#entryOf(name);
    return entry === undefined ? [] : recordsOf(this.#set, entry, this.#domain);
  }

  #entryOf(name: string): number | undefined {
    if (name !== this.#domain && !name.endsWith(`.${this.#domain}`)) return undefined;
    const key = keyOf(name.slice(0, -this.#domain.length - 1));
    const entry = key === undefined ? 0 : this.#slots[this.#slotOf(key)]!;
    return entry === 0 ? undefined : entry - 1;
  }

  /** The slot with a key, or the free one where it would be. */
  #slotOf(key: Buffer): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashKey(key, 0) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0 || keyAt(this.#set, entry - 1).equals(key)) return slot;
    }
  }
}

/** Undefined for what is no name, such as one that is too long: nobody has records there. */
function keyOf(below: string): Buffer | undefined {
  try {
    return encodeNameLower(below).subarray(0, -1);
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}

/** Slots of a table of all names: a power of two, at least twice as many as there are names. */
export function slotsFor({ offsets }: StaticSet): number {
  let slots = 8;
  while (slots < offsets.length * 2) slots *= 2;
  return slots;
}

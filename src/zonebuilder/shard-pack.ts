/**
 * The shards of one Service as a compact text, so that the control plane's memory stays near what the facts need.
 * V8 keeps a one-byte string on its heap with 16 octets of overhead; an object per shard takes about 200, and
 * an ArrayBuffer per Service about 300.
 *
 * ```
 *  shard: octets of it 4 | cluster 2 | flags 1 | changed 8 | ttl 4 | zones 1 | placed 1 | ports 1 | v4 2 | v6 2 | the lists
 *         | where `placed` says so: of each address, the place of its zone among the zones 1
 *         | where a flag says so: ttl of addresses 4 | addresses of a reply 2 | priority 2 | weight 2 | policy 1 | weight 2
 * ```
 */
import type { ShardPort } from './facts.ts';
import { POLICIES, type PolicyName } from './policy.ts';

/** A shard without its name, its cluster by number. */
export interface PackedShard {
  /** Number of the cluster, 0 to 65535. */
  readonly cluster: number;
  readonly ready: boolean;
  readonly readyZones: readonly string[] | 'every';
  /** Addresses as one-byte text, 4 or 16 characters each, so that they compare and join as they are. */
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  /** The zone of each address, those of IPv4 first; '' for one that is in none of `readyZones`. */
  readonly addressZones?: readonly string[];
  readonly ports: readonly ShardPort[];
  readonly ttlSeconds: number | undefined;
  readonly addressTtlSeconds: number | undefined;
  readonly maxAddresses: number | undefined;
  readonly policy: PolicyName | undefined;
  /** Of the cluster. */
  readonly weight: number | undefined;
  readonly srv: { readonly priority: number; readonly weight: number } | undefined;
  /** What was said last, while the newest word is withheld. */
  readonly held?: boolean;
  /** When the shard last changed, in milliseconds since the epoch. */
  readonly changedMs: number;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const READY = 1;
const EVERY_ZONE = 2;
const HAS_TTL = 4;
const HAS_MORE = 8;
const HAS_ADDRESS_TTL = 16;
const HAS_MAX_ADDRESSES = 32;
const HAS_SRV = 64;
const HAS_POLICY = 128;
/** Octets of what few shards have. */
const MORE_OCTETS = 13;
/** Stands for no weight; none is as large. */
const NO_WEIGHT = 0xffff;
const FIXED_OCTETS = 26;
/** Where it says whether each address has a zone of its own, and whether the shard is held: bits. */
const PLACED_AT = 20;
const PLACED = 1;
const HELD = 2;
/** Stands for an address in no zone. */
const NO_ZONE = 255;

/** Most entries of a shard's lists; further ones are left out. A cluster's own caps lie below. */
const ZONES_MAX = 255;
const PORTS_MAX = 255;
const ADDRESSES_MAX = 4096;

/** Octets of the largest shard: its lists full, every name of 63 octets. */
const SHARD_OCTETS_MAX =
  FIXED_OCTETS + ZONES_MAX * 64 + PORTS_MAX * 67 + ADDRESSES_MAX * 2 * (16 + 1) + MORE_OCTETS;

/** Where shards are packed and unpacked; single-threaded, and never held across a call. */
let scratch = Buffer.alloc(SHARD_OCTETS_MAX);

/** Unpacks all shards, in the order of their clusters. */
export function unpackShards(packed: string): PackedShard[] {
  const shards: PackedShard[] = [];
  for (let at = 0; at < packed.length; at += lengthAt(packed, at)) shards.push(unpackShard(packed, at));
  return shards;
}

/** Unpacks the shard of one cluster, if it has one. */
export function unpackShardOf(packed: string, cluster: number): PackedShard | undefined {
  const at = findCluster(packed, cluster);
  return at === -1 ? undefined : unpackShard(packed, at);
}

/** Whether one of the packed shards is a cluster's. */
export function hasCluster(packed: string, cluster: number): boolean {
  return findCluster(packed, cluster) !== -1;
}

/** What one cluster adds to its counts: 1 where it has a shard, 1 where that has an address and a ready endpoint. */
export interface ShardTally {
  readonly shards: 0 | 1;
  readonly ready: 0 | 1;
}

const NO_SHARD: ShardTally = { shards: 0, ready: 0 };
const SHARD: ShardTally = { shards: 1, ready: 0 };
const READY_SHARD: ShardTally = { shards: 1, ready: 1 };

/** Counts the shard of one cluster, without unpacking it. */
export function tallyShard(packed: string, cluster: number): ShardTally {
  const at = findCluster(packed, cluster);
  if (at === -1) return NO_SHARD;
  const addresses =
    packed.charCodeAt(at + 22) |
    packed.charCodeAt(at + 23) |
    packed.charCodeAt(at + 24) |
    packed.charCodeAt(at + 25);
  return addresses !== 0 && (packed.charCodeAt(at + 6) & READY) !== 0 ? READY_SHARD : SHARD;
}

function findCluster(packed: string, cluster: number): number {
  for (let at = 0; at < packed.length; at += lengthAt(packed, at)) {
    const here = clusterAt(packed, at);
    if (here >= cluster) return here === cluster ? at : -1;
  }
  return -1;
}

/** Puts a cluster's shard in place of the one that is there; undefined takes it out. Shards stay sorted by cluster. */
export function replaceShard(packed: string, cluster: number, shard: PackedShard | undefined): string {
  let from = 0;
  while (from < packed.length && clusterAt(packed, from) < cluster) from += lengthAt(packed, from);
  const isThere = from < packed.length && clusterAt(packed, from) === cluster;
  const to = isThere ? from + lengthAt(packed, from) : from;
  const length = shard === undefined ? 0 : packShard(shard);
  const text = scratch.toString('latin1', 0, length);
  if (from === 0 && to === packed.length) return text;
  // Written through the scratch buffer, which makes one flat string instead of a tree of pieces.
  reserve(packed.length + length);
  scratch.write(packed.slice(0, from), 0, 'latin1');
  scratch.write(text, from, 'latin1');
  scratch.write(packed.slice(to), from + length, 'latin1');
  return scratch.toString('latin1', 0, packed.length - (to - from) + length);
}

function reserve(octets: number): void {
  if (octets > scratch.length) scratch = Buffer.alloc(octets * 2);
}

/** Packs one shard at the start of the scratch buffer. Returns its octets. */
function packShard(shard: PackedShard): number {
  const zones = shard.readyZones === 'every' ? [] : shard.readyZones.slice(0, ZONES_MAX);
  const ports = shard.ports.slice(0, PORTS_MAX);
  const v4 = shard.v4.slice(0, ADDRESSES_MAX);
  const v6 = shard.v6.slice(0, ADDRESSES_MAX);
  scratch.writeUInt16LE(shard.cluster, 4);
  scratch[6] =
    (shard.ready ? READY : 0) |
    (shard.readyZones === 'every' ? EVERY_ZONE : 0) |
    (shard.ttlSeconds === undefined ? 0 : HAS_TTL) |
    moreFlags(shard);
  scratch.writeDoubleLE(shard.changedMs, 7);
  scratch.writeUInt32LE(shard.ttlSeconds ?? 0, 15);
  scratch[19] = zones.length;
  scratch[PLACED_AT] = (shard.addressZones === undefined ? 0 : PLACED) | (shard.held === true ? HELD : 0);
  scratch[21] = ports.length;
  scratch.writeUInt16LE(v4.length, 22);
  scratch.writeUInt16LE(v6.length, 24);
  let at = FIXED_OCTETS;
  for (const zone of zones) at = writeText(zone, at);
  for (const { name, protocol, port } of ports) {
    scratch.writeUInt16LE(port, at);
    scratch[at + 2] = PROTOCOLS.indexOf(protocol);
    at = writeText(name, at + 3);
  }
  for (const address of v4) at += scratch.write(address, at, 'latin1');
  for (const address of v6) at += scratch.write(address, at, 'latin1');
  if (shard.addressZones !== undefined) at = writeAddressZones(shard, shard.addressZones, zones, at);
  if (moreFlags(shard) !== 0) at = writeMore(shard, at);
  scratch.writeUInt32LE(at, 0);
  return at;
}

function writeAddressZones(
  { v4, v6 }: PackedShard,
  addressZones: readonly string[],
  zones: readonly string[],
  start: number,
): number {
  let at = start;
  for (const [first, count] of [
    [0, v4.length],
    [v4.length, v6.length],
  ] as const) {
    for (const zone of addressZones.slice(first, first + Math.min(count, ADDRESSES_MAX))) {
      const place = zones.indexOf(zone);
      scratch[at++] = place === -1 ? NO_ZONE : place;
    }
  }
  return at;
}

function moreFlags({ addressTtlSeconds, maxAddresses, srv, policy, weight }: PackedShard): number {
  const flags =
    (addressTtlSeconds === undefined ? 0 : HAS_ADDRESS_TTL) |
    (maxAddresses === undefined ? 0 : HAS_MAX_ADDRESSES) |
    (srv === undefined ? 0 : HAS_SRV) |
    (policy === undefined && weight === undefined ? 0 : HAS_POLICY);
  return flags === 0 ? 0 : flags | HAS_MORE;
}

function writeMore(
  { addressTtlSeconds, maxAddresses, srv, policy, weight }: PackedShard,
  at: number,
): number {
  scratch.writeUInt32LE(addressTtlSeconds ?? 0, at);
  scratch.writeUInt16LE(maxAddresses ?? 0, at + 4);
  scratch.writeUInt16LE(srv?.priority ?? 0, at + 6);
  scratch.writeUInt16LE(srv?.weight ?? 0, at + 8);
  scratch[at + 10] = policy === undefined ? 0 : 1 + POLICIES.indexOf(policy);
  return scratch.writeUInt16LE(weight ?? NO_WEIGHT, at + 11);
}

/** Reads the text itself: cutting it up is cheaper than writing it into a buffer first. */
function unpackShard(packed: string, start: number): PackedShard {
  const flags = packed.charCodeAt(start + 6);
  const reader = { packed, pos: start + FIXED_OCTETS };
  const zones = times(packed.charCodeAt(start + 19), () => takeText(reader));
  return {
    cluster: clusterAt(packed, start),
    ready: (flags & READY) !== 0,
    readyZones: (flags & EVERY_ZONE) === 0 ? zones : 'every',
    ttlSeconds: (flags & HAS_TTL) === 0 ? undefined : uint32At(packed, start + 15),
    changedMs: doubleAt(packed, start + 7),
    ...takeMore(packed, flags, start + lengthAt(packed, start) - MORE_OCTETS),
    ports: times(packed.charCodeAt(start + 21), () => takePort(reader)),
    v4: times(uint16At(packed, start + 22), () => take(reader, 4)),
    v6: times(uint16At(packed, start + 24), () => take(reader, 16)),
    ...((packed.charCodeAt(start + PLACED_AT) & PLACED) !== 0 && {
      addressZones: takeAddressZones(reader, start, zones),
    }),
    ...((packed.charCodeAt(start + PLACED_AT) & HELD) !== 0 && { held: true }),
  };
}

const NO_MORE = {
  addressTtlSeconds: undefined,
  maxAddresses: undefined,
  srv: undefined,
  policy: undefined,
  weight: undefined,
};

function takeMore(packed: string, flags: number, at: number): Pick<PackedShard, keyof typeof NO_MORE> {
  if ((flags & HAS_MORE) === 0) return NO_MORE;
  const srv = { priority: uint16At(packed, at + 6), weight: uint16At(packed, at + 8) };
  const hasPolicy = (flags & HAS_POLICY) !== 0;
  const weight = uint16At(packed, at + 11);
  return {
    policy: hasPolicy ? POLICIES[packed.charCodeAt(at + 10) - 1] : undefined,
    weight: hasPolicy && weight !== NO_WEIGHT ? weight : undefined,
    addressTtlSeconds: (flags & HAS_ADDRESS_TTL) === 0 ? undefined : uint32At(packed, at),
    maxAddresses: (flags & HAS_MAX_ADDRESSES) === 0 ? undefined : uint16At(packed, at + 4),
    srv: (flags & HAS_SRV) === 0 ? undefined : srv,
  };
}

/** Follows the addresses. */
function takeAddressZones(reader: Reader, start: number, zones: readonly string[]): string[] {
  const { packed } = reader;
  const count = uint16At(packed, start + 22) + uint16At(packed, start + 24);
  return times(count, () => zones[packed.charCodeAt(reader.pos++)] ?? '');
}

interface Reader {
  readonly packed: string;
  pos: number;
}

function takePort(reader: Reader): ShardPort {
  const { packed, pos } = reader;
  const port = uint16At(packed, pos);
  const protocol = PROTOCOLS[packed.charCodeAt(pos + 2)]!;
  reader.pos += 3;
  return { name: takeText(reader), protocol, port };
}

function takeText(reader: Reader): string {
  const length = reader.packed.charCodeAt(reader.pos++);
  return take(reader, length);
}

function take(reader: Reader, octets: number): string {
  reader.pos += octets;
  return reader.packed.slice(reader.pos - octets, reader.pos);
}

function uint16At(packed: string, at: number): number {
  return packed.charCodeAt(at) | (packed.charCodeAt(at + 1) << 8);
}

function uint32At(packed: string, at: number): number {
  return (uint16At(packed, at) | (uint16At(packed, at + 2) << 16)) >>> 0;
}

function doubleAt(packed: string, at: number): number {
  scratch.write(packed.slice(at, at + 8), 0, 'latin1');
  return scratch.readDoubleLE(0);
}

/** Zone and port names are DNS labels, so one octet holds the length. */
function writeText(text: string, at: number): number {
  scratch[at] = text.length;
  return at + 1 + scratch.write(text, at + 1, 63, 'latin1');
}

function clusterAt(packed: string, at: number): number {
  return uint16At(packed, at + 4);
}

/** Lengths stay far below 2^24. */
function lengthAt(packed: string, at: number): number {
  return packed.charCodeAt(at) | (packed.charCodeAt(at + 1) << 8) | (packed.charCodeAt(at + 2) << 16);
}

function times<T>(count: number, make: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(make());
  return items;
}

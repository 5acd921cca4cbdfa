/**
 * The shards of one Service as a compact text, so that the control plane's memory stays near what the facts need.
 * V8 keeps a one-byte string on its heap with 16 octets of overhead; an object per shard takes about 200, and
 * an ArrayBuffer per Service about 300.
 */
import type { ShardPort } from './facts.ts';

/** A shard without its name, its cluster by number. */
export interface PackedShard {
  /** Number of the cluster, 0 to 65535. */
  readonly cluster: number;
  readonly ready: boolean;
  readonly readyZones: readonly string[] | 'every';
  /** Addresses as hexadecimal octets, 8 or 32 digits. */
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  readonly ports: readonly ShardPort[];
  readonly ttlSeconds: number | undefined;
  /** When the shard last changed, in milliseconds since the epoch. */
  readonly changedMs: number;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const READY = 1;
const EVERY_ZONE = 2;
const HAS_TTL = 4;

/** Packs shards, which must be sorted by cluster; no shards are the empty text. */
export function packShards(shards: readonly PackedShard[]): string {
  if (shards.length === 0) return '';
  // One UTF-16 unit would widen the whole text, so numbers of 16 bits go in as two octets, here as elsewhere.
  const head = Buffer.alloc(2 + shards.length * 2);
  head.writeUInt16LE(shards.length, 0);
  shards.forEach((shard, i) => head.writeUInt16LE(shard.cluster, 2 + i * 2));
  const parts: Buffer[] = [head];
  for (const shard of shards) packShard(shard, parts);
  return Buffer.concat(parts).toString('latin1');
}

/** Whether one of the packed shards is a cluster's; reads the head only. */
export function hasCluster(packed: string, cluster: number): boolean {
  const end = packed === '' ? 0 : 2 + 2 * uint16(packed, 0);
  for (let at = 2; at < end; at += 2) if (uint16(packed, at) === cluster) return true;
  return false;
}

/** The inverse of {@link packShards}. */
export function unpackShards(packed: string): PackedShard[] {
  const reader = { data: Buffer.from(packed, 'latin1'), pos: 0 };
  const shards: PackedShard[] = [];
  if (packed !== '') reader.pos = 2 + 2 * uint16(packed, 0);
  while (reader.pos < reader.data.length) shards.push(unpackShard(reader));
  return shards;
}

interface Reader {
  readonly data: Buffer;
  pos: number;
}

/** cluster 2, flags 1, time 8, ttl 4, counts: zones 2, ports 1, v4 2, v6 2; then the lists. */
const FIXED_OCTETS = 22;

function packShard(shard: PackedShard, parts: Buffer[]): void {
  const zones = shard.readyZones === 'every' ? [] : shard.readyZones;
  const fixed = Buffer.allocUnsafe(FIXED_OCTETS);
  fixed.writeUInt16LE(shard.cluster, 0);
  fixed[2] =
    (shard.ready ? READY : 0) |
    (shard.readyZones === 'every' ? EVERY_ZONE : 0) |
    (shard.ttlSeconds === undefined ? 0 : HAS_TTL);
  fixed.writeDoubleLE(shard.changedMs, 3);
  fixed.writeUInt32LE(shard.ttlSeconds ?? 0, 11);
  fixed.writeUInt16LE(zones.length, 15);
  fixed[17] = shard.ports.length;
  fixed.writeUInt16LE(shard.v4.length, 18);
  fixed.writeUInt16LE(shard.v6.length, 20);
  parts.push(fixed);
  for (const zone of zones) parts.push(shortText(zone));
  for (const { name, protocol, port } of shard.ports) {
    parts.push(Buffer.of(port & 0xff, port >> 8, PROTOCOLS.indexOf(protocol)), shortText(name));
  }
  parts.push(Buffer.from(shard.v4.join('') + shard.v6.join(''), 'hex'));
}

function unpackShard(reader: Reader): PackedShard {
  const { data, pos } = reader;
  const flags = data[pos + 2]!;
  reader.pos += FIXED_OCTETS;
  const zones = times(data.readUInt16LE(pos + 15), () => takeText(reader));
  return {
    cluster: data.readUInt16LE(pos),
    ready: (flags & READY) !== 0,
    readyZones: (flags & EVERY_ZONE) === 0 ? zones : 'every',
    ttlSeconds: (flags & HAS_TTL) === 0 ? undefined : data.readUInt32LE(pos + 11),
    changedMs: data.readDoubleLE(pos + 3),
    ports: times(data[pos + 17]!, () => takePort(reader)),
    v4: times(data.readUInt16LE(pos + 18), () => takeHex(reader, 4)),
    v6: times(data.readUInt16LE(pos + 20), () => takeHex(reader, 16)),
  };
}

function takePort(reader: Reader): ShardPort {
  const port = reader.data.readUInt16LE(reader.pos);
  const protocol = PROTOCOLS[reader.data[reader.pos + 2]!]!;
  reader.pos += 3;
  return { name: takeText(reader), protocol, port };
}

function takeText(reader: Reader): string {
  const start = reader.pos + 1;
  reader.pos = start + reader.data[reader.pos]!;
  return reader.data.toString('latin1', start, reader.pos);
}

function takeHex(reader: Reader, octets: number): string {
  reader.pos += octets;
  return reader.data.toString('hex', reader.pos - octets, reader.pos);
}

/** Zone and port names are DNS labels, so one octet holds the length. */
function shortText(text: string): Buffer {
  return Buffer.from(String.fromCharCode(text.length) + text, 'latin1');
}

function uint16(packed: string, at: number): number {
  return packed.charCodeAt(at) | (packed.charCodeAt(at + 1) << 8);
}

function times<T>(count: number, make: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(make());
  return items;
}

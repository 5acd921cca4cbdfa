/** Encodes what the image holds of one Service, or of an empty non-terminal, as one immutable blob. */
import {
  Blob,
  BlobKind,
  Extras,
  LEVEL_OCTETS,
  PORT_HEADER_OCTETS,
  PORT_LEVEL_OCTETS,
  PolicyCode,
  Target,
  TargetKind,
  TTL_OCTETS,
  WEIGHT_OCTETS,
} from './layout.ts';
import { wireLabel } from './cluster-table.ts';
import type { FamilyLevels } from './levels.ts';
import { LEVEL_ADDRESSES_MAX } from './levels.ts';
import { decodeLabels, encodeNameLower } from './names.ts';
import { policyCode, type ServicePolicy, strideOf, type WeightedPlace } from './policy.ts';
import type { PortLevel, ServicePort } from './service-ports.ts';
import { type PortTarget, TARGET_NAME_OCTETS_MAX, targetOctets } from './service-statics.ts';

/** Octets for ports that differ from level to level; ports beyond lose their SRV records, nothing else. */
const PORT_LEVELS_OCTETS_MAX = 65536;

/** The name of a Service, `S.N.F`, by the octets of its blob. */
export function serviceOf(blob: Uint8Array): string {
  return decodeLabels(blob.subarray(Blob.key, Blob.key + blob[Blob.keyOctets]!));
}

/** A level with another TTL than the global one. */
export interface LevelTtl {
  readonly location: number;
  readonly ttlSeconds: number;
}

/** The content of a Service's blob. */
export interface ServiceContent {
  /** Lower-case wire form of `S.N.F`, no root label. */
  readonly key: Buffer;
  readonly ttlSeconds: number;
  readonly levelTtls: readonly LevelTtl[];
  /** Most addresses of one reply, 0 for all. */
  readonly maxAddresses: number;
  readonly policy: ServicePolicy;
  /** Number of a weighted Service among all, below TURNS_MAX. */
  readonly turn: number;
  readonly v4: FamilyLevels;
  readonly v6: FamilyLevels;
  /** Numbers of the clusters with a shard, healthy or not, sorted. */
  readonly clusters: readonly number[];
  readonly ports: readonly ServicePort[];
  readonly isFlat: boolean;
}

/** Where blobs are encoded; grows to the largest Service. */
let scratch = Buffer.alloc(4096);

/**
 * Encodes a Service.
 *
 * @returns octets that stay as they are until the next call
 */
export function encodeService(content: ServiceContent): Buffer {
  const { key, v4, v6, clusters } = content;
  const ports = encodePorts(content.ports);
  const extras = encodeExtras(content);
  const levelsAt = even(Blob.key + key.length);
  const entries = v4.slices.length + v6.slices.length + clusters.length + v6.clusters.length;
  const portsAt = levelsAt + entries * LEVEL_OCTETS;
  const extrasAt = portsAt + ports.octets;
  const v4At = extrasAt + (extras?.length ?? 0);
  const v6At = v4At + v4.pool.length * 4;
  const octets = v6At + v6.pool.length * 16;
  if (octets > scratch.length) scratch = Buffer.alloc(octets * 2);
  scratch.fill(0, 0, levelsAt);
  scratch.writeUInt32LE(content.ttlSeconds, Blob.ttl);
  scratch[Blob.kind] = content.isFlat ? BlobKind.flatService : BlobKind.service;
  scratch[Blob.keyOctets] = key.length;
  scratch[Blob.ports] = ports.entries.length;
  scratch[Blob.levelsAt] = levelsAt / 2;
  scratch.writeUInt16LE(v4.slices.length, Blob.v4Levels);
  scratch.writeUInt16LE(v6.slices.length, Blob.v6Levels);
  scratch.writeUInt16LE(clusters.length, Blob.v4Clusters);
  scratch.writeUInt16LE(v6.clusters.length, Blob.v6Clusters);
  scratch.writeUInt32LE(portsAt, Blob.portsAt);
  scratch.writeUInt32LE(v4At, Blob.v4At);
  scratch.writeUInt32LE(v6At, Blob.v6At);
  scratch.writeUInt32LE(octets, Blob.octets);
  scratch.writeUInt32LE(extras === undefined ? 0 : extrasAt, Blob.extrasAt);
  scratch.set(key, Blob.key);
  writeEntries(levelsAt, content);
  ports.entries.reduce((at, entry) => at + entry.copy(scratch, at), portsAt);
  extras?.copy(scratch, extrasAt);
  scratch.write(v4.pool.join(''), v4At, 'latin1');
  scratch.write(v6.pool.join(''), v6At, 'latin1');
  return scratch.subarray(0, octets);
}

/** Encodes an empty non-terminal: it only says that its name exists. */
export function encodeEmptyNonTerminal(key: Buffer): Buffer {
  const blob = Buffer.alloc(Blob.key + key.length);
  blob[Blob.kind] = BlobKind.emptyNonTerminal;
  blob.writeUInt32LE(blob.length, Blob.octets);
  blob[Blob.keyOctets] = key.length;
  key.copy(blob, Blob.key);
  return blob;
}

function writeEntries(levelsAt: number, { v4, v6, clusters }: ServiceContent): void {
  let at = writeLevels(levelsAt, v4);
  at = writeLevels(at, v6);
  // Every cluster with a shard has an entry, so that its name exists also without addresses.
  let next = 0;
  for (const cluster of clusters) {
    while (next < v4.clusters.length && v4.clusters[next]!.cluster < cluster) next++;
    const slice = v4.clusters[next];
    at = slice?.cluster === cluster ? writeSlice(at, cluster, slice) : writeSlice(at, cluster, NO_SLICE);
  }
  for (const slice of v6.clusters) at = writeSlice(at, slice.cluster, slice);
}

const NO_SLICE = { start: 0, count: 0 };

function writeLevels(levelsAt: number, family: FamilyLevels): number {
  let at = levelsAt;
  for (const slice of family.slices) at = writeSlice(at, slice.location, slice);
  return at;
}

function writeSlice(
  at: number,
  id: number,
  { start, count }: { readonly start: number; readonly count: number },
): number {
  scratch.writeUInt16LE(id, at);
  scratch.writeUInt16LE(start, at + 2);
  scratch.writeUInt16LE(Math.min(count, LEVEL_ADDRESSES_MAX), at + 4);
  return at + LEVEL_OCTETS;
}

/** Undefined for the many Services that have none of it. */
function encodeExtras({ levelTtls, maxAddresses, policy, turn, v4, v6 }: ServiceContent): Buffer | undefined {
  const code = policyCode(policy);
  if (levelTtls.length === 0 && maxAddresses === 0 && code === PolicyCode.all) return undefined;
  const places = policy.kind === 'weighted' ? policy.places : NO_PLACES;
  const shares = [...v4.shares, ...v6.shares];
  const shareOctets = shares.reduce((sum, { ends }) => sum + 4 + ends.length * 2, 0);
  const fixed = Extras.entries + places.length * WEIGHT_OCTETS;
  const extras = Buffer.alloc(fixed + levelTtls.length * TTL_OCTETS + shareOctets);
  extras.writeUInt16LE(code, Extras.policy);
  if (places.length > 0) writeWeights(extras, places, turn);
  extras.writeUInt16LE(maxAddresses, Extras.maxAddresses);
  extras.writeUInt16LE(levelTtls.length, Extras.ttls);
  extras.writeUInt16LE(v4.shares.length, Extras.v4Shares);
  extras.writeUInt16LE(v6.shares.length, Extras.v6Shares);
  let at: number = fixed;
  for (const { location, ttlSeconds } of levelTtls) {
    extras.writeUInt16LE(location, at);
    at = extras.writeUInt32LE(ttlSeconds, at + 2);
  }
  for (const { location, ends } of shares) {
    at = extras.writeUInt16LE(location, at);
    at = extras.writeUInt16LE(ends.length, at);
    for (const end of ends) at = extras.writeUInt16LE(end, at);
  }
  return extras;
}

const NO_PLACES: readonly WeightedPlace[] = [];

function writeWeights(extras: Buffer, places: readonly WeightedPlace[], turn: number): void {
  let sum = 0;
  let at: number = Extras.entries;
  for (const { place, weight } of places) {
    sum += weight;
    at = extras.writeUInt32LE(place, at);
    at = extras.writeUInt32LE(sum, at);
  }
  extras.writeUInt16LE(places.length, Extras.weights);
  extras.writeUInt16LE(turn, Extras.turn);
  extras.writeUInt32LE(strideOf(sum), Extras.stride);
}

function encodePorts(ports: readonly ServicePort[]): { readonly octets: number; readonly entries: Buffer[] } {
  const entries: Buffer[] = [];
  let octets = 0;
  let levels = 0;
  for (const port of ports) {
    const entry = encodePort(port);
    if (port.port === 0) levels += entry.length;
    if (port.port === 0 && levels > PORT_LEVELS_OCTETS_MAX) continue;
    entries.push(entry);
    octets += entry.length;
  }
  return { octets, entries };
}

function encodePort({ name, protocol, port, levels }: ServicePort): Buffer {
  const wireName = Buffer.concat([wireLabel(`_${name}`), wireLabel(`_${protocol}`)]);
  const bodies = port === 0 ? Buffer.concat(levels.map(encodePortLevel)) : undefined;
  const nameEnd = even(PORT_HEADER_OCTETS + wireName.length);
  const entry = Buffer.alloc(nameEnd + (bodies === undefined ? 0 : 4 + bodies.length));
  entry.writeUInt16LE(port, 0);
  entry.writeUInt16LE(wireName.length, 2);
  wireName.copy(entry, PORT_HEADER_OCTETS);
  if (bodies === undefined) return entry;
  entry.writeUInt32LE(bodies.length, nameEnd);
  bodies.copy(entry, nameEnd + 4);
  return entry;
}

function encodePortLevel({ location, targets }: PortLevel): Buffer {
  const bodies = Buffer.concat(targets.map(encodeTarget));
  const head = Buffer.alloc(PORT_LEVEL_OCTETS);
  head.writeUInt16LE(location, 0);
  head.writeUInt16LE(targets.length, 2);
  head.writeUInt32LE(bodies.length, 4);
  return Buffer.concat([head, bodies]);
}

function encodeTarget({ kind, place, name, port, priority, weight }: PortTarget): Buffer {
  const wire = wireTarget(kind, name);
  if (wire.length > TARGET_NAME_OCTETS_MAX) throw new RangeError(`a target of ${wire.length} octets`);
  const target = Buffer.alloc(targetOctets(wire.length));
  target.writeUInt16LE(place, Target.place);
  target.writeUInt16LE(port, Target.port);
  target.writeUInt16LE(priority, Target.priority);
  target.writeUInt16LE(weight, Target.weight);
  target[Target.kind] = kind;
  target[Target.nameOctets] = wire.length;
  wire.copy(target, Target.name);
  return target;
}

function wireTarget(kind: PortTarget['kind'], name: string): Buffer {
  if (kind === TargetKind.name) return Buffer.from(name, 'latin1');
  return kind === TargetKind.cluster ? wireLabel(name) : encodeNameLower(name).subarray(0, -1);
}

function even(octets: number): number {
  return (octets + 1) & ~1;
}

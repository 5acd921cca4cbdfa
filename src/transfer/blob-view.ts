/**
 * A Service as the octets of its blob say (src/zonebuilder/layout.ts), in the form that records are listed of. Only what a record depends
 * on is read: neither shares nor weights, for a secondary answers with all that a name has.
 */
import type { ServiceView } from '../zonebuilder/builder.ts';
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
} from '../zonebuilder/layout.ts';
import type { FamilyLevels } from '../zonebuilder/levels.ts';
import { decodeLabels } from '../zonebuilder/names.ts';
import { serviceOf } from '../zonebuilder/service-blob.ts';
import type { ServicePort } from '../zonebuilder/service-ports.ts';
import { type PortTarget, targetOctets } from '../zonebuilder/service-statics.ts';

/** What of a view the listing of records reads. */
export type ListedView = Pick<
  ServiceView,
  'known' | 'v4' | 'v6' | 'ports' | 'ttlSeconds' | 'levelTtls' | 'clusters' | 'isFlat'
> & { readonly policy: { readonly kind: ServiceView['policy']['kind'] } };

/** Reads a blob. */
export function viewOf(blob: Buffer): ServiceView {
  const counts = [Blob.v4Levels, Blob.v6Levels, Blob.v4Clusters, Blob.v6Clusters].map((at) =>
    blob.readUInt16LE(at),
  );
  const [v4Levels = 0, v6Levels = 0, v4Clusters = 0, v6Clusters = 0] = counts;
  const levelsAt = blob[Blob.levelsAt]! * 2;
  const v6LevelsAt = levelsAt + v4Levels * LEVEL_OCTETS;
  const v4ClustersAt = v6LevelsAt + v6Levels * LEVEL_OCTETS;
  const v6ClustersAt = v4ClustersAt + v4Clusters * LEVEL_OCTETS;
  const clusters = slicesAt(blob, v4ClustersAt, v4Clusters);
  const family = (at: number, count: number, ofClusters: readonly Slice[], pool: string[]): FamilyLevels => ({
    pool,
    slices: slicesAt(blob, at, count).map(({ id, ...run }) => ({ location: id, ...run })),
    clusters: ofClusters.filter(({ count: of }) => of > 0).map(({ id, ...run }) => ({ cluster: id, ...run })),
    shares: [],
  });
  const view: ListedView = {
    known: { name: serviceOf(blob), packed: '' },
    ttlSeconds: blob.readUInt32LE(Blob.ttl),
    levelTtls: ttlsOf(blob),
    isFlat: blob[Blob.kind] === BlobKind.flatService,
    policy: { kind: policyOf(blob) },
    clusters: clusters.map(({ id }) => id),
    v4: family(levelsAt, v4Levels, clusters, poolOf(blob, Blob.v4At, Blob.v6At, 4)),
    v6: family(
      v6LevelsAt,
      v6Levels,
      slicesAt(blob, v6ClustersAt, v6Clusters),
      poolOf(blob, Blob.v6At, Blob.octets, 16),
    ),
    ports: portsOf(blob),
  };
  // The rest of a view says how it came about, which no record shows.
  return view as ServiceView;
}

interface Slice {
  readonly id: number;
  readonly start: number;
  readonly count: number;
}

function slicesAt(blob: Buffer, from: number, count: number): Slice[] {
  return Array.from({ length: count }, (_, i) => {
    const at = from + i * LEVEL_OCTETS;
    return {
      id: blob.readUInt16LE(at),
      start: blob.readUInt16LE(at + 2),
      count: blob.readUInt16LE(at + 4),
    };
  });
}

function poolOf(blob: Buffer, startField: number, endField: number, width: number): string[] {
  const pool: string[] = [];
  const end = blob.readUInt32LE(endField);
  for (let at = blob.readUInt32LE(startField); at < end; at += width)
    pool.push(blob.toString('latin1', at, at + width));
  return pool;
}

function ttlsOf(blob: Buffer): ServiceView['levelTtls'] {
  const extras = blob.readUInt32LE(Blob.extrasAt);
  if (extras === 0) return [];
  const from = extras + Extras.entries + blob.readUInt16LE(extras + Extras.weights) * WEIGHT_OCTETS;
  return Array.from({ length: blob.readUInt16LE(extras + Extras.ttls) }, (_, i) => {
    const at = from + i * TTL_OCTETS;
    return { location: blob.readUInt16LE(at), ttlSeconds: blob.readUInt32LE(at + 2) };
  });
}

/** A failover is laid down in the levels, and reads as all. */
function policyOf(blob: Buffer): 'all' | 'nearest' | 'weighted' {
  const extras = blob.readUInt32LE(Blob.extrasAt);
  const code = extras === 0 ? PolicyCode.all : blob.readUInt16LE(extras + Extras.policy);
  if (code === PolicyCode.nearest) return 'nearest';
  return code === PolicyCode.weighted ? 'weighted' : 'all';
}

function portsOf(blob: Buffer): ServicePort[] {
  const ports: ServicePort[] = [];
  let at = blob.readUInt32LE(Blob.portsAt);
  for (let left = blob[Blob.ports]!; left > 0; left--) {
    const port = blob.readUInt16LE(at);
    const nameOctets = blob.readUInt16LE(at + 2);
    const nameAt = at + PORT_HEADER_OCTETS;
    const [name, protocol] = labelsOf(blob, nameAt);
    at = nameAt + nameOctets + (nameOctets & 1);
    const levels = port > 0 ? [] : portLevelsOf(blob, at);
    if (port === 0) at += 4 + blob.readUInt32LE(at);
    ports.push({ name, protocol: protocol as ServicePort['protocol'], port, levels });
  }
  return ports;
}

/** `_name._proto` without the underscores. */
function labelsOf(blob: Buffer, at: number): [name: string, protocol: string] {
  const second = at + 1 + blob[at]!;
  return [
    blob.toString('latin1', at + 2, second),
    blob.toString('latin1', second + 2, second + 1 + blob[second]!),
  ];
}

function portLevelsOf(blob: Buffer, at: number): ServicePort['levels'] {
  const levels: ServicePort['levels'][number][] = [];
  const end = at + 4 + blob.readUInt32LE(at);
  for (let pos = at + 4; pos < end;) {
    const location = blob.readUInt16LE(pos);
    const count = blob.readUInt16LE(pos + 2);
    const targets: PortTarget[] = [];
    let target = pos + PORT_LEVEL_OCTETS;
    pos = target + blob.readUInt32LE(pos + 4);
    for (let i = 0; i < count; i++) {
      targets.push(targetAt(blob, target));
      target += targetOctets(blob[target + Target.nameOctets]!);
    }
    levels.push({ location, targets });
  }
  return levels;
}

function targetAt(blob: Buffer, at: number): PortTarget {
  const kind = blob[at + Target.kind] as PortTarget['kind'];
  const wire = blob.subarray(at + Target.name, at + Target.name + blob[at + Target.nameOctets]!);
  return {
    kind,
    place: blob.readUInt16LE(at + Target.place),
    name: kind === TargetKind.name ? wire.toString('latin1') : wire.length === 0 ? '' : decodeLabels(wire),
    port: blob.readUInt16LE(at + Target.port),
    priority: blob.readUInt16LE(at + Target.priority),
    weight: blob.readUInt16LE(at + Target.weight),
  };
}

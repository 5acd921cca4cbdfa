/** Reads the octets that the image held of a Service (layout.ts), for comparison: levels, clusters, policy and ports. */
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
import { formatAddress } from '../zonebuilder/ip-text.ts';
import { decodeLabels, decodeName } from '../zonebuilder/names.ts';
import { targetOctets } from '../zonebuilder/service-statics.ts';
import type { Numbers } from './numbers.ts';

/** A run of addresses, as octets. */
interface Run {
  readonly start: number;
  readonly count: number;
}

/** A Service as it was answered for. */
export interface BlobView {
  readonly octets: Buffer;
  readonly ttlSeconds: number;
  /** By location. */
  readonly v4: ReadonlyMap<number, Run>;
  readonly v6: ReadonlyMap<number, Run>;
  /** By number of the cluster; in `v4Clusters` is every cluster with a shard. */
  readonly v4Clusters: ReadonlyMap<number, Run>;
  readonly v6Clusters: ReadonlyMap<number, Run>;
  readonly levelTtls: ReadonlyMap<number, number>;
  /** Levels without addresses have those of the level above. */
  readonly isFlat: boolean;
}

export function viewBlob(octets: Buffer): BlobView {
  const counts = [Blob.v4Levels, Blob.v6Levels, Blob.v4Clusters, Blob.v6Clusters] as const;
  let at = octets[Blob.levelsAt]! * 2;
  const entries = counts.map((field) => {
    const count = octets.readUInt16LE(field);
    const runs = readRuns(octets, at, count);
    at += count * LEVEL_OCTETS;
    return runs;
  });
  const [v4, v6, v4Clusters, v6Clusters] = entries as [Runs, Runs, Runs, Runs];
  const ttlSeconds = octets.readUInt32LE(Blob.ttl);
  const isFlat = octets[Blob.kind] === BlobKind.flatService;
  return { octets, ttlSeconds, v4, v6, v4Clusters, v6Clusters, levelTtls: readTtls(octets), isFlat };
}

type Runs = ReadonlyMap<number, Run>;

function readRuns(octets: Buffer, at: number, count: number): Runs {
  const runs = new Map<number, Run>();
  for (let i = 0; i < count; i++, at += LEVEL_OCTETS) {
    const run = { start: octets.readUInt16LE(at + 2), count: octets.readUInt16LE(at + 4) };
    runs.set(octets.readUInt16LE(at), run);
  }
  return runs;
}

function readTtls(octets: Buffer): ReadonlyMap<number, number> {
  const extras = octets.readUInt32LE(Blob.extrasAt);
  if (extras === 0) return NO_TTLS;
  const ttls = new Map<number, number>();
  const weights = octets.readUInt16LE(extras + Extras.weights);
  let at = extras + Extras.entries + weights * WEIGHT_OCTETS;
  for (let left = octets.readUInt16LE(extras + Extras.ttls); left > 0; left--, at += TTL_OCTETS)
    ttls.set(octets.readUInt16LE(at), octets.readUInt32LE(at + 2));
  return ttls;
}

const NO_TTLS: ReadonlyMap<number, number> = new Map();

/** The octets of a run of addresses. */
export function runOctets({ octets }: BlobView, run: Run | undefined, family: 'v4' | 'v6'): Buffer {
  if (run === undefined) return NO_OCTETS;
  const width = family === 'v4' ? 4 : 16;
  const at = octets.readUInt32LE(family === 'v4' ? Blob.v4At : Blob.v6At) + run.start * width;
  return octets.subarray(at, at + run.count * width);
}

const NO_OCTETS = Buffer.alloc(0);

/** Addresses in text. */
export function addressTexts(octets: Buffer, family: 'v4' | 'v6'): string[] {
  const width = family === 'v4' ? 4 : 16;
  const texts: string[] = [];
  for (let at = 0; at < octets.length; at += width)
    texts.push(formatAddress(octets.subarray(at, at + width)));
  return texts;
}

/** Which shards the global name answers with, in words. */
export function policyText({ octets }: BlobView, numbers: Numbers): string {
  const extras = octets.readUInt32LE(Blob.extrasAt);
  if (extras === 0) return 'all';
  const max = octets.readUInt16LE(extras + Extras.maxAddresses);
  const most = max === 0 ? '' : `, at most ${max} addresses`;
  switch (octets.readUInt16LE(extras + Extras.policy)) {
    case PolicyCode.nearest:
      return `nearest${most}`;
    case PolicyCode.weighted:
      return `weighted ${weightTexts(octets, extras, numbers).join(', ')}${most}`;
    default:
      return `all${most}`;
  }
}

function weightTexts(octets: Buffer, extras: number, numbers: Numbers): string[] {
  const texts: string[] = [];
  let sum = 0;
  let at = extras + Extras.entries;
  for (let left = octets.readUInt16LE(extras + Extras.weights); left > 0; left--, at += WEIGHT_OCTETS) {
    const upTo = octets.readUInt32LE(at + 4);
    texts.push(`${numbers.step(octets.readUInt32LE(at))} ${upTo - sum}`);
    sum = upTo;
  }
  return texts;
}

/** The octets that say the ports; where these are the same, so are the ports. */
export function portOctets({ octets }: BlobView): Buffer {
  const extras = octets.readUInt32LE(Blob.extrasAt);
  const end = extras === 0 ? octets.readUInt32LE(Blob.v4At) : extras;
  return octets.subarray(octets.readUInt32LE(Blob.portsAt), end);
}

/**
 * The ports in words: `_http._tcp 80`, which every level with addresses has under its own name, or a line for each level
 * that has targets of its own, `_http._tcp us: 0 100 8080 TARGET`.
 */
export function portTexts(view: BlobView, numbers: Numbers): string[] {
  const octets = portOctets(view);
  const texts: string[] = [];
  let at = 0;
  for (let left = view.octets[Blob.ports]!; left > 0; left--) {
    const port = octets.readUInt16LE(at);
    const nameOctets = octets.readUInt16LE(at + 2);
    const nameAt = at + PORT_HEADER_OCTETS;
    const name = decodeLabels(octets.subarray(nameAt, nameAt + nameOctets));
    at = nameAt + nameOctets + (nameOctets & 1);
    if (port > 0) texts.push(`${name} ${port}`);
    else at = readPortLevels(octets, at, name, numbers, texts);
  }
  return texts;
}

function readPortLevels(octets: Buffer, at: number, name: string, numbers: Numbers, texts: string[]): number {
  const end = at + 4 + octets.readUInt32LE(at);
  for (let pos = at + 4; pos < end;) {
    const place = numbers.place(octets.readUInt16LE(pos)) || 'global';
    const targets = octets.readUInt16LE(pos + 2);
    let target = pos + PORT_LEVEL_OCTETS;
    pos = target + octets.readUInt32LE(pos + 4);
    for (let i = 0; i < targets; i++) {
      texts.push(`${name} ${place}: ${targetText(octets, target)}`);
      target += targetOctets(octets[target + Target.nameOctets]!);
    }
  }
  return end;
}

/** Priority, weight, port, and the target: a whole name, or what stands for one of the Service's own. */
function targetText(octets: Buffer, at: number): string {
  const numbers = [Target.priority, Target.weight, Target.port].map((field) =>
    octets.readUInt16LE(at + field),
  );
  const name = octets.subarray(at + Target.name, at + Target.name + octets[at + Target.nameOctets]!);
  switch (octets[at + Target.kind]) {
    case TargetKind.name:
      return `${numbers.join(' ')} ${decodeName(name)}.`;
    case TargetKind.cluster:
      return `${numbers.join(' ')} cluster ${decodeLabels(name)}`;
    default: {
      const place = name.length === 0 ? 'global' : decodeLabels(name);
      return `${numbers.join(' ')} level ${place}`;
    }
  }
}

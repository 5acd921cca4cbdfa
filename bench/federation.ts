/**
 * One random federation, the same for the same seed: the clusters of the Federation guide, Services with shards in
 * some of them, some of those not ready. Owns the facts; zone files and queries are made from what the zone builder
 * says to them.
 */

import type { FactSink, ShardState } from '../src/zonebuilder/facts.ts';

/** How large and how healthy. */
export interface FederationShape {
  readonly services: number;
  readonly clusters: number;
  readonly seed: number;
}

export const FEDERATION = 'myfederation';

/** Share of clusters that a Service has a shard in. */
export const SHARD_SHARE = 0.7;
/** Share of shards that are ready. */
const READY_SHARE = 0.8;
/** Share of Services that also have IPv6 addresses. */
const DUAL_SHARE = 0.1;

const GUIDE_ZONES: Readonly<Record<string, string>> = {
  'asia-east1': 'abc',
  'europe-west1': 'bcd',
  'us-central1': 'abcf',
  'us-east1': 'bcd',
};

/** A cluster spans one zone. */
export interface ClusterPlace {
  readonly name: string;
  readonly region: string;
  readonly zone: string;
}

/** The guide's thirteen clusters, and made-up ones after them. */
export function placeClusters(count: number): ClusterPlace[] {
  const places: ClusterPlace[] = [];
  for (const [region, letters] of Object.entries(GUIDE_ZONES)) {
    for (const letter of letters) places.push(place(region, letter));
  }
  for (let i = 0; places.length < count; i++) places.push(place(`region${i >> 2}`, 'abcd'[i & 3]!));
  return places.slice(0, count);
}

function place(region: string, letter: string): ClusterPlace {
  return { name: `gce-${region}-${letter}`, region, zone: `${region}-${letter}` };
}

/** Writes the whole federation into a sink. Each cluster comes as one list, as it does from an API server. */
export function fillFederation(sink: FactSink, shape: FederationShape): void {
  for (const { name, region, zone } of placeClusters(shape.clusters)) {
    sink.setCluster({ name, region, zones: [zone], status: 'available' });
    sink.replaceShards(name, listShards(name, shape), { object: 'list', timeMs: Date.now() });
  }
}

/** The shards of one cluster. */
export function listShards(cluster: string, shape: FederationShape): ShardState[] {
  const random = seeded(hashText(cluster) ^ shape.seed);
  const shards: ShardState[] = [];
  for (let i = 0; i < shape.services; i++) {
    const shard = makeShard(cluster, i, random);
    if (shard !== undefined) shards.push(shard);
  }
  return shards;
}

/** Every Service takes the same number of draws, so that Services do not depend on those before them. */
function makeShard(cluster: string, i: number, random: () => number): ShardState | undefined {
  const [exists, ready, high, low] = [random(), random(), random(), random()];
  if (exists >= SHARD_SHARE) return undefined;
  const address = `${20 + Math.floor(high * 80)}.${octet(high * 1000)}.${octet(low)}.${octet(low * 1000)}`;
  const dual = (i * 7919) % 1000 < DUAL_SHARE * 1000;
  const addresses = dual ? [address, `2001:db8:${(i & 0xffff).toString(16)}::${octet(low)}`] : [address];
  return {
    cluster,
    federation: FEDERATION,
    namespace: namespaceOf(i),
    service: serviceName(i),
    addresses,
    ready: ready < READY_SHARE,
    readyZones: 'every',
    ports: [],
    cause: { object: `Service ${serviceName(i)}`, timeMs: 0 },
  };
}

export function serviceName(i: number): string {
  return `${WORDS[i % WORDS.length]}-${i}`;
}

/** Namespaces have about 40 Services. */
export function namespaceOf(i: number): string {
  return `team-${Math.floor(i / 40)}`;
}

const WORDS = [
  'web',
  'api',
  'checkout',
  'search-frontend',
  'mail',
  'inventory',
  'db',
  'recommendations',
  'auth',
];

function octet(value: number): number {
  return 1 + Math.floor((value % 1) * 253);
}

/** A small generator of numbers in [0, 1), the same everywhere. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function hashText(text: string): number {
  let hash = 0;
  for (const char of text) hash = (Math.imul(hash, 31) + char.codePointAt(0)!) | 0;
  return hash;
}

/** Random federations with everything in them that decides about answers: clusters in every state, records of every kind anywhere. */
import type { ClusterState, ClusterStatus } from '../../src/zonebuilder/facts.ts';
import { makeFederation, type Federation } from '../support/federation.ts';
import { allNames, makeRandom, PLACES, type Random, randomShard } from '../support/random.ts';

export interface World {
  readonly federation: Federation;
  /** Lines `name type data`. */
  readonly records: readonly string[];
  readonly random: Random;
}

const DOMAIN = 'example.com';
export const NAMES: readonly string[] = allNames().filter((name) => name !== DOMAIN);

/** Makes the world of a seed. */
export function makeWorld(seed: number): World {
  const random = makeRandom(seed);
  const records = random.oneIn(5) ? [] : randomRecords(random);
  const federation = makeFederation({
    whenNoneHealthy: random.pick(['nodata', 'nodata', 'nxdomain', 'lastKnown']),
    records,
    maxAddresses: random.oneIn(3) ? 1 + random.below(3) : 0,
    ttlMinSeconds: random.oneIn(3) ? 20 : 0,
    flatten: random.oneIn(3),
    ...(random.oneIn(2) && { federations: ['f', 'g'] }),
  });
  populate(random, federation);
  return { federation, records, random };
}

function populate(random: Random, { builder }: Federation): void {
  const joined = PLACES.filter(() => !random.oneIn(12)).map((place) => stateOf(random, place));
  for (const state of joined) builder.setCluster(state.status === 'pending' ? state : available(state));
  builder.beginServing();
  const read = new Set(joined.filter(({ status }) => status !== 'pending').map(({ name }) => name));
  for (let i = 0; i < 60; i++) {
    const shard = randomShard(random);
    const maxAddresses = random.oneIn(9) ? 1 + random.below(4) : undefined;
    if (read.has(shard.cluster))
      builder.upsertShard({ ...shard, ...(maxAddresses !== undefined && { maxAddresses }) });
  }
  for (const state of joined) {
    if (state.status !== 'pending') builder.setCluster(state);
    // Given up without ever having been read.
    else if (random.oneIn(2)) builder.setCluster({ ...state, status: 'withdrawn' });
  }
}

function available(state: ClusterState): ClusterState {
  return { ...state, status: 'available' };
}

const STATUSES: readonly ClusterStatus[] = [
  'available',
  'available',
  'available',
  'held',
  'withdrawn',
  'pending',
];

function stateOf(random: Random, { name, region, zones }: (typeof PLACES)[number]): ClusterState {
  const status = random.pick(STATUSES);
  // Where a cluster is that was never read, only the configuration can say.
  if (status === 'pending' && random.oneIn(2)) return { name, zones: [], status };
  const configured = random.oneIn(2) && { regionConfigured: true, zonesConfigured: true };
  return { name, zones, status, ...(region !== undefined && { region }), ...configured };
}

/** Records at names of Services, of locations, of ports, of clusters, above and below them; as the configuration allows them. */
function randomRecords(random: Random): string[] {
  const byName = new Map<string, string[]>();
  for (let left = 2 + random.below(10); left > 0; left--) {
    const name = randomOwner(random);
    const type = random.pick(['A', 'A', 'AAAA', 'TXT', 'TXT', 'CAA', 'SRV', 'CNAME', 'NS']);
    const others = byName.get(name) ?? [];
    const isAlone = type === 'CNAME' || type === 'NS';
    if (others.some((line) => / (?:CNAME|NS) /.test(line)) || (isAlone && others.length > 0)) continue;
    if (type === 'NS' && (name.startsWith('*') || random.oneIn(2))) continue;
    const line = `${name} ${type} ${dataOf(random, type, left)}`;
    if (!others.includes(line)) byName.set(name, [...others, line]);
  }
  const cuts = [...byName].filter(([, lines]) => / NS /.test(lines[0]!)).map(([name]) => name);
  return [...byName].flatMap(([name, lines]) => (cuts.some((cut) => name.endsWith(`.${cut}`)) ? [] : lines));
}

function randomOwner(random: Random): string {
  const name = random.pick(NAMES);
  const below = random.oneIn(6) ? `x.${name}` : name;
  return random.oneIn(10) ? `*.${below}` : below;
}

function dataOf(random: Random, type: string, text: number): string {
  const data: Readonly<Record<string, () => string>> = {
    A: () => `203.0.113.${random.below(5)}`,
    AAAA: () => `2001:db8::${1 + random.below(9)}:1`,
    TXT: () => `"t${text}"`,
    CAA: () => '0 issue "ca.example.net"',
    SRV: () => `1 2 ${80 + random.below(3)} ${random.pick(NAMES)}`,
    CNAME: () => random.pick(NAMES),
    NS: () => 'ns1.example.net',
  };
  return data[type]!();
}

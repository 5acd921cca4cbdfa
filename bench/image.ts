/**
 * The cost of the answer image and of answers from it, without any socket: `npm run bench:image -- [SERVICES]`.
 * Prints one table: what was measured, the figure, and the budget it is held to.
 */

import { PerformanceObserver } from 'node:perf_hooks';
import { createResponder } from '../src/server/answer/answer.ts';
import { COUNTER_BLOCK_OCTETS } from '../src/server/counters.ts';
import type { Responder } from '../src/server/responder.ts';
import { Transport, UDP_REPLY_OCTETS } from '../src/server/responder.ts';
import type { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import type { ShardState } from '../src/zonebuilder/facts.ts';
import type { BudgetRow } from './budgets.ts';
import { printBudgets } from './budgets.ts';
import { APEX, DOMAIN, makeBuilder } from './domain.ts';
import type { ClusterPlace } from './federation.ts';
import { FEDERATION, namespaceOf, placeClusters, serviceName } from './federation.ts';
import { encodeQuery } from './drivers/queries.ts';

const SERVICES = Number(process.argv[2] ?? 50_000);
const PLACES = placeClusters(13);
const CAUSE = { object: 'bench', timeMs: 0 };

/** Queries in a batch that is timed as a whole; a clock reading costs as much as a tenth of an answer. */
const BATCH = 1000;
const BATCHES = 300;
/** Different queries, so that the processor's caches see the whole image and not a corner of it. */
const QUERIES = 50_000;
const CALLS_WITHOUT_GARBAGE = 10_000_000;
const FLIPS = 20_000;
const QUERY_STRIDE = 160;

/** Queries behind each other at a fixed stride, as they lie in a batch transport's buffer. */
interface Queries {
  readonly octets: Uint8Array;
  readonly lengths: readonly number[];
}

/** A shard of every Service in every cluster; one in five is not ready. */
function shardOf(place: ClusterPlace, cluster: number, i: number, ready: boolean): ShardState {
  return {
    cluster: place.name,
    federation: FEDERATION,
    namespace: namespaceOf(i),
    service: serviceName(i),
    addresses: [`10.${cluster}.${(i >> 8) & 255}.${i & 255}`],
    ready,
    readyZones: [place.zone],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    cause: CAUSE,
  };
}

function isReady(cluster: number, i: number): boolean {
  return (i * 7 + cluster) % 5 !== 0;
}

function build(builder: ZoneBuilder): number {
  for (const { name, region, zone } of PLACES)
    builder.setCluster({ name, region, zones: [zone], status: 'available' });
  let ms = 0;
  builder.batch(CAUSE, () => {
    PLACES.forEach((place, cluster) => {
      const shards = Array.from({ length: SERVICES }, (_, i) =>
        shardOf(place, cluster, i, isReady(cluster, i)),
      );
      const start = performance.now();
      builder.replaceShards(place.name, shards, CAUSE);
      ms += performance.now() - start;
    });
    ms -= performance.now();
  });
  return ms + performance.now();
}

function flip(builder: ZoneBuilder): number[] {
  const cluster = 3;
  const place = PLACES[cluster]!;
  return Array.from({ length: FLIPS }, (_, n) => {
    const i = (n * 7919) % SERVICES;
    const shard = shardOf(place, cluster, i, n % 2 === 0);
    const start = performance.now();
    builder.upsertShard(shard);
    return (performance.now() - start) * 1000;
  }).toSorted((a, b) => a - b);
}

function packQueries(makeName: (i: number) => string): Queries {
  const octets = new Uint8Array(QUERIES * QUERY_STRIDE);
  const lengths = Array.from({ length: QUERIES }, (_, n) => {
    const query = encodeQuery(n, makeName((n * 7919) % SERVICES), 1, false);
    octets.set(query, n * QUERY_STRIDE);
    return query.length;
  });
  return { octets, lengths };
}

function answerBatch(responder: Responder, queries: Queries, reply: Uint8Array, batch: number): void {
  const { octets, lengths } = queries;
  const first = (batch * BATCH) % QUERIES;
  responder.enter();
  for (let n = first; n < first + BATCH; n++) {
    responder.answer(octets, n * QUERY_STRIDE, lengths[n]!, reply, 0, Transport.udp, octets, 0, 4);
  }
  responder.leave();
}

/** Median over batches, in nanoseconds per answer. */
function timeAnswers(responder: Responder, queries: Queries): number {
  const reply = new Uint8Array(UDP_REPLY_OCTETS);
  const times = Array.from({ length: BATCHES }, (_, batch) => {
    const start = performance.now();
    answerBatch(responder, queries, reply, batch);
    return ((performance.now() - start) * 1e6) / BATCH;
  });
  return times.toSorted((a, b) => a - b)[BATCHES / 2]!;
}

/** Collections and heap growth over many answers. */
async function countGarbage(
  responder: Responder,
  queries: Queries,
): Promise<{ collections: number; octets: number }> {
  const reply = new Uint8Array(UDP_REPLY_OCTETS);
  answerBatch(responder, queries, reply, 0);
  globalThis.gc?.();
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < CALLS_WITHOUT_GARBAGE; n += BATCH) answerBatch(responder, queries, reply, n / BATCH);
  const octets = process.memoryUsage().heapUsed - before;
  // Entries are delivered on a later turn of the event loop.
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  return { collections, octets };
}

/** `S.N.F.svc` of a Service. */
function base(i: number): string {
  return `${serviceName(i)}.${namespaceOf(i)}.${FEDERATION}.svc`;
}

async function main(): Promise<void> {
  const builder = makeBuilder();
  const buildMs = build(builder);
  const imageOctets = builder.size.used / SERVICES;
  const responder = createResponder({
    image: builder.memory,
    reader: 0,
    counters: new SharedArrayBuffer(COUNTER_BLOCK_OCTETS),
    apex: APEX,
    udpPayloadMax: 1232,
  });
  const place = PLACES[7]!;
  const kinds: readonly (readonly [string, (i: number) => string])[] = [
    ['zone', (i) => `${base(i)}.${place.zone}.${place.region}.${DOMAIN}`],
    ['region', (i) => `${base(i)}.${place.region}.${DOMAIN}`],
    ['global', (i) => `${base(i)}.${DOMAIN}`],
    ['NXDOMAIN', (i) => `absent-${i}.${namespaceOf(i)}.${FEDERATION}.svc.${DOMAIN}`],
  ];
  const answers = kinds.map(([kind, makeName]): BudgetRow => {
    const ns = timeAnswers(responder, packQueries(makeName));
    return [`answer() for a ${kind} name, median`, `${ns.toFixed(0)} ns`, '≤ 1000 ns'];
  });
  const garbage = await countGarbage(responder, packQueries(kinds[1]![1]));
  const flips = flip(builder);
  printBudgets([
    ['Services × clusters', `${SERVICES} × ${PLACES.length}`, ''],
    ['build of the whole image', `${(buildMs / 1000).toFixed(2)} s`, '≤ 5 s'],
    ['image octets per Service', imageOctets.toFixed(0), '≤ 350'],
    ...answers,
    [`collections in ${CALLS_WITHOUT_GARBAGE} answers`, String(garbage.collections), '0'],
    [`heap growth in ${CALLS_WITHOUT_GARBAGE} answers`, `${garbage.octets} octets`, '~ 0'],
    ['health flip until published, median', `${flips[FLIPS / 2]!.toFixed(1)} µs`, '≤ 50 µs'],
    ['health flip until published, p99', `${flips[Math.floor(FLIPS * 0.99)]!.toFixed(1)} µs`, ''],
  ]);
}

await main();

/**
 * What the guard costs a change: `npm run bench:guard -- [--rounds 40] [--services 5000]`. The same health flips of single shards
 * go to a zone builder, in turns straight and through the guard, so that both figures are of the same minute; and a list that
 * has lost most of a cluster is judged and held. Prints one table.
 */

import { parseArgs } from 'node:util';
import { Guard } from '../src/steering/guard.ts';
import { systemTimers } from '../src/timers.ts';
import type { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import type { FactSink, ShardState } from '../src/zonebuilder/facts.ts';
import { makeBuilder } from './domain.ts';
import { FEDERATION, namespaceOf, placeClusters, serviceName } from './federation.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, services: { type: 'string', default: '5000' } },
});
const [ROUNDS, SERVICES] = [Number(values.rounds), Number(values.services)];
const PLACES = placeClusters(13);
const CAUSE = { object: 'bench', timeMs: 0 };
const FLIPS = 2000;
/** Rounds before anything is measured: what is called often is compiled by then. */
const WARM_ROUNDS = 6;

function shardOf(cluster: number, i: number, ready: boolean): ShardState {
  return {
    cluster: PLACES[cluster]!.name,
    federation: FEDERATION,
    namespace: namespaceOf(i),
    service: serviceName(i),
    addresses: [`10.${cluster}.${i >> 8}.${i & 255}`],
    ready,
    readyZones: ready ? 'every' : [],
    ports: [],
    cause: CAUSE,
  };
}

function fill(builder: ZoneBuilder): void {
  for (const [cluster, { name, region, zone }] of PLACES.entries()) {
    builder.setCluster({ name, region, zones: [zone], status: 'available' });
    builder.replaceShards(
      name,
      Array.from({ length: SERVICES }, (_, i) => shardOf(cluster, i, true)),
      CAUSE,
    );
  }
}

function guardOf(builder: ZoneBuilder): Guard {
  return new Guard({
    settings: { enabled: true, maxWithdrawFraction: 0.5, windowSeconds: 60, holdSeconds: 300, minShards: 10 },
    sink: builder,
    served: () => ({
      shard: (id) => builder.shard(id),
      shardIds: (cluster) => builder.shardIds(cluster),
      healthyByRegion: () => builder.healthyByRegion(),
      stateOf: (cluster) => builder.cluster(cluster),
    }),
    timers: systemTimers,
    clock: Date.now,
    lacks: () => true,
  });
}

/** @returns microseconds of one flip */
function flip(sink: FactSink, round: number): number {
  const startMs = performance.now();
  for (let i = 0; i < FLIPS; i++) sink.upsertShard(shardOf(round % PLACES.length, i % SERVICES, false));
  for (let i = 0; i < FLIPS; i++) sink.upsertShard(shardOf(round % PLACES.length, i % SERVICES, true));
  return ((performance.now() - startMs) * 1000) / (FLIPS * 2);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

const builder = makeBuilder();
fill(builder);
const guard = guardOf(builder);
const straight: number[] = [];
const guarded: number[] = [];
for (let round = 0; round < ROUNDS + WARM_ROUNDS; round++) {
  // Whoever is first in a pair has the colder caches: that changes from pair to pair.
  const order = round % 2 === 0 ? ([builder, guard] as const) : ([guard, builder] as const);
  for (const sink of order) {
    const us = flip(sink, round);
    if (round >= WARM_ROUNDS) (sink === guard ? guarded : straight).push(us);
  }
}
// One of several clusters of its region: any loss is too much for once.
guard.configure({ ...guard.settings, maxWithdrawFraction: 0 });
const listMs = performance.now();
guard.replaceShards(PLACES[0]!.name, [], CAUSE);
const heldMs = performance.now() - listMs;
const [a, b] = [median(straight), median(guarded)];
console.log(`one flip, straight to the zone builder   ${a.toFixed(2)} µs`);
console.log(`one flip, through the guard              ${b.toFixed(2)} µs`);
console.log(`ratio                                    ${(b / a).toFixed(3)}`);
console.log(
  `an empty list of ${SERVICES} shards held         ${heldMs.toFixed(0)} ms (${guard.held(PLACES[0]!.name)} held)`,
);
guard.stop();

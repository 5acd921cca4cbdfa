/**
 * The fedns under test: the random federation behind the shipped data plane, in a process of its own.
 *
 *   node bench/peers/fedns.ts ADDRESS PORT '{"services":1000,"clusters":13,"seed":1,"workers":1,"updates":0,…}'
 *
 * Says `ready` when it answers. `updates` is how many shards per second turn ready or not; with `database`, an .mmdb file, the policy
 * is nearest, and everybody's client subnets are believed.
 */

import { keepMemoryLow } from '../../src/process/lean-memory.ts';
import { BATCH_BOUNDS, Counter } from '../../src/server/counters.ts';
import { sumCounters } from '../../src/server/counters-sum.ts';
import { listThreads, yieldToOthers } from '../../src/server/linux/thread-priority.ts';
import { EMPTY_POLICY } from '../../src/server/policy/policy.ts';
import { WorkerPool, type SharedSettings } from '../../src/server/workers/worker-pool.ts';
import { chooseTransport, loadMemoryAdvice } from '../../src/server/workers/udp-transport.ts';
import type { ZoneBuilder } from '../../src/zonebuilder/builder.ts';
import type { ImageMemory } from '../../src/zonebuilder/image.ts';
import { POLICY_ALL } from '../../src/zonebuilder/policy.ts';
import { compileRegions } from '../clients.ts';
import { APEX, makeBuilder } from '../domain.ts';
import { fillFederation, listShards, placeClusters, type FederationShape } from '../federation.ts';

interface Options extends FederationShape {
  readonly workers: number;
  readonly updates: number;
  readonly database?: string;
  readonly transport?: 'auto' | 'batch' | 'portable';
}

const UPDATE_TICK_MS = 10;

const [address = '127.0.0.1', port = '5300', json = '{}'] = process.argv.slice(2);
const options: Options = {
  services: 1000,
  clusters: 13,
  seed: 1,
  workers: 1,
  updates: 0,
  ...JSON.parse(json),
};
await keepMemoryLow();
let pool: WorkerPool | undefined = undefined as WorkerPool | undefined;
const builder = makeBuilder(
  (memory) => void pool?.adopt(settingsOf(memory)),
  await loadMemoryAdvice(),
  options.database === undefined ? POLICY_ALL : { ...POLICY_ALL, policy: 'nearest' },
);
fillFederation(builder, options);
const tables = options.database === undefined ? undefined : await compileRegions(options.database);
if (tables !== undefined) builder.setOrders(tables.orders);
const log = { debug: print, info: print, warn: print, error: print };
const controlPlane = listThreads();
pool = new WorkerPool({
  transport: await chooseTransport(options.transport ?? 'auto'),
  listen: [{ address, port: Number(port) }],
  workers: options.workers,
  settings: settingsOf(builder.memory),
  firstReader: 0,
  log,
});
await pool.start();
yieldToOthers(controlPlane);
if (options.updates > 0) keepChanging(builder, options);
print({}, 'ready');
process.on('SIGTERM', () => void end());

async function end(): Promise<void> {
  await pool?.stop();
  const sum = sumCounters(pool?.counters ?? []);
  const batches = Array.from(sum.slice(Counter.batch, Counter.batch + BATCH_BOUNDS.length));
  print({ bounds: BATCH_BOUNDS, batches }, 'batches by size');
  process.exit(0);
}

function settingsOf(image: ImageMemory): SharedSettings {
  return {
    image,
    apex: APEX,
    udpPayloadMax: 1232,
    ...(tables && { policy: { ...EMPTY_POLICY, geo: { memory: tables.memory, trust: ['0.0.0.0/0'] } } }),
  };
}

/** Turns shards of one cluster ready and back, while it is asked: those that are measured in turn with it share its core. */
function keepChanging(sink: ZoneBuilder, shape: Options): void {
  const [cluster] = placeClusters(1);
  const shards = listShards(cluster!.name, shape);
  let done = 0;
  let askedBefore = 0;
  let askedMs = 0;
  setInterval(() => {
    const asked = sumCounters(pool?.counters ?? [])[Counter.queriesUdp]!;
    if (asked === askedBefore) return;
    askedBefore = asked;
    askedMs += UPDATE_TICK_MS;
    const due = (askedMs / 1000) * shape.updates;
    for (; done < due; done++) {
      const shard = shards[done % shards.length]!;
      sink.upsertShard({
        ...shard,
        ready: (Math.floor(done / shards.length) & 1) === 0 ? !shard.ready : shard.ready,
      });
    }
  }, UPDATE_TICK_MS);
}

function print(fields: object, message: string): void {
  console.log(message, JSON.stringify(fields));
}

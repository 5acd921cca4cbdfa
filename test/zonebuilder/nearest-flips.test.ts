/**
 * A whole region that comes and goes under load, while the image moves and the tables of clients' places are replaced: no client
 * gets a wrong answer.
 */
import { once } from 'node:events';
import { setImmediate as yieldOnce } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { Counter } from '../../src/server/counters.ts';
import { createCounterBlock } from '../../src/server/counters-sum.ts';
import { apexOf } from '../support/apex.ts';
import { ZoneBuilder } from '../../src/zonebuilder/builder.ts';
import { POLICY_ALL } from '../../src/zonebuilder/policy.ts';
import { CAUSE, makeShard } from '../support/federation.ts';
import { geoPolicy } from '../support/geo.ts';
import { type NearestReaderData, type NearestReport, SERVICES, Tables, tablesOf } from './nearest-reader.ts';
import { areAll, Progress } from './reader-progress.ts';

const SEED = 20261128;
const READERS = 2;
const FLIPS = 400;
/** At most, where a reader has not had its turn. */
const FLIPS_MAX = 4000;
/** Services that come between two flips, so that the image grows. */
const PASSERS_BY = 40;
const REGIONS = ['us', 'eu'] as const;
const FIRST_VERSION = 2;

t.test('flips of a region: every reply is of one state, and of the right one', async (t) => {
  const workers: Worker[] = [];
  let serial = 0;
  const builder = new ZoneBuilder({
    domain: 'example.com',
    ttlSeconds: 180,
    whenNoneHealthy: 'nodata',
    policies: () => ({ ...POLICY_ALL, policy: 'nearest' }),
    statics: packStatics([], 'example.com'),
    nextSerial: () => ++serial,
    clock: () => 1,
    onMemory: (memory) => {
      for (const port of workers) port.postMessage(memory);
    },
  });
  announce(builder);
  const shared = new SharedArrayBuffer(4 * (Tables.used + READERS));
  const words = new Int32Array(shared).fill(FIRST_VERSION, Tables.wanted);
  const progress = new Int32Array(new SharedArrayBuffer(4 * READERS));
  const counters = Array.from({ length: READERS }, createCounterBlock);
  for (const [reader, block] of counters.entries())
    workers.push(startReader(builder, block, { shared, progress: progress.buffer, reader }));
  const reports = workers.map(async (worker) => (await once(worker, 'message'))[0] as NearestReport);
  while (!areAll(progress, Progress.reading)) await yieldOnce();
  await flip(builder, words, progress);
  Atomics.store(words, 0, 1);
  for (const [i, report] of (await Promise.all(reports)).entries()) {
    t.strictSame(report.faults, [], `reader ${i}, seed ${SEED}: of ${report.replies} replies`);
    t.ok(
      report.settled[0] > 0 && report.settled[1] > 0,
      `settled up and down: ${report.settled.join(' and ')}`,
    );
    t.ok(report.adopted > 0, `it moved to new memory ${report.adopted} times`);
    t.ok(report.located > 2, `it got new tables ${report.located} times`);
    t.equal(new Float64Array(counters[i]!)[Counter.faults], 0);
  }
});

function announce(builder: ZoneBuilder): void {
  REGIONS.forEach((region, i) => {
    for (const n of [1, 2]) {
      const name = `${region}${n}`;
      builder.setCluster({ name, region, zones: [], status: 'available' });
      for (let s = 0; s < SERVICES; s++)
        builder.upsertShard(makeShard(name, `s${s}.n.f`, { addresses: [`10.${i}.0.${n}`] }));
    }
  });
  order(builder, FIRST_VERSION);
}

/** What the rows of {@link tablesOf} mean. */
function order(builder: ZoneBuilder, version: number): void {
  const steps = REGIONS.map((region) => ({ kind: 'region' as const, region }));
  const rows = [steps, steps.toReversed()];
  builder.setOrders({ version, rows: (version & 1) === 0 ? rows : rows.toReversed() });
}

/** As the keeper does it: orders first, a flip later their tables, and no others before all readers have these. */
function replaceTables(builder: ZoneBuilder, words: Int32Array): void {
  const { version } = builder.orders;
  if (Atomics.load(words, Tables.wanted) !== version) {
    Atomics.store(words, Tables.wanted, version);
    return;
  }
  for (let i = 0; i < READERS; i++) if (Atomics.load(words, Tables.used + i) !== version) return;
  order(builder, version + 1);
}

function startReader(
  builder: ZoneBuilder,
  counters: SharedArrayBuffer,
  rest: Omit<NearestReaderData, 'settings' | 'seed'>,
): Worker {
  const apex = apexOf('example.com');
  const policy = geoPolicy(tablesOf(FIRST_VERSION));
  const { reader } = rest;
  const settings = { image: builder.memory, reader, counters, apex, udpPayloadMax: 4096, policy };
  const data: NearestReaderData = { settings, seed: SEED + reader, ...rest };
  return new Worker(new URL('nearest-reader.ts', import.meta.url), { workerData: data });
}

/** Both clusters of the region at once, as an outage takes them. */
async function flip(builder: ZoneBuilder, words: Int32Array, progress: Int32Array): Promise<void> {
  for (let i = 0; i < FLIPS || (i < FLIPS_MAX && !areAll(progress, Progress.sawEnough)); i++) {
    const status = i % 2 === 0 ? 'withdrawn' : 'available';
    Atomics.add(words, 1, 1);
    builder.batch(CAUSE, () => {
      for (const name of ['us1', 'us2']) builder.setCluster({ name, region: 'us', zones: [], status });
    });
    Atomics.add(words, 1, 1);
    replaceTables(builder, words);
    for (let k = 0; k < PASSERS_BY; k++)
      builder.upsertShard(makeShard('eu1', `p${i * PASSERS_BY + k}.n.f`, { addresses: ['192.0.2.1'] }));
    await yieldOnce();
  }
}

/** A whole region that comes and goes under load, and the image that moves meanwhile: no client gets a wrong answer. */
import { once } from 'node:events';
import { setImmediate as yieldOnce } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { Counter } from '../../src/server/counters.ts';
import { createCounterBlock } from '../../src/server/counters-sum.ts';
import { makeApex } from '../../src/zonebuilder/apex.ts';
import { ZoneBuilder } from '../../src/zonebuilder/builder.ts';
import { POLICY_ALL } from '../../src/zonebuilder/policy.ts';
import { CAUSE, makeShard } from '../support/federation.ts';
import { geoPolicy, makeTables } from '../support/geo.ts';
import { type NearestReaderData, type NearestReport, SERVICES } from './nearest-reader.ts';
import { areAll, Progress } from './reader-progress.ts';

const SEED = 20261128;
const READERS = 2;
const FLIPS = 400;
/** At most, where a reader has not had its turn. */
const FLIPS_MAX = 4000;
/** Services that come between two flips, so that the image grows. */
const PASSERS_BY = 40;
const REGIONS = ['us', 'eu'] as const;

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
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
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
  const steps = REGIONS.map((region) => ({ kind: 'region' as const, region }));
  builder.setOrders({ version: 1, rows: [steps, steps.toReversed()] });
}

function startReader(
  builder: ZoneBuilder,
  counters: SharedArrayBuffer,
  rest: Omit<NearestReaderData, 'settings' | 'seed'>,
): Worker {
  const apex = makeApex({
    domain: 'example.com',
    primary: 'ns1.example.com',
    hostmaster: 'hostmaster.example.com',
    ttlSeconds: 21600,
    negativeTtlSeconds: 15,
    nxdomainWhenNoneHealthy: false,
  });
  const policy = geoPolicy(
    makeTables([
      ['8.0.0.0/8', 0],
      ['9.0.0.0/8', 1],
    ]),
  );
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
    for (let k = 0; k < PASSERS_BY; k++)
      builder.upsertShard(makeShard('eu1', `p${i * PASSERS_BY + k}.n.f`, { addresses: ['192.0.2.1'] }));
    await yieldOnce();
  }
}

/** Workers that read while the writer writes: no reply is a mixture of two states, also when the image moves. */
import { once } from 'node:events';
import { setImmediate as yieldOnce } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { COUNTER_BLOCK_OCTETS, Counter } from '../../src/server/counters.ts';
import { apexOf } from '../support/apex.ts';
import { ZoneBuilder } from '../../src/zonebuilder/builder.ts';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { CAUSE, makeShard } from '../support/federation.ts';
import { makeRandom } from '../support/random.ts';
import {
  type ReaderData,
  type ReaderReport,
  REPLIES_ENOUGH,
  SERVICES_READ,
  shardOfVersion,
  VERSIONS,
  VERSIONS_ENOUGH,
} from './image-reader.ts';
import { areAll, Progress } from './reader-progress.ts';

const SEED = 20261123;
const READERS = 2;
const UPDATES = 20_000;
/** At most, where a reader has not had its turn. */
const UPDATES_MAX = 2_000_000;
/** Updates between two looks at what the workers have to say. */
const SLICE = 2000;
/** Names added and removed in turn: enough of them to have the table and the arena replaced. */
const PASSERS_BY = 5000;

t.test('no reply mixes two states', async (t) => {
  const workers: Worker[] = [];
  let serial = 0;
  const builder = new ZoneBuilder({
    domain: 'example.com',
    ttlSeconds: 180,
    whenNoneHealthy: 'nodata',
    statics: packStatics([], 'example.com'),
    nextSerial: () => ++serial,
    clock: () => 1,
    onMemory: (memory) => {
      for (const port of workers) port.postMessage(memory);
    },
  });
  announce(builder);
  const stop = new SharedArrayBuffer(4);
  const progress = new Int32Array(new SharedArrayBuffer(4 * READERS));
  const counters = Array.from({ length: READERS }, () => new SharedArrayBuffer(COUNTER_BLOCK_OCTETS));
  for (const [reader, block] of counters.entries())
    workers.push(startReader(builder, block, { stop, progress: progress.buffer, reader }));
  const reports = workers.map(async (worker) => (await once(worker, 'message'))[0] as ReaderReport);
  while (!areAll(progress, Progress.reading)) await yieldOnce();
  await write(builder, progress);
  Atomics.store(new Int32Array(stop), 0, 1);
  for (const [i, report] of (await Promise.all(reports)).entries()) {
    t.strictSame(
      report.faults,
      [],
      `reader ${i}, seed ${SEED}: every one of ${report.replies} replies is of one version`,
    );
    t.ok(report.replies > REPLIES_ENOUGH, 'it read a lot');
    t.ok(report.versions > VERSIONS_ENOUGH, `${report.versions} versions went by`);
    t.ok(report.adopted > 0, `it moved to new memory ${report.adopted} times`);
    t.equal(new Float64Array(counters[i]!)[Counter.faults], 0, 'and met no fault');
  }
  t.ok(builder.size.capacity < 16 << 20, `the image ended with ${builder.size.capacity} octets`);
});

/** Clusters in two regions; the Services that are read have a shard in one only. */
function announce(builder: ZoneBuilder): void {
  builder.setCluster({ name: 'c1', region: 'us', zones: ['us1'], status: 'available' });
  builder.setCluster({ name: 'c2', region: 'eu', zones: ['eu1'], status: 'available' });
  for (let service = 0; service < SERVICES_READ; service++) builder.upsertShard(shardOfVersion(service, 1));
}

function startReader(
  builder: ZoneBuilder,
  counters: SharedArrayBuffer,
  rest: Omit<ReaderData, 'settings' | 'seed'>,
): Worker {
  const apex = apexOf('example.com');
  const { reader } = rest;
  const settings = { image: builder.memory, reader, counters, apex, udpPayloadMax: 4096 };
  const workerData: ReaderData = { settings, seed: SEED + reader, ...rest };
  return new Worker(new URL('image-reader.ts', import.meta.url), { workerData });
}

async function write(builder: ZoneBuilder, progress: Int32Array): Promise<void> {
  const random = makeRandom(SEED);
  for (let i = 0; i < UPDATES || (i < UPDATES_MAX && !areAll(progress, Progress.sawEnough)); i++) {
    builder.upsertShard(shardOfVersion(random.below(SERVICES_READ), 1 + random.below(VERSIONS)));
    passBy(builder, i);
    if (i % 1000 === 0)
      builder.setCluster({
        name: 'c2',
        region: 'eu',
        zones: i % 2000 === 0 ? ['eu1'] : ['eu1', 'eu2'],
        status: 'available',
      });
    if (i % SLICE === 0) await yieldOnce();
  }
}

/** Another Service comes or goes. */
function passBy(builder: ZoneBuilder, i: number): void {
  const shard = makeShard('c2', `p${i % PASSERS_BY}.n.f`, { addresses: ['192.0.2.1', '2001:db8::1'] });
  if (Math.floor(i / PASSERS_BY) % 2 === 0) builder.upsertShard(shard);
  else builder.removeShard(shard, CAUSE);
}

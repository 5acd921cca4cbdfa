/** Objects that move between files, folders and clusters are never missing between. */

import { mkdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { ManifestSource } from '../../../src/watchers/manifests/manifest-source.ts';
import { systemTimers } from '../../../src/timers.ts';
import { clusterSettings, READY, service, slice } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';
import { scratch } from '../../support/scratch.ts';

const WEB = [service(), slice([READY])].map((object) => JSON.stringify(object)).join('\n');
const OTHER = JSON.stringify(service({ name: 'other' }));

interface Bench {
  readonly folder: string;
  readonly sink: RecordingSink;
  readonly sources: readonly ManifestSource[];
  /** Whether `web/nginx` was missing after a call. */
  missing: boolean;
}

/** Clusters c1 and c2 with a Service each, c1 with `web/nginx` too. */
async function twoClusters(t: Test, pollMs = 3_600_000): Promise<Bench> {
  const folder = scratch(t, {
    c1: { 'web.yaml': WEB, 'other.yaml': OTHER, sub: {} },
    c2: { 'other.yaml': OTHER },
  });
  const sink = new RecordingSink();
  const sources = ['c1', 'c2'].map(
    (name) =>
      new ManifestSource({
        settings: clusterSettings({ name, origin: { kind: 'manifests', path: join(folder, name) } }),
        federations: [{ name: 'main', select: 'label', policy: 'all' }],
        domain: 'example.com',
        sink,
        clock: Date.now,
        timers: systemTimers,
        graceSeconds: 60,
        dampingSeconds: 0,
        log: { debug() {}, info() {}, warn() {}, error() {} },
        pollMs,
      }),
  );
  t.teardown(() => Promise.all(sources.map((source) => source.stop())));
  for (const source of sources) await source.start();
  const bench = { folder, sink, sources, missing: false };
  sink.onCall = () => (bench.missing ||= sink.shard('web/nginx')?.ready !== true);
  return bench;
}

/** Resolves when `web/nginx` is where it is wanted, and only there. */
function movedTo({ sink }: Bench, cluster: string): Promise<void> {
  const alive = setInterval(() => {}, 1000);
  const { onCall } = sink;
  return new Promise((resolve) => {
    sink.onCall = () => {
      onCall();
      const clusters = [...sink.shards.values()].flatMap((shard) =>
        shard.service === 'nginx' ? [shard.cluster] : [],
      );
      if (clusters.join() !== cluster) return;
      clearInterval(alive);
      resolve();
    };
  });
}

const MOVES: ReadonlyArray<readonly [string, (from: string, to: string) => void]> = [
  ['renamed', (from, to) => renameSync(from, to)],
  [
    'copied and deleted',
    (from, to) => {
      writeFileSync(to, WEB);
      unlinkSync(from);
    },
  ],
  [
    'deleted and written',
    (from, to) => {
      unlinkSync(from);
      writeFileSync(to, WEB);
    },
  ],
];

for (const [title, move] of MOVES) {
  test(`a file that is ${title} from the folder of one cluster to another's is never missing`, async (t) => {
    const bench = await twoClusters(t);
    const { folder } = bench;
    const there = movedTo(bench, 'c2');
    move(join(folder, 'c1', 'web.yaml'), join(folder, 'c2', 'web.yaml'));
    await there;
    const back = movedTo(bench, 'c1');
    move(join(folder, 'c2', 'web.yaml'), join(folder, 'c1', 'web.yaml'));
    await back;
    t.notOk(bench.missing);
  });

  test(`a file that is ${title} within a cluster changes nothing`, async (t) => {
    const bench = await twoClusters(t);
    const { folder, sink } = bench;
    sink.take();
    move(join(folder, 'c1', 'web.yaml'), join(folder, 'c1', 'sub', 'web.yaml'));
    await bench.sources[0]!.rescan();
    t.same(sink.take(), []);
  });
}

test('an object that moves to the file of another cluster is never missing', async (t) => {
  const bench = await twoClusters(t);
  const { folder } = bench;
  const there = movedTo(bench, 'c2');
  writeFileSync(join(folder, 'c1', 'web.yaml'), JSON.stringify(service({ name: 'third' })));
  writeFileSync(join(folder, 'c2', 'other.yaml'), `${OTHER}\n${WEB}`);
  await there;
  t.notOk(bench.missing);
});

test('a move that only polling finds is one all the same', async (t) => {
  const bench = await twoClusters(t, 30);
  const { folder } = bench;
  mkdirSync(join(folder, 'c2', 'new'));
  const there = movedTo(bench, 'c2');
  renameSync(join(folder, 'c1', 'web.yaml'), join(folder, 'c2', 'new', 'web.yaml'));
  await there;
  t.notOk(bench.missing);
});

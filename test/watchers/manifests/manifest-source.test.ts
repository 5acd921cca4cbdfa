import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tap, { type Test } from 'tap';
import type { ClusterSettings } from '../../../src/config/settings.ts';
import { ManifestSource } from '../../../src/watchers/manifests/manifest-source.ts';
import { clusterSettings, node, READY, service, slice } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';

/** Long enough that no test sees a poll. */
const NEVER_MS = 3_600_000;

const silent = (): void => {};

class Bench {
  readonly folder: string;
  readonly sink = new RecordingSink();
  readonly warnings: string[] = [];
  nowMs = 1000;
  source: ManifestSource;

  constructor(t: Test, settings: Partial<ClusterSettings> = {}, pollMs = NEVER_MS) {
    // The folder of a test is one: made here unless the test made it.
    this.folder = settings.origin?.kind === 'manifests' ? settings.origin.path : t.testdir({});
    this.source = new ManifestSource({
      settings: clusterSettings({ origin: { kind: 'manifests', path: this.folder }, ...settings }),
      federations: [{ name: 'main', select: 'label', policy: 'all' }],
      domain: 'example.com',
      sink: this.sink,
      clock: () => this.nowMs,
      log: {
        debug: silent,
        info: silent,
        warn: (_fields, message) => this.warnings.push(message),
        error: silent,
      },
      pollMs,
    });
    t.teardown(() => this.source.stop());
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, ...objects: unknown[]): void {
    writeFileSync(this.path(name), objects.map((object) => JSON.stringify(object, null, 1)).join('\n---\n'));
  }

  /** Resolves when the sink is in the state that the test waits for. */
  until(condition: () => boolean): Promise<void> {
    // The source itself keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        clearInterval(alive);
        resolve();
      };
      this.sink.onCall = check;
      check();
    });
  }

  get refusals(): string[] {
    return this.source.report().refusals.map(({ code, object }) => `${code} ${object}`);
  }
}

tap.test('a folder of manifests becomes shards', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), slice([READY]));
  bench.write(
    'b.json',
    node('n', { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' }),
  );
  bench.write('c.txt', service({ name: 'text' }));
  bench.write('.hidden.yaml', service({ name: 'hidden' }));
  mkdirSync(bench.path('sub.yaml'));
  await bench.source.start();
  t.same(bench.sink.take(), [
    'setCluster one pending - -',
    'setCluster one pending r z',
    'replaceShards one 1',
    'setCluster one available r z',
  ]);
  t.match(bench.sink.shard('web/nginx'), { ready: true, readyZones: ['z'], addresses: ['192.0.2.1'] });
  t.match(bench.sink.shard('web/nginx')?.cause, {
    object: /^EndpointSlice web\/nginx-abcde \(a\.yaml:\d+:1\)$/,
    timeMs: 1000,
  });
  t.match(bench.source.report(), {
    name: 'one',
    kind: 'manifests',
    condition: 'Ready',
    region: 'r',
    zones: ['z'],
    topologyFrom: 'nodes',
    syncedMs: 1000,
    objects: 3,
    refusals: [],
    lastError: undefined,
  });
});

tap.test('a single file stands for a cluster', async (t) => {
  const folder = t.testdir({ 'one.yaml': JSON.stringify(service()), 'two.yaml': 'kind: [' });
  const bench = new Bench(t, { origin: { kind: 'manifests', path: join(folder, 'one.yaml') } });
  await bench.source.start();
  t.ok(bench.sink.shard('web/nginx'));
  writeFileSync(join(folder, 'one.yaml'), JSON.stringify(service({ name: 'other' })));
  await bench.source.rescan();
  t.same([...bench.sink.shards.keys()], ['one other.web.main']);
});

tap.test('an empty folder is a cluster without Services', async (t) => {
  const bench = new Bench(t);
  await bench.source.start();
  t.same(bench.sink.take(), [
    'setCluster one pending - -',
    'replaceShards one 0',
    'setCluster one available - -',
  ]);
});

tap.test('looking again at unchanged files makes no call', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), slice([READY]));
  await bench.source.start();
  bench.sink.take();
  await bench.source.rescan();
  await bench.source.rescan(true);
  bench.write('a.yaml', service({ metadata: { resourceVersion: '99' } }), slice([READY]));
  await bench.source.rescan(true);
  t.same(bench.sink.take(), []);
});

tap.test('a changed file changes what it holds, a deleted file takes it along', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), slice([READY]));
  bench.write('b.yaml', service({ name: 'other' }));
  await bench.source.start();
  bench.sink.take();
  bench.nowMs = 2000;
  bench.write('a.yaml', service({ ingress: [{ ip: '192.0.2.77' }] }), slice([READY]));
  await bench.source.rescan(true);
  t.same(bench.sink.take(), ['upsertShard one nginx.web.main']);
  t.match(bench.sink.shard('web/nginx'), { addresses: ['192.0.2.77'], cause: { timeMs: 2000 } });
  unlinkSync(bench.path('a.yaml'));
  await bench.source.rescan();
  t.same(bench.sink.take(), ['removeShard one nginx.web.main']);
});

tap.test('an emptied file means that its objects are gone', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service());
  await bench.source.start();
  writeFileSync(bench.path('a.yaml'), '# none\n');
  await bench.source.rescan();
  t.equal(bench.sink.shards.size, 0);
  t.same(bench.refusals, []);
});

tap.test('a broken file keeps its last good objects and is reported with line and column', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), slice([READY]));
  bench.write('b.yaml', service({ name: 'other' }));
  await bench.source.start();
  bench.sink.take();

  writeFileSync(bench.path('a.yaml'), 'apiVersion: v1\nkind: [Service\n');
  bench.write('b.yaml', service({ name: 'other' }), service({ name: 'third' }));
  bench.nowMs = 2000;
  await bench.source.rescan(true);
  t.same(bench.sink.take(), ['upsertShard one third.web.main'], 'other files go on');
  t.ok(bench.sink.shard('web/nginx')?.ready);
  t.match(bench.refusals, ['FILE_MALFORMED a.yaml:3:1']);
  t.match(bench.source.report(), { condition: 'Ready', lastError: /^a\.yaml:3:1: / });
  await bench.source.rescan(true);
  t.equal(bench.warnings.length, 1, 'the log says it once');

  bench.write('a.yaml', service({ ingress: [{ ip: '192.0.2.5' }] }));
  await bench.source.rescan(true);
  t.match(bench.sink.shard('web/nginx'), { addresses: ['192.0.2.5'], ready: false });
  t.same(bench.refusals, []);
  t.equal(bench.source.report().lastError, undefined);
});

tap.test('a file that is broken from the start costs only itself', async (t) => {
  const bench = new Bench(t);
  writeFileSync(bench.path('a.yaml'), '\tkind: x');
  bench.write('b.yaml', service());
  await bench.source.start();
  t.ok(bench.sink.shard('web/nginx'));
  t.equal(bench.source.report().refusals.length, 1);
});

tap.test('a malformed object costs itself and is reported with its place', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service({ spec: { ports: 'x' } }), service({ name: 'other' }));
  await bench.source.start();
  t.same([...bench.sink.shards.keys()], ['one other.web.main']);
  t.match(bench.refusals, [/^OBJECT_MALFORMED a\.yaml:\d+:\d+$/]);
});

tap.test('an object in two files is taken from the first by name', async (t) => {
  const bench = new Bench(t);
  bench.write('b.yaml', service({ ingress: [{ ip: '192.0.2.2' }] }));
  bench.write('a.yaml', service());
  await bench.source.start();
  t.same(bench.sink.shard('web/nginx')?.addresses, ['192.0.2.1']);
  t.match(bench.refusals, ['OBJECT_DUPLICATE b.yaml']);
  bench.sink.take();
  unlinkSync(bench.path('a.yaml'));
  await bench.source.rescan();
  t.same(bench.sink.shard('web/nginx')?.addresses, ['192.0.2.2'], 'and then from the next');
  t.same(bench.sink.take(), ['upsertShard one nginx.web.main'], 'without being absent between');
  t.same(bench.refusals, []);
});

tap.test('an object that moves to another file is never absent', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), slice([READY]));
  await bench.source.start();
  bench.sink.take();
  renameSync(bench.path('a.yaml'), bench.path('z.yaml'));
  await bench.source.rescan();
  t.same(bench.sink.take(), []);
});

tap.test('a path that does not exist leaves the cluster pending until it does', async (t) => {
  const bench = new Bench(t, {}, 20);
  rmSync(bench.folder, { recursive: true });
  await bench.source.start();
  t.same(bench.sink.take(), ['setCluster one pending - -']);
  t.match(bench.source.report(), { condition: 'Pending', lastError: /ENOENT/, syncedMs: undefined });
  t.match(bench.refusals, [`PATH_UNREADABLE ${bench.folder}`]);
  mkdirSync(bench.folder);
  bench.write('a.yaml', service());
  await bench.until(() => bench.sink.clusters.get('one')?.status === 'available');
  t.ok(bench.sink.shard('web/nginx'));
  t.equal(bench.source.report().condition, 'Ready');
});

tap.test('a path that is neither a file nor a folder is reported', async (t) => {
  const bench = new Bench(t, { origin: { kind: 'manifests', path: '/dev/null' } });
  await bench.source.start();
  t.match(bench.source.report(), { condition: 'Pending', lastError: /neither a file nor a folder/ });
});

tap.test('a folder that goes away keeps its last state and is reported', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), slice([READY]));
  await bench.source.start();
  bench.sink.take();
  renameSync(bench.folder, `${bench.folder}-away`);
  bench.nowMs = 3000;
  await bench.source.rescan();
  t.same(bench.sink.take(), []);
  t.match(bench.source.report(), { condition: 'NotReady', conditionSinceMs: 3000, lastError: /ENOENT/ });
  renameSync(`${bench.folder}-away`, bench.folder);
  await bench.source.rescan();
  t.match(bench.source.report(), { condition: 'Ready', lastError: undefined, refusals: [] });
  t.same(bench.sink.take(), []);
});

tap.test('a file that may not be read keeps its last good objects', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service());
  await bench.source.start();
  unlinkSync(bench.path('a.yaml'));
  symlinkSync('a.yaml', bench.path('a.yaml'));
  await bench.source.rescan();
  t.ok(bench.sink.shard('web/nginx'));
  t.match(bench.refusals, ['FILE_UNREADABLE a.yaml']);
});

tap.test('the file system gives notice of a write', async (t) => {
  const bench = new Bench(t);
  await bench.source.start();
  bench.write('a.yaml', service());
  await bench.until(() => bench.sink.shard('web/nginx') !== undefined);
  t.pass('without a poll');
});

tap.test('the file system gives notice of an atomic rename over a file', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service());
  await bench.source.start();
  bench.write('a.yaml.tmp', service({ ingress: [{ ip: '192.0.2.99' }] }));
  renameSync(bench.path('a.yaml.tmp'), bench.path('a.yaml'));
  await bench.until(() => bench.sink.shard('web/nginx')?.addresses[0] === '192.0.2.99');
  t.pass('and the new file is read');
});

tap.test('a ConfigMap swap changes all its files at once', async (t) => {
  const bench = new Bench(t);
  const publish = (folder: string, ip: string): void => {
    mkdirSync(bench.path(folder));
    bench.write(join(folder, 'service.yaml'), service({ ingress: [{ ip }] }));
    bench.write(join(folder, 'slice.yaml'), slice([READY]));
    symlinkSync(folder, bench.path('..data_tmp'));
    renameSync(bench.path('..data_tmp'), bench.path('..data'));
  };
  publish('..2026_01', '192.0.2.1');
  for (const name of ['service.yaml', 'slice.yaml']) symlinkSync(join('..data', name), bench.path(name));
  await bench.source.start();
  t.match(bench.sink.shard('web/nginx'), { addresses: ['192.0.2.1'], ready: true });
  bench.sink.take();
  publish('..2026_02', '192.0.2.2');
  await bench.until(() => bench.sink.shard('web/nginx')?.addresses[0] === '192.0.2.2');
  t.same(bench.sink.take(), ['upsertShard one nginx.web.main']);
});

tap.test('polling finds what the file system gives no notice of', async (t) => {
  const outside = t.testdir({ first: { 'a.yaml': JSON.stringify(service()) }, second: {} });
  const link = join(outside, 'current');
  symlinkSync('first', link);
  const bench = new Bench(t, { origin: { kind: 'manifests', path: link } }, 20);
  await bench.source.start();
  t.ok(bench.sink.shard('web/nginx'));
  symlinkSync('second', `${link}-tmp`);
  renameSync(`${link}-tmp`, link);
  await bench.until(() => bench.sink.shards.size === 0);
  writeFileSync(join(outside, 'second', 'b.yaml'), JSON.stringify(service({ name: 'other' })));
  await bench.until(() => bench.sink.shards.size === 1);
  t.pass('also in the folder that took the place of the first');
});

tap.test('stop leaves nothing behind', async (t) => {
  const bench = new Bench(t, {}, 10);
  bench.write('a.yaml', service());
  await bench.source.start();
  const looking = bench.source.rescan(true);
  await bench.source.stop();
  await looking;
  bench.sink.take();
  unlinkSync(bench.path('a.yaml'));
  await bench.source.rescan();
  t.same(bench.sink.take(), [], 'and looks at nothing any more');
  t.equal(bench.sink.shards.size, 1, 'the facts stay');
});

import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import tap, { type Test } from 'tap';
import { stringify } from 'yaml';
import type { ClusterSettings } from '../../../src/config/settings.ts';
import {
  ManifestSource,
  type ManifestSourceOptions,
} from '../../../src/watchers/manifests/manifest-source.ts';
import { FakeTime } from '../fake-time.ts';
import { clusterSettings, node, READY, service, slice } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';
import { scratch } from '../../support/scratch.ts';

/** Long enough that no test sees a poll. */
const NEVER_MS = 3_600_000;

const silent = (): void => {};

class Bench {
  readonly folder: string;
  readonly sink = new RecordingSink();
  readonly warnings: string[] = [];
  readonly time = new FakeTime();
  nowMs = 1000;
  source: ManifestSource;

  constructor(
    t: Test,
    settings: Partial<ClusterSettings> = {},
    pollMs = NEVER_MS,
    options: Partial<ManifestSourceOptions> = {},
  ) {
    // The folder of a test is one: made here unless the test made it.
    this.folder = settings.origin?.kind === 'manifests' ? settings.origin.path : scratch(t, {});
    this.source = new ManifestSource({
      settings: clusterSettings({ origin: { kind: 'manifests', path: this.folder }, ...settings }),
      federations: [{ name: 'main', select: 'label', policy: 'all' }],
      domain: 'example.com',
      sink: this.sink,
      clock: () => this.nowMs,
      timers: this.time,
      graceSeconds: 60,
      dampingSeconds: 0,
      log: {
        debug: silent,
        info: silent,
        warn: (fields) => this.warnings.push(JSON.stringify(fields)),
        error: silent,
      },
      pollMs,
      ...options,
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
  const folder = scratch(t, { 'one.yaml': JSON.stringify(service()), 'two.yaml': 'kind: [' });
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

const GOOD = [service(), slice([READY])];
const LIST = `${JSON.stringify({ apiVersion: 'v1', items: GOOD, kind: 'List' })}\n`;
/** As kubectl prints it, with `kind` behind the items. */
const YAML_LIST = stringify({
  apiVersion: 'v1',
  items: GOOD,
  kind: 'List',
  metadata: { resourceVersion: '' },
});
const YAML_STREAM = GOOD.map((object) => stringify(object)).join('---\n');

const TROUBLES: ReadonlyArray<readonly [string, string | Buffer, string]> = [
  ['emptied', '', 'FILE_EMPTY'],
  ['one of comments', '# none\n', 'FILE_WITHOUT_OBJECTS'],
  ['null', 'null\n', 'FILE_EMPTY'],
  ['an empty mapping', '{}\n', 'OBJECT_MALFORMED'],
  ['an empty list', 'apiVersion: v1\nitems: []\nkind: List\n', 'FILE_EMPTY'],
  ['an error text', 'error: You must be logged in to the server (Unauthorized)\n', 'FILE_FOREIGN'],
  ['a table', 'NAME    TYPE    CLUSTER-IP\nnginx   LoadBalancer   10.0.0.1\n', 'FILE_FOREIGN'],
  ['a page', '<html><head><title>502 Bad Gateway</title></head></html>\n', 'FILE_FOREIGN'],
  ['a Status', '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no"}\n', 'FILE_FOREIGN'],
  ['UTF-16', Buffer.from(`\uFEFF${LIST}`, 'utf16le'), 'FILE_FOREIGN'],
  ['UTF-16 without a mark', Buffer.from(LIST, 'utf16le'), 'FILE_FOREIGN'],
  ['compressed', gzipSync(LIST), 'FILE_FOREIGN'],
  ['the first half of JSON', LIST.slice(0, LIST.length / 2), 'FILE_MALFORMED'],
  ['a list without its end', YAML_LIST.slice(0, YAML_LIST.indexOf('kind: List')), 'FILE_CUT'],
  [
    'a stream without its end',
    YAML_STREAM.slice(0, YAML_STREAM.indexOf('    conditions')) + '    cond',
    'FILE_MALFORMED',
  ],
  ['a stream cut within a slice', YAML_STREAM.slice(0, YAML_STREAM.indexOf('endpoints:') + 10), 'FILE_CUT'],
  [
    'a stream cut within the kind',
    YAML_STREAM.slice(0, YAML_STREAM.lastIndexOf('kind:')),
    'OBJECT_MALFORMED',
  ],
  ['objects of other kinds', 'apiVersion: apps/v1\nkind: Deployment\n', 'FILE_WITHOUT_OBJECTS'],
  ['objects without namespace', YAML_STREAM.replaceAll(/^ {2}namespace: .*\n/gm, ''), 'FILE_WITHOUT_OBJECTS'],
];

// Formerly an emptied file meant that its objects were gone. Nobody says so by emptying a file: what does it is a
// kubectl that cannot reach its API server, or has not printed anything yet, just when its cluster must not leave.
for (const [title, content, code] of TROUBLES) {
  tap.test(`a file that becomes ${title} keeps its last good objects and is reported`, async (t) => {
    const bench = new Bench(t);
    writeFileSync(bench.path('a.yaml'), YAML_STREAM);
    await bench.source.start();
    bench.sink.take();
    bench.nowMs = 2000;
    for (let i = 0; i < 2; i++) {
      writeFileSync(bench.path('a.yaml'), content);
      await bench.source.rescan(true);
      await bench.time.advance(100_000);
    }
    t.same(bench.sink.take(), []);
    t.match(bench.refusals, [new RegExp(`^${code} a\\.yaml`)]);
    t.match(bench.source.report(), {
      condition: 'Ready',
      lastError: /^a\.yaml.*its last good objects count$/,
      stale: [{ part: 'a.yaml', code, sinceMs: 2000 }],
    });
    t.equal(bench.warnings.length, 1, 'the log says it once');
    t.match(bench.warnings[0], code);

    writeFileSync(bench.path('a.yaml'), YAML_STREAM.replace('192.0.2.1', '192.0.2.9'));
    await bench.source.rescan(true);
    t.same(bench.sink.shard('web/nginx')?.addresses, ['192.0.2.9'], 'and the next good file is taken');
    t.match(bench.source.report(), { refusals: [], stale: [], lastError: undefined });
  });

  tap.test(`a file that is ${title} at the first start is reported, and nothing is concluded`, async (t) => {
    const bench = new Bench(t);
    writeFileSync(bench.path('a.yaml'), content);
    await bench.source.start();
    // Cut text that still parses cannot be known as such without a better one.
    const isTaken = title.startsWith('a stream cut within');
    const isOther = title === 'objects of other kinds' || title === 'one of comments';
    const isRead = isTaken || isOther;
    t.equal(bench.sink.clusters.get('one')?.status, isRead ? 'available' : 'pending');
    const expected = isOther ? 'FILE_OF_OTHER_KINDS' : code;
    if (code !== 'FILE_CUT' || !isTaken) t.match(bench.refusals, [new RegExp(`^${expected} `)]);
    bench.write('b.yaml', service({ name: 'other' }));
    await bench.source.rescan(true);
    t.equal(bench.sink.clusters.get('one')?.status, 'available', 'until there is something good');
    t.ok(bench.sink.shard('web/other'));
  });
}

tap.test('a file that kubectl writes anew is harmless while kubectl runs', async (t) => {
  const bench = new Bench(t);
  writeFileSync(bench.path('all.yaml'), YAML_LIST);
  await bench.source.start();
  bench.sink.take();
  const file = openSync(bench.path('all.yaml'), 'w');
  await bench.source.rescan();
  for (let i = 0; i < YAML_LIST.length; i += 100) {
    writeSync(file, YAML_LIST.slice(i, i + 100));
    await bench.source.rescan(true);
  }
  closeSync(file);
  await bench.source.rescan(true);
  t.same(bench.sink.take(), []);
  t.match(bench.source.report(), { refusals: [], stale: [] });
});

/** Two Services, their slices, and what a writer that stops between two documents leaves of them. */
const FOUR = ['web', 'other'].flatMap((name) => [
  service({ name }),
  slice([READY], { name: `${name}-1`, service: name }),
]);
const WRITTEN: ReadonlyArray<readonly [form: string, whole: string, cut: string]> = (
  [
    ['YAML documents', FOUR.map((object) => stringify(object)), '---\n'],
    ['YAML documents with CRLF', FOUR.map((object) => stringify(object).replaceAll('\n', '\r\n')), '---\r\n'],
    ['JSON values, one a line', FOUR.map((object) => `${JSON.stringify(object)}\n`), ''],
  ] as const
).map(([form, all, between]) => [form, all.join(between), all.slice(0, 2).join(between)]);

for (const [form, whole, cut] of WRITTEN) {
  tap.test(`a file of ${form} that ends between two of them was cut, until the grace is over`, async (t) => {
    const bench = new Bench(t);
    writeFileSync(bench.path('a.yaml'), whole);
    await bench.source.start();
    bench.sink.take();
    writeFileSync(bench.path('a.yaml'), cut);
    await bench.source.rescan(true);
    await bench.time.advance(59_000);
    await bench.source.rescan(true);
    t.same(bench.sink.take(), []);
    t.match(bench.source.report(), {
      stale: [{ part: 'a.yaml', code: 'FILE_CUT', sinceMs: 1000 }],
      lastError: /ends where it went on before.*its last good objects count$/,
    });
    await bench.time.advance(1_000);
    await bench.source.rescan();
    t.same([...bench.sink.shards.keys()], ['one web.web.main'], 'who leaves it so means it');
    t.match(bench.source.report(), { stale: [], refusals: [], lastError: undefined });
    // What lost its slice lingers for a moment.
    await bench.time.advance(1_000);
    t.equal(bench.time.timers, 0);
  });

  tap.test(`a file of ${form} whose writer goes on within the grace loses nothing`, async (t) => {
    const bench = new Bench(t);
    writeFileSync(bench.path('a.yaml'), whole);
    await bench.source.start();
    bench.sink.take();
    for (const text of [cut, whole]) {
      writeFileSync(bench.path('a.yaml'), text);
      await bench.source.rescan(true);
    }
    await bench.time.advance(100_000);
    t.same(bench.sink.take(), []);
    t.match(bench.source.report(), { stale: [], refusals: [], lastError: undefined });
    t.equal(bench.time.timers, 0);
  });

  tap.test(`a file of ${form} that is shorter and otherwise counts at once`, async (t) => {
    const bench = new Bench(t);
    writeFileSync(bench.path('a.yaml'), whole);
    await bench.source.start();
    writeFileSync(bench.path('a.yaml'), cut.replace('192.0.2.1', '192.0.2.9'));
    await bench.source.rescan(true);
    t.same(
      [...bench.sink.shards.values()].map(({ addresses }) => addresses),
      [['192.0.2.9']],
    );
    await bench.time.advance(1_000);
    t.equal(bench.time.timers, 0);
  });
}

tap.test('the last objects of a cluster count for the grace period when all are gone at once', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service());
  bench.write('b.yaml', service({ name: 'other' }));
  await bench.source.start();
  bench.sink.take();
  unlinkSync(bench.path('a.yaml'));
  unlinkSync(bench.path('b.yaml'));
  await bench.source.rescan();
  t.match(bench.refusals, [`FOLDER_EMPTY ${bench.folder}`, `ALL_GONE ${bench.folder}`]);
  t.match(bench.source.report(), { stale: [{ code: 'ALL_GONE', sinceMs: 1000 }], lastError: /60 s/ });
  t.match(bench.warnings, [/FOLDER_EMPTY/, /ALL_GONE/]);
  await bench.time.advance(59_000);
  t.same(bench.sink.take(), []);
  await bench.time.advance(1_000);
  await bench.source.rescan();
  t.equal(bench.sink.shards.size, 0);
  t.match(bench.source.report(), { stale: [], lastError: undefined });
});

tap.test('what comes back within the grace period never left, and what does not is gone then', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service());
  bench.write('b.yaml', service({ name: 'other' }));
  await bench.source.start();
  for (const name of ['a.yaml', 'b.yaml']) renameSync(bench.path(name), bench.path(`.${name}`));
  await bench.source.rescan();
  bench.sink.take();
  renameSync(bench.path('.a.yaml'), bench.path('a.yaml'));
  await bench.source.rescan();
  t.same(
    bench.sink.take(),
    ['removeShard one other.web.main'],
    'a file that is gone beside others is a statement',
  );
  t.same(bench.refusals, []);
  t.equal(bench.time.timers, 0);
});

tap.test(
  'shards of an earlier run count for the grace period when the first look finds nothing',
  async (t) => {
    const bench = new Bench(t, {}, NEVER_MS, { hasEarlierFacts: true });
    await bench.source.start();
    t.notOk(bench.sink.take().includes('replaceShards one 0'));
    t.match(bench.source.report(), { stale: [{ part: 'first list', code: 'LIST_EMPTY' }] });
    await bench.time.advance(60_000);
    t.ok(bench.sink.take().includes('replaceShards one 0'));
    t.same(bench.source.report().stale, []);
  },
);

/** What kubectl prints of two Services when it is refused one of the kinds, or cut between two documents. */
const TWO = ['web', 'other'].map((name) => service({ name }));
const TWO_SLICES = ['web', 'other'].map((name) => slice([READY], { name: `${name}-1`, service: name }));
const ONE_KIND_LOST = [
  { title: 'EndpointSlices', left: TWO, kind: 'EndpointSlice' },
  { title: 'Services', left: TWO_SLICES, kind: 'Service' },
];
for (const { title, left, kind } of ONE_KIND_LOST) {
  tap.test(`a file that lacks all ${title} at once keeps them for the grace period`, async (t) => {
    const bench = new Bench(t);
    bench.write('a.yaml', TWO_SLICES[0], ...TWO, TWO_SLICES[1]);
    await bench.source.start();
    bench.sink.take();
    bench.write('a.yaml', ...left);
    await bench.source.rescan(true);
    await bench.time.advance(59_000);
    t.same(bench.sink.take(), []);
    t.match(bench.source.report().stale, [{ part: `list of ${kind}s`, code: 'LIST_EMPTY', sinceMs: 1000 }]);
    bench.write('b.yaml', node('n1'));
    await bench.source.rescan();
    await bench.time.advance(1_000);
    t.same(bench.sink.take(), ['replaceShards one ' + (kind === 'Service' ? 0 : 2)]);
    t.same(bench.source.report().stale, []);
    bench.write('a.yaml', ...TWO, ...TWO_SLICES);
    await bench.source.rescan(true);
    t.ok([...bench.sink.shards.values()].every(({ ready }) => ready));
    t.equal(bench.sink.shards.size, 2);
  });

  tap.test(`of ${title} that come back within the grace period only those count`, async (t) => {
    const bench = new Bench(t);
    bench.write('a.yaml', TWO_SLICES[0], ...TWO, TWO_SLICES[1]);
    await bench.source.start();
    bench.write('a.yaml', ...left);
    await bench.source.rescan(true);
    bench.write('a.yaml', TWO[0], TWO_SLICES[0], ...left.slice(1));
    await bench.source.rescan(true);
    await bench.time.advance(1000);
    t.same(
      [...bench.sink.shards.values()].filter(({ ready }) => ready).map(({ service: name }) => name),
      ['web'],
    );
    t.same(bench.source.report().stale, []);
    t.equal(bench.time.timers, 0);
  });
}

tap.test(
  'a single object that leaves a file is gone, and so are those of a file that is deleted',
  async (t) => {
    const bench = new Bench(t);
    bench.write('a.yaml', TWO_SLICES[0], TWO[0]);
    bench.write('b.yaml', TWO[1]);
    await bench.source.start();
    bench.write('a.yaml', TWO[0]);
    await bench.source.rescan(true);
    await bench.time.advance(1000);
    t.notOk([...bench.sink.shards.values()].some(({ ready }) => ready));
    bench.write('c.yaml', ...TWO_SLICES);
    await bench.source.rescan();
    t.ok([...bench.sink.shards.values()].every(({ ready }) => ready));
    unlinkSync(bench.path('c.yaml'));
    await bench.source.rescan();
    await bench.time.advance(1000);
    t.notOk([...bench.sink.shards.values()].some(({ ready }) => ready));
    t.same(bench.source.report().stale, []);
  },
);

tap.test(
  'shards of an earlier run count for the grace period when the first look finds no slice',
  async (t) => {
    const bench = new Bench(t, {}, NEVER_MS, { hasEarlierFacts: true });
    bench.write('a.yaml', ...TWO);
    await bench.source.start();
    t.notOk(bench.sink.take().some((call) => call.startsWith('replaceShards')));
    t.match(bench.source.report(), { stale: [{ part: 'first list', code: 'LIST_EMPTY' }] });
    bench.write('b.yaml', TWO_SLICES[0]);
    await bench.source.rescan();
    t.ok(bench.sink.take().includes('replaceShards one 2'), 'the first that is there ends it');
    t.same(bench.source.report().stale, []);
  },
);

tap.test('shards of an earlier run count until a file in trouble has been good', async (t) => {
  const bench = new Bench(t, {}, NEVER_MS, { hasEarlierFacts: true });
  writeFileSync(bench.path('a.yaml'), '');
  bench.write('b.yaml', service(), slice([READY]));
  bench.write('c.yaml', { apiVersion: 'apps/v1', kind: 'Deployment' });
  await bench.source.start();
  t.same(bench.sink.take(), ['setCluster one pending - -']);
  bench.write('a.yaml', service({ name: 'other' }));
  await bench.source.rescan(true);
  t.equal(bench.sink.shards.size, 2, 'a file of other kinds is waited for by nobody');
});

tap.test('damping holds a shard of files as it does one of an API server', async (t) => {
  const bench = new Bench(t, {}, NEVER_MS, { dampingSeconds: 8 });
  bench.write('a.yaml', service(), slice([READY]));
  await bench.source.start();
  for (const down of [
    [service({ ingress: [] }), slice([READY])],
    [service(), slice([])],
  ]) {
    bench.write('a.yaml', ...down);
    await bench.source.rescan(true);
    await bench.time.advance(1_500);
    t.match(bench.sink.shard('web/nginx'), { ready: true, addresses: ['192.0.2.1'] });
    bench.write('a.yaml', service(), slice([READY]));
    await bench.source.rescan(true);
  }
  bench.write('a.yaml', service(), slice([]));
  await bench.source.rescan(true);
  await bench.time.advance(8_100);
  t.match(bench.sink.shard('web/nginx'), { ready: false });
});

function bad(name: string): unknown {
  return service({ name, spec: { ports: 'x' } });
}

tap.test('refusals of objects are logged once per object, and not without end', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service(), bad('b1'), bad('b2'));
  await bench.source.start();
  await bench.source.rescan(true);
  t.match(bench.warnings, [/a\.yaml:\d+.*b1: spec\.ports is no list/, /b2/]);
  bench.write('a.yaml', service(), ...Array.from({ length: 100 }, (_, i) => bad(`c${i}`)));
  await bench.source.rescan(true);
  t.equal(bench.warnings.length, 21, 'twenty a minute, and that there are more');
});

tap.test('what is passed over is said: other names, other kinds, folders without manifests', async (t) => {
  const bench = new Bench(t);
  bench.write('a.yaml', service());
  bench.write('all.yaml.txt', service({ name: 'text' }));
  bench.write('.hidden.yaml', service({ name: 'hidden' }));
  bench.write('deployment.yaml', { apiVersion: 'apps/v1', kind: 'Deployment' });
  await bench.source.start();
  t.match(bench.source.report().refusals, [
    { code: 'NAME_NOT_READ', object: bench.folder, message: /^all\.yaml\.txt: not read/ },
    { code: 'FILE_OF_OTHER_KINDS', object: bench.folder, message: /^deployment\.yaml: without/ },
  ]);
  t.match(bench.source.report(), { lastError: undefined, stale: [], condition: 'Ready' });
});

tap.test('files in folders of the folder are read, and named by their path', async (t) => {
  const bench = new Bench(t);
  mkdirSync(bench.path('shop', 'eu'), { recursive: true });
  mkdirSync(bench.path('.git'));
  symlinkSync('..', bench.path('shop', 'circle'));
  bench.write(join('shop', 'a.yaml'), service());
  bench.write(join('shop', 'eu', 'b.yaml'), service({ name: 'other' }), service({ spec: { ports: 'x' } }));
  bench.write(join('.git', 'c.yaml'), service({ name: 'hidden' }));
  await bench.source.start();
  t.same([...bench.sink.shards.keys()].toSorted(), ['one nginx.web.main', 'one other.web.main']);
  t.match(bench.refusals, [/^OBJECT_MALFORMED shop\/eu\/b\.yaml:/]);
  bench.write(join('shop', 'eu', 'b.yaml'), service({ name: 'third' }));
  await bench.until(() => bench.sink.shard('web/third') !== undefined);
  mkdirSync(bench.path('new'));
  await bench.source.rescan();
  bench.write(join('new', 'd.yaml'), service({ name: 'fourth' }));
  await bench.until(() => bench.sink.shard('web/fourth') !== undefined);
  renameSync(bench.path('new'), bench.path('newer'));
  await bench.source.rescan();
  t.ok(bench.sink.shard('web/fourth'), 'a folder that is renamed takes nothing away');
});

tap.test('a notice has only the files read that it names', async (t) => {
  const bench = new Bench(t);
  for (let i = 0; i < 20; i++) bench.write(`${i}.yaml`, service({ name: `s${i}` }));
  await bench.source.start();
  const stamp = new Date('2026-01-01');
  // Whoever reads everything finds this change, whose times and size are those of before.
  for (const name of ['1.yaml', '2.yaml']) utimesSync(bench.path(name), stamp, stamp);
  await bench.source.rescan();
  bench.sink.take();
  bench.write('3.yaml', service({ name: 's3', ingress: [{ ip: '192.0.2.3' }] }));
  await bench.until(() => bench.sink.shard('web/s3')?.addresses[0] === '192.0.2.3');
  t.same(bench.sink.take(), ['upsertShard one s3.web.main']);
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
  await bench.time.advance(100);
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
  const outside = scratch(t, {
    first: { 'a.yaml': JSON.stringify(service()) },
    second: { 'b.yaml': JSON.stringify(service({ name: 'second' })) },
  });
  const link = join(outside, 'current');
  symlinkSync('first', link);
  const bench = new Bench(t, { origin: { kind: 'manifests', path: link } }, 20);
  await bench.source.start();
  t.ok(bench.sink.shard('web/nginx'));
  symlinkSync('second', `${link}-tmp`);
  renameSync(`${link}-tmp`, link);
  await bench.until(() => bench.sink.shard('web/nginx') === undefined);
  writeFileSync(join(outside, 'second', 'b.yaml'), JSON.stringify(service({ name: 'other' })));
  await bench.until(() => bench.sink.shard('web/other') !== undefined);
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

import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { FactSink, ShardState } from '../../src/zonebuilder/facts.ts';
import { loadSnapshot } from '../../src/state/snapshot-file.ts';
import type { Snapshot } from '../../src/state/snapshot-file.ts';
import { encodeSnapshot } from '../../src/state/snapshot-format.ts';
import type { ClusterFacts, SnapshotLine } from '../../src/state/snapshot-format.ts';
import { SnapshotKeeper, restoreSnapshot } from '../../src/state/snapshot.ts';
import { scratch } from '../support/scratch.ts';

const CAUSE = { object: 'EndpointSlice mynamespace/nginx-1', resourceVersion: '7', timeMs: 5 };

function shard(cluster: string, service: string, more: Partial<ShardState> = {}): ShardState {
  return {
    cluster,
    federation: 'myfederation',
    namespace: 'mynamespace',
    service,
    addresses: ['192.0.2.1', '2001:db8::1'],
    ready: true,
    readyZones: ['us-central1-a'],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    ttlSeconds: 60,
    cause: CAUSE,
    ...more,
  };
}

const FACTS: readonly (ClusterFacts & { shards: ShardState[] })[] = [
  {
    cluster: { name: 'one', region: 'us-central1', zones: ['us-central1-a'], status: 'available' },
    shards: [
      shard('one', 'nginx'),
      shard('one', 'pods', { readyZones: ['a', 'b'], addressZones: ['b', ''] }),
      shard('one', 'späße', { ready: false, readyZones: 'every', addresses: [] }),
    ],
  },
  { cluster: { name: 'two', zones: [], status: 'held' }, shards: [shard('two', 'nginx')], joined: true },
];
const nothing = (): void => {};
const HOSTNAMES = [{ hostname: 'lb.example.net', A: ['192.0.2.9'], AAAA: [] }];

const log = { info: () => {}, warn: () => {}, error: () => {} };
const never = (): { stop(): Promise<void> } => ({ stop: async () => {} });

/** The lines that a snapshot of these facts has. */
function linesOf(facts: readonly ClusterFacts[]): SnapshotLine[] {
  return facts.flatMap(({ cluster, shards, joined = false }) => [
    { kind: 'cluster', cluster, joined },
    ...[...shards].map((one) => ({ kind: 'shard', shard: one }) as const),
  ]);
}

const HOSTNAME_LINES = HOSTNAMES.map((hostname) => ({ kind: 'hostname', hostname }) as const);

/** A snapshot that was read as far as these lines, and then as `failure` says. */
function snapshotOf(lines: readonly SnapshotLine[], failure?: Error): Snapshot {
  return {
    savedMs: 5,
    serial: 1,
    async *read() {
      yield lines;
      if (failure !== undefined) throw failure;
    },
  };
}

async function readAll(path: string): Promise<SnapshotLine[]> {
  const load = await loadSnapshot(path);
  const lines: SnapshotLine[] = [];
  if (load.kind === 'loaded') for await (const batch of load.snapshot.read()) lines.push(...batch);
  return lines;
}

/** The text of a snapshot with other lines than an encoder would write, and the digest that belongs to them. */
function sealed(lines: readonly string[], counts: { clusters: number; shards: number }): string {
  const text = lines.map((line) => `${line}\n`).join('');
  const sha256 = createHash('sha256').update(text).digest('hex');
  return `${text}${JSON.stringify({ end: { ...counts, sha256 } })}\n`;
}

function keeper(path: string, facts: () => Iterable<ClusterFacts>, serial: () => number): SnapshotKeeper {
  return new SnapshotKeeper({
    path,
    facts,
    hostnames: () => HOSTNAMES,
    serial,
    clock: () => 42_000,
    schedule: never,
    log,
  });
}

t.test('what was saved is read back', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  t.equal(
    await keeper(
      path,
      () => FACTS,
      () => 9,
    ).save(),
    true,
  );
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.match(await loadSnapshot(path), { kind: 'loaded', snapshot: { savedMs: 42_000, serial: 9 } });
  t.strictSame(await readAll(path), [...linesOf(FACTS), ...HOSTNAME_LINES]);
});

t.test('a snapshot is written only when an answer has changed, and at the end', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  let serial = 1;
  const saving = keeper(
    path,
    () => FACTS,
    () => serial,
  );
  t.equal(await saving.save(), true);
  t.equal(await saving.save(), false, 'nothing changed');
  serial = 2;
  await saving.stop();
  t.match(await loadSnapshot(path), { snapshot: { serial: 2 } });
});

t.test('a write that fails keeps the old snapshot and is tried again', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  let broken = false;
  let serial = 1;
  const facts = function* (): Generator<ClusterFacts> {
    yield FACTS[0]!;
    if (broken) throw new Error('no space left');
  };
  const saving = keeper(path, facts, () => serial);
  await saving.save();
  [broken, serial] = [true, 2];
  t.equal(await saving.save(), false);
  t.match(await loadSnapshot(path), { snapshot: { serial: 1 } });
  broken = false;
  t.equal(await saving.save(), true);
});

t.test('no snapshot is not an error', async (t) => {
  t.strictSame(await loadSnapshot(join(scratch(t), 'snapshot.ndjson')), { kind: 'none' });
});

t.test('a damaged snapshot is reported and nothing of it is used', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  const good = [...encodeSnapshot({ savedMs: 1, serial: 1 }, FACTS, HOSTNAMES)].join('');
  const lines = good.trimEnd().split('\n');
  const cases: Record<string, string | Buffer> = {
    'an empty file': '',
    'cut in the middle': good.slice(0, good.length / 2),
    'without its trailer': `${lines.slice(0, -1).join('\n')}\n`,
    'a changed address': good.replace('192.0.2.1', '192.0.2.2'),
    'a line left out': [...lines.slice(0, 2), ...lines.slice(3)].join('\n'),
    'text behind the end': `${good}{}\n`,
    'another program’s file': '{"format":"other","version":1}\n',
    'a later version': good.replace('"version":2', '"version":3'),
    'no JSON': 'hello\n',
    'a shard before any cluster': [lines[0], lines[2], lines.at(-1)].join('\n'),
    'octets that are no UTF-8': Buffer.from([0xff, 0xfe, 0x0a]),
  };
  for (const [title, text] of Object.entries(cases)) {
    writeFileSync(path, text);
    t.match(await loadSnapshot(path), { kind: 'broken', reason: /\w/ }, title);
  }
  t.doesNotThrow(() => readFileSync(path), 'a broken file is left for the operator to look at');
});

t.test('a snapshot of many pieces is read in full', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  // Lines of changing lengths with letters of two octets, so that pieces end anywhere.
  const shards = Array.from({ length: 4000 }, (_, i) => shard('one', `${'ß'.repeat(i % 60)}-${i}`));
  const facts = [{ cluster: FACTS[0]!.cluster, shards }];
  writeFileSync(path, [...encodeSnapshot({ savedMs: 1, serial: 1 }, facts)].join(''));
  t.strictSame(await readAll(path), linesOf(facts));
});

t.test('lines that a whole snapshot cannot have are reported by their number', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  const lines = [...encodeSnapshot({ savedMs: 1, serial: 1 }, FACTS)]
    .join('')
    .trimEnd()
    .split('\n')
    .slice(0, -1);
  const [head, cluster, one] = lines as [string, string, string];
  const cases: readonly [string, string[], number, RegExp][] = [
    ['no JSON', [head, cluster, 'hello'], 1, /^line 3: /],
    ['a shard before any cluster', [head, one, cluster], 1, /^line 2: a shard before any cluster/],
    [
      'a shard without a name',
      [head, cluster, one.replace('"service":', '"name":')],
      1,
      /^line 3: service is no text/,
    ],
    [
      'a status that no cluster has',
      [head, cluster.replace('available', 'fine')],
      0,
      /^line 2: unknown cluster status/,
    ],
    ['another number of shards', [head, cluster, one], 2, /^the counts differ/],
  ];
  for (const [title, broken, shards, message] of cases) {
    writeFileSync(path, sealed(broken, { clusters: 1, shards }));
    await t.rejects(readAll(path), { name: 'SnapshotError', message }, title);
  }
});

t.test('random damage is never taken for a snapshot', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  const good = Buffer.from([...encodeSnapshot({ savedMs: 1, serial: 1 }, FACTS)].join(''));
  let seed = 1;
  for (let round = 0; round < 200; round++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const damaged = Buffer.from(good);
    const at = (seed >>> 8) % (good.length - 1);
    damaged[at] = damaged[at]! ^ (1 << (seed & 7));
    writeFileSync(path, damaged);
    const load = await loadSnapshot(path);
    if (load.kind !== 'broken') t.fail(`octet ${at} changed and nobody noticed`);
  }
});

/** Notes every call. */
function notingSink(calls: unknown[]): FactSink {
  return {
    setCluster: (state) => calls.push(['cluster', state]),
    removeCluster: (name) => calls.push(['removed', name]),
    upsertShard: ({ cluster, federation, service, cause }) =>
      calls.push([cluster, `${federation}/${service}`, cause]),
    removeShard: nothing,
    replaceShards: nothing,
  };
}

t.test('restored clusters are held until their first sync', async (t) => {
  const calls: unknown[] = [];
  const sink = notingSink(calls);
  const gone: ClusterFacts = {
    cluster: { name: 'gone', zones: [], status: 'available' as const },
    shards: [shard('gone', 'nginx')],
  };
  const snapshot = snapshotOf([...linesOf([...FACTS, gone]), ...HOSTNAME_LINES]);
  const scope = {
    clusters: [
      { name: 'one' },
      { name: 'two', region: 'europe-west1', zones: ['europe-west1-b'] },
      { name: 'new' },
    ],
    federations: [{ name: 'myfederation' }],
  };
  t.strictSame(await restoreSnapshot(snapshot, scope, sink), {
    configured: ['one', 'two'],
    joined: [],
    hostnames: HOSTNAMES,
  });
  const one = { name: 'one', region: 'us-central1', zones: ['us-central1-a'], status: 'held' };
  const configured = { regionConfigured: true, zonesConfigured: true };
  const two = {
    name: 'two',
    region: 'europe-west1',
    zones: ['europe-west1-b'],
    status: 'held',
    ...configured,
  };
  t.strictSame(calls, [
    ['cluster', one],
    ['one', 'myfederation/nginx', CAUSE],
    ['one', 'myfederation/pods', CAUSE],
    ['one', 'myfederation/späße', CAUSE],
    ['cluster', two],
    ['two', 'myfederation/nginx', CAUSE],
  ]);
  calls.length = 0;
  await restoreSnapshot(snapshot, { ...scope, federations: [{ name: 'other' }] }, sink);
  t.strictSame(
    calls,
    [
      ['cluster', one],
      ['cluster', two],
    ],
    'a federation that is gone is left out',
  );
});

t.test('where a cluster was comes back, a cluster that was never read does not', async (t) => {
  const place = {
    region: 'us',
    zones: ['us1'],
    places: ['us', 'us0.us', 'us1.us'],
    shortNames: ['us', 'us1.us'],
  };
  const facts: ClusterFacts[] = [
    { cluster: { name: 'one', status: 'withdrawn', ...place }, shards: [] },
    { cluster: { name: 'two', status: 'withdrawn', zones: [], unread: true }, shards: [] },
  ];
  const path = join(scratch(t), 'snapshot.ndjson');
  writeFileSync(path, [...encodeSnapshot({ savedMs: 5, serial: 1 }, facts)].join(''));
  const calls: unknown[] = [];
  const load = await loadSnapshot(path);
  if (load.kind !== 'loaded') return t.fail(load.kind);
  const scope = { clusters: [{ name: 'one' }, { name: 'two' }], federations: [] };
  await restoreSnapshot(load.snapshot, scope, notingSink(calls));
  t.strictSame(calls, [['cluster', { name: 'one', status: 'withdrawn', ...place }]]);
});

t.test('what was restored before a fault is taken back', async (t) => {
  const calls: unknown[] = [];
  const scope = { clusters: [{ name: 'one' }], federations: [{ name: 'myfederation' }] };
  const snapshot = snapshotOf(linesOf(FACTS), new Error('the disk is gone'));
  await t.rejects(restoreSnapshot(snapshot, scope, notingSink(calls)), { message: 'the disk is gone' });
  t.strictSame(calls.at(-1), ['removed', 'one']);
});

t.test('a cluster that had joined by a Secret comes back only while Secrets are looked for', async (t) => {
  const calls: unknown[] = [];
  const sink = notingSink(calls);
  const snapshot = snapshotOf(linesOf(FACTS));
  const scope = { clusters: [], federations: [{ name: 'myfederation' }] };
  t.match(await restoreSnapshot(snapshot, scope, sink), { configured: [], joined: [] });
  t.strictSame(calls, []);
  const covered = await restoreSnapshot(snapshot, { ...scope, clusterSecrets: { namespace: 'fedns' } }, sink);
  t.match(covered, { configured: [], joined: ['two'] }, 'one was configured, and is no longer');
  t.strictSame(calls[0], ['cluster', { name: 'two', zones: [], status: 'held' }]);
});

t.test('a snapshot of an older version is read', async (t) => {
  const path = join(scratch(t), 'snapshot.ndjson');
  const head = '{"format":"fedns-snapshot","version":1,"savedMs":7,"serial":3}';
  const cluster = { name: 'one', zones: [], status: 'available' } as const;
  writeFileSync(path, sealed([head, JSON.stringify({ cluster })], { clusters: 1, shards: 0 }));
  t.match(await loadSnapshot(path), { kind: 'loaded', snapshot: { serial: 3 } });
  t.strictSame(await readAll(path), [{ kind: 'cluster', cluster, joined: false }]);
});

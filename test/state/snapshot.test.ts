import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ClusterState, FactSink, ShardState } from '../../src/zonebuilder/facts.ts';
import { encodeSnapshot } from '../../src/state/snapshot-format.ts';
import type { ClusterFacts } from '../../src/state/snapshot-format.ts';
import { SnapshotKeeper, loadSnapshot, restoreSnapshot } from '../../src/state/snapshot.ts';

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
      shard('one', 'späße', { ready: false, readyZones: 'every', addresses: [] }),
    ],
  },
  { cluster: { name: 'two', zones: [], status: 'held' }, shards: [shard('two', 'nginx')], joined: true },
];
const nothing = (): void => {};
const HOSTNAMES = [{ hostname: 'lb.example.net', A: ['192.0.2.9'], AAAA: [] }];

const log = { info: () => {}, warn: () => {}, error: () => {} };
const never = (): { stop(): Promise<void> } => ({ stop: async () => {} });

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
  const path = join(t.testdir(), 'snapshot.ndjson');
  t.equal(
    await keeper(
      path,
      () => FACTS,
      () => 9,
    ).save(),
    true,
  );
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.strictSame(await loadSnapshot(path), {
    kind: 'loaded',
    snapshot: { savedMs: 42_000, serial: 9, clusters: FACTS, hostnames: HOSTNAMES },
  });
});

t.test('a snapshot is written only when an answer has changed, and at the end', async (t) => {
  const path = join(t.testdir(), 'snapshot.ndjson');
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
  const path = join(t.testdir(), 'snapshot.ndjson');
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
  t.strictSame(await loadSnapshot(join(t.testdir(), 'snapshot.ndjson')), { kind: 'none' });
});

t.test('a damaged snapshot is reported and nothing of it is used', async (t) => {
  const path = join(t.testdir(), 'snapshot.ndjson');
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

t.test('random damage is never taken for a snapshot', async (t) => {
  const path = join(t.testdir(), 'snapshot.ndjson');
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

t.test('restored clusters are held until their first sync', async (t) => {
  const calls: unknown[] = [];
  const sink: FactSink = {
    setCluster: (state: ClusterState) => calls.push(['cluster', state]),
    removeCluster: () => t.fail('nothing is removed'),
    upsertShard: () => t.fail('shards come as a whole'),
    removeShard: () => t.fail('nothing is removed'),
    replaceShards: (cluster, shards, cause) =>
      calls.push([cluster, shards.map((one) => `${one.federation}/${one.service}`), cause]),
  };
  const snapshot = {
    savedMs: 5,
    serial: 1,
    hostnames: [],
    clusters: [
      ...FACTS,
      {
        cluster: { name: 'gone', zones: [], status: 'available' as const },
        shards: [shard('gone', 'nginx')],
      },
    ],
  };
  const scope = {
    clusters: [
      { name: 'one' },
      { name: 'two', region: 'europe-west1', zones: ['europe-west1-b'] },
      { name: 'new' },
    ],
    federations: [{ name: 'myfederation' }],
  };
  t.strictSame(restoreSnapshot(snapshot, scope, sink), { configured: ['one', 'two'], joined: [] });
  t.strictSame(calls, [
    ['cluster', { name: 'one', region: 'us-central1', zones: ['us-central1-a'], status: 'held' }],
    ['one', ['myfederation/nginx', 'myfederation/späße'], { object: 'snapshot', timeMs: 5 }],
    ['cluster', { name: 'two', region: 'europe-west1', zones: ['europe-west1-b'], status: 'held' }],
    ['two', ['myfederation/nginx'], { object: 'snapshot', timeMs: 5 }],
  ]);
  calls.length = 0;
  restoreSnapshot(snapshot, { ...scope, federations: [{ name: 'other' }] }, sink);
  t.strictSame(
    calls[1],
    ['one', [], { object: 'snapshot', timeMs: 5 }],
    'a federation that is gone is left out',
  );
});

t.test('a cluster that had joined by a Secret comes back only while Secrets are looked for', (t) => {
  const states: ClusterState[] = [];
  const sink: FactSink = {
    setCluster: (state) => void states.push(state),
    removeCluster: nothing,
    upsertShard: nothing,
    removeShard: nothing,
    replaceShards: nothing,
  };
  const snapshot = { savedMs: 5, serial: 1, clusters: FACTS, hostnames: [] };
  const scope = { clusters: [], federations: [{ name: 'myfederation' }] };
  t.strictSame(restoreSnapshot(snapshot, scope, sink), { configured: [], joined: [] });
  t.strictSame(states, []);
  const covered = restoreSnapshot(snapshot, { ...scope, clusterSecrets: { namespace: 'fedns' } }, sink);
  t.strictSame(covered, { configured: [], joined: ['two'] }, 'one was configured, and is no longer');
  t.strictSame(states, [{ name: 'two', zones: [], status: 'held' }]);
  t.end();
});

t.test('a snapshot of an older version is read', async (t) => {
  const path = join(t.testdir(), 'snapshot.ndjson');
  const lines = [
    '{"format":"fedns-snapshot","version":1,"savedMs":7,"serial":3}',
    '{"cluster":{"name":"one","zones":[],"status":"available"}}',
    '',
  ].join('\n');
  const sha256 = createHash('sha256').update(lines).digest('hex');
  writeFileSync(path, `${lines}${JSON.stringify({ end: { clusters: 1, shards: 0, sha256 } })}\n`);
  t.match(await loadSnapshot(path), {
    kind: 'loaded',
    snapshot: { serial: 3, clusters: [{ cluster: { name: 'one' }, shards: [] }], hostnames: [] },
  });
});

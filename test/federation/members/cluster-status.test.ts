import t from 'tap';
import { saysSame, statusOf, type Seen } from '../../../src/federation/members/cluster-status.ts';
import type { ClusterObject, ClusterStatus } from '../../../src/federation/members/cluster-type.ts';
import { StatusKeeper } from '../../../src/federation/members/status-keeper.ts';
import type { Credentials } from '../../../src/watchers/credentials/credentials.ts';
import { FakeTime } from '../../watchers/fake-time.ts';

const AT_MS = Date.UTC(2026, 10, 28, 6, 0, 0, 999);

/** `TYPE STATUS REASON: MESSAGE`, each. */
const texts = ({ conditions }: ClusterStatus): string[] =>
  conditions.map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`);

t.test('conditions say what was seen, as in Federation v1', (t) => {
  const cases: readonly (readonly [seen: Seen, phase: string, ready: string, offline: string])[] = [
    [
      { health: 'ready' },
      'Ready',
      'Ready True ClusterReady: /readyz responded with ok',
      'Offline False ClusterReachable: cluster is reachable',
    ],
    [
      { health: 'notReady', said: '500: etcd failed' },
      'NotReady',
      'Ready False ClusterNotReady: 500: etcd failed',
      'Offline False ClusterReachable: cluster is reachable',
    ],
    [
      { health: 'refused', said: '401: Unauthorized' },
      'NotReady',
      'Ready False CredentialsRefused: 401: Unauthorized',
      'Offline False ClusterReachable: cluster is reachable',
    ],
    [
      { health: 'offline', said: 'connect ECONNREFUSED 192.0.2.1:6443' },
      'Offline',
      'Ready False ClusterNotReachable: connect ECONNREFUSED 192.0.2.1:6443',
      'Offline True ClusterNotReachable: connect ECONNREFUSED 192.0.2.1:6443',
    ],
    [
      { health: 'offline' },
      'Offline',
      'Ready False ClusterNotReachable: cluster is not reachable',
      'Offline True ClusterNotReachable: cluster is not reachable',
    ],
    [
      { health: 'noSecret' },
      'NotReady',
      'Ready False NoSecret: no Secret labelled fedns.io/cluster has its credentials',
      'Offline Unknown NotProbed: no Secret labelled fedns.io/cluster has its credentials',
    ],
  ];
  for (const [seen, phase, ...conditions] of cases) {
    const status = statusOf(undefined, seen, AT_MS);
    t.equal(status.phase, phase, seen.health);
    t.same(texts(status), conditions, seen.health);
  }
  t.end();
});

t.test('a condition keeps the time at which it turned; what is not known now stays as it was', (t) => {
  const first = statusOf(
    undefined,
    { health: 'ready', version: 'v1.36.3', region: 'us', zones: ['a'] },
    AT_MS,
  );
  const later = statusOf(first, { health: 'ready' }, AT_MS + 60_000);
  const [before, after] = ['2026-11-28T06:00:00Z', '2026-11-28T06:01:00Z'];
  t.match(later.conditions, [
    { lastProbeTime: after, lastTransitionTime: before },
    { lastProbeTime: after, lastTransitionTime: before },
  ]);
  t.match(later, { version: 'v1.36.3', region: 'us', zones: ['a'] });
  t.ok(saysSame(first, later), 'that it was looked at again is nothing new');
  const offline = statusOf(first, { health: 'offline' }, AT_MS + 60_000);
  t.match(offline.conditions, [{ lastTransitionTime: after }, { lastTransitionTime: after }]);
  t.match(offline, { version: 'v1.36.3', region: 'us' });
  t.notOk(saysSame(first, offline));
  const moved = statusOf(first, { health: 'ready', zones: ['b'] }, AT_MS);
  t.notOk(saysSame(first, moved), 'another zone is');
  t.end();
});

/** Clusters of a host in memory, and what was written of them. */
class Host {
  readonly written: string[] = [];
  readonly clusters = new Map<string, ClusterObject>();

  add(name: string): void {
    const spec = { uid: `uid-${name}`, server: 'https://192.0.2.1', secretRef: { name } };
    this.clusters.set(name, {
      apiVersion: 'federation.fedns.io/v1beta1',
      kind: 'Cluster',
      metadata: { name },
      spec,
    });
  }

  readonly objects: ConstructorParameters<typeof StatusKeeper>[0]['objects'] = {
    list: async () => ({ ok: true, value: { items: [...this.clusters.values()], resourceVersion: '1' } }),
    merge: async ({ name }, patch) => {
      const cluster = { ...this.clusters.get(name)!, ...patch };
      this.clusters.set(name, cluster);
      this.written.push(`${name} ${cluster.status!.phase}`);
      return { ok: true, value: cluster };
    },
  };
}

t.test('news is written at once, that a cluster was looked at once a minute', async (t) => {
  const [time, host] = [new FakeTime(), new Host()];
  let seen: Seen = { health: 'unknown' };
  let news: (() => void) | undefined;
  const keeper = new StatusKeeper({
    objects: host.objects,
    timers: time,
    clock: time.clock,
    random: () => 0.5,
    log: { warn: (fields) => t.fail(JSON.stringify(fields)) },
    openProbe: ({ onChange, uid }) => {
      news = onChange;
      return {
        start: () => {},
        stop: async () => {},
        seen: () => (uid() === 'uid-us' ? seen : { health: 'other' }),
      };
    },
  });
  t.teardown(() => keeper.stop());
  const taken = async (ms: number): Promise<string[]> => {
    host.written.length = 0;
    await time.advance(ms);
    return [...host.written];
  };
  keeper.start();
  keeper.join({ name: 'us', zones: [] }, undefined as unknown as Credentials);
  t.same(await taken(10_000), [], 'its Cluster is not there yet');
  host.add('us');
  t.same(await taken(10_000), [], 'nothing was seen yet');
  seen = { health: 'ready' };
  news!();
  t.same(await taken(0), ['us Ready']);
  t.same(await taken(50_000), []);
  t.same(await taken(20_000), ['us Ready']);
  seen = { health: 'offline' };
  news!();
  t.same(await taken(0), ['us Offline']);
  host.add('eu');
  t.same(await taken(70_000), ['us Offline', 'eu NotReady'].toReversed(), 'eu has no Secret');
  keeper.leave('us');
  t.same(await taken(70_000), ['eu NotReady', 'us NotReady']);
  host.clusters.clear();
  t.same(await taken(130_000).then((lines) => lines.slice(2)), [], 'nothing is written of what is gone');
});

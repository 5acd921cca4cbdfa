/** What `fedns federate` makes of objects at a federation endpoint: real API servers as the host and two members. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { confirmRemovals } from '../../src/federation/run/confirm.ts';
import { systemTimers } from '../../src/timers.ts';
import { conditionOf, FederationWorld, versionsIn, type Shown } from './federation-world.ts';
import { eventually } from './processes.ts';

// Three control planes start beside the other tests, and two of them once more.
t.setTimeout(400_000);

const world = await FederationWorld.start('c1', 'c2');
const { host } = world;
const [c1, c2] = world.members as [(typeof world.members)[0], (typeof world.members)[0]];
const both = [c1, c2] as const;
t.teardown(() => world.stop());

const ports = (...list: readonly (readonly [name: string, port: number])[]): object[] =>
  list.map(([name, port]) => ({ name, port, protocol: 'TCP' }));
const nodePorts = ({ spec }: Shown): Record<string, unknown> =>
  Object.fromEntries(spec.ports.map(({ name, nodePort }) => [name, nodePort]));
const portsOf = ({ spec }: Shown): string =>
  spec.ports.map(({ name, port }) => `${name as string} ${port as number}`).join(', ');

// What is there before fedns is.
await world.create(host, 'Namespace', 'web');
await world.create(host, 'Service', 'web/nginx', {
  spec: { type: 'LoadBalancer', selector: { app: 'nginx' }, ports: ports(['http', 80], ['https', 443]) },
});
for (const cluster of both) await world.create(cluster, 'Namespace', 'old');
await world.create(host, 'Namespace', 'old');
await world.create(c1, 'Service', 'old/shop', {
  metadata: { labels: { mine: 'yes' } },
  spec: { type: 'NodePort', selector: { app: 'other' }, ports: ports(['http', 80], ['foreign', 9000]) },
});
await world.create(c1, 'ConfigMap', 'old/foreign', { data: { a: '1' } });
const before = await world.get(c1, 'Service', 'old/shop');
const foreign = await world.get(c1, 'ConfigMap', 'old/foreign');
await world.create(host, 'Service', 'old/shop', {
  spec: { type: 'LoadBalancer', selector: { app: 'shop' }, ports: ports(['http', 80], ['admin', 81]) },
});
// The host is one of its own members, too, and one is there twice, which must come to nothing.
const settings = world.settings([c1, host, { name: 'c1-again', kubeconfig: c1.kubeconfig }]);
await world.federate(settings);

t.test(
  'a Service that is created once stands in each cluster, and a cluster that joins late catches up',
  async (t) => {
    const copy = await world.shows(c1, 'Service', 'web/nginx');
    t.match(copy, {
      metadata: { labels: { 'fedns.io/federation': 'main', 'federation.fedns.io/managed': 'main' } },
      spec: { type: 'LoadBalancer', selector: { app: 'nginx' } },
    });
    t.equal(portsOf(copy), 'http 80, https 443');
    await world.says('Service', 'web/nginx', 'InAllClusters', /^in 1 of 1 clusters: c1$/);
    const secret = { kubeconfig: Buffer.from(readFileSync(c2.kubeconfig)).toString('base64') };
    await world.create(host, 'Secret', 'fedns/c2', {
      metadata: { labels: { 'fedns.io/cluster': 'c2' } },
      data: secret,
    });
    await world.shows(c2, 'Service', 'web/nginx');
    await world.says('Service', 'web/nginx', 'InAllClusters', /^in 2 of 2 clusters: c1, c2$/);
    t.match((await world.get(host, 'Service', 'web/nginx')).metadata.finalizers, [
      'federation.fedns.io/members',
    ]);
  },
);

t.test(
  'a Service that was there is adopted: what the cluster allotted stays, and no foreign port',
  async (t) => {
    const after = await world.shows(c1, 'Service', 'old/shop', (object) =>
      assert.equal(portsOf(object), 'http 80, admin 81'),
    );
    t.equal(after.metadata.uid, before.metadata.uid);
    t.equal(after.spec['clusterIP'], before.spec['clusterIP']);
    t.equal(nodePorts(after)['http'], nodePorts(before)['http']);
    t.match(after, {
      metadata: { labels: { mine: 'yes' } },
      spec: { type: 'LoadBalancer', selector: { app: 'shop' } },
    });
    t.same(
      (await world.get(c1, 'ConfigMap', 'old/foreign')).metadata.resourceVersion,
      foreign.metadata.resourceVersion,
    );
    await eventually(async () => {
      const events = await world.events(host);
      assert.ok(events.includes('shop Adopted: Adopted in c1'), events.join('\n'));
      assert.ok(events.includes('shop Created: Created in c2'), events.join('\n'));
    });
    for (const cluster of both) t.same(await world.events(cluster), [], `no Event in ${cluster.name}`);
  },
);

t.test('ports reordered, renumbered, added and removed keep the node ports of those that stay', async (t) => {
  const old = await Promise.all(both.map((cluster) => world.get(cluster, 'Service', 'web/nginx')));
  await world.patch(host, 'Service', 'web/nginx', {
    spec: { ports: ports(['https', 443], ['http', 8080], ['quic', 444]) },
  });
  for (const [i, cluster] of both.entries()) {
    const now = await world.shows(cluster, 'Service', 'web/nginx', (object) =>
      assert.equal(portsOf(object), 'https 443, http 8080, quic 444'),
    );
    t.match(nodePorts(now), nodePorts(old[i]!), cluster.name);
  }
  await world.patch(host, 'Service', 'web/nginx', { spec: { ports: ports(['https', 443]) } });
  for (const cluster of both)
    await world.shows(cluster, 'Service', 'web/nginx', (object) =>
      assert.equal(portsOf(object), 'https 443'),
    );
});

/** What a load balancer of the cluster brings about. */
async function balance(cluster: (typeof both)[0], ...ips: string[]): Promise<void> {
  const status = { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } };
  await cluster.admin.patch('/api/v1/namespaces/web/services/nginx/status', { status });
}

async function showsIngress(...ips: string[]): Promise<void> {
  await world.shows(host, 'Service', 'web/nginx', ({ status }) =>
    assert.deepEqual(
      (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
      ips,
    ),
  );
}

t.test('the federated status is the sorted union of what the clusters have', async (t) => {
  await balance(c2, '198.51.100.20', '2001:db8::1');
  await balance(c1, '198.51.100.9', '198.51.100.20');
  await showsIngress('198.51.100.9', '198.51.100.20', '2001:db8::1');
  await balance(c2);
  await showsIngress('198.51.100.9', '198.51.100.20');
  t.pass('and shrinks with it');
});

t.test(
  'ConfigMaps and Secrets are the same everywhere, and what belongs to one cluster stays there',
  async (t) => {
    await world.create(host, 'ConfigMap', 'web/conf', { data: { a: '1', b: '2' } });
    await world.create(host, 'Secret', 'web/cert', { data: { key: 'c2VjcmV0' } });
    await world.create(host, 'ConfigMap', 'web/kube-root-ca.crt', { data: { 'ca.crt': 'x' } });
    await world.create(host, 'ConfigMap', 'kube-public/info', { data: { a: '1' } }).catch(() => undefined);
    await world.create(host, 'ConfigMap', 'fedns/own', { data: { a: '1' } });
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
    await world.create(host, 'ConfigMap', 'web/owned', {
      metadata: { ownerReferences: [owner] },
      data: { a: '1' },
    });
    for (const cluster of both) {
      await world.shows(cluster, 'ConfigMap', 'web/conf', ({ data }) =>
        assert.deepEqual(data, { a: '1', b: '2' }),
      );
      await world.shows(cluster, 'Secret', 'web/cert', ({ data }) =>
        assert.deepEqual(data, { key: 'c2VjcmV0' }),
      );
    }
    await world.says('ConfigMap', 'web/conf', 'InAllClusters');
    await world.patch(c1, 'ConfigMap', 'web/conf', { data: { a: 'drift', foreign: 'x' } });
    await world.remove(c2, 'ConfigMap', 'web/conf');
    for (const cluster of both)
      await world.shows(cluster, 'ConfigMap', 'web/conf', ({ data }) =>
        assert.deepEqual(data, { a: '1', b: '2' }),
      );
    await world.patch(host, 'ConfigMap', 'web/conf', { data: { b: null, c: '3' } });
    for (const cluster of both)
      await world.shows(cluster, 'ConfigMap', 'web/conf', ({ data }) =>
        assert.deepEqual(data, { a: '1', c: '3' }),
      );
    for (const name of ['web/kube-root-ca.crt', 'fedns/own', 'web/owned', 'kube-public/info']) {
      await world.gone(c1, 'ConfigMap', name);
      const home = await world.get(host, 'ConfigMap', name).catch(() => undefined);
      t.notOk(home?.metadata.finalizers, `${name} stays home`);
    }
    await world.gone(c1, 'Secret', 'fedns/c2');
  },
);

t.test('a refusal is told in the words of the member, and holds up nothing else', async (t) => {
  await world.create(c2, 'ConfigMap', 'web/fixed', { immutable: true, data: { a: 'old' } });
  await world.create(host, 'ConfigMap', 'web/fixed', { data: { a: 'new' } });
  await world.create(host, 'ConfigMap', 'web/after', { data: { a: '1' } });
  await world.shows(c2, 'ConfigMap', 'web/after');
  await world.shows(c1, 'ConfigMap', 'web/fixed', ({ data }) => assert.deepEqual(data, { a: 'new' }));
  await world.says(
    'ConfigMap',
    'web/fixed',
    'Refused',
    /^in 1 of 2 clusters: c1; c2: .*field is immutable when `immutable` is set/,
  );
  await eventually(async () => {
    const events = await world.events(host);
    assert.ok(
      events.some((event) => /^fixed Refused: c2: .*field is immutable/.test(event)),
      events.join('\n'),
    );
  });
  await world.remove(c2, 'ConfigMap', 'web/fixed');
  await world.patch(host, 'ConfigMap', 'web/fixed', { metadata: { labels: { try: 'again' } } });
  await world.says('ConfigMap', 'web/fixed', 'InAllClusters');
  t.pass('and is over once it is mended');
});

t.test('what is of another federation is left alone', async (t) => {
  const other = { metadata: { labels: { 'federation.fedns.io/managed': 'other' } }, data: { a: 'theirs' } };
  await world.create(c2, 'ConfigMap', 'web/shared', other);
  await world.create(host, 'ConfigMap', 'web/shared', { data: { a: 'ours' } });
  await world.says(
    'ConfigMap',
    'web/shared',
    'OwnedByOther',
    /c2: ConfigMap web\/shared there is of the federation other/,
  );
  t.equal((await world.get(c2, 'ConfigMap', 'web/shared')).data?.['a'], 'theirs');
  await world.remove(host, 'ConfigMap', 'web/shared');
  await world.gone(host, 'ConfigMap', 'web/shared');
  t.equal((await world.get(c2, 'ConfigMap', 'web/shared')).data?.['a'], 'theirs', 'also when ours goes');
});

t.test('a label that fedns has not written is no reason to take anything away', async (t) => {
  const metadata = { labels: { 'federation.fedns.io/managed': 'main' } };
  // As of a copy that somebody has duplicated by its YAML.
  await world.create(c1, 'ConfigMap', 'web/duplicate', { metadata, data: { a: '1' } });
  await eventually(() => assert.ok(world.log.some((line) => /web\/duplicate.*NotOurs/.test(line))));
  t.ok(await world.get(c1, 'ConfigMap', 'web/duplicate'));
  await world.remove(c1, 'ConfigMap', 'web/duplicate');
});

t.test('annotations say where an object goes', async () => {
  const at = (annotations: Record<string, string | null>): Promise<unknown> =>
    world.patch(host, 'ConfigMap', 'web/after', { metadata: { annotations } });
  await at({ 'fedns.io/clusters': 'c1' });
  await world.gone(c2, 'ConfigMap', 'web/after');
  await world.says('ConfigMap', 'web/after', 'InAllClusters', /^in 1 of 1 clusters: c1$/);
  const selector = 'federation.alpha.kubernetes.io/cluster-selector';
  await at({
    'fedns.io/clusters': null,
    [selector]: '[{"key": "fedns.io/cluster", "operator": "in", "values": ["c2"]}]',
  });
  await world.shows(c2, 'ConfigMap', 'web/after');
  await world.gone(c1, 'ConfigMap', 'web/after');
  await at({ [selector]: '[{"key": 1}]' });
  await eventually(async () => {
    const valid = conditionOf(await world.get(host, 'ConfigMap', 'web/after'), 'Valid');
    assert.match(valid?.message ?? '', /cluster-selector\[0\]\.key: 1 is not understood/);
  });
  await world.shows(c2, 'ConfigMap', 'web/after');
  await at({ [selector]: null });
  await world.says('ConfigMap', 'web/after', 'InAllClusters', /^in 2 of 2 clusters/);
});

t.test('a start of fedns writes nothing where everything stands', async (t) => {
  for (const [kind, path] of [
    ['Service', 'web/nginx'],
    ['ConfigMap', 'web/after'],
    ['Service', 'old/shop'],
  ] as const)
    await world.says(kind, path, 'InAllClusters');
  await world.pauseFederating();
  const versions = (): Promise<unknown> => Promise.all([host, ...both].map(({ admin }) => versionsIn(admin)));
  const standing = await versions();
  await world.federate(settings);
  await eventually(() => {
    const members = world.running.view().federation?.members ?? [];
    assert.deepEqual(
      members.map(({ copies, waiting, reachable }) => [copies > 5, waiting, reachable]),
      [
        [true, 0, true],
        [true, 0, true],
      ],
    );
  });
  // What comes after shows that everything before it has been looked at.
  await world.create(host, 'ConfigMap', 'web/mark', { data: { a: '1' } });
  await world.says('ConfigMap', 'web/mark', 'InAllClusters');
  for (const cluster of [host, ...both])
    await world.remove(cluster, 'ConfigMap', 'web/mark').catch(() => undefined);
  for (const cluster of [host, ...both]) await world.gone(cluster, 'ConfigMap', 'web/mark');
  t.same(await versions(), standing);
});

t.test('what is deleted goes everywhere, also where a cluster was away; an orphan stays', async (t) => {
  await world.create(host, 'ConfigMap', 'web/orphan', {
    metadata: { annotations: { 'fedns.io/orphan': 'true' } },
    data: { a: '1' },
  });
  for (const cluster of both) await world.shows(cluster, 'ConfigMap', 'web/orphan');
  await world.remove(host, 'ConfigMap', 'web/orphan');
  await world.gone(host, 'ConfigMap', 'web/orphan');
  const orphan = await world.get(c1, 'ConfigMap', 'web/orphan');
  t.notOk(orphan.metadata.labels?.['federation.fedns.io/managed'], 'and is nobody’s');

  await c2.stopApiServer();
  await world.remove(host, 'ConfigMap', 'web/fixed');
  await world.patch(host, 'ConfigMap', 'web/conf', { data: { a: 'newest' } });
  await world.gone(c1, 'ConfigMap', 'web/fixed');
  await world.shows(c1, 'ConfigMap', 'web/conf', ({ data }) => assert.equal(data?.['a'], 'newest'));
  await world.says('ConfigMap', 'web/fixed', 'WaitingForClusters', /c2 is waited for: /);
  await c2.startApiServer();
  await world.gone(host, 'ConfigMap', 'web/fixed');
  await world.gone(c2, 'ConfigMap', 'web/fixed');
  await world.shows(c2, 'ConfigMap', 'web/conf', ({ data }) => assert.equal(data?.['a'], 'newest'));
});

t.test('too many removals at once wait for a word', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `web/many-${i}`);
  for (const name of names) await world.create(host, 'ConfigMap', name, { data: { a: '1' } });
  for (const name of names) await world.says('ConfigMap', name, 'InAllClusters');
  for (const name of names) await world.remove(host, 'ConfigMap', name);
  await world.says(
    'ConfigMap',
    names[0]!,
    'RemovalHeld',
    /c1: the removal of 12 of \d+ objects at once waits for fedns federate --confirm/,
  );
  for (const cluster of both) await world.get(cluster, 'ConfigMap', names[11]!);
  const said = await eventually(async () => {
    const reply = await confirmRemovals(settings, settings.federate!, {
      timers: systemTimers,
      clock: Date.now,
    });
    assert.match(reply.text, /c1: 12 of \d+ objects are going to be removed\nc2: 12 of/);
    return reply;
  });
  t.equal(said.code, 0);
  for (const name of names) await world.gone(host, 'ConfigMap', name);
  for (const cluster of both) for (const name of names) await world.gone(cluster, 'ConfigMap', name);
});

t.test('a Namespace takes nothing with it that is not of the federation', async (t) => {
  await world.create(host, 'Namespace', 'tmp');
  for (const cluster of both) await world.shows(cluster, 'Namespace', 'tmp');
  await world.create(c1, 'ConfigMap', 'tmp/foreign', { data: { a: '1' } });
  // Without a controller of namespaces at the endpoint, what is in one stays and is wanted.
  await world.create(host, 'ConfigMap', 'tmp/wanted', { data: { a: '1' } });
  await world.says('ConfigMap', 'tmp/wanted', 'InAllClusters');
  await world.remove(host, 'Namespace', 'tmp');
  await world.says('Namespace', 'tmp', 'HoldsFederated', /c1: .* has gone: ConfigMap tmp\/wanted; c2: /);
  for (const cluster of both)
    t.notOk((await world.get(cluster, 'Namespace', 'tmp')).metadata.deletionTimestamp, 'it goes last');
  await world.remove(host, 'ConfigMap', 'tmp/wanted');
  await world.says('Namespace', 'tmp', 'HoldsForeign', /c1: it is left as it is, .*: ConfigMap tmp\/foreign/);
  t.notOk((await world.get(c1, 'Namespace', 'tmp')).metadata.deletionTimestamp);
  // Without a controller of namespaces in these clusters it goes no further.
  await world.shows(c2, 'Namespace', 'tmp', ({ metadata }) => assert.ok(metadata.deletionTimestamp));
  await world.remove(c1, 'ConfigMap', 'tmp/foreign');
  await world.shows(c1, 'Namespace', 'tmp', ({ metadata }) => assert.ok(metadata.deletionTimestamp));

  await world.remove(host, 'Namespace', 'old');
  await world.shows(host, 'Namespace', 'old', ({ metadata }) => assert.equal(metadata.finalizers, undefined));
  for (const cluster of both) {
    const { metadata } = await world.get(cluster, 'Namespace', 'old');
    t.notOk(metadata.deletionTimestamp, 'one that was adopted stays');
    t.notOk(metadata.labels?.['federation.fedns.io/managed'], 'and is nobody’s');
  }
});

t.test('an endpoint out of reach changes nothing in the members', async (t) => {
  await host.stopApiServer();
  await eventually(() => assert.notEqual(world.running.view().federation?.endpointTrouble, undefined));
  await world.patch(c1, 'ConfigMap', 'web/conf', { data: { a: 'drift' } });
  await world.remove(c2, 'ConfigMap', 'web/conf');
  // Both are seen, and stay what is to be done.
  await eventually(() => {
    const members = world.running.view().federation?.members ?? [];
    assert.ok(members.every(({ waiting }) => waiting > 0));
  });
  t.equal((await world.get(c1, 'ConfigMap', 'web/conf')).data?.['a'], 'drift', 'not even drift is undone');
  await world.gone(c2, 'ConfigMap', 'web/conf');
  await host.startApiServer();
  for (const cluster of both)
    await world.shows(cluster, 'ConfigMap', 'web/conf', ({ data }) => assert.equal(data?.['a'], 'newest'));
  const left = await world.get(c1, 'ConfigMap', 'old/foreign');
  t.equal(
    left.metadata.resourceVersion,
    foreign.metadata.resourceVersion,
    'and what is foreign was never touched',
  );
});

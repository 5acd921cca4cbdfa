import { test } from 'tap';
import { breathe, until } from '../fake-time.ts';
import { LINGER_MS } from '../../../src/watchers/objects/lingering-slices.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';
import { KUBE_SYSTEM, NODES, SERVICES, SLICES } from '../scripted-api-server.ts';
import { isServed, statusOf, synced, watchCluster } from '../watched-cluster.ts';

test('a cluster is served once all its kinds have been listed', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  t.ok(isServed(cluster));
  t.equal(cluster.sink.clusters.get('one')?.region, 'r1');
  const calls = cluster.sink.take();
  t.equal(calls[0], 'setCluster one pending - -');
  t.ok(calls.includes('replaceShards one 1'), calls.join('\n'));
  t.equal(calls.at(-1), 'setCluster one available r1 z1');
  const report = cluster.source.report();
  t.match(report, { kind: 'kubernetes', region: 'r1', zones: ['z1'], topologyFrom: 'nodes', objects: 3 });
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

test('an endpoint that becomes unready leaves within a moment, and comes back at once', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server } = cluster;
  server.put(SLICES, slice([{ ...READY, conditions: { ready: false } }]));
  await cluster.time.advanceUntil(() => !isServed(cluster), 5_000, LINGER_MS);
  server.put(SLICES, slice([READY]));
  await until(() => isServed(cluster));
  t.equal(cluster.propagation.length, 1, 'what waits on purpose is not counted');
  t.equal(cluster.sink.shard('web/nginx')?.cause.object, 'EndpointSlice web/nginx-abcde');
  server.remove(SERVICES, 'web/nginx');
  await until(() => cluster.sink.shards.size === 0);
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

test('only what is needed is asked for', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  await until(() => cluster.source.report().version === 'v1.36.3');
  const asked = cluster.server.requests;
  t.same(
    new Set(asked.map(({ path }) => path)),
    new Set(['/readyz', '/version', KUBE_SYSTEM, SERVICES, SLICES, NODES]),
    'no ServiceExports where no federation selects by them',
  );
  for (const { path, headers, query } of asked) {
    if (path === NODES) t.match(headers.accept, /PartialObjectMetadata/, 'of Nodes only the metadata');
    if (path === SLICES) t.equal(query.get('labelSelector'), 'kubernetes.io/service-name');
  }
  for (const { query } of asked.filter(({ watch }) => watch)) {
    t.equal(query.get('allowWatchBookmarks'), 'true');
    t.ok(Number(query.get('timeoutSeconds')) >= 30);
  }
  await cluster.stop();
});

test('a Service is replaced by one of the same name without leaving', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  cluster.server.put(SERVICES, service({ metadata: { uid: 'another' }, ingress: [{ ip: '192.0.2.9' }] }));
  await until(() => cluster.sink.shard('web/nginx')?.addresses[0] === '192.0.2.9');
  t.notOk(cluster.sink.take().some((call) => call.startsWith('removeShard')));
  t.equal(statusOf(cluster), 'available');
  await breathe();
  await cluster.stop();
});

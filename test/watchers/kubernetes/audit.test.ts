import { test } from 'tap';
import { AUDIT_MS, AuditTimes } from '../../../src/watchers/api/audit-times.ts';
import { until } from '../fake-time.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';
import { NODES, SERVICES, SLICES, type ScriptedApiServer } from '../scripted-api-server.ts';
import {
  isServed,
  startServer,
  statusOf,
  synced,
  watchCluster,
  type WatchedCluster,
} from '../watched-cluster.ts';

const NOTHING_LEFT = { timers: 0, connections: 0 };

/** With it watches last 30 s, and the first audit is due after half an interval. */
const random = (): number => 0;
const ROUND_MS = 30_000;
const ROUNDS = AUDIT_MS / 2 / ROUND_MS;

/** Lets watches go by, each ended with a bookmark, as a server does when its time is over. */
async function rounds(cluster: WatchedCluster, count: number): Promise<void> {
  const { server, source, time } = cluster;
  for (let i = 0; i < count; i++) {
    await time.advance(ROUND_MS);
    for (const path of [SERVICES, SLICES, NODES]) server.bookmark(path);
    await until(() => Object.values(source.report().lastOctetMs).every((ms) => ms === time.clock()));
    server.endWatches();
    await until(() => server.watching === 3);
  }
}

function exactLists({ requests }: ScriptedApiServer): number {
  return requests.filter(({ query }) => query.get('resourceVersionMatch') === 'Exact').length;
}

test('a periodic list finds what was lost, and touches nothing else', async (t) => {
  const server = await startServer();
  for (const name of ['changed', 'went', 'unready', 'same']) {
    server.load(SERVICES, [service({ name })]);
    server.load(SLICES, [slice([READY], { name, service: name })]);
  }
  const cluster = await watchCluster({ server, random });
  await synced(cluster);
  const { sink, source } = cluster;
  server.lose(SERVICES, service({ name: 'changed', ingress: [{ ip: '192.0.2.9' }] }));
  server.lose(SERVICES, service({ name: 'came' }));
  server.lose(SERVICES, service({ name: 'went' }), true);
  server.lose(SLICES, slice([], { name: 'unready', service: 'unready' }));
  sink.take();
  await rounds(cluster, ROUNDS - 1);
  t.equal(exactLists(server), 0, 'not before its time');
  t.same(sink.take(), []);
  await rounds(cluster, 2);
  t.equal(exactLists(server), 3, 'one of each kind');
  await until(() => sink.shard('web/unready')?.ready === false);
  t.same(sink.shard('web/changed')?.addresses, ['192.0.2.9']);
  t.same([...sink.shards.values()].map(({ service: name }) => name).toSorted(), [
    'came',
    'changed',
    'nginx',
    'same',
    'unready',
  ]);
  t.same(source.report().lostEvents, { Service: 3, EndpointSlice: 1, Node: 0 });
  t.same(sink.take(), ['replaceShards one 5', 'replaceShards one 5'], 'one change of each kind');
  await rounds(cluster, 2);
  t.equal(exactLists(server), 3, 'and then not for a while');
  t.equal(statusOf(cluster), 'available');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('where nothing was lost a periodic list changes nothing, also when changes come meanwhile', async (t) => {
  const cluster = await watchCluster({ random });
  await synced(cluster);
  const { server, sink, source } = cluster;
  await rounds(cluster, ROUNDS - 1);
  server.put(SERVICES, service({ ingress: [{ ip: '192.0.2.7' }] }));
  await until(() => sink.shard('web/nginx')?.addresses[0] === '192.0.2.7');
  sink.take();
  await rounds(cluster, 2);
  t.equal(exactLists(server), 3);
  t.same(sink.take(), []);
  t.same(source.report().lostEvents, { Service: 0, EndpointSlice: 0, Node: 0 });
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a server that no longer has the version, or never heard of it, goes on being watched', async (t) => {
  const cluster = await watchCluster({ random });
  await synced(cluster);
  const { server, source } = cluster;
  server.scripts.push(({ query, response }) => {
    if (query.get('resourceVersionMatch') !== 'Exact') return false;
    response.writeHead(410).end('Expired');
    return true;
  });
  await rounds(cluster, ROUNDS + 2);
  t.equal(exactLists(server), 3);
  t.equal(server.count(SERVICES, 'list'), 1);
  t.equal(source.report().lastError, undefined);
  t.ok(isServed(cluster));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('the lists of many clusters are spread over the whole interval', (t) => {
  const perMinute = new Map<number, number>();
  for (let i = 0; i < 1000; i++) {
    const times = new AuditTimes(() => (i % 100) / 100, 0);
    let minute = 0;
    while (!times.isDue(minute * 60_000)) minute++;
    perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
  }
  t.ok(Math.max(...perMinute.values()) <= 40, 'of 1000 no more than a few in any minute');
  t.ok(Math.min(...perMinute.keys()) >= AUDIT_MS / 60_000 / 2);
  t.end();
});

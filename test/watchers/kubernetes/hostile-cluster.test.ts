import { test } from 'tap';
import { ChangeQueue } from '../../../src/watchers/objects/change-queue.ts';
import { backOffMs } from '../../../src/watchers/api/back-off.ts';
import { nameInHead } from '../../../src/watchers/api/resources.ts';
import type { ObjectKind } from '../../../src/watchers/objects/objects.ts';
import { breathe, FakeTime, until } from '../fake-time.ts';
import { service } from '../kubernetes-objects.ts';
import { ScriptedApiServer, SERVICES, SLICES } from '../scripted-api-server.ts';
import { isServed, startServer, statusOf, synced, watchCluster } from '../watched-cluster.ts';

const LIMITS = { objects: 1000, objectOctets: 10_000, changesPerSecond: 10 };

test('a cluster with too many changes is slowed, alone, and its newest state gets through', async (t) => {
  const time = new FakeTime();
  const flooding = await watchCluster({ time, settings: { limits: LIMITS } });
  const other = await watchCluster({ time, settings: { name: 'two', limits: LIMITS } });
  await synced(flooding);
  await until(() => statusOf(other, 'two') === 'available' && other.server.watching === 3);
  flooding.sink.take();
  for (let i = 0; i <= 200; i++)
    flooding.server.put(SERVICES, service({ ingress: [{ ip: `192.0.2.${i}` }] }));
  await until(() => flooding.source.report().refusals.length > 0);
  await breathe(20);
  const atOnce = flooding.sink.take().length;
  t.ok(atOnce <= 20, `${atOnce} changes were taken at once`);
  other.server.put(SERVICES, service({ ingress: [{ ip: '192.0.2.77' }] }));
  await until(() => other.sink.shard('web/nginx')?.addresses[0] === '192.0.2.77');
  t.pass('the other cluster is as fast as ever');
  await time.advance(1000);
  t.same(flooding.sink.shard('web/nginx')?.addresses, ['192.0.2.200']);
  t.equal(flooding.sink.take().length, 1, 'what lay between was skipped');
  t.match(flooding.source.report().refusals, [{ code: 'CHANGES_SLOWED' }]);
  t.same(await flooding.stop(), { timers: time.timers, connections: 0 });
  await other.stop();
  t.equal(time.timers, 0);
});

test('objects above the limit are refused, and the others served', async (t) => {
  const server = await startServer();
  server.load(
    SERVICES,
    Array.from({ length: 50 }, (_, i) => service({ name: `more-${i}` })),
  );
  const cluster = await watchCluster({ server, settings: { limits: { ...LIMITS, objects: 20 } } });
  await synced(cluster);
  t.ok(cluster.source.report().objects <= 20);
  t.ok(cluster.source.report().refusals.some(({ code }) => code === 'OBJECT_LIMIT'));
  await cluster.stop();
});

test('an object that is too large is refused by name, listed or watched, and comes back when it shrinks', async (t) => {
  const huge = service({ annotations: { big: 'x'.repeat(20_000) } });
  const server = await startServer();
  server.load(SERVICES, [huge]);
  const cluster = await watchCluster({ server, settings: { limits: { ...LIMITS, changesPerSecond: 1000 } } });
  await synced(cluster);
  const refusal = { code: 'OBJECT_TOO_LARGE', object: 'Service web/nginx' };
  t.match(cluster.source.report().refusals, [refusal]);
  t.notOk(isServed(cluster));
  server.put(SERVICES, service());
  await until(() => isServed(cluster));
  t.same(cluster.source.report().refusals, []);
  server.put(SERVICES, huge);
  await until(() => !isServed(cluster));
  t.match(cluster.source.report().refusals, [refusal]);
  await cluster.stop();
});

test('an annotation of a megabyte costs nothing once it has been parsed', async (t) => {
  const server = await startServer();
  const annotations = { big: 'x'.repeat(1_000_000) };
  server.load(
    SERVICES,
    Array.from({ length: 60 }, (_, i) => service({ name: `s-${i}`, annotations })),
  );
  const limits = { ...LIMITS, objectOctets: 2_000_000 };
  const cluster = await watchCluster({ server, settings: { limits } });
  await synced(cluster);
  t.equal(cluster.sink.shards.size, 61);
  for (const shard of cluster.sink.shards.values()) t.ok(JSON.stringify(shard).length < 1000);
  await cluster.stop();
});

test('objects that are malformed cost themselves', async (t) => {
  const server = await startServer();
  server.load(SERVICES, [service({ name: 'broken', spec: { ports: 'none' } })]);
  const cluster = await watchCluster({ server });
  await synced(cluster);
  t.ok(isServed(cluster));
  t.match(cluster.source.report().refusals, [{ code: 'OBJECT_MALFORMED', object: 'Service web/broken' }]);
  server.send(SLICES, `${JSON.stringify({ type: 'MODIFIED', object: { metadata: { name: 'x' } } })}\n`);
  await until(() => cluster.source.report().refusals.length === 2);
  t.ok(isServed(cluster));
  await cluster.stop();
});

test('a list that never ends is given up', async (t) => {
  const server = new ScriptedApiServer();
  let page = 0;
  server.scripts.push(({ path, watch, response }) => {
    if (path !== SERVICES || watch) return false;
    const items = Array.from({ length: 100 }, (_, i) => service({ name: `s-${page}-${i}` }));
    response.writeHead(200, { 'content-type': 'application/json' });
    const metadata = { resourceVersion: '1', continue: String(++page) };
    response.end(JSON.stringify({ kind: 'ServiceList', metadata, items }));
    return true;
  });
  const cluster = await watchCluster({ server: await startServer(server), settings: { limits: LIMITS } });
  await synced(cluster);
  t.equal(page, 11, 'when it has more objects than the cluster may');
  t.ok(cluster.source.report().objects <= LIMITS.objects);
  await cluster.stop();
});

interface Queued {
  readonly time: FakeTime;
  readonly queue: ChangeQueue;
  readonly applied: string[];
  readonly overflows: ObjectKind[];
  push(key: string, value: string): void;
}

function queued(perSecond: number, waitingMax = 100): Queued {
  const time = new FakeTime();
  const applied: string[] = [];
  const overflows: ObjectKind[] = [];
  const queue = new ChangeQueue({
    timers: time,
    perSecond,
    waitingMax,
    onOverflow: (kind) => overflows.push(kind),
  });
  const push = (key: string, value: string): void =>
    queue.push({ kind: 'Service', key, apply: () => void applied.push(`${key}=${value}`) });
  return { time, queue, applied, overflows, push };
}

test('changes within the rate are applied at once', (t) => {
  const { applied, push } = queued(10);
  push('a', '1');
  push('a', '2');
  t.same(applied, ['a=1', 'a=2']);
  t.end();
});

test('changes above the rate wait, the newest of each object, in the order in which they came', async (t) => {
  const { time, queue, applied, push } = queued(1);
  for (const [key, value] of ['x1', 'x2', 'a1', 'b1', 'a2', 'a3']) push(key!, value!);
  t.same(applied, ['x=1', 'x=2']);
  t.equal(queue.waiting, 2);
  await time.advance(1000);
  t.same(applied.slice(2), ['a=3']);
  await time.advance(1000);
  t.same(applied.slice(3), ['b=1']);
  t.equal(time.timers, 0);
});

test('changes that are held wait for their release, and those of a list for nothing', (t) => {
  const { time, queue, applied, push } = queued(10);
  queue.hold();
  push('a', '1');
  push('a', '2');
  t.same(applied, []);
  t.equal(queue.slowed, 0, 'being held is not being slowed');
  queue.release();
  t.same(applied, ['a=2']);
  queue.hold();
  push('b', '1');
  queue.drop('Service');
  queue.release();
  t.same(applied, ['a=2']);
  t.equal(time.timers, 0);
  t.end();
});

test('where no change finds room, a relist must make up for it', (t) => {
  const { queue, overflows, push } = queued(10, 2);
  queue.hold();
  for (const key of 'abca') push(key, '1');
  t.same(overflows, ['Service']);
  t.equal(queue.waiting, 2);
  queue.stop();
  t.equal(queue.waiting, 0);
  t.end();
});

test('many waiting changes stop the reading', (t) => {
  const { queue, push } = queued(1000, 100_000);
  for (let i = 0; i < 5000; i++) push(String(i), '1');
  t.equal(queue.pressureMs(), 0);
  for (let i = 5000; i < 10_000; i++) push(String(i), '1');
  t.ok(queue.pressureMs() > 1000);
  queue.stop();
  t.end();
});

test('waits grow to a limit and never end', (t) => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => backOffMs(failures, () => 1));
  t.same(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  t.equal(
    backOffMs(3, () => 0),
    500,
    'half of it is random',
  );
  t.equal(
    backOffMs(1, () => 0, 7000),
    7000,
    'Retry-After is kept',
  );
  t.equal(
    backOffMs(1, () => 0, 86_400_000),
    60_000,
    'within reason',
  );
  t.end();
});

test('the name of an object that is too large is found in its beginning', (t) => {
  const cases: [string, string, string][] = [
    ['{"kind":"Service","metadata":{"name":"a","namespace":"b","labels":{"name":"c"}}}', 'b', 'a'],
    ['{"type":"MODIFIED","object":{"metadata":{"namespace":"b","generation":3,"name":"a",', 'b', 'a'],
    ['{"metadata":{"labels":{"name":"c"},"name":"a"}}', '', ''],
    ['{"spec":{"name":"a"}', '', ''],
  ];
  for (const [head, namespace, name] of cases) t.same(nameInHead(Buffer.from(head)), { namespace, name });
  t.end();
});

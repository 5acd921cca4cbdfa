import { test } from 'tap';
import { WATCH_HEADERS_MS, WATCH_IDLE_MS } from '../../../src/watchers/api/watch-stream.ts';
import { until } from '../fake-time.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';
import { replyStatus, SERVICES, SLICES, type Script, type ScriptedRequest } from '../scripted-api-server.ts';
import { isServed, startServer, statusOf, synced, watchCluster } from '../watched-cluster.ts';

const NOTHING_LEFT = { timers: 0, connections: 0 };
/** Longest that a change may take: a wait, or a watch that is being tried, and then a list. */
const SOON_MS = WATCH_HEADERS_MS + 60_000;

interface Bar {
  readonly title: string;
  /** What becomes of a watch. */
  readonly answer: (request: ScriptedRequest) => void;
  readonly reason: RegExp;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

const BARS: readonly Bar[] = [
  {
    title: 'a proxy that holds replies back until they end',
    answer: () => {},
    reason: /no reply within 20 s/,
  },
  {
    title: 'a proxy that ends what does not end by itself',
    answer: ({ response }) => void response.writeHead(200, JSON_HEADERS).end(),
    reason: /ended as soon as it began/,
  },
  {
    title: 'a proxy that swallows what comes after the headers',
    answer: ({ response }) => response.writeHead(200, JSON_HEADERS).flushHeaders(),
    reason: /nothing came for 50 s/,
  },
  {
    title: 'a proxy that resets what takes long',
    answer: ({ socket }) => void socket.destroy(),
    reason: /./,
  },
  {
    title: 'a gateway that does not know watches',
    answer: ({ response }) => replyStatus(response, 501, 'streams are not supported'),
    reason: /501/,
  },
  {
    title: 'a role that may only list',
    answer: ({ response }) => replyStatus(response, 403, 'cannot watch resource'),
    reason: /403: cannot watch/,
  },
  {
    title: 'a proxy that answers watches with a page',
    answer: ({ response }) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    reason: /text\/html/,
  },
];

function watchesGet(answer: Bar['answer'], isOn: () => boolean): Script {
  return (request) => {
    if (!request.watch || !isOn()) return false;
    answer(request);
    return true;
  };
}

for (const { title, answer, reason } of BARS) {
  test(`behind ${title}, a cluster is listed at an interval`, async (t) => {
    const server = await startServer();
    let isBarred = true;
    server.scripts.push(watchesGet(answer, () => isBarred));
    const cluster = await watchCluster({ server, graceSeconds: 60 });
    const { time, source, sink } = cluster;
    const statuses = new Set<string | undefined>();
    sink.onCall = () => statuses.add(statusOf(cluster));
    await time.advanceUntil(() => source.report().polled?.length === 3, 200_000);
    await time.advanceUntil(() => /do not get through/.test(source.report().lastError ?? ''), 5000);
    t.equal(source.report().condition, 'Ready');
    const { lastError, refusals } = source.report();
    t.match(lastError, /watches do not get through/);
    t.match(lastError, reason);
    t.match(refusals, [{ code: 'WATCH_BARRED' }, { code: 'WATCH_BARRED' }, { code: 'WATCH_BARRED' }]);
    server.put(SLICES, slice([{ ...READY, conditions: { ready: false } }]));
    await time.advanceUntil(() => !isServed(cluster), SOON_MS + WATCH_IDLE_MS, 1000);
    await time.advance(70_000);
    t.notOk(statuses.has('withdrawn'), 'it is never withdrawn');
    t.equal(source.report().condition, 'Ready');
    isBarred = false;
    await time.advanceUntil(() => server.watching === 3, 400_000, 2000);
    server.bookmark(SERVICES);
    server.put(SLICES, slice([READY]));
    await until(() => isServed(cluster));
    await time.advanceUntil(() => (source.report().polled ?? []).length === 1, 5000);
    t.same(source.report().polled, ['Node'], 'what brings something is followed again');
    t.same(await cluster.stop(), NOTHING_LEFT);
  });
}

test('a watch that fails once or twice is no reason to list', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, source } = cluster;
  for (let i = 0; i < 5; i++) {
    await time.advance(20_000);
    server.reset();
    await time.advanceUntil(() => server.watching === 3, 30_000);
  }
  t.equal(source.report().polled, undefined);
  t.equal(server.count(SERVICES, 'list'), 1);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('where lists do not work either, a cluster is held and withdrawn', async (t) => {
  const server = await startServer();
  const cluster = await watchCluster({ server, graceSeconds: 60 });
  await synced(cluster);
  server.scripts.push(({ path, response }) => {
    if (path === '/readyz') return false;
    replyStatus(response, 500, 'etcd is away');
    return true;
  });
  server.endWatches();
  await cluster.time.advanceUntil(() => statusOf(cluster) === 'withdrawn', 200_000);
  t.match(cluster.source.report().lastError, /500: etcd is away/);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('of a cluster that is polled, what is gone is gone', async (t) => {
  const server = await startServer();
  server.load(SERVICES, [service({ name: 'second' })]);
  server.scripts.push(
    watchesGet(
      () => {},
      () => true,
    ),
  );
  const cluster = await watchCluster({ server });
  await cluster.time.advanceUntil(() => cluster.source.report().polled !== undefined, 60_000);
  t.equal(cluster.sink.shards.size, 2);
  server.remove(SERVICES, 'web/second');
  await cluster.time.advanceUntil(() => cluster.sink.shards.size === 1, SOON_MS);
  t.ok(isServed(cluster));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

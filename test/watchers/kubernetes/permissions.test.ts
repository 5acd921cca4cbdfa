import { test } from 'tap';
import { until } from '../fake-time.ts';
import { NODES, replyStatus, SERVICES, SLICES, type Script } from '../scripted-api-server.ts';
import {
  isServed,
  startServer,
  statusOf,
  synced,
  watchCluster,
  type WatchedOptions,
} from '../watched-cluster.ts';

/** Answers every request for a path with an error. */
function refuses(path: string, code: number, headers: Record<string, string> = {}): Script {
  return (request) => {
    if (request.path !== path) return false;
    replyStatus(request.response, code, 'not for you', headers);
    return true;
  };
}

const PLACES: readonly [string, NonNullable<WatchedOptions['settings']>, boolean][] = [
  ['region and zones are configured', { region: 'r9', zones: ['z9'] }, false],
  ['a region and no zones are configured', { region: 'r9', zones: [] }, false],
  ['only the region is configured', { region: 'r9' }, true],
  ['only zones are configured', { zones: ['z9'] }, true],
  ['neither is configured', {}, true],
];

for (const [title, settings, wanted] of PLACES) {
  test(`Nodes are ${wanted ? 'listed' : 'not asked for'} where ${title}`, async (t) => {
    const cluster = await watchCluster({ settings });
    await synced(cluster, wanted ? 3 : 2);
    t.ok(isServed(cluster));
    t.equal(cluster.server.count(NODES, 'list'), wanted ? 1 : 0);
    t.same(await cluster.stop(), { timers: 0, connections: 0 });
  });
}

test('a cluster whose region and zones are configured is served without permission for Nodes', async (t) => {
  const server = await startServer();
  server.scripts.push(refuses(NODES, 403));
  const cluster = await watchCluster({ server, settings: { region: 'r9', zones: ['z9'] } });
  await synced(cluster, 2);
  await cluster.time.advance(40_000);
  t.equal(statusOf(cluster), 'available');
  t.equal(cluster.source.report().lastError, undefined);
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

const ANSWERS: readonly [string, Script, RegExp][] = [
  [
    'a server without EndpointSlices v1 is told the oldest version',
    refuses(SLICES, 404),
    /EndpointSlice: 404.*Kubernetes has from version 1\.21 on/,
  ],
  [
    'a server that refuses is not told about versions',
    refuses(SLICES, 403),
    /EndpointSlice: 403: not for you$/,
  ],
  [
    'a redirect names its target, without what may be secret in it',
    refuses(SERVICES, 302, { location: 'https://login.example:8443/start?token=secret#x' }),
    /Service: 302: redirected to https:\/\/login\.example:8443\/start$/,
  ],
  [
    'a redirect to a path names the path',
    refuses(SERVICES, 307, { location: '/login?next=secret' }),
    /Service: 307: redirected to \/login$/,
  ],
  ['a redirect to nowhere is told by its status', refuses(SERVICES, 302), /Service: 302: not for you$/],
];

for (const [title, script, message] of ANSWERS) {
  test(title, async (t) => {
    const server = await startServer();
    server.scripts.push(script);
    const cluster = await watchCluster({ server });
    await until(() => cluster.source.report().lastError !== undefined);
    t.match(cluster.source.report().lastError, message);
    t.same(await cluster.stop(), { timers: 0, connections: 0 });
  });
}

test('a request that waited for a seat in the queue of the server says so, and comes back when it was told to', async (t) => {
  const server = await startServer();
  const cluster = await watchCluster({ server });
  await synced(cluster);
  await cluster.time.advance(6000);
  const { time, source } = cluster;
  const waiting: (() => void)[] = [];
  server.scripts.push(({ path, watch, response }) => {
    if (path !== SERVICES || !watch || waiting.length > 0) return false;
    // As API Priority and Fairness does it: silence for 15 s, then a text.
    waiting.push(() => {
      response.writeHead(429, { 'content-type': 'text/plain', 'retry-after': '1' });
      response.end('Too many requests, please try again later.\n');
    });
    return true;
  });
  server.endWatches();
  await until(() => waiting.length === 1);
  await time.advance(15_000);
  t.equal(server.connections > 0 && source.loopStates().get('Service')?.lastError, undefined, 'waited for');
  waiting[0]!();
  await until(() => source.loopStates().get('Service')?.lastError !== undefined);
  t.match(source.loopStates().get('Service')?.lastError, { code: 'BUSY', retryAfterMs: 1000 });
  await time.advanceUntil(() => server.watching === 3, 5000);
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

test('what went wrong is no longer told once the cluster is Ready again', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, source } = cluster;
  server.readyz = 500;
  await time.advanceUntil(() => source.report().condition === 'NotReady', 30_000);
  t.match(source.report().lastError, /500/);
  server.readyz = 200;
  await time.advanceUntil(() => source.report().condition === 'Ready', 30_000);
  t.equal(source.report().lastError, undefined);
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { test } from 'tap';
import type { ClusterAccess } from '../../../src/watchers/credentials/cluster-access.ts';
import { PROBE_MS } from '../../../src/watchers/health/cluster-health.ts';
import { ABSENT_POLL_MS } from '../../../src/watchers/api/list-watch.ts';
import { WATCH_IDLE_MS } from '../../../src/watchers/api/watch-stream.ts';
import { until } from '../fake-time.ts';
import { READY, service, serviceExport, slice } from '../kubernetes-objects.ts';
import {
  errorLine,
  EXPORTS,
  issueServerCertificate,
  NODES,
  reply,
  replyStatus,
  ScriptedApiServer,
  SERVICES,
  SLICES,
  type Script,
} from '../scripted-api-server.ts';
import {
  fill,
  isServed,
  NO_LOG,
  serverAccess,
  startServer,
  statusOf,
  synced,
  watchCluster,
  type WatchedCluster,
} from '../watched-cluster.ts';

// A dozen seconds on a machine with nothing else to do.
t.setTimeout(180_000);

/** Makes the endpoint unready and ready again, and waits until both have been taken in. */
async function follows(cluster: WatchedCluster): Promise<void> {
  cluster.server.put(SLICES, slice([{ ...READY, conditions: { ready: false } }]));
  await cluster.time.advanceUntil(() => !isServed(cluster), 120_000);
  cluster.server.put(SLICES, slice([READY]));
  await cluster.time.advanceUntil(() => isServed(cluster), 120_000);
}

const EXEC = { apiVersion: 'client.authentication.k8s.io/v1', args: [], env: {}, provideClusterInfo: false };

const NOTHING_LEFT = { timers: 0, connections: 0 };

interface Fault {
  readonly title: string;
  /** Breaks a synced cluster. */
  readonly strike: (cluster: WatchedCluster) => void | Promise<void>;
  /** Lists of Services afterwards; 1: what was known was enough. */
  readonly lists: number;
  readonly error: RegExp;
}

const BUSY: Script = ({ response }) => replyStatus(response, 429, 'slow down', { 'retry-after': '7' });

/** Answers with status 200 and a text that calls itself what it likes. */
function sends(contentType: string, text: string): Script {
  return ({ response }) => {
    response.writeHead(200, { 'content-type': contentType }).end(text);
  };
}

/** Answers the next watches of a path so, and then as always. */
function next(path: string, times: number, what: Script): Script {
  let left = times;
  return (request) => {
    if (request.path !== path || !request.watch || left === 0) return false;
    left--;
    what(request);
    return true;
  };
}

const passing: readonly Fault[] = [
  {
    title: 'a reset in mid-stream goes on from the last version',
    strike: ({ server }) => server.reset(),
    lists: 1,
    error: /ECONNRESET|aborted/,
  },
  {
    title: '410 within a watch lists again',
    strike: ({ server }) => server.send(SERVICES, errorLine(410, 'too old resource version')),
    lists: 2,
    error: /410: too old/,
  },
  {
    title: '410 as the reply to a watch lists again',
    strike: ({ server }) => {
      server.scripts.push(next(SERVICES, 1, ({ response }) => replyStatus(response, 410, 'Expired')));
      server.endWatches();
    },
    lists: 2,
    error: /410: Expired/,
  },
  {
    title: '429 with Retry-After waits as long as it says',
    strike: ({ server }) => {
      server.scripts.push(next(SERVICES, 1, BUSY));
      server.endWatches();
    },
    lists: 1,
    error: /429: slow down/,
  },
  {
    title: '500 goes on from the last version',
    strike: ({ server }) => {
      server.scripts.push(next(SERVICES, 2, ({ response }) => replyStatus(response, 500, 'etcd is away')));
      server.endWatches();
    },
    lists: 1,
    error: /500: etcd is away/,
  },
  {
    title: 'an error within a watch goes on from the last version',
    strike: ({ server }) => server.send(SERVICES, errorLine(500, 'etcdserver: no leader')),
    lists: 1,
    error: /no leader/,
  },
  {
    title: '200 with HTML is no watch',
    strike: ({ server }) => {
      server.scripts.push(next(SERVICES, 2, sends('text/html', '<html>Please log in</html>')));
      server.endWatches();
    },
    lists: 1,
    error: /text\/html, not JSON/,
  },
  {
    title: '200 with HTML that calls itself JSON is no watch',
    strike: ({ server }) => {
      server.scripts.push(next(SERVICES, 3, sends('application/json', '<html>Please log in</html>\n')));
      server.endWatches();
    },
    lists: 2,
    error: /not the JSON of the Kubernetes API: <html>/,
  },
  {
    title: 'a line without end is given up',
    strike: async ({ server }) => {
      server.send(SERVICES, '{"type":"MODIFIED","object":{"metadata":{"name":"');
      for (let i = 0; i < 20; i++) server.send(SERVICES, 'x'.repeat(1024 * 1024));
    },
    lists: 1,
    error: /does not end/,
  },
  {
    title: 'half an object and then silence goes on from the last version',
    strike: async ({ server, time }) => {
      server.send(SERVICES, '{"type":"DELETED","object":{"metadata":{"name":"nginx","names');
      await time.advance(WATCH_IDLE_MS + 1000);
    },
    lists: 1,
    error: /nothing came for 50 s/,
  },
  {
    title: 'half an object and then the end goes on from the last version',
    strike: ({ server }) => {
      server.send(SERVICES, '{"type":"DELETED","object":{"metadata":{"name":"nginx","names');
      server.endWatches();
    },
    lists: 1,
    error: /in the middle of an event/,
  },
  {
    title: 'an open socket that has fallen silent is left',
    strike: async ({ time }) => time.advance(WATCH_IDLE_MS + 1000),
    lists: 1,
    error: /nothing came for 50 s/,
  },
  {
    title: 'versions of another history list again',
    strike: ({ server }) => {
      server.version = 2;
      server.endWatches();
      server.version = 1000;
      server.scripts.push(
        next(SERVICES, 1, ({ response }) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(errorLine(504, 'Timeout: Too large resource version: 103, current: 5'));
        }),
      );
    },
    lists: 2,
    error: /Too large resource version/,
  },
  {
    title: 'a watch that always ends at once is not begun without pause',
    strike: async (cluster) => {
      const { server, time } = cluster;
      server.scripts.push(next(SERVICES, 2, sends('application/json', '')));
      server.endWatches();
      await time.advanceUntil(() => server.count(SERVICES, 'watch') === 4, 30_000);
    },
    lists: 1,
    error: /ended as soon as it began/,
  },
];

for (const { title, strike, lists, error } of passing) {
  test(title, async (t) => {
    const cluster = await watchCluster();
    await synced(cluster);
    const { server, time, source } = cluster;
    await time.advance(6000);
    const lastError = (): string => source.loopStates().get('Service')?.lastError?.message ?? '';
    await strike(cluster);
    await until(() => error.test(lastError()));
    t.ok(isServed(cluster), 'answered during');
    await time.advanceUntil(() => server.watching >= 3 && source.report().condition === 'Ready', 60_000);
    t.equal(statusOf(cluster), 'available');
    await follows(cluster);
    t.ok(isServed(cluster), 'answered after');
    t.equal(server.count(SERVICES, 'list'), lists, 'lists');
    t.match(lastError(), error);
    t.same(await cluster.stop(), NOTHING_LEFT);
  });
}

test('the wait that a 429 asks for is kept', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time } = cluster;
  await time.advance(6000);
  server.scripts.push(next(SERVICES, 1, BUSY));
  server.endWatches();
  await until(() => server.count(SERVICES, 'watch') === 2);
  await time.advance(6500);
  t.equal(server.count(SERVICES, 'watch'), 2, 'not before');
  await time.advanceUntil(() => server.count(SERVICES, 'watch') === 3, 3000);
  t.pass('but then');
  await cluster.stop();
});

test('a list whose continue token expires is read again from its beginning', async (t) => {
  const server = new ScriptedApiServer();
  server.load(
    SLICES,
    Array.from({ length: 1200 }, (_, i) => slice([READY], { name: `other-${i}`, service: `other-${i}` })),
  );
  let expired = 0;
  server.scripts.push(({ path, query, response }) => {
    if (path !== SLICES || query.get('continue') !== '1000' || expired === 2) return false;
    expired++;
    replyStatus(response, 410, 'The provided continue parameter is too old');
    return true;
  });
  const cluster = await watchCluster({ server: await startServer(server), settings: { limits: ROOMY } });
  await synced(cluster);
  const lists = server.requests.filter(({ path, watch }) => path === SLICES && !watch);
  t.same(
    lists.map(({ query }) => `${query.get('limit') ?? 'all'} ${query.get('continue') ?? ''}`.trim()),
    ['500', '500 500', '500 1000', '500', '500 500', '500 1000', 'all'],
    'and the third time without pages',
  );
  t.equal(cluster.source.report().objects, 1203);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

const ROOMY = { objects: 100_000, objectOctets: 1_000_000, changesPerSecond: 1000 };

test('a list of 50,000 slices is read page by page', async (t) => {
  const server = new ScriptedApiServer();
  server.load(
    SLICES,
    Array.from({ length: 50_000 }, (_, i) => slice([READY], { name: `s-${i}`, service: `s-${i}` })),
  );
  const cluster = await watchCluster({ server: await startServer(server), settings: { limits: ROOMY } });
  await synced(cluster);
  t.equal(server.requests.filter(({ path, watch }) => path === SLICES && !watch).length, 101);
  t.equal(cluster.source.report().objects, 50_003);
  t.ok(isServed(cluster));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('403 for one kind holds a cluster until it is granted again', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, source } = cluster;
  let granted = false;
  server.scripts.push(({ path, response }) => {
    if (path !== SLICES || granted) return false;
    replyStatus(response, 403, 'endpointslices is forbidden');
    return true;
  });
  server.endWatches();
  await time.advanceUntil(() => source.report().condition === 'Refused', 5 * PROBE_MS);
  t.match(source.report().lastError, /EndpointSlice: 403: endpointslices is forbidden/);
  t.equal(statusOf(cluster), 'held');
  await time.advance(300_000);
  t.ok(isServed(cluster), 'long after the grace of an outage it is answered');
  granted = true;
  await time.advanceUntil(() => statusOf(cluster) === 'available', 30_000);
  await follows(cluster);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('403 from the beginning leaves a cluster pending, and its sync waits for the grant', async (t) => {
  const server = await startServer();
  let granted = false;
  server.scripts.push(({ path, response }) => {
    if (path !== NODES || granted) return false;
    replyStatus(response, 403, 'nodes is forbidden');
    return true;
  });
  const cluster = await watchCluster({ server, failStaticAbove: 0.5 });
  await cluster.time.advance(30_000);
  t.equal(statusOf(cluster), 'pending');
  t.equal(cluster.sink.shards.size, 0);
  granted = true;
  await cluster.time.advanceUntil(() => statusOf(cluster) === 'available', 30_000);
  t.ok(isServed(cluster));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('401 with a token that has been rotated is retried at once with the new one', async (t) => {
  let token = 'old';
  const server = await startServer();
  let accepted = 'old';
  server.scripts.push(({ headers, response }) => {
    if (headers.authorization === `Bearer ${accepted}`) return false;
    replyStatus(response, 401, 'Unauthorized');
    return true;
  });
  const cluster = await watchCluster({
    server,
    load: async () => serverAccess(server, { token: { kind: 'text', text: token } }),
  });
  await synced(cluster);
  await cluster.time.advance(6000);
  accepted = 'new';
  server.endWatches();
  token = 'new';
  await until(() => server.watching === 3);
  await follows(cluster);
  t.equal(server.count(SERVICES, 'list'), 1);
  t.equal(statusOf(cluster), 'available');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

/** A plugin that gives a token. */
function printing(token: string): string {
  return `echo '{"apiVersion":"${EXEC.apiVersion}","kind":"ExecCredential","status":{"token":"${token}"}}'`;
}

const BROKEN_PLUGINS = {
  fails: 'exit 1',
  hangs: 'exec sleep 1000',
  'prints a gigabyte': 'exec head -c 1000000000 /dev/zero',
} as const;

for (const [what, script] of Object.entries(BROKEN_PLUGINS)) {
  test(`an exec plugin that ${what} has its cluster held until it works again`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'fedns-plugin-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const command = join(folder, 'plugin');
    const write = (text: string): Promise<void> =>
      writeFile(command, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    await write(printing('old'));
    const server = await startServer();
    let accepted = 'old';
    server.scripts.push(({ headers, response }) => {
      if (headers.authorization === `Bearer ${accepted}`) return false;
      replyStatus(response, 401, 'Unauthorized');
      return true;
    });
    const load = async (): Promise<ClusterAccess> => serverAccess(server, { exec: { ...EXEC, command } });
    const cluster = await watchCluster({ server, load, graceSeconds: 3600 });
    await synced(cluster);
    await cluster.time.advance(6000);
    await write(script);
    accepted = 'new';
    server.endWatches();
    await cluster.time.advanceUntil(() => statusOf(cluster) === 'held', 120_000);
    t.match(cluster.source.report().lastError, /401|exec plugin/);
    t.ok(isServed(cluster), 'answered during');
    await write(printing('new'));
    await cluster.time.advanceUntil(() => statusOf(cluster) === 'available', 120_000);
    await follows(cluster);
    t.same(await cluster.stop(), NOTHING_LEFT);
  });
}

test('a server that restarts is held, and relisted before it counts again', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, source, sink } = cluster;
  await server.stop();
  await time.advanceUntil(() => source.report().condition === 'Offline', 30_000);
  t.equal(statusOf(cluster), 'held');
  t.ok(isServed(cluster), 'answered during');
  server.load(SERVICES, [service({ name: 'second' })]);
  sink.take();
  await server.start();
  await time.advanceUntil(() => statusOf(cluster) === 'available', 30_000);
  const calls = sink.take();
  t.same(calls, ['replaceShards one 2', 'setCluster one available r1 z1'], 'listed first');
  t.equal(server.count(SERVICES, 'list'), 2);
  await follows(cluster);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a server that restarts is relisted also where it has no ServiceExports', async (t) => {
  const cluster = await watchCluster({ federations: [{ name: 'main', select: 'export', policy: 'all' }] });
  await synced(cluster);
  const { server, time, source } = cluster;
  await server.stop();
  await time.advanceUntil(() => source.report().condition === 'Offline', 30_000);
  await server.start();
  await time.advanceUntil(() => statusOf(cluster) === 'available', 30_000);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a server that stays away is withdrawn after the grace period, and both times one line says why', async (t) => {
  const lines: string[] = [];
  const warn = (_fields: object, message: string): void => void lines.push(message);
  const cluster = await watchCluster({ graceSeconds: 60, log: { ...NO_LOG, warn } });
  await synced(cluster);
  const { server, time } = cluster;
  await server.stop();
  await time.advanceUntil(() => statusOf(cluster) === 'held', 30_000);
  await time.advance(45_000);
  t.equal(statusOf(cluster), 'held');
  await time.advanceUntil(() => statusOf(cluster) === 'withdrawn', 20_000);
  t.equal(lines.length, 2, lines.join('\n'));
  t.match(lines[0], /^one is Offline: .*; its 1 shards are held as it last said$/);
  t.match(lines[1], /^one is Offline: .*; its 1 shards are withdrawn from the answers$/);
  await server.start();
  await time.advanceUntil(() => statusOf(cluster) === 'available', 30_000);
  t.ok(isServed(cluster));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('what becomes of a cluster that was not read is said without a count of its shards', async (t) => {
  const cases: [boolean, RegExp][] = [
    [
      false,
      /^one is Offline: .*; it was never read, so names that only it could know are SERVFAIL until it is read/,
    ],
    [true, /^one is Offline: .*; its shards of the run before are withdrawn from the answers$/],
  ];
  for (const [hasEarlierFacts, says] of cases) {
    const lines: string[] = [];
    const warn = (_fields: object, message: string): void => void lines.push(message);
    const server = await startServer();
    await server.stop();
    const cluster = await watchCluster({
      server,
      hasEarlierFacts,
      graceSeconds: 60,
      log: { ...NO_LOG, warn },
    });
    await cluster.time.advanceUntil(() => statusOf(cluster) === 'withdrawn', 120_000);
    t.match(lines.at(-1), says);
    t.notOk(lines.some((line) => / 0 shards/.test(line)));
    await cluster.stop();
  }
});

test('an etcd that was wiped empties its cluster, and what is created anew is served', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, sink } = cluster;
  await server.stop();
  server.wipe();
  await time.advanceUntil(() => statusOf(cluster) === 'held', 30_000);
  await server.start();
  await time.advanceUntil(() => statusOf(cluster) === 'available', 30_000);
  t.equal(sink.shards.size, 0);
  for (const [path, object] of [
    [SERVICES, service()],
    [SLICES, slice([READY])],
  ] as const) {
    server.put(path, object);
  }
  await time.advanceUntil(() => isServed(cluster), 30_000);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('an etcd that was wiped behind a running server is noticed by its versions', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, sink } = cluster;
  await time.advance(6000);
  server.endWatches();
  server.wipe();
  await time.advanceUntil(() => sink.shards.size === 0, 60_000);
  t.equal(statusOf(cluster), 'available');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a jump of the clock neither withdraws a cluster nor hides its changes', async (t) => {
  for (const jumpMs of [86_400_000, -86_400_000]) {
    const cluster = await watchCluster();
    await synced(cluster);
    cluster.time.wallOffsetMs += jumpMs;
    await cluster.time.advance(4000);
    t.equal(statusOf(cluster), 'available');
    await follows(cluster);
    t.same(await cluster.stop(), NOTHING_LEFT);
  }
});

test('a server certificate that has expired is no contact', async (t) => {
  const expired = issueServerCertificate({ notAfter: new Date(Date.now() - 3_600_000) });
  const cluster = await watchCluster({ server: await startServer(new ScriptedApiServer(expired)) });
  await cluster.time.advanceUntil(() => cluster.source.report().condition === 'Refused', 20_000);
  t.match(cluster.source.report().lastError, /CERT_HAS_EXPIRED/);
  t.equal(cluster.sink.shards.size, 0);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a server certificate for another name or of another authority is no contact', async (t) => {
  const elsewhere = issueServerCertificate({ names: ['elsewhere.example'] });
  const named = await watchCluster({ server: await startServer(new ScriptedApiServer(elsewhere)) });
  await named.time.advanceUntil(() => named.source.report().condition === 'Refused', 20_000);
  t.match(named.source.report().lastError, /altname|ERR_TLS/i);
  t.same(await named.stop(), NOTHING_LEFT);

  const cluster = await watchCluster({ access: { ca: { kind: 'text', text: elsewhere.cert } } });
  await cluster.time.advanceUntil(() => cluster.source.report().condition === 'Refused', 20_000);
  t.match(cluster.source.report().lastError, /verify|self-signed|issuer/i);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('an API name that does not resolve is waited for', async (t) => {
  const cluster = await watchCluster({ access: { server: new URL('https://api.cluster.invalid:6443') } });
  await cluster.time.advanceUntil(() => cluster.source.report().condition === 'Offline', 20_000);
  t.match(cluster.source.report().lastError, /ENOTFOUND|EAI_AGAIN/);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a Service deleted and created again within one gap', async (t) => {
  const cluster = await watchCluster();
  await synced(cluster);
  const { server, time, sink } = cluster;
  await time.advance(6000);
  sink.take();
  server.reset();
  server.remove(SERVICES, 'web/nginx');
  server.put(SERVICES, service({ metadata: { uid: 'second' }, ingress: [{ ip: '192.0.2.2' }] }));
  server.compact();
  await time.advanceUntil(() => sink.shard('web/nginx')?.addresses[0] === '192.0.2.2', 60_000);
  t.same(sink.take(), ['replaceShards one 1'], 'it was never absent');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('ServiceExports are picked up when their CRD is installed later, and let go with it', async (t) => {
  const cluster = await watchCluster({ federations: [{ name: 'main', select: 'export', policy: 'all' }] });
  await synced(cluster);
  const { server, time, sink } = cluster;
  t.equal(sink.shards.size, 0);
  server.hasExports = true;
  server.load(EXPORTS, [serviceExport()]);
  await time.advanceUntil(() => isServed(cluster), ABSENT_POLL_MS * 1.2);
  server.hasExports = false;
  server.endWatches();
  await time.advanceUntil(() => sink.shards.size === 0, 60_000);
  t.equal(statusOf(cluster), 'available');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('404 for a moment, as a starting server answers, takes no ServiceExport away', async (t) => {
  const server = await startServer();
  server.hasExports = true;
  server.load(EXPORTS, [serviceExport()]);
  const cluster = await watchCluster({
    server,
    federations: [{ name: 'main', select: 'export', policy: 'all' }],
  });
  await until(() => isServed(cluster));
  server.scripts.push(next(EXPORTS, 1, ({ response }) => replyStatus(response, 404, 'not yet')));
  server.endWatches();
  await cluster.time.advanceUntil(() => server.count(EXPORTS, 'watch') >= 3, 60_000);
  t.ok(isServed(cluster));
  t.notOk(cluster.sink.take().some((call) => call.startsWith('removeShard')));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a cluster stopped in the middle of anything leaves nothing behind', async (t) => {
  const halfway: readonly Script[] = [
    () => {},
    ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"items":[{');
    },
    ({ socket }) => {
      socket.destroy();
    },
    ({ response }) => reply(response, 200, { kind: 'List' }),
  ];
  for (const script of halfway) {
    const server = new ScriptedApiServer();
    fill(server);
    await server.start();
    server.scripts.push((request) => {
      script(request);
      return true;
    });
    const cluster = await watchCluster({ server });
    // The probe, and the question which cluster this is.
    await until(() => server.requests.length >= 2);
    t.same(await cluster.stop(), NOTHING_LEFT);
  }
});

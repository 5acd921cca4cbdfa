import { test } from 'tap';
import type { ClusterAccess } from '../../../src/watchers/credentials/cluster-access.ts';
import { isEarlier } from '../../../src/watchers/api/version-check.ts';
import { until } from '../fake-time.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';
import {
  KUBE_SYSTEM,
  ScriptedApiServer,
  SERVICES,
  SLICES,
  replyStatus,
  type ScriptedRequest,
} from '../scripted-api-server.ts';
import {
  fill,
  isServed,
  serverAccess,
  startServer,
  statusOf,
  synced,
  watchCluster,
  type WatchedCluster,
} from '../watched-cluster.ts';

const NOTHING_LEFT = { timers: 0, connections: 0 };

/** Fills a server so that `web/nginx` has an address, and one more Service is there. */
function furnish(server: ScriptedApiServer, address: string, more: string): void {
  fill(server);
  server.load(SERVICES, [service({ ingress: [{ ip: address }] }), service({ name: more })]);
  server.load(SLICES, [slice([READY], { name: more, service: more })]);
}

async function furnished(version: number, address: string, more: string): Promise<ScriptedApiServer> {
  const server = new ScriptedApiServer();
  server.version = version;
  furnish(server, address, more);
  await server.start();
  return server;
}

function addressesOf({ sink }: WatchedCluster): readonly string[] | undefined {
  return sink.shard('web/nginx')?.addresses;
}

function serviceNames({ sink }: WatchedCluster): string[] {
  return [...sink.shards.values()].map(({ service: name }) => name).toSorted();
}

interface Move {
  readonly title: string;
  readonly versions: readonly [number, number];
  readonly oldStays: boolean;
}

const MOVES: readonly Move[] = [
  { title: 'with lower versions, while the old one stays', versions: [10_000, 100], oldStays: true },
  { title: 'with higher versions, while the old one stays', versions: [100, 10_000], oldStays: true },
  { title: 'with equal versions, while the old one stays', versions: [100, 100], oldStays: true },
  { title: 'with lower versions, when the old one goes', versions: [10_000, 100], oldStays: false },
  { title: 'with higher versions, when the old one goes', versions: [100, 10_000], oldStays: false },
];

for (const { title, versions, oldStays } of MOVES) {
  test(`a kubeconfig that names another server ${title}`, async (t) => {
    const a = await furnished(versions[0], '192.0.2.1', 'old');
    const b = await furnished(versions[1], '198.51.100.1', 'new');
    // The same uid would not help, nor must it: the server is another one.
    let target = a;
    const load = async (): Promise<ClusterAccess> => serverAccess(target);
    const cluster = await watchCluster({ server: a, load });
    await synced(cluster);
    const held: (() => void)[] = [];
    b.scripts.push(({ path, watch, response }) => {
      if (path !== SLICES || watch || held.length > 0) return false;
      held.push(() => replyStatus(response, 500, 'try again'));
      return true;
    });
    cluster.sink.take();
    target = b;
    if (!oldStays) await a.stop();
    await cluster.time.advanceUntil(() => held.length === 1, 20_000);
    t.same(addressesOf(cluster), ['192.0.2.1'], 'what was known is held until all is listed');
    t.same(serviceNames(cluster), ['nginx', 'old']);
    t.equal(a.watching, 0, 'the old server is no longer heard');
    held[0]!();
    await cluster.time.advanceUntil(() => b.watching === 3 && statusOf(cluster) === 'available', 30_000);
    t.same(addressesOf(cluster), ['198.51.100.1']);
    t.same(serviceNames(cluster), ['new', 'nginx']);
    t.same(
      cluster.sink.take().filter((call) => !call.startsWith('setCluster')),
      ['replaceShards one 2'],
      'at once',
    );
    b.put(SERVICES, service({ ingress: [{ ip: '198.51.100.2' }] }));
    await until(() => addressesOf(cluster)?.[0] === '198.51.100.2');
    t.same(await cluster.stop(), NOTHING_LEFT);
    await b.stop();
  });
}

test('a kubeconfig with another token for the same server needs no list', async (t) => {
  const server = await startServer();
  let text = 'old';
  const load = async (): Promise<ClusterAccess> => serverAccess(server, { token: { kind: 'text', text } });
  const cluster = await watchCluster({ server, load });
  await synced(cluster);
  text = 'new';
  await cluster.time.advance(20_000);
  t.equal(server.authorizations.at(-1), 'Bearer new');
  t.equal(server.count(SERVICES, 'list'), 1);
  t.equal(server.watching, 3);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

interface Swap {
  readonly title: string;
  readonly uids: readonly [string | undefined, string | undefined];
  readonly version: number;
  /** Lists of Services afterwards. */
  readonly lists: number;
}

const SWAPS: readonly Swap[] = [
  { title: 'with lower versions', uids: ['a', 'b'], version: 1, lists: 2 },
  { title: 'with higher versions', uids: ['a', 'b'], version: 50_000, lists: 2 },
  {
    title: 'with lower versions, whose uid nobody may read',
    uids: [undefined, undefined],
    version: 1,
    lists: 2,
  },
  {
    title: 'with higher versions, where only the new one is closed',
    uids: ['a', undefined],
    version: 50_000,
    lists: 2,
  },
];

for (const { title, uids, version, lists } of SWAPS) {
  test(`another cluster behind the same name, ${title}`, async (t) => {
    const server = await furnished(1000, '192.0.2.1', 'old');
    server.uid = uids[0];
    const cluster = await watchCluster({ server });
    await synced(cluster);
    await cluster.time.advance(6000);
    cluster.sink.take();
    server.reset();
    server.wipe();
    server.version = version;
    server.uid = uids[1];
    furnish(server, '198.51.100.1', 'new');
    await cluster.time.advanceUntil(() => addressesOf(cluster)?.[0] === '198.51.100.1', 60_000);
    t.same(serviceNames(cluster), ['new', 'nginx']);
    t.notOk(
      cluster.sink.take().some((call) => /removeShard|upsertShard|replaceShards one [013]/.test(call)),
      'the two are never mixed',
    );
    await cluster.time.advanceUntil(() => server.watching === 3, 30_000);
    t.equal(server.count(SERVICES, 'list'), lists);
    server.put(SERVICES, service({ ingress: [{ ip: '198.51.100.2' }] }));
    await until(() => addressesOf(cluster)?.[0] === '198.51.100.2');
    t.same(await cluster.stop(), NOTHING_LEFT);
  });
}

test('a cluster restored from a backup is listed anew, however its watches ended', async (t) => {
  const endings: readonly [string, (server: ScriptedApiServer) => void][] = [
    ['reset', (server) => server.reset()],
    ['ended in good order', (server) => server.endWatches()],
  ];
  for (const [title, end] of endings) {
    const cluster = await watchCluster();
    await synced(cluster);
    const { server, time, sink } = cluster;
    server.put(SERVICES, service({ ingress: [{ ip: '192.0.2.99' }] }));
    for (let i = 0; i < 40; i++) server.put(SLICES, slice([], { name: `x-${i}`, service: 'x' }));
    await until(() => addressesOf(cluster)?.[0] === '192.0.2.99' && server.watching === 3);
    await time.advance(6000);
    end(server);
    server.wipe();
    furnish(server, '192.0.2.55', 'old');
    await time.advanceUntil(() => addressesOf(cluster)?.[0] === '192.0.2.55', 60_000);
    t.equal(statusOf(cluster), 'available', title);
    await time.advanceUntil(() => server.watching === 3, 30_000);
    server.put(SERVICES, service({ ingress: [{ ip: '192.0.2.56' }] }));
    await until(() => addressesOf(cluster)?.[0] === '192.0.2.56');
    t.ok(sink.shards.size === 2 && isServed(cluster));
    t.same(await cluster.stop(), NOTHING_LEFT);
  }
});

test('a watch that was deaf to its end is doubted, one with a bookmark is not', async (t) => {
  for (const bookmark of [false, true]) {
    const cluster = await watchCluster();
    await synced(cluster);
    const { server, time } = cluster;
    await time.advance(44_500);
    server.requests.length = 0;
    if (bookmark) server.bookmark(SERVICES);
    await until(() => !bookmark || cluster.source.report().lastOctetMs['Service'] === time.clock());
    server.endWatches();
    await until(() => server.watching === 3);
    const checks = server.requests.filter(({ path, query }) => path === SERVICES && isCheck(query));
    t.equal(checks.length, bookmark ? 0 : 1, bookmark ? 'with a bookmark' : 'without');
    t.equal(server.count(SERVICES, 'list'), 0, 'a server that is where it was is not listed');
    t.same(await cluster.stop(), NOTHING_LEFT);
  }
});

function isCheck(query: URLSearchParams): boolean {
  return query.get('resourceVersionMatch') === 'NotOlderThan' && query.get('limit') === '1';
}

interface Stranger {
  readonly title: string;
  readonly answer: (request: ScriptedRequest) => void;
}

const STRANGERS: readonly Stranger[] = [
  { title: 'forbids it', answer: ({ response }) => replyStatus(response, 403, 'forbidden') },
  { title: 'has no such namespace', answer: ({ response }) => replyStatus(response, 404, 'not found') },
  { title: 'fails at it', answer: ({ response }) => replyStatus(response, 500, 'no') },
  { title: 'answers something else', answer: ({ response }) => void response.end('<html>') },
];

for (const { title, answer } of STRANGERS) {
  test(`a server that is asked who it is and ${title} is followed all the same`, async (t) => {
    const server = await startServer();
    let asked = 0;
    server.scripts.push((request) => {
      if (request.path !== KUBE_SYSTEM) return false;
      asked++;
      answer(request);
      return true;
    });
    const cluster = await watchCluster({ server });
    await synced(cluster);
    for (let i = 0; i < 20; i++) {
      await cluster.time.advance(30_000);
      server.endWatches();
      await cluster.time.advanceUntil(() => server.watching === 3, 30_000);
    }
    t.ok(isServed(cluster));
    t.equal(server.count(SERVICES, 'list'), 1);
    t.ok(asked >= 2 && asked < 12, `asked ${asked} times in ten minutes`);
    t.same(await cluster.stop(), NOTHING_LEFT);
  });
}

test('versions are compared as the decimal numbers that they are', (t) => {
  const cases: [string, string, boolean][] = [
    ['9', '10', true],
    ['10', '9', false],
    ['10', '10', false],
    ['99999999999999999999', '100000000000000000000', true],
    ['007', '8', false],
    ['abc', 'abd', false],
    ['0', '8', false],
  ];
  for (const [a, b, earlier] of cases) t.equal(isEarlier(a, b), earlier, `${a} before ${b}`);
  t.end();
});

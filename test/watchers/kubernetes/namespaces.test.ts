import { test } from 'tap';
import { errorLine, replyStatus, ScriptedApiServer, SERVICES, SLICES } from '../scripted-api-server.ts';
import { until } from '../fake-time.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';
import {
  startServer,
  statusOf,
  watchCluster,
  type WatchedCluster,
  type WatchedOptions,
} from '../watched-cluster.ts';

const NOTHING_LEFT = { timers: 0, connections: 0 };
const PLACE = { region: 'r1', zones: ['z1'] };

/** A server whose role reads the namespaces, each by itself. */
async function tenantServer(namespaces: readonly string[], isNarrow = true): Promise<ScriptedApiServer> {
  const server = new ScriptedApiServer();
  server.uid = undefined;
  for (const namespace of ['web', 'shop', 'foreign']) {
    server.load(SERVICES, [service({ namespace, name: namespace })]);
    server.load(SLICES, [slice([READY], { name: namespace, namespace, service: namespace })]);
  }
  server.scripts.push(({ path, namespace, response }) => {
    if (!isNarrow || (path !== SERVICES && path !== SLICES)) return false;
    if (namespace !== undefined && namespaces.includes(namespace)) return false;
    replyStatus(response, 403, 'forbidden at the cluster scope');
    return true;
  });
  return startServer(server);
}

function watchTenant(server: ScriptedApiServer, namespaces: readonly string[]): Promise<WatchedCluster> {
  const settings: WatchedOptions['settings'] = {
    ...PLACE,
    namespaces: { allow: [...namespaces, 'denied'], deny: ['denied'] },
  };
  return watchCluster({ server, settings });
}

function served({ sink }: WatchedCluster): string {
  return [...sink.shards.values()]
    .filter(({ ready }) => ready)
    .map(({ namespace, service: name }) => `${namespace}/${name}`)
    .toSorted()
    .join(' ');
}

test('with a role of single namespaces, those that are allowed are read each by itself', async (t) => {
  const server = await tenantServer(['web', 'shop']);
  const cluster = await watchTenant(server, ['web', 'shop']);
  await cluster.time.advanceUntil(() => statusOf(cluster) === 'available' && server.watching === 4, 20_000);
  t.equal(served(cluster), 'shop/shop web/nginx web/web');
  t.equal(cluster.source.report().lastError, undefined);
  const asked = new Set(
    server.requests.map(({ namespace }) => namespace).filter((name) => name !== undefined),
  );
  t.same(asked, new Set(['web', 'shop']), 'no other namespace is asked for');
  server.put(SLICES, slice([], { name: 'shop', namespace: 'shop', service: 'shop' }));
  await cluster.time.advanceUntil(() => served(cluster) === 'web/nginx web/web', 5000);
  server.put(SERVICES, service({ namespace: 'shop', name: 'second' }));
  server.put(SLICES, slice([READY], { name: 'second', namespace: 'shop', service: 'second' }));
  await cluster.time.advanceUntil(() => served(cluster) === 'shop/second web/nginx web/web', 5000);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('one namespace that has to be listed anew leaves the others as they are', async (t) => {
  const server = await tenantServer(['web', 'shop']);
  const cluster = await watchTenant(server, ['web', 'shop']);
  await cluster.time.advanceUntil(() => statusOf(cluster) === 'available' && server.watching === 4, 20_000);
  await cluster.time.advance(6000);
  server.lose(SERVICES, service({ namespace: 'web', name: 'web' }), true);
  cluster.sink.take();
  server.send(SERVICES, errorLine(410, 'too old resource version'));
  await cluster.time.advanceUntil(
    () => server.watching === 4 && served(cluster) === 'shop/shop web/nginx',
    30_000,
  );
  t.same(cluster.sink.take(), ['replaceShards one 2'], 'in one change');
  t.equal(statusOf(cluster), 'available');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a role that reads all namespaces is used as one, whatever is allowed', async (t) => {
  const server = await tenantServer([], false);
  const cluster = await watchTenant(server, ['web', 'shop']);
  await until(() => statusOf(cluster) === 'available' && server.watching === 2);
  t.equal(served(cluster), 'shop/shop web/nginx web/web');
  t.notOk(server.requests.some(({ namespace }) => namespace !== undefined));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('where no namespaces are named, or one of them may not be read, the refusal is told', async (t) => {
  for (const [allowed, message] of [
    [[], /^(Service|EndpointSlice): 403/],
    [['web', 'secret'], /^(Service|EndpointSlice) secret: 403/],
  ] as const) {
    const server = await tenantServer(['web']);
    const settings = { ...PLACE, namespaces: { allow: [...allowed], deny: [] } };
    const cluster = await watchCluster({ server, settings });
    await cluster.time.advance(10_000);
    t.match(cluster.source.report().lastError, message);
    t.equal(cluster.sink.shards.size, 0, 'half of a cluster is not served as if it were all');
    t.same(await cluster.stop(), NOTHING_LEFT);
  }
});

import { test } from 'tap';
import { serviceExport } from '../kubernetes-objects.ts';
import { replyStatus, type Script } from '../scripted-api-server.ts';
import { isServed, startServer, statusOf, synced, watchCluster } from '../watched-cluster.ts';

const GROUP = '/apis/multicluster.x-k8s.io';
const EXPORTING = [{ name: 'main', select: 'export', policy: 'all' }] as const;
const BOTH = ['serviceexports', 'serviceimports'];
const IMPORTS = ['serviceimports'];

function refuses(prefix: string, code: number): Script {
  return ({ path, response }) => {
    if (!path.startsWith(prefix)) return false;
    replyStatus(response, code, 'not for you');
    return true;
  };
}

interface Offer {
  readonly title: string;
  /** Kinds by version, the preferred version first. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
  readonly script?: Script;
  /** Where the ServiceExport is found; absent: nowhere. */
  readonly at?: string;
}

const OFFERS: readonly Offer[] = [
  { title: 'the only version', versions: { v1alpha1: BOTH }, at: 'v1alpha1' },
  {
    title: 'the preferred version, where another has the kind, too',
    versions: { v1beta1: BOTH, v1alpha1: BOTH },
    at: 'v1beta1',
  },
  {
    title: 'another than the preferred version, which has only ServiceImports',
    versions: { v1beta1: IMPORTS, v1alpha1: BOTH },
    at: 'v1alpha1',
  },
  { title: 'a version to come', versions: { v2beta3: IMPORTS, v1: IMPORTS, v1alpha2: BOTH }, at: 'v1alpha2' },
  {
    title: 'the preferred version, where what the versions have is not told',
    versions: { v1beta1: BOTH },
    script: ({ path, response }) => {
      if (path !== `${GROUP}/v1beta1`) return false;
      replyStatus(response, 403, 'not for you');
      return true;
    },
    at: 'v1beta1',
  },
  { title: 'nowhere, where the group has only ServiceImports', versions: { v1beta1: IMPORTS } },
  { title: 'nowhere, where the group has no versions', versions: {} },
];

for (const { title, versions, script, at } of OFFERS) {
  test(`ServiceExports are found at ${title}`.replace('at nowhere', 'nowhere'), async (t) => {
    const server = await startServer();
    server.hasExports = true;
    server.exportVersions = versions;
    if (script !== undefined) server.scripts.push(script);
    for (const version of Object.keys(versions)) {
      const path = `${GROUP}/${version}/serviceexports`;
      if (version === at) server.addKind(path, 'PartialObjectMetadataList');
      if (version === at) server.load(path, [serviceExport()]);
      else server.scripts.push(refuses(path, 404));
    }
    const cluster = await watchCluster({ server, federations: EXPORTING });
    await synced(cluster, at === undefined ? 3 : 4);
    t.equal(isServed(cluster), at !== undefined);
    t.equal(statusOf(cluster), 'available', 'a cluster without the kind is no cluster in trouble');
    t.same(await cluster.stop(), { timers: 0, connections: 0 });
  });
}

test('ServiceExports go on at another version when theirs is no longer served', async (t) => {
  const server = await startServer();
  server.hasExports = true;
  const path = { alpha: `${GROUP}/v1alpha1/serviceexports`, beta: `${GROUP}/v1beta1/serviceexports` };
  server.load(path.alpha, [serviceExport()]);
  const cluster = await watchCluster({ server, federations: EXPORTING });
  await synced(cluster, 4);
  server.addKind(path.beta, 'PartialObjectMetadataList');
  server.load(path.beta, [serviceExport(), serviceExport('second')]);
  server.exportVersions = { v1beta1: BOTH };
  server.scripts.push(refuses(path.alpha, 404));
  server.endWatches();
  await cluster.time.advanceUntil(() => server.count(path.beta, 'watch') > 0, 60_000);
  t.ok(isServed(cluster));
  t.notOk(
    cluster.sink.take().some((call) => call.startsWith('removeShard') || call === 'replaceShards one 0'),
    'and are not missing in between',
  );
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

test('a server that fails to say what a version has leaves its exports as they were', async (t) => {
  const server = await startServer();
  server.hasExports = true;
  server.load(`${GROUP}/v1alpha1/serviceexports`, [serviceExport()]);
  const cluster = await watchCluster({ server, federations: EXPORTING, graceSeconds: 3600 });
  await synced(cluster, 4);
  server.scripts.push(refuses(GROUP, 503));
  server.compact();
  server.endWatches();
  await cluster.time.advanceUntil(() => statusOf(cluster) === 'held', 120_000);
  t.ok(isServed(cluster));
  t.match(cluster.source.report().lastError, /ServiceExport: 503/);
  t.same(await cluster.stop(), { timers: 0, connections: 0 });
});

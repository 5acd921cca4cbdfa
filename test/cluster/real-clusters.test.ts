import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { ClusterSecrets } from '../../src/watchers/kubernetes/cluster-secrets.ts';
import { accessLoader, Credentials } from '../../src/watchers/credentials/credentials.ts';
import type { ClusterAccess } from '../../src/watchers/credentials/cluster-access.ts';
import { KubernetesSource } from '../../src/watchers/kubernetes/kubernetes-source.ts';
import { OutageGovernor } from '../../src/watchers/health/outage-governor.ts';
import { systemTimers } from '../../src/timers.ts';
import type { ClusterSettings, FederationSettings } from '../../src/config/settings.ts';
import { clusterSettings } from '../watchers/kubernetes-objects.ts';
import { RecordingSink } from '../watchers/recording-sink.ts';
import { NO_LOG } from '../watchers/watched-cluster.ts';
import { kubeconfigText, Etcd, MemberCluster, RBAC_FILE } from './member-cluster.ts';
import { eventually } from './processes.ts';
import {
  createNginx,
  createPod,
  createService,
  removePod,
  SERVICE_EXPORT_CRD,
  setReady,
} from './workload.ts';

// Three control planes start, one restarts and one is wiped; the others share two cores with them.
t.setTimeout(300_000);

const FEDERATIONS: readonly FederationSettings[] = [
  { name: 'main', select: 'label', policy: 'all' },
  { name: 'exported', select: 'export', policy: 'all' },
];
const PLACES = {
  one: { region: 'us', zone: 'us-a', address: '192.0.2.1' },
  two: { region: 'us', zone: 'us-b', address: '192.0.2.2' },
  three: { region: 'asia', zone: 'asia-a', address: '192.0.2.3' },
} as const;
type Name = keyof typeof PLACES;

const folder = mkdtempSync(join(tmpdir(), 'fedns-clusters-'));
const sink = new RecordingSink();
const governor = new OutageGovernor({
  timers: systemTimers,
  graceSeconds: 3,
  refusedGraceSeconds: 43_200,
  failStaticAbove: 0.5,
});
const sources = new Map<string, KubernetesSource>();
let etcd: Etcd;
let secrets: ClusterSecrets;
const clusters = {} as Record<Name, MemberCluster>;

function credentials(load: () => Promise<ClusterAccess>): Credentials {
  return new Credentials({ load, timers: systemTimers, clock: Date.now, env: process.env });
}

async function watch(settings: ClusterSettings, load: () => Promise<ClusterAccess>): Promise<void> {
  const source = new KubernetesSource({
    settings,
    federations: FEDERATIONS,
    domain: 'example.com',
    dampingSeconds: 0,
    sink,
    governor,
    credentials: credentials(load),
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log: NO_LOG,
  });
  sources.set(settings.name, source);
  await source.start();
}

function readyIn(name: Name, federation = 'main'): boolean {
  return sink.shards.get(`${name} nginx.web.${federation}`)?.ready === true;
}

function statusOf(name: Name): string | undefined {
  return sink.clusters.get(name)?.status;
}

async function soon(what: () => boolean): Promise<void> {
  await eventually(() => {
    if (!what()) throw new Error(`not yet: ${what.toString()}\n${reports()}`);
  }, 40_000);
}

function reports(): string {
  return [...sources.values()].map((source) => JSON.stringify(source.report())).join('\n');
}

async function writeHostKubeconfig(): Promise<string> {
  const path = join(folder, 'host.kubeconfig');
  writeFileSync(join(folder, 'host.token'), await clusters.one.token());
  writeFileSync(path, kubeconfigText(clusters.one, { tokenFile: 'host.token' }));
  return path;
}

/** The Secret by which a cluster joins; two ways to say the same. */
async function joinSecret(name: 'two' | 'three'): Promise<Record<string, unknown>> {
  const cluster = clusters[name];
  const token = await cluster.token();
  const stringData =
    name === 'two'
      ? { server: cluster.url, token, ca: cluster.ca.cert }
      : { kubeconfig: kubeconfigText(cluster, { token }) };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `cluster-${name}`, namespace: 'fedns', labels: { 'fedns.io/cluster': name } },
    stringData,
  };
}

t.before(async () => {
  etcd = await Etcd.start(folder);
  const names = Object.keys(PLACES) as Name[];
  await Promise.all(
    names.map(async (name) => {
      const cluster = await MemberCluster.start(name, folder, etcd);
      clusters[name] = cluster;
      await createService(cluster.admin, PLACES[name]);
      await createPod(cluster.admin);
    }),
  );
});

t.teardown(async () => {
  await secrets?.stop();
  await Promise.all([...sources.values()].map((source) => source.stop()));
  governor.stop();
  await Promise.all(Object.values(clusters).map((cluster) => cluster.stop()));
  await etcd?.stop();
  rmSync(folder, { recursive: true });
});

test('a cluster is served with the region and zone of its Nodes, by EndpointSlices that Kubernetes makes', async (t) => {
  const path = await writeHostKubeconfig();
  const origin = { kind: 'kubeconfig', path, context: 'one', allowInsecure: false, execAllowed: [] } as const;
  await watch(clusterSettings({ name: 'one', origin }), accessLoader(origin, {}));
  await soon(() => readyIn('one') && statusOf('one') === 'available');
  t.same(sink.clusters.get('one'), { name: 'one', region: 'us', zones: ['us-a'], status: 'available' });
  t.match(sink.shards.get('one nginx.web.main'), {
    addresses: ['192.0.2.1'],
    readyZones: ['us-a'],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
  });
  // The version is known with the first probe, which tells nothing yet of what may be listed.
  await soon(() => sources.get('one')!.report().condition === 'Ready');
  t.match(sources.get('one')!.report(), { condition: 'Ready', version: /^v1\.36/, topologyFrom: 'nodes' });
});

test('clusters that Secrets describe join without a restart', async (t) => {
  const { name: _name, origin: _origin, ...defaults } = clusterSettings();
  const origin = {
    kind: 'kubeconfig',
    path: join(folder, 'host.kubeconfig'),
    allowInsecure: false,
    execAllowed: [],
  } as const;
  secrets = new ClusterSecrets({
    namespace: 'fedns',
    credentials: credentials(accessLoader(origin, {})),
    defaults,
    reserved: () => new Set(['one']),
    onJoin: ({ settings, load }) => void watch(settings, load),
    onLeave: async (name) => {
      await sources.get(name)?.stop();
      sources.delete(name);
      sink.removeCluster(name);
    },
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log: { info: () => {}, warn: () => {} },
  });
  secrets.start();
  for (const name of ['two', 'three'] as const) await clusters.one.admin.apply(await joinSecret(name));
  await soon(() => readyIn('two') && readyIn('three'));
  t.equal(sink.clusters.get('three')?.region, 'asia');
  t.same(secrets.refusals(), []);
});

test('the CRD of ServiceExports may come later', async (t) => {
  const { admin } = clusters.one;
  await admin.apply(SERVICE_EXPORT_CRD);
  const metadata = { name: 'nginx', namespace: 'web' };
  await eventually(() =>
    admin.apply({ apiVersion: 'multicluster.x-k8s.io/v1alpha1', kind: 'ServiceExport', metadata }),
  );
  t.notOk(readyIn('one', 'exported'), 'it is looked for every 30 s; awaited below');
});

test('a Service scaled to zero in one cluster leaves there, and only there', async (t) => {
  await removePod(clusters.one.admin);
  await soon(() => !readyIn('one'));
  t.ok(readyIn('two'));
  t.ok(readyIn('three'));
  await createPod(clusters.one.admin, 'nginx-2');
  await soon(() => readyIn('one'));
  await setReady(clusters.one.admin, 'nginx-2', false);
  await soon(() => !readyIn('one'));
  await setReady(clusters.one.admin, 'nginx-2', true);
  await soon(() => readyIn('one'));
});

test('a Service deleted and created again is followed', async (t) => {
  const { admin } = clusters.two;
  await admin.remove('/api/v1/namespaces/web/services/nginx');
  await soon(() => !sink.shards.has('two nginx.web.main'));
  await createNginx(admin, '192.0.2.22');
  await soon(() => readyIn('two') && sink.shards.get('two nginx.web.main')?.addresses[0] === '192.0.2.22');
  t.pass();
});

test('an API server that stops is held and then withdrawn, and counts again after a relist', async (t) => {
  const { three } = clusters;
  await three.stopApiServer();
  await soon(() => statusOf('three') === 'held');
  t.ok(readyIn('three'), 'answered while held');
  await soon(() => statusOf('three') === 'withdrawn');
  t.match(sources.get('three')!.report(), { condition: 'Offline', lastError: /ECONNREFUSED/ });
  t.equal(statusOf('one'), 'available');
  sink.take();
  await three.startApiServer();
  await soon(() => statusOf('three') === 'available');
  await setReady(three.admin, 'nginx-1', false);
  await soon(() => !readyIn('three'));
  await setReady(three.admin, 'nginx-1', true);
  await soon(() => readyIn('three'));
});

test('an etcd that is wiped empties its cluster; a new token and new objects fill it again', async (t) => {
  const { two, one } = clusters;
  const empty = await Etcd.start(mkdtempSync(join(folder, 'etcd-')));
  t.teardown(() => empty.stop());
  await two.wipe(empty);
  // Its token is of the old history, too.
  await soon(() => /401/.test(sources.get('two')!.report().lastError ?? ''));
  const { stringData } = (await joinSecret('two')) as { stringData: Record<string, string> };
  await one.admin.patch('/api/v1/namespaces/fedns/secrets/cluster-two', { stringData });
  await soon(() => !sink.shards.has('two nginx.web.main'));
  await createService(two.admin, PLACES.two);
  await createPod(two.admin);
  await soon(() => readyIn('two') && statusOf('two') === 'available');
});

test('a cluster whose Secret is deleted leaves', async (t) => {
  await clusters.one.admin.remove('/api/v1/namespaces/fedns/secrets/cluster-two');
  await soon(() => !sink.clusters.has('two'));
  t.same(secrets.clusters(), ['three']);
});

test('ServiceExports have been picked up', async (t) => {
  await soon(() => readyIn('one', 'exported'));
  t.pass();
});

test('no call that fedns made was refused, and it has no permission that it does not use', async (t) => {
  // The API server writes its log when it comes to it.
  await soon(() => calls().length >= permitted().length);
  t.same(calls(), permitted(), 'exactly what config/rbac.yaml permits');
  // The cluster that neither restarted nor was wiped: an API server that starts refuses everybody for a moment.
  for (const { call, code } of clusters.one.audit())
    t.notOk([401, 403].includes(code), `${call} is permitted`);
});

/** What fedns asked of the cluster that neither restarted nor was wiped, each once, as the manifest permits it. */
function calls(): string[] {
  const asked = clusters.one.audit().map(({ call }) => call.replace(/(multicluster\.x-k8s\.io)\/.+/, '$1/*'));
  return [...new Set(asked)].toSorted();
}

interface Rule {
  readonly resources?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

function permitted(): string[] {
  const documents = parseAllDocuments(readFileSync(RBAC_FILE, 'utf8')).map(
    (document) => document.toJS() as { rules?: readonly Rule[] },
  );
  return documents
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ resources = [], nonResourceURLs = [], verbs }) =>
      [...resources, ...nonResourceURLs].flatMap((what) => verbs.map((verb) => `${verb} ${what}`)),
    )
    .toSorted();
}

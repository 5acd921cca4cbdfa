/** Hosts of a real API server's Ingresses and Gateways, read with the permissions that config/rbac-hosts.yaml gives. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { accessLoader, Credentials } from '../../src/watchers/credentials/credentials.ts';
import { KubernetesSource } from '../../src/watchers/kubernetes/kubernetes-source.ts';
import { OutageGovernor } from '../../src/watchers/health/outage-governor.ts';
import { systemTimers } from '../../src/timers.ts';
import { clusterSettings } from '../watchers/kubernetes-objects.ts';
import { NO_LOG } from '../watchers/watched-cluster.ts';
import { makeFederation, type Federation } from '../support/federation.ts';
import { lines } from '../support/message.ts';
import { Etcd, kubeconfigText, MemberCluster } from './member-cluster.ts';
import { eventually } from './processes.ts';

t.setTimeout(300_000);

type Json = Record<string, unknown>;

const RBAC_HOSTS = join(import.meta.dirname, '../../config/rbac-hosts.yaml');
const LABELS = { 'fedns.io/federation': 'main' };
const PATH = '/apis/networking.k8s.io/v1/namespaces/shop/ingresses';
const GROUP = 'gateway.networking.k8s.io';
const GATEWAYS = `/apis/${GROUP}/v1/namespaces/shop`;

const folder = mkdtempSync(join(tmpdir(), 'fedns-hosts-'));
let etcd: Etcd;
let cluster: MemberCluster;

t.before(async () => {
  etcd = await Etcd.start(folder);
  cluster = await MemberCluster.start('one', folder, etcd, { controllers: false });
  for (const document of parseAllDocuments(readFileSync(RBAC_HOSTS, 'utf8')))
    await cluster.admin.apply(document.toJS() as Json);
  await cluster.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] };
  await cluster.admin.create(PATH, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', labels: LABELS },
    spec: {
      rules: [
        { host: 'shop.example.com', http },
        { host: '*.wild.example.com', http },
      ],
    },
  });
  await admit('192.0.2.1');
});

t.teardown(async () => {
  await cluster?.stop();
  await etcd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function admit(ip: string): Promise<unknown> {
  return cluster.admin.patch(`${PATH}/web/status`, { status: { loadBalancer: { ingress: [{ ip }] } } });
}

async function watch(tt: Test): Promise<{ f: Federation; source: KubernetesSource }> {
  const f = makeFederation({ hasHosts: true, federations: ['main'] });
  const path = join(folder, 'fedns.kubeconfig');
  writeFileSync(path, kubeconfigText(cluster, { token: await cluster.token() }));
  const origin = { kind: 'kubeconfig', path, context: 'one', allowInsecure: false, execAllowed: [] } as const;
  const governor = new OutageGovernor({
    timers: systemTimers,
    graceSeconds: 60,
    refusedGraceSeconds: 60,
    failStaticAbove: 0.5,
  });
  const source = new KubernetesSource({
    settings: clusterSettings({ name: 'one', region: 'us', zones: ['us1'], origin }),
    federations: [{ name: 'main', select: 'label', policy: 'all', hosts: true }],
    domain: 'example.com',
    dampingSeconds: 0,
    sink: f.builder,
    governor,
    credentials: new Credentials({
      load: accessLoader(origin, {}),
      timers: systemTimers,
      clock: Date.now,
      env: process.env,
    }),
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log: NO_LOG,
  });
  tt.teardown(async () => {
    await source.stop();
    governor.stop();
  });
  await source.start();
  return { f, source };
}

function soon({ ask }: Federation, name: string, address: string): Promise<void> {
  return eventually(() => {
    const { answer } = ask(name, 'A');
    if (!lines(answer).some((line) => line.endsWith(` A ${address}`)))
      throw new Error(`${name}: ${lines(answer).join()}`);
  }, 40_000);
}

t.test('an Ingress is answered for, and an API without Gateways is no fault', async (tt) => {
  const { f, source } = await watch(tt);
  await soon(f, 'shop.example.com', '192.0.2.1');
  await soon(f, 'x.wild.example.com', '192.0.2.1');
  await admit('192.0.2.9');
  await soon(f, 'shop.example.com', '192.0.2.9');
  const { condition, refusals } = source.report();
  tt.strictSame([condition, refusals], ['Ready', []]);
  await cluster.admin.remove(`${PATH}/web`);
  await eventually(() => {
    if (f.ask('shop.example.com', 'A').rcode !== 'NXDOMAIN') throw new Error('it is still there');
  }, 40_000);
});

t.test(
  'Gateways and the routes that they have accepted are answered for where the API has them',
  async (tt) => {
    for (const kind of ['Gateway', 'HTTPRoute']) await cluster.admin.apply(crd(kind));
    await eventually(async () => {
      for (const plural of ['gateways', 'httproutes']) await cluster.admin.get(`${GATEWAYS}/${plural}`);
    }, 40_000);
    const parentRef = { name: 'gate' };
    await cluster.admin.create(`${GATEWAYS}/gateways`, {
      apiVersion: `${GROUP}/v1`,
      kind: 'Gateway',
      metadata: { name: 'gate', labels: LABELS },
      spec: {
        gatewayClassName: 'x',
        listeners: [{ name: 'https', port: 443, protocol: 'HTTPS', hostname: 'api.example.com' }],
      },
      status: { addresses: [{ type: 'IPAddress', value: '192.0.2.5' }] },
    });
    await cluster.admin.create(`${GATEWAYS}/httproutes`, {
      apiVersion: `${GROUP}/v1`,
      kind: 'HTTPRoute',
      metadata: { name: 'route' },
      spec: { hostnames: ['route.example.com'], parentRefs: [parentRef] },
      status: {
        parents: [{ parentRef, controllerName: 'x', conditions: [{ type: 'Accepted', status: 'True' }] }],
      },
    });
    const { f } = await watch(tt);
    await soon(f, 'api.example.com', '192.0.2.5');
    await soon(f, 'route.example.com', '192.0.2.5');
    const refused = cluster.audit().filter(({ code }) => code === 401 || code === 403);
    tt.strictSame(refused, [], 'the manifests permit all that was asked');
  },
);

/** The Gateway API's kinds, as far as an API server must know them; their schemas are not ours to test. */
function crd(kind: string): Json {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${GROUP}`,
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

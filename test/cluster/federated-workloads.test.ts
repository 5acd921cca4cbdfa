/** Workloads of a federation in three real clusters: how they are divided there, moved on, and summed up. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { workloadKinds } from '../../src/federation/kinds/workloads.ts';
import { Federation } from '../../src/federation/sync/engine.ts';
import { systemTimers } from '../../src/timers.ts';
import { ApiClient } from '../../src/watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../../src/watchers/credentials/credentials.ts';
import { NO_LOG } from '../watchers/watched-cluster.ts';
import type { Json } from './admin.ts';
import { programFolder } from './binaries.ts';
import { Etcd, MemberCluster } from './member-cluster.ts';
import { eventually } from './processes.ts';

// Four control planes start; the other files of this folder share two cores with them.
t.setTimeout(300_000);

const NAMES = ['asia', 'eu', 'us'] as const;
type Name = (typeof NAMES)[number];

const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments';
const REPLICA_SETS = '/apis/apps/v1/namespaces/shop/replicasets';
const DAEMON_SETS = '/apis/apps/v1/namespaces/shop/daemonsets';
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/shop/ingresses';
const PODS = '/api/v1/namespaces/shop/pods';
const PREFERENCES = 'federation.kubernetes.io/deployment-preferences';

const folder = mkdtempSync(join(tmpdir(), 'fedns-workloads-'));
const etcd = await Etcd.start(folder);
const start = (name: string, controllers = true): Promise<MemberCluster> =>
  MemberCluster.start(name, folder, etcd, { granted: false, controllers });
const [host, ...started] = await Promise.all([start('host', false), ...NAMES.map((name) => start(name))]);
const members = new Map(started.map((cluster) => [cluster.name as Name, cluster]));

function credentials({ kubeconfig }: MemberCluster): Credentials {
  const origin = { kind: 'kubeconfig', path: kubeconfig, allowInsecure: false, execAllowed: [] } as const;
  return new Credentials({ load: accessLoader(origin, {}), timers: systemTimers, clock: Date.now, env: {} });
}

const client = new ApiClient({ credentials: credentials(host), timers: systemTimers, userAgent: 'fedns' });
const federation = new Federation({
  client,
  kinds: workloadKinds({ division: 'v1', divideAfterMs: 200, countEveryMs: 200 }),
  selection: { federation: 'main', select: 'all', ownNamespace: 'fedns' },
  limits: { maxFraction: 1, min: 100, windowSeconds: 60 },
  writesPerCluster: 8,
  awayMs: 4_000,
  timers: systemTimers,
  clock: Date.now,
  random: Math.random,
  log: NO_LOG,
});

t.teardown(async () => {
  await federation.stop();
  client.close();
  await Promise.all([host, ...members.values()].map((cluster) => cluster.stop()));
  await etcd.stop();
  rmSync(folder, { recursive: true });
});

/** A workload whose Pods are bound to the one Node of each cluster: there is no scheduler. */
function workload(kind: string, name: string, spec: Json, metadata: Json = {}): Json {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop', ...metadata },
    spec: {
      ...spec,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { nodeName: 'worker-1', containers: [{ name: 'web', image: 'nginx' }] },
      },
    },
  };
}

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly phase?: string };
}

async function podsOf(name: Name, app: string): Promise<readonly Pod[]> {
  const list = await members.get(name)!.admin.get(`${PODS}?labelSelector=app%3D${app}`);
  return (list['items'] as Pod[]).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** What kubelets would do: the Pods that are there run and are ready. */
async function runPods(app: string): Promise<void> {
  for (const name of NAMES) {
    const { admin } = members.get(name)!;
    const pending = (await podsOf(name, app)).filter(({ status }) => status.phase !== 'Running');
    const conditions = [{ type: 'Ready', status: 'True' }];
    for (const { metadata } of pending)
      await admin.patch(`${PODS}/${metadata.name}/status`, { status: { phase: 'Running', conditions } });
  }
}

/** Replicas that each cluster is told to run, as `asia=3 eu=3 us=3`. */
async function given(path: string, names: readonly Name[] = NAMES): Promise<string> {
  const each = names.map(async (name) => {
    const { spec } = (await members.get(name)!.admin.get(path)) as { spec: { replicas: number } };
    return `${name}=${spec.replicas}`;
  });
  return (await Promise.all(each)).join(' ');
}

async function become(path: string, wanted: string, names?: readonly Name[]): Promise<void> {
  await eventually(async () => assert.equal(await given(path, names), wanted));
}

/** Waits until the federated object's status has these fields, with the Pods of `app` running meanwhile. */
async function says(path: string, wanted: Json, app?: string): Promise<Json> {
  return eventually(async () => {
    if (app !== undefined) await runPods(app);
    const object = await host.admin.get(path);
    const status = object['status'] as Json;
    const fields = Object.fromEntries(Object.keys(wanted).map((name) => [name, status[name]]));
    assert.deepEqual(fields, wanted);
    return object;
  });
}

function conditionOf(object: Json, type: string): Json | undefined {
  const { conditions = [] } = object['status'] as { conditions?: Json[] };
  return conditions.find((condition) => condition['type'] === type);
}

function kubectl(...args: string[]): { code: number | null; out: string } {
  const all = ['--kubeconfig', host.kubeconfig, '--namespace', 'shop', ...args];
  const { status, stdout, stderr } = spawnSync(join(programFolder(), 'kubectl'), all, { encoding: 'utf8' });
  return { code: status, out: stdout + stderr };
}

t.before(async () => {
  for (const cluster of [host, ...members.values()]) {
    await cluster.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    await cluster.admin.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1' } });
    // A new Node is tainted as not ready, and the controller that finds it ready does not run here.
    await cluster.admin.patch('/api/v1/nodes/worker-1', { spec: { taints: null } });
  }
  // One that is there already, with something that the federated one does not have.
  const old = workload('Deployment', 'old', { replicas: 1 });
  const { template } = old['spec'] as { template: { spec: { containers: Json[] } } };
  template.spec.containers.push({ name: 'left-over', image: 'busybox', env: [{ name: 'A', value: 'b' }] });
  await members.get('us')!.admin.apply(old);
  federation.start();
  for (const [name, cluster] of members)
    federation.join({ name, zones: [], labels: {}, areLabelsPartial: false }, credentials(cluster));
});

t.test('a Deployment is divided, and says what runs in all clusters', async (tt) => {
  await host.admin.apply(workload('Deployment', 'web', { replicas: 9 }));
  await become(`${DEPLOYMENTS}/web`, 'asia=3 eu=3 us=3');
  const before = await host.admin.get(`${DEPLOYMENTS}/web`);
  tt.not(conditionOf(before, 'Available')?.['status'], 'True', 'nothing runs yet');
  const object = await says(
    `${DEPLOYMENTS}/web`,
    { replicas: 9, updatedReplicas: 9, readyReplicas: 9, availableReplicas: 9, observedGeneration: 1 },
    'web',
  );
  tt.match(conditionOf(object, 'Available'), { status: 'True' });
  tt.match(kubectl('get', 'deployment', 'web').out, /web +9\/9 +9 +9 /);
});

t.test('kubectl waits at the federation for the clusters', async (tt) => {
  const rollout = kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  tt.match(rollout, { code: 0, out: /successfully rolled out/ });
  tt.match(kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=60s'), { code: 0 });
  await host.admin.patch(`${DEPLOYMENTS}/web`, { spec: { progressDeadlineSeconds: 500 } });
  await says(`${DEPLOYMENTS}/web`, { observedGeneration: 2, availableReplicas: 9 }, 'web');
});

t.test('preferences divide by weight', async (tt) => {
  const clusters = { us: { weight: 1 }, eu: { weight: 2 }, asia: { weight: 3 } };
  const text = JSON.stringify({ rebalance: true, clusters });
  await host.admin.patch(`${DEPLOYMENTS}/web`, { metadata: { annotations: { [PREFERENCES]: text } } });
  await become(`${DEPLOYMENTS}/web`, 'asia=5 eu=3 us=1');
  await says(`${DEPLOYMENTS}/web`, { replicas: 9, readyReplicas: 9 }, 'web');
  tt.equal(await given(`${DEPLOYMENTS}/web`), 'asia=5 eu=3 us=1');
});

t.test('preferences that make no sense are told with their place, and the division is even', async (tt) => {
  const annotations = { [PREFERENCES]: '{"clusters":{"us":{"weight":"1"}}}' };
  await host.admin.apply(workload('Deployment', 'odd', { replicas: 6 }, { annotations }));
  await become(`${DEPLOYMENTS}/odd`, 'asia=2 eu=2 us=2');
  const words = `annotation ${PREFERENCES}: line 1, column 29, clusters.us.weight: a whole number is wanted, not a string`;
  await eventually(async () => {
    const valid = conditionOf(await host.admin.get(`${DEPLOYMENTS}/odd`), 'federation.fedns.io/Valid');
    assert.equal(valid?.['reason'], 'PreferencesInvalid');
    assert.ok(String(valid?.['message']).startsWith(words));
  });
  await eventually(async () => {
    const list = await host.admin.get('/api/v1/namespaces/shop/events');
    assert.match(JSON.stringify(list['items']), /"PreferencesInvalid"/);
  });
  await host.admin.patch(`${DEPLOYMENTS}/odd`, { metadata: { annotations: { [PREFERENCES]: null } } });
  await eventually(async () => {
    const object = await host.admin.get(`${DEPLOYMENTS}/odd`);
    assert.equal(conditionOf(object, 'federation.fedns.io/Valid'), undefined);
  });
  tt.pass();
});

t.test('Pods without room for more than a minute are moved on', async (tt) => {
  await host.admin.apply(workload('Deployment', 'full', { replicas: 6 }));
  await become(`${DEPLOYMENTS}/full`, 'asia=2 eu=2 us=2');
  const [pod] = await eventually(async () => {
    const pods = await podsOf('us', 'full');
    assert.equal(pods.length, 2);
    return pods;
  });
  const lastTransitionTime = new Date(Date.now() - 120_000).toISOString();
  const unschedulable = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    lastTransitionTime,
  };
  const pending = { status: { phase: 'Pending', conditions: [unschedulable] } };
  await members.get('us')!.admin.patch(`${PODS}/${pod!.metadata.name}/status`, pending);
  await eventually(async () => {
    const counts = (await given(`${DEPLOYMENTS}/full`)).match(/\d+/g)!.map(Number);
    assert.equal(counts[2], 1);
    assert.equal(counts[0]! + counts[1]!, 5);
  });
  tt.pass();
});

t.test('a Deployment that is there already is brought to the federated one', async (tt) => {
  await host.admin.apply(workload('Deployment', 'old', { replicas: 3 }));
  await become(`${DEPLOYMENTS}/old`, 'asia=1 eu=1 us=1');
  await eventually(async () => {
    const { spec } = (await members.get('us')!.admin.get(`${DEPLOYMENTS}/old`)) as {
      spec: { template: { spec: { containers: { name: string }[] } } };
    };
    assert.deepEqual(
      spec.template.spec.containers.map(({ name }) => name),
      ['web'],
    );
  });
  tt.pass();
});

t.test(
  'a ReplicaSet says what runs in all clusters; one that a Deployment made is the cluster’s own',
  async (tt) => {
    await host.admin.apply(workload('ReplicaSet', 'set', { replicas: 4 }));
    const object = await says(
      `${REPLICA_SETS}/set`,
      { replicas: 4, fullyLabeledReplicas: 4, readyReplicas: 4, availableReplicas: 4, observedGeneration: 1 },
      'set',
    );
    tt.equal((object['spec'] as Json)['replicas'], 4, 'what is wanted stands as it was written');
    const { items } = (await members.get('us')!.admin.get(REPLICA_SETS)) as { items: Json[] };
    tt.ok(items.length > 1, 'those of Deployments are there');
  },
);

t.test('a DaemonSet is the same everywhere, and says what runs in all clusters', async (tt) => {
  await host.admin.apply(workload('DaemonSet', 'agent', {}));
  await says(
    `${DAEMON_SETS}/agent`,
    { desiredNumberScheduled: 3, currentNumberScheduled: 3, observedGeneration: 1 },
    'agent',
  );
  tt.pass();
});

t.test('an Ingress is the same everywhere, and has the entry points of all clusters', async (tt) => {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const metadata = { name: 'web', namespace: 'shop' };
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata,
    spec: { defaultBackend: backend, rules: [{ host: 'shop.example.com' }] },
  };
  await host.admin.apply(ingress);
  for (const [index, name] of NAMES.entries()) {
    const { admin } = members.get(name)!;
    await eventually(() => admin.get(`${INGRESSES}/web`));
    const entries = [{ ip: `192.0.2.${9 + index}` }];
    await admin.patch(`${INGRESSES}/web/status`, { status: { loadBalancer: { ingress: entries } } });
  }
  const all = [{ ip: '192.0.2.9' }, { ip: '192.0.2.10' }, { ip: '192.0.2.11' }];
  await says(`${INGRESSES}/web`, { loadBalancer: { ingress: all } });
  // kubectl sorts them as texts.
  tt.match(
    kubectl('get', 'ingress', 'web').out,
    /shop\.example\.com +192\.0\.2\.10,192\.0\.2\.11,192\.0\.2\.9 /,
  );
});

t.test('the replicas of a cluster that stays away are given to the others until it is back', async (tt) => {
  await host.admin.apply(workload('Deployment', 'moved', { replicas: 6 }));
  await become(`${DEPLOYMENTS}/moved`, 'asia=2 eu=2 us=2');
  await members.get('asia')!.stopApiServer();
  await become(`${DEPLOYMENTS}/moved`, 'eu=3 us=3', ['eu', 'us']);
  await members.get('asia')!.startApiServer();
  // Nothing runs in the others yet, so that nothing has to stay there.
  await become(`${DEPLOYMENTS}/moved`, 'asia=2 eu=2 us=2');
  tt.pass();
});

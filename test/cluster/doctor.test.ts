/** What the doctor makes of a federation endpoint, its Clusters and what fedns may do in them, by two real API servers: host and member. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadSettings } from '../../src/config/load.ts';
import { diagnose } from '../../src/doctor/diagnose.ts';
import { asker } from '../../src/doctor/dns/ask.ts';
import type { StepId, StepReport } from '../../src/doctor/report.ts';
import { CLUSTER_DEFINITION } from '../../src/federation/members/cluster-type.ts';
import {
  hostNamespaceRules,
  hostRules,
  memberRules,
  type Rule,
} from '../../src/federation/members/permissions.ts';
import { systemTimers, type Timers } from '../../src/timers.ts';
import type { Json } from './admin.ts';
import { issueCertificate } from './certificates.ts';
import { Etcd, kubeconfigText, MemberCluster } from './member-cluster.ts';
import { eventually, freePort } from './processes.ts';

// A control plane starts beside the other tests.
t.setTimeout(300_000);

const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
const NAMESPACE = 'fedns';
const NAMESPACE_OF_PEOPLE = 'default';
const CLUSTERS = '/apis/federation.fedns.io/v1beta1/clusters';
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;

const folder = mkdtempSync(join(tmpdir(), 'fedns-doctor-'));
const etcd = await Etcd.start(folder);
const [cluster, other] = await Promise.all([
  MemberCluster.start('one', folder, etcd, { controllers: false }),
  MemberCluster.start('two', folder, etcd, { controllers: false }),
]);
t.teardown(async () => {
  await Promise.all([cluster.stop(), other.stop()]);
  await etcd.stop();
  rmSync(folder, { recursive: true });
});
const { admin } = cluster;

/** A service account with these rules, everywhere and in the namespace of fedns. @returns a token */
async function account(name: string, rules: readonly Rule[], at = cluster): Promise<string> {
  const metadata = { name, namespace: NAMESPACE };
  const api = 'rbac.authorization.k8s.io';
  await at.admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await at.admin.apply({ apiVersion: `${api}/v1`, kind: 'ClusterRole', metadata: { name }, rules });
  await at.admin.apply({
    apiVersion: `${api}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: api, kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  });
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${name}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  return ((await at.admin.create(path, request))['status'] as { token: string }).token;
}

/** Pauses between looks are no part of what is asked. */
const timers: Timers = { ...systemTimers, after: (ms, run) => systemTimers.after(ms < 10_000 ? 0 : ms, run) };

function write(file: string, where: Parameters<typeof kubeconfigText>[0], user: Json): string {
  writeFileSync(join(folder, file), kubeconfigText(where, user));
  return file;
}

/** The configuration of `fedns init --write`, with the host by a kubeconfig. */
function settingsOf(kubeconfig: string, more: Json = {}): ReturnType<typeof loadSettings>['settings'] {
  const file = join(folder, 'fedns.yaml');
  const config = {
    domain: 'example.com',
    nameservers: [{ name: 'ns.example.net' }],
    stateDir: false,
    federations: [{ name: 'f' }],
    clusters: [],
    clusterSecrets: { namespace: NAMESPACE, kubeconfig: { path: kubeconfig } },
    federate: {},
    ...more,
  };
  writeFileSync(file, JSON.stringify(config));
  return loadSettings(file).settings;
}

async function examine(
  step: StepId,
  kubeconfig: string,
  more?: Json,
  times: Timers = timers,
  name?: string,
): Promise<StepReport> {
  const inputs = {
    ...(name !== undefined && { name }),
    file: 'fedns.yaml',
    config: { kind: 'loaded', settings: settingsOf(kubeconfig, more) } as const,
    inspect: async () => [],
    askServer: () => Promise.reject(new Error('no fedns answers')),
    ask: asker(1),
    resolvers: [],
    dnsPort: 53,
    env: {},
    clock: () => NOW_MS,
    timers: times,
  };
  return (await diagnose(inputs, [step]))[0]!;
}

const GOOD = write('good.kubeconfig', cluster, {
  token: await account('good', [...memberRules(), ...hostRules(), ...hostNamespaceRules()]),
});
const lacking = memberRules().map(({ verbs, ...rule }) =>
  rule.resources?.includes('deployments') === true
    ? { ...rule, verbs: verbs.filter((verb) => verb !== 'patch') }
    : { ...rule, verbs },
);
const POOR = write('poor.kubeconfig', cluster, { token: await account('poor', lacking) });
const BARE = write('bare.kubeconfig', cluster, { token: await account('bare', []) });
const NOBODY = write('nobody.kubeconfig', cluster, { token: 'nonsense' });
const STOPPED = write(
  'stopped.kubeconfig',
  { ...cluster, url: `https://127.0.0.1:${await freePort()}` },
  { token: 't' },
);
const STRANGE = write(
  'strange.kubeconfig',
  { ...cluster, ca: issueCertificate({ commonName: 'another authority' }) },
  { token: 't' },
);

const ENDPOINT: readonly (readonly [
  title: string,
  file: string,
  outcome: StepReport['outcome'],
  says: RegExp,
])[] = [
  ['one that takes the credentials is well', GOOD, 'well', /^v1\..*system:serviceaccount:fedns:good/],
  [
    'one that refuses the credentials is told with that',
    NOBODY,
    'wrong',
    /401.* -> give fedns other credentials/,
  ],
  [
    'one that does not run is told as such',
    STOPPED,
    'wrong',
    /ECONNREFUSED.* -> see whether the API server runs/,
  ],
  [
    'one whose certificate is of another authority is not trusted',
    STRANGE,
    'wrong',
    / -> put the server's CA into/,
  ],
];

for (const [title, file, outcome, says] of ENDPOINT) {
  t.test(`endpoint: ${title}`, async (tt) => {
    const { outcome: came, findings } = await examine('endpoint', file);
    tt.equal(came, outcome);
    tt.match(findings, [{ about: 'federation endpoint' }]);
    tt.match(`${findings[0]!.found} -> ${findings[0]!.next}`, says);
  });
}

t.test('endpoint: without a federation there is none to look at', async (tt) => {
  const alone = {
    clusterSecrets: undefined,
    federate: undefined,
    clusters: [{ name: 'a', kubeconfig: { path: GOOD } }],
  };
  tt.equal((await examine('endpoint', GOOD, alone)).outcome, 'none');
  tt.equal((await examine('members', GOOD, alone)).outcome, 'none');
});

t.test('members: a host that was never prepared has no Clusters', async (tt) => {
  const { outcome, findings } = await examine('members', GOOD);
  tt.equal(outcome, 'wrong');
  tt.match(findings, [
    { about: 'fedns federate', found: 'it has never run' },
    { about: 'clusters', next: /fedns init/ },
  ]);
});

function condition(type: string, status: string, message: string, ageSeconds = 10): Json {
  const time = new Date(NOW_MS - ageSeconds * 1000).toISOString().replace(/\.\d+/, '');
  return { type, status, reason: 'Probed', message, lastProbeTime: time, lastTransitionTime: time };
}

const MEMBERS: readonly (readonly [
  title: string,
  name: string,
  status: Json | undefined,
  outcome: string,
  says: RegExp,
])[] = [
  [
    'one that is Ready is well',
    'ready',
    {
      phase: 'Ready',
      version: 'v1.36.3',
      conditions: [condition('Ready', 'True', 'ok'), condition('Offline', 'False', 'ok')],
    },
    'well',
    /^Ready, v1\.36\.3/,
  ],
  [
    'one that is Offline is told with the reason',
    'offline',
    {
      phase: 'Offline',
      conditions: [
        condition('Ready', 'Unknown', 'no contact'),
        condition('Offline', 'True', 'connection refused'),
      ],
    },
    'wrong',
    /^Offline is True, Probed: connection refused -> .*kubectl describe cluster offline/,
  ],
  [
    'one that is not Ready is told with what it says',
    'unready',
    {
      phase: 'NotReady',
      conditions: [
        condition('Ready', 'False', 'etcd failed: reason withheld'),
        condition('Offline', 'False', 'ok'),
      ],
    },
    'wrong',
    /^Ready is False, Probed: etcd failed.* -> kubectl describe cluster unready/,
  ],
  ['one that nobody has looked at is untried', 'new', undefined, 'untried', /run fedns federate/],
  [
    'one that nobody looks at any more is untried',
    'forgotten',
    {
      phase: 'Ready',
      conditions: [condition('Ready', 'True', 'ok', 3600), condition('Offline', 'False', 'ok', 3600)],
    },
    'untried',
    /^was Ready 60 minutes ago -> see whether fedns federate runs/,
  ],
];

t.test('members: each registered cluster by its conditions', async (tt) => {
  await admin.apply(CLUSTER_DEFINITION);
  await eventually(() => admin.get(CLUSTERS));
  tt.match(await examine('members', GOOD), { findings: [{}, { found: 'none is registered' }] });
  for (const [, name, status] of MEMBERS) {
    const spec = { uid: name, server: cluster.url, secretRef: { name } };
    await admin.create(CLUSTERS, {
      apiVersion: 'federation.fedns.io/v1beta1',
      kind: 'Cluster',
      metadata: { name },
      spec,
    });
    if (status !== undefined) await admin.patch(`${CLUSTERS}/${name}/status`, { status });
  }
  const { findings } = await examine('members', GOOD);
  for (const [title, name, , outcome, says] of MEMBERS) {
    const finding = findings.find(({ about }) => about === name);
    tt.equal(finding?.outcome, outcome, title);
    tt.match(`${finding?.found} -> ${finding?.next}`, says, title);
  }
});

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

/** Time in which the holder of the Lease renews it: whoever waits finds it renewed. */
const renewing: Timers = {
  ...timers,
  after(ms, run) {
    if (ms >= 10_000) return timers.after(ms, run);
    const renewTime = '2001-01-01T00:00:01.000000Z';
    void admin.patch(`${LEASES}/fedns-federate-f`, { spec: { renewTime } }).then(run);
    return { cancel: () => {} };
  },
};

async function federateOf(times: Timers = timers): Promise<StepReport['findings'][number] | undefined> {
  const { findings } = await examine('members', GOOD, {}, times);
  return findings.find(({ about }) => about === 'fedns federate');
}

t.test('members: federate runs where its Lease is renewed, by whatever clock', async (tt) => {
  const spec = {
    holderIdentity: 'host-1_a',
    leaseDurationSeconds: 12,
    renewTime: '2001-01-01T00:00:00.000000Z',
  };
  const metadata = { name: 'fedns-federate-f' };
  await admin.create(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
  tt.match(await federateOf(), { outcome: 'wrong', found: /^host-1_a has not renewed it since 2001/ });
  tt.match(await federateOf(renewing), { outcome: 'well', found: 'host-1_a is active' });
  await admin.patch(`${LEASES}/fedns-federate-f`, { spec: { holderIdentity: '' } });
  tt.match(await federateOf(), {
    outcome: 'wrong',
    found: 'it has been stopped',
    next: 'start fedns federate',
  });
});

/** The Secret that `fedns join` makes. */
async function joinAs(name: string, kubeconfig: string): Promise<void> {
  const metadata = {
    name,
    labels: { 'fedns.io/cluster': name },
    annotations: { 'fedns.io/region': 'r', 'fedns.io/zones': 'z' },
  };
  await admin.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { kubeconfig } });
}

t.test('permissions: each cluster that has joined, and the endpoint, by their own word', async (tt) => {
  await joinAs('full', kubeconfigText(other, { token: await account('full', memberRules(), other) }));
  await joinAs('lacking', kubeconfigText(other, { token: await account('lacking', lacking, other) }));
  const { outcome, findings } = await examine('permissions', GOOD);
  tt.equal(outcome, 'wrong');
  const of = (name: string) => findings.find(({ about }) => about === name);
  tt.match(of('host of the Clusters'), { outcome: 'well' });
  tt.match(of('federation endpoint'), { outcome: 'well' });
  tt.match(of('full'), { outcome: 'well', found: /^(\d+) of \1 are allowed$/ });
  tt.match(of('lacking'), {
    outcome: 'wrong',
    found: /^not allowed: patch deployments\.apps; patch /,
    next: /fedns join lacking/,
  });
});

t.test(
  'permissions: where the Secrets may not be read, the host is told of, and no member is known',
  async (tt) => {
    const { outcome, findings } = await examine('permissions', BARE);
    tt.equal(outcome, 'wrong');
    tt.match(findings, [
      { about: 'host of the Clusters', found: /^not allowed: get, list, watch secrets in fedns; / },
      { about: 'federation endpoint', outcome: 'wrong' },
      { about: 'clusters', outcome: 'untried', found: /secrets is forbidden/ },
    ]);
  },
);

t.test('permissions: a cluster of the file needs only what serve reads', async (tt) => {
  const more = { clusterSecrets: undefined, federate: undefined };
  const one = (path: string): Json => ({ ...more, clusters: [{ name: 'one', kubeconfig: { path } }] });
  tt.match(await examine('permissions', GOOD, one(POOR)), { outcome: 'well', findings: [{ about: 'one' }] });
  tt.match(await examine('permissions', GOOD, one(NOBODY)), {
    outcome: 'untried',
    findings: [{ found: /401/ }],
  });
  tt.match(await examine('permissions', GOOD, one(BARE)), {
    outcome: 'wrong',
    findings: [
      {
        found:
          /^not allowed: list, watch services; list, watch endpointslices\.discovery\.k8s\.io; list, watch nodes$/,
      },
    ],
  });
});

/** An object of the endpoint that is federated. @param annotations - for example what federate says of it */
async function federated(name: string, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  const metadata = {
    name,
    namespace: NAMESPACE_OF_PEOPLE,
    labels: { 'fedns.io/federation': 'f' },
    annotations,
  };
  await admin.create(`/api/v1/namespaces/${NAMESPACE_OF_PEOPLE}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
  });
}

t.test('objects: where none is federated there is nothing to look at', async (tt) => {
  tt.match(await examine('objects', GOOD), { outcome: 'none', findings: [{ about: '0 federated objects' }] });
  tt.match(await examine('objects', GOOD, { federate: undefined }), { outcome: 'none' });
});

t.test('objects: each that is not where it is placed is told, with what is known of why', async (tt) => {
  await federated('elsewhere', { 'fedns.io/clusters': 'nowhere' });
  tt.match(await examine('objects', GOOD), {
    outcome: 'well',
    findings: [{ found: /^in all of their clusters/ }],
  });
  await federated('forgotten');
  const refused = {
    type: 'federation.fedns.io/Propagated',
    status: 'False',
    reason: 'Refused',
    message: 'in 0 of 1 clusters; full: exceeded quota: compute',
    lastTransitionTime: '2026-11-28T11:00:00Z',
  };
  await federated('refused', { 'federation.fedns.io/conditions': JSON.stringify([refused]) });
  const { outcome, findings } = await examine('objects', GOOD);
  tt.equal(outcome, 'wrong');
  tt.strictSame(
    findings.map(({ about, found }) => `${about}: ${found}`),
    [
      `ConfigMap ${NAMESPACE_OF_PEOPLE}/forgotten: not in full, lacking, and nobody says why`,
      `ConfigMap ${NAMESPACE_OF_PEOPLE}/refused: Refused: in 0 of 1 clusters; full: exceeded quota: compute`,
    ],
  );
  tt.match(findings[0]?.next, /see whether fedns federate runs/);
});

t.test('objects: one that is asked for and lacks the label is told, with the label', async (tt) => {
  await admin.create(`/api/v1/namespaces/${NAMESPACE_OF_PEOPLE}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'unlabelled', namespace: NAMESPACE_OF_PEOPLE },
  });
  const asked = `unlabelled.${NAMESPACE_OF_PEOPLE}.f`;
  tt.match(await examine('objects', GOOD, undefined, timers, asked), {
    outcome: 'wrong',
    findings: [
      {
        about: `ConfigMap ${NAMESPACE_OF_PEOPLE}/unlabelled`,
        found: 'it has no copies: not labelled fedns.io/federation: f',
        next: new RegExp(
          `label -n ${NAMESPACE_OF_PEOPLE} configmap unlabelled fedns.io/federation=f, and its namespace`,
        ),
      },
    ],
  });
  tt.match(await examine('objects', GOOD, undefined, timers, `unheard.${NAMESPACE_OF_PEOPLE}.f`), {
    outcome: 'none',
  });
});

t.test('objects: an endpoint that is a member itself has no copies, and needs none', async (tt) => {
  await joinAs('itself', kubeconfigText(cluster, { token: await account('itself', memberRules()) }));
  const { findings } = await examine('objects', GOOD);
  tt.match(findings[0], { found: 'not in full, lacking, and nobody says why' });
});

t.test('objects: a cluster out of reach leaves it unknown what it has', async (tt) => {
  await joinAs(
    'gone',
    kubeconfigText({ ...cluster, url: `https://127.0.0.1:${await freePort()}` }, { token: 't' }),
  );
  const { findings } = await examine('objects', GOOD);
  tt.match(findings.at(-1), { outcome: 'untried', about: 'gone', found: /ECONNREFUSED/ });
});

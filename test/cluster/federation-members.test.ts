/** `fedns init`, `join` and `unjoin` against a real host and real members, and the status of Clusters, as kubectl shows it. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { CLUSTER_DEFAULTS } from '../../src/config/cluster-defaults.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { ResourceType } from '../../src/federation/api/object.ts';
import { openContext, type World } from '../../src/federation/members/contact.ts';
import { FederationError } from '../../src/federation/members/federation-error.ts';
import { initFederation, type InitChoice } from '../../src/federation/members/init.ts';
import { joinCluster, type JoinChoice } from '../../src/federation/members/join.ts';
import { StatusKeeper } from '../../src/federation/members/status-keeper.ts';
import { unjoinCluster, type UnjoinChoice } from '../../src/federation/members/unjoin.ts';
import { inspect } from '../../src/inspect/inspect.ts';
import { systemTimers } from '../../src/timers.ts';
import { accessLoader, Credentials } from '../../src/watchers/credentials/credentials.ts';
import { ClusterSecrets } from '../../src/watchers/kubernetes/cluster-secrets.ts';
import { programFolder } from './binaries.ts';
import { Etcd, MemberCluster } from './member-cluster.ts';
import { eventually } from './processes.ts';

// Three control planes start beside the other tests.
t.setTimeout(400_000);

const folder = mkdtempSync(join(tmpdir(), 'fedns-members-'));
const etcd = await Etcd.start(folder);
const start = (name: string): Promise<MemberCluster> =>
  MemberCluster.start(name, folder, etcd, { granted: false });
const [host, us, eu] = (await Promise.all(['host', 'us', 'eu'].map(start))) as [
  MemberCluster,
  MemberCluster,
  MemberCluster,
];
const all = [host, us, eu];
t.teardown(async () => {
  await Promise.all(all.map((cluster) => cluster.stop()));
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const env = { ...process.env, KUBECONFIG: all.map(({ kubeconfig }) => kubeconfig).join(':') };
const FILE = join(folder, 'fedns.yaml');
let lines: string[] = [];
let aheadMs = 0;
const world: World = {
  env,
  timers: systemTimers,
  clock: () => Date.now() + aheadMs,
  addresses: () => ['192.0.2.1'],
  say: (line) => void lines.push(line),
};

/** What was said. */
async function said(run: () => Promise<unknown>): Promise<string[]> {
  lines = [];
  await run();
  return lines;
}

/** The code of what is refused, and what was said before. */
async function refused(
  run: () => Promise<unknown>,
): Promise<{ readonly code: string; readonly text: string }> {
  lines = [];
  try {
    await run();
  } catch (error) {
    assert.ok(error instanceof FederationError, String(error));
    return { code: error.code, text: error.message };
  }
  return { code: 'done', text: lines.join('\n') };
}

const init = (choice: Partial<InitChoice> = {}, federation = 'main'): Promise<string> =>
  initFederation(
    federation,
    { context: 'host', domain: 'example.com', select: 'label', nameservers: [], write: FILE, ...choice },
    world,
  );
const joins = (name: string, choice: Partial<JoinChoice> = {}): Promise<string> =>
  joinCluster(name, { context: name, hostContext: 'host', ...choice }, world);
const unjoins = (name: string, choice: Partial<UnjoinChoice> = {}): Promise<void> =>
  unjoinCluster(name, { context: name, hostContext: 'host', ...choice }, world);

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(programFolder(), 'kubectl'), args, { env });
  return stdout;
}

const LISTS: Readonly<Record<string, string>> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/serviceaccounts',
  Secret: '/api/v1/secrets',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: '/apis/rbac.authorization.k8s.io/v1/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/rolebindings',
};

/** Everything that registration makes in a cluster, with its version. */
async function madeIn({ admin }: MemberCluster): Promise<string[]> {
  const lists = Object.entries(LISTS).map(async ([kind, path]) => {
    const list = await admin.get(`${path}?labelSelector=app.kubernetes.io/managed-by=fedns`);
    const items = list['items'] as readonly { metadata: { name: string; resourceVersion: string } }[];
    return items.map(({ metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`);
  });
  return (await Promise.all(lists)).flat();
}

const names = (made: readonly string[]): string[] =>
  made.map((line) => line.split(' ').slice(0, 2).join(' '));

await t.test('a cluster cannot join a host that is none yet, and nothing is written', async (t) => {
  t.match(await refused(() => joins('us')), {
    code: 'NO_FEDERATION',
    text: /fedns init FEDERATION --context host --domain DOMAIN/,
  });
  t.same(await madeIn(us), []);
});

await t.test('init makes the host, says so in order, and a second time changes nothing', async (t) => {
  const dry = await init({ dryRun: true });
  t.match(dry, /kind: CustomResourceDefinition[^]*kind: ClusterRole\n/);
  t.same(await madeIn(host), [], 'a dry run writes nothing');
  t.same(await said(init), [
    'host: Namespace fedns made',
    'host: CustomResourceDefinition clusters.federation.fedns.io made',
    'host: ServiceAccount fedns/fedns-host made',
    'host: ClusterRole fedns-host made',
    'host: ClusterRoleBinding fedns-host made',
    'host: Role fedns/fedns-host made',
    'host: RoleBinding fedns/fedns-host made',
    'host: Secret fedns/fedns-host-token made',
    'its name server is ns1.example.com at 192.0.2.1, this machine: --nameserver says otherwise',
    `${join(folder, 'fedns.kubeconfig')} written`,
    `${FILE} written`,
    'context host is the host of federation main, domain example.com',
  ]);
  const made = await madeIn(host);
  const again = await said(init);
  t.same(await madeIn(host), made);
  t.match(again.at(-1), /already: nothing was changed there/);
  t.notOk(again.some((line) => / (made|changed|written)$/.test(line)));
  t.equal(statSync(join(folder, 'fedns.kubeconfig')).mode & 0o777, 0o600);
});

await t.test('a host is that of one federation, and a file of people is not overwritten', async (t) => {
  t.match(await refused(() => init({}, 'other')), { code: 'OTHER_FEDERATION', text: /federation main/ });
  t.match(await refused(() => init({ domain: 'example.org' })), { code: 'OTHER_FEDERATION' });
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, 'mine: yes\n');
  t.match(await refused(() => init({ write: file })), { code: 'FILE_EXISTS' });
  t.equal(readFileSync(file, 'utf8'), 'mine: yes\n');
});

await t.test('what cannot be a member is refused before anything is written', async (t) => {
  const plain = join(folder, 'plain.kubeconfig');
  const text = readFileSync(us.kubeconfig, 'utf8');
  const config = JSON.parse(text) as { clusters: [{ cluster: Record<string, unknown> }] };
  const { server } = config.clusters[0].cluster;
  config.clusters[0].cluster = { server, 'insecure-skip-tls-verify': true };
  const hostConfig = JSON.parse(readFileSync(host.kubeconfig, 'utf8')) as Record<string, unknown[]>;
  const both = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      Array.isArray(value) ? [...value, ...hostConfig[key]!] : value,
    ]),
  );
  writeFileSync(plain, JSON.stringify(both));
  const cases: readonly (readonly [
    code: string,
    title: string,
    name: string,
    choice: Partial<JoinChoice>,
  ])[] = [
    ['NAME_MALFORMED', 'capital letters', 'US', {}],
    ['NAME_MALFORMED', 'two labels', 'us.east', {}],
    ['NAME_MALFORMED', 'a hyphen first', '-us', {}],
    ['NAME_MALFORMED', 'the label that names have between Service and place', 'svc', {}],
    ['NAME_MALFORMED', '64 characters', 'u'.repeat(64), {}],
    ['NAME_MALFORMED', 'a region that is no label', 'us', { region: 'us_east' }],
    ['NAME_MALFORMED', 'an empty zone', 'us', { zones: 'a,' }],
    ['CONTEXT_UNUSABLE', 'a context that no kubeconfig has', 'us', { context: 'nowhere' }],
    ['CONTEXT_UNUSABLE', 'a host context that no kubeconfig has', 'us', { hostContext: 'nowhere' }],
    ['CONTEXT_UNUSABLE', 'a kubeconfig that is not there', 'us', { kubeconfig: join(folder, 'nothing') }],
    ['NOT_KEEPABLE', 'TLS that is not verified', 'us', { kubeconfig: plain }],
    ['NOT_KEEPABLE', 'an address that is no https', 'us', { server: 'http://192.0.2.1' }],
  ];
  for (const [code, title, name, choice] of cases)
    t.equal((await refused(() => joins(name, { context: 'us', ...choice }))).code, code, title);
  t.same(await madeIn(us), []);
});

await t.test('join makes a member, says so in order, and a second time changes nothing', async (t) => {
  for (const zone of ['us-a', 'us-b'])
    await us.admin.apply({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `node-${zone}`,
        labels: { 'topology.kubernetes.io/region': 'us', 'topology.kubernetes.io/zone': zone },
      },
    });
  const first = await said(() => joins('us'));
  t.match(first, [
    'us: region us, zones us-a, us-b, by the labels of 2 Nodes',
    'us: Namespace fedns made',
    'us: ServiceAccount fedns/fedns-member made',
    'us: ClusterRole fedns-member made',
    'us: ClusterRoleBinding fedns-member made',
    'us: Secret fedns/fedns-member-token made',
    /^us: its token works at 127\.0\.0\.1:\d+, and lasts until its Secret is deleted$/,
    'host: Secret fedns/us made',
    'host: Cluster us made',
    'cluster us is a member',
  ]);
  const made = [await madeIn(us), await madeIn(host)];
  const again = await said(() => joins('us'));
  t.same([await madeIn(us), await madeIn(host)], made);
  t.equal(again.at(-1), 'cluster us is a member already, and nothing was changed');
});

await t.test('one cluster has one name, and one name is one cluster', async (t) => {
  t.match(await refused(() => joins('usa', { context: 'us' })), { code: 'ALREADY_MEMBER', text: /as us \(/ });
  t.match(await refused(() => joins('us', { context: 'eu' })), { code: 'NAME_TAKEN' });
  t.same(await madeIn(eu), []);
});

await t.test('a join that fails half-way is taken back', async (t) => {
  // A namespace of people's own, and a Secret of theirs where that of the cluster is to be.
  await eu.admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fedns' } });
  await host.admin.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'eu', namespace: 'fedns' },
    type: 'example.com/other',
  });
  const before = await madeIn(host);
  t.match(await refused(() => joins('eu')), { code: 'REFUSED', text: /host: Secret fedns\/eu: .*conflict/ });
  t.same(lines.slice(lines.indexOf('that failed, and is taken back:')), [
    'that failed, and is taken back:',
    'eu: Secret fedns/fedns-member-token removed again',
    'eu: ClusterRoleBinding fedns-member removed again',
    'eu: ClusterRole fedns-member removed again',
    'eu: ServiceAccount fedns/fedns-member removed again',
  ]);
  t.same(await madeIn(eu), []);
  t.same(await madeIn(host), before);
  await host.admin.remove('/api/v1/namespaces/fedns/secrets/eu');
});

/** What a dry run prints for the member, and for the host. */
const parts = async (): Promise<string[]> =>
  (await joins('eu', { dryRun: true, region: 'europe', zones: 'b,a' })).split(/^(?=---\n# For the host)/m);

await t.test('what a dry run prints makes a member when kubectl applies it', async (t) => {
  const apply = async (text: string, context: string): Promise<string> => {
    const file = join(folder, `${context}-dry.yaml`);
    writeFileSync(file, text);
    return kubectl('--context', context, 'apply', '-f', file);
  };
  const [member, withoutToken] = await parts();
  t.match(withoutToken, /^# The token is not there yet:[^]*token: PUT-THE-TOKEN-HERE$/m);
  t.same(await madeIn(eu), [], 'nothing is written');
  t.match(await apply(member!, 'eu'), /secret\/fedns-member-token created/);
  const withToken = await eventually(async () => {
    const [, text = ''] = await parts();
    assert.match(text, /^ +token: ey/m);
    return text;
  });
  t.match(await apply(withToken, 'host'), /secret\/eu created\ncluster.federation.fedns.io\/eu created/);
  const shown = await kubectl('--context', 'host', 'get', 'cluster', 'eu', '-o', 'jsonpath={.spec.zones}');
  t.equal(shown, '["a","b"]');
});

await t.test(
  'what people apply is theirs to change; with other words a second join changes just that',
  async (t) => {
    t.match(await refused(() => joins('eu', { region: 'eu', zones: 'a,b' })), {
      code: 'REFUSED',
      text: /conflict with "kubectl-client-side-apply".*fedns\.io\/region.*: change it there/,
    });
    await host.admin.remove('/api/v1/namespaces/fedns/secrets/eu');
    await host.admin.remove('/apis/federation.fedns.io/v1beta1/clusters/eu');
    await joins('eu', { region: 'europe', zones: 'a,b' });
    const made = await madeIn(eu);
    const again = await said(() => joins('eu', { region: 'eu', zones: 'a,b' }));
    t.same(
      again.filter((line) => /: .* (made|changed)$/.test(line)),
      ['host: Secret fedns/eu changed', 'host: Cluster eu changed'],
    );
    t.same(await madeIn(eu), made);
  },
);

/** What a join with a token that ends writes. */
const changed = async (): Promise<string[]> =>
  (await said(() => joins('eu', { region: 'eu', zones: 'a,b', tokenSeconds: 3600 }))).filter((line) =>
    /: .* (made|changed)$/.test(line),
  );

await t.test('a token that ends is renewed in the last third of its time, and not before', async (t) => {
  t.same(await changed(), ['host: Secret fedns/eu changed']);
  t.ok(lines.some((line) => /^eu: its token works at .*, and ends at 2\d{3}-.*Z: run this again/.test(line)));
  t.same(await changed(), []);
  aheadMs = 39 * 60_000;
  t.same(await changed(), []);
  aheadMs = 41 * 60_000;
  t.same(await changed(), ['host: Secret fedns/eu changed']);
  aheadMs = 0;
});

await t.test('init has fedns run in the host, and kubectl takes what its dry run prints', async (t) => {
  const choice = {
    context: 'host',
    domain: 'example.com',
    select: 'all',
    nameservers: [{ name: 'ns1.example.com', addresses: ['192.0.2.1'] }],
    image: 'registry.example.com/fedns:0.1.0',
  } as const;
  const made = await said(() => initFederation('main', choice, world));
  t.same(
    made.filter((line) => line.endsWith(' made')),
    [
      'host: ConfigMap fedns/fedns-config made',
      'host: Deployment fedns/fedns-serve made',
      'host: Deployment fedns/fedns-federate made',
      'host: Service fedns/fedns made',
    ],
  );
  const file = join(folder, 'init-dry.yaml');
  writeFileSync(file, await initFederation('main', { ...choice, dryRun: true }, world));
  const taken = await kubectl('--context', 'eu', 'apply', '--dry-run=server', '-f', file);
  t.match(taken, /^namespace\/fedns .*\n[^]*^deployment.apps\/fedns-federate created/m);
});

await t.test('the host may be a member, too, and stays the host when it leaves', async (t) => {
  await joins('home', { context: 'host' });
  t.equal(
    (await said(() => init())).at(-1),
    'context host is the host of federation main, domain example.com, already: nothing was changed there',
  );
  const left = await said(() => unjoins('home', { context: 'host' }));
  t.ok(left.includes('host: Namespace fedns stays: it is that of the host, too'), left.join('\n'));
  t.match(await refused(() => init({}, 'other')), { code: 'OTHER_FEDERATION' });
});

const REVIEW: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
};

/** `VERB RESOURCE.GROUP [NAMESPACE]`, as the account of a kubeconfig is told. */
async function may(kubeconfig: string, context: string, asked: readonly string[]): Promise<string[]> {
  const contact = await openContext(context, [kubeconfig], world);
  try {
    return await Promise.all(
      asked.map(async (words) => {
        const [verb, what = '', namespace = ''] = words.split(' ');
        const [path = '', ...group] = what.split('.');
        const [resource, subresource = ''] = path.split('/');
        const resourceAttributes = { verb, resource, subresource, namespace, group: group.join('.') };
        const made = await contact.objects.create(REVIEW, { spec: { resourceAttributes } });
        assert.ok(made.ok, JSON.stringify(made));
        return `${words}: ${(made.value['status'] as { allowed: boolean }).allowed ? 'yes' : 'no'}`;
      }),
    );
  } finally {
    contact.close();
  }
}

/** Where the kubeconfig of a Secret is put. */
function kubeconfigOf(secret: string): string {
  return join(folder, `${secret}.secret`);
}

await t.test('an account may do what its part needs, and nothing more', async (t) => {
  const data = await kubectl(
    '--context',
    'host',
    'get',
    'secret',
    '-n',
    'fedns',
    'us',
    '-o',
    'jsonpath={.data.kubeconfig}',
  );
  writeFileSync(kubeconfigOf('us'), Buffer.from(data, 'base64'));
  const check = async (kubeconfig: string, context: string, answers: readonly string[]): Promise<void> => {
    const asked = answers.map((answer) => answer.replace(/: (yes|no)$/, ''));
    t.same(await may(kubeconfig, context, asked), answers);
  };
  await check(kubeconfigOf('us'), 'us', [
    'watch services: yes',
    'watch endpointslices.discovery.k8s.io: yes',
    'list nodes: yes',
    'create services: yes',
    'patch deployments.apps: yes',
    'delete ingresses.networking.k8s.io: yes',
    'list pods: yes',
    'create pods: no',
    'patch nodes: no',
    'create serviceaccounts/token: no',
    'patch clusterroles.rbac.authorization.k8s.io: no',
    'patch deployments.apps/status: no',
  ]);
  await check(join(folder, 'fedns.kubeconfig'), 'main-host', [
    'watch services: yes',
    'patch services/status: yes',
    'create events: yes',
    'patch clusters/status.federation.fedns.io: yes',
    'update leases.coordination.k8s.io fedns: yes',
    'watch secrets fedns: yes',
    'update leases.coordination.k8s.io default: no',
    'patch clusters.federation.fedns.io: no',
    'delete services: no',
    'create deployments.apps: no',
    'create secrets fedns: no',
  ]);
});

await t.test('what --write has written is accepted by check, and leads to the members', async (t) => {
  const { settings, warnings } = loadSettings(FILE);
  t.same(warnings, []);
  t.same(await inspect({ ...settings, stateDir: join(folder, 'state') }, { env: {}, clock: Date.now }), []);
  t.match(settings, { domain: 'example.com', federate: { federation: 'main', select: 'label' } });
  const { namespace, origin } = settings.clusterSecrets!;
  const complete = Promise.withResolvers<void>();
  const found: string[] = [];
  const secrets = new ClusterSecrets({
    namespace,
    credentials: credentialsOf(origin),
    defaults: CLUSTER_DEFAULTS,
    reserved: () => new Set(),
    onJoin: ({ settings: { name, region, zones = [] } }) =>
      void found.push([name, region ?? '-', ...zones].join(' ')),
    onLeave: () => {},
    onComplete: () => complete.resolve(),
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log: { info: () => {}, warn: () => {} },
  });
  secrets.start();
  await complete.promise;
  t.same(found.toSorted(), ['eu eu a b', 'us -']);
  await secrets.stop();
});

function credentialsOf(origin: Parameters<typeof accessLoader>[0]): Credentials {
  return new Credentials({ load: accessLoader(origin, env), timers: systemTimers, clock: Date.now, env });
}

await t.test('kubectl shows how members are: Ready, another cluster, Offline', async (t) => {
  const contact = await openContext('main-host', [join(folder, 'fedns.kubeconfig')], world);
  const keeper = new StatusKeeper({
    objects: contact.objects,
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log: { warn: (fields) => t.fail(JSON.stringify(fields)) },
  });
  const credentials = ['us', 'eu'].map(() =>
    credentialsOf({ kind: 'kubeconfig', path: kubeconfigOf('us'), allowInsecure: false, execAllowed: [] }),
  );
  t.teardown(async () => {
    await keeper.stop();
    for (const one of credentials) one.close();
    contact.close();
  });
  keeper.start();
  keeper.join({ name: 'us' }, credentials[0]!);
  // By a mistake, the credentials of us: it is not the cluster that joined as eu.
  keeper.join({ name: 'eu', region: 'eu', zones: ['a', 'b'] }, credentials[1]!);
  const table = async (...rows: readonly RegExp[]): Promise<void> => {
    const text = await kubectl('--context', 'host', 'get', 'clusters', '--sort-by', '.metadata.name');
    for (const [i, line] of text.trimEnd().split('\n').entries()) assert.match(line, rows[i]!, text);
  };
  await eventually(() =>
    table(/^NAME +STATUS +VERSION +AGE$/, /^eu +NotReady +v1\.36\.3 +\d+/, /^us +Ready +v1\.36\.3 +\d+/),
  );
  const ready = await kubectl('--context', 'host', 'describe', 'cluster', 'us');
  t.match(
    ready,
    /Message: +\/readyz responded with ok\n +Reason: +ClusterReady\n +Status: +True\n +Type: +Ready/,
  );
  t.match(ready, /Reason: +ClusterReachable\n +Status: +False\n +Type: +Offline/);
  t.match(ready, /Region: +us\n[^]*Zones:\n +us-a\n +us-b/);
  t.match(await kubectl('--context', 'host', 'describe', 'cluster', 'eu'), /Reason: +OtherCluster/);
  await us.stopApiServer();
  await eventually(() => table(/^NAME/, /^eu/, /^us +Offline +v1\.36\.3 +\d+/));
  const offline = await kubectl('--context', 'host', 'describe', 'cluster', 'us');
  t.match(
    offline,
    /Message: +connect ECONNREFUSED.*\n +Reason: +ClusterNotReachable\n +Status: +True\n +Type: +Offline/,
  );
});

await t.test('a member that is out of reach leaves with --force only, and what stays is said', async (t) => {
  const before = await madeIn(host);
  t.match(await refused(() => unjoins('us')), { code: 'MEMBER_UNREACHABLE', text: /with --force/ });
  t.match(await refused(() => unjoins('us', { context: 'eu' })), { code: 'OTHER_CLUSTER' });
  t.match(await refused(() => unjoins('us', { context: 'eu', force: true })), { code: 'OTHER_CLUSTER' });
  t.same(await madeIn(host), before);
  const forced = await said(() => unjoins('us', { force: true }));
  t.match(forced[0], /^us: cannot be reached, and is taken out without it: connect ECONNREFUSED/);
  t.match(forced.slice(1, 3), ['host: Secret fedns/us removed', 'host: Cluster us removed']);
  t.ok(forced.includes('  kubectl --context us delete clusterrolebinding fedns-member'));
  t.ok(forced.includes('  kubectl --context us delete secret -n fedns fedns-member-token'));
  t.notOk(names(await madeIn(host)).includes('Secret us'));
});

await t.test(
  'unjoin takes away what join made, and leaves what was there and what was brought',
  async (t) => {
    await eu.admin.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default', labels: { 'federation.fedns.io/managed': 'main' } },
      spec: { ports: [{ port: 80 }] },
    });
    t.same(await said(() => unjoins('eu')), [
      'host: Secret fedns/eu removed',
      'host: Cluster eu removed',
      'host: fedns serve answers no longer with the Services of eu, and fedns federate leaves it alone',
      'eu: ClusterRoleBinding fedns-member removed',
      'eu: Secret fedns/fedns-member-token removed',
      'eu: ServiceAccount fedns/fedns-member removed',
      'eu: ClusterRole fedns-member removed',
      'eu: Namespace fedns stays: it was there before fedns',
      'eu: 1 services of the federation stay there, labelled federation.fedns.io/managed, and fedns no longer changes them',
    ]);
    t.same(await madeIn(eu), []);
    t.match(await refused(() => unjoins('eu')), { code: 'NOT_A_MEMBER' });
  },
);

await t.test(
  'what is left in a cluster that was forced out goes when it is back, with its namespace',
  async (t) => {
    await us.startApiServer();
    const back = await said(() => unjoins('us'));
    t.equal(back[0], 'host: knows no cluster us; what is left in us goes');
    t.ok(back.includes('us: Namespace fedns removed'));
    t.same(names(await madeIn(us)), ['Namespace fedns'], 'which Kubernetes empties and deletes');
  },
);

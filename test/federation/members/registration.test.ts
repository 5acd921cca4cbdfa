import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { parseSettings } from '../../../src/config/load.ts';
import { federatedKinds } from '../../../src/federation/kinds/table.ts';
import { configurationText } from '../../../src/federation/members/configuration.ts';
import { kubeconfigFiles, openContext } from '../../../src/federation/members/contact.ts';
import { deploymentObjects } from '../../../src/federation/members/deployment-objects.ts';
import { kubeconfigText } from '../../../src/federation/members/kubeconfig-text.ts';
import { checkReachable } from '../../../src/federation/members/local-address.ts';
import { clusterSecret } from '../../../src/federation/members/member-objects.ts';
import { FEDERATED, hostRules, memberRules, type Rule } from '../../../src/federation/members/permissions.ts';
import { systemTimers } from '../../../src/timers.ts';
import { watchedKinds } from '../../../src/watchers/kubernetes/kinds.ts';
import { secretsResource } from '../../../src/watchers/kubernetes/cluster-secret.ts';

t.test('an address that means another machine elsewhere is refused, unless the host is here, too', (t) => {
  const host = { server: new URL('https://203.0.113.1:6443') };
  const here = { server: new URL('https://127.0.0.1:6443') };
  const local = [
    'https://127.0.0.1:6443',
    'https://127.8.8.8',
    'https://localhost:6443',
    'https://api.localhost',
    'https://[::1]:6443',
    'https://0.0.0.0:6443',
    'https://169.254.1.1',
    'https://[fe80::1]',
    'https://kubernetes.default.svc',
    'https://kubernetes.default.svc.cluster.local',
    'https://kubernetes',
  ];
  for (const server of local) {
    t.throws(() => checkReachable({ server: new URL(server) }, host), { code: 'ADDRESS_LOCAL' }, server);
    t.doesNotThrow(() => checkReachable({ server: new URL(server) }, here), server);
  }
  for (const server of [
    'https://192.0.2.1',
    'https://10.0.0.1:6443',
    'https://[2001:db8::1]',
    'https://kubernetes.example.com',
  ])
    t.doesNotThrow(() => checkReachable({ server: new URL(server) }, host), server);
  const proxied = { server: new URL('https://192.0.2.1'), proxy: new URL('socks5://localhost:1080') };
  t.throws(() => checkReachable(proxied, host), { message: /localhost:1080.*--server/ });
  t.end();
});

const covers = (rules: readonly Rule[], group: string, resource: string, verb: string): boolean =>
  rules.some(
    ({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb),
  );

t.test('accounts may do with each federated kind what federate does with it', (t) => {
  const kinds = federatedKinds({ division: 'v1' });
  t.same(
    FEDERATED.map(({ group, plural, kind }) => [group, plural, kind].join(' ')).toSorted(),
    kinds.map(({ type: { group, plural, kind } }) => [group, plural, kind].join(' ')).toSorted(),
  );
  for (const { type, status, hasConditions } of kinds) {
    for (const verb of ['get', 'list', 'watch', 'create', 'patch', 'delete'])
      t.ok(covers(memberRules(), type.group, type.plural, verb), `${verb} ${type.plural} in a member`);
    for (const verb of ['get', 'list', 'watch', 'patch'])
      t.ok(covers(hostRules(), type.group, type.plural, verb), `${verb} ${type.plural} in the host`);
    if (status !== undefined || hasConditions)
      t.ok(covers(hostRules(), type.group, `${type.plural}/status`, 'patch'), `the status of ${type.plural}`);
    t.notOk(covers(hostRules(), type.group, type.plural, 'delete'), `nothing is deleted in the host`);
  }
  const all = [...memberRules(), ...hostRules()].flatMap(({ verbs, resources = [], apiGroups = [] }) => [
    ...verbs,
    ...resources,
    ...apiGroups,
  ]);
  t.notOk(all.includes('*'));
  t.end();
});

t.test('an account of a member may read whatever serve reads', (t) => {
  for (const { path, discover } of watchedKinds({}, { exports: true, nodes: true, hosts: true })) {
    const parts = path?.split('/') ?? [];
    const [group, plural] =
      discover === undefined
        ? [parts[1] === 'apis' ? parts[2]! : '', parts.at(-1)!]
        : [discover.group, discover.plural];
    for (const verb of ['list', 'watch'])
      t.ok(covers(memberRules(), group, plural, verb), `${verb} ${plural}`);
  }
  t.end();
});

t.test('the configurations that init writes have no fault', (t) => {
  const nameservers = [{ name: 'ns1.example.com', addresses: ['192.0.2.1'] }];
  const common = { federation: 'main', domain: 'example.com', nameservers };
  const host = { kubeconfigFile: '/etc/fedns/fedns.kubeconfig', context: 'main-host' };
  for (const select of ['label', 'all'] as const) {
    const outside = parseSettings(configurationText({ ...common, select, host }), {
      file: '/etc/fedns/fedns.yaml',
    });
    t.same(outside.warnings, []);
    t.match(outside.settings, {
      federations: [{ name: 'main', select: 'label' }],
      clusterSecrets: {
        namespace: 'fedns',
        origin: { kind: 'kubeconfig', path: '/etc/fedns/fedns.kubeconfig', context: 'main-host' },
      },
      federate: { federation: 'main', select },
    });
    const inHost = parseSettings(configurationText({ ...common, select }), { file: '/etc/fedns/fedns.yaml' });
    t.same(inHost.warnings, []);
    t.match(inHost.settings.clusterSecrets, { namespace: 'fedns', origin: { kind: 'inCluster' } });
  }
  t.end();
});

t.test('Deployments mount the configuration, and probe the port that it opens', (t) => {
  const text = configurationText({
    federation: 'main',
    domain: 'example.com',
    select: 'label',
    nameservers: [],
  });
  const [config, serve, federate] = deploymentObjects('registry.example.com/fedns:1', text);
  t.same(config!['data'], { 'fedns.yaml': text });
  const { admin, federate: block } = parse(text) as { admin: string; federate: { admin: string } };
  const containers = [serve, federate].map((object) => {
    const { template } = object!['spec'] as { template: { spec: { containers: Record<string, unknown>[] } } };
    return template.spec.containers[0]!;
  });
  t.match(containers, [
    { args: ['serve', '--config', '/etc/fedns/fedns.yaml'] },
    { args: ['federate', '--config', '/etc/fedns/fedns.yaml'] },
  ]);
  const ports = containers.map(({ ports: list }) => {
    const found = (list as { name: string; containerPort: number }[]).find(({ name }) => name === 'admin');
    return found?.containerPort;
  });
  t.same(
    ports,
    [admin, block.admin].map((address) => Number(address.split(':')[1])),
  );
  t.end();
});

t.test('the Secret of a member is one that clusterSecrets reads', async (t) => {
  const address = { server: new URL('https://192.0.2.1:6443/k8s'), tlsServerName: 'api.example.com' };
  const kubeconfig = kubeconfigText('us', address, 'a.b.c');
  const read = secretsResource('fedns').read(
    clusterSecret('us', { region: 'us', zones: ['a', 'b'] }, kubeconfig),
  );
  t.match(read, { name: 'us', cluster: 'us', region: 'us', zones: ['a', 'b'] });
  if (!('access' in read!)) return t.fail('refused');
  t.match(await read.access(), {
    server: { href: 'https://192.0.2.1:6443/k8s' },
    tlsServerName: 'api.example.com',
    token: { kind: 'text', text: 'a.b.c' },
  });
});

function entries(key: string, fields: object): object[] {
  return Object.entries(fields).map(([name, value]) => ({ name, [key]: value as object }));
}

function kubeconfigOf(contexts: object, clusters: object, users: object): string {
  return JSON.stringify({
    contexts: entries('context', contexts),
    clusters: entries('cluster', clusters),
    users: entries('user', users),
  });
}

t.test('contexts are looked for where kubectl does', async (t) => {
  t.same(kubeconfigFiles('/a', { KUBECONFIG: '/b', HOME: '/home/c' }), ['/a']);
  t.same(kubeconfigFiles(undefined, { KUBECONFIG: '/b:/c:', HOME: '/home/c' }), ['/b', '/c']);
  t.same(kubeconfigFiles(undefined, { HOME: '/home/c' }), ['/home/c/.kube/config']);
  const folder = mkdtempSync(join(tmpdir(), 'fedns-contexts-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const plugin = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './a-plugin' } };
  const [a, b] = [join(folder, 'a'), join(folder, 'sub', 'b')];
  mkdirSync(join(folder, 'sub'));
  const first = { server: 'http://192.0.2.1' };
  writeFileSync(a, kubeconfigOf({ a: { cluster: 'c', user: 'u' } }, { c: first }, { u: { token: 'ta' } }));
  writeFileSync(
    b,
    kubeconfigOf(
      { a: { cluster: 'd', user: 'v' }, b: { cluster: 'c', user: 'v' }, e: { cluster: 'd', user: 'w' } },
      {
        c: { server: 'https://192.0.2.2' },
        d: { server: 'https://192.0.2.3', 'certificate-authority': 'ca.pem' },
      },
      { v: plugin, w: { tokenFile: 'token' } },
    ),
  );
  const files = [join(folder, 'none'), a, b];
  const world = {
    env: {},
    timers: systemTimers,
    clock: Date.now,
    addresses: () => [],
    say: () => {},
  };
  // Seen with kubectl 1.36.3, `config view --minify --raw`.
  const cases: readonly (readonly [context: string, access: object])[] = [
    ['a', { server: { href: 'http://192.0.2.1/' }, token: { text: 'ta' } }],
    ['b', { server: { href: 'http://192.0.2.1/' }, exec: { command: join(folder, 'sub', 'a-plugin') } }],
    [
      'e',
      {
        server: { href: 'https://192.0.2.3/' },
        ca: { kind: 'file', path: join(folder, 'sub', 'ca.pem') },
        token: { kind: 'file', path: join(folder, 'sub', 'token') },
      },
    ],
  ];
  for (const [context, access] of cases) {
    const opened = await openContext(context, files, world);
    t.match(opened.access, access, context);
    opened.close();
  }
  const alone = await openContext('b', [b], world);
  t.match(alone.access, { server: { href: 'https://192.0.2.2/' } });
  alone.close();
  const unusable = { code: 'CONTEXT_UNUSABLE' };
  await t.rejects(openContext('c', files, world), {
    ...unusable,
    message: /: .*there is no context c; it has a, b, e/,
  });
  await t.rejects(openContext('a', files.slice(0, 1), world), {
    ...unusable,
    message: /none: cannot be read: ENOENT/,
  });
  await t.rejects(openContext('a', [folder, a], world), { ...unusable, message: /cannot be read: EISDIR/ });
});

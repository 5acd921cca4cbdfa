import { test } from 'tap';
import { ClusterSecrets, type SecretCluster } from '../../../src/watchers/kubernetes/cluster-secrets.ts';
import { Credentials } from '../../../src/watchers/credentials/credentials.ts';
import { FakeTime, until } from '../fake-time.ts';
import { clusterSettings } from '../kubernetes-objects.ts';
import { ScriptedApiServer, type Json } from '../scripted-api-server.ts';
import { serverAccess } from '../watched-cluster.ts';

const SECRETS = '/api/v1/namespaces/fedns/secrets';

interface Followed {
  readonly server: ScriptedApiServer;
  readonly time: FakeTime;
  readonly secrets: ClusterSecrets;
  readonly events: string[];
  /** Log messages. */
  readonly said: string[];
  /** Complete lists taken in. */
  readonly lists: () => number;
  readonly joined: Map<string, SecretCluster>;
  stop(): Promise<void>;
}

async function follow(initial: readonly Json[] = [], reserved: readonly string[] = []): Promise<Followed> {
  const server = new ScriptedApiServer();
  server.addKind(SECRETS, 'SecretList');
  server.load(SECRETS, initial);
  await server.start();
  const time = new FakeTime();
  const events: string[] = [];
  const said: string[] = [];
  let lists = 0;
  const joined = new Map<string, SecretCluster>();
  const { name: _name, origin: _origin, ...defaults } = clusterSettings();
  const load = async (): ReturnType<SecretCluster['load']> => serverAccess(server);
  const secrets = new ClusterSecrets({
    namespace: 'fedns',
    credentials: new Credentials({ load, timers: time, clock: time.clock, env: {} }),
    defaults,
    reserved: () => new Set(reserved),
    onJoin: (cluster) => {
      events.push(`+${cluster.settings.name}`);
      joined.set(cluster.settings.name, cluster);
    },
    onLeave: (name) => {
      events.push(`-${name}`);
      joined.delete(name);
    },
    onComplete: () => lists++,
    timers: time,
    clock: time.clock,
    random: () => 0.5,
    log: {
      info: (_, message) => said.push(message),
      warn: (_, message) => said.push(message),
    },
  });
  secrets.start();
  await until(() => server.watching === 1);
  const stop = async (): Promise<void> => {
    await secrets.stop();
    await until(() => server.connections === 0);
    await server.stop();
  };
  return { server, time, secrets, events, said, lists: () => lists, joined, stop };
}

interface SecretParts {
  readonly name?: string;
  readonly cluster?: unknown;
  readonly annotations?: Json;
  readonly data?: Record<string, unknown>;
}

function secret({ name = 'one', cluster = name, annotations = {}, data = DATA }: SecretParts = {}): Json {
  const encoded = Object.entries(data).map(([key, value]) => [
    key,
    typeof value === 'string' ? Buffer.from(value).toString('base64') : value,
  ]);
  return {
    kind: 'Secret',
    metadata: { name, namespace: 'fedns', labels: { 'fedns.io/cluster': cluster }, annotations },
    data: Object.fromEntries(encoded),
  };
}

const DATA = { server: 'https://192.0.2.1:6443', token: 'secret\n', ca: 'CA' };

function kubeconfig(user: Json, server = 'https://192.0.2.1'): string {
  return JSON.stringify({
    'current-context': 'a',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
  });
}

test('clusters join and leave with their Secrets', async (t) => {
  const annotations = { 'fedns.io/region': 'R1', 'fedns.io/zones': 'z2, z1' };
  const { server, time, secrets, events, joined, stop } = await follow([secret({ annotations })]);
  t.same(events, ['+one']);
  const { settings, load } = joined.get('one')!;
  t.match(settings, {
    name: 'one',
    region: 'r1',
    zones: ['z1', 'z2'],
    publish: 'loadBalancer',
    origin: { kind: 'secret', namespace: 'fedns', name: 'one' },
  });
  const access = await load();
  t.equal(access.server.href, 'https://192.0.2.1:6443/');
  t.match(access, { token: { kind: 'text', text: 'secret' }, ca: { kind: 'text', text: 'CA' } });
  server.put(SECRETS, secret({ name: 'two' }));
  await until(() => joined.has('two'));
  server.remove(SECRETS, 'fedns/one');
  await until(() => !joined.has('one'));
  t.same(events, ['+one', '+two', '-one']);
  t.same(secrets.clusters(), ['two']);
  t.equal(server.requests[0]?.query.get('labelSelector'), 'fedns.io/cluster');
  await stop();
  t.equal(time.timers, 0);
  t.same(events, ['+one', '+two', '-one'], 'nobody leaves because fedns stops');
});

test('a token that is rotated needs no new source, another server does', async (t) => {
  const { server, events, joined, stop } = await follow([secret()]);
  const { load } = joined.get('one')!;
  server.put(SECRETS, secret({ data: { ...DATA, token: 'next' } }));
  await until(() => server.version === 102);
  const tokenNow = async (): Promise<string> => JSON.stringify((await load()).token);
  while (!(await tokenNow()).includes('next')) await new Promise(setImmediate);
  t.same(events, ['+one']);
  server.put(SECRETS, secret({ data: { ...DATA, server: 'https://192.0.2.2' } }));
  await until(() => events.length === 3);
  t.same(events, ['+one', '-one', '+one']);
  await stop();
});

test('a kubeconfig in a Secret is held to what a Secret may say', async (t) => {
  const users: [string, Json, object][] = [
    ['a token', { token: 't' }, { token: { text: 't' } }],
    ['an exec plugin', { exec: { apiVersion: 'v1', command: '/bin/sh' } }, { code: 'EXEC_NOT_ALLOWED' }],
    ['a token file', { tokenFile: '/etc/passwd' }, { code: 'FILE_NOT_ALLOWED' }],
    ['an auth provider', { 'auth-provider': { name: 'gcp' } }, { code: 'NOT_SUPPORTED' }],
  ];
  for (const [title, user, want] of users) {
    const { joined, stop } = await follow([secret({ data: { kubeconfig: kubeconfig(user) } })]);
    const outcome = await joined
      .get('one')!
      .load()
      .catch((error: unknown) => error);
    t.match(outcome, want, title);
    await stop();
  }
});

function tokenSecret(token: string, server?: string): Json {
  return secret({ data: { kubeconfig: kubeconfig({ token }, server) } });
}

test('a kubeconfig with another token goes on, with another server it joins anew', async (t) => {
  const { server, events, joined, stop } = await follow([tokenSecret('a')]);
  const { load } = joined.get('one')!;
  server.put(SECRETS, tokenSecret('b'));
  while (!JSON.stringify(await load()).includes('"b"')) await new Promise(setImmediate);
  t.same(events, ['+one']);
  server.put(SECRETS, tokenSecret('b', 'https://192.0.2.9'));
  await until(() => events.length === 3);
  t.same(events, ['+one', '-one', '+one']);
  await stop();
});

test('a Secret that cannot be used is refused, and the others are not', async (t) => {
  const cases: [string, SecretParts][] = [
    ['neither kubeconfig nor server', { data: { token: 't' } }],
    ['no data', { data: { server: 7 } }],
    ['a server that is no URL', { data: { server: 'nowhere' } }],
    ['plain http', { data: { server: 'http://192.0.2.1' } }],
    ['a cluster name with a dot', { cluster: 'a.b' }],
    ['a cluster called svc', { cluster: 'svc' }],
    ['a cluster name that is no text', { cluster: 7 }],
    ['a region that is no label', { annotations: { 'fedns.io/region': 'a b' } }],
    ['zones without end', { annotations: { 'fedns.io/zones': 'z,'.repeat(5000) } }],
  ];
  for (const [title, parts] of cases) {
    const { secrets, events, stop } = await follow([secret({ name: 'bad', ...parts }), secret()]);
    t.same(events, ['+one'], title);
    t.match(secrets.refusals(), [{ code: 'CLUSTER_SECRET_MALFORMED', object: 'Secret fedns/bad' }]);
    await stop();
  }
});

test('of two Secrets for one cluster, the first has it until it goes', async (t) => {
  const { server, secrets, events, stop } = await follow([
    secret({ name: 'b', cluster: 'same' }),
    secret({ name: 'c', cluster: 'same' }),
  ]);
  t.same(events, ['+same']);
  t.match(secrets.refusals(), [
    { code: 'CLUSTER_NAME_TAKEN', object: 'Secret fedns/c', message: /that of b$/ },
  ]);
  server.put(SECRETS, secret({ name: 'a', cluster: 'same' }));
  await until(() => secrets.refusals().length === 2);
  t.same(events, ['+same'], 'one that comes later takes nothing');
  server.remove(SECRETS, 'fedns/b');
  await until(() => events.length === 3);
  t.same(events, ['+same', '-same', '+same']);
  await stop();
});

test('a cluster of the configuration cannot be taken', async (t) => {
  const { secrets, events, stop } = await follow([secret()], ['one']);
  t.same(events, []);
  t.match(secrets.refusals(), [{ code: 'CLUSTER_NAME_TAKEN', message: /the configuration/ }]);
  await stop();
});

test('while the host cluster is away nobody leaves', async (t) => {
  const { server, time, events, said, lists, stop } = await follow([secret()]);
  t.equal(lists(), 1);
  await server.stop();
  await time.advance(600_000);
  t.same(events, ['+one']);
  t.equal(lists(), 1, 'nothing is concluded from silence');
  t.match(said, [/cannot be read/]);
  await server.start();
  await time.advanceUntil(() => server.watching === 1, 60_000);
  server.put(SECRETS, secret({ name: 'two' }));
  await until(() => events.length === 2);
  t.same(events, ['+one', '+two']);
  t.match(said.at(-1), /are read again/);
  await stop();
});

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { Settings } from '../../src/config/settings.ts';
import { startServer } from '../../src/serve/server.ts';
import type { RunningServer } from '../../src/serve/server.ts';
import type { SharedContext } from '../../src/serve/parts.ts';
import { SETTINGS, fakeParts, shard } from './fake-parts.ts';
import type { FakeParts } from './fake-parts.ts';
import { scratch } from '../support/scratch.ts';

const NOW_MS = 1_790_000_000_000;
const never = (): { stop(): Promise<void> } => ({ stop: async () => {} });

interface Started {
  readonly server: RunningServer;
  readonly log: string[];
  get(path: string): Promise<{ status: number; text: string }>;
}

function options(parts: FakeParts, lines: string[] = [], nowMs = NOW_MS) {
  const take = (fields: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: take, info: take, warn: take, error: take };
  return { log, clock: () => nowMs, parts, schedule: never, version: '1.2.3' };
}

async function start(
  test: Test,
  parts: FakeParts,
  more: Partial<Settings> = {},
  nowMs = NOW_MS,
): Promise<Started> {
  const lines: string[] = [];
  const server = await startServer({ ...SETTINGS, ...more }, options(parts, lines, nowMs));
  test.teardown(() => server.stop());
  const base = `http://127.0.0.1:${server.adminAddress!.port}`;
  const get = async (path: string) => {
    const response = await fetch(base + path);
    return { status: response.status, text: await response.text() };
  };
  return { server, log: lines, get };
}

async function serialOf({ get }: Started): Promise<number> {
  return Number(/^fedns_soa_serial (\d+)$/m.exec((await get('/metrics')).text)![1]);
}

/** What is listed once the Secrets are looked for. */
function secrets(...clusters: string[]): (settings: Settings, context: SharedContext) => void {
  return (_, { onJoin, onComplete }) => {
    for (const name of clusters) {
      onJoin({ ...SETTINGS.clusters[0]!, name, origin: { kind: 'secret', namespace: 'fedns', name } });
    }
    onComplete();
  };
}

/** The clusters whose shards are in the answers. */
async function inAnswers({ get }: Started): Promise<string[]> {
  return [...(await get('/api/v1/records')).text.matchAll(/nginx\.(\w+)/g)].map(([, name]) => name!);
}

t.test('a server reads its clusters, then takes queries, and stops in reverse', async (t) => {
  const parts = fakeParts();
  const { server, log, get } = await start(t, parts);
  t.strictSame(parts.events, ['start one', 'start two', 'bind']);
  t.match(log.at(-1), /^listening .*"port":1053.*"transport":"portable"/);
  t.equal((await get('/readyz')).status, 200);
  t.match((await get('/api/v1/records')).text, /nginx\.two\.example\.com\./);
  await server.stop();
  t.strictSame(parts.events.slice(3), ['drain', 'stop one', 'stop two']);
  await t.rejects(get('/healthz'), 'the admin server is gone');
});

t.test('a cluster out of reach keeps readiness back, and the others are served', async (t) => {
  const parts = fakeParts({
    firstSync: (name) => (name === 'one' ? new Error('no route') : [shard(name, 'nginx')]),
  });
  const kubernetes = SETTINGS.clusters.map((cluster) => ({
    ...cluster,
    origin: { kind: 'inCluster' } as const,
  }));
  const open = parts.openSource;
  const { get } = await start(
    t,
    {
      ...parts,
      openSource: (cluster, context) => {
        const source = open(cluster, context);
        return { ...source, report: () => ({ ...source.report(), kind: 'kubernetes' }) };
      },
    },
    { clusters: kubernetes },
  );
  const ready = await get('/readyz');
  t.strictSame([ready.status, ready.text], [503, 'waiting for the first sync of one\n']);
  t.match((await get('/api/v1/records')).text, /nginx\.two/);
});

t.test('manifests that cannot be read end the start in one line', async (t) => {
  const parts = fakeParts({
    firstSync: (name) => (name === 'one' ? new Error('/nowhere/one: not found') : []),
  });
  await t.rejects(startServer(SETTINGS, options(parts)), { message: 'cluster one: /nowhere/one: not found' });
  t.strictSame(parts.events, ['start one', 'start two', 'stop one', 'stop two'], 'nothing is left running');
});

t.test('a port in use ends the start in one line, and nothing is left behind', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const parts = fakeParts({
    startDataPlane: async () => {
      throw new Error('cannot listen on 127.0.0.1 port 53: EADDRINUSE');
    },
  });
  await t.rejects(startServer({ ...SETTINGS, stateDir }, options(parts)), { message: /EADDRINUSE/ });
  t.notOk(readdirSync(stateDir).includes('lock'), 'the claim is released');
  const { server } = await start(t, fakeParts());
  const { port } = server.adminAddress!;
  const admin = { address: '127.0.0.1', port };
  await t.rejects(startServer({ ...SETTINGS, admin }, options(fakeParts())), {
    message: `admin: cannot listen on TCP 127.0.0.1:${port}: another program has this port (EADDRINUSE)`,
  });
});

t.test('the state folder is made, private, and held by one server', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const { server } = await start(t, fakeParts(), { stateDir });
  await t.rejects(startServer({ ...SETTINGS, stateDir }, options(fakeParts())), { code: 'LOCKED' });
  await server.stop();
  const files = readdirSync(stateDir).toSorted();
  t.strictSame(files, ['admin.token', 'serial.json', 'snapshot.ndjson']);
  for (const file of files) t.equal(statSync(join(stateDir, file)).mode & 0o777, 0o600, file);
});

t.test('after a restart the last state is served before any cluster is read', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const first = await start(t, fakeParts(), { stateDir });
  await first.server.stop();
  const silent = fakeParts({ firstSync: () => new Error('unreachable') });
  const second = await start(t, silent, { stateDir }, NOW_MS + 3_600_000);
  t.match((await second.get('/api/v1/records')).text, /nginx\.one.*\n.*nginx\.two/);
  t.equal((await second.get('/readyz')).status, 200);
  t.strictSame(
    [...silent.domains[0]!.states.values()].map(({ status }) => status),
    ['held', 'held'],
  );
  t.match(
    JSON.parse((await second.get('/api/v1/clusters')).text),
    [{ report: { region: 'us-central1', zones: ['us-central1-a'], topologyFrom: 'earlier' } }, {}],
    'shown is where the clusters are answered for, though nothing was read yet',
  );
  const metrics = (await second.get('/metrics')).text;
  t.notMatch(metrics, /^fedns_propagation_seconds_count\{.*\} [1-9]/m, 'restoring is no propagation');
});

t.test('hostnames keep their addresses across a restart and a reload', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const known = [{ hostname: 'lb.example.net', A: ['192.0.2.9'], AAAA: [] }];
  const remembering = (seen: unknown[], remembered: typeof known): FakeParts => {
    const parts = fakeParts();
    const openShared: FakeParts['openShared'] = (settings, context) => ({
      ...parts.openShared(settings, context),
      remembered: () => remembered,
      remember: (list) => void seen.push(list),
    });
    return { ...parts, openShared };
  };
  const [first, second]: [unknown[], unknown[]] = [[], []];
  const { server } = await start(t, remembering(first, known), { stateDir });
  await server.reload({ ...SETTINGS, stateDir, resolvers: ['192.0.2.53'] });
  t.strictSame(first, [[], known]);
  await server.stop();
  await start(t, remembering(second, []), { stateDir });
  t.strictSame(second, [known]);
});

t.test('clusters of Secrets are held after a restart until the Secrets are listed', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const settings = {
    stateDir,
    clusters: [SETTINGS.clusters[0]!],
    clusterSecrets: { namespace: 'fedns', origin: { kind: 'inCluster' } as const },
  };
  const first = await start(t, fakeParts({ startShared: secrets('two', 'three') }), settings);
  while ((await inAnswers(first)).length < 3) await setImmediate();
  await first.server.stop();

  let list: (() => void) | undefined;
  const startShared = (_: Settings, context: SharedContext): void => {
    list = () => secrets('three')(_, context);
  };
  const second = await start(t, fakeParts({ startShared }), settings);
  t.strictSame(await inAnswers(second), ['one', 'two', 'three'], 'nobody has told otherwise');
  t.match((await second.get('/api/v1/clusters')).text, /"two".*have not been listed/);
  t.equal((await second.get('/readyz')).status, 200);
  list!();
  while ((await inAnswers(second)).length > 2) await setImmediate();
  t.strictSame((await inAnswers(second)).toSorted(), ['one', 'three']);
  await second.server.reload({ ...SETTINGS, stateDir, clusters: settings.clusters });
  t.strictSame(await inAnswers(second), ['one'], 'Secrets are not looked for any more');
});

t.test('before the Secrets are listed for the first time fedns is not ready', async (t) => {
  let complete: (() => void) | undefined;
  const startShared = (_: Settings, { onComplete }: SharedContext): void => {
    complete = onComplete;
  };
  const parts = fakeParts({ startShared });
  const { get } = await start(t, parts, {
    clusterSecrets: { namespace: 'fedns', origin: { kind: 'inCluster' } as const },
  });
  t.strictSame(await get('/readyz'), { status: 503, text: 'waiting for the first sync of clusterSecrets\n' });
  complete!();
  while ((await get('/readyz')).status !== 200) await setImmediate();
  t.strictSame([...parts.domains[0]!.states.keys()], ['one', 'two']);
});

t.test('a cluster that leaves the configuration leaves the answers, whatever else is renewed', async (t) => {
  const { server, get } = await start(t, fakeParts());
  await server.reload({ ...SETTINGS, resolvers: ['192.0.2.53'], clusters: [SETTINGS.clusters[0]!] });
  const records = (await get('/api/v1/records')).text;
  t.match(records, /nginx\.one/);
  t.notMatch(records, /nginx\.two/);
});

t.test('RFC 1982: the serial grows across a restart', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const first = await start(t, fakeParts(), { stateDir });
  const before = await serialOf(first);
  await first.server.stop();
  t.ok((await serialOf(await start(t, fakeParts(), { stateDir }))) > before);
});

t.test('a damaged snapshot is reported and the server starts from the clusters', async (t) => {
  const stateDir = scratch(t, { 'snapshot.ndjson': 'x\n' });
  const { log, get } = await start(t, fakeParts(), { stateDir });
  t.ok(log.some((line) => /^the snapshot is ignored .*line 1/.test(line)));
  t.equal((await get('/readyz')).status, 200);
});

t.test('a snapshot that is whole and cannot be understood leaves nothing behind', async (t) => {
  const text = [
    '{"format":"fedns-snapshot","version":2,"savedMs":1,"serial":1}',
    '{"cluster":{"name":"one","zones":[],"status":"available"}}',
    '{"shard":{}}',
    '',
  ].join('\n');
  const sha256 = createHash('sha256').update(text).digest('hex');
  const end = JSON.stringify({ end: { clusters: 1, shards: 1, sha256 } });
  const stateDir = scratch(t, { 'snapshot.ndjson': `${text}${end}\n` });
  const parts = fakeParts();
  const { log } = await start(t, parts, { stateDir });
  t.ok(log.some((line) => /^the snapshot is ignored .*line 3/.test(line)));
  t.notOk(log.some((line) => line.startsWith('serving the state of the last run')));
  t.equal(parts.sources[0]!.context.earlier, undefined);
});

t.test('a reload starts, replaces and removes only the sources that it concerns', async (t) => {
  const parts = fakeParts();
  const { server, get } = await start(t, parts);
  const [one, two] = SETTINGS.clusters;
  parts.events.length = 0;
  await server.reload({ ...SETTINGS, clusters: [one!, { ...two!, name: 'three' }] });
  t.strictSame(parts.events, ['adopt', 'start three', 'stop two']);
  const records = (await get('/api/v1/records')).text;
  t.match(records, /nginx\.three/);
  t.notMatch(records, /nginx\.two/);
  parts.events.length = 0;
  await server.reload({
    ...SETTINGS,
    clusters: [
      { ...one!, zones: ['us-central1-b'] },
      { ...two!, name: 'three' },
    ],
  });
  t.strictSame(parts.events, ['adopt', 'stop one', 'start one']);
});

t.test('a reload that changes the domain moves all facts before the workers adopt it', async (t) => {
  const parts = fakeParts();
  const { server, get } = await start(t, parts);
  parts.events.length = 0;
  await server.reload({ ...SETTINGS, ttlSeconds: 60 });
  t.strictSame(parts.events, ['adopt'], 'no source is disturbed');
  t.match((await get('/api/v1/records')).text, /nginx\.one\.example\.com\.","type":"A","ttlSeconds":60/);
  parts.sources[0]!.context.sink.upsertShard(shard('one', 'late'));
  t.match((await get('/api/v1/records')).text, /late\.one/, 'sources reach the new domain');
});

t.test('a reload that cannot be served leaves the old settings in force', async (t) => {
  const parts = fakeParts({
    openDomain: (settings) => {
      if (settings.domain === 'broken.example') throw new Error('cannot be served');
    },
    prepare: (settings) => {
      if (settings.cookies.policy === 'require') throw new Error('no secret');
    },
  });
  const { server, get } = await start(t, parts);
  parts.events.length = 0;
  const cookies = { policy: 'require' } as const;
  await t.rejects(server.reload({ ...SETTINGS, domain: 'broken.example', clusters: [] }), /cannot be served/);
  await t.rejects(server.reload({ ...SETTINGS, domain: 'example.net', clusters: [], cookies }), /no secret/);
  t.strictSame(parts.events, []);
  t.match((await get('/api/v1/records')).text, /nginx\.one\.example\.com\./);
});

t.test('a reload says which settings need a restart', async (t) => {
  const { server, log } = await start(t, fakeParts());
  await server.reload({
    ...SETTINGS,
    workers: 2,
    pinWorkers: true,
    listen: [{ address: '127.0.0.1', port: 5353 }],
  });
  t.match(log.at(-1), /restart .*\["listen","workers","pinWorkers"\]/);
});

t.test('what waits for a restart is judged by what is bound, and shown until it is taken back', async (t) => {
  const { server, log, get } = await start(t, fakeParts());
  const pending = async (): Promise<string> =>
    `${(await get('/api/v1/status')).text}${(await get('/metrics')).text}`;
  t.match(await pending(), /"restartPending":\[\][^]*^fedns_restart_pending 0$/m);
  const other = { ...SETTINGS, workers: 2, listen: [{ address: '127.0.0.1', port: 5353 }] };
  await server.reload(other);
  t.match(await pending(), /"restartPending":\["listen","workers"\][^]*^fedns_restart_pending 1$/m);
  await server.reload({ ...other, ttlSeconds: 60 });
  t.match(log.at(-1), /restart .*\["listen","workers"\]/, 'a further reload says so again');
  t.match(await pending(), /^fedns_restart_pending 1$/m);
  await server.reload({ ...SETTINGS, ttlSeconds: 60 });
  t.match(log.at(-1), /no setting waits/, 'what is taken back was never needed');
  t.match(await pending(), /"restartPending":\[\][^]*^fedns_restart_pending 0$/m);
});

t.test('names of the admin address follow a reload', async (t) => {
  const { server } = await start(t, fakeParts());
  const status = (): Promise<number> => statusFor(server.adminAddress!.port, 'ns1.example.com:9153');
  t.equal(await status(), 421);
  await server.reload({ ...SETTINGS, adminHosts: ['ns1.example.com'] });
  t.equal(await status(), 200);
});

/** The status of a request that names another host than it goes to, which fetch does not let one do. */
async function statusFor(port: number, host: string): Promise<number> {
  const request = httpGet({ host: '127.0.0.1', port, path: '/healthz', headers: { host } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode!;
}

t.test('a source that begins anew changes nothing until its first sync', async (t) => {
  const parts = fakeParts();
  await start(t, parts);
  const before = parts.domains[0]!.states.get('one');
  parts.sources[0]!.context.sink.setCluster({ name: 'one', zones: [], status: 'pending' });
  t.equal(parts.domains[0]!.states.get('one'), before);
});

t.test('the admin token is in the state folder', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const { server } = await start(t, fakeParts(), { stateDir });
  const token = readFileSync(join(stateDir, 'admin.token'), 'utf8').trim();
  const url = `http://127.0.0.1:${server.adminAddress!.port}/api/v1/records`;
  const post = async (headers: Record<string, string>) =>
    (await fetch(url, { method: 'POST', headers })).status;
  t.equal(await post({}), 401);
  t.equal(await post({ authorization: `Bearer ${token}` }), 405);
});

t.test('a reload that builds another domain keeps what is drained, and a restart does', async (t) => {
  const stateDir = join(scratch(t), 'state');
  const parts = fakeParts();
  const { server } = await start(t, parts, { stateDir });
  const token = readFileSync(join(stateDir, 'admin.token'), 'utf8').trim();
  const reply = await fetch(`http://127.0.0.1:${server.adminAddress!.port}/api/v1/drains`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'cluster', name: 'one' }),
  });
  t.equal(reply.status, 200);
  t.strictSame(parts.domains[0]!.drains, ['cluster one']);
  await server.reload({ ...SETTINGS, stateDir, ttlSeconds: 60 });
  t.strictSame(parts.domains[1]!.drains, ['cluster one']);
  await server.stop();
  const next = fakeParts();
  await start(t, next, { stateDir });
  t.strictSame(next.domains[0]!.drains, ['cluster one']);
});

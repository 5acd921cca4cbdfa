/**
 * What `fedns federate` costs: `npm run bench:federate -- [--clusters 10] [--services 1000] [--objects 10000] [--idle 90] [--real 0]`.
 * The process is a real one; members are simulated (simulated-api.ts) but for the first `--real` of them, and so is the endpoint
 * unless there is a real one. Creates Services at once and waits until all members have them; goes on to a federation of many
 * objects, and looks at it in peace; starts fedns anew over it, and counts what is written. Prints one table.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CONDITIONS_ANNOTATION, FINALIZER, MANAGED_LABEL } from '../src/federation/sync/marks.ts';
import type { Admin, Json } from '../test/cluster/admin.ts';
import { Etcd, MemberCluster } from '../test/cluster/member-cluster.ts';
import { freePort } from '../test/cluster/processes.ts';

const { values } = parseArgs({
  options: {
    clusters: { type: 'string', default: '10' },
    services: { type: 'string', default: '1000' },
    objects: { type: 'string', default: '10000' },
    idle: { type: 'string', default: '90' },
    real: { type: 'string', default: '0' },
  },
});
const [CLUSTERS, SERVICES, OBJECTS, IDLE_SECONDS, REAL] = [
  Number(values.clusters),
  Number(values.services),
  Number(values.objects),
  Number(values.idle),
  Number(values.real),
];
const NAMESPACES = 10;
/** Requests at a time that create what is to be federated. */
const PARALLEL = 8;
/** Of /proc/PID/stat. */
const TICKS_PER_SECOND = 100;

const folder = mkdtempSync(join(tmpdir(), 'fedns-bench-federate-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const simulated = spawn(process.execPath, [join(import.meta.dirname, 'simulated-api.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
children.push(simulated);
const port = Number(String((await once(simulated.stdout, 'data'))[0]).trim());
const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });

/** What one API server is asked for by the bench. */
interface Target {
  readonly name: string;
  readonly kubeconfig: string;
  create(path: string, object: Json): Promise<unknown>;
  /** Services and ConfigMaps of fedns. */
  count(): Promise<number>;
  writes(): Promise<number>;
}

const etcd = REAL > 0 ? await Etcd.start(folder) : undefined;
const reals: MemberCluster[] = [];

async function openReal(name: string): Promise<Target> {
  const cluster = await MemberCluster.start(name, folder, etcd!, { granted: false, controllers: false });
  reals.push(cluster);
  return {
    name,
    kubeconfig: cluster.kubeconfig,
    create: (path, object) => cluster.admin.create(path, object),
    count: () => countReal(cluster.admin),
    writes: () => versionOf(cluster.admin),
  };
}

async function countReal(admin: Admin): Promise<number> {
  const counts = await Promise.all(
    ['services', 'configmaps'].map(async (plural) => {
      const { items } = await admin.get(`/api/v1/${plural}?labelSelector=federation.fedns.io/managed`);
      return (items as unknown[]).length;
    }),
  );
  return counts.reduce((a, b) => a + b, 0);
}

/** Every write to an etcd has a version of its own: the newest of what fedns writes to stands for how many there were. */
async function versionOf(admin: Admin): Promise<number> {
  const { items } = (await admin.get('/api/v1/services?resourceVersion=0')) as unknown as {
    items: { metadata: { resourceVersion: string } }[];
  };
  return Math.max(...items.map(({ metadata }) => Number(metadata.resourceVersion)));
}

function openSimulated(name: string): Target {
  const kubeconfig = join(folder, `${name}.json`);
  const cluster = { name, cluster: { server: `http://127.0.0.1:${port}/${name}` } };
  const context = { name, context: { cluster: name, user: name } };
  const config = { apiVersion: 'v1', kind: 'Config', 'current-context': name, clusters: [cluster] };
  writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name, user: {} }], contexts: [context] }));
  return {
    name,
    kubeconfig,
    create: (path, object) => ask('POST', `/${name}${path}`, object),
    count: async () => ((await ask('GET', '/sizes')) as Record<string, number>)[name] ?? 0,
    writes: async () => ((await ask('GET', '/writes')) as Record<string, number>)[name] ?? 0,
  };
}

async function ask(method: string, path: string, body?: Json): Promise<unknown> {
  const sent = request({ host: '127.0.0.1', port, path, method, agent });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

const host = REAL > 0 ? await openReal('host') : openSimulated('host');
const members: Target[] = [];
for (let i = 0; i < CLUSTERS; i++) members.push(i < REAL ? await openReal(`c${i}`) : openSimulated(`c${i}`));
const adminPort = await freePort();

function access(path: string): string {
  return `{ path: ${path}, allowInsecure: true }`;
}

function writeConfig(): string {
  const file = join(folder, 'fedns.yaml');
  const lines = members.map(
    ({ name, kubeconfig }) => `  - { name: ${name}, region: r, kubeconfig: ${access(kubeconfig)} }`,
  );
  writeFileSync(
    file,
    `domain: example.com
nameservers: [{ name: ns1.example.com, addresses: [192.0.2.1] }]
federations: [{ name: main }]
stateDir: false
federate: { select: all, admin: 127.0.0.1:${adminPort} }
clusterSecrets: { namespace: fedns, kubeconfig: ${access(host.kubeconfig)} }
log: { level: warn, format: json }
clusters:
${lines.join('\n')}
`,
  );
  return file;
}

function startFederate(): ChildProcess {
  const main = join(import.meta.dirname, '../src/main.ts');
  const child = spawn(process.execPath, [main, 'federate', '--config', writeConfig()], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  children.push(child);
  return child;
}

async function stopFederate(): Promise<void> {
  federate.kill('SIGTERM');
  await once(federate, 'exit');
}

/** ConfigMaps with data of their own, in one request per thousand. */
async function seed(server: string, count: number, metadata: Json): Promise<void> {
  const objects = Array.from({ length: count }, (_, i) => ({
    data: { key: `value-${i}` },
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `config-${i}`, namespace: namespaceOf(i), ...metadata },
  }));
  for (let from = 0; from < count; from += 1000)
    await ask('POST', `/seed/${server}`, { objects: objects.slice(from, from + 1000) });
}

/** How many ConfigMaps at the endpoint have no condition yet. */
async function toBeTold(): Promise<number> {
  if (REAL > 0) return 0;
  const { items } = (await ask('GET', '/host/api/v1/configmaps')) as {
    items: { metadata: { annotations?: Record<string, string> } }[];
  };
  return items.filter(({ metadata }) => metadata.annotations?.[CONDITIONS_ANNOTATION] === undefined).length;
}

/** Waits until fedns says that each member has so many objects and nothing is left to do, and looks at them itself. */
async function settled(count: number): Promise<void> {
  while (!(await isSettled(count + NAMESPACES))) await after(250);
  const counts = await Promise.all(members.map((member) => member.count()));
  if (counts.some((one) => one < count))
    throw new Error(`members have ${counts.join(', ')} and not ${count}`);
}

async function isSettled(count: number): Promise<boolean> {
  const url = `http://127.0.0.1:${adminPort}/metrics`;
  const text = await fetch(url).then(
    (reply) => reply.text(),
    () => '',
  );
  const numbers = (name: string): number[] =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))].map(([, n]) => Number(n));
  const objects = numbers('fedns_federate_member_objects');
  const waiting = numbers('fedns_federate_member_waiting');
  return objects.length === CLUSTERS && objects.every((n) => n >= count) && waiting.every((n) => n === 0);
}

function rssMib({ pid }: ChildProcess, field: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)![1]) / 1024;
}

function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function createAll(
  count: number,
  path: (i: number) => string,
  object: (i: number) => Json,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await host.create(path(i), object(i));
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

const namespaceOf = (i: number): string => `team-${i % NAMESPACES}`;
const rows: [string, string][] = [];
const note = (what: string, value: string): void => {
  rows.push([what, value]);
  process.stderr.write(`${what}: ${value}\n`);
};

await host.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fedns' } });
await createAll(
  NAMESPACES,
  () => '/api/v1/namespaces',
  (i) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespaceOf(i) } }),
);
await host.create('/api/v1/namespaces/team-0/configmaps', {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'first' },
  data: { a: '1' },
});
let federate = startFederate();
await settled(1);

const startMs = performance.now();
const cpuAtStart = cpuSeconds(federate);
await createAll(
  SERVICES,
  (i) => `/api/v1/namespaces/${namespaceOf(i)}/services`,
  (i) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `service-${i}`, labels: { app: `app-${i}` } },
    spec: {
      type: 'LoadBalancer',
      selector: { app: `app-${i}` },
      ports: [
        { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 },
        { name: 'https', port: 443, protocol: 'TCP', targetPort: 8443 },
      ],
    },
  }),
);
const createdMs = performance.now();
await settled(SERVICES + 1);
note(`${SERVICES} Services created at the endpoint in`, `${((createdMs - startMs) / 1000).toFixed(1)} s`);
note(`… and in all ${CLUSTERS} members after`, `${((performance.now() - startMs) / 1000).toFixed(1)} s`);
note('… CPU time of fedns', `${(cpuSeconds(federate) - cpuAtStart).toFixed(1)} s`);
note('… memory at its highest', `${rssMib(federate, 'VmHWM').toFixed(0)} MiB`);

// The many are put there as a fedns before has left them: what they cost is looked at when all is at rest.
if (OBJECTS > SERVICES && REAL === 0) {
  await stopFederate();
  const count = OBJECTS - SERVICES;
  await seed('host', count, { finalizers: [FINALIZER] });
  for (const { name } of members) await seed(name, count, { labels: { [MANAGED_LABEL]: 'main' } });
  federate = startFederate();
}
const all = REAL === 0 ? Math.max(OBJECTS, SERVICES) : SERVICES;
await settled(all + 1);
// Conditions and Events are still being written.
while ((await toBeTold()) > 0) await after(1000);
await after(10_000);
const writesOf = async (): Promise<number[]> => Promise.all([host, ...members].map((one) => one.writes()));
const [cpuBefore, idleMs] = [cpuSeconds(federate), performance.now()];
await after(IDLE_SECONDS * 1000);
const share = ((cpuSeconds(federate) - cpuBefore) / ((performance.now() - idleMs) / 1000)) * 100;
note(`${all} objects in ${CLUSTERS} members, at rest, of a core`, `${share.toFixed(2)} %`);
note('… memory', `${rssMib(federate, 'VmRSS').toFixed(0)} MiB`);

const leaseWrites = 1;
const standing = await writesOf();
await stopFederate();
federate = startFederate();
await settled(all + 1);
await after(10_000);
const later = await writesOf();
const written = later.slice(leaseWrites).map((count, i) => count - standing[i + leaseWrites]!);
note('written in members by a start over what stands', String(written.reduce((a, b) => a + b, 0)));
note('… CPU time of that start', `${cpuSeconds(federate).toFixed(1)} s`);

process.stdout.write(
  `\n| ${CLUSTERS} members, ${REAL} of them and the endpoint real | |\n| --- | --- |\n`.replace(
    '0 of them and the endpoint real',
    'all simulated',
  ),
);
for (const [what, value] of rows) process.stdout.write(`| ${what} | ${value} |\n`);
await stopFederate();
await Promise.all(reals.map((cluster) => cluster.stop()));
await etcd?.stop();
process.exit(0);

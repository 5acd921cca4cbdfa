/**
 * Three real clusters, kubectl and dig, for people to read: `node test/cluster/transcript.ts` prints what happens when a
 * Deployment is scaled to zero in one cluster, and when an API server goes away and comes back. Checks nothing; the
 * tests do (real-clusters.test.ts).
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { programFolder } from './binaries.ts';
import { Etcd, kubeconfigText, MemberCluster } from './member-cluster.ts';
import { eventually, freePort, startProgram, type Running } from './processes.ts';
import { createNginx, setReady } from './workload.ts';

const PLACES = [
  { name: 'us', region: 'us-central1', zone: 'us-central1-a', address: '192.0.2.1' },
  { name: 'eu', region: 'europe-west1', zone: 'europe-west1-b', address: '192.0.2.2' },
  { name: 'asia', region: 'asia-east1', zone: 'asia-east1-a', address: '192.0.2.3' },
] as const;
const NAME = 'nginx.web.main.svc';
const GRACE_SECONDS = 5;

const folder = mkdtempSync(join(tmpdir(), 'fedns-transcript-'));
const main = join(import.meta.dirname, '../../src/main.ts');
const clusters = new Map<string, MemberCluster>();
const etcd = await Etcd.start(folder);
let fedns: Running | undefined;
try {
  await Promise.all(PLACES.map(start));
  const port = await serve();
  await tell(port);
} finally {
  await fedns?.stop();
  await Promise.all([...clusters.values()].map((cluster) => cluster.stop()));
  await etcd.stop();
  rmSync(folder, { recursive: true });
}

async function start({ name, region, zone, address }: (typeof PLACES)[number]): Promise<void> {
  const cluster = await MemberCluster.start(name, folder, etcd);
  clusters.set(name, cluster);
  const { admin } = cluster;
  const labels = { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': zone };
  await admin.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1', labels } });
  await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web' } });
  await createNginx(admin, address);
  await admin.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'nginx', namespace: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'nginx' } },
      template: {
        metadata: { labels: { app: 'nginx' } },
        // There is no scheduler.
        spec: { nodeName: 'worker-1', containers: [{ name: 'nginx', image: 'nginx' }] },
      },
    },
  });
  await runPods(cluster);
}

/** What a kubelet would do. */
async function runPods({ admin }: MemberCluster): Promise<void> {
  const pods = await eventually(async () => {
    const { items } = (await admin.get('/api/v1/namespaces/web/pods')) as { items: Pod[] };
    const alive = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (alive.length === 0) throw new Error('no Pods yet');
    return alive;
  });
  for (const { metadata } of pods) await setReady(admin, metadata.name, true);
}

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
}

/** @returns the port of the DNS server */
async function serve(): Promise<number> {
  const [port, admin] = [await freePort(), await freePort()];
  const kubeconfigs = PLACES.map(async ({ name }) => {
    const cluster = clusters.get(name)!;
    writeFileSync(
      join(folder, `${name}.kubeconfig`),
      kubeconfigText(cluster, { token: await cluster.token() }),
    );
  });
  await Promise.all(kubeconfigs);
  const config = {
    domain: 'example.com',
    nameservers: [{ name: 'ns1.example.com', addresses: ['127.0.0.1'] }],
    listen: [`127.0.0.1:${port}`],
    admin: `127.0.0.1:${admin}`,
    ttl: 30,
    outage: { graceSeconds: GRACE_SECONDS },
    federations: [{ name: 'main' }],
    clusters: PLACES.map(({ name }) => ({
      name,
      kubeconfig: { path: `./${name}.kubeconfig`, context: name },
    })),
  };
  writeFileSync(join(folder, 'fedns.yaml'), JSON.stringify(config));
  const args = [main, 'serve', '--config', join(folder, 'fedns.yaml')];
  fedns = startProgram(process.execPath, args, join(folder, 'fedns.log'));
  await eventually(() => {
    if (!dig(port, NAME).includes(PLACES[2].address)) throw new Error(`not served: ${fedns!.log()}`);
  });
  return port;
}

async function tell(port: number): Promise<void> {
  const [us] = PLACES;
  const ask = (): void => {
    for (const where of ['', `.${us.region}`, `.${us.zone}.${us.region}`]) show(port, `${NAME}${where}`);
  };
  note('before');
  showClusters();
  ask();
  note('scaled to zero in one');
  kubectl('us', 'scale deployment nginx --namespace web --replicas=0');
  await sleep(1000);
  ask();
  note('scaled up again');
  kubectl('us', 'scale deployment nginx --namespace web --replicas=1');
  await runPods(clusters.get('us')!);
  await sleep(1000);
  ask();
  note('the API server of that cluster stops: held for outage.graceSeconds');
  await clusters.get('us')!.stopApiServer();
  await sleep(2000);
  ask();
  note(`${GRACE_SECONDS + 5} s later: withdrawn`);
  await sleep((GRACE_SECONDS + 5) * 1000);
  showClusters();
  ask();
  note('it starts again');
  await clusters.get('us')!.startApiServer();
  await sleep(8000);
  showClusters();
  ask();
}

function show(port: number, name: string): void {
  say(`$ dig +noall +answer ${name}.example.com\n${dig(port, name)}`);
}

function dig(port: number, name: string): string {
  const args = ['@127.0.0.1', '-p', String(port), '+noall', '+answer', `${name}.example.com`];
  return spawnSync('dig', args, { encoding: 'utf8' }).stdout;
}

function showClusters(): void {
  const args = [main, 'clusters', '--config', join(folder, 'fedns.yaml')];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  say(`$ fedns clusters\n${stdout}${stderr}`);
}

function kubectl(cluster: string, command: string): void {
  const args = ['--kubeconfig', clusters.get(cluster)!.kubeconfig, ...command.split(' ')];
  const { stdout, stderr } = spawnSync(join(programFolder(), 'kubectl'), args, { encoding: 'utf8' });
  say(`$ kubectl --context ${cluster} ${command}\n${stdout}${stderr}`);
}

function note(text: string): void {
  say(`## ${text}\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * How long a change takes with a real API server: `npm run bench:propagation -- [--rate 100] [--seconds 20]`. From the
 * arrival of an EndpointSlice's octets until it is in the answer image; beside it, how long the API server took to
 * write it, which tells how busy the machine is.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CLUSTER_DEFAULTS } from '../src/config/cluster-defaults.ts';
import type { ClusterAccess } from '../src/watchers/credentials/cluster-access.ts';
import { Credentials } from '../src/watchers/credentials/credentials.ts';
import { KubernetesSource } from '../src/watchers/kubernetes/kubernetes-source.ts';
import { OutageGovernor } from '../src/watchers/health/outage-governor.ts';
import { systemTimers } from '../src/timers.ts';
import { Etcd, MemberCluster } from '../test/cluster/member-cluster.ts';
import { eventually } from '../test/cluster/processes.ts';
import { createPod, createService } from '../test/cluster/workload.ts';
import { makeBuilder } from './domain.ts';

interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const { values } = parseArgs({
  options: { rate: { type: 'string', default: '100' }, seconds: { type: 'string', default: '20' } },
});

/** Objects that change in turn. */
const SLICES = 50;
const PATH = '/apis/discovery.k8s.io/v1/namespaces/web/endpointslices';

async function measurePropagation(load: {
  readonly perSecond: number;
  readonly seconds: number;
}): Promise<Record<string, Times>> {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-propagation-'));
  const etcd = await Etcd.start(folder);
  const cluster = await MemberCluster.start('one', folder, etcd);
  const arrivals: number[] = [];
  const source = await watch(cluster, (ms) => arrivals.push(ms));
  try {
    await prepare(cluster);
    await eventually(() => {
      if (source.report().objects < SLICES * 2) throw new Error('not listed yet');
    });
    await sleep(2000);
    arrivals.length = 0;
    const writes = await change(cluster, load);
    return { 'event to answer': timesOf(arrivals), 'a write, for comparison': timesOf(writes) };
  } finally {
    await source.stop();
    await cluster.stop();
    await etcd.stop();
    rmSync(folder, { recursive: true });
  }
}

async function watch(cluster: MemberCluster, onPropagation: (ms: number) => void): Promise<KubernetesSource> {
  const access: ClusterAccess = {
    server: new URL(cluster.url),
    ca: { kind: 'text', text: cluster.ca.cert },
    insecure: false,
    token: { kind: 'text', text: await cluster.token() },
  };
  const source = new KubernetesSource({
    settings: { ...CLUSTER_DEFAULTS, name: 'one', origin: { kind: 'inCluster' } },
    federations: [{ name: 'main', select: 'label', policy: 'all' }],
    domain: 'example.com',
    dampingSeconds: 0,
    sink: makeBuilder(),
    governor: new OutageGovernor({
      timers: systemTimers,
      graceSeconds: 60,
      refusedGraceSeconds: 43_200,
      failStaticAbove: 0.5,
    }),
    credentials: new Credentials({
      load: async () => access,
      timers: systemTimers,
      clock: Date.now,
      env: {},
    }),
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    onPropagation: (_cluster, ms) => onPropagation(ms),
  });
  await source.start();
  return source;
}

/** A Service with a Pod, and Services whose slices nobody but us writes. */
async function prepare({ admin }: MemberCluster): Promise<void> {
  await createService(admin, { region: 'us', zone: 'us-a', address: '192.0.2.1' });
  await createPod(admin);
  for (let i = 0; i < SLICES; i++) {
    await admin.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `s${i}`, namespace: 'web', labels: { 'fedns.io/federation': 'main' } },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    });
    const ingress = [{ ip: `192.0.2.${i + 10}` }];
    await admin.patch(`/api/v1/namespaces/web/services/s${i}/status`, {
      status: { loadBalancer: { ingress } },
    });
    await admin.apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `s${i}-x`, namespace: 'web', labels: { 'kubernetes.io/service-name': `s${i}` } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
    });
  }
}

/** @returns how long each write took */
async function change(
  { admin }: MemberCluster,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<number[]> {
  const writes: number[] = [];
  const startMs = performance.now();
  const pending: Promise<void>[] = [];
  for (let n = 0; n < perSecond * seconds; n++) {
    const dueMs = startMs + (n * 1000) / perSecond;
    if (dueMs > performance.now()) await sleep(dueMs - performance.now());
    pending.push(write(n));
  }
  await Promise.all(pending);
  await sleep(500);
  return writes;

  async function write(n: number): Promise<void> {
    const ready = Math.floor(n / SLICES) % 2 === 1;
    const atMs = performance.now();
    const endpoints = [{ addresses: ['10.1.0.1'], conditions: { ready } }];
    await admin.patch(`${PATH}/s${n % SLICES}-x`, { endpoints });
    writes.push(performance.now() - atMs);
  }
}

function timesOf(times: number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

const measured = await measurePropagation({
  perSecond: Number(values.rate),
  seconds: Number(values.seconds),
});
for (const [what, { count, p50, p99, max }] of Object.entries(measured)) {
  process.stdout.write(
    `${what}: ${count}, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, longest ${max.toFixed(2)} ms\n`,
  );
}

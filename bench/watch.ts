/**
 * What it costs to watch many member clusters: `npm run bench:watch -- [--clusters 100] [--slices 5000] ...`. A real
 * `fedns serve` lists and watches scripted API servers over TLS on loopback; the servers run in this process, so that
 * memory and event loop are those of fedns alone. Prints one table: what was measured, the figure, and its budget.
 *
 * On a machine with other work, look at CPU seconds rather than seconds, and at how long fedns waited for a core.
 * `--profile FOLDER` writes CPU profiles of it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ApiServers, type ServersShape } from './peers/api-servers.ts';
import { printBudgets, type BudgetRow } from './budgets.ts';
import { DOMAIN } from './domain.ts';
import { FEDERATION, namespaceOf, serviceName } from './federation.ts';
import { addressOf, BLOCK_OBJECTS, CLUSTERS_MAX, SERVICES_MAX, zoneOf } from './peers/member-objects.ts';
import { cpuSeconds } from './process.ts';
import { WatchingFedns, type Samples, type ThreadTime } from './peers/watching-fedns.ts';

/** Longest that everything may take until it is served, or until the last change is. */
const SERVED_MS_MAX = 300_000;
const APPLIED_MS_MAX = 5_000;
/** Changes are written in bursts of what this time holds. */
const BURST_MS = 10;
/** A stride over a cluster's Services that meets each once. */
const STRIDE = 7919;

interface Plan extends ServersShape {
  readonly rate: number;
  readonly seconds: number;
  readonly profile: string | undefined;
}

interface Bench extends Plan {
  readonly servers: ApiServers;
  readonly fedns: WatchingFedns;
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      clusters: { type: 'string', default: '100' },
      slices: { type: 'string', default: '5000' },
      services: { type: 'string', default: '50000' },
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      profile: { type: 'string' },
    },
  });
  const clusters = Math.min(CLUSTERS_MAX, Number(values.clusters));
  const slices = wholeBlocks(Number(values.slices));
  const services = Math.min(SERVICES_MAX, Math.max(slices, wholeBlocks(Number(values.services))));
  const { profile } = values;
  return { clusters, slices, services, rate: Number(values.rate), seconds: Number(values.seconds), profile };
}

function wholeBlocks(objects: number): number {
  return Math.max(1, Math.round(objects / BLOCK_OBJECTS)) * BLOCK_OBJECTS;
}

/** From the start of the process until a Service of every cluster is answered with that cluster's address. */
async function measureListing(bench: Bench): Promise<BudgetRow[]> {
  const { clusters, slices, services } = bench;
  const start = performance.now();
  await bench.fedns.start();
  const deadline = start + SERVED_MS_MAX;
  for (let cluster = 0; cluster < clusters; cluster++) await untilServed(bench, cluster, deadline);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = cpuSeconds(bench.fedns.pid);
  const { waitMs } = bench.fedns.controlThread();
  const figures = await bench.fedns.samples();
  return [
    ['clusters × EndpointSlices, as many Services each', `${clusters} × ${slices}`, ''],
    ['federated Services', String(services), ''],
    ['lists read', `${(bench.servers.octetsListed / 1e6).toFixed(0)} MB`, ''],
    ['all clusters listed and served', `${seconds.toFixed(1)} s`, '≤ 60 s'],
    ['  CPU time of fedns', `${(user + system).toFixed(1)} s`, ''],
    ['  its control thread waited for a core', `${(waitMs / 1000).toFixed(1)} s`, ''],
    ['  event-loop delay p99', milliseconds(loopDelay(figures, '0.99')), ''],
    ['peak RSS while listing', `${bench.fedns.peakResidentMebibytes().toFixed(0)} MiB`, '≤ 1200 MiB'],
    ['  heap afterwards', mebibytes(figures, 'fedns_memory_octets{kind="heapTotal"}'), ''],
    ['  of which used', mebibytes(figures, 'fedns_memory_octets{kind="heapUsed"}'), ''],
    ['  answer image', mebibytes(figures, 'fedns_image_octets_mapped'), ''],
  ];
}

async function untilServed(bench: Bench, cluster: number, deadline: number): Promise<void> {
  const service = bench.servers.serviceOf(cluster, 0);
  const name = `${serviceName(service)}.${namespaceOf(service)}.${FEDERATION}.svc.${zoneOf(cluster).region}.${DOMAIN}`;
  const wanted = addressOf(cluster, service);
  while (!(await bench.fedns.addresses(name)).includes(wanted)) {
    if (performance.now() > deadline) throw new Error(`${name} has not ${wanted}`);
    await pause(100);
  }
}

/** Endpoints of all clusters that go and come back, at a steady rate. */
async function measureChanges(bench: Bench): Promise<BudgetRow[]> {
  const before = await bench.fedns.samples();
  const startMs = performance.now();
  const thread = bench.fedns.controlThread();
  const sent = await sendChanges(bench, startMs);
  const sentMs = performance.now();
  const busy = since(thread, bench.fedns.controlThread());
  const loop = await bench.fedns.samples();
  const after = await untilApplied(bench, before, loop, sent);
  const lagMs = performance.now() - sentMs;
  return [
    ['changes of answers per second, written', (sent / ((sentMs - startMs) / 1000)).toFixed(0), ''],
    ['changes applied, of those written', `${applied(after) - applied(before)} of ${sent}`, 'all'],
    ['  the last of them, after it was written, within', milliseconds(lagMs), ''],
    ['  CPU time of the control thread per change', `${((busy.runMs * 1000) / sent).toFixed(0)} µs`, ''],
    ['  it waited for a core', `${((busy.waitMs / (sentMs - startMs)) * 100).toFixed(1)} % of the time`, ''],
    ['event-loop delay p99', milliseconds(loopDelay(loop, '0.99')), '< 50 ms'],
    ['  p50', milliseconds(loopDelay(loop, '0.5')), ''],
    ['  longest', milliseconds(loopDelay(loop, '1')), ''],
    ['lists begun again', String(bench.servers.listsBegun - bench.servers.kinds * bench.clusters), '0'],
    ['arrival of a change to its first answer, p99', `≤ ${propagationMs(before, after)} ms`, ''],
    ['peak RSS', `${bench.fedns.peakResidentMebibytes().toFixed(0)} MiB`, '≤ 1200 MiB'],
  ];
}

/** @returns how many */
async function sendChanges(bench: Bench, startMs: number): Promise<number> {
  const { clusters, slices, rate, seconds } = bench;
  const total = rate * seconds;
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startMs) / 1000) * rate));
    for (; sent < due; sent++) {
      const turn = Math.floor(sent / clusters);
      bench.servers.change(sent % clusters, ((turn >> 1) * STRIDE) % slices, turn % 2 === 1);
    }
    await pause(BURST_MS);
  }
  return total;
}

async function untilApplied(bench: Bench, before: Samples, now: Samples, sent: number): Promise<Samples> {
  const deadline = performance.now() + APPLIED_MS_MAX;
  let samples = now;
  while (applied(samples) - applied(before) < sent && performance.now() < deadline) {
    await pause(200);
    samples = await bench.fedns.samples();
  }
  return samples;
}

const LOOP_DELAY = 'fedns_event_loop_delay_seconds';

function loopDelayKey(quantile: string): string {
  return `${LOOP_DELAY}{quantile="${quantile}"}`;
}

function loopDelay(samples: Samples, quantile: string): number {
  return samples.get(loopDelayKey(quantile))! * 1000;
}

function applied(samples: Samples): number {
  return sum(samples, 'fedns_propagation_seconds_count{');
}

/** The upper bound of the bucket that the 99th percentile lies in. */
function propagationMs(before: Samples, after: Samples): string {
  const bounds = [...after.keys()].flatMap((key) => /_bucket\{le="([^"]+)"/.exec(key)?.[1] ?? []);
  const wanted = (applied(after) - applied(before)) * 0.99;
  const within = (le: string): number => {
    const prefix = `fedns_propagation_seconds_bucket{le="${le}"`;
    return sum(after, prefix) - sum(before, prefix);
  };
  const found = [...new Set(bounds)].find((le) => within(le) >= wanted) ?? 'Infinity';
  return String(Number(found) * 1000);
}

function sum(samples: Samples, prefix: string): number {
  let total = 0;
  for (const [key, value] of samples) if (key.startsWith(prefix)) total += value;
  return total;
}

function since(before: ThreadTime, after: ThreadTime): ThreadTime {
  return { runMs: after.runMs - before.runMs, waitMs: after.waitMs - before.waitMs };
}

function mebibytes(samples: Samples, key: string): string {
  return `${(samples.get(key)! / 2 ** 20).toFixed(0)} MiB`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function main(): Promise<void> {
  const plan = readPlan();
  const folder = mkdtempSync(join(tmpdir(), 'fedns-bench-watch-'));
  const servers = new ApiServers(plan);
  await servers.start();
  const fedns = new WatchingFedns({
    folder,
    clusters: Array.from({ length: plan.clusters }, (_, i) => servers.urlOf(i)),
    authority: servers.authority,
    nodeOptions: plan.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${plan.profile}`],
  });
  try {
    const bench = { ...plan, servers, fedns };
    const listing = await measureListing(bench);
    printBudgets([...listing, ...(await measureChanges(bench))]);
  } finally {
    await fedns.stop();
    servers.stop();
  }
  // What fedns said stays where something went wrong.
  rmSync(folder, { recursive: true });
}

await main();

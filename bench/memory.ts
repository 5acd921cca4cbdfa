/**
 * What memory the shipped process needs: `npm run bench:memory -- [--services 50000] [--clusters 13] [--watching] [--built]`.
 * A real `fedns serve` starts from a snapshot of the random federation while no API server can be reached, beside one
 * with the same clusters and no Service. With `--watching`, one more lists and watches scripted API servers that hold
 * as many shards. `--built` takes dist/main.js, which `npm run build` makes and the package carries, in place of the source:
 * a thread that strips types needs memory for that. Prints one table: what was measured, the figure, and its budget.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { replaceFile } from '../src/state/atomic-file.ts';
import { encodeSnapshot, type ClusterFacts } from '../src/state/snapshot-format.ts';
import { issueCertificate } from '../test/cluster/certificates.ts';
import { ApiServers } from './peers/api-servers.ts';
import { printBudgets, type BudgetRow } from './budgets.ts';
import { DOMAIN } from './domain.ts';
import {
  FEDERATION,
  listShards,
  namespaceOf,
  placeClusters,
  serviceName,
  SHARD_SHARE,
} from './federation.ts';
import { BLOCK_OBJECTS, zoneOf } from './peers/member-objects.ts';
import { cpuSeconds } from './process.ts';
import { WatchingFedns } from './peers/watching-fedns.ts';

const BUILT = new URL('../dist/main.js', import.meta.url).pathname;
/** Nobody listens there. */
const UNREACHABLE = 'https://127.0.0.1:1';
const SERVED_MS_MAX = 300_000;
const TRY_MS = 100;
/** From the first answers until memory is looked at: the start's own garbage is still there, and is to be. */
const SETTLED_MS = 5000;
/** The same, for what V8 gives back later, and past the snapshot that is written each minute. */
const LATER_MS = 70_000;
/** Over an empty fedns, in MiB: gdnsd with the same zone has 118 in all. */
const BUDGET_MEBIBYTES = 150;

interface Plan {
  readonly services: number;
  readonly clusters: number;
  /** The program that is started; absent: the source. */
  readonly program?: string;
}

/** Memory at one moment, in MiB. */
interface Memory {
  readonly resident: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly image: number;
}

interface Measured {
  readonly soon: Memory;
  readonly later: Memory;
  readonly peak: number;
  readonly readySeconds: number;
  readonly cpuSeconds: number;
}

/** What is started, and how to see that it serves everything. */
interface Subject {
  readonly urls: readonly string[];
  readonly authority: string;
  readonly prepare: (stateFolder: string) => Promise<void>;
  /** Names that have addresses once everything is there. */
  readonly names: readonly string[];
}

/** The clusters with their first `services` Services. */
function* factsOf({ clusters }: Plan, services: number): Generator<ClusterFacts> {
  for (const [i, { name, region, zone }] of placeClusters(clusters).entries()) {
    const cluster = { name: `cluster-${i}`, region, zones: [zone], status: 'available' } as const;
    yield { cluster, shards: listShards(name, { services, clusters, seed: 1 }) };
  }
}

function restored(plan: Plan, services: number): Subject {
  const head = { savedMs: Date.now(), serial: 1 };
  return {
    urls: Array.from({ length: plan.clusters }, (_, i) => `${UNREACHABLE}/${i}`),
    authority: issueCertificate({ commonName: 'bench authority' }).cert,
    prepare: (folder) =>
      replaceFile(join(folder, 'snapshot.ndjson'), encodeSnapshot(head, factsOf(plan, services))),
    names: services === 0 ? [`ns1.${DOMAIN}`] : [`${baseOf(services - 1)}.${DOMAIN}`],
  };
}

function watched({ clusters }: Plan, servers: ApiServers): Subject {
  const numbers = Array.from({ length: clusters }, (_, i) => i);
  return {
    urls: numbers.map((i) => servers.urlOf(i)),
    authority: servers.authority,
    prepare: () => Promise.resolve(),
    names: numbers.map((i) => `${baseOf(servers.serviceOf(i, 0))}.${zoneOf(i).region}.${DOMAIN}`),
  };
}

function baseOf(service: number): string {
  return `${serviceName(service)}.${namespaceOf(service)}.${FEDERATION}.svc`;
}

async function measure({ program }: Plan, subject: Subject): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-bench-memory-'));
  const { urls: clusters, authority } = subject;
  const fedns = new WatchingFedns({
    folder,
    clusters,
    authority,
    nodeOptions: [],
    ...(program !== undefined && { main: program }),
  });
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  await subject.prepare(join(folder, 'state'));
  const measured = await lookAt(fedns, subject.names).finally(() => fedns.stop());
  // What fedns said stays where something went wrong.
  rmSync(folder, { recursive: true });
  return measured;
}

async function lookAt(fedns: WatchingFedns, names: readonly string[]): Promise<Measured> {
  const startMs = performance.now();
  await fedns.start();
  await untilServed(fedns, names, startMs + SERVED_MS_MAX);
  const servedMs = performance.now();
  await sleep(SETTLED_MS);
  const { user, system } = cpuSeconds(fedns.pid);
  const soon = await memoryOf(fedns);
  await sleep(Math.max(0, servedMs + LATER_MS - performance.now()));
  const later = await memoryOf(fedns);
  const peak = fedns.peakResidentMebibytes();
  return { soon, later, peak, readySeconds: (servedMs - startMs) / 1000, cpuSeconds: user + system };
}

async function untilServed(fedns: WatchingFedns, names: readonly string[], deadline: number): Promise<void> {
  for (const name of names) {
    while ((await fedns.addresses(name)).length === 0) {
      if (performance.now() > deadline) throw new Error(`${name} has no address`);
      await sleep(TRY_MS);
    }
  }
}

/** All pages that are mapped: pages of the program that several processes share count in full, in every figure. */
async function memoryOf(fedns: WatchingFedns): Promise<Memory> {
  // Taken first: to write the metrics page takes memory too.
  const rollup = readFileSync(`/proc/${fedns.pid}/smaps_rollup`, 'utf8');
  const samples = await fedns.samples();
  const mebibytes = (key: string): number => samples.get(key)! / 2 ** 20;
  return {
    resident: Number(/^Rss:\s+(\d+)/m.exec(rollup)![1]) / 1024,
    heapUsed: mebibytes('fedns_memory_octets{kind="heapUsed"}'),
    heapTotal: mebibytes('fedns_memory_octets{kind="heapTotal"}'),
    external: mebibytes('fedns_memory_octets{kind="external"}'),
    image: mebibytes('fedns_image_octets_mapped'),
  };
}

function rowsOf(title: string, measured: Measured, empty: Measured): BudgetRow[] {
  const { soon, later } = measured;
  const budget = `≤ ${BUDGET_MEBIBYTES} MiB`;
  return [
    [`${title}: served after`, `${measured.readySeconds.toFixed(1)} s`, ''],
    ['  CPU time until then', `${measured.cpuSeconds.toFixed(1)} s`, ''],
    ['  RSS, a few seconds later', text(soon.resident), ''],
    ['    over an empty fedns', text(soon.resident - empty.soon.resident), budget],
    ['  RSS, a minute later', text(later.resident), ''],
    ['    over an empty fedns', text(later.resident - empty.later.resident), budget],
    [
      '    heap of the control plane, of which used',
      `${later.heapTotal.toFixed(0)}, ${text(later.heapUsed)}`,
      '',
    ],
    ['    outside of it, buffers', text(later.external), ''],
    ['    answer image', text(later.image), ''],
    ['  peak RSS', text(measured.peak), ''],
  ];
}

function text(mebibytes: number): string {
  return `${mebibytes.toFixed(0)} MiB`;
}

async function measureWatching(plan: Plan): Promise<Measured> {
  const { clusters, services } = plan;
  const slices = Math.floor((services * SHARD_SHARE) / BLOCK_OBJECTS) * BLOCK_OBJECTS;
  const servers = new ApiServers({ clusters, services, slices });
  await servers.start();
  try {
    return await measure(plan, watched(plan, servers));
  } finally {
    servers.stop();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      services: { type: 'string', default: '50000' },
      clusters: { type: 'string', default: '13' },
      watching: { type: 'boolean', default: false },
      built: { type: 'boolean', default: false },
    },
  });
  const plan = {
    services: Number(values.services),
    clusters: Number(values.clusters),
    ...(values.built && { program: BUILT }),
  };
  const empty = await measure(plan, restored(plan, 0));
  const full = await measure(plan, restored(plan, plan.services));
  printBudgets([
    ['Services × clusters', `${plan.services} × ${plan.clusters}`, ''],
    [
      'empty: RSS, a few seconds later, a minute later',
      `${empty.soon.resident.toFixed(0)}, ${text(empty.later.resident)}`,
      '',
    ],
    ...rowsOf('from the snapshot', full, empty),
    ...(values.watching ? rowsOf('watching', await measureWatching(plan), empty) : []),
  ]);
}

await main();

/**
 * Compares fedns with the authoritative servers found on this machine: the same random federation, the same core, the
 * same queries, one after the other and over again (A B A B). Prints one table.
 *
 *   npm run bench -- --services 1000 --clusters 13 --workers 1 --mix hit,chain,nxdomain,edns --updates 0,1000
 *
 * Figures hold for one run on one machine: compare rows, not runs. CPU per answer is user and system time of the whole
 * process from the kernel's accounting; it leads, because a single dnsperf is exhausted before a fast server is.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, conclude, sampleNames } from './check.ts';
import { makeBuilder } from './domain.ts';
import { fillFederation } from './federation.ts';
import { measureLatency, measureLoopback, measureVeth } from './measure.ts';
import { findProgram, listPeers, type Peer } from './peers/peers.ts';
import { run } from './process.ts';
import { MIXES, pickNames, writePackets, writeQueries } from './drivers/queries.ts';
import { startServers, stopServers, type Running } from './peers/running.ts';
import { formatTable, type Row } from './table.ts';
import type { Plan } from './plan.ts';
import { createVeth } from './drivers/veth.ts';
import { writeZone, type ZoneNames } from './zone.ts';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    clusters: { type: 'string', default: '13' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    mix: { type: 'string', default: 'hit' },
    updates: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    drivers: { type: 'string', default: 'dnsperf,pace,kxdpgun' },
    clients: { type: 'string', default: '4' },
    rate: { type: 'string', default: '400000' },
    keep: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'fedns-bench-'));
const workers = Number(values.workers);
const plan: Plan = {
  shape: { services: Number(values.services), clusters: Number(values.clusters), seed: Number(values.seed) },
  workers,
  mixes: MIXES.filter((mix) => values.mix.split(',').includes(mix)),
  seconds: Number(values.seconds),
  rounds: Number(values.rounds),
  clients: Number(values.clients),
  rate: Number(values.rate),
  folder,
  serverCores: workers === 1 ? '0' : `0-${workers - 1}`,
  driverCore: String(availableParallelism() - 1),
  pace: await compile('pace', './drivers/pace.c', folder),
};

try {
  await main(plan);
} finally {
  if (!values.keep) rmSync(folder, { recursive: true });
}

async function main(p: Plan): Promise<void> {
  const names = await prepareZone(p);
  const peers = choosePeers(await compile('echo', './peers/echo.c', p.folder));
  const updates = values.updates.split(',').map(Number);
  const rows: Row[] = [];
  await serving(p, peers, updates, undefined, async (servers) => {
    await crossCheck(servers, p, names);
    if (has('dnsperf')) rows.push(...(await measureLoopback(p, servers)));
    if (has('pace') && p.pace !== undefined) await measureLatency(p, p.pace, servers, rows);
  });
  if (has('kxdpgun')) rows.push(...(await throughVeth(p, peers, updates)));
  console.log(formatTable(rows));
}

function has(driver: string): boolean {
  return (
    values.drivers.split(',').includes(driver) && (driver === 'pace' || findProgram(driver) !== undefined)
  );
}

async function serving(
  p: Plan,
  peers: readonly Peer[],
  updates: readonly number[],
  at: { address: string; namespace: string } | undefined,
  use: (servers: Running[]) => Promise<void>,
): Promise<void> {
  const servers: Running[] = [];
  try {
    await startServers(servers, p, peers, updates, at);
    await use(servers);
  } finally {
    await stopServers(servers);
  }
}

async function throughVeth(p: Plan, peers: readonly Peer[], updates: readonly number[]): Promise<Row[]> {
  if (process.getuid?.() !== 0) return skip('kxdpgun needs root for its namespaces');
  const veth = await createVeth(((1 << p.workers) - 1).toString(16)).catch((error: Error) =>
    skip(error.message),
  );
  if (Array.isArray(veth)) return veth;
  const rows: Row[] = [];
  try {
    const at = { address: veth.serverAddress, namespace: veth.serverNamespace };
    const fast = peers.filter((peer) => peer.forScale !== true);
    await serving(
      p,
      fast,
      updates,
      at,
      async (servers) => void rows.push(...(await measureVeth(p, servers, veth))),
    );
  } finally {
    await veth.remove();
  }
  return rows;
}

function skip(why: string): Row[] {
  console.log(`left out: ${why}`);
  return [];
}

/** Builds the federation once more than the servers do, to know what it says. */
async function prepareZone(p: Plan): Promise<ZoneNames> {
  const builder = makeBuilder();
  fillFederation(builder, p.shape);
  const names = await writeZone(builder, p.shape.clusters, join(p.folder, 'zone'));
  console.log(`${names.hits.length} names with addresses, ${names.chains.length} aliases`);
  for (const mix of p.mixes) {
    const picked = pickNames(mix, names, p.shape.seed);
    await writeQueries(picked, join(p.folder, `${mix}.queries`));
    await writePackets(picked, mix === 'edns', join(p.folder, `${mix}.packets`));
  }
  return names;
}

/** Those that are here and wanted, in the order in which they are measured. */
function choosePeers(echo: string | undefined): Peer[] {
  const wanted = values.only === '' ? undefined : values.only.split(',');
  const peers = listPeers(echo).filter(({ name }) => wanted === undefined || wanted.includes(name));
  const absent = peers.filter(({ program }) => program === undefined).map(({ name }) => name);
  if (absent.length > 0) console.log(`not on this machine: ${absent.join(', ')}`);
  return peers.filter(({ program }) => program !== undefined);
}

async function crossCheck(servers: readonly Running[], p: Plan, names: ZoneNames): Promise<void> {
  const asked = sampleNames(p.mixes, names);
  const concluded = [];
  for (const server of servers) {
    // Answers that change while they are compared prove nothing.
    if (server.answers && server.updates === 0) concluded.push(await conclude(server, asked));
  }
  const differences = compare(asked, concluded);
  console.log(
    `cross-check of ${concluded.map(({ server }) => server).join(', ')}: ${asked.length} names, ${differences.length} differ`,
  );
  for (const difference of differences.slice(0, 3)) console.log(difference);
  if (differences.length > 0) process.exitCode = 1;
}

/** Compiles a C source of the benchmark; undefined where there is no compiler. */
async function compile(name: string, source: string, into: string): Promise<string | undefined> {
  if (findProgram('cc') === undefined) return undefined;
  mkdirSync(into, { recursive: true });
  const program = join(into, name);
  await run(['cc', '-O2', '-o', program, fileURLToPath(new URL(source, import.meta.url))]);
  return program;
}

/**
 * What it costs to know where clients are, with real databases: `npm run bench:geo -- FILE.mmdb [FILE.mmdb]`. Compiles in the thread
 * that the server uses, looks clients up, and asks a server of its own over UDP while it compiles. Prints one table.
 *
 * For latencies as on a quiet machine, where others have work for its cores: `setsid bash -c 'echo -20 > /proc/self/autogroup; npm run
 * bench:geo -- FILE.mmdb'`, as root. It weighs all of this against all of theirs, and nothing of this against itself.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { GeoTables } from '../src/geo/compile.ts';
import { knownRegion, PROVIDERS } from '../src/geo/regions-table.ts';
import { compileInThread } from '../src/serve/geo/compile-job.ts';
import { ClientPlace, wordsOf } from '../src/server/answer/client-place.ts';
import { Type } from '../src/zonebuilder/dns.ts';
import { encodeQuery } from './drivers/queries.ts';
import { printBudgets, type BudgetRow } from './budgets.ts';

const PATHS = process.argv.slice(2).map((path) => resolve(path));
/** Regions of one provider, as many as the budgets are for. */
const REGIONS = 30;
const LOOK_UPS = 4_000_000;
const MIB = 1024 * 1024;
/** Time between two queries to a server that compiles, in milliseconds. */
const PAUSE_MS = 2;
/** Answers later than this are named. */
const LATE_MS = 10;
const NAME = 'nginx.mynamespace.myfederation.svc.example.com';

const regions = Object.keys(PROVIDERS[1]!.regions).slice(0, REGIONS);
const places = regions.map((location) => ({ location, point: knownRegion(location)!.point, countries: [] }));

async function compile(): Promise<BudgetRow[]> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
  const startMs = performance.now();
  const order = { paths: PATHS, places, clients: [], version: 1, builtMs: {} };
  const outcome = await compileInThread(order, new AbortController().signal);
  const seconds = (performance.now() - startMs) / 1000;
  clearInterval(watch);
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  const { memory, orders } = outcome.tables;
  return [
    [
      `compiled, ${orders.length} rows`,
      `${seconds.toFixed(1)} s`,
      'at most 5 s (GeoLite2 City), 10 s (DB-IP City)',
    ],
    ['kept', `${(memory.byteLength / MIB).toFixed(1)} MiB`, 'at most 64 MiB'],
    ['more meanwhile', `${((peak - before) / MIB).toFixed(0)} MiB`, 'at most 300 MiB'],
    ...lookUps(outcome.tables),
  ];
}

function timed(what: string, look: (at: number) => void, budget: string): BudgetRow {
  const startMs = performance.now();
  for (let i = 0; i < LOOK_UPS; i++) look((i * 16) & 0xffff);
  return [what, `${(((performance.now() - startMs) * 1e6) / LOOK_UPS).toFixed(0)} ns`, budget];
}

function lookUps({ memory }: GeoTables): BudgetRow[] {
  const place = new ClientPlace(memory);
  const addresses = new Uint8Array(65_536 + 16);
  for (let i = 0; i < addresses.length; i++) addresses[i] = (Math.imul(i, 2_654_435_761) >>> 11) & 0xff;
  const six = addresses.slice();
  for (let i = 0; i < six.length; i += 16) six.set([0x2a, i >>> 12], i);
  const networks: Int32Array[] = [];
  for (let i = 0; i + 16 <= six.length; i += 16) networks.push(wordsOf(six.subarray(i, i + 16)));
  return [
    timed('IPv4 address', (at) => place.locate(addresses, at, 4), 'at most 40 ns'),
    timed('IPv6 address', (at) => place.locate(six, at, 16), 'at most 178 ns'),
    timed('IPv4 subnet with scope', (at) => place.locateNetwork(networks[at >> 4]!, 1, 24), ''),
    timed('IPv6 subnet with scope', (at) => place.locateNetwork(networks[at >> 4]!, 2, 56), ''),
  ];
}

/** A server that is asked all the time: from its first answer until its tables are compiled, while they are made anew, and as long again. */
async function latencies(): Promise<BudgetRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-geo-'));
  const file = join(folder, 'fedns.yaml');
  const databases = PATHS.map((_, i) => join(folder, `${i}.mmdb`));
  databases.forEach((copy, i) => copyFileSync(PATHS[i]!, copy));
  writeFileSync(file, configOf(resolve('config/demo'), databases));
  const server = spawn(process.execPath, ['src/main.ts', 'serve', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const { port, compiled } = await listening(server.stderr);
    const first = await ask(port, compiled());
    const startMs = performance.now();
    const again = compiled();
    replace(databases[0]!);
    const anew = await ask(port, again);
    const pause = new Promise<void>((done) => setTimeout(done, performance.now() - startMs));
    return [
      latencyRow('slowest answer while it starts and compiles', first),
      latencyRow('slowest answer while it compiles anew', anew),
      latencyRow('slowest answer afterwards', await ask(port, pause)),
    ];
  } finally {
    server.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As an updater does it. */
function replace(database: string): void {
  copyFileSync(database, `${database}.new`);
  renameSync(`${database}.new`, database);
}

function latencyRow(what: string, { slowestMs, count, lateAt }: Latencies): BudgetRow {
  const late = lateAt.length === 0 ? 'none later' : `later: ${lateAt.join(', ')}`;
  return [what, `${slowestMs.toFixed(1)} ms`, `at most ${LATE_MS} ms; ${count} asked, ${late}`];
}

function configOf(demo: string, databases: readonly string[]): string {
  const clusters = ['gce-asia-east1-a', 'gce-us-central1-a'].map(
    (name) =>
      `  - { name: ${name}, region: ${name.slice(4, -2)}, zones: [${name.slice(4)}], manifests: ${demo}/${name} }`,
  );
  return [
    'domain: example.com',
    'nameservers: [{ name: ns1.example.com, addresses: [127.0.0.1] }]',
    "listen: ['127.0.0.1:0']",
    'stateDir: false',
    'workers: 1',
    'log: { format: json }',
    'federations: [{ name: myfederation, policy: nearest }]',
    `geoip: { databases: ${JSON.stringify(databases)} }`,
    'clusters:',
    ...clusters,
    '',
  ].join('\n');
}

/** Where a server listens, and when it has next compiled its tables. */
async function listening(
  log: NodeJS.ReadableStream,
): Promise<{ port: number; compiled: () => Promise<void> }> {
  const bound = Promise.withResolvers<number>();
  let compiled = Promise.withResolvers<void>();
  let text = '';
  log.on('data', (piece: Buffer) => {
    text += piece.toString();
    const lines = text.split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      const said = JSON.parse(line) as { msg: string; addresses?: readonly { port: number }[] };
      if (said.msg === 'listening') bound.resolve(said.addresses![0]!.port);
      if (!said.msg.startsWith('clients are found')) continue;
      compiled.resolve();
      compiled = Promise.withResolvers();
    }
  });
  return { port: await bound.promise, compiled: () => compiled.promise };
}

interface Latencies {
  readonly count: number;
  readonly slowestMs: number;
  /** Answers that took longer than the limit, in words. */
  readonly lateAt: readonly string[];
}

/** Asks one question after the other until `end`. */
async function ask(port: number, end: Promise<void>): Promise<Latencies> {
  const socket = createSocket('udp4').unref();
  const state = { isEnded: false };
  void end.then(() => (state.isEnded = true));
  const query = encodeQuery(1, NAME, Type.A, false);
  const spent: number[] = [];
  const lateAt: string[] = [];
  const beganMs = performance.now();
  while (!state.isEnded) {
    const startMs = performance.now();
    const reply = new Promise<void>((got) => socket.once('message', () => got()));
    socket.send(query, port, '127.0.0.1');
    await reply;
    const ms = performance.now() - startMs;
    spent.push(ms);
    if (ms > LATE_MS) lateAt.push(`${ms.toFixed(0)} ms at ${((startMs - beganMs) / 1000).toFixed(2)} s`);
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  socket.close();
  return { count: spent.length, slowestMs: Math.max(...spent), lateAt };
}

if (PATHS.length === 0) {
  process.stderr.write('usage: npm run bench:geo -- FILE.mmdb [FILE.mmdb]\n');
  process.exitCode = 1;
} else printBudgets([...(await compile()), ...(await latencies())]);

/**
 * What it costs to know where clients are, with real databases: `npm run bench:geo -- FILE.mmdb [FILE.mmdb]`. Compiles in the thread
 * that the server uses, looks clients up, and asks a server of its own over UDP while it compiles. Prints one table.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

/** A server that is asked all the time, from its first answer until its tables are compiled, and as long again. */
async function latencies(): Promise<BudgetRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-geo-'));
  const file = join(folder, 'fedns.yaml');
  const demo = resolve('config/demo');
  writeFileSync(file, configOf(demo));
  const server = spawn(process.execPath, ['src/main.ts', 'serve', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const { port, compiled } = await listening(server.stderr);
    const startMs = performance.now();
    const during = await ask(port, compiled);
    const pause = new Promise<void>((done) => setTimeout(done, performance.now() - startMs));
    const after = await ask(port, pause);
    return [
      [
        'slowest answer while it compiles',
        `${during.slowestMs.toFixed(1)} ms`,
        `at most 10 ms; ${during.count} asked, ${during.late} later`,
      ],
      [
        'slowest answer afterwards',
        `${after.slowestMs.toFixed(1)} ms`,
        `the machine itself; ${after.count} asked, ${after.late} later`,
      ],
    ];
  } finally {
    server.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

function configOf(demo: string): string {
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
    `geoip: { databases: ${JSON.stringify(PATHS)} }`,
    'clusters:',
    ...clusters,
    '',
  ].join('\n');
}

/** Where a server listens, and when it has compiled its tables. */
async function listening(log: NodeJS.ReadableStream): Promise<{ port: number; compiled: Promise<void> }> {
  const bound = Promise.withResolvers<number>();
  const compiled = Promise.withResolvers<void>();
  let text = '';
  log.on('data', (piece: Buffer) => {
    text += piece.toString();
    const lines = text.split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      const said = JSON.parse(line) as { msg: string; addresses?: readonly { port: number }[] };
      if (said.msg === 'listening') bound.resolve(said.addresses![0]!.port);
      if (said.msg.startsWith('clients are found')) compiled.resolve();
    }
  });
  return { port: await bound.promise, compiled: compiled.promise };
}

/** Asks one question after the other until `end`. */
async function ask(
  port: number,
  end: Promise<void>,
): Promise<{ count: number; late: number; slowestMs: number }> {
  const socket = createSocket('udp4').unref();
  const state = { isEnded: false };
  void end.then(() => (state.isEnded = true));
  const query = encodeQuery(1, NAME, Type.A, false);
  const figures = { count: 0, late: 0, slowestMs: 0 };
  while (!state.isEnded) {
    const startMs = performance.now();
    const reply = new Promise<void>((got) => socket.once('message', () => got()));
    socket.send(query, port, '127.0.0.1');
    await reply;
    const ms = performance.now() - startMs;
    figures.count++;
    if (ms > 10) figures.late++;
    figures.slowestMs = Math.max(figures.slowestMs, ms);
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  socket.close();
  return figures;
}

if (PATHS.length === 0) {
  process.stderr.write('usage: npm run bench:geo -- FILE.mmdb [FILE.mmdb]\n');
  process.exitCode = 1;
} else printBudgets([...(await compile()), ...(await latencies())]);

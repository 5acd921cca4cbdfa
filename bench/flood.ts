/**
 * Floods of hostile traffic against the shipped server, with a good client beside: `npm run flood -- --seconds 20`. Prints
 * the table of SECURITY.md. Everything stays on loopback; flood and good client ask from addresses of their own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Answers, GoodClientOptions, GoodClientReport } from './drivers/good-client.ts';
import { residentMebibytes, run, stopProcess } from './process.ts';
import { encodeQuery } from './drivers/queries.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    port: { type: 'string', default: '5391' },
    rate: { type: 'string', default: '1000' },
    only: { type: 'string', default: '' },
  },
});
const SECONDS = Number(values.seconds);
const PORT = Number(values.port);
const ADMIN_PORT = PORT + 1;
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const DEMO = fileURLToPath(new URL('../config/demo', import.meta.url));
const NAME = 'nginx.mynamespace.myfederation.svc.example.com';
/** Where the good client asks from; the floods use other networks of 127.0.0.0/8. */
const GOOD_ADDRESS = '127.10.0.1';
/** Distinct names in the flood of random names: asked once each, in 10 s at full rate. */
const RANDOM_NAMES = 1_000_000;

interface Flood {
  readonly title: string;
  /** More configuration. */
  readonly config?: string;
  /** Runs until it is over; says what it did. */
  run(folder: string): Promise<string>;
}

const FLOODS: readonly Flood[] = [
  { title: 'nothing, for comparison', run: async () => (await sleep(SECONDS * 1000), '') },
  { title: '100,000 random names per second', run: (folder) => dnsperf(folder, 100_000) },
  {
    title: 'the same, with rate limiting',
    config: 'rateLimit: { perSecond: 100, slip: 2, exempt: [] }\n',
    run: (folder) => dnsperf(folder, 100_000),
  },
  { title: '2,000 connections of one client, an octet per second', run: () => slowloris(2000, 1) },
  { title: '2,000 connections of 50 clients, an octet per second', run: () => slowloris(2000, 50) },
  { title: '50 connections that ask without reading', run: () => deafPipelines(50) },
  { title: '20,000 connections opened and left, one after another', run: () => churn(20_000) },
];

const folder = mkdtempSync(join(tmpdir(), 'fedns-flood-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  const rows = [];
  for (const flood of FLOODS) if (flood.title.includes(values.only)) rows.push(await tryFlood(flood));
  const headings = [
    'flood',
    'offered',
    'UDP lost',
    'p50 ms',
    'p99 ms',
    'TCP lost',
    'p50 ms',
    'p99 ms',
    'RSS MiB',
    'dropped, closed',
  ];
  for (const cells of [headings, headings.map(() => '---'), ...rows]) console.log(`| ${cells.join(' | ')} |`);
}

async function tryFlood(flood: Flood): Promise<string[]> {
  const file = join(folder, 'fedns.yaml');
  writeFileSync(file, configText(flood.config ?? ''));
  const server = spawn(process.execPath, [MAIN, 'serve', '--config', file], { stdio: 'ignore' });
  try {
    await untilServing();
    const before = residentMebibytes(server.pid!);
    const good = goodClient();
    const offered = await flood.run(folder);
    const peak = residentMebibytes(server.pid!);
    return row(flood.title, offered, await good, [before, peak], await metrics());
  } finally {
    await stopProcess(server);
  }
}

function row(
  title: string,
  offered: string,
  { udp, tcp }: GoodClientReport,
  mebibytes: readonly number[],
  drops: string,
): string[] {
  const memory = mebibytes.map((value) => value.toFixed(0)).join(' → ');
  return [title, offered, ...cellsOf(udp), ...cellsOf(tcp), memory, drops];
}

function cellsOf({ sent, lost, p50, p99 }: Answers): string[] {
  return [`${lost} of ${sent}`, p50.toFixed(2), p99.toFixed(2)];
}

function configText(more: string): string {
  const clusters = ['asia-east1-a', 'europe-west1-b', 'us-central1-a', 'us-east1-b'].map((zone) => {
    const region = zone.slice(0, -2);
    return `  - { name: gce-${zone}, region: ${region}, zones: [${zone}], manifests: ${JSON.stringify(join(DEMO, `gce-${zone}`))} }`;
  });
  return [
    'domain: example.com',
    'nameservers: [{ name: ns1.example.com, addresses: [127.0.0.1] }]',
    `listen: ['127.0.0.1:${PORT}']`,
    `admin: 127.0.0.1:${ADMIN_PORT}`,
    'stateDir: false',
    'federations: [{ name: myfederation }]',
    'clusters:',
    ...clusters,
    more,
  ].join('\n');
}

async function untilServing(): Promise<void> {
  for (;;) {
    const socket = connect(PORT, '127.0.0.1');
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await sleep(100);
  }
}

/** Runs a little longer than the flood, so that its effects are seen. */
async function goodClient(): Promise<GoodClientReport> {
  const options: GoodClientOptions = {
    port: PORT,
    name: NAME,
    rate: Number(values.rate),
    seconds: SECONDS,
    address: GOOD_ADDRESS,
  };
  const worker = new Worker(new URL('./drivers/good-client.ts', import.meta.url), { workerData: options });
  return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
}

/** What the server says that it has dropped and closed. */
async function metrics(): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${ADMIN_PORT}/metrics`)).text();
  const lines = text.matchAll(
    /^fedns_(?:dropped|tcp_closed|rate_limited_slips)_total(\{.*?\})? ([1-9]\d*)$/gm,
  );
  return [...lines]
    .map(([, labels, count]) => `${/"(.*?)"/.exec(labels ?? '')?.[1] ?? 'slipped'} ${count}`)
    .join(', ');
}

function randomLabel(): string {
  return Math.floor(Math.random() * 2 ** 40).toString(36);
}

async function dnsperf(dir: string, rate: number): Promise<string> {
  const queries = join(dir, 'random.txt');
  writeFileSync(
    queries,
    Array.from(
      { length: RANDOM_NAMES },
      () => `${randomLabel()}.mynamespace.myfederation.svc.example.com A\n`,
    ).join(''),
  );
  const where = ['-s', '127.0.0.1', '-p', String(PORT), '-a', '127.20.0.1', '-d', queries];
  const how = [
    '-l',
    String(SECONDS),
    '-Q',
    String(rate),
    '-c',
    '16',
    '-q',
    '4000',
    '-t',
    '0.2',
    '-O',
    'suppress=timeouts',
  ];
  const output = await run(['nice', 'dnsperf', ...where, ...how]);
  const sent = Number(/Queries sent:\s+(\d+)/.exec(output)?.[1]);
  return `${(sent / SECONDS / 1000).toFixed(1)} k/s`;
}

/** Keeps so many connections, which send a message as slowly as they can. */
async function slowloris(connections: number, clients: number): Promise<string> {
  const message = framed(1, 1);
  const end = performance.now() + SECONDS * 1000;
  let opened = 0;
  const hold = async (i: number): Promise<void> => {
    while (performance.now() < end) {
      const socket = open(`127.20.${Math.floor((i % clients) / 200)}.${1 + ((i % clients) % 200)}`);
      opened++;
      for (let octet = 0; octet < message.length && !socket.destroyed && performance.now() < end; octet++) {
        socket.write(message.subarray(octet, octet + 1));
        await sleep(1000);
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, i) => hold(i)));
  return `${opened} opened`;
}

/** Resolves when the socket takes more, or is closed, or after a second. */
async function drained(socket: Socket): Promise<void> {
  const given = new AbortController();
  const { signal } = given;
  await Promise.race([
    once(socket, 'drain', { signal }),
    once(socket, 'close', { signal }),
    sleep(1000),
  ]).catch(() => {});
  given.abort();
}

/** Pipelines queries as fast as they are taken, and never reads. */
async function deafPipelines(connections: number): Promise<string> {
  const burst = Buffer.concat(Array.from({ length: 500 }, (_, id) => framed(id, 16)));
  const end = performance.now() + SECONDS * 1000;
  let octets = 0;
  const flood = async (i: number): Promise<void> => {
    while (performance.now() < end) {
      const socket = open(`127.20.0.${1 + (i % 50)}`);
      while (!socket.destroyed && performance.now() < end) {
        octets += burst.length;
        if (!socket.write(burst)) await drained(socket);
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, i) => flood(i)));
  return `${(octets / 1_000_000).toFixed(0)} MB of queries`;
}

/** Opens connections, some hundred at a time, and resets them. */
async function churn(connections: number): Promise<string> {
  const end = performance.now() + SECONDS * 1000;
  let opened = 0;
  const turn = async (i: number): Promise<void> => {
    while (performance.now() < end && opened < connections) {
      const socket = open(`127.20.0.${1 + (i % 200)}`);
      opened++;
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
      socket.resetAndDestroy();
    }
  };
  await Promise.all(Array.from({ length: 100 }, (_, i) => turn(i)));
  return `${opened} opened`;
}

function open(localAddress: string): Socket {
  const socket = connect({ port: PORT, host: '127.0.0.1', localAddress, noDelay: true });
  // What is closed or refused by the server is the point of the exercise.
  socket.on('error', () => {});
  socket.pause();
  return socket;
}

function framed(id: number, type: number): Buffer {
  const message = encodeQuery(id, NAME, type, false);
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]);
}

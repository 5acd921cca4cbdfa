/**
 * What open pages cost: `npm run bench:page -- [--pages 100] [--seconds 15]`. A fedns of its own on the guide's clusters, in turn without
 * pages and with them, while nothing happens and while a shard fails and comes back several times a second. CPU time is the kernel's
 * for the whole process; how long changes took is the server's own histogram. Prints one table.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../test/process/serving.ts';
import { printBudgets, type BudgetRow } from './budgets.ts';
import { cpuSeconds, stopProcess } from './process.ts';

const { values } = parseArgs({
  options: { pages: { type: 'string', default: '100' }, seconds: { type: 'string', default: '15' } },
});
const PAGES = Number(values.pages);
const SECONDS = Number(values.seconds);
/** Between two changes, in milliseconds. */
const CHANGE_MS = 200;
/** Rounds, each in the other order: what else the machine does falls on both sides. */
const ROUNDS = 4;

const folder = mkdtempSync(join(tmpdir(), 'fedns-page-'));
const manifest = join(folder, 'demo', 'gce-us-central1-a', 'nginx.yaml');

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

async function startFedns(): Promise<Running> {
  const [port, adminPort] = [await freePort(), await freePort()];
  cpSync('config/demo', join(folder, 'demo'), { recursive: true });
  const text = readFileSync('config/demo.yaml', 'utf8')
    .replace('127.0.0.1:1053', `127.0.0.1:${port}`)
    .replace('127.0.0.1:9153', `127.0.0.1:${adminPort}`)
    .replace('../state', './state');
  writeFileSync(join(folder, 'fedns.yaml'), text);
  const args = ['src/main.ts', 'serve', '--config', join(folder, 'fedns.yaml')];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  for (let tries = 0; tries < 300; tries++) {
    const ready = await fetch(`http://127.0.0.1:${adminPort}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { child, port: adminPort };
    await sleep(100);
  }
  throw new Error('fedns did not start');
}

/** Opens pages as browsers do, and reads what they are told. @returns the octets that have come, and how to close them */
async function openPages(port: number): Promise<{ octets: () => number; close: () => void }> {
  let octets = 0;
  const responses: IncomingMessage[] = [];
  for (let i = 0; i < PAGES; i++) {
    const [response] = (await once(get({ port, path: '/api/v1/events', agent: false }), 'response')) as [
      IncomingMessage,
    ];
    response.on('data', (piece: Buffer) => (octets += piece.length));
    response.on('error', () => {});
    responses.push(response);
  }
  return {
    octets: () => octets,
    close: () => {
      for (const response of responses) response.destroy();
    },
  };
}

interface Figures {
  /** Share of one core. */
  cpu: number;
  changes: number;
  changeSeconds: number;
  octets: number;
}

async function measure({ child, port }: Running, hasPages: boolean, isChanging: boolean): Promise<Figures> {
  const pages = hasPages ? await openPages(port) : undefined;
  const stop = isChanging ? startChanging() : () => {};
  // The first picture of each page is not what an open page costs.
  await sleep(1000);
  const [before, octets, cpu] = [await changesOf(port), pages?.octets() ?? 0, cpuOf(child)];
  const startMs = performance.now();
  await sleep(SECONDS * 1000);
  const seconds = (performance.now() - startMs) / 1000;
  const after = await changesOf(port);
  const figures = {
    cpu: (cpuOf(child) - cpu) / seconds,
    changes: after.count - before.count,
    changeSeconds: after.sum - before.sum,
    octets: ((pages?.octets() ?? 0) - octets) / seconds / PAGES,
  };
  stop();
  pages?.close();
  await sleep(1000);
  return figures;
}

function cpuOf({ pid }: ChildProcess): number {
  const { user, system } = cpuSeconds(pid!);
  return user + system;
}

/** A shard that fails and comes back. */
function startChanging(): () => void {
  let ready = true;
  const text = readFileSync(manifest, 'utf8');
  const timer = setInterval(() => {
    ready = !ready;
    writeFileSync(manifest, text.replaceAll(/ready: (true|false)/g, `ready: ${ready}`));
  }, CHANGE_MS);
  return () => {
    clearInterval(timer);
    writeFileSync(manifest, text);
  };
}

async function changesOf(port: number): Promise<{ count: number; sum: number }> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const total = (name: string): number =>
    [...text.matchAll(new RegExp(`^fedns_propagation_seconds_${name}\\{.*\\} (.*)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  return { count: total('count'), sum: total('sum') };
}

function add(a: Figures | undefined, b: Figures): Figures {
  if (a === undefined) return b;
  return {
    cpu: a.cpu + b.cpu,
    changes: a.changes + b.changes,
    changeSeconds: a.changeSeconds + b.changeSeconds,
    octets: a.octets + b.octets,
  };
}

const running = await startFedns();
const sums = new Map<string, Figures>();
try {
  // What is compiled when it is first done is no one's cost.
  await measure(running, true, true);
  for (let round = 0; round < ROUNDS; round++) {
    for (const isChanging of [false, true]) {
      for (const hasPages of round % 2 === 0 ? [false, true] : [true, false]) {
        const key = `${isChanging ? 'changing' : 'quiet'} ${hasPages ? 'pages' : 'none'}`;
        sums.set(key, add(sums.get(key), await measure(running, hasPages, isChanging)));
      }
    }
  }
} finally {
  await stopProcess(running.child);
  rmSync(folder, { recursive: true });
}

const percent = (key: string): number => (sums.get(key)!.cpu / ROUNDS) * 100;
const changeMs = (key: string): string => {
  const { changes, changeSeconds } = sums.get(key)!;
  return `${((changeSeconds / changes) * 1000).toFixed(2)} ms (${changes})`;
};
const rows: BudgetRow[] = (['quiet', 'changing'] as const).flatMap((state) => [
  [`${state}: CPU without pages`, `${percent(`${state} none`).toFixed(2)} %`, ''] as const,
  [`${state}: CPU with ${PAGES} pages`, `${percent(`${state} pages`).toFixed(2)} %`, ''] as const,
  [
    `${state}: what they cost`,
    `${(percent(`${state} pages`) - percent(`${state} none`)).toFixed(2)} %`,
    'at most 2 % of a core',
  ] as const,
  [
    `${state}: octets a second and page`,
    (sums.get(`${state} pages`)!.octets / ROUNDS).toFixed(0),
    '',
  ] as const,
]);
printBudgets([
  ...rows,
  ['a change without pages', changeMs('changing none'), ''],
  [`a change with ${PAGES} pages`, changeMs('changing pages'), 'the same'],
]);

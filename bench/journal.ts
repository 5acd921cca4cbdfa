/**
 * What the journal costs: `npm run bench:journal -- [--rate 1000] [--seconds 20] [--services 5000]`. Health flips come at a
 * rate; from second to second they are written to a journal on the disk, or not, so that both figures are of the same
 * minute. Prints one table: publishing with and without, their ratio, and what a change takes on the disk.
 */

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LiveJournal } from '../src/journal/live-journal.ts';
import { systemTimers } from '../src/timers.ts';
import type { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import type { ShardState } from '../src/zonebuilder/facts.ts';
import { POLICY_ALL } from '../src/zonebuilder/policy.ts';
import type { BudgetRow } from './budgets.ts';
import { printBudgets } from './budgets.ts';
import { DOMAIN, makeBuilder } from './domain.ts';
import type { ClusterPlace } from './federation.ts';
import { FEDERATION, namespaceOf, placeClusters, serviceName } from './federation.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    services: { type: 'string', default: '5000' },
  },
});
const [RATE, SECONDS, SERVICES] = [values.rate, values.seconds, values.services].map(Number) as [
  number,
  number,
  number,
];
const PLACES = placeClusters(13);
const CAUSE = { object: 'bench', timeMs: 0 };
/** Flips come in so many portions a second: timers are no finer. */
const PORTIONS = 100;
/** Seconds before anything is measured: what is called often is compiled by then. */
const WARM_SECONDS = 4;

function shardOf(
  place: ClusterPlace,
  cluster: number,
  i: number,
  ready: boolean,
  version: number,
): ShardState {
  return {
    cluster: place.name,
    federation: FEDERATION,
    namespace: namespaceOf(i),
    service: serviceName(i),
    addresses: [`10.${cluster}.${(i >> 8) & 255}.${i & 255}`],
    ready,
    readyZones: [place.zone],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    cause: {
      object: `EndpointSlice ${namespaceOf(i)}/${serviceName(i)}-x7k2p`,
      resourceVersion: String(48_000_000 + version),
      timeMs: Date.now(),
    },
  };
}

function fill(builder: ZoneBuilder): void {
  for (const { name, region, zone } of PLACES)
    builder.setCluster({ name, region, zones: [zone], status: 'available' });
  builder.batch(CAUSE, () => {
    PLACES.forEach((place, cluster) => {
      const shards = Array.from({ length: SERVICES }, (_, i) => shardOf(place, cluster, i, true, 0));
      builder.replaceShards(place.name, shards, CAUSE);
    });
  });
}

/** Microseconds of each publication, over one second. */
async function flipForSecond(builder: ZoneBuilder, second: number, times: number[]): Promise<void> {
  const startMs = performance.now();
  for (let portion = 0; portion < PORTIONS; portion++) {
    for (let n = 0; n < RATE / PORTIONS; n++) {
      const number = second * RATE + portion * (RATE / PORTIONS) + n;
      const i = (number * 7919) % SERVICES;
      const cluster = (i * 5) % PLACES.length;
      const isReady = Math.floor(number / SERVICES) % 2 === 1;
      const shard = shardOf(PLACES[cluster]!, cluster, i, isReady, number);
      const begin = performance.now();
      builder.upsertShard(shard);
      times.push((performance.now() - begin) * 1000);
    }
    const dueMs = startMs + ((portion + 1) * 1000) / PORTIONS;
    if (dueMs > performance.now()) await sleep(dueMs - performance.now());
  }
}

function octetsIn(directory: string): { plain: number; compressed: number } {
  let [plain, compressed] = [0, 0];
  for (const name of readdirSync(directory)) {
    const { size } = statSync(join(directory, name));
    if (name.endsWith('.zst')) compressed += size;
    else plain += size;
  }
  return { plain, compressed };
}

function at(times: number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
}

function mean(times: readonly number[]): number {
  return times.reduce((sum, time) => sum + time, 0) / times.length;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'fedns-journal-'));
  const log = { debug() {}, info() {}, warn() {}, error: console.error };
  const journal = new LiveJournal({
    store: { directory, maxOctets: 2 ** 30, maxDays: 1 },
    clock: Date.now,
    timers: systemTimers,
    log,
  });
  const recorder = journal.open({ domain: DOMAIN, isAbsentWithout: false });
  const builder = makeBuilder(() => {}, undefined, POLICY_ALL, recorder);
  recorder.isMuted = true;
  fill(builder);
  journal.start();
  const without: number[] = [];
  const withJournal: number[] = [];
  for (let second = 0; second < WARM_SECONDS + SECONDS; second++) {
    recorder.isMuted = second % 2 === 0;
    const times = recorder.isMuted ? without : withJournal;
    await flipForSecond(builder, second, second < WARM_SECONDS ? [] : times);
  }
  await sleep(500);
  const { entries, lost } = journal.status;
  await journal.stop();
  const { plain, compressed } = octetsIn(directory);
  rmSync(directory, { recursive: true });
  printBudgets(rowsOf({ without, withJournal, entries, lost, plain, compressed }));
}

interface Measured {
  readonly without: number[];
  readonly withJournal: number[];
  readonly entries: number;
  readonly lost: number;
  readonly plain: number;
  readonly compressed: number;
}

function us(value: number): string {
  return `${value.toFixed(2)} µs`;
}

function rowsOf({ without, withJournal, entries, lost, plain, compressed }: Measured): BudgetRow[] {
  const [before, after] = [at(without, 0.5), at(withJournal, 0.5)];
  return [
    ['changes a second, Services × clusters', `${RATE}, ${SERVICES} × ${PLACES.length}`, ''],
    ['publishing without the journal, median', us(before), ''],
    ['publishing with the journal, median', us(after), ''],
    ['ratio of the medians', (after / before).toFixed(3), '≤ 1.05'],
    ['without and with, p99', `${us(at(without, 0.99))}, ${us(at(withJournal, 0.99))}`, ''],
    ['without and with, mean', `${us(mean(without))}, ${us(mean(withJournal))}`, ''],
    ['entries written, lost', `${entries}, ${lost}`, 'lost 0'],
    ['octets on the disk: not yet compressed, compressed', `${plain}, ${compressed}`, ''],
    ['octets of a change, compressed where its segment is', ((plain + compressed) / entries).toFixed(0), ''],
  ];
}

await main();

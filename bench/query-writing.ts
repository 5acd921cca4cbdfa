/**
 * What writing queries down costs: nanoseconds per query of a worker by share, all in one run, with the batch loop of the server over a
 * pretended kernel; and what the other thread spends on each line and message.
 *
 *   node bench/query-writing.ts [SERVICES] [SECONDS]
 */

import { setFlagsFromString } from 'node:v8';
import { writeFrames } from '../src/querylog/dnstap/messages.ts';
import { describeQuery, formatEntry } from '../src/querylog/lines/query-line.ts';
import { readRecord } from '../src/querylog/record.ts';
import { createResponder } from '../src/server/answer/answer.ts';
import { createCounterBlock } from '../src/server/counters-sum.ts';
import type { Libc } from '../src/server/linux/linux.ts';
import {
  createQueryRing,
  RECORDS,
  takeRecords,
  viewRing,
  type RecordShares,
} from '../src/server/query-ring.ts';
import { Recorder } from '../src/server/recorder.ts';
import { BATCH_PACKETS, NAMES, prepareBatch, SLOT_OCTETS, SLOTS } from '../src/server/udp/batch-layout.ts';
import { serveBatch } from '../src/server/udp/batch.ts';
import { INLINING } from '../src/server/workers/worker-protocol.ts';
import { encodeNameLower } from '../src/zonebuilder/names.ts';
import { listRecords, soaRecord } from '../src/zonebuilder/records.ts';
import { APEX, DOMAIN, makeBuilder } from './domain.ts';
import { encodeQuery, pickNames } from './drivers/queries.ts';
import { fillFederation } from './federation.ts';
import { median } from './measure.ts';

const SHARES: Readonly<Record<string, RecordShares | undefined>> = {
  'no recorder': undefined,
  off: { log: 0, dnstap: 0 },
  '0.01 log': { log: 0.01, dnstap: 0 },
  '0.01 both': { log: 0.01, dnstap: 0.01 },
  '0.1 dnstap': { log: 0, dnstap: 0.1 },
  '1 log': { log: 1, dnstap: 0 },
  '1 both': { log: 1, dnstap: 1 },
};
/** Batches of one kind in a row, before the next kind has its turn: other load meets all alike. */
const TURN_BATCHES = 200;
/** The socket's memory starts here in the pretended kernel. */
const BASE = 0x7f12_3456_7000;

const [services = '1000', seconds = '3'] = process.argv.slice(2);
setFlagsFromString(INLINING);
const packets = makePackets(Number(services));
const responder = makeResponder();
let startedNs = 0n;
const spent: number[] = [];
timeBetween();

const runs = Object.entries(SHARES).map(([title, shares]) => ({
  title,
  ...makeRun(shares),
  ns: [] as number[],
}));
const end = performance.now() + Number(seconds) * 1000;
// The first turn of each is for the compiler.
for (let turn = 0; performance.now() < end; turn++) {
  for (const run of runs) {
    spent.length = 0;
    for (let i = 0; i < TURN_BATCHES; i++) run.serve();
    if (turn > 0) run.ns.push(median(spent));
  }
}
const plain = median(runs[0]!.ns);
for (const { title, ns } of runs) {
  const each = median(ns);
  const percent = ((each / plain - 1) * 100).toFixed(1);
  console.log(`${title.padEnd(12)} ${each.toFixed(1).padStart(7)} ns per query  ${percent.padStart(6)} %`);
}
measureWriter();

function makePackets(count: number): readonly Buffer[] {
  const soa = soaRecord({
    domain: DOMAIN,
    primary: `ns1.${DOMAIN}`,
    hostmaster: `h.${DOMAIN}`,
    serial: 1,
    apex: APEX,
  });
  const builder = filled(count);
  const names = { hits: [] as string[], chains: [] as string[] };
  for (const { name, type } of listRecords(builder, soa)) if (type === 'A') names.hits.push(name);
  return pickNames('hit', names, 1).map((name) => encodeQuery(1, name, 1, true));
}

function filled(count: number): ReturnType<typeof makeBuilder> {
  const builder = makeBuilder();
  fillFederation(builder, { services: count, clusters: 13, seed: 1 });
  return builder;
}

function makeResponder(): ReturnType<typeof createResponder> {
  return createResponder({
    image: filled(Number(services)).memory,
    reader: 0,
    counters: createCounterBlock(),
    apex: APEX,
    udpPayloadMax: 1232,
  });
}

/** Of a batch only what lies between `enter` and `leave` is timed: its answers, and what is written down of them. */
function timeBetween(): void {
  const enter = responder.enter.bind(responder);
  const leave = responder.leave.bind(responder);
  responder.enter = () => {
    enter();
    startedNs = process.hrtime.bigint();
  };
  responder.leave = () => {
    spent.push(Number(process.hrtime.bigint() - startedNs) / BATCH_PACKETS);
    leave();
  };
}

/** A socket with batches that never end, and a reader that takes what is written down in between. */
function makeRun(shares: RecordShares | undefined) {
  const ring = createQueryRing();
  const recorder = shares && new Recorder();
  recorder?.adopt({ ring, shares: shares! });
  const view = viewRing(ring);
  let next = 0;
  const libc = {
    addressOf: () => BASE,
    recvmmsg: () => {
      for (let i = 0; i < BATCH_PACKETS; i++) {
        const packet = packets[(next + i) % packets.length]!;
        batch.octets.set(packet, SLOTS + i * SLOT_OCTETS);
        batch.octets.set([2, 0, 0x30, 0x39, 192, 0, 2, i], NAMES + i * 32);
        batch.words[i * 16 + 14] = packet.length;
      }
      next += BATCH_PACKETS;
      return BATCH_PACKETS;
    },
    sendmmsg: (_fd: number, _vector: number, count: number) => count,
  } as unknown as Libc;
  const listen = { address: '192.0.2.1', port: 53 };
  const socket = {
    fd: 3,
    family: 4,
    wildcard: false,
    canJoin: false,
    listen,
    receiveOctets: 0,
    sendOctets: 0,
  } as const;
  const batch = prepareBatch(libc, socket);
  const counters = new Float64Array(createCounterBlock());
  const service = { libc, responder, counters, refresh: () => {}, ...(recorder && { recorder }) };
  const serve = (): void => {
    serveBatch(service, batch, 0);
    takeRecords(view, BATCH_PACKETS, () => {});
  };
  return { serve, view };
}

/** On records as the last run leaves them. */
function measureWriter(): void {
  const domain = encodeNameLower(DOMAIN);
  const source = {
    identity: Buffer.from('host'),
    version: Buffer.from('fedns'),
    domain,
    kinds: new Set(['auth-query', 'auth-response'] as const),
  };
  const cursor = { octets: Buffer.alloc(1 << 20), at: 0 };
  const { view } = runs.at(-1)!;
  const at = RECORDS;
  report('line, JSON', () => void formatEntry(describeQuery(readRecord(view, at), domain), 'json'));
  report('line, text', () => void formatEntry(describeQuery(readRecord(view, at), domain), 'pretty'));
  report('dnstap, query and response', () => {
    cursor.at = 0;
    writeFrames(cursor, source, readRecord(view, at));
  });
}

function report(title: string, work: () => void): void {
  const times = Array.from({ length: 200 }, () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < 100; i++) work();
    return Number(process.hrtime.bigint() - start) / 100;
  });
  console.log(`${title.padEnd(28)} ${median(times).toFixed(0)} ns each, on the other thread`);
}

/**
 * What signing costs: answers whose signatures are kept against unsigned ones of the same octets, denials of random names beside Knot's
 * mod-onlinesign and PowerDNS' live signing, a flood of random names beside a good client, and flips under queries with DO.
 *
 *   node bench/dnssec.ts [--seconds 5] [--flood 60] [--rounds 3] [--only latency | flood]
 *
 * Each server has one core, and whoever asks the other one. All sign with ECDSA P-256. On a machine with other work start it by
 * `chrt -r 3 taskset -c 1`: servers and askers run below it, and workers above signers, as niceness has it without a real-time policy.
 */
import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DOMAIN } from './domain.ts';
import { encodeQuery } from './drivers/queries.ts';
import { findProgram } from './peers/peers.ts';
import { cpuSeconds, residentMebibytes, run, startPinned, stopProcess, TICKS_PER_SECOND } from './process.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    flood: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
    port: { type: 'string', default: '5471' },
    only: { type: 'string', default: '' },
  },
});
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);
const PORT = Number(values.port);
const ADDRESS = '127.0.0.1';
const SERVICES = 1000;
/** Names that are asked once each: more than any server denies in one round. */
const RANDOM_NAMES = 400_000;
const FLOOD_PER_SECOND = 100_000;
const FLIPS_PER_SECOND = 1000;
const GOOD_PER_SECOND = 500;

const folder = mkdtempSync(join(tmpdir(), 'fedns-dnssec-'));

interface Cost {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

let running: ChildProcess | undefined;
const policy = await run(['chrt', '-p', String(process.pid)]);
/** What servers and askers are started by under a real-time policy. */
const below = policy.includes('SCHED_RR') ? ['chrt', '-r', '1'] : [];

/** What niceness does without a real-time policy: threads that answer go before those that sign. */
async function putWorkersAhead(pid: number, isFlooded: boolean): Promise<void> {
  if (below.length === 0) return;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const name = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'latin1').trim();
    if (name === 'udp-0') await run(['chrt', '-r', '-p', '2', thread]);
    // The kernel stops real-time threads that take a whole CPU, and workers with them.
    else if (isFlooded && name.startsWith('signer')) await run(['chrt', '-o', '-p', '0', thread]);
  }
}

/** Seconds of CPU that the thread has taken which answers. */
function workerSeconds(pid: number): number {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [, name, rest] =
      /\((.*)\) (.*)/.exec(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1')) ?? [];
    const fields = rest?.split(' ');
    if (name === 'udp-0') return (Number(fields?.[11]) + Number(fields?.[12])) / TICKS_PER_SECOND;
  }
  return NaN;
}

/** Starts a server on the first core and waits until it answers. */
async function serve(command: readonly string[]): Promise<ChildProcess> {
  const child = startPinned([...below, ...command], { cores: '0', logFile: join(folder, 'log') });
  running = child;
  await answer(encodeQuery(1, `${DOMAIN}.`, 6, true));
  return child;
}

function fedns(options: object): readonly string[] {
  const program = fileURLToPath(new URL('./peers/signing-fedns.ts', import.meta.url));
  return [
    process.execPath,
    program,
    ADDRESS,
    String(PORT),
    JSON.stringify({ services: SERVICES, ...options }),
  ];
}

async function reply(query: Buffer): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  socket.connect(PORT, ADDRESS);
  await once(socket, 'connect');
  const answered = once(socket, 'message').catch(() => undefined);
  socket.on('error', () => {});
  socket.send(query);
  const first = await Promise.race([answered, sleep(500)]);
  socket.close();
  return (first as [Buffer] | undefined)?.[0];
}

/** Asks until there is an answer. */
async function answer(query: Buffer): Promise<Buffer> {
  for (;;) {
    const first = await reply(query);
    if (first !== undefined) return first;
    await sleep(100);
  }
}

/** Asks as fast as answers come, and tells what one cost. @param how - options of dnsperf */
async function load(child: ChildProcess, file: string, how: string): Promise<Cost> {
  const before = cpuSeconds(child.pid!);
  const command = `taskset -c 1 dnsperf -s ${ADDRESS} -p ${PORT} -d ${file} -l ${SECONDS} -c 4 -T 1 -q 100 -t 2 ${how}`;
  const output = await run([...below, ...command.split(' ')]);
  const after = cpuSeconds(child.pid!);
  const answers = Number(/Queries completed:\s+(\d+)/.exec(output)?.[1]);
  const seconds = Number(/Run time \(s\):\s+([\d.]+)/.exec(output)?.[1]);
  const cpu = after.user + after.system - before.user - before.system;
  return { perSecond: answers / seconds, cpuMicroseconds: (cpu / answers) * 1e6 };
}

function mean(costs: readonly Cost[]): Cost {
  const sum = (of: (cost: Cost) => number) =>
    costs.reduce((total, cost) => total + of(cost), 0) / costs.length;
  return { perSecond: sum((cost) => cost.perSecond), cpuMicroseconds: sum((cost) => cost.cpuMicroseconds) };
}

function writeNames(name: string, names: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, names.map((each) => `${each} A\n`).join(''));
  return path;
}

let randomFiles = 0;
function randomNames(count: number): string {
  const part = ++randomFiles;
  return writeNames(
    `random${part}`,
    Array.from({ length: count }, (_, i) => `r${part}-${i}.${DOMAIN}`),
  );
}

function row(...cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

function serviceNames(kind: string): string {
  return writeNames(
    kind,
    Array.from({ length: SERVICES }, (_, i) => `${kind}${i}.n.f.svc.${DOMAIN}`),
  );
}

/** One address and its signature are as long as eight addresses without. */
async function keptSignatures(): Promise<void> {
  const child = await serve(fedns({}));
  const [signed, plain]: [Cost[], Cost[]] = [[], []];
  const octets = [
    (await answer(withDo(`one0.n.f.svc.${DOMAIN}.`))).length,
    (await answer(encodeQuery(1, `many0.n.f.svc.${DOMAIN}.`, 1, true))).length,
  ];
  for (let round = 0; round <= ROUNDS; round++) {
    const [one, other] = [
      await load(child, serviceNames('one'), '-D'),
      await load(child, serviceNames('many'), '-e'),
    ];
    if (round === 0) continue;
    signed.push(one);
    plain.push(other);
  }
  await stopProcess(child);
  const [one, other] = [mean(signed), mean(plain)];
  row(
    'unsigned, from the image',
    `${octets[1]}`,
    other.perSecond.toFixed(0),
    other.cpuMicroseconds.toFixed(2),
    '1',
  );
  const ratio = (one.cpuMicroseconds / other.cpuMicroseconds).toFixed(2);
  row(
    'signed, from kept signatures',
    `${octets[0]}`,
    one.perSecond.toFixed(0),
    one.cpuMicroseconds.toFixed(2),
    ratio,
  );
}

async function denials(): Promise<void> {
  const servers = {
    fedns: fedns({ denialsPerSecond: 1_000_000 }),
    'Knot mod-onlinesign': prepareKnot(),
    'PowerDNS live signing': await preparePowerDns(),
  };
  const costs: Record<string, Cost[]> = {};
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, command] of Object.entries(servers)) {
      if (command === undefined) continue;
      const child = await serve(command);
      // What compilers and caches need is not counted.
      await load(child, randomNames(RANDOM_NAMES), '-D');
      (costs[name] ??= []).push(await load(child, randomNames(RANDOM_NAMES), '-D'));
      await stopProcess(child);
    }
  const own = mean(costs['fedns']!);
  for (const [name, each] of Object.entries(costs)) {
    const { perSecond, cpuMicroseconds } = mean(each);
    const ratio = (own.perSecond / perSecond).toFixed(2);
    row(
      `denials of random names, ${name}`,
      '',
      perSecond.toFixed(0),
      cpuMicroseconds.toFixed(2),
      `fedns ×${ratio}`,
    );
  }
}

function zoneFile(): string {
  const path = join(folder, 'zone');
  writeFileSync(
    path,
    `${DOMAIN}. 21600 IN SOA ns1.${DOMAIN}. h.${DOMAIN}. 1 300 60 604800 15\n${DOMAIN}. 21600 IN NS ns1.${DOMAIN}.\nns1.${DOMAIN}. 21600 IN A 192.0.2.1\n`,
  );
  return path;
}

function prepareKnot(): readonly string[] | undefined {
  const program = findProgram('knotd');
  const home = join(folder, 'knot');
  mkdirSync(home);
  writeFileSync(
    join(home, 'knot.conf'),
    `server:
  listen: ${ADDRESS}@${PORT}
  rundir: ${home}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: ${home}
policy:
  - id: online
    algorithm: ecdsap256sha256
    single-type-signing: on
mod-onlinesign:
  - id: online
    policy: online
zone:
  - domain: ${DOMAIN}
    file: ${zoneFile()}
    zonefile-sync: -1
    journal-content: none
    module: mod-onlinesign/online
`,
  );
  return program === undefined ? undefined : [program, '-c', join(home, 'knot.conf')];
}

async function preparePowerDns(): Promise<readonly string[] | undefined> {
  const program = findProgram('pdns_server');
  const tool = findProgram('pdnsutil');
  if (program === undefined || tool === undefined) return undefined;
  const home = join(folder, 'pdns');
  mkdirSync(home);
  writeFileSync(join(home, 'named.conf'), `zone "${DOMAIN}" { type master; file "${zoneFile()}"; };\n`);
  writeFileSync(
    join(home, 'pdns.conf'),
    `launch=bind
bind-config=${home}/named.conf
bind-dnssec-db=${home}/keys.sqlite
local-address=${ADDRESS}
local-port=${PORT}
receiver-threads=1
distributor-threads=1
signing-threads=1
socket-dir=${home}
daemon=no
guardian=no
loglevel=3
`,
  );
  await run([tool, `--config-dir=${home}`, 'create-bind-db', join(home, 'keys.sqlite')]);
  await run([tool, `--config-dir=${home}`, 'secure-zone', DOMAIN]);
  await run([tool, `--config-dir=${home}`, 'set-nsec3', DOMAIN, '1 0 0 -', 'narrow']);
  return [program, `--config-dir=${home}`];
}

/** EDNS of {@link encodeQuery}, with DO. */
function withDo(name: string, id = 1): Buffer {
  const query = encodeQuery(id, name, 1, true);
  query[query.length - 4] = 0x80;
  return query;
}

interface Asked {
  sent: number;
  answered: number;
  unsigned: number;
  failed: number;
  readonly times: number[];
}

/** Asks at a steady rate and looks at each reply: NOERROR, with the address and its signature. */
async function good(perSecond: number, seconds: number): Promise<Asked> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.connect(PORT, ADDRESS);
  await once(socket, 'connect');
  const asked: Asked = { sent: 0, answered: 0, unsigned: 0, failed: 0, times: [] };
  const sentAt = new Float64Array(65_536);
  socket.on('message', (message) => {
    const id = message.readUInt16BE(0);
    asked.answered++;
    asked.times.push(performance.now() - sentAt[id]!);
    if ((message[3]! & 15) !== 0 || (message[2]! & 2) !== 0) asked.failed++;
    else if (message.readUInt16BE(6) !== 2) asked.unsigned++;
  });
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    const due = ((performance.now() - start) / 1000) * perSecond;
    for (; asked.sent < due; asked.sent++) {
      const id = asked.sent & 0xffff;
      sentAt[id] = performance.now();
      socket.send(withDo(`one${asked.sent % SERVICES}.n.f.svc.${DOMAIN}.`, id));
    }
    await sleep(1);
  }
  await sleep(1000);
  socket.close();
  return asked;
}

function percentile(times: readonly number[], share: number): string {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2);
}

async function flood(): Promise<void> {
  const seconds = Number(values.flood);
  const child = await serve(fedns({}));
  await load(child, randomNames(RANDOM_NAMES), `-D -Q ${FLOOD_PER_SECOND} -q 2000`);
  await good(GOOD_PER_SECOND, 3);
  // Not before: compilers have threads, too, that a worker ahead of them would starve.
  await putWorkersAhead(child.pid!, true);
  const before = residentMebibytes(child.pid!);
  // Names are asked again in a later turn; by then nothing is left of them in the memory for denials.
  const file = randomNames(1_000_000);
  const command = `taskset -c 1 dnsperf -s ${ADDRESS} -p ${PORT} -d ${file} -l ${seconds} -c 8 -T 1 -q 5000 -t 1 -D -Q ${FLOOD_PER_SECOND}`;
  const flooding = run([...below, ...command.split(' ')], (seconds + 30) * 1000);
  await sleep(1000);
  const middle = good(GOOD_PER_SECOND, seconds - 4);
  await sleep((seconds / 2) * 1000);
  const half = residentMebibytes(child.pid!);
  const busyBefore = workerSeconds(child.pid!);
  const halfMs = performance.now();
  const asked = await middle;
  const busy = (workerSeconds(child.pid!) - busyBefore) / ((performance.now() - halfMs) / 1000);
  const output = await flooding;
  const after = residentMebibytes(child.pid!);
  await stopProcess(child);
  const offered = Number(/Queries sent:\s+(\d+)/.exec(output)?.[1]) / seconds;
  console.log(
    `\nflood of ${offered.toFixed(0)} random names a second with DO for ${seconds} s: good signed queries ${asked.answered} of ${asked.sent} answered, ` +
      `${asked.failed} failed, ${asked.unsigned} unsigned, p50 ${percentile(asked.times, 0.5)} ms, p99 ${percentile(asked.times, 0.99)} ms; ` +
      `the worker took ${(busy * 100).toFixed(0)} % of its core; RSS ${before.toFixed(0)} → ${half.toFixed(0)} → ${after.toFixed(0)} MiB`,
  );
}

async function flips(): Promise<void> {
  const child = await serve(fedns({ flips: FLIPS_PER_SECOND }));
  await good(2000, 3);
  await putWorkersAhead(child.pid!, false);
  const asked = await good(2000, Math.max(10, SECONDS));
  await stopProcess(child);
  console.log(
    `${FLIPS_PER_SECOND} flips a second, 2,000 queries a second with DO for the names that flip: ${asked.answered} of ${asked.sent} answered, ` +
      `${asked.failed} failed, ${asked.unsigned} unsigned, p50 ${percentile(asked.times, 0.5)} ms, p99 ${percentile(asked.times, 0.99)} ms`,
  );
}

try {
  if (values.only === '') {
    row('', 'octets', 'answers/s', 'µs of CPU each', 'ratio');
    row('---', '---', '---', '---', '---');
    await keptSignatures();
    await denials();
  }
  await flood();
  if (values.only !== 'flood') await flips();
} finally {
  if (running !== undefined) await stopProcess(running);
  rmSync(folder, { recursive: true });
}

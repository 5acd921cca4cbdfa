/** The measurements: each mix, each server in turn, over again; figures are medians of the rounds. */

import { join } from 'node:path';
import { dnsperf, kxdpgun, pace, type Load } from './drivers/drivers.ts';
import type { Plan } from './plan.ts';
import { cpuSeconds, residentMebibytes } from './process.ts';
import type { Mix } from './drivers/queries.ts';
import type { Running } from './peers/running.ts';
import type { Row } from './table.ts';
import type { Veth } from './drivers/veth.ts';

/** One run of one server. */
interface Sample {
  readonly answersPerSecond: number;
  readonly cpuMicroseconds: number;
  readonly userMicroseconds: number;
  readonly lostShare: number;
}

/** Seconds between two runs, in which what is under way comes to an end. */
const PAUSE_MS = 200;

export async function measureLoopback(plan: Plan, servers: readonly Running[]): Promise<Row[]> {
  const ask = (server: Running, mix: Mix): Promise<Load> => {
    const target = { ...server, core: plan.driverCore, seconds: plan.seconds };
    const queries = join(plan.folder, `${mix}.queries`);
    return dnsperf(target, queries, { edns: mix === 'edns', clients: plan.clients });
  };
  return measureAll(plan, servers, 'dnsperf', ask);
}

export async function measureVeth(plan: Plan, servers: readonly Running[], veth: Veth): Promise<Row[]> {
  const ask = (server: Running, mix: Mix): Promise<Load> => {
    const { clientNamespace: namespace, clientDevice } = veth;
    const target = { ...server, core: plan.driverCore, seconds: plan.seconds, namespace };
    return kxdpgun(target, clientDevice, join(plan.folder, `${mix}.queries`), plan.rate);
  };
  // kxdpgun builds its packets itself, without EDNS.
  return measureAll({ ...plan, mixes: plan.mixes.filter((mix) => mix !== 'edns') }, servers, 'kxdpgun', ask);
}

async function measureAll(
  plan: Plan,
  servers: readonly Running[],
  driver: string,
  ask: (server: Running, mix: Mix) => Promise<Load>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const mix of plan.mixes) {
    const samples = new Map<Running, Sample[]>(servers.map((server) => [server, []]));
    // Caches, and for fedns and dns2 the compiler, are warm before anything counts.
    for (const server of servers) await ask(server, mix);
    for (let round = 0; round < plan.rounds; round++) {
      for (const server of servers) samples.get(server)!.push(await sample(server, () => ask(server, mix)));
    }
    for (const [server, all] of samples) rows.push(summarize(server, driver, mix, all));
  }
  return rows;
}

async function sample(server: Running, ask: () => Promise<Load>): Promise<Sample> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const before = cpuSeconds(server.pid);
  const { answers, sent, seconds } = await ask();
  const after = cpuSeconds(server.pid);
  const user = after.user - before.user;
  const system = after.system - before.system;
  return {
    answersPerSecond: answers / seconds,
    cpuMicroseconds: ((user + system) * 1e6) / answers,
    userMicroseconds: (user * 1e6) / answers,
    lostShare: (sent - answers) / sent,
  };
}

function summarize(server: Running, driver: string, mix: Mix, samples: readonly Sample[]): Row {
  const middle = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  return {
    server: server.name,
    isPeer: server.answers && !server.forScale && !server.name.startsWith('fedns'),
    driver,
    mix,
    answersPerSecond: middle((s) => s.answersPerSecond),
    cpuMicroseconds: middle((s) => s.cpuMicroseconds),
    userMicroseconds: middle((s) => s.userMicroseconds),
    lostShare: middle((s) => s.lostShare),
    residentMebibytes: residentMebibytes(server.pid),
    readySeconds: driver === 'kxdpgun' ? undefined : server.readySeconds,
    latency: undefined,
  };
}

/** Adds latencies at half of what each server answered at most, to the rows of the first mix. */
export async function measureLatency(
  plan: Plan,
  program: string,
  servers: readonly Running[],
  rows: Row[],
): Promise<void> {
  const [mix] = plan.mixes;
  for (const server of servers) {
    const row = rows.find((candidate) => candidate.server === server.name && candidate.mix === mix);
    if (row === undefined) continue;
    const target = { ...server, core: plan.driverCore, seconds: plan.seconds };
    const packets = join(plan.folder, `${mix}.packets`);
    const rounds = [];
    for (let i = 0; i < plan.rounds; i++)
      rounds.push(await pace(program, target, packets, row.answersPerSecond / 2));
    row.latency = { p50: median(rounds.map((r) => r.p50)), p99: median(rounds.map((r) => r.p99)) };
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

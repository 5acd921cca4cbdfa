/** The servers of one measurement while they run: started, awaited, ended. */

import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Plan } from '../plan.ts';
import type { Peer } from './peers.ts';
import { inNamespace, residentMebibytes, run, startPinned, stopProcess } from '../process.ts';
import { DOMAIN } from '../domain.ts';
import { encodeQuery } from '../drivers/queries.ts';

/** A server that answers. */
export interface Running {
  readonly name: string;
  readonly answers: boolean;
  readonly forScale: boolean;
  readonly followsAliases: boolean;
  /** Changes per second. */
  readonly updates: number;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly address: string;
  readonly port: number;
  /** From its start to its first answer. */
  readonly readySeconds: number;
  /** Right after it was ready. */
  readonly residentMebibytes: number;
}

const FIRST_PORT = 5400;
const READY_MS_MAX = 120_000;
const TRY_MS = 20;

/** Starts all of them; fedns once for each rate of changes. Those that started are in `servers` also after a failure. */
export async function startServers(
  servers: Running[],
  plan: Plan,
  peers: readonly Peer[],
  updates: readonly number[],
  at: { readonly address: string; readonly namespace: string } | undefined,
): Promise<void> {
  for (const peer of peers) {
    for (const rate of peer.name === 'fedns' ? updates : [0]) {
      const server = await startServer(plan, peer, rate, FIRST_PORT + servers.length, at);
      if (server === undefined)
        console.log(`${peer.name} does not answer, see ${plan.folder}/${peer.name}*/log`);
      else servers.push(server);
    }
  }
}

export async function stopServers(servers: readonly Running[]): Promise<void> {
  await Promise.all(servers.map(({ child }) => stopProcess(child)));
}

async function startServer(
  plan: Plan,
  peer: Peer,
  updates: number,
  port: number,
  at: { readonly address: string; readonly namespace: string } | undefined,
): Promise<Running | undefined> {
  const name = updates === 0 ? peer.name : `${peer.name}, ${updates} changes/s`;
  const address = at?.address ?? '127.0.0.1';
  const folder = join(plan.folder, `${peer.name}-${port}${at === undefined ? '' : '-veth'}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const zoneFile = join(plan.folder, 'zone');
  const { workers, shape } = plan;
  const command = peer.prepare({ address, port, folder, zoneFile, workers, shape, updates }, peer.program!);
  const start = performance.now();
  const child = startPinned(command, {
    cores: plan.serverCores,
    namespace: at?.namespace,
    logFile: join(folder, 'log'),
  });
  const answered = at === undefined ? await awaitAnswer(child, address, port) : await awaitThere(at, port);
  if (!answered) {
    await stopProcess(child);
    return undefined;
  }
  const readySeconds = (performance.now() - start) / 1000;
  const pid = child.pid!;
  const { answers, forScale = false, followsAliases = true } = peer;
  return {
    name,
    answers,
    forScale,
    followsAliases,
    updates,
    child,
    pid,
    address,
    port,
    readySeconds,
    residentMebibytes: residentMebibytes(pid),
  };
}

/** Asks until something comes back; SERVFAIL and REFUSED are said by servers that still load. */
async function awaitAnswer(child: ChildProcess, address: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4').on('error', () => {});
  const state = { answered: false };
  socket.on('message', (reply) => (state.answered ||= reply[2]! >= 0x80 && ![2, 5].includes(reply[3]! & 15)));
  socket.connect(port, address);
  await once(socket, 'connect');
  const deadline = performance.now() + READY_MS_MAX;
  while (!state.answered && child.exitCode === null && performance.now() < deadline) {
    socket.send(encodeQuery(1, DOMAIN, 6, false), () => {});
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
  socket.close();
  return state.answered;
}

/** From this namespace the server cannot be asked: has it asked from within its own. */
async function awaitThere(
  at: { readonly address: string; readonly namespace: string },
  port: number,
): Promise<boolean> {
  const script = new URL('../drivers/await-answer.ts', import.meta.url).pathname;
  const command = [...inNamespace(at.namespace), process.execPath, script, at.address, String(port)];
  return (await run(command).catch(() => '')).includes('answered');
}

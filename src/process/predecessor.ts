/**
 * Owns the predecessor's side of a handover: starts the successor from the same command line, so that what was installed
 * meanwhile runs, and gives it one thing after the other. Whatever goes wrong ends the successor, and all stays as it was.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Log } from '../log.ts';
import { SuccessionError, type Estate } from '../serve/succession.ts';
import { canLowerNiceness, yieldToOthers } from '../server/linux/thread-priority.ts';
import type { SuccessionKeeper } from '../serve/succession-keeper.ts';
import { reasonOf } from '../state/layout.ts';
import { FIRST_SOCKET_FD, PREDECESSOR_VARIABLE, type ToPredecessor, type ToSuccessor } from './handover.ts';

/** Time until the successor is ready, in milliseconds: its start, and reading every cluster (90 s at most). */
const READY_MS_MAX = 120_000;
/** Time that it then gets until it answers, in milliseconds; state and admin address are nobody's meanwhile. */
const SERVING_MS_MAX = 15_000;

/** What a handover works with. */
export interface Handover {
  readonly succession: SuccessionKeeper;
  readonly log: Log;
  /** Node, and what it runs with which arguments. */
  readonly command: { readonly file: string; readonly args: readonly string[] };
  /** Ends it before its time. */
  readonly signal: AbortSignal;
  /** Of the threads that answer. */
  readonly nice: number;
}

/** The command line of this process. */
export function ownCommand(): Handover['command'] {
  const [, ...args] = process.argv;
  return { file: process.execPath, args: [...process.execArgv, ...args] };
}

/**
 * Hands this process' sockets and state over to another one.
 *
 * @returns the process id of the one that answers now
 * @throws SuccessionError when that came to nothing; then this process goes on as before
 */
export async function handOver(handover: Handover): Promise<number> {
  const { succession, log } = handover;
  refuseFirstProcess();
  const estate = await succession.estate();
  const child = startSuccessor(handover, estate);
  letWait(child);
  const talk = new Talk(child, handover.signal);
  try {
    await talk.hear('hello', READY_MS_MAX);
    talk.say({ kind: 'estate', estate: asInherited(estate), nice: handover.nice });
    const { serial } = await talk.hear('ready', READY_MS_MAX);
    await succession.cede(serial);
    talk.say({ kind: 'ceded' });
    await talk.hear('serving', SERVING_MS_MAX);
  } catch (error) {
    await talk.end();
    await succession.takeBack();
    throw new SuccessionError(reasonOf(error), { cause: error });
  }
  await succession.leave();
  talk.say({ kind: 'left' });
  talk.let();
  log.info({ pid: child.pid }, 'another process answers now');
  return child.pid!;
}

/** When the first process of a container ends, the kernel ends all others in it. */
function refuseFirstProcess(): void {
  if (process.pid === 1)
    throw new SuccessionError('the first process of a container cannot be followed: replace the container');
}

function startSuccessor({ command }: Handover, { sockets }: Estate): ChildProcess {
  return spawn(command.file, command.args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...sockets.map(({ fd }) => fd)],
    env: { ...process.env, [PREDECESSOR_VARIABLE]: String(process.pid) },
  });
}

/** Its start must not keep those waiting that answer here; the threads that it begins with go along. */
function letWait({ pid }: ChildProcess): void {
  if (pid !== undefined && canLowerNiceness()) yieldToOthers([pid]);
}

function asInherited(estate: Estate): Estate {
  const sockets = estate.sockets.map((socket, i) => ({ ...socket, fd: FIRST_SOCKET_FD + i }));
  return { ...estate, sockets };
}

/** The messages of the successor, one after the other. */
class Talk {
  readonly #child: ChildProcess;
  readonly #ended = Promise.withResolvers<never>();
  readonly #exited: Promise<unknown>;

  constructor(child: ChildProcess, signal: AbortSignal) {
    this.#child = child;
    const { reject, promise } = this.#ended;
    promise.catch(() => {});
    this.#exited = once(child, 'exit').catch(() => {});
    child.once('exit', (code, name) => reject(new Error(`the new process ended with ${code ?? name}`)));
    child.once('error', reject);
    const abort = (): void => reject(new Error('this process is to end'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }

  say(message: ToSuccessor): void {
    // Its end is heard elsewhere.
    this.#child.send(message, () => {});
  }

  /** @throws when something else happens first, or nothing for `ms` */
  async hear<K extends ToPredecessor['kind']>(
    kind: K,
    ms: number,
  ): Promise<Extract<ToPredecessor, { kind: K }>> {
    const { promise, resolve, reject } = Promise.withResolvers<ToPredecessor>();
    const listen = (message: ToPredecessor): void => void (message.kind === kind && resolve(message));
    this.#child.on('message', listen);
    const timer = setTimeout(() => reject(new Error(`no "${kind}" within ${ms / 1000} s`)), ms);
    try {
      const heard = await Promise.race([promise, this.#ended.promise]);
      return heard as Extract<ToPredecessor, { kind: K }>;
    } finally {
      clearTimeout(timer);
      this.#child.off('message', listen);
    }
  }

  /** Ends the successor; resolves once it is gone. */
  async end(): Promise<void> {
    if (this.#child.pid === undefined) return;
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#exited;
  }

  /** Nothing of this process is held by it any more. */
  let(): void {
    if (this.#child.connected) this.#child.disconnect();
    this.#child.unref();
  }
}

/**
 * Which threads go first where they share a CPU: those that answer. Linux only, where niceness is a property of a thread
 * (sched(7)) and anyone may raise it; elsewhere it is the whole process' and nothing is done.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Where the kernel lists the threads of this process. */
const THREADS_FOLDER = '/proc/self/task';
/** To the calls, the thread that makes them. */
const THIS_THREAD = 0;
const NICE_MAX = 19;

/**
 * By how much the control plane is nicer: it gets a quarter of a CPU that it contends for with a thread that answers, and
 * does not keep one waiting that has just got a query (bench/NOTES.md has what that is worth).
 */
export const CONTROL_PLANE_NICENESS = 5;

/** The threads that there are now, by the kernel's numbers: before workers are started, the control plane and its helpers. */
export function listThreads(): number[] {
  return process.platform === 'linux' ? readdirSync(THREADS_FOLDER).map(Number) : [];
}

/** The niceness of the calling thread. */
export function niceness(): number {
  return getPriority(THIS_THREAD);
}

/** CAP_SYS_NICE in a capability mask (capabilities(7)). */
const CAP_SYS_NICE = 1n << 23n;

/** Whether a thread that has let others go first may go back to where it was. */
export function canLowerNiceness(): boolean {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? 0}`);
    const limits = readFileSync('/proc/self/limits', 'latin1');
    // setrlimit(2): niceness goes down to 20 less the limit.
    const limit = Number(/^Max nice priority\s+(\d+)/m.exec(limits)?.[1] ?? 0);
    return (capabilities & CAP_SYS_NICE) !== 0n || limit >= NICE_MAX + 1;
  } catch {
    return false;
  }
}

/** Gives threads a niceness. */
export function becomeNice(threads: readonly number[], nice: number): void {
  for (const thread of threads) attempt(() => setPriority(thread, nice));
}

/** Has threads let others go first. What they start from then on does so too. */
export function yieldToOthers(threads: readonly number[]): void {
  for (const thread of threads) {
    attempt(() => setPriority(thread, Math.min(NICE_MAX, getPriority(thread) + CONTROL_PLANE_NICENESS)));
  }
}

/**
 * Gives the calling thread a niceness, for a worker that was started by a thread that yields. To go back takes CAP_SYS_NICE
 * or RLIMIT_NICE; without, the worker is level with the control plane.
 */
export function becomeAsNiceAs(nice: number): void {
  if (process.platform === 'linux' && niceness() !== nice) attempt(() => setPriority(THIS_THREAD, nice));
}

/** A thread may have ended, and a sandbox may forbid the call: priorities are a help, nothing depends on them. */
function attempt(call: () => void): void {
  try {
    call();
  } catch {
    // As it was.
  }
}

/** Starts programs for tests, waits until they are ready, and makes sure that none outlives the test. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

export { freePort } from '../support/free-port.ts';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program that runs. */
export interface Running {
  readonly pid: number;
  /** Ends it with SIGTERM, or SIGKILL when `hard`, and waits for its end. */
  stop(hard?: boolean): Promise<void>;
  /** The end of what it has printed. */
  log(): string;
}

export function startProgram(command: string, args: readonly string[], logFile: string): Running {
  const output = openSync(logFile, 'a');
  const child = spawn(command, args, { stdio: ['ignore', output, output] });
  closeSync(output);
  running.add(child);
  const ended = once(child, 'exit').finally(() => running.delete(child));
  const log = (): string => readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n');
  return {
    pid: child.pid!,
    log,
    async stop(hard = false) {
      if (child.exitCode === null && child.signalCode === null) child.kill(hard ? 'SIGKILL' : 'SIGTERM');
      await ended;
    },
  };
}

/** Asks again and again until it works. @throws the last error when it has not after `ms` milliseconds */
export async function eventually<T>(what: () => Promise<T> | T, ms = 60_000): Promise<T> {
  const endMs = Date.now() + ms;
  for (;;) {
    try {
      return await what();
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }
}

/**
 * Owns `fedns replace`: finds the process that serves by its claim to the state folder, asks it to have itself replaced, and
 * waits for what becomes of that.
 */

import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { CommandError, type LoadedConfig } from '../cli/environment.ts';
import { layoutOf, reasonOf } from '../state/layout.ts';
import { livingHolder } from '../state/lock.ts';

/** Longer than any handover may take, in milliseconds. */
const WAIT_MS_MAX = 150_000;
/** Another process gives no sign but its files, so they are looked at again, after so many milliseconds. */
const LOOK_MS = 100;

/**
 * Has the serving process replaced.
 *
 * @returns the line for the operator
 * @throws CommandError when there is none, or when it goes on
 */
export async function replaceRunning(config: LoadedConfig): Promise<string> {
  if (config.kind === 'refused') throw new CommandError(config.faults.join('\n'));
  const { stateDir } = config.settings;
  if (stateDir === undefined) throw new CommandError('without stateDir a process cannot be replaced');
  const { lock, succession } = layoutOf(stateDir);
  const before = await livingHolder(lock);
  if (before === undefined) throw new CommandError(`no fedns of this machine uses ${stateDir}`);
  // What is left of an earlier attempt says nothing of this one.
  const earlier = await readOutcome(succession);
  ask(before);
  for (
    const giveUpMs = performance.now() + WAIT_MS_MAX;
    performance.now() < giveUpMs;
    await setTimeout(LOOK_MS)
  ) {
    const now = await livingHolder(lock);
    if (now !== undefined && now !== before && !isAlive(before))
      return `process ${now} has replaced process ${before}`;
    const outcome = await readOutcome(succession);
    if (outcome !== undefined && outcome.atMs !== earlier?.atMs)
      throw new CommandError(`process ${before} goes on: ${outcome.reason}`);
  }
  throw new CommandError(`process ${before} has not been replaced, see its log`);
}

function ask(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch (error) {
    throw new CommandError(`process ${pid} cannot be asked: ${reasonOf(error)}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

interface Outcome {
  readonly reason: string;
  readonly atMs: number;
}

async function readOutcome(file: string): Promise<Outcome | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Outcome;
  } catch {
    return undefined;
  }
}

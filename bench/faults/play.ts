/** Owns how one fault is played: in a world of its own, within a limit of time, and what is said of it. */

import { setTimeout as after } from 'node:timers/promises';
import type { Fault, Outcome } from './faults.ts';
import type { Tally } from './judge.ts';
import { World } from './world.ts';

/** Longer than any fault lasts, in milliseconds: what does not come to its end has failed. */
const FAULT_MS_MAX = 100_000;

/** How long queries go on after a fault is over, in milliseconds. */
const AFTERWARDS_MS = 2000;

export interface Played extends Outcome {
  readonly fault: string;
  /** How long an answer might be given that was right before, in milliseconds. */
  readonly allowanceMs: number;
  readonly tally: Tally;
  /** Why it failed; undefined: nothing was wrong. */
  readonly failure?: string;
}

/** How a fault is played where there is less time than on a machine of its own. */
export interface Patience {
  /** Default: the fault's. */
  readonly allowanceMs?: number;
  /** Default: {@link FAULT_MS_MAX}. */
  readonly limitMs?: number;
}

export async function play(fault: Fault, patience: Patience = {}): Promise<Played> {
  const { limitMs = FAULT_MS_MAX, allowanceMs = fault.world.allowanceMs } = patience;
  const world = new World({ ...fault.world, allowanceMs });
  let outcome: Outcome = {};
  let failure: string | undefined;
  try {
    await world.start();
    outcome = await within(limitMs, fault.play(world));
    // What comes after is judged, too.
    await after(AFTERWARDS_MS);
  } catch (error) {
    failure = String(error);
  }
  const tally = await world.end();
  failure ??= verdictOf(tally, outcome);
  return { fault: fault.name, allowanceMs, tally, ...outcome, ...(failure !== undefined && { failure }) };
}

function verdictOf({ wrong, lost, shown }: Tally, { lossMax = 0 }: Outcome): string | undefined {
  if (wrong > 0) return `${wrong} wrong answers: ${shown.join('; ')}`;
  if (lost > lossMax) return `${lost} queries lost`;
  return undefined;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

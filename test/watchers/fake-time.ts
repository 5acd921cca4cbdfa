/** Time that stands still until a test moves it, next to sockets that are real. */

import type { Timer, Timers } from '../../src/timers.ts';

interface Pending {
  readonly atMs: number;
  /** When it may run at the earliest, on the real clock: what it limits must have had a real chance. */
  readonly notBefore: number;
  readonly run: () => void;
}

/** Real time that a limit of seconds gives to the sockets that it limits. */
const CHANCE_MS = 40;
/** Longest that a test waits for sockets to do what is expected of them. */
const PATIENCE_MS = 60_000;

export class FakeTime implements Timers {
  #nowMs = 1_000_000;
  readonly #pending = new Set<Pending>();

  now(): number {
    return this.#nowMs;
  }

  /** The wall clock of this time, some distance away. */
  readonly clock = (): number => this.#nowMs + this.wallOffsetMs;
  wallOffsetMs = 1_700_000_000_000;

  /** Timers that are set. */
  get timers(): number {
    return this.#pending.size;
  }

  after(ms: number, run: () => void): Timer {
    const entry = {
      atMs: this.#nowMs + ms,
      notBefore: performance.now() + Math.min(CHANCE_MS, ms / 50),
      run,
    };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  /** Moves on, running what comes due in order; sockets and promises get their turn in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#pending]
        .filter(({ atMs }) => atMs <= endMs)
        .toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      if (performance.now() < due.notBefore) {
        await breathe();
        continue;
      }
      this.#pending.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
      await breathe();
    }
    this.#nowMs = endMs;
    await breathe();
  }

  /** Moves on in steps until `met`, for at most `ms`. */
  async advanceUntil(met: () => boolean, ms: number, stepMs = 250): Promise<void> {
    for (let passed = 0; !met(); passed += stepMs) {
      if (passed > ms) throw new Error(`not within ${ms} ms: ${met.toString()}`);
      await this.advance(stepMs);
      await breathe(3);
    }
  }
}

/** Waits, with time standing still, until sockets and promises have brought about what is expected. */
export async function until(met: () => boolean): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!met()) {
    if (Date.now() > endMs) throw new Error(`never happened: ${met.toString()}`);
    await breathe();
  }
}

/** Lets sockets and promises go on for a few milliseconds. */
export async function breathe(ms = 1): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

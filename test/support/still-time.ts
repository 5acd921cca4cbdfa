/** Time without sockets in it: days pass in as many turns of the event loop as timers come due. */

import type { Log } from '../../src/log.ts';
import type { Timer, Timers } from '../../src/timers.ts';

interface Pending {
  readonly atMs: number;
  readonly run: () => void;
}

export class StillTime implements Timers {
  #startMs: number;
  readonly #pending = new Set<Pending>();
  #nowMs = 0;

  /** @param startMs - of the wall clock, in milliseconds since the epoch */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** The wall clock. */
  readonly clock = (): number => this.#startMs + this.#nowMs;

  now(): number {
    return this.#nowMs;
  }

  /** Puts the wall clock forward, or back. */
  step(ms: number): void {
    this.#startMs += ms;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#pending.size;
  }

  after(ms: number, run: () => void): Timer {
    const entry = { atMs: this.#nowMs + ms, run };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  /** Moves on, running what comes due in order; promises get their turn in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (let due = this.#next(endMs); due !== undefined; due = this.#next(endMs)) {
      this.#pending.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
      await settled();
    }
    this.#nowMs = endMs;
    await settled();
  }

  #next(endMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending)
      if (entry.atMs <= endMs && (first === undefined || entry.atMs < first.atMs)) first = entry;
    return first;
  }
}

/** Turns of the event loop that what is begun by one timer may take, without sockets and files. */
const TURNS = 8;

/** Lets promises that need no socket and no file come to their end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}

const nothing = (): void => undefined;
export const quietLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

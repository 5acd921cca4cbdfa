/** Timers that run when a test says so, in order, without a turn of the event loop. */

import type { Timer, Timers } from '../../src/timers.ts';

export class ManualTime implements Timers {
  #nowMs = 0;
  readonly #pending = new Set<{ readonly atMs: number; readonly run: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  /** The wall clock of this time. */
  readonly clock = (): number => 1_700_000_000_000 + this.#nowMs;

  /** Timers that are set. */
  get timers(): number {
    return this.#pending.size;
  }

  after(ms: number, run: () => void): Timer {
    const entry = { atMs: this.#nowMs + ms, run };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      let due: { readonly atMs: number; readonly run: () => void } | undefined;
      for (const entry of this.#pending)
        if (entry.atMs <= endMs && (due === undefined || entry.atMs < due.atMs)) due = entry;
      if (due === undefined) break;
      this.#pending.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = endMs;
  }
}

/**
 * Work for one API server, by key: so many at a time, first come first served, each key once. What fails comes back after a
 * wait of its own; where the server itself is in trouble, everything waits. One queue knows nothing of another, so that a
 * slow cluster delays none but itself.
 */

import type { Random, Timer, Timers } from '../../timers.ts';

/** What has become of a piece of work. */
export type WorkResult =
  | { readonly kind: 'done' }
  /** The object is in trouble; the wait doubles from one failure to the next. */
  | { readonly kind: 'retry'; readonly firstMs: number; readonly maxMs: number; readonly atLeastMs: number }
  /** The server is in trouble: nothing else would succeed either. */
  | { readonly kind: 'serverTrouble'; readonly atLeastMs: number };

export const DONE: WorkResult = { kind: 'done' };

/** Waits for a server in trouble: from one to the other, doubling. */
const SERVER_FIRST_MS = 500;
const SERVER_MAX_MS = 15_000;
const DOUBLINGS_MAX = 20;
/** Keys that are kept in order though they are no longer ready. */
const STALE_MAX = 1000;

export interface WorkQueueOptions {
  readonly parallel: number;
  readonly timers: Timers;
  readonly random: Random;
  /** Must not reject. */
  readonly run: (key: string) => Promise<WorkResult>;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<string>();
  /** Those that are ready, in their order, and what was until lately; begins at `#first`. */
  #order: string[] = [];
  #first = 0;
  readonly #running = new Set<string>();
  /** Asked for again while it ran, and whether there was news. */
  readonly #again = new Map<string, boolean>();
  /** Keys that wait for another attempt. */
  readonly #failed = new Map<string, Timer>();
  /** Failures in a row, of keys that have not succeeded since. */
  readonly #counts = new Map<string, number>();
  #serverFailures = 0;
  #serverTimer: Timer | undefined;
  #isOpen = false;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** How much waits or runs, without what waits for another attempt. */
  get size(): number {
    return this.#ready.size + this.#running.size;
  }

  /** Keys that wait for another attempt. */
  get failing(): number {
    return this.#failed.size;
  }

  /** Whether there is something to be done about a key, now or at another attempt. */
  has(key: string): boolean {
    return this.#ready.has(key) || this.#running.has(key) || this.#failed.has(key);
  }

  /** @param fresh - there is news of it: an attempt that failed says nothing any more */
  add(key: string, fresh = false): void {
    if (this.#running.has(key)) {
      this.#again.set(key, fresh || this.#again.get(key) === true);
      return;
    }
    if (this.#failed.has(key)) {
      if (!fresh) return;
      this.#forgive(key);
    }
    this.#queue(key);
    this.#next();
  }

  /** There is nothing to be done any more; what runs ends by itself. */
  drop(key: string): void {
    this.#ready.delete(key);
    this.#again.delete(key);
    this.#forgive(key);
  }

  /** Tries again at once what waits and matches. */
  nudge(matches: (key: string) => boolean): void {
    for (const key of this.#failed.keys()) if (matches(key)) this.add(key, true);
  }

  /** Nothing is begun while it is closed, which it is at first. */
  open(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    this.#serverTimer?.cancel();
    for (const timer of this.#failed.values()) timer.cancel();
    this.#failed.clear();
    this.#ready.clear();
  }

  #next(): void {
    while (this.#first < this.#order.length) {
      const isHeld = !this.#isOpen || this.#stopped || this.#serverTimer !== undefined;
      if (isHeld || this.#running.size >= this.#options.parallel) return;
      const key = this.#order[this.#first++]!;
      if (this.#ready.delete(key)) void this.#run(key);
    }
    this.#order = [];
    this.#first = 0;
  }

  /** A set alone would do, but that taking out the first of many, again and again, looks at all that have gone before. */
  #queue(key: string): void {
    if (this.#ready.has(key)) return;
    this.#ready.add(key);
    this.#order.push(key);
    // What was dropped while nothing could be begun.
    if (this.#order.length > 2 * this.#ready.size + STALE_MAX) {
      this.#order = [...this.#ready];
      this.#first = 0;
    }
  }

  async #run(key: string): Promise<void> {
    this.#running.add(key);
    const result = await this.#options.run(key);
    this.#running.delete(key);
    if (this.#stopped) return;
    this.#settle(key, result);
    const again = this.#again.get(key);
    if (this.#again.delete(key)) this.add(key, again);
    this.#next();
  }

  #settle(key: string, result: WorkResult): void {
    if (result.kind !== 'serverTrouble') this.#serverFailures = 0;
    switch (result.kind) {
      case 'done':
        this.#counts.delete(key);
        return;
      case 'retry':
        return this.#putOff(key, result);
      case 'serverTrouble':
        this.#queue(key);
        this.#pause(result.atLeastMs);
    }
  }

  #putOff(key: string, { firstMs, maxMs, atLeastMs }: WorkResult & { kind: 'retry' }): void {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    const ms = Math.max(atLeastMs, this.#waitMs(count, firstMs, maxMs));
    const timer = this.#options.timers.after(ms, () => {
      this.#failed.delete(key);
      this.add(key);
    });
    this.#failed.set(key, timer);
  }

  #forgive(key: string): void {
    this.#failed.get(key)?.cancel();
    this.#failed.delete(key);
    this.#counts.delete(key);
  }

  #pause(atLeastMs: number): void {
    if (this.#serverTimer !== undefined) return;
    this.#serverFailures++;
    const ms = Math.max(atLeastMs, this.#waitMs(this.#serverFailures, SERVER_FIRST_MS, SERVER_MAX_MS));
    this.#serverTimer = this.#options.timers.after(ms, () => {
      this.#serverTimer = undefined;
      this.#next();
    });
  }

  /** Half fixed, half random: what broke together does not come back together. */
  #waitMs(failures: number, firstMs: number, maxMs: number): number {
    const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
    return full / 2 + (this.#options.random() * full) / 2;
  }
}

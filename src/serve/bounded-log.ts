/**
 * Owns that a log stays readable, and cheap, when something happens to thousands of things at once: so many lines are
 * written in a second, the others are counted and summed up in one line at its end.
 */

import type { Log } from '../log.ts';
import type { Timer, Timers } from '../timers.ts';

/** Lines in a second: what a person can still follow, and far below what delays the control plane. */
const LINES_PER_SECOND = 20;
const SECOND_MS = 1000;

/** A log for what may come in thousands. Messages are to be few; what differs goes into the fields. */
export class BoundedLog implements Pick<Log, 'info' | 'warn'> {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #timers: Timers;
  #written = 0;
  /** Lines that were left out in this second, by message. */
  readonly #leftOut = new Map<string, number>();
  #second: Timer | undefined;

  constructor(log: Pick<Log, 'info' | 'warn'>, timers: Timers) {
    this.#log = log;
    this.#timers = timers;
  }

  info(fields: object, message: string): void {
    if (this.#admit(message)) this.#log.info(fields, message);
  }

  warn(fields: object, message: string): void {
    if (this.#admit(message)) this.#log.warn(fields, message);
  }

  /** Writes the sum of what was left out, and sets no further timer for it. */
  stop(): void {
    this.#second?.cancel();
    this.#endSecond();
  }

  #admit(message: string): boolean {
    this.#second ??= this.#timers.after(SECOND_MS, () => this.#endSecond());
    if (++this.#written <= LINES_PER_SECOND) return true;
    this.#leftOut.set(message, (this.#leftOut.get(message) ?? 0) + 1);
    return false;
  }

  #endSecond(): void {
    this.#second = undefined;
    this.#written = 0;
    if (this.#leftOut.size === 0) return;
    const leftOut = Object.fromEntries(this.#leftOut);
    this.#leftOut.clear();
    this.#log.info({ leftOut }, 'more of the same within a second, only counted');
  }
}

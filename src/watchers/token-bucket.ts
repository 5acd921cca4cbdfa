/**
 * A token bucket on the monotonic clock: what one cluster may cost per second. It may go into debt, so that a piece
 * larger than the bucket still passes, after which it waits the longer.
 */

import type { Timers } from '../timers.ts';

export class TokenBucket {
  readonly #timers: Timers;
  readonly #perMs: number;
  readonly #size: number;
  #tokens: number;
  #filledAt: number;

  /**
   * @param perSecond - tokens that come in per second
   * @param size - tokens that can be saved up
   */
  constructor(timers: Timers, perSecond: number, size: number) {
    this.#timers = timers;
    this.#perMs = perSecond / 1000;
    this.#size = size;
    this.#tokens = size;
    this.#filledAt = timers.now();
  }

  /** Takes tokens, whether there are enough or not. @returns how long to wait before the next, in milliseconds */
  take(count: number): number {
    this.#fill();
    this.#tokens -= count;
    return this.waitMs();
  }

  /** Takes one token if there is one. */
  tryTake(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** How long until a token is there, in milliseconds. */
  waitMs(): number {
    this.#fill();
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  #fill(): void {
    const now = this.#timers.now();
    this.#tokens = Math.min(this.#size, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
  }
}

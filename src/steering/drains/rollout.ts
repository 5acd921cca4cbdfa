/**
 * Owns when a drain has come about: when every worker of this server answers by it, and when the last answer from before has run
 * out of its TTL. What other replicas have of it they say themselves.
 */

import type { Clock } from '../../log.ts';
import type { Timer, Timers } from '../../timers.ts';

/** Timers of the system hold some weeks only, TTLs half a century. */
const WAIT_MS_MAX = 3_600_000;

/** How far what was ordered last has come. */
export interface RolloutStatus {
  /** Of the rules in force; replicas with the same rules have the same. */
  readonly digest: string;
  /** When these rules came into force here, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Whether every worker answers by them. */
  readonly isServed: boolean;
  /** Until the last answer from before has run out; of what is not served yet the longest TTL. 0: it has. */
  readonly oldAnswersSeconds: number;
}

export interface RolloutOptions {
  /** Resolves once no worker answers from what was before the call. */
  readonly served: () => Promise<void>;
  /** Every worker answers by the rules. */
  readonly onServed: (status: RolloutStatus) => void;
  /** The last answer from before has run out. */
  readonly onSettled: (status: RolloutStatus) => void;
  readonly clock: Clock;
  readonly timers: Timers;
}

export class Rollout {
  readonly #options: RolloutOptions;
  #digest: string;
  #sinceMs: number;
  #isServed = true;
  /** Longest TTL of an answer that differs, in seconds. */
  #ttlSeconds = 0;
  /** On the monotonic clock; what an earlier order left to run out counts on. */
  #oldUntilMs = 0;
  #timer: Timer | undefined;
  #number = 0;

  /** @param digest - of the rules that are in force from the start */
  constructor(options: RolloutOptions, digest: string) {
    this.#options = options;
    this.#digest = digest;
    this.#sinceMs = options.clock();
  }

  get status(): RolloutStatus {
    const leftMs = Math.max(0, this.#oldUntilMs - this.#options.timers.now());
    const leftSeconds = Math.ceil(leftMs / 1000);
    return {
      digest: this.#digest,
      sinceMs: this.#sinceMs,
      isServed: this.#isServed,
      oldAnswersSeconds: this.#isServed ? leftSeconds : Math.max(leftSeconds, this.#ttlSeconds),
    };
  }

  /**
   * Other rules are in force before anything is answered.
   *
   * @param oldAnswersSeconds - until the last answer of an earlier run from before them has run out
   */
  adopt(digest: string, oldAnswersSeconds: number): void {
    const { clock, timers } = this.#options;
    this.#digest = digest;
    this.#sinceMs = clock();
    if (oldAnswersSeconds === 0) return;
    this.#oldUntilMs = timers.now() + oldAnswersSeconds * 1000;
    this.#settle();
  }

  /**
   * Other rules are in the image.
   *
   * @param ttlSeconds - no answer that differs had a longer TTL
   */
  begin(digest: string, ttlSeconds: number): void {
    const { clock, served } = this.#options;
    const number = ++this.#number;
    this.#digest = digest;
    this.#sinceMs = clock();
    // An order before this one that is not served yet is served with it.
    this.#ttlSeconds = this.#isServed ? ttlSeconds : Math.max(this.#ttlSeconds, ttlSeconds);
    this.#isServed = false;
    this.#timer?.cancel();
    void served().then(() => {
      if (number === this.#number) this.#serve();
    });
  }

  stop(): void {
    this.#number++;
    this.#timer?.cancel();
  }

  #serve(): void {
    const { timers, onServed } = this.#options;
    this.#isServed = true;
    this.#oldUntilMs = Math.max(this.#oldUntilMs, timers.now() + this.#ttlSeconds * 1000);
    onServed(this.status);
    this.#settle();
  }

  #settle(): void {
    const { timers, onSettled } = this.#options;
    const leftMs = this.#oldUntilMs - timers.now();
    if (leftMs > 0) this.#timer = timers.after(Math.min(leftMs, WAIT_MS_MAX), () => this.#settle());
    else onSettled(this.status);
  }
}

/**
 * What one watch has shown so far: whether it works, and at its end, whether it can have been deaf. The requests are
 * made in watch-stream.ts.
 */

import type { Timer, Timers } from '../../timers.ts';

/** A watch that has lasted this long, or brought an event, counts as working. */
export const WATCH_SETTLED_MS = 5_000;
/** A watch that ends this much before its time was ended by something that may have been a change of servers. */
const EARLY_MS = 2_000;

export class WatchCourse {
  readonly #timers: Timers;
  readonly #signal: AbortSignal;
  readonly #onWorks: () => void;
  #settling: Timer | undefined;
  #openedMs = 0;
  #worked = false;
  /** Whether the server named a version, in an event or a bookmark. */
  told = false;

  constructor(timers: Timers, signal: AbortSignal, onWorks: () => void) {
    this.#timers = timers;
    this.#signal = signal;
    this.#onWorks = onWorks;
  }

  get worked(): boolean {
    return this.#worked;
  }

  /** The server has accepted the watch. */
  open(): void {
    this.#openedMs = this.#timers.now();
    this.#settling = this.#timers.after(WATCH_SETTLED_MS, () => this.works());
  }

  works(): void {
    if (this.#worked || this.#signal.aborted) return;
    this.#worked = true;
    this.#onWorks();
  }

  /**
   * Whether it ended as one does whose server is where it was: after its time, and with the bookmark that Kubernetes
   * sends before the end. A watch from a version to come has none.
   */
  isConclusive(seconds: number): boolean {
    return this.told && this.#timers.now() - this.#openedMs >= seconds * 1000 - EARLY_MS;
  }

  end(): void {
    this.#settling?.cancel();
  }
}

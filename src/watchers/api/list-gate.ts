/**
 * How many lists are read at once, over all clusters. Every socket that has octets gets its turn in each round of the
 * event loop: hundreds of lists together would make one round take seconds, and probes and watches time out for
 * nothing; all of them would be half read for most of the time, too, and take memory. A turn is lent for a while only,
 * so that a cluster that trickles its list delays nobody else.
 */

import type { Timer, Timers } from '../../timers.ts';

/** Lists at once: enough to keep the processor busy over slow networks, few enough for rounds of some 10 ms. */
const LISTS_MAX = 16;
/** How long a list may keep others waiting. */
const LEASE_MS = 5_000;

/** Ends a turn; calling it again does nothing. */
export type Release = () => void;

export class ListGate {
  readonly #timers: Timers;
  /** Called with a turn, in the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Waits for a turn, first come, first served; an abort ends the wait with a turn that counts for nothing. */
  async enter(signal: AbortSignal): Promise<Release> {
    if (this.#taken < LISTS_MAX) this.#taken++;
    else if (!(await this.#wait(signal))) return () => {};
    let timer: Timer | undefined;
    const release = (): void => {
      if (timer === undefined) return;
      timer.cancel();
      timer = undefined;
      this.#passOn();
    };
    timer = this.#timers.after(LEASE_MS, release);
    return release;
  }

  /** @returns false when `signal` came first */
  #wait(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (granted: boolean): void => {
        this.#waiting.delete(grant);
        signal.removeEventListener('abort', giveUp);
        resolve(granted);
      };
      const grant = (): void => end(true);
      const giveUp = (): void => end(false);
      this.#waiting.add(grant);
      signal.addEventListener('abort', giveUp);
    });
  }

  /** A turn that ends is the next one's, so that nobody gets in between. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken--;
    else next();
  }
}

const gates = new WeakMap<Timers, ListGate>();

/** The gate of all clusters that live on the same clock, which is all of a process. */
export function gateOf(timers: Timers): ListGate {
  let gate = gates.get(timers);
  if (gate === undefined) gates.set(timers, (gate = new ListGate(timers)));
  return gate;
}

/**
 * Time as the watchers use it. Durations run on a monotonic clock, so that a jump of the wall clock neither
 * withdraws a cluster nor holds one for ever; the wall clock (`Clock` in source.ts) only dates what is reported.
 */

/** A timer that has been set. */
export interface Timer {
  cancel(): void;
}

/** A monotonic clock and its timers; tests pass their own. */
export interface Timers {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now, unless cancelled. */
  after(ms: number, run: () => void): Timer;
}

/** A uniform number in [0, 1). */
export type Random = () => number;

/** The clock and timers of this process. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, run) {
    const handle = setTimeout(run, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `ms` milliseconds, or at once when `signal` aborts; never rejects. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = timers.after(ms, end);
    signal?.addEventListener('abort', end);
  });
}

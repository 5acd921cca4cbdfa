/**
 * How long to wait before the next attempt: doubling, with jitter, and without a last one. Owns the numbers; who
 * waits, and for what, is the caller's matter.
 */

import type { Random } from '../../timers.ts';

/** First wait; an API server that restarts is back within a few of these. */
export const BACK_OFF_FIRST_MS = 250;
/** Longest wait: short enough that a permission granted or a token rotated is noticed while someone looks. */
export const BACK_OFF_MAX_MS = 15_000;
/** Longest wait that a `Retry-After` can ask for, so that a broken server cannot silence a cluster for a day. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** Attempts after which the wait no longer grows: 250 ms doubled six times passes {@link BACK_OFF_MAX_MS}. */
const DOUBLINGS_MAX = 6;

/**
 * The wait after the `failures`th failure in a row, in milliseconds.
 *
 * @param failures - 1 or more
 * @param retryAfterMs - what the server asked for; the wait is at least that
 */
export function backOffMs(failures: number, random: Random, retryAfterMs = 0): number {
  const full = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  // Half fixed, half random: clusters that broke together do not come back together.
  const jittered = full / 2 + (random() * full) / 2;
  const asked = Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  return asked > 0 ? Math.max(jittered, asked * (1 + random() / 10)) : jittered;
}

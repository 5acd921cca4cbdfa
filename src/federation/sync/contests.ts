/**
 * Owns how often the same has been written to one object of a member: where something there undoes it each time (a controller
 * with another opinion, an admission that never says the same twice), fedns waits longer and longer, so that two never write as fast as they can.
 */

/** Writes of the same that are no sign of anything. */
const FREE = 8;
/** The wait after these, doubling, in milliseconds. */
const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 60_000;
/** Without a write for so long it is over: well above the longest wait. */
const CALM_MS = 300_000;
/** Objects of one member that are remembered: what is contested is written again soon, and stays among the last. */
const REMEMBERED_MAX = 5_000;

interface Contest {
  readonly revision: number;
  readonly count: number;
  readonly lastMs: number;
}

export class Contests {
  /** The one that was written last stands last. */
  readonly #written = new Map<string, Contest>();

  /** @param revision - of what was written @param nowMs - on the monotonic clock */
  note(key: string, revision: number, nowMs: number): void {
    const count = (this.#of(key, revision, nowMs)?.count ?? 0) + 1;
    this.#written.delete(key);
    this.#written.set(key, { revision, count, lastMs: nowMs });
    const [oldest] = this.#written.keys();
    if (this.#written.size > REMEMBERED_MAX && oldest !== undefined) this.#written.delete(oldest);
  }

  /** How long the same is not to be written again, in milliseconds; 0: it may be. */
  waitMs(key: string, revision: number, nowMs: number): number {
    const contest = this.#of(key, revision, nowMs);
    if (contest === undefined || contest.count < FREE) return 0;
    const waitMs = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** (contest.count - FREE));
    return Math.max(0, contest.lastMs + waitMs - nowMs);
  }

  #of(key: string, revision: number, nowMs: number): Contest | undefined {
    const contest = this.#written.get(key);
    return contest?.revision === revision && nowMs - contest.lastMs < CALM_MS ? contest : undefined;
  }
}

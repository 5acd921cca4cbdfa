/**
 * How many shards were lost without evidence a short while ago, by region. Owns what is too much of them; which losses these are
 * is guard.ts. Losses of the same second and region are one entry, so that memory does not grow with their number.
 */

import type { Timers } from '../timers.ts';

/** When losses are too many. */
export interface WithdrawalLimits {
  /** Part of all healthy shards, or of those of one region, 0 to 1. */
  readonly maxWithdrawFraction: number;
  /** In how many seconds. */
  readonly windowSeconds: number;
  /** Losses below this number are never too many. */
  readonly minShards: number;
}

interface Entry {
  readonly second: number;
  readonly region: string;
  lost: number;
  /** Those of them that were passed on, so that they are not among the healthy ones any more. */
  gone: number;
}

export class Withdrawals {
  readonly #timers: Timers;
  #entries: Entry[] = [];

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * Whether further losses in a region are too many, of the region or of all.
   *
   * @param healthy - shards that are healthy now, by region
   */
  areTooMany(
    losses: number,
    region: string,
    healthy: ReadonlyMap<string, number>,
    limits: WithdrawalLimits,
  ): boolean {
    this.#forget(limits.windowSeconds);
    const all = this.#entries;
    const there = all.filter((entry) => entry.region === region);
    return (
      exceeds(all, losses, sumOf([...healthy.values()]), limits) ||
      exceeds(there, losses, healthy.get(region) ?? 0, limits)
    );
  }

  /** Counts losses, and how many of them were passed on. */
  add(region: string, lost: number, gone: number): void {
    if (lost === 0) return;
    const second = Math.floor(this.#timers.now() / 1000);
    const last = this.#entries.findLast((entry) => entry.second === second && entry.region === region);
    if (last === undefined) this.#entries.push({ second, region, lost, gone });
    else {
      last.lost += lost;
      last.gone += gone;
    }
  }

  #forget(windowSeconds: number): void {
    const from = Math.floor(this.#timers.now() / 1000) - windowSeconds;
    if (this.#entries.some(({ second }) => second <= from))
      this.#entries = this.#entries.filter(({ second }) => second > from);
  }
}

function exceeds(
  before: readonly Entry[],
  losses: number,
  healthy: number,
  { maxWithdrawFraction, minShards }: WithdrawalLimits,
): boolean {
  const lost = losses + sumOf(before.map((entry) => entry.lost));
  const gone = sumOf(before.map((entry) => entry.gone));
  return lost >= minShards && lost > maxWithdrawFraction * (healthy + gone);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

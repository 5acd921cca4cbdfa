/**
 * How many places, regions and zones, one cluster may bring. Each is a level of names for every Service of the federation,
 * so a cluster that invents them must cost nobody but itself.
 */

import type { Clock } from '../../log.ts';

/** New places of one cluster in an hour: all zones of the largest cluster at once, and then no faster than machines are bought. */
export const NEW_PLACES_PER_HOUR = 100;
const HOUR_MS = 3_600_000;
/** Places that are remembered as taken; beyond, the oldest counts as new again. */
const REMEMBERED_MAX = 1000;

export class PlaceBudget {
  readonly #clock: Clock;
  readonly #taken: Set<string>;
  #hourFromMs = -Infinity;
  #left = NEW_PLACES_PER_HOUR;
  #refused = false;

  /** @param taken - places that were taken before, as `region` or `zone.region` */
  constructor(clock: Clock, taken: Iterable<string> = []) {
    this.#clock = clock;
    this.#taken = new Set(taken);
  }

  /** Whether the cluster may have the place; one that it had before it may always have. */
  admit(place: string): boolean {
    if (this.#taken.has(place)) return true;
    this.#renew();
    if (this.#left === 0) {
      this.#refused = true;
      return false;
    }
    this.#left--;
    this.#take(place);
    return true;
  }

  /** Whether a place was refused that would be admitted now. */
  get isRenewed(): boolean {
    return this.#refused && !this.#isSameHour();
  }

  /** A clock that goes back begins a new hour, too: otherwise a step of a year would refuse places for a year. */
  #isSameHour(): boolean {
    const sinceMs = this.#clock() - this.#hourFromMs;
    return sinceMs >= 0 && sinceMs < HOUR_MS;
  }

  #renew(): void {
    if (this.#isSameHour()) return;
    this.#hourFromMs = this.#clock();
    this.#left = NEW_PLACES_PER_HOUR;
    this.#refused = false;
  }

  #take(place: string): void {
    this.#taken.add(place);
    if (this.#taken.size <= REMEMBERED_MAX) return;
    for (const oldest of this.#taken) {
      this.#taken.delete(oldest);
      return;
    }
  }
}

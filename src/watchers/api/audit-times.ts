/**
 * When a kind is listed to find out whether its watches told everything. An event that is lost (in a proxy, in the API
 * server's memory, in a bug of ours) would stay lost for as long as the object stays as it is. Each loop has times of
 * its own, drawn at random, so that the lists of many clusters spread over the whole interval; list-gate.ts bounds how
 * many are read at once.
 */

import type { Random } from '../../timers.ts';

/** Time between two audits of a kind: a list is what a watch is there to save. */
export const AUDIT_MS = 1_800_000;
/** Time until one that failed is tried again. */
const RETRY_MS = 300_000;

export class AuditTimes {
  readonly #random: Random;
  #dueMs: number;

  /** The first is due half an interval to one and a half after the start. */
  constructor(random: Random, nowMs: number) {
    this.#random = random;
    this.#dueMs = nowMs + AUDIT_MS * (0.5 + random());
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  done(nowMs: number): void {
    this.#dueMs = nowMs + AUDIT_MS * (0.9 + this.#random() / 5);
  }

  failed(nowMs: number): void {
    this.#dueMs = nowMs + RETRY_MS * (0.9 + this.#random() / 5);
  }
}

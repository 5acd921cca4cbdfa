/**
 * Notices that watches do not get through although lists do: a proxy that holds a reply back until it is complete, one
 * that swallows or cuts off whatever does not end, a role that may only list. Lists at an interval take the place of
 * watches then, and a watch is tried from time to time.
 */

import type { ApiError, ApiErrorCode } from '../api-error.ts';

/** Time between two lists that take the place of a watch. */
export const POLL_MS = 15_000;
/** Part of the time that lists may take: large ones are made less often, but never so seldom that nobody would wait. */
const POLL_SHARE = 5;
const POLL_MAX_MS = 60_000;
/** Time until a watch is tried again: doubling, for a watch that hangs keeps lists waiting. */
const RETRY_FIRST_MS = 15_000;
const RETRY_MAX_MS = 300_000;

/**
 * Failures in a row of each kind after which watches count as barred. What takes long to fail has been tried for long;
 * codes that are not here are those of a server that is busy or does not know us, to which lists are no answer.
 */
const FAILURES_MAX: Readonly<Partial<Record<ApiErrorCode, number>>> = {
  TIMEOUT: 1,
  IDLE: 2,
  INTERRUPTED: 3,
  UNREACHABLE: 3,
  FORBIDDEN: 3,
  STATUS: 3,
  NOT_JSON: 3,
};

export class WatchBar {
  /** In a row, by code. */
  readonly #failures = new Map<ApiErrorCode, number>();
  #reason: string | undefined;
  #raised = 0;
  #retryAtMs = 0;
  #pollMs = POLL_MS;

  /** Why watches do not get through; undefined: they do, as far as is known. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Time until the next list, in milliseconds. */
  get pollMs(): number {
    return this.#pollMs;
  }

  /** Whether to list instead of watching. */
  isDown(nowMs: number): boolean {
    return this.#reason !== undefined && nowMs < this.#retryAtMs;
  }

  /** A watch failed. @returns whether watches count as barred */
  fail(error: ApiError, nowMs: number): boolean {
    const max = FAILURES_MAX[error.code];
    if (max === undefined) return false;
    const failures = (this.#failures.get(error.code) ?? 0) + 1;
    this.#failures.set(error.code, failures);
    if (this.#reason === undefined && failures < max) return false;
    this.#reason = error.message;
    this.#retryAtMs = nowMs + Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.#raised, 10));
    this.#raised++;
    return true;
  }

  /** A list was made. @param tookMs - how long it took */
  listed(tookMs: number): void {
    this.#pollMs = Math.min(POLL_MAX_MS, Math.max(POLL_MS, tookMs * POLL_SHARE));
  }

  /** A watch stays open. Whether anything comes through is another matter. */
  opens(): void {
    for (const code of this.#failures.keys()) if (code !== 'IDLE') this.#failures.delete(code);
  }

  /** A watch brought something, or lists do not get through either: then it is not the watches that are wrong. */
  clear(): void {
    this.#failures.clear();
    this.#reason = undefined;
    this.#raised = 0;
  }
}

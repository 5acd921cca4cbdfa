/**
 * Kinds of which a cluster suddenly lists no object any more. Owns that such a list is not believed at once: an API
 * server that lost its data, or a permission that filters, says the same as a cluster in which everything was deleted.
 * What was there counts for the grace period; what the cluster says of single objects counts at once.
 */

import type { Clock } from '../../log.ts';
import type { Cause } from '../../zonebuilder/facts.ts';
import type { StalePart } from '../source.ts';
import type { Timer, Timers } from '../../timers.ts';
import type { ObjectKind } from './objects.ts';

export interface SuddenAbsenceOptions {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly graceMs: number;
  /** The grace period is over: these objects are gone. */
  readonly onEnd: (kind: ObjectKind, keys: ReadonlySet<string>, cause: Cause) => void;
}

interface Absence {
  /** Objects that no list holds and nobody has spoken of since. */
  readonly keys: Set<string>;
  readonly sinceMs: number;
  readonly timer: Timer;
}

export class SuddenAbsence {
  readonly #options: SuddenAbsenceOptions;
  readonly #absent = new Map<ObjectKind, Absence>();

  constructor(options: SuddenAbsenceOptions) {
    this.#options = options;
  }

  /**
   * A complete list of a kind is empty, though these objects were there.
   *
   * @returns whether that is news
   */
  begin(kind: ObjectKind, keys: Iterable<string>, cause: Cause): boolean {
    if (this.#absent.has(kind)) return false;
    const { timers, clock, graceMs } = this.#options;
    const timer = timers.after(graceMs, () => this.#end(kind, cause));
    this.#absent.set(kind, { keys: new Set(keys), sinceMs: clock(), timer });
    return true;
  }

  /** The cluster has spoken of one object: what it says of that one counts. */
  forget(kind: ObjectKind, key: string): void {
    if (this.#absent.size > 0) this.#absent.get(kind)?.keys.delete(key);
  }

  /** A list of the kind holds something. */
  cancel(kind: ObjectKind): void {
    this.#absent.get(kind)?.timer.cancel();
    this.#absent.delete(kind);
  }

  stale(): StalePart[] {
    return [...this.#absent].map(([kind, { sinceMs }]) => ({
      part: `list of ${kind}s`,
      code: 'LIST_EMPTY',
      sinceMs,
    }));
  }

  stop(): void {
    for (const kind of this.#absent.keys()) this.cancel(kind);
  }

  #end(kind: ObjectKind, cause: Cause): void {
    const { keys } = this.#absent.get(kind)!;
    this.#absent.delete(kind);
    this.#options.onEnd(kind, keys, cause);
  }
}

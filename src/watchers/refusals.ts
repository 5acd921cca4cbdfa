/**
 * What was not taken of a cluster's objects, per object and bounded. Owns the book-keeping: a refusal stands as long
 * as its cause does and goes when the object is fixed or gone. What is refused is decided elsewhere.
 */

import type { Clock } from '../log.ts';
import type { Refusal } from './source.ts';

/** Why something was not taken. Codes are stable; the message is for people. */
export interface Finding {
  readonly code: string;
  readonly message: string;
}

/** Refusals kept of one cluster: more than anyone reads, and a bound on what a broken cluster costs. */
const REFUSALS_MAX = 200;
/** Refusals kept of one object, so that one bad object cannot crowd out the others. */
const REFUSALS_PER_OBJECT_MAX = 16;

export class RefusalBook {
  readonly #clock: Clock;
  readonly #onNew: (object: string, finding: Finding) => void;
  readonly #byObject = new Map<string, Refusal[]>();
  #kept = 0;
  #total = 0;

  /** @param onNew - called for what did not stand against its object before, in these or other words */
  constructor(clock: Clock, onNew: (object: string, finding: Finding) => void = () => {}) {
    this.#clock = clock;
    this.#onNew = onNew;
  }

  /** Refusals since the start, also those that were not kept or no longer stand. */
  get total(): number {
    return this.#total;
  }

  /** Whether anything stands against anything: names of objects need not be made to find out that nothing does. */
  get isEmpty(): boolean {
    return this.#byObject.size === 0;
  }

  /** Replaces what stands against an object; an empty list clears it. */
  set(object: string, findings: readonly Finding[]): void {
    const before = this.#byObject.get(object) ?? [];
    if (before.length === 0 && findings.length === 0) return;
    this.clear(object);
    const entries = findings.slice(0, REFUSALS_PER_OBJECT_MAX).map((finding) => {
      const known = before.find((entry) => entry.code === finding.code && entry.message === finding.message);
      return known ?? { ...finding, object, sinceMs: this.#clock() };
    });
    const fresh = entries.filter((entry) => !before.includes(entry));
    this.#total += fresh.length;
    this.#keep(object, entries);
    // In other words the same is no news.
    const codes = new Set(before.map(({ code }) => code));
    for (const entry of fresh) if (!codes.has(entry.code)) this.#onNew(object, entry);
  }

  clear(object: string): void {
    const entries = this.#byObject.get(object);
    if (entries === undefined) return;
    this.#kept -= entries.length;
    this.#byObject.delete(object);
  }

  /** Clears what stands against the objects whose name starts with `prefix`, except those that `keep` wants. */
  clearExcept(prefix: string, keep: ReadonlySet<string>): void {
    for (const object of this.#byObject.keys()) {
      if (object.startsWith(prefix) && !keep.has(object)) this.clear(object);
    }
  }

  list(): Refusal[] {
    return [...this.#byObject.values()].flat();
  }

  #keep(object: string, entries: Refusal[]): void {
    const kept = entries.slice(0, REFUSALS_MAX - this.#kept);
    if (kept.length === 0) return;
    this.#byObject.set(object, kept);
    this.#kept += kept.length;
  }
}

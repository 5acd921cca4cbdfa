/**
 * Owns which removals in one cluster may be carried out: those of a moment are gathered, and where they are too large a part
 * of what fedns has there, all of them wait for somebody's word. Somebody may have emptied the federation endpoint, or its
 * database may be a backup of last month. Who carries them out is engine.ts.
 */

/** Removals are gathered until none has come for so long, in milliseconds: `kubectl delete --all` takes a while. */
export const GATHER_MS = 2_000;
/** But no longer than this after the first, so that a steady trickle is not put off for ever. */
export const GATHER_MS_MAX = 10_000;

export interface RemovalLimits {
  readonly maxFraction: number;
  /** Fewer are never too many. */
  readonly min: number;
  readonly windowSeconds: number;
  /** Default: {@link GATHER_MS}. */
  readonly gatherMs?: number;
}

/** Removals that wait for somebody's word. */
export interface Hold {
  readonly removals: number;
  /** Of so many objects, with those removed within the window. */
  readonly objects: number;
  readonly sinceMs: number;
}

export class RemovalGate {
  readonly #limits: RemovalLimits;
  /** Asked for and not permitted yet, with the time of the asking. */
  readonly #waiting = new Map<string, number>();
  readonly #permitted = new Set<string>();
  /** Permitted by the numbers, with the time: they count until the window has passed. */
  readonly #recent: number[] = [];
  #hold: Hold | undefined;
  #lastMs = 0;

  constructor(limits: RemovalLimits) {
    this.#limits = limits;
  }

  get hold(): Hold | undefined {
    return this.#hold;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a removal waits here. */
  holds(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** Whether a removal may be carried out; if not, it is gathered. */
  ask(key: string, nowMs: number): boolean {
    if (this.#permitted.has(key)) return true;
    if (!this.#waiting.has(key)) {
      this.#waiting.set(key, nowMs);
      this.#lastMs = nowMs;
    }
    return false;
  }

  /** It is done, or no longer wanted. */
  forget(key: string): void {
    this.#waiting.delete(key);
    this.#permitted.delete(key);
  }

  /** Permits what waits, whatever its part. @returns the keys */
  confirm(): string[] {
    const keys = [...this.#waiting.keys()];
    this.#hold = undefined;
    return this.#permit(keys);
  }

  /**
   * Looks at what has been gathered.
   *
   * @param objects - that fedns has in the cluster at present
   * @returns the keys that may go now
   */
  decide(objects: number, nowMs: number): string[] {
    if (this.#waiting.size === 0) this.#hold = undefined;
    if (this.#waiting.size === 0 || this.#isGathering(nowMs)) return [];
    this.#expire(nowMs);
    const removals = this.#waiting.size + this.#recent.length;
    const all = objects + this.#recent.length;
    if (this.#isTooMany(removals, all)) {
      this.#hold = { removals: this.#waiting.size, objects: all, sinceMs: this.#hold?.sinceMs ?? nowMs };
      return [];
    }
    this.#hold = undefined;
    const keys = [...this.#waiting.keys()];
    for (const _ of keys) this.#recent.push(nowMs);
    return this.#permit(keys);
  }

  #permit(keys: string[]): string[] {
    for (const key of keys) {
      this.#waiting.delete(key);
      this.#permitted.add(key);
    }
    return keys;
  }

  #isTooMany(removals: number, objects: number): boolean {
    const { min, maxFraction } = this.#limits;
    return removals >= min && removals > objects * maxFraction;
  }

  #isGathering(nowMs: number): boolean {
    // What is held has been gathered: it is looked at anew each time.
    if (this.#hold !== undefined) return false;
    const [firstMs = nowMs] = this.#waiting.values();
    return nowMs - this.#lastMs < (this.#limits.gatherMs ?? GATHER_MS) && nowMs - firstMs < GATHER_MS_MAX;
  }

  #expire(nowMs: number): void {
    const fromMs = nowMs - this.#limits.windowSeconds * 1000;
    while (this.#recent.length > 0 && this.#recent[0]! < fromMs) this.#recent.shift();
  }
}

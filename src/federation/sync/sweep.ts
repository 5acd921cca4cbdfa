/** Owns what is to be done a little later, by key: the first who asks says when, and those who ask meanwhile come along. */

export class Sweep {
  readonly #due = new Map<string, number>();

  get size(): number {
    return this.#due.size;
  }

  ask(key: string, dueMs: number): void {
    const standing = this.#due.get(key);
    if (standing === undefined || dueMs < standing) this.#due.set(key, dueMs);
  }

  /** Takes out what is due. */
  take(nowMs: number): string[] {
    if (this.#due.size === 0) return [];
    const keys = [...this.#due].flatMap(([key, dueMs]) => (dueMs <= nowMs ? [key] : []));
    for (const key of keys) this.#due.delete(key);
    return keys;
  }
}

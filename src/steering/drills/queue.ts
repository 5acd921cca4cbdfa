/** Owns that of several things one is done after the other: what is being begun is not ended half-way. */

export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Does `work` once everything before it is done, however that ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

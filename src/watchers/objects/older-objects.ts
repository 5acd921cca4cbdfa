/**
 * Objects that came in an earlier version than one that was seen before: a server that went back in time, or two writers of one
 * file. Owns which these are, by the Service that they have a say in; what that means for its shards is steering's.
 */

/**
 * A resourceVersion as a number that orders the versions of one object (KEP-5504).
 *
 * @returns 0 where nothing can be told: none is given, it is no number, or it is too large to be exact
 */
export function versionOf(resourceVersion: string | undefined): number {
  if (resourceVersion === undefined || !/^[1-9][0-9]*$/.test(resourceVersion)) return 0;
  const version = Number(resourceVersion);
  return Number.isSafeInteger(version) ? version : 0;
}

interface Older {
  readonly newest: number;
  readonly service: string;
}

export class OlderObjects {
  readonly #objects = new Map<string, Older>();
  /** How many there are by Service. */
  readonly #services = new Map<string, number>();

  /** Whether an object of a Service is older than it was. */
  has(service: string): boolean {
    return this.#services.size > 0 && this.#services.has(service);
  }

  /**
   * Takes note of a version of an object.
   *
   * @param object - its kind and key
   * @param service - the Service that it has a say in
   * @param known - the version before, 0: unknown
   * @returns whether it is older now and was not, or the other way round
   */
  note(object: string, service: string, known: number, version: number): boolean {
    const before = this.#objects.get(object);
    const newest = before?.newest ?? known;
    if (version > 0 && version < newest) {
      if (before !== undefined) return false;
      this.#objects.set(object, { newest, service });
      this.#services.set(service, (this.#services.get(service) ?? 0) + 1);
      return true;
    }
    return this.forget(object);
  }

  /** The object is gone, or not older any more. @returns whether it was */
  forget(object: string): boolean {
    const before = this.#objects.get(object);
    if (before === undefined) return false;
    this.#objects.delete(object);
    const left = this.#services.get(before.service)! - 1;
    if (left === 0) this.#services.delete(before.service);
    else this.#services.set(before.service, left);
    return true;
  }

  /** All of them are as new as can be. @returns the Services that they have a say in */
  clear(): string[] {
    const services = [...this.#services.keys()];
    this.#objects.clear();
    this.#services.clear();
    return services;
  }
}

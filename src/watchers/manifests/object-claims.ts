/**
 * Which file of a cluster an object is taken from, where several hold it: the first by name, and within a file the
 * first by place. Owns that order, so that a change of one file costs what that file holds and not what all do.
 */

import { objectName } from '../objects/objects.ts';
import type { ManifestObject, PlacedFinding } from './manifest-document.ts';
import { compareNames } from './manifest-files.ts';

interface Claim {
  readonly file: string;
  readonly entry: ManifestObject;
}

/** Duplicates that are reported: more than anyone reads. */
const DUPLICATES_MAX = 100;

export class ObjectClaims {
  /** In the order in which they count. Most objects are in one place. */
  readonly #claims = new Map<string, readonly [Claim, ...Claim[]]>();
  readonly #contested = new Set<string>();

  /** Objects, each once. */
  get size(): number {
    return this.#claims.size;
  }

  keys(): IterableIterator<string> {
    return this.#claims.keys();
  }

  /** The object as it is to be taken, by its key. */
  get(key: string): ManifestObject | undefined {
    return this.#claims.get(key)?.[0].entry;
  }

  /**
   * Puts what a file holds now in place of what it held.
   *
   * @returns keys of the objects that may be others now
   */
  replace(
    file: string,
    before: readonly ManifestObject[],
    after: readonly ManifestObject[],
  ): ReadonlySet<string> {
    const touched = new Set<string>();
    if (before === after) return touched;
    for (const { object } of before) touched.add(keyOf(object));
    for (const key of touched) this.#set(key, this.#others(key, file));
    for (const entry of after) {
      const key = keyOf(entry.object);
      touched.add(key);
      const claims = [...(this.#claims.get(key) ?? []), { file, entry }];
      this.#set(
        key,
        claims.toSorted((a, b) => compareNames(a.file, b.file)),
      );
    }
    return touched;
  }

  duplicates(): PlacedFinding[] {
    return [...this.#contested].slice(0, DUPLICATES_MAX).flatMap((key) => {
      const [first, ...others] = this.#claims.get(key)!;
      const message = `${key} is taken from ${first.entry.place} already`;
      return others.map(({ entry }) => ({ code: 'OBJECT_DUPLICATE', object: entry.place, message }));
    });
  }

  #others(key: string, file: string): readonly Claim[] {
    return this.#claims.get(key)?.filter((claim) => claim.file !== file) ?? [];
  }

  #set(key: string, [first, ...others]: readonly Claim[]): void {
    if (first === undefined) this.#claims.delete(key);
    else this.#claims.set(key, [first, ...others]);
    if (others.length === 0) this.#contested.delete(key);
    else this.#contested.add(key);
  }
}

/** Names an object among all of its cluster. */
export function keyOf({ kind, namespace, name }: ManifestObject['object']): string {
  return objectName(kind, namespace, name);
}

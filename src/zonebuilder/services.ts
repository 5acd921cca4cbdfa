/**
 * The Services known, their shards, and the names above them. Owns the facts; decides nothing about answers.
 */
import type { PackedShard } from './shard-pack.ts';
import { unpackShards } from './shard-pack.ts';
import { encodeNameLower } from './names.ts';

/** A Service: its name and its shards, packed. */
export interface KnownService {
  /** `S.N.F`, the only text that is kept of the three: none of them holds a dot. */
  readonly name: string;
  packed: string;
}

/** The parts of a Service's name. */
export interface ServiceNames {
  readonly federation: string;
  readonly namespace: string;
  readonly service: string;
}

export function namesOf({ name }: KnownService): ServiceNames {
  const first = name.indexOf('.');
  const second = name.indexOf('.', first + 1);
  return {
    service: name.slice(0, first),
    namespace: name.slice(first + 1, second),
    federation: name.slice(second + 1),
  };
}

/** All Services that have at least one shard, healthy or not. */
export class KnownServices {
  readonly #services = new Map<string, KnownService>();
  /** How many Services and non-terminals lie directly below each `N.F`, `F` and ''. */
  readonly #children = new Map<string, number>();

  get size(): number {
    return this.#services.size;
  }

  values(): IterableIterator<KnownService> {
    return this.#services.values();
  }

  get(federation: string, namespace: string, service: string): KnownService | undefined {
    return this.named(`${service}.${namespace}.${federation}`);
  }

  /** @param name - `S.N.F` */
  named(name: string): KnownService | undefined {
    return this.#services.get(name);
  }

  /**
   * Adds a Service without shards.
   *
   * @param onName - called with each non-terminal above it that did not exist
   */
  add(
    federation: string,
    namespace: string,
    service: string,
    onName: (nameText: string) => void,
  ): KnownService {
    const known = { name: `${service}.${namespace}.${federation}`, packed: '' };
    this.#services.set(known.name, known);
    for (const parent of parentsOf(known)) {
      const children = this.#children.get(parent) ?? 0;
      this.#children.set(parent, children + 1);
      if (children > 0) break;
      onName(parent);
    }
    return known;
  }

  /**
   * Takes a Service out.
   *
   * @param onName - called with each non-terminal above it that no longer exists
   */
  remove(known: KnownService, onName: (nameText: string) => void): void {
    this.#services.delete(known.name);
    for (const parent of parentsOf(known)) {
      const children = this.#children.get(parent)! - 1;
      if (children > 0) {
        this.#children.set(parent, children);
        break;
      }
      this.#children.delete(parent);
      onName(parent);
    }
  }
}

/** The shards of a Service, sorted by cluster. */
export function shardsOf(known: KnownService): PackedShard[] {
  return unpackShards(known.packed);
}

/** The key of a name in the image's service table. */
export function serviceKey(nameText: string): Buffer {
  return encodeNameLower(nameText).subarray(0, -1);
}

function parentsOf(known: KnownService): string[] {
  const { federation, namespace } = namesOf(known);
  return [`${namespace}.${federation}`, federation, ''];
}

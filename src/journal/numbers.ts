/** What the numbers in the octets of one served domain mean: places and clusters, as they were when the octets were made. */
import { GLOBAL, Orders } from '../zonebuilder/layout.ts';
import type { Item, TableStart } from './batch.ts';

type PlacesItem = Extract<Item, { kind: 'places' }>;

/**
 * Numbers and names of one domain. What was told stays known until its number is given to another place, which happens only
 * once no answer uses it any more: a blob from before a place was left can still be read.
 */
export class Numbers {
  readonly domain: string;
  readonly isAbsentWithout: boolean;
  readonly #places = new Map<number, string>();
  readonly #names = new Map<string, number>();
  readonly #clusters = new Map<number, string>();
  readonly #named = new Set<number>();

  constructor({ domain, isAbsentWithout }: TableStart) {
    this.domain = domain;
    this.isAbsentWithout = isAbsentWithout;
  }

  adoptPlaces({ places, added, removed }: Pick<PlacesItem, 'places' | 'added' | 'removed'>): void {
    for (const { number, place } of places) this.#places.set(number, place);
    for (const text of removed) this.#names.delete(text);
    for (const [text, number] of added) this.#names.set(text, number);
  }

  adoptClusters({ clusters }: Pick<Extract<Item, { kind: 'clusters' }>, 'clusters'>): void {
    for (const { number, name, isNamed } of clusters) {
      this.#clusters.set(number, name);
      // That one has left is told before the octets are read that say what this changed.
      if (isNamed) this.#named.add(number);
    }
  }

  get names(): ReadonlyMap<string, number> {
    return this.#names;
  }

  /** `''` for the global level, else `region` or `zone.region`. */
  place(location: number): string {
    return location === GLOBAL ? '' : (this.#places.get(location) ?? `location ${location}`);
  }

  /** What a name of a location leads to, as {@link place} says it; undefined: there is no such name. */
  placeNamed(text: string): string | undefined {
    const number = this.#names.get(text);
    return number === undefined ? undefined : this.place(number);
  }

  cluster(number: number): string {
    return this.#clusters.get(number) ?? `number ${number}`;
  }

  /** Whether the cluster has a name of its own below its Services. */
  isNamed(cluster: number): boolean {
    return this.#named.has(cluster);
  }

  /** A place or a cluster, numbered as in {@link Orders}. */
  step(step: number): string {
    const isCluster = (step & Orders.clusterBit) !== 0;
    return isCluster ? `cluster ${this.cluster(step - Orders.clusterBit)}` : this.place(step);
  }

  /** The level that a place aliases to: a region that goes without its label has no name to lead to. */
  above(place: string): string {
    const dot = place.indexOf('.');
    const region = dot === -1 ? '' : place.slice(dot + 1);
    return this.placeNamed(region) === region ? region : '';
  }
}

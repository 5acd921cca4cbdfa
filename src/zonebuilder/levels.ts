/**
 * From shards to answers: which addresses each level of one Service answers with, as slices of one list per address
 * family. Pure; knows neither names nor octets of the image.
 */
import { GLOBAL } from './layout.ts';

/** A shard as the levels see it. */
export interface LevelShard {
  /** Number of the region, {@link GLOBAL} for a cluster without one. */
  readonly region: number;
  /** Numbers of the zones in which the shard counts; empty without a region. */
  readonly zones: readonly number[];
  /** IPv4 addresses as hexadecimal octets (8 digits), so that they sort and compare as text. */
  readonly v4: readonly string[];
  /** IPv6 addresses as hexadecimal octets (32 digits). */
  readonly v6: readonly string[];
}

/** The addresses of one level: `count` from `start` on. */
export interface LevelSlice {
  readonly location: number;
  readonly start: number;
  readonly count: number;
}

/** One address family of a Service. Slices are sorted by location; a level without addresses has none. */
export interface FamilyLevels {
  readonly pool: readonly string[];
  readonly slices: readonly LevelSlice[];
}

/** Lays out one address family of the given shards, all of which count. */
export function layOutFamily(shards: readonly LevelShard[], family: 'v4' | 'v6'): FamilyLevels {
  const layout = new PoolLayout();
  for (const [region, members] of groupBy(shards, (shard) => shard.region))
    layOutRegion(layout, region, members, family);
  layout.level(GLOBAL, 0);
  return layout.finish();
}

function layOutRegion(
  layout: PoolLayout,
  region: number,
  members: readonly LevelShard[],
  family: 'v4' | 'v6',
): void {
  const start = layout.length;
  const zones = groupBy(
    members.flatMap((shard) => shard.zones.map((zone) => ({ zone, addresses: shard[family] }))),
    (entry) => entry.zone,
  );
  for (const [zone, entries] of zones) {
    const zoneStart = layout.length;
    for (const entry of entries) layout.add(entry.addresses);
    layout.level(zone, zoneStart);
  }
  for (const shard of members) if (shard.zones.length === 0) layout.add(shard[family]);
  if (region !== GLOBAL) layout.level(region, start);
}

/**
 * One growing list of addresses. A level is the run that was added since its start; where that run holds an address
 * twice (one load balancer in two zones, two clusters behind one address), the level gets a run of its own behind
 * everything else, with each address once (DESIGN: a level answers with each address once).
 */
class PoolLayout {
  readonly #pool: string[] = [];
  readonly #slices: LevelSlice[] = [];
  readonly #apart: { readonly location: number; readonly addresses: readonly string[] }[] = [];

  get length(): number {
    return this.#pool.length;
  }

  add(addresses: readonly string[]): void {
    for (const address of addresses) this.#pool.push(address);
  }

  level(location: number, start: number): void {
    const count = this.#pool.length - start;
    if (count === 0) return;
    const distinct = new Set(count === this.#pool.length ? this.#pool : this.#pool.slice(start));
    if (distinct.size === count) this.#slices.push({ location, start, count });
    else this.#apart.push({ location, addresses: [...distinct] });
  }

  finish(): FamilyLevels {
    for (const { location, addresses } of this.#apart) {
      const start = this.#findRun(addresses);
      this.#slices.push({ location, start, count: addresses.length });
    }
    this.#slices.sort((a, b) => a.location - b.location);
    return { pool: this.#pool, slices: this.#slices };
  }

  /** Where the addresses already stand as the start of another level, or where they are appended. */
  #findRun(addresses: readonly string[]): number {
    for (const { start } of this.#slices) {
      if (addresses.every((address, i) => this.#pool[start + i] === address)) return start;
    }
    this.add(addresses);
    return this.#pool.length - addresses.length;
  }
}

function groupBy<T>(items: readonly T[], key: (item: T) => number): [number, T[]][] {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return [...groups].toSorted(([a], [b]) => a - b);
}

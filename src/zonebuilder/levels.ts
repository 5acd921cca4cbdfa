/**
 * From shards to answers: which addresses each level of one Service answers with, as slices of one list per address
 * family. Pure; knows neither names nor octets of the image.
 */
import { GLOBAL } from './layout.ts';

/**
 * Most addresses that one level answers with, per family. 2,000 AAAA records are 56,000 octets, so that a reply over
 * TCP always has room for them, a CNAME chain and EDNS options.
 */
export const LEVEL_ADDRESSES_MAX = 2000;

/** Most addresses of a pool: positions in it are uint16 in the image. */
const POOL_MAX = 65535;
/** Most that the shards put there one after the other, so that the global level always has room for its run. */
const PLACED_MAX = POOL_MAX - LEVEL_ADDRESSES_MAX;

/** A shard as the levels see it. */
export interface LevelShard {
  /** Number of the cluster. */
  readonly cluster: number;
  /** Number of the region, {@link GLOBAL} for a cluster without one. */
  readonly region: number;
  /** Numbers of the zones in which the shard counts; empty without a region. */
  readonly zones: readonly number[];
  /** IPv4 addresses as one-byte text of 4 characters. */
  readonly v4: readonly string[];
  /** IPv6 addresses, 16 characters each. */
  readonly v6: readonly string[];
  /**
   * Where addresses are in one zone each: the number of that of every address, those of IPv4 first. One that is in none of
   * `zones` counts in the region and above.
   */
  readonly addressZones?: readonly (number | undefined)[] | undefined;
}

/** The addresses of one level: `count` from `start` on. */
export interface LevelSlice {
  readonly location: number;
  readonly start: number;
  readonly count: number;
}

/** How the addresses of one level are shared out among clusters: where the run of each ends, from the level's start. */
export interface LevelShare {
  readonly location: number;
  readonly ends: readonly number[];
}

/** The addresses of one cluster. */
export interface ClusterSlice {
  readonly cluster: number;
  readonly start: number;
  readonly count: number;
}

/** One address family of a Service. Slices are sorted by location; a level without addresses has none. */
export interface FamilyLevels {
  readonly pool: readonly string[];
  readonly slices: readonly LevelSlice[];
  /** Of the clusters with addresses, sorted by number. */
  readonly clusters: readonly ClusterSlice[];
  /** Of the levels with more addresses than one reply is to have, sorted by location. */
  readonly shares: readonly LevelShare[];
}

export const NO_LEVELS: FamilyLevels = { pool: [], slices: [], clusters: [], shares: [] };

/** One zone of one shard, or a shard that is in no zone; these sort by region, then zone. */
interface Placement {
  readonly cluster: number;
  readonly region: number;
  readonly zone: number;
  readonly addresses: readonly string[];
}

/** Stands for "in no zone" and sorts behind all zones. */
const NO_ZONE = 65536;

/**
 * Lays out one address family of the given shards, all of which count. Where the zones of a Service would need more than
 * {@link PLACED_MAX} addresses they are left out, so that they alias to their regions.
 *
 * @param maxAddresses - most addresses of one reply, 0 for all: what levels with more than that need is worked out
 */
export function layOutFamily(
  shards: readonly LevelShard[],
  family: 'v4' | 'v6',
  maxAddresses = 0,
): FamilyLevels {
  const placements = placementsOf(shards, family);
  if (sizeOf(placements) <= PLACED_MAX) return layOut(placements, maxAddresses);
  const regional = shards.map((shard) => ({ ...shard, zones: [] }));
  return layOut(shareRoom(placementsOf(regional, family)), maxAddresses);
}

function sizeOf(placements: readonly Placement[]): number {
  let count = 0;
  for (const { addresses } of placements) count += addresses.length;
  return count;
}

/** Gives every shard the same room where not all addresses have some. */
function shareRoom(placements: readonly Placement[]): readonly Placement[] {
  if (sizeOf(placements) <= PLACED_MAX) return placements;
  const counts = shareOut(
    placements.map(({ addresses }) => addresses.length),
    PLACED_MAX,
  );
  return placements.map((placement, i) => ({
    ...placement,
    addresses: placement.addresses.slice(0, counts[i]),
  }));
}

/** Shares `total` out among those who want so many each, one at a time and in turn. */
function shareOut(wanted: readonly number[], total: number): number[] {
  const shares = wanted.map(() => 0);
  let left = total;
  let open = wanted.map((_, i) => i).filter((i) => wanted[i]! > 0);
  while (left > 0 && open.length > 0) {
    const each = Math.max(1, Math.floor(left / open.length));
    for (const i of open.slice(0, left)) {
      const more = Math.min(each, wanted[i]! - shares[i]!, left);
      shares[i] = shares[i]! + more;
      left -= more;
    }
    open = open.filter((i) => shares[i]! < wanted[i]!);
  }
  return shares;
}

function layOut(placements: readonly Placement[], maxAddresses: number): FamilyLevels {
  const layout = new PoolLayout(maxAddresses);
  let regionStart = 0;
  let zoneStart = 0;
  placements.forEach(({ cluster, region, zone, addresses }, i) => {
    const next = placements[i + 1];
    layout.add(cluster, addresses);
    if (next?.region === region && next.zone === zone) return;
    if (zone !== NO_ZONE) layout.level(zone, zoneStart);
    zoneStart = layout.length;
    if (next?.region === region) return;
    if (region !== GLOBAL) layout.level(region, regionStart);
    regionStart = layout.length;
  });
  layout.level(GLOBAL, 0);
  return layout.finish();
}

function placementsOf(shards: readonly LevelShard[], family: 'v4' | 'v6'): Placement[] {
  const placements: Placement[] = [];
  for (const shard of shards) {
    const { cluster, region, zones, [family]: addresses } = shard;
    if (addresses.length === 0) continue;
    if (shard.addressZones !== undefined) placements.push(...placementsByZone(shard, family));
    else if (zones.length === 0) placements.push({ cluster, region, zone: NO_ZONE, addresses });
    else for (const zone of zones) placements.push({ cluster, region, zone, addresses });
  }
  return placements.toSorted((a, b) => a.region - b.region || a.zone - b.zone);
}

/** Of a shard whose addresses are in one zone each: those of a zone together, in their order. */
function placementsByZone(shard: LevelShard, family: 'v4' | 'v6'): Placement[] {
  const { cluster, region, zones, addressZones, v4, [family]: addresses } = shard;
  const first = family === 'v4' ? 0 : v4.length;
  const zoneOf = (i: number): number => {
    const zone = addressZones![first + i];
    return zone !== undefined && zones.includes(zone) ? zone : NO_ZONE;
  };
  const byZone = Map.groupBy(addresses.keys(), zoneOf);
  return [...byZone].map(([zone, at]) => ({
    cluster,
    region,
    zone,
    addresses: at.map((i) => addresses[i]!),
  }));
}

/** What one cluster adds to a level. */
interface Run {
  readonly cluster: number;
  readonly addresses: string[];
}

/**
 * One growing list of addresses. A level is the run that was added since its start; where that run holds an address
 * twice (one load balancer in two zones, two clusters behind one address), the level gets a run of its own behind
 * everything else, with each address once (DESIGN: a level answers with each address once).
 */
class PoolLayout {
  readonly #maxAddresses: number;
  readonly #pool: string[] = [];
  /** What was added, in order: where it starts, and whose it is. */
  readonly #added: ClusterSlice[] = [];
  readonly #clusters = new Map<number, ClusterSlice>();
  /** Clusters that have other addresses in one zone than in another. */
  readonly #split = new Set<number>();
  readonly #slices: LevelSlice[] = [];
  readonly #shares: LevelShare[] = [];
  readonly #apart: { readonly location: number; readonly addresses: readonly string[] }[] = [];

  constructor(maxAddresses: number) {
    this.#maxAddresses = maxAddresses;
  }

  get length(): number {
    return this.#pool.length;
  }

  add(cluster: number, addresses: readonly string[]): void {
    const slice = { cluster, start: this.#pool.length, count: addresses.length };
    for (const address of addresses) this.#pool.push(address);
    this.#added.push(slice);
    const first = this.#clusters.get(cluster);
    if (first === undefined) this.#clusters.set(cluster, slice);
    // Mostly the addresses are the shard's, the same in each of its zones.
    else if (!this.#isAt(first, addresses)) this.#split.add(cluster);
  }

  #isAt({ start, count }: ClusterSlice, addresses: readonly string[]): boolean {
    return count === addresses.length && hasRun(this.#pool, start, addresses);
  }

  level(location: number, start: number): void {
    const count = this.#pool.length - start;
    if (count === 0) return;
    const distinct = this.#countDistinct(start);
    const isShared = this.#maxAddresses > 0 && Math.min(distinct, LEVEL_ADDRESSES_MAX) > this.#maxAddresses;
    if (isShared || distinct > LEVEL_ADDRESSES_MAX) this.#levelShared(location, start, isShared);
    else if (distinct === count) this.#slices.push({ location, start, count });
    else this.#apart.push({ location, addresses: [...new Set(this.#pool.slice(start))] });
  }

  /** How many different addresses there are from `start` on. */
  #countDistinct(start: number): number {
    const pool = this.#pool;
    if (pool.length - start > COMPARED_MAX) return new Set(start === 0 ? pool : pool.slice(start)).size;
    let count = 0;
    for (let i = start; i < pool.length; i++) if (pool.indexOf(pool[i]!, start) === i) count++;
    return count;
  }

  finish(): FamilyLevels {
    // The global level was found last and is placed first.
    for (const { location, addresses } of this.#apart.toReversed()) {
      const start = this.#findRun(addresses);
      if (start >= 0) this.#slices.push({ location, start, count: addresses.length });
    }
    for (const cluster of this.#split) this.#joinCluster(cluster);
    this.#slices.sort((a, b) => a.location - b.location);
    this.#shares.sort((a, b) => a.location - b.location);
    const clusters = [...this.#clusters.values()].toSorted((a, b) => a.cluster - b.cluster);
    return { pool: this.#pool, slices: this.#slices, clusters, shares: this.#shares };
  }

  /**
   * A level with more addresses than a reply holds, or is to have: every cluster gets its share of the room, and its
   * addresses stand together.
   */
  #levelShared(location: number, start: number, isShared: boolean): void {
    const runs = this.#runsFrom(start);
    const addresses = runs.flatMap((run) => run.addresses);
    if (addresses.length === this.#pool.length - start && hasRun(this.#pool, start, addresses))
      this.#slices.push({ location, start, count: addresses.length });
    else this.#apart.push({ location, addresses });
    if (isShared) this.#share(location, runs);
  }

  /** Gives a cluster all of its addresses, each once; without room it keeps those of its first zone. */
  #joinCluster(cluster: number): void {
    const own = this.#added.filter((slice) => slice.cluster === cluster);
    const addresses = [...new Set(own.flatMap(({ start, count }) => this.#pool.slice(start, start + count)))];
    const first = own[0]!.start;
    const start = hasRun(this.#pool, first, addresses) ? first : this.#findRun(addresses);
    if (start >= 0) this.#clusters.set(cluster, { cluster, start, count: addresses.length });
  }

  #share(location: number, runs: readonly Run[]): void {
    let end = 0;
    this.#shares.push({ location, ends: runs.map(({ addresses }) => (end += addresses.length)) });
  }

  /** What each cluster adds to the level that starts there, each address once, at most what a level holds. */
  #runsFrom(start: number): Run[] {
    const seen = new Set<string>();
    const runs = new Map<number, Run>();
    for (const slice of this.#added) {
      if (slice.start < start) continue;
      const own = this.#pool.slice(slice.start, slice.start + slice.count).filter((each) => !seen.has(each));
      if (own.length === 0) continue;
      for (const address of own) seen.add(address);
      const addresses = [...(runs.get(slice.cluster)?.addresses ?? []), ...own];
      runs.set(slice.cluster, { cluster: slice.cluster, addresses });
    }
    const list = [...runs.values()];
    const counts = shareOut(
      list.map(({ addresses }) => addresses.length),
      LEVEL_ADDRESSES_MAX,
    );
    return list.map(({ cluster, addresses }, i) => ({ cluster, addresses: addresses.slice(0, counts[i]) }));
  }

  /** Where the addresses already stand as the start of another level, or where they are appended; -1 without room. */
  #findRun(addresses: readonly string[]): number {
    for (const { start } of this.#slices) if (hasRun(this.#pool, start, addresses)) return start;
    if (this.#pool.length + addresses.length > POOL_MAX) return -1;
    return this.#pool.push(...addresses) - addresses.length;
  }
}

/** Addresses up to which comparing each with each is cheaper than a set. */
const COMPARED_MAX = 16;

function hasRun(pool: readonly string[], start: number, addresses: readonly string[]): boolean {
  for (let i = 0; i < addresses.length; i++) if (pool[start + i] !== addresses[i]) return false;
  return true;
}

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
  /** Number of the region, {@link GLOBAL} for a cluster without one. */
  readonly region: number;
  /** Numbers of the zones in which the shard counts; empty without a region. */
  readonly zones: readonly number[];
  /** IPv4 addresses as one-byte text of 4 characters. */
  readonly v4: readonly string[];
  /** IPv6 addresses, 16 characters each. */
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

/** One zone of one shard, or a shard that is in no zone; these sort by region, then zone. */
interface Placement {
  readonly region: number;
  readonly zone: number;
  readonly addresses: readonly string[];
}

/** Stands for "in no zone" and sorts behind all zones. */
const NO_ZONE = 65536;

/**
 * Lays out one address family of the given shards, all of which count. Where the zones of a Service would need more than
 * {@link PLACED_MAX} addresses they are left out, so that they alias to their regions.
 */
export function layOutFamily(shards: readonly LevelShard[], family: 'v4' | 'v6'): FamilyLevels {
  const placements = placementsOf(shards, family);
  let count = 0;
  for (const { addresses } of placements) count += addresses.length;
  if (count <= PLACED_MAX) return layOut(placements);
  return layOut(
    placementsOf(
      shards.map((shard) => ({ ...shard, zones: [] })),
      family,
    ),
  );
}

function layOut(placements: readonly Placement[]): FamilyLevels {
  const layout = new PoolLayout();
  let regionStart = 0;
  let zoneStart = 0;
  placements.forEach(({ region, zone, addresses }, i) => {
    const next = placements[i + 1];
    layout.add(addresses);
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
  for (const { region, zones, [family]: addresses } of shards) {
    if (addresses.length === 0) continue;
    if (zones.length === 0) placements.push({ region, zone: NO_ZONE, addresses });
    for (const zone of zones) placements.push({ region, zone, addresses });
  }
  return placements.toSorted((a, b) => a.region - b.region || a.zone - b.zone);
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
    const room = Math.max(0, PLACED_MAX - this.#pool.length);
    const fitting = addresses.length > room ? addresses.slice(0, room) : addresses;
    for (const address of fitting) this.#pool.push(address);
  }

  level(location: number, start: number): void {
    const count = this.#pool.length - start;
    if (count === 0) return;
    const run = start === 0 ? this.#pool : this.#pool.slice(start);
    const distinct = distinctOf(run);
    if (distinct.length === count) this.#slices.push({ location, start, count });
    else this.#apart.push({ location, addresses: distinct.slice(0, LEVEL_ADDRESSES_MAX) });
  }

  finish(): FamilyLevels {
    // The global level was found last and is placed first.
    for (const { location, addresses } of this.#apart.toReversed()) {
      const start = this.#findRun(addresses);
      if (start >= 0) this.#slices.push({ location, start, count: addresses.length });
    }
    this.#slices.sort((a, b) => a.location - b.location);
    return { pool: this.#pool, slices: this.#slices };
  }

  /** Where the addresses already stand as the start of another level, or where they are appended; -1 without room. */
  #findRun(addresses: readonly string[]): number {
    for (const { start } of this.#slices) if (hasRun(this.#pool, start, addresses)) return start;
    if (this.#pool.length + addresses.length > POOL_MAX) return -1;
    return this.#pool.push(...addresses) - addresses.length;
  }
}

/** Addresses up to which comparing each with each is cheaper than a set. */
const COMPARED_MAX = 8;

/** Each address once, in the order of their first. */
function distinctOf(addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  if (addresses.length > COMPARED_MAX) return [...new Set(addresses)];
  const distinct: string[] = [];
  for (const address of addresses) if (!distinct.includes(address)) distinct.push(address);
  return distinct;
}

function hasRun(pool: readonly string[], start: number, addresses: readonly string[]): boolean {
  for (let i = 0; i < addresses.length; i++) if (pool[start + i] !== addresses[i]) return false;
  return true;
}

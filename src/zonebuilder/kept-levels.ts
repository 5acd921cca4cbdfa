/**
 * Levels that static records keep from being aliases (RFC 1034 section 3.6.2: beside a CNAME nothing else may stand).
 * Such a level has addresses of its own: those of the level that it would lead to, and static ones at its name.
 */
import { GLOBAL } from './layout.ts';
import type { FamilyLevels, LevelSlice } from './levels.ts';
import { isAlias, type PlacedStatic, staticAddresses } from './service-statics.ts';

interface Families {
  readonly v4: FamilyLevels;
  readonly v6: FamilyLevels;
}

/** The levels with what static records add. */
export interface KeptLevels extends Families {
  /** By location: the level whose shards it answers with, where it is another one. */
  readonly sources: ReadonlyMap<number, number>;
}

/** Works out the levels of a Service at whose names static records stand. */
export function keepLevels(
  own: Families,
  placed: readonly PlacedStatic[],
  parentOf: (location: number) => number,
): KeptLevels {
  const sources = new Map<number, number>();
  const pools = { v4: editable(own.v4), v6: editable(own.v6) };
  const beside = placed.filter((place) => place.prefix === '' && !isAlias(place));
  const locations = [...new Set(beside.map(({ at }) => at))];
  // From the top, so that a zone takes over what its region has been given.
  locations.sort((a, b) => depth(a, parentOf) - depth(b, parentOf));
  for (const location of locations) {
    const from = nearestWithAddresses(pools, location, parentOf);
    // Nothing is healthy: what static records there are is answered from them alone.
    if (from === undefined) continue;
    if (from !== location) sources.set(location, sources.get(from) ?? from);
    const here = beside.filter(({ at }) => at === location);
    for (const family of ['v4', 'v6'] as const) {
      const added = here.flatMap((place) => staticAddresses(place, family));
      putLevel(pools[family], location, from, added);
    }
  }
  return { v4: finish(own.v4, pools.v4), v6: finish(own.v6, pools.v6), sources };
}

interface EditableFamily {
  readonly pool: string[];
  readonly slices: Map<number, LevelSlice>;
}

function editable({ pool, slices }: FamilyLevels): EditableFamily {
  return { pool: [...pool], slices: new Map(slices.map((slice) => [slice.location, slice])) };
}

function finish(own: FamilyLevels, { pool, slices }: EditableFamily): FamilyLevels {
  const sorted = [...slices.values()].toSorted((a, b) => a.location - b.location);
  const unchanged = own.shares.filter(({ location, ends }) => slices.get(location)?.count === ends.at(-1));
  return { pool, slices: sorted, clusters: own.clusters, shares: unchanged };
}

/** The location itself or the nearest above it; both families decide together (DESIGN: failover is per level). */
function nearestWithAddresses(
  { v4, v6 }: { readonly v4: EditableFamily; readonly v6: EditableFamily },
  location: number,
  parentOf: (location: number) => number,
): number | undefined {
  for (let at = location; ; at = parentOf(at)) {
    if (v4.slices.has(at) || v6.slices.has(at)) return at;
    if (at === GLOBAL) return undefined;
  }
}

function putLevel(family: EditableFamily, location: number, from: number, added: readonly string[]): void {
  const slice = family.slices.get(from);
  const before = slice === undefined ? [] : family.pool.slice(slice.start, slice.start + slice.count);
  const more = added.filter((address) => !before.includes(address));
  if (more.length > 0) {
    const start = family.pool.push(...before, ...more) - before.length - more.length;
    family.slices.set(location, { location, start, count: before.length + more.length });
  } else if (slice !== undefined) family.slices.set(location, { ...slice, location });
}

function depth(location: number, parentOf: (location: number) => number): number {
  if (location === GLOBAL) return 0;
  return parentOf(location) === GLOBAL ? 1 : 2;
}

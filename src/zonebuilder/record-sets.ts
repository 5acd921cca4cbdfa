/**
 * What listings are made of: RRsets in text, and the levels of a Service with their names, addresses and TTLs.
 */
import type { ServiceView, ZoneBuilder } from './builder.ts';
import { formatAddress } from './ip-text.ts';
import { GLOBAL } from './layout.ts';
import type { FamilyLevels } from './levels.ts';
import { LEVEL_ADDRESSES_MAX } from './levels.ts';
import type { LocationName } from './locations.ts';

/** An RRset in presentation form (RFC 1035 section 5.1). */
export interface RecordSet {
  /** Absolute, with its trailing dot. */
  readonly name: string;
  readonly type: string;
  readonly ttlSeconds: number;
  readonly data: readonly string[];
  /** The policy by which a reply has only a part of it, which depends on the client or on the reply. */
  readonly policy?: 'nearest' | 'weighted';
}

/** What records are listed of: the zone builder, or a copy of what it has published. */
export type RecordSource = Pick<
  ZoneBuilder,
  | 'domain'
  | 'statics'
  | 'staticIndex'
  | 'hasStatics'
  | 'whenNoneHealthy'
  | 'locationNames'
  | 'namedClusters'
  | 'serviceNames'
  | 'view'
>;

/** A level at which a Service has a name. */
export interface Level {
  /** `S.N.F.svc.Z.R.D`, no trailing dot. */
  readonly name: string;
  /** Number of the location. */
  readonly location: number;
  /** The name of the level above; undefined at the global level. */
  readonly above: string | undefined;
}

/** What a name without records stands for in a zone file, where a name exists only by what it has. */
export const PLACEHOLDER_TYPE = 'TYPE65280';

/** The names of a Service, the global one first. */
export function levelsOf(service: string, domain: string, locations: readonly LocationName[]): Level[] {
  const base = `${service}.svc`;
  const global = `${base}.${domain}`;
  const levels: Level[] = [{ name: global, location: GLOBAL, above: undefined }];
  const regions = new Map(locations.filter(isRegion).map(({ location }) => [location.id, location.label]));
  for (const { text, location } of locations) {
    const region = regions.get(location.parent);
    const above = region === undefined ? global : `${base}.${region}.${domain}`;
    levels.push({ name: `${base}.${text}.${domain}`, location: location.id, above });
  }
  return levels;
}

/** Whether a level has addresses. */
export function hasAddresses({ v4, v6 }: ServiceView, location: number): boolean {
  return [v4, v6].some(({ slices }) => slices.some((slice) => slice.location === location));
}

/** Where a level without an answer of its own leads: its name has what `from` has, or is an alias of `above`. */
export type LeadsTo = { readonly from: Level } | { readonly above: string | undefined };

/**
 * Where a level without an answer leads: to the level above by an alias, or, of a flat Service, to what the first level above
 * with an answer has.
 *
 * @param levels - all of the Service
 * @param hasAnswer - whether a location has one
 * @param taken - whether a level's name belongs to something else, so that only an alias leads there
 */
export function leadsTo(
  view: ServiceView,
  level: Level,
  levels: readonly Level[],
  hasAnswer: (location: number) => boolean,
  taken: (name: string) => boolean,
): LeadsTo {
  if (!view.isFlat || !hasAnswer(GLOBAL)) return { above: level.above };
  let at = level;
  while (!hasAnswer(at.location)) {
    const { above } = at;
    const next = above === undefined || taken(above) ? undefined : levels.find(({ name }) => name === above);
    if (next === undefined) return { above };
    at = next;
  }
  return { from: at };
}

/** The addresses of a level in one family, in text. */
export function addressesAt(family: FamilyLevels, location: number): string[] {
  const slice = family.slices.find((candidate) => candidate.location === location);
  return slice === undefined ? [] : addressText(family, slice);
}

export function addressText(
  { pool }: FamilyLevels,
  { start, count }: { readonly start: number; readonly count: number },
): string[] {
  const end = start + Math.min(count, LEVEL_ADDRESSES_MAX);
  return pool.slice(start, end).map((octets) => formatAddress(Buffer.from(octets, 'latin1')));
}

/** The TTL of a level's records; aliases have the Service's. */
export function ttlAt(view: ServiceView, location: number): number {
  return view.levelTtls.find((level) => level.location === location)?.ttlSeconds ?? view.ttlSeconds;
}

function isRegion({ location }: LocationName): boolean {
  return location.parent === GLOBAL;
}

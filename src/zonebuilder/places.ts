/**
 * Where a cluster is and was, as `region` and `zone.region`. A place once known keeps its names until the cluster is removed:
 * a zone whose machines are gone fails over, it does not vanish. What the operator has said is final and forgets the rest.
 */
import type { ClusterState } from './facts.ts';

/** The places of a cluster, the newest last, each with whether the operator has put the cluster there. */
export type Places = ReadonlyMap<string, boolean>;

/** Places remembered of one cluster; each is a level of names for every Service. Beyond, the oldest is forgotten. */
export const PLACES_MAX = 200;

/** The places of a cluster as it is now, and those that are remembered from `before` and from what `state` brings along. */
export function placesOf(state: ClusterState, before: Places): Places {
  const current = currentPlaces(state);
  const remembered = [...new Set([...before.keys(), ...(state.places ?? [])])].filter(
    (place) => !current.has(place) && isRemembered(place, state),
  );
  const room = Math.max(0, PLACES_MAX - current.size);
  const kept = room === 0 ? [] : withRegions(remembered.slice(-room), current);
  return new Map([...kept.map((place) => [place, false] as const), ...current]);
}

function currentPlaces({
  region,
  zones,
  regionConfigured,
  zonesConfigured,
}: ClusterState): Map<string, boolean> {
  const places = new Map<string, boolean>();
  if (region === undefined) return places;
  places.set(region, regionConfigured === true);
  for (const zone of zones) places.set(`${zone}.${region}`, zonesConfigured === true);
  return places;
}

function isRemembered(place: string, { region, regionConfigured, zonesConfigured }: ClusterState): boolean {
  const dot = place.indexOf('.');
  if (dot !== -1 && zonesConfigured === true) return false;
  return regionConfigured !== true || place.slice(dot + 1) === region;
}

/** Without its region a zone has no place. */
function withRegions(places: readonly string[], current: Places): string[] {
  const known = new Set([...places, ...current.keys()]);
  return places.filter((place) => known.has(place.slice(place.indexOf('.') + 1)));
}

/**
 * What a Service is answered with at each place at this moment: by the place itself, or by which chain of aliases. For people
 * and programs that look; like explain.ts it walks names and facts, and shares no code with the query path.
 */
import type { ServiceView, ZoneBuilder } from './builder.ts';
import { Type } from './dns.ts';
import { GLOBAL } from './layout.ts';
import type { LocationName } from './locations.ts';
import { isWithin, parentOf } from './names.ts';
import type { PlaceAnswer, ServicePlace } from './service-place.ts';
import { addressesAt, type Level, levelsOf, ttlAt } from './record-sets.ts';

/** The places of a Service, the global one first, each once. */
export function placesOfService(builder: ZoneBuilder, view: ServiceView): ServicePlace[] {
  const locations = builder.locationNames();
  const levels = levelsOf(view.known.name, builder.domain, locations);
  const walk = { builder, view, byName: new Map(levels.map((level) => [level.name, level])), locations };
  const seen = new Set<number>();
  return levels.flatMap((level) => {
    // Short names of zones stand behind the long ones.
    if (seen.has(level.location)) return [];
    seen.add(level.location);
    return [follow(walk, level)];
  });
}

interface Walk {
  readonly builder: ZoneBuilder;
  readonly view: ServiceView;
  readonly byName: ReadonlyMap<string, Level>;
  readonly locations: readonly LocationName[];
}

/** Goes up from a level to the one that has addresses. */
function follow(walk: Walk, level: Level): ServicePlace {
  const { builder, view } = walk;
  const chain: string[] = [];
  for (let at: Level | undefined = level; at !== undefined; at = walk.byName.get(at.above ?? '')) {
    if (at !== level) chain.push(placeText(walk, at.location));
    if (isElsewhere(builder, at.name)) return placeOf(walk, level, 'static', chain, []);
    const addresses = [...addressesAt(view.v4, at.location), ...addressesAt(view.v6, at.location)];
    if (addresses.length > 0)
      return placeOf(walk, level, at === level ? 'itself' : 'above', chain, addresses, at.location);
  }
  const isAwaited = builder.clusters().some(({ status }) => status === 'pending');
  return placeOf(walk, level, isAwaited ? 'awaited' : 'nobody', chain, []);
}

function placeOf(
  walk: Walk,
  level: Level,
  answer: PlaceAnswer,
  chain: readonly string[],
  addresses: readonly string[],
  from?: number,
): ServicePlace {
  const { view } = walk;
  const isGlobal = level.location === GLOBAL;
  const isZone = !isGlobal && placeText(walk, level.location).includes('.');
  return {
    place: placeText(walk, level.location),
    kind: isGlobal ? 'global' : isZone ? 'zone' : 'region',
    name: level.name,
    answer,
    chain,
    addresses,
    // An alias has the TTL of the Service; a level that answers, or is answered for without one, that of the answer.
    ttlSeconds:
      from !== undefined && (answer === 'itself' || view.isFlat) ? ttlAt(view, from) : view.ttlSeconds,
  };
}

/** `region` or `zone.region`; '' for the global level. */
function placeText({ locations }: Walk, id: number): string {
  return locations.find(({ location }) => location.id === id)?.text ?? '';
}

/** Whether a CNAME of the configuration, or a zone cut at or above it, has a name for itself. */
function isElsewhere({ staticIndex, domain }: ZoneBuilder, name: string): boolean {
  if (staticIndex.at(name).some(({ type }) => type === Type.CNAME)) return true;
  for (let cut = name; cut !== domain && isWithin(cut, domain); cut = parentOf(cut))
    if (staticIndex.at(cut).some(({ type }) => type === Type.NS)) return true;
  return false;
}

/**
 * Works out what one Service is answered with at every level: addresses, TTLs, SRV targets. Pure; the builder says which
 * shards count and where they are.
 */
import type { ShardPort } from './facts.ts';
import { GLOBAL, TargetKind } from './layout.ts';
import type { FamilyLevels, LevelShard } from './levels.ts';
import { layOutFamily, NO_LEVELS } from './levels.ts';
import type { LocationName, RegisteredLocation } from './locations.ts';
import { keepLevels } from './kept-levels.ts';
import { decodeName, NAME_OCTETS_MAX } from './names.ts';
import {
  ALL,
  type FederationPolicy,
  levelsWithin,
  type PolicyShard,
  type ServicePolicy,
  type SettledPolicy,
  settlePolicy,
} from './policy.ts';
import type { LevelTtl } from './service-blob.ts';
import type { PortPlaces, ServicePort } from './service-ports.ts';
import { buildPorts, knownPorts } from './service-ports.ts';
import {
  isAlias,
  type PlacedStatic,
  type PortTarget,
  SHARED_TYPES,
  sharedTtl,
  splitServiceName,
  type StaticPlace,
  staticTargets,
} from './service-statics.ts';

/** A shard with all that has a say in answers. */
export interface ViewShard extends LevelShard, PolicyShard {
  readonly ports: readonly ShardPort[];
  /** Annotated TTL in seconds. */
  readonly ttlSeconds: number | undefined;
  /** Least TTL in seconds of the host names that its addresses came from. */
  readonly addressTtlSeconds: number | undefined;
  readonly maxAddresses: number | undefined;
  readonly srv: { readonly priority: number; readonly weight: number } | undefined;
}

/** What holds for the domain as a whole. */
export interface ViewRules {
  readonly domain: string;
  readonly ttlSeconds: number;
  /** No annotation and no host name brings a TTL below this; the domain's own TTL may be. */
  readonly ttlMinSeconds: number;
  /** Levels of which the TTL is at most so long, for something at or below them is degraded. */
  readonly degraded?: { readonly levels: ReadonlySet<number>; readonly ttlSeconds: number } | undefined;
  /** Of the Service's federation; 0 for all. */
  readonly maxAddresses: number;
  /** All location names, asked for only where they are needed. */
  readonly locations: () => readonly LocationName[];
  /** All regions, whether or not their label is theirs. */
  readonly regions: () => readonly RegisteredLocation[];
  /** Of the Service's federation: levels without addresses have those of the level above, and are no aliases. */
  readonly flattens: boolean;
  /** Of the Service's federation, and of the Service itself. */
  readonly policy: FederationPolicy;
  /** The region that the Service's global name was answered with last, where that counts. */
  readonly inUse: string | undefined;
  /** What a cluster is called. */
  readonly clusterText: (cluster: number) => string;
  /** Whether a name lies at or below a zone cut, so that others say what it is. */
  readonly isDelegated: (name: string) => boolean;
  /** The label of a cluster that has a name of its own. */
  readonly clusterLabel: (cluster: number) => string | undefined;
}

/** The answers of a Service. */
export interface ServiceAnswers {
  /** Of the global level, and of aliases. */
  readonly ttlSeconds: number;
  /** Of levels where it is another. */
  readonly levelTtls: readonly LevelTtl[];
  readonly maxAddresses: number;
  readonly policy: ServicePolicy;
  /** What the operator should know of the policy. */
  readonly policyNotice: string | undefined;
  readonly v4: FamilyLevels;
  readonly v6: FamilyLevels;
  readonly ports: readonly ServicePort[];
  /** Levels without addresses answer with those of the level above, while there are some. */
  readonly isFlat: boolean;
}

/**
 * Works the answers out.
 *
 * @param service - `S.N.F`
 * @param known - every shard
 * @param counted - those that count, with addresses; empty where nothing is healthy
 * @param statics - static records at names of this Service
 */
export function viewService(
  service: string,
  known: readonly ViewShard[],
  counted: readonly ViewShard[],
  statics: readonly StaticPlace[],
  rules: ViewRules,
): ServiceAnswers {
  const maxAddresses = maxAddressesOf(counted, rules);
  const placed = statics.length === 0 ? NOT_PLACED : placeStatics(statics, rules);
  const { policy, notice } = policyOf(counted, placed, rules);
  const own =
    counted.length === 0
      ? { v4: NO_LEVELS, v6: NO_LEVELS }
      : { v4: layOutFamily(counted, 'v4', maxAddresses), v6: layOutFamily(counted, 'v6', maxAddresses) };
  const chosen =
    policy.kind === 'failover'
      ? { v4: levelsWithin(own.v4, policy.region), v6: levelsWithin(own.v6, policy.region) }
      : own;
  const kept = placed.length === 0 ? undefined : keepLevels(chosen, placed, parents(rules));
  const { v4, v6 } = kept ?? chosen;
  const sourceOf = (location: number): number => {
    const source = kept?.sources.get(location) ?? location;
    return source === GLOBAL && policy.kind === 'failover' ? policy.region : source;
  };
  const isMarked = placed.some((place) => place.prefix !== '' || isAlias(place));
  let portPlace: PortPlaces | undefined;
  const places = (): PortPlaces => (portPlace ??= portPlaces(service, { v4, v6 }, sourceOf, placed, rules));
  const isCounted = new Set(counted.map(({ cluster }) => cluster));
  const others = known.filter(({ cluster }) => !isCounted.has(cluster));
  return {
    ...levelTtls({ v4, v6 }, sourceOf, counted.length === 0 ? known : counted, placed, rules),
    maxAddresses,
    policy,
    policyNotice: notice,
    v4,
    v6,
    ports: buildPorts(knownPorts([counted.map(portsOf), others.map(portsOf)]), counted, isMarked, places),
    isFlat: rules.flattens,
  };
}

/**
 * Static addresses and targets at the global name stand beside all that the Service has there: no choice may hide them.
 */
function policyOf(
  counted: readonly ViewShard[],
  placed: readonly PlacedStatic[],
  rules: ViewRules,
): SettledPolicy {
  if (counted.length === 0) return { policy: ALL };
  const names = regionTexts(rules);
  const settled = settlePolicy(counted, {
    configured: rules.policy,
    inUse: rules.inUse,
    clusterText: rules.clusterText,
    regionText: (region) => names().get(region),
  });
  const beside = placed.find(
    (place) =>
      place.at === GLOBAL && !isAlias(place) && place.records.some(({ type }) => SHARED_TYPES.has(type)),
  );
  if (beside === undefined || settled.policy.kind === 'all') return settled;
  return {
    policy: ALL,
    notice: `records of the configuration at ${beside.name} stand beside every shard: its policy is all`,
  };
}

/** Regions by number, asked for only where they are needed. */
function regionTexts(rules: ViewRules): () => ReadonlyMap<number, string> {
  let texts: Map<number, string> | undefined;
  return () => (texts ??= new Map(rules.regions().map(({ id, label }) => [id, label] as const)));
}

const NOT_PLACED: readonly PlacedStatic[] = [];

function portsOf({ ports }: ViewShard): readonly ShardPort[] {
  return ports;
}

/**
 * Clusters that say nothing stand for what the configuration says. The largest counts: what one cluster says must not
 * keep the others' addresses out of replies.
 */
function maxAddressesOf(counted: readonly ViewShard[], rules: ViewRules): number {
  const configured = rules.maxAddresses === 0 ? undefined : rules.maxAddresses;
  let most = 0;
  let said = false;
  for (const shard of counted) {
    const own = shard.maxAddresses ?? configured;
    if (own === undefined) continue;
    said = true;
    most = Math.max(most, own);
  }
  return said ? most : 0;
}

function placeStatics(statics: readonly StaticPlace[], rules: ViewRules): PlacedStatic[] {
  const byText = new Map(rules.locations().map(({ text, location }) => [text, location.id]));
  return statics.flatMap((place) => {
    const at = place.location === '' ? GLOBAL : byText.get(place.location);
    return at === undefined ? [] : [{ ...place, at }];
  });
}

function parents(rules: ViewRules): (location: number) => number {
  const byId = new Map(rules.locations().map(({ location }) => [location.id, location.parent]));
  return (location) => byId.get(location) ?? GLOBAL;
}

/** Whether the shard is in a location. */
export function isIn({ region, zones }: LevelShard, location: number): boolean {
  return location === GLOBAL || region === location || zones.includes(location);
}

/**
 * The TTL of each level: the least that its shards say by annotation, else the domain's; not above that of a host name
 * that an address came from, nor of static records in the same RRset (RFC 2181 section 5.2). Namespace sameness makes
 * different annotations a mistake; the shortest does the least harm. Aliases have the global level's, the least of all.
 */
function levelTtls(
  families: { readonly v4: FamilyLevels; readonly v6: FamilyLevels },
  sourceOf: (location: number) => number,
  shards: readonly ViewShard[],
  placed: readonly PlacedStatic[],
  rules: ViewRules,
): { ttlSeconds: number; levelTtls: LevelTtl[] } {
  const bound = new Map<number, number>();
  for (const level of rules.degraded?.levels ?? []) bound.set(level, rules.degraded!.ttlSeconds);
  for (const place of placed)
    bound.set(place.at, Math.min(bound.get(place.at) ?? Infinity, sharedTtl(place)));
  const isPlain = shards.every(
    (shard) => shard.ttlSeconds === undefined && shard.addressTtlSeconds === undefined,
  );
  if (isPlain && bound.size === 0) return { ttlSeconds: rules.ttlSeconds, levelTtls: [] };
  const ttlAt = (location: number): number =>
    Math.min(
      ttlOf(
        shards.filter((shard) => isIn(shard, sourceOf(location))),
        rules,
      ),
      bound.get(location) ?? Infinity,
    );
  // That of the global level may be longer, where its policy leaves shards out.
  const ttlSeconds = Math.min(ttlOf(shards, rules), bound.get(GLOBAL) ?? Infinity);
  const levels = locationsOf(families).map((location) => ({ location, ttlSeconds: ttlAt(location) }));
  return { ttlSeconds, levelTtls: levels.filter((level) => level.ttlSeconds !== ttlSeconds) };
}

function ttlOf(shards: readonly ViewShard[], rules: ViewRules): number {
  let annotated = Infinity;
  let resolved = Infinity;
  for (const shard of shards) {
    annotated = Math.min(annotated, shard.ttlSeconds ?? Infinity);
    resolved = Math.min(resolved, shard.addressTtlSeconds ?? Infinity);
  }
  const wanted = Math.min(annotated === Infinity ? rules.ttlSeconds : annotated, resolved);
  return Math.max(wanted, Math.min(rules.ttlMinSeconds, rules.ttlSeconds));
}

/** Locations with addresses, sorted. */
function locationsOf({ v4, v6 }: { readonly v4: FamilyLevels; readonly v6: FamilyLevels }): number[] {
  const locations = new Set([...v4.slices, ...v6.slices].map(({ location }) => location));
  return [...locations].toSorted((a, b) => a - b);
}

function portPlaces(
  service: string,
  families: { readonly v4: FamilyLevels; readonly v6: FamilyLevels },
  sourceOf: (location: number) => number,
  placed: readonly PlacedStatic[],
  rules: ViewRules,
): PortPlaces {
  const locations = locationsOf(families);
  const names = longNames(rules);
  const aliases = new Set(placed.filter(isAlias).map(({ name }) => name));
  const fits = (name: string): boolean =>
    name.length + 2 <= NAME_OCTETS_MAX && !aliases.has(name) && !rules.isDelegated(name);
  const withDomain = (location: string): string =>
    location === '' ? `${service}.svc.${rules.domain}` : `${service}.svc.${location}.${rules.domain}`;
  return {
    locations,
    sourceOf,
    targetName: (location) => {
      const text = names().get(location);
      const isOwn = locations.includes(location) && sourceOf(location) === location;
      return text !== undefined && isOwn && fits(withDomain(text)) ? text : undefined;
    },
    clusterName: (cluster) => {
      const label = rules.clusterLabel(cluster);
      return label !== undefined && fits(`${label}.${withDomain('')}`) ? label : undefined;
    },
    clusterText: rules.clusterText,
    staticTargets: (name, location) =>
      placed
        .filter(({ prefix, at }) => prefix === name && at === location)
        .flatMap((place) =>
          staticTargets(place).map((target) => toLevelTarget(target, service, names(), rules)),
        ),
    keptFrom: (name) => keptFrom(name, placed, parents(rules)),
  };
}

/** The one name of each location that is always valid. */
function longNames(rules: ViewRules): () => ReadonlyMap<number, string> {
  let names: Map<number, string> | undefined;
  return () => {
    if (names !== undefined) return names;
    names = new Map([[GLOBAL, '']]);
    // Short names of zones stand behind the long ones.
    for (const { text, location } of rules.locations())
      if (!names.has(location.id)) names.set(location.id, text);
    return names;
  };
}

/** A static target that is one of the Service's own names is that name, so that no record is there twice. */
function toLevelTarget(
  target: PortTarget,
  service: string,
  names: ReadonlyMap<number, string>,
  { domain }: ViewRules,
): PortTarget {
  const name = decodeName(Buffer.from(target.name, 'latin1')).toLowerCase();
  const parts = splitServiceName(name, domain);
  if (parts?.service !== service || parts.prefix !== '') return target;
  const found = [...names].find(([, text]) => text === parts.location);
  return found === undefined
    ? target
    : { ...target, kind: TargetKind.level, place: found[0], name: found[1] };
}

function keptFrom(
  name: string,
  placed: readonly PlacedStatic[],
  parentOf: (location: number) => number,
): (readonly [number, number])[] {
  const at = placed.filter((place) => place.prefix === name && !isAlias(place)).map((place) => place.at);
  const below = [...new Set(at)].filter((location) => location !== GLOBAL);
  // A region before its zones: what a region takes over its zones take from it.
  below.sort((a, b) => Number(parentOf(a) !== GLOBAL) - Number(parentOf(b) !== GLOBAL));
  return below.flatMap((location) => {
    const above = parentOf(location);
    // The level that has the port may be two above.
    return above === GLOBAL
      ? [[location, GLOBAL] as const]
      : [[location, above] as const, [location, GLOBAL] as const];
  });
}

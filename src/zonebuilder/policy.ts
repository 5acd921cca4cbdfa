/**
 * Which of a Service's healthy shards its global name answers with. Pure: what holds for every client is worked out here;
 * what depends on the client (nearest) or on the reply (weighted), the query path decides among what the image says.
 */
import { GLOBAL, Orders, PolicyCode } from './layout.ts';
import type { FamilyLevels, LevelShard } from './levels.ts';

/** The names of the policies, as configuration and annotations have them. */
export const POLICIES = ['all', 'nearest', 'weighted', 'failover'] as const;
export type PolicyName = (typeof POLICIES)[number];

/** Largest weight: finer shares than a thousandth are seen by nobody, and sums stay within 32 bits. */
export const WEIGHT_MAX = 1000;
/** Weight of a region or cluster of which nothing is said: silence must not keep a place from being used. */
export const WEIGHT_DEFAULT = 1;
/** Parts that the weight of a region is divided into, at most, where clusters of it have weights of their own. */
const PARTS_MAX = 360;

/** What the operator has said for a federation. */
export interface FederationPolicy {
  readonly policy: PolicyName;
  /** By region or cluster; a cluster's own comes before its region's. */
  readonly weights: ReadonlyMap<string, number>;
  /** Regions, the first that has a healthy shard answers. */
  readonly failover: readonly string[];
  /** `manual`: a region that is used stays so while it is healthy, whatever comes back. */
  readonly failback: 'auto' | 'manual';
}

/** Every healthy shard. */
export const POLICY_ALL: FederationPolicy = {
  policy: 'all',
  weights: new Map(),
  failover: [],
  failback: 'auto',
};

/** A part of the Service that a weighted reply is made of. */
export interface WeightedPlace {
  /** Number of a location, or of a cluster with {@link Orders.clusterBit}. */
  readonly place: number;
  readonly weight: number;
}

/** The policy of one Service as it is at the moment. */
export type ServicePolicy =
  | { readonly kind: 'all' }
  | { readonly kind: 'nearest' }
  | { readonly kind: 'weighted'; readonly places: readonly WeightedPlace[] }
  /** `region`: the number of the one in use. */
  | { readonly kind: 'failover'; readonly region: number; readonly regionText: string };

export const ALL: ServicePolicy = { kind: 'all' };

/** What the policy looks at of a shard that counts. */
export interface PolicyShard extends LevelShard {
  /** Annotated. */
  readonly policy: PolicyName | undefined;
  /** Annotated: of its cluster. */
  readonly weight: number | undefined;
  /** How much of its weight counts, 1 to 99, while it is drained in part. Absent: all of it. */
  readonly percent?: number | undefined;
}

/** What else must be known. */
export interface PolicyContext {
  readonly configured: FederationPolicy;
  /** The region that was used last, of a Service that stays where it is. */
  readonly inUse: string | undefined;
  readonly clusterText: (cluster: number) => string;
  readonly regionText: (region: number) => string | undefined;
}

/** A policy, and what the operator should know of it. */
export interface SettledPolicy {
  readonly policy: ServicePolicy;
  readonly notice?: string;
}

/**
 * Settles the policy of a Service.
 *
 * @param counted - the healthy shards, at least one
 */
export function settlePolicy(counted: readonly PolicyShard[], context: PolicyContext): SettledPolicy {
  const { name, notice } = nameOf(counted, context);
  const policy = policyNamed(name, counted, context);
  if (name === 'failover' && context.configured.failover.length === 0)
    return { policy, notice: 'policy failover needs a list of regions in the configuration' };
  return { policy, ...(notice !== undefined && { notice }) };
}

function policyNamed(
  name: PolicyName,
  counted: readonly PolicyShard[],
  context: PolicyContext,
): ServicePolicy {
  switch (name) {
    case 'all':
    case 'nearest':
      return { kind: name };
    case 'weighted': {
      const places = weigh(counted, context);
      return places.length === 0 ? ALL : { kind: 'weighted', places };
    }
    case 'failover':
      return failOver(counted, context);
  }
}

/**
 * The policy that most healthy shards are annotated with, of several the one of the cluster that comes first by name: which
 * says nothing about the order in which clusters joined, and one cluster alone does not change what the others agree on.
 * A shard without annotation has no say; without any, the federation's policy holds.
 */
function nameOf(
  counted: readonly PolicyShard[],
  { configured, clusterText }: PolicyContext,
): { readonly name: PolicyName; readonly notice?: string } {
  const said = counted.filter(({ policy }) => policy !== undefined);
  const first = said[0]?.policy;
  if (first === undefined) return { name: configured.policy };
  if (said.every(({ policy }) => policy === first)) return { name: first };
  const byName = said.toSorted((a, b) => compareText(clusterText(a.cluster), clusterText(b.cluster)));
  const groups = [...Map.groupBy(byName, ({ policy }) => policy!)];
  const [name] = groups.reduce((best, group) => (group[1].length > best[1].length ? group : best));
  const says = groups.map(
    ([policy, shards]) => `${shards.map(({ cluster }) => clusterText(cluster)).join(', ')} ${policy}`,
  );
  return { name, notice: `fedns.io/policy differs: ${says.join('; ')}: ${name} counts` };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The first region of the list with a healthy shard, or the one in use; every shard where none of them has one. */
function failOver(counted: readonly PolicyShard[], context: PolicyContext): ServicePolicy {
  const { configured, inUse, regionText } = context;
  const healthy = new Map<string, number>();
  for (const { region } of counted) {
    const text = region === GLOBAL ? undefined : regionText(region);
    if (text !== undefined) healthy.set(text, region);
  }
  const stays = inUse !== undefined && healthy.has(inUse) && configured.failover.includes(inUse);
  const text = stays ? inUse : configured.failover.find((region) => healthy.has(region));
  return text === undefined ? ALL : { kind: 'failover', region: healthy.get(text)!, regionText: text };
}

/**
 * The places that are weighed. A region is one place, with its shards as they are at its own name; where clusters of it have
 * weights of their own, these are places of their own, and the others share the region's weight. Nothing without a healthy
 * shard is here, nor with weight 0. A drain that leaves a part of the weight makes clusters of a region that differ in it places.
 */
function weigh(counted: readonly PolicyShard[], context: PolicyContext): WeightedPlace[] {
  const { configured, clusterText, regionText } = context;
  const ownWeight = ({ cluster, weight }: PolicyShard): number | undefined =>
    weight ?? configured.weights.get(clusterText(cluster));
  const own = counted.filter((shard) => ownWeight(shard) !== undefined);
  const places = own.map((shard) => partOf(shard, ownWeight(shard)!, 1));
  const others = counted.filter((shard) => ownWeight(shard) === undefined);
  for (const [region, shards] of Map.groupBy(others, (shard) => shard.region)) {
    const text = region === GLOBAL ? undefined : regionText(region);
    const weight = (text === undefined ? undefined : configured.weights.get(text)) ?? WEIGHT_DEFAULT;
    const isOne = !own.some((shard) => shard.region === region) && isDrainedAlike(shards);
    // Without a region each cluster is by itself.
    if (region === GLOBAL) for (const shard of shards) places.push(partOf(shard, weight, 1));
    else if (isOne) places.push({ ...partOf(shards[0]!, weight, 1), place: region });
    else for (const shard of shards) places.push(partOf(shard, weight, shards.length));
  }
  return scaled(places.filter(({ weight }) => weight > 0));
}

/** A place before its weight is a whole number. */
interface WeighedPart extends WeightedPlace {
  /** Its weight is divided by this. */
  readonly parts: number;
  /** And this much of it counts. */
  readonly percent: number;
}

function partOf(shard: PolicyShard, weight: number, parts: number): WeighedPart {
  return { place: clusterPlace(shard), weight, parts, percent: shard.percent ?? 100 };
}

function isDrainedAlike([first, ...others]: readonly PolicyShard[]): boolean {
  return others.every(({ percent }) => percent === first!.percent);
}

function clusterPlace({ cluster }: PolicyShard): number {
  return Orders.clusterBit | cluster;
}

/** Whole numbers in the given proportions; where the parts have no common measure that is small enough, nearly. */
function scaled(places: readonly WeighedPart[]): WeightedPlace[] {
  const measure = places.reduce(
    (multiple, { parts, percent }) => commonMultiple(multiple, (parts * 100) / commonDivisor(100, percent)),
    1,
  );
  const scale = Math.min(measure, PARTS_MAX);
  return places.map(({ place, weight, parts, percent }) => ({
    place,
    weight: Math.max(1, Math.round((weight * scale * percent) / (parts * 100))),
  }));
}

function commonMultiple(a: number, b: number): number {
  return Math.min((a / commonDivisor(a, b)) * b, PARTS_MAX);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/**
 * How far to go from reply to reply among the units of weight: about the golden part of the sum, so that a place's units do
 * not come one after the other, and without a common divisor, so that as many replies as there are units meet each once.
 */
export function strideOf(sum: number): number {
  let stride = Math.max(1, Math.round(sum * 0.618_034));
  while (commonDivisor(sum, stride) !== 1) stride++;
  return stride;
}

/** The code of a policy in the image; failover is settled, so that readers know nothing of it. */
export function policyCode({ kind }: ServicePolicy): number {
  if (kind === 'nearest') return PolicyCode.nearest;
  return kind === 'weighted' ? PolicyCode.weighted : PolicyCode.all;
}

/** The levels with the region's addresses at the global name; both families together, so that the other may have none. */
export function levelsWithin(family: FamilyLevels, region: number): FamilyLevels {
  const taken = family.slices.find(({ location }) => location === region);
  const share = family.shares.find(({ location }) => location === region);
  const slices = family.slices.filter(({ location }) => location !== GLOBAL);
  const shares = family.shares.filter(({ location }) => location !== GLOBAL);
  return {
    ...family,
    slices: taken === undefined ? slices : [{ ...taken, location: GLOBAL }, ...slices],
    shares: share === undefined ? shares : [{ ...share, location: GLOBAL }, ...shares],
  };
}

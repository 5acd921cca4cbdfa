/**
 * The one place that says whether a shard is in the answers, and why: what its cluster reports, how much the cluster's word is
 * worth, and what operators have drained. The builder goes by it, and whoever shows a shard to people tells what it says.
 */
import type { DrainIndex, DrainRule } from './drains.ts';
import { drainText } from './drains.ts';
import type { ClusterStatus } from './facts.ts';

/** Why a shard is in the answers or not; of several reasons against it the first of this order. */
export const VERDICT_REASONS = [
  'pending',
  'withdrawn',
  'noAddress',
  'notReady',
  'drained',
  'guarded',
  'held',
  'healthy',
] as const;
export type VerdictReason = (typeof VERDICT_REASONS)[number];

/** What is made of a shard. */
export interface Verdict {
  readonly reason: VerdictReason;
  /** Whether it is in the answers. */
  readonly counts: boolean;
  /** The drains that cover it, also where they are not the reason, or leave some of it. */
  readonly drains: readonly DrainRule[];
  /** Zones that it has ready endpoints in and does not count in; it counts elsewhere, unless the reason says otherwise. */
  readonly drainedZones: readonly string[];
  /** How much of its weight counts where the policy is weighted, 1 to 100; of what does not count nothing is said. */
  readonly percent: number;
}

/** What of a shard has a say. */
export interface JudgedShard {
  readonly ready: boolean;
  readonly v4: readonly unknown[];
  readonly v6: readonly unknown[];
  readonly readyZones: readonly string[] | 'every';
  /** Where addresses are in one zone each: the zone of each, '' for none. */
  readonly addressZones?: readonly string[] | undefined;
  /** What was said last, while the newest word is withheld. */
  readonly held?: boolean | undefined;
}

/** What of its cluster has a say. */
export interface JudgedCluster {
  readonly name: string;
  readonly status: ClusterStatus;
  readonly region?: string | undefined;
  /** Those that have a place in the tree. */
  readonly zones: readonly string[];
}

const PLAIN: Readonly<Record<VerdictReason, Verdict>> = {
  pending: plain('pending', false),
  withdrawn: plain('withdrawn', false),
  noAddress: plain('noAddress', false),
  notReady: plain('notReady', false),
  drained: plain('drained', false),
  guarded: plain('guarded', true),
  held: plain('held', true),
  healthy: plain('healthy', true),
};

function plain(reason: VerdictReason, counts: boolean): Verdict {
  return { reason, counts, drains: [], drainedZones: [], percent: 100 };
}

/**
 * Judges a shard.
 *
 * @param service - `S.N.F`
 * @param cluster - called only where a drain may cover the shard
 */
export function judge(
  shard: JudgedShard,
  status: ClusterStatus,
  service: string,
  drains: DrainIndex,
  cluster: () => JudgedCluster,
): Verdict {
  const reason = reported(shard, status);
  return drains.size === 0 ? PLAIN[reason] : underDrains(shard, reason, service, drains, cluster());
}

/** What would be, were nothing drained. */
function reported(shard: JudgedShard, status: ClusterStatus): Exclude<VerdictReason, 'drained'> {
  if (status === 'pending' || status === 'withdrawn') return status;
  if (shard.v4.length + shard.v6.length === 0) return 'noAddress';
  if (!shard.ready) return 'notReady';
  if (shard.held === true) return 'guarded';
  return status === 'held' ? 'held' : 'healthy';
}

function underDrains(
  shard: JudgedShard,
  reason: Exclude<VerdictReason, 'drained'>,
  service: string,
  drains: DrainIndex,
  cluster: JudgedCluster,
): Verdict {
  const { name, region } = cluster;
  const whole = [
    drains.get(`cluster ${name}`),
    drains.get(`region ${region}`),
    drains.get(`service ${service}`),
    drains.get(`service ${service} in ${name}`),
  ].filter((rule) => rule !== undefined);
  const zones = countedZones(shard, cluster);
  const ofZones = zones.map((zone) => drains.get(`zone ${zone}.${region}`));
  const inZones = ofZones.filter((rule) => rule !== undefined);
  if (whole.length + inZones.length === 0) return PLAIN[reason];
  const drainedZones = zones.filter((_, i) => ofZones[i]?.percent === 0);
  const isDrained =
    whole.some(isWhole) || (drainedZones.length > 0 && !isAnythingLeft(shard, zones, drainedZones));
  // A zone's weight is that of the clusters that are in it alone.
  const rules = zones.length === 1 ? [...whole, ...inZones] : whole;
  const left = rules.reduce((product, { percent }) => (product * percent) / 100, 100);
  const isOut = isDrained && PLAIN[reason].counts;
  return {
    ...PLAIN[isOut ? 'drained' : reason],
    drains: [...whole, ...inZones],
    drainedZones,
    percent: Math.max(1, Math.round(left)),
  };
}

/** The zones that the shard counts in: a cluster of one zone is in it, whatever its endpoints say or do not say. */
function countedZones({ readyZones }: JudgedShard, { zones }: JudgedCluster): readonly string[] {
  return readyZones === 'every' || zones.length === 1 ? zones : readyZones;
}

/** As if the endpoints of the drained zones were unready: some must be left, and an address that is not theirs. */
function isAnythingLeft(
  { addressZones }: JudgedShard,
  zones: readonly string[],
  drained: readonly string[],
): boolean {
  if (zones.length === drained.length) return false;
  return addressZones === undefined || addressZones.some((zone) => !drained.includes(zone));
}

/** What of a cluster is drained, Services that are drained by themselves apart. */
export interface ClusterDrains {
  /** `whole`: nothing of it counts. */
  readonly extent: 'whole' | 'part';
  /** The drains, in the words of an operator. */
  readonly by: readonly string[];
}

function isWhole({ percent }: DrainRule): boolean {
  return percent === 0;
}

export function drainsOfCluster(cluster: JudgedCluster, drains: DrainIndex): ClusterDrains | undefined {
  const { name, region, zones } = cluster;
  const places = [`cluster ${name}`, `region ${region}`].flatMap((key) => drains.get(key) ?? []);
  const ofZones = zones.flatMap((zone) => drains.get(`zone ${zone}.${region}`) ?? []);
  if (places.length + ofZones.length === 0) return undefined;
  const zonesOut = ofZones.filter(isWhole).length;
  const isOut = places.some(isWhole) || (zonesOut > 0 && zonesOut === zones.length);
  return { extent: isOut ? 'whole' : 'part', by: [...places, ...ofZones].map(drainText) };
}

/** A verdict in the words that operators are told. */
export function verdictText(verdict: Verdict): string {
  const drains = verdict.drains.map(drainText).join(', ');
  switch (verdict.reason) {
    case 'pending':
    case 'withdrawn':
      return `unhealthy, the cluster is ${verdict.reason}${also(drains)}`;
    case 'noAddress':
      return `unhealthy, no address is published${also(drains)}`;
    case 'notReady':
      return `unhealthy, no endpoint is ready${also(drains)}`;
    case 'drained':
      return `drained (${drains})`;
    case 'guarded':
      return `healthy when last heard, the guard withholds what was said since${partly(verdict, drains)}`;
    case 'held':
      return `healthy when last heard, the cluster is held${partly(verdict, drains)}`;
    case 'healthy':
      return `healthy${partly(verdict, drains)}`;
  }
}

function also(drains: string): string {
  return drains === '' ? '' : `; also drained (${drains})`;
}

function partly({ drainedZones, percent }: Verdict, drains: string): string {
  if (drains === '') return '';
  const zones = drainedZones.length === 0 ? '' : `, not in ${drainedZones.join(' and ')}`;
  const weight = percent === 100 ? '' : `, with ${percent} % of its weight where the policy is weighted`;
  return `${zones}${weight} (${drains})`;
}

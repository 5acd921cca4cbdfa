/**
 * The clusters among which replicas are divided, in the order in which they are served, and the two steps that every
 * division begins with: each cluster's minimum, and what runs already. Who gets the rest is v1.ts and webster.ts.
 */

import { OTHERS, type ClusterPreferences, type ReplicaPreferences } from './preferences.ts';
import { tieHash } from './tie.ts';

/** What is to be divided. */
export interface DivisionTask {
  /** Replicas in all. */
  readonly replicas: number;
  /** Clusters that can be given some, in any order. */
  readonly clusters: readonly string[];
  readonly preferences: ReplicaPreferences;
  /** Replicas that run, by cluster. */
  readonly current: ReadonlyMap<string, number>;
  /** Replicas for which a cluster has room, where that is known. */
  readonly capacity: ReadonlyMap<string, number>;
  /** `namespace/name` of the object, which decides ties. */
  readonly key: string;
}

/** How replicas are divided, by cluster. */
export interface Division {
  /** What each cluster is expected to run; every available cluster is in it. */
  readonly plan: ReadonlyMap<string, number>;
  /** What it is given on top: Pods that wait there until there is room. */
  readonly overflow: ReadonlyMap<string, number>;
}

/** One cluster while replicas are divided. */
export interface Share {
  readonly cluster: string;
  readonly preferences: ClusterPreferences;
  readonly max: number;
  readonly capacity: number;
  planned: number;
  /** Of `planned`, what was given because it runs, and has not been set off against the cluster's part yet. */
  kept: number;
  overflow: number;
}

/** The clusters with preferences: heaviest first, and by hash where weights are equal. */
export function sharesOf({ clusters, preferences, capacity, key }: DivisionTask): Share[] {
  const shares = clusters.flatMap((cluster) => {
    const entry = preferences.clusters.get(cluster) ?? preferences.clusters.get(OTHERS);
    return entry === undefined ? [] : [shareOf(cluster, entry, capacity.get(cluster))];
  });
  const hashes = new Map(clusters.map((cluster) => [cluster, tieHash(cluster, key)]));
  return shares.toSorted(
    (a, b) => b.preferences.weight - a.preferences.weight || hashes.get(a.cluster)! - hashes.get(b.cluster)!,
  );
}

function shareOf(cluster: string, preferences: ClusterPreferences, capacity = Infinity): Share {
  const { maxReplicas: max = Infinity } = preferences;
  return { cluster, preferences, max, capacity, planned: 0, kept: 0, overflow: 0 };
}

/** Gives each cluster its minimum, while there are replicas and room. @returns replicas that are left */
export function giveMinimums(shares: readonly Share[], replicas: number): number {
  let left = replicas;
  for (const share of shares) {
    share.planned = Math.min(share.preferences.minReplicas, left, share.capacity);
    left -= share.planned;
  }
  return left;
}

/** Leaves running replicas where they are, while there are any to give. @returns replicas that are left */
export function keepRunning(shares: readonly Share[], task: DivisionTask, replicas: number): number {
  let left = replicas;
  if (task.preferences.rebalance) return left;
  for (const share of shares) {
    const running = Math.min(task.current.get(share.cluster) ?? 0, share.max, share.capacity);
    share.kept = Math.max(0, Math.min(running - share.planned, left));
    share.planned += share.kept;
    left -= share.kept;
  }
  return left;
}

/**
 * The result. Where nothing may be moved, no more Pods are left waiting than could not be placed anywhere.
 *
 * @param left - replicas that were placed nowhere
 */
export function divisionOf(task: DivisionTask, shares: readonly Share[], left: number): Division {
  const waiting = task.preferences.rebalance ? Infinity : left;
  const overflow = shares.map((share) => [share.cluster, Math.min(share.overflow, waiting)] as const);
  return {
    plan: new Map([
      ...task.clusters.map((cluster) => [cluster, 0] as const),
      ...shares.map(({ cluster, planned }) => [cluster, planned] as const),
    ]),
    overflow: new Map(overflow.filter(([, replicas]) => replicas > 0)),
  };
}

/** What an owner wants of the division of replicas among clusters. How it is written in an annotation is read-preferences.ts. */

/** The entry of every cluster that has none of its own. */
export const OTHERS = '*';

/** What one cluster may be given. */
export interface ClusterPreferences {
  /** Replicas that it is given before anything goes by weight. */
  readonly minReplicas: number;
  /** Replicas that it never exceeds; without limit when absent. */
  readonly maxReplicas?: number;
  /** Its part of what is left, against the weights of the others. */
  readonly weight: number;
}

/** The preferences of one Deployment or ReplicaSet. */
export interface ReplicaPreferences {
  /** Whether running replicas are moved to reach the division, or stay where they are. */
  readonly rebalance: boolean;
  /** By cluster, or `OTHERS`. A cluster that neither names gets nothing. */
  readonly clusters: ReadonlyMap<string, ClusterPreferences>;
}

/** Without an annotation: every cluster the same, and what runs stays. */
export const EVEN: ReplicaPreferences = {
  rebalance: false,
  clusters: new Map([[OTHERS, { minReplicas: 0, weight: 1 }]]),
};

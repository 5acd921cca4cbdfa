/**
 * What every source of cluster facts has in common, whether it reads manifests or watches an API server:
 * its life cycle and what it reports of itself to the operator.
 */

/** How a source sees its cluster. `Refused`: it answers, and what fedns shows or asks for is not taken. */
export type ClusterCondition = 'Pending' | 'Ready' | 'Refused' | 'NotReady' | 'Offline';

/** Something in the cluster that was not taken, and why. Codes are stable; the message is for people. */
export interface Refusal {
  readonly code: string;
  /** For example `Service mynamespace/nginx`, or a file with line and column. */
  readonly object: string;
  readonly message: string;
  /** When it was first seen, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** Something that a cluster said last and that counts on, because its source is in trouble or suddenly empty. */
export interface StalePart {
  /** A file, or a list. */
  readonly part: string;
  /** Why; codes are stable. */
  readonly code: string;
  /** In milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** What `fedns clusters` and `fedns explain` show of a cluster. */
export interface ClusterReport {
  readonly name: string;
  readonly kind: 'manifests' | 'kubernetes';
  readonly condition: ClusterCondition;
  /** The Kubernetes version, where known. */
  readonly version?: string;
  readonly region?: string;
  /** Where region and zones come from: `config`, `nodes`, `endpoints`, `earlier` (as last known, before it was read anew) or `none`. */
  readonly topologyFrom: string;
  readonly zones: readonly string[];
  /** Since when the condition holds, in milliseconds since the epoch. */
  readonly conditionSinceMs: number;
  /** When the last complete list was taken in. */
  readonly syncedMs?: number;
  /** When the last octet came, per watched kind. */
  readonly lastOctetMs: Readonly<Record<string, number>>;
  /** Kinds that are listed at an interval, for their watches do not get through; absent: none. */
  readonly polled?: readonly string[];
  /** Objects, per watched kind, of which a periodic list showed that their events had been lost, since the start. */
  readonly lostEvents?: Readonly<Record<string, number>>;
  readonly objects: number;
  readonly refusals: readonly Refusal[];
  /** Where the cluster has been read and nothing of it is served, for want of what a cluster needs: what would change that. */
  readonly advice?: string;
  /** Default: none. */
  readonly stale?: readonly StalePart[];
  /** When the token or client certificate in use ends, in milliseconds since the epoch, where it says so. */
  readonly credentialEndsMs?: number;
  /** The newest trouble, in one line. */
  readonly lastError?: string;
}

/** What a cluster can say of one Service beyond its shards; worked out when it is asked for. */
export interface ServiceAccount {
  /** Whether the cluster has a Service of this name, of whatever type and with whatever labels. */
  readonly exists: boolean;
  /** Why it is not published, or not healthy; the deciding reason first. Empty: nothing is wrong with it. */
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
}

/** A Service of a federation, by its names. */
export interface FederatedName {
  readonly federation: string;
  readonly namespace: string;
  readonly service: string;
}

/** A running source for one member cluster. */
export interface ClusterSource {
  readonly name: string;
  /** Resolves once the first attempt to read the cluster has ended, whether it worked or not. */
  start(): Promise<void>;
  /** Leaves no timer, watcher or socket behind. The facts stay in the sink. */
  stop(): Promise<void>;
  report(): ClusterReport;
  /** What is known of one Service. */
  account(namespace: string, service: string): ServiceAccount;
  /** `namespace/name` of every Service of the cluster. */
  serviceKeys(): Iterable<string>;
  /** Whether a shard is missing for want of its objects, and not because the cluster says that it is not published or ready. */
  lacks(shard: FederatedName): boolean;
  /** Takes the versions that its objects have now for their newest, where an earlier one had come after a later one. */
  acceptVersions?(): void;
}

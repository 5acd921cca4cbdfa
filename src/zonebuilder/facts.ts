/**
 * The facts that watchers report and the topology tree is built from: which shards exist, which of them are
 * ready, and what is known of their cluster. Plain values; nothing here knows of Kubernetes or of DNS messages.
 */

import type { PolicyName } from './policy.ts';

/** Names one shard: a Service of a federation in one member cluster. */
export interface ShardId {
  readonly cluster: string;
  readonly federation: string;
  readonly namespace: string;
  readonly service: string;
}

/** A named port of a Service, published as an SRV RRset `_name._protocol` (RFC 2782). */
export interface ShardPort {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** 1 to 65535. */
  readonly port: number;
}

/** Largest number of addresses that a reply can be held to: sharing out more among clusters takes a reader too long. */
export const MAX_ADDRESSES_LIMIT = 255;

/** SRV priority and weight where nothing else is said: every shard is as good as the other (as CoreDNS has it). */
export const SRV_DEFAULTS = { priority: 0, weight: 100 } as const;

/** The object whose change led to a fact, so that every change of an answer can be traced to it. */
export interface Cause {
  /** For example `EndpointSlice mynamespace/nginx-1`. */
  readonly object: string;
  readonly resourceVersion?: string;
  /** When fedns learned of it, in milliseconds since the epoch, by fedns' own clock. */
  readonly timeMs: number;
  /** When a change that was held back on purpose was believed, by the same clock; absent: at once. */
  readonly settledMs?: number;
}

/** One shard as its cluster reports it. Whether the cluster itself counts is in {@link ClusterState}. */
export interface ShardState extends ShardId {
  /** IPv4 and IPv6 addresses that the cluster publishes: usable ones only, canonical text, each once. */
  readonly addresses: readonly string[];
  /** Whether at least one endpoint is ready. */
  readonly ready: boolean;
  /** Zones with a ready endpoint; `every`: the ready endpoints name no zone, so all zones of the cluster count. */
  readonly readyZones: readonly string[] | 'every';
  /**
   * The zone of each of `addresses`, '' for none, where not all of them count in every ready zone: Pods are in one. A zone
   * answers with its own; region and globe with all.
   */
  readonly addressZones?: readonly string[];
  readonly ports: readonly ShardPort[];
  /** TTL of the Service's records in seconds, where an annotation sets it (0 to 2147483647, RFC 2181 section 8). */
  readonly ttlSeconds?: number;
  /** Least TTL in seconds of the host names that addresses were resolved from; they are not served for longer. */
  readonly addressTtlSeconds?: number;
  /** Most addresses of one reply, per family, where an annotation sets it (1 to {@link MAX_ADDRESSES_LIMIT}). */
  readonly maxAddresses?: number;
  /** Which shards the global name answers with, where an annotation says it. */
  readonly policy?: PolicyName;
  /** Weight of the shard's cluster for a weighted answer (0 to {@link WEIGHT_MAX}), where an annotation sets it. */
  readonly weight?: number;
  /**
   * The global name was answered with the shard's region last, and stays there while it can (`failback: manual`). Told by
   * whoever restores a shard; what a source leaves out stays known.
   */
  readonly inUse?: true;
  /** Priority and weight of the shard's SRV records (0 to 65535 each), where annotations set them. */
  readonly srv?: { readonly priority: number; readonly weight: number };
  /**
   * Why the shard is not healthy, where nobody has said that it does not work: its Service is being deleted, it has no
   * EndpointSlice, or no address is published of it. Absent: its endpoints say what `ready` says.
   */
  readonly missing?: 'service' | 'slices' | 'addresses';
  /** An object that the shard is made from is of an earlier version than was seen before. */
  readonly older?: true;
  /**
   * What the cluster said last, while its newest word is withheld; `cause` has what led to that, and since when. Told by whoever
   * withholds it.
   */
  readonly held?: true;
  readonly cause: Cause;
}

/**
 * How much the facts of a cluster are worth.
 * - `pending`: never synced and no snapshot, so nothing negative may be concluded yet;
 * - `available`: in contact;
 * - `held`: out of contact, the last facts still count;
 * - `withdrawn`: out of contact for too long, its shards count as unhealthy.
 */
export type ClusterStatus = 'pending' | 'available' | 'held' | 'withdrawn';

/** A member cluster: where it is and how much its facts are worth. */
export interface ClusterState {
  readonly name: string;
  /** Lower case. Without a region its shards appear at the global name only. */
  readonly region?: string;
  /** Lower case, each once; may be empty. */
  readonly zones: readonly string[];
  readonly status: ClusterStatus;
  /** The operator has said where the cluster is, so that no other cluster's word counts against it. */
  readonly regionConfigured?: boolean;
  readonly zonesConfigured?: boolean;
  /**
   * Places it was found at, as `region` or `zone.region`, the newest last: their names go on where the cluster is not
   * there any more. Told by whoever restores a cluster; what a source leaves out stays known.
   */
  readonly places?: readonly string[];
  /** Names of one label that are served for a place of this cluster, as of a run before. */
  readonly shortNames?: readonly string[];
  /** Networks of its Pods and Nodes as it says itself, CIDR text; no answer depends on these alone. */
  readonly networks?: readonly string[];
  /** Whether nothing has ever been read of it. Default: what `status` says, and for `withdrawn` what it was before. */
  readonly unread?: boolean;
}

/** What a source of facts talks to. Every call takes effect in the answers before it returns. */
export interface FactSink {
  /** Announces a cluster or replaces what is known of it. Its shards stay as they are. */
  setCluster(state: ClusterState): void;
  /** Forgets a cluster and all its shards. */
  removeCluster(name: string): void;
  /** Adds a shard or replaces it. The cluster must have been announced. */
  upsertShard(shard: ShardState): void;
  removeShard(id: ShardId, cause: Cause): void;
  /** Replaces all shards of a cluster, as after a relist: a shard that both lists hold is never absent between. */
  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void;
  /** Calls `work`, and lets the facts that it brings take effect together when it ends. Not to be nested. */
  batch?(cause: Cause, work: () => void): void;
}

/** What the page and `fedns status` show of the federation as a whole: places, clusters, how they are. Plain values. */

import type { ClusterCondition } from '../watchers/source.ts';
import type { ClusterStatus } from '../zonebuilder/facts.ts';
import type { ClusterDrains } from '../zonebuilder/verdict.ts';

/** One picture of the federation. Times are milliseconds since the epoch, by the server's clock. */
export interface TopologyView {
  readonly domain: string;
  readonly version: string;
  readonly startedMs: number;
  readonly serial: number;
  /** Federated Services known. */
  readonly services: number;
  readonly restartPending: readonly string[];
  /** Sorted by name. */
  readonly regions: readonly RegionNode[];
  readonly clusters: readonly ClusterNode[];
}

/** A region that a cluster is in. */
export interface RegionNode {
  readonly name: string;
  /** Zones that its clusters are in, sorted. */
  readonly zones: readonly string[];
  /** Degrees north and east, where they are known. */
  readonly point?: readonly [latitude: number, longitude: number];
  /** `configuration`, or provider and city. */
  readonly pointFrom?: string;
}

/** A member cluster in few words; all that is known of it is `/api/v1/clusters`. */
export interface ClusterNode {
  readonly name: string;
  readonly region?: string;
  readonly zones: readonly string[];
  readonly kind: 'manifests' | 'kubernetes';
  readonly condition: ClusterCondition;
  readonly status: ClusterStatus;
  /** Nothing was ever read of it. */
  readonly unread?: true;
  readonly version?: string;
  readonly conditionSinceMs: number;
  /** When the last octet came, in steps of {@link HEARD_STEP_MS}; absent: never. */
  readonly heardMs?: number;
  readonly shards: number;
  readonly healthyShards: number;
  /** Shards that the guard keeps in the answers; absent: none. */
  readonly guardedShards?: number;
  /** Which drains are about it; absent: none. */
  readonly drained?: ClusterDrains;
  /** Objects that were refused. */
  readonly refusals: number;
  /** Files and lists in trouble, of which the last state is held. */
  readonly stale: number;
  readonly lastError?: string;
  readonly advice?: string;
}

/** In such steps it is told when a cluster was heard: otherwise every octet of a cluster would be news to every page. */
export const HEARD_STEP_MS = 10_000;

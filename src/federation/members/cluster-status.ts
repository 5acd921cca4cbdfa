/**
 * What the status of a Cluster says of what was seen of the member: a pure function, with the reasons and messages that Federation
 * v1 had. Who looks is member-probe.ts, who writes status-keeper.ts.
 */

import type { ClusterCondition, ClusterStatus } from './cluster-type.ts';

export type SeenHealth =
  /** Nothing has been asked yet. */
  | 'unknown'
  | 'ready'
  /** Its API server answers, and not that it is ready. */
  | 'notReady'
  /** It does not take the credentials, or they cannot be used. */
  | 'refused'
  /** It is another cluster than the one that joined. */
  | 'other'
  | 'offline'
  /** No Secret has its credentials. */
  | 'noSecret';

/** What is known of a member at a moment. */
export interface Seen {
  readonly health: SeenHealth;
  /** In the words of the cluster or the network, where it has said any. */
  readonly said?: string;
  readonly version?: string;
  readonly region?: string;
  readonly zones?: readonly string[];
}

type Truth = ClusterCondition['status'];

interface Row {
  readonly phase: ClusterStatus['phase'];
  readonly ready: readonly [Truth, reason: string];
  readonly offline: readonly [Truth, reason: string];
  /** Where nothing else was said. */
  readonly says: string;
}

const REACHED = ['False', 'ClusterReachable'] as const;

const ROWS: Readonly<Record<SeenHealth, Row>> = {
  unknown: {
    phase: 'Unknown',
    ready: ['Unknown', 'NotProbed'],
    offline: ['Unknown', 'NotProbed'],
    says: 'the cluster has not been asked yet',
  },
  ready: {
    phase: 'Ready',
    ready: ['True', 'ClusterReady'],
    offline: REACHED,
    says: '/readyz responded with ok',
  },
  notReady: {
    phase: 'NotReady',
    ready: ['False', 'ClusterNotReady'],
    offline: REACHED,
    says: '/readyz responded without ok',
  },
  refused: {
    phase: 'NotReady',
    ready: ['False', 'CredentialsRefused'],
    offline: REACHED,
    says: 'the cluster does not take its credentials',
  },
  other: {
    phase: 'NotReady',
    ready: ['False', 'OtherCluster'],
    offline: REACHED,
    says: 'another cluster answers at its address',
  },
  offline: {
    phase: 'Offline',
    ready: ['False', 'ClusterNotReachable'],
    offline: ['True', 'ClusterNotReachable'],
    says: 'cluster is not reachable',
  },
  noSecret: {
    phase: 'NotReady',
    ready: ['False', 'NoSecret'],
    offline: ['Unknown', 'NotProbed'],
    says: 'no Secret labelled fedns.io/cluster has its credentials',
  },
};

/**
 * The status that follows from what was seen. What is not known now stays as it was known last.
 *
 * @param before - as it stands; a condition that has not turned keeps its time
 */
export function statusOf(before: ClusterStatus | undefined, seen: Seen, nowMs: number): ClusterStatus {
  const { phase, ready, offline, says } = ROWS[seen.health];
  const version = seen.version ?? before?.version;
  const region = seen.region ?? before?.region;
  const zones = seen.zones ?? before?.zones;
  const message = seen.said ?? says;
  const reachable = offline[0] === 'False' ? 'cluster is reachable' : message;
  return {
    phase,
    ...(version !== undefined && { version }),
    ...(region !== undefined && { region }),
    ...(zones !== undefined && { zones }),
    conditions: [
      condition('Ready', ready, message, before, nowMs),
      condition('Offline', offline, reachable, before, nowMs),
    ],
  };
}

function condition(
  type: ClusterCondition['type'],
  [status, reason]: readonly [Truth, string],
  message: string,
  before: ClusterStatus | undefined,
  nowMs: number,
): ClusterCondition {
  const now = timeText(nowMs);
  const old = before?.conditions?.find((one) => one.type === type);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : now;
  return { type, status, reason, message, lastProbeTime: now, lastTransitionTime };
}

/** Kubernetes' `metav1.Time`: RFC 3339 in whole seconds. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Whether two say the same, but for when the cluster was asked. */
export function saysSame(a: ClusterStatus, b: ClusterStatus): boolean {
  return textOf(a) === textOf(b);
}

function textOf({ phase, version, region, zones, conditions = [] }: ClusterStatus): string {
  return JSON.stringify([
    phase,
    version,
    region,
    zones,
    conditions.map(({ lastProbeTime: _time, ...rest }) =>
      Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  ]);
}

/**
 * Replicas of one object over several clusters: what Deployments and ReplicaSets have in common. Owns which clusters take
 * part, what runs in them and for how much they have room; how replicas are divided by that is src/federation/planner.
 */

import { divide, DIVISIONS, type DivisionName, replicasFor } from '../planner/division.ts';
import { EVEN, type ReplicaPreferences } from '../planner/preferences.ts';
import { preferencesFaultText, readPreferences } from '../planner/read-preferences.ts';
import type { Division, Fields, Inquiry, KubeObject, MemberView, Problem } from '../sync/kind.ts';
import { countOf } from './counts.ts';
import { countPods, podsPath } from './pods.ts';

/** How one object is divided, whatever the configuration says of all. */
export const DIVISION_ANNOTATION = 'fedns.io/division';

/** What is kept of a member's object for the division. */
export interface SeenReplicas {
  /** Of its spec. */
  readonly wanted: number;
  readonly counts: { readonly replicas: number; readonly readyReplicas: number };
}

/** How replicas are divided, and how soon something that changed in a cluster changes it. */
export interface ReplicaOptions {
  /** Unless the object's annotation says otherwise. */
  readonly division: DivisionName;
  /** How long changes in the clusters are gathered. Default: 10,000, as in Federation v1. */
  readonly divideAfterMs?: number;
  /** How often the Pods of a cluster are counted while some are not ready. Default: 10,000. */
  readonly countEveryMs?: number;
}

/** Rollouts in the clusters bring many changes, and none of them is to move replicas to and fro. */
export const DIVIDE_AFTER_MS = 10_000;
const COUNT_EVERY_MS = 10_000;

/** Replicas that the object asks for: one, where it does not say. */
export function wantedReplicas(spec: Fields | undefined): number {
  return spec?.['replicas'] === undefined ? 1 : countOf(spec['replicas']);
}

/** The Pods of a cluster in which fewer are ready than are wanted. */
export function podInquiry({ countEveryMs = COUNT_EVERY_MS }: ReplicaOptions): Inquiry<SeenReplicas> {
  return {
    everyMs: countEveryMs,
    due: (_federated, seen) => !isComplete(seen),
    path: podsPath,
    read: (pods, _federated, { wanted }, nowMs) => stateOf(countPods(pods, nowMs), wanted),
  };
}

function isComplete({ wanted, counts }: SeenReplicas): boolean {
  return wanted === counts.readyReplicas;
}

/** What the Pods of a cluster mean for the division. */
interface PodState {
  readonly running: number;
  /** Absent: as far as is known there is room. */
  readonly capacity?: number;
}

function stateOf({ running, unschedulable }: ReturnType<typeof countPods>, wanted: number): PodState {
  return { running, ...(unschedulable > 0 && { capacity: Math.max(0, wanted - unschedulable) }) };
}

/**
 * Divides an object's replicas among the clusters that count. One that does not keeps what it was last seen with, so that
 * nothing is changed there before it counts again.
 *
 * @param annotation - the name of the one with preferences
 */
export function divideReplicas(
  federated: KubeObject,
  members: readonly MemberView<SeenReplicas>[],
  annotation: string,
  options: ReplicaOptions,
): Division<number> {
  const problems: Problem[] = [];
  const { metadata, spec } = federated;
  const counting = members.filter(({ ready }) => ready);
  const division = divide(divisionName(metadata.annotations, options, problems), {
    replicas: wantedReplicas(spec),
    clusters: counting.map(({ cluster }) => cluster),
    preferences: preferencesOf(metadata.annotations, annotation, problems),
    current: mapOf(counting, runningIn),
    capacity: mapOf(counting, ({ answer }) => (answer as PodState | undefined)?.capacity),
    key: `${metadata.namespace ?? ''}/${metadata.name}`,
  });
  const shares = members.map(({ cluster, ready, seen }) => {
    return [cluster, ready ? replicasFor(division, cluster) : (seen?.wanted ?? 0)] as const;
  });
  return { shares: new Map(shares), problems };
}

/**
 * As v1 counted: the ready ones where all are, else the Pods that run. Before these have been counted, all that there are:
 * a Pod that fails for a moment is not replaced by one elsewhere.
 */
function runningIn({ seen, answer }: MemberView<SeenReplicas>): number | undefined {
  if (seen === undefined) return undefined;
  if (isComplete(seen)) return seen.wanted;
  return (answer as PodState | undefined)?.running ?? seen.counts.replicas;
}

function mapOf(
  members: readonly MemberView<SeenReplicas>[],
  value: (member: MemberView<SeenReplicas>) => number | undefined,
): ReadonlyMap<string, number> {
  return new Map(
    members.flatMap((member) => {
      const number = value(member);
      return number === undefined ? [] : [[member.cluster, number]];
    }),
  );
}

function preferencesOf(
  annotations: KubeObject['metadata']['annotations'],
  name: string,
  problems: Problem[],
): ReplicaPreferences {
  const text = annotations?.[name];
  if (text === undefined) return EVEN;
  const reading = readPreferences(text);
  if (reading.kind === 'preferences') return reading.preferences;
  const message = `annotation ${name}: ${preferencesFaultText(reading.fault)}; replicas are divided evenly`;
  problems.push({ reason: 'PreferencesInvalid', message });
  return EVEN;
}

function divisionName(
  annotations: KubeObject['metadata']['annotations'],
  { division }: ReplicaOptions,
  problems: Problem[],
): DivisionName {
  const name = annotations?.[DIVISION_ANNOTATION];
  if (name === undefined) return division;
  if (isDivision(name)) return name;
  const known = Object.keys(DIVISIONS).join(' or ');
  const message = `annotation ${DIVISION_ANNOTATION}: ${known} is wanted, not ${JSON.stringify(name)}; it is ${division}`;
  problems.push({ reason: 'DivisionInvalid', message });
  return division;
}

function isDivision(name: string): name is DivisionName {
  return Object.hasOwn(DIVISIONS, name);
}

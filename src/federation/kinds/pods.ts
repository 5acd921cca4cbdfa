/**
 * The Pods of a workload in one cluster, counted as Federation v1 counted them. They are asked for only while not all that
 * are wanted are ready: a hundred thousand watched Pods would tell no more.
 */

import type { Fields, KubeObject } from '../sync/kind.ts';

/** A Pod that no node has room for is waited for so long, in milliseconds, before its place is looked for elsewhere. */
const UNSCHEDULABLE_AFTER_MS = 60_000;

/** What Pods say of the replicas of a cluster. */
export interface PodCounts {
  /** Pods that run, ready or not: one that is restarting has its place. */
  readonly running: number;
  /** Pods that have had no room for more than a minute. */
  readonly unschedulable: number;
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly lastTransitionTime?: string;
}

/** @param nowMs - milliseconds since the epoch */
export function countPods(pods: readonly KubeObject[], nowMs: number): PodCounts {
  return {
    running: pods.filter(runs).length,
    unschedulable: pods.filter((pod) => hasNoRoom(pod, nowMs)).length,
  };
}

/** Of whatever status the condition is: v1 took its presence for enough. */
function runs({ status }: KubeObject): boolean {
  return status?.['phase'] === 'Running' && conditionsOf(status).some(({ type }) => type === 'Ready');
}

function hasNoRoom({ status }: KubeObject, nowMs: number): boolean {
  if (status?.['phase'] === 'Running') return false;
  return conditionsOf(status).some(
    ({ type, status: is, reason, lastTransitionTime = '' }) =>
      type === 'PodScheduled' &&
      is === 'False' &&
      reason === 'Unschedulable' &&
      Date.parse(lastTransitionTime) + UNSCHEDULABLE_AFTER_MS < nowMs,
  );
}

function conditionsOf(status: Fields | undefined): readonly Condition[] {
  const conditions = status?.['conditions'];
  return Array.isArray(conditions) ? (conditions as Condition[]) : [];
}

/** The path at which a cluster lists the Pods that an object selects. */
export function podsPath({ metadata, spec }: KubeObject): string {
  const labelSelector = selectorText((spec?.['selector'] ?? {}) as Selector);
  const namespace = encodeURIComponent(metadata.namespace ?? '');
  return `/api/v1/namespaces/${namespace}/pods?${new URLSearchParams({ labelSelector }).toString()}`;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...labels, ...matchExpressions.map(requirementText)].join(',');
}

function requirementText({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
  }
}

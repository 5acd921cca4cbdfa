/** The ways to divide replicas among clusters: the closed set, and the one call. */

import type { Division, DivisionTask } from './shares.ts';
import { divideAsV1 } from './v1.ts';
import { divideByWebster } from './webster.ts';

export type { Division, DivisionTask } from './shares.ts';

/** Each way by its name in the configuration. */
export const DIVISIONS = { v1: divideAsV1, webster: divideByWebster } as const;
export type DivisionName = keyof typeof DIVISIONS;

/** Divides replicas. Time and order of clusters do not matter: the same task always has the same result. */
export function divide(by: DivisionName, task: DivisionTask): Division {
  return DIVISIONS[by](task);
}

/** What a cluster's object is given: its plan and the overflow. */
export function replicasFor({ plan, overflow }: Division, cluster: string): number {
  return (plan.get(cluster) ?? 0) + (overflow.get(cluster) ?? 0);
}

/** What a drain is to those who order it: a rule with an end, a reason and somebody who wanted it. */

import { type DrainRule, type DrainTarget, drainKey } from '../../zonebuilder/drains.ts';
import type { Loss } from '../../zonebuilder/what-if.ts';

/** Drains at a time: people read the list, and each one is looked up for each shard. */
export const DRAINS_MAX = 1000;
/** Characters of a reason, and of who ordered it: each stands in one line of a list. */
export const REASON_CHARACTERS_MAX = 500;
export const BY_CHARACTERS_MAX = 200;
/** Longest time that a drain is ordered for, in seconds: a year. What is to last longer has no end. */
export const DRAIN_SECONDS_MAX = 366 * 86_400;

/** Where a drain is kept: with this server alone, or where all replicas read it. */
export type DrainScope = 'local' | 'shared';

/** A drain. */
export interface Drain extends DrainRule {
  readonly scope: DrainScope;
  /** Times in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** When it ends by itself. Absent: it does not. */
  readonly untilMs?: number;
  readonly reason?: string;
  readonly by?: string;
}

/** What is asked for. */
export interface DrainOrder extends DrainTarget {
  /** How much of its weight is to be left, 0 to 99. Default: 0. */
  readonly percent?: number;
  /** When it is to end by itself. Default: never. */
  readonly untilMs?: number;
  readonly reason?: string;
  readonly by?: string;
  /** Set it also where names lose all of their addresses, or where it does nothing. */
  readonly force?: boolean;
  /** Where it is kept. Default: shared, where the configuration says where that is. */
  readonly scope?: DrainScope;
  /** Refuse it where the target is drained already: of several that order the same at once, one gets it. */
  readonly isNew?: true;
}

/** What came of an order. */
export type DrainOutcome =
  | {
      readonly kind: 'set';
      readonly drain: Drain;
      /** Services whose answers changed here. */
      readonly services: number;
      readonly warnings: readonly string[];
    }
  | Refusal
  /** Names would be without addresses. */
  | {
      readonly kind: 'losses';
      readonly message: string;
      readonly losses: readonly Loss[];
      readonly count: number;
    };

/** What came of the end of a drain. */
export type EndOutcome =
  | {
      readonly kind: 'ended';
      readonly drains: readonly Drain[];
      readonly services: number;
      readonly warnings: readonly string[];
    }
  | Refusal;

/** An order that is not followed. `unknown`: its target; `conflict`: as things are; `unkept`: it cannot be written down. */
export interface Refusal {
  readonly kind: 'unknown' | 'conflict' | 'unkept';
  readonly message: string;
  /** Of an order for what is not drained ({@link DrainOrder.isNew}): who has it drained already. */
  readonly takenBy?: string;
}

/** A target is drained already, and was ordered as one that is not. */
export class DrainTakenError extends Error {
  /** Who ordered the drain that is there. */
  readonly by: string;

  constructor(drain: Drain) {
    const { by = 'somebody' } = drain;
    super(`${drainKey(drain)} is drained already (${by})`);
    this.name = 'DrainTakenError';
    this.by = by;
  }
}

/** Drains that are in force at a time. */
export function inForce(drains: readonly Drain[], nowMs: number): Drain[] {
  return drains.filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs);
}

/** The list with a drain in place of the one for the same target, and without those that have ended. */
export function withDrain(drains: readonly Drain[], drain: Drain, nowMs: number): Drain[] {
  return [...withoutDrain(drains, drain, nowMs), drain];
}

/**
 * The same for a target that is not drained.
 *
 * @throws DrainTakenError where it is
 */
export function withNewDrain(drains: readonly Drain[], drain: Drain, nowMs: number): Drain[] {
  const there = inForce(drains, nowMs).find((each) => drainKey(each) === drainKey(drain));
  if (there !== undefined) throw new DrainTakenError(there);
  return withDrain(drains, drain, nowMs);
}

export function withoutDrain(drains: readonly Drain[], target: DrainTarget, nowMs: number): Drain[] {
  return inForce(drains, nowMs).filter((each) => drainKey(each) !== drainKey(target));
}

/** One rule for each target: where a drain is kept in two places, the one that leaves less of it. */
export function rulesOf(drains: readonly Drain[]): DrainRule[] {
  const rules = new Map<string, DrainRule>();
  for (const drain of drains) {
    const { kind, name, cluster, percent } = drain;
    const known = rules.get(drainKey(drain));
    if (known !== undefined && known.percent <= percent) continue;
    rules.set(drainKey(drain), { kind, name, percent, ...(cluster !== undefined && { cluster }) });
  }
  return [...rules.values()];
}

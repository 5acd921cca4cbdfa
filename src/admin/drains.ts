/** What the admin server asks about drains, and what it tells of them. Implemented by the composition root; no HTTP in here. */

import type { Drain, DrainOrder, DrainOutcome, EndOutcome, Refusal } from '../steering/drains/drain.ts';
import type { SharedStatus } from '../steering/drains/drains.ts';
import type { Replica } from '../steering/drains/replicas.ts';
import type { RolloutStatus } from '../steering/drains/rollout.ts';
import type { DrainTarget } from '../zonebuilder/drains.ts';
import type { NameChange } from '../zonebuilder/what-if.ts';

export type {
  Drain,
  DrainOrder,
  DrainOutcome,
  DrainTarget,
  EndOutcome,
  NameChange,
  Refusal,
  Replica,
  RolloutStatus,
  SharedStatus,
};

/** How far what was ordered last has come. */
export interface SteeringView extends RolloutStatus {
  /** Whether every replica that is known answers by it. */
  readonly isServedByAll: boolean;
  /** Whether, of every replica that is known, the last answer from before has run out. */
  readonly isSettled: boolean;
  /** Absent: the configuration names no other replicas. */
  readonly replicas?: readonly Replica[];
  /** Where replicas read their drains. Absent: this server drains alone. */
  readonly shared?: SharedStatus;
}

/** What `GET /api/v1/drains` tells. */
export interface DrainsView {
  /** The oldest first. */
  readonly drains: readonly Drain[];
  readonly steering: SteeringView;
}

export interface DrainControl {
  /** In milliseconds since the epoch, by the clock that drains end by. */
  nowMs(): number;
  view(): DrainsView;
  /** Of this server alone, for the other replicas. */
  rollout(): RolloutStatus;
  order(order: DrainOrder): Promise<DrainOutcome>;
  /** @param by - who wants it */
  end(target: DrainTarget, by?: string): Promise<EndOutcome>;
  /** Names whose answers an order would change, step by step; undefined: a step that found none. */
  preview(order: DrainOrder): Iterable<NameChange | undefined> | Refusal;
  previewEnd(target: DrainTarget): Iterable<NameChange | undefined> | Refusal;
}

/**
 * Owns what drills and plans see of the drains, of what is served and of what is wrong, as plain values and a few calls. What is
 * behind them is joined in src/serve; tests bring a ground of their own.
 */

import type { TargetSettings } from '../../config/settings.ts';
import type { DrainTarget } from '../../zonebuilder/drains.ts';
import type { Remaining } from '../../zonebuilder/remaining.ts';
import type { Loss, NameChange } from '../../zonebuilder/what-if.ts';

/** A drain that is in force. */
export interface DrainInForce {
  readonly target: DrainTarget;
  /** How much of its weight is left, 0 to 99; 0: it is out of the answers. */
  readonly percent: number;
  /** Who ordered it, such as `drill NAME`. */
  readonly by: string;
  /** When it was ordered, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Absent: until it is ended. */
  readonly untilMs?: number;
}

/** A drain to be ordered. */
export interface DrainOrder {
  readonly target: DrainTarget;
  readonly by: string;
  readonly reason: string;
  /** Absent: until it is ended. */
  readonly forSeconds?: number;
  /** Also where a name is left without addresses. */
  readonly force: boolean;
  /** Refuse it where the target is drained already: of several that order the same at once, one gets it. */
  readonly isNew?: true;
}

/** What became of an order; a refusal is told in one line. */
export type OrderOutcome =
  | { readonly kind: 'done' }
  /** `takenBy`: who has drained what was to be drained anew. */
  | { readonly kind: 'refused'; readonly text: string; readonly takenBy?: string };

/** What an order would come to. */
export interface Forecast {
  /** Names whose answers would change; beyond {@link NAMES_SHOWN_MAX} only their count. */
  readonly changes: readonly NameChange[];
  readonly names: number;
  /** Services that would have no address of a family any more, of which they have some. */
  readonly losses: readonly Loss[];
}

/** Names that a forecast lists: more does nobody read before an approval. */
export const NAMES_SHOWN_MAX = 200;

/** Everything that drills and plans ask of the rest. */
export interface Ground {
  /** What a text of the configuration means at the moment; a text where it means nothing. */
  resolve(what: TargetSettings): DrainTarget | string;
  drains(): readonly DrainInForce[];
  drain(order: DrainOrder): Promise<OrderOutcome>;
  undrain(target: DrainTarget, by: string): Promise<OrderOutcome>;
  /** What a drain, or its end, would change. Takes several turns of the event loop. */
  forecast(change: { readonly verb: 'drain' | 'undrain'; readonly target: DrainTarget }): Promise<Forecast>;
  /** What would be left of the Services that a target takes shards of. Takes several turns of the event loop. */
  remainingUnder(target: DrainTarget): Promise<readonly Remaining[]>;
  /** Shards of a Service that are in the answers; 0 where there is no such Service. */
  countingShards(service: string): number;
  /** Clusters out of contact that the target does not cover, as `CLUSTER: status`. */
  silentBeyond(target: DrainTarget): readonly string[];
  /** What the guard holds back, in one line each. */
  guardHeld(): readonly string[];
  /** Queries answered since the start. */
  queries(): number;
}

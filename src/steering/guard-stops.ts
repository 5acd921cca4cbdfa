/**
 * Stops: what one rule of the guard withholds of one cluster from one moment on. Owns which shards belong to which stop, and how
 * long each still lasts; when facts are withheld and passed on is guard.ts.
 */

import type { Timers } from '../timers.ts';
import type { Cause, ShardId, ShardState } from '../zonebuilder/facts.ts';
import type { Loss } from './guard-evidence.ts';

/** Why something is withheld, and what people call it. */
export const GUARD_RULES = {
  empty: 'the name would be without addresses',
  fraction: 'too many healthy shards would go at once',
  older: 'an older version would replace a newer one',
} as const;
export type GuardRule = keyof typeof GUARD_RULES;

/** Why something was let go, and what people call it. */
export const GUARD_RELEASES = {
  recovered: 'healthy again',
  evidence: 'said to be down',
  time: 'stayed missing while the cluster was in contact',
  operator: 'released by the operator',
  unserved: 'not served any more for another reason',
  removed: 'the cluster was removed',
  off: 'the guard was turned off',
} as const;
export type GuardRelease = keyof typeof GUARD_RELEASES;

/** A shard whose newest fact was not passed on. */
export interface Withheld {
  readonly id: ShardId;
  readonly stop: Stop;
  /** The newest fact; undefined: the shard is gone. */
  state: ShardState | undefined;
  cause: Cause;
}

export interface Stop {
  readonly id: string;
  readonly cluster: string;
  readonly rule: GuardRule;
  /** In milliseconds since the epoch. */
  readonly sinceMs: number;
  /** What was missing first, and the object that led to it. */
  readonly loss: Loss;
  readonly cause: Cause;
  /** By name of the Service. */
  readonly shards: Map<string, Withheld>;
  /** Shards that were let go, by why. */
  readonly released: Map<GuardRelease, number>;
  /** On the monotonic clock. */
  readonly openedMs: number;
  /** Time in contact that it still takes, counted from {@link runsFromMs}. */
  leftMs: number;
  /** On the monotonic clock; undefined while the cluster is out of contact. */
  runsFromMs: number | undefined;
}

/** What a stop is opened with. */
export type Opening = Pick<Stop, 'cluster' | 'rule' | 'sinceMs' | 'loss' | 'cause' | 'leftMs'> & {
  /** Whether the cluster is in contact. */
  readonly isRunning: boolean;
};

export class GuardStops {
  readonly #timers: Timers;
  /** In the order in which they were opened. */
  readonly #stops = new Set<Stop>();
  #ids = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  list(): Stop[] {
    return [...this.#stops];
  }

  of(cluster: string): Stop[] {
    return this.list().filter((stop) => stop.cluster === cluster);
  }

  /** A stop of the same rule and cluster that was opened less than `ms` ago. */
  young(cluster: string, rule: GuardRule, ms: number): Stop | undefined {
    const fromMs = this.#timers.now() - ms;
    return this.list().findLast(
      (stop) => stop.cluster === cluster && stop.rule === rule && stop.openedMs > fromMs,
    );
  }

  open({ isRunning, ...opening }: Opening): Stop {
    const nowMs = this.#timers.now();
    const stop: Stop = {
      ...opening,
      id: String(++this.#ids),
      shards: new Map(),
      released: new Map(),
      openedMs: nowMs,
      runsFromMs: isRunning ? nowMs : undefined,
    };
    this.#stops.add(stop);
    return stop;
  }

  close(stop: Stop): void {
    this.#stops.delete(stop);
  }

  /** The cluster is in contact, or is not. */
  setRunning(cluster: string, isRunning: boolean): void {
    const nowMs = this.#timers.now();
    for (const stop of this.of(cluster)) {
      stop.leftMs = this.leftMs(stop);
      stop.runsFromMs = isRunning ? nowMs : undefined;
    }
  }

  /** Time in contact that a stop still takes, in milliseconds. */
  leftMs({ leftMs, runsFromMs }: Stop): number {
    const passedMs = runsFromMs === undefined ? 0 : this.#timers.now() - runsFromMs;
    return Math.max(0, leftMs - passedMs);
  }

  /** How long until a stop is due whose cluster stays in contact; Infinity: none is. */
  nextMs(): number {
    const running = this.list().filter(({ runsFromMs }) => runsFromMs !== undefined);
    return Math.min(Infinity, ...running.map((stop) => this.leftMs(stop)));
  }

  due(): Stop[] {
    return this.list().filter((stop) => stop.runsFromMs !== undefined && this.leftMs(stop) === 0);
  }
}

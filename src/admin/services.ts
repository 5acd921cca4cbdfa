/** What the page and `fedns services` and `fedns service` show of Services. Plain values, and what the control plane is asked. */

import type { PlaceAnswer, ServicePlace } from '../zonebuilder/service-place.ts';

import type { VerdictReason } from '../zonebuilder/verdict.ts';

export type { PlaceAnswer, ServicePlace };

/** A Service in one line. */
export interface ServiceRow {
  /** `S.N.F`. */
  readonly name: string;
  readonly shards: number;
  readonly healthyShards: number;
}

/** Which Services are asked for: all, those with a shard that does not count, those without one that does. */
export const SERVICE_HEALTHS = ['all', 'degraded', 'down'] as const;
export type ServiceHealth = (typeof SERVICE_HEALTHS)[number];

/** Some rows of the Services that were looked for. */
export interface ServicePage {
  readonly serial: number;
  /** Services known. */
  readonly total: number;
  /** Those that were looked for. */
  readonly matched: number;
  /** Of the first row among them. */
  readonly offset: number;
  readonly rows: readonly ServiceRow[];
}

/** A shard of a Service, and whether it is in the answers. */
export interface ShardRow {
  readonly cluster: string;
  readonly region?: string;
  readonly zones: readonly string[];
  readonly addresses: readonly string[];
  readonly counts: boolean;
  /** A stable word for why. */
  readonly reason: VerdictReason;
  /** The same for people. */
  readonly why: string;
  /** When it last changed, in milliseconds since the epoch. */
  readonly changedMs: number;
}

/** One Service: its shards, and what each place answers with. */
export interface ServiceReport {
  /** `S.N.F`. */
  readonly name: string;
  readonly serial: number;
  readonly policy: string;
  readonly ttlSeconds: number;
  /** As `name/protocol port`. */
  readonly ports: readonly string[];
  readonly shards: readonly ShardRow[];
  readonly places: readonly ServicePlace[];
  /** What its operator should know. */
  readonly notices: readonly string[];
}

/** What the control plane knows of Services. */
export interface ServicesControl {
  /** `S.N.F` of each, in the order in which they became known. */
  names(): Iterable<string>;
  /** Undefined where it is gone. */
  row(name: string): ServiceRow | undefined;
  /** @param name - `S.N.F`, lower case */
  report(name: string): ServiceReport | undefined;
}

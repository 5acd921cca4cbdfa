/**
 * What a drill is: a drain of a zone, region or cluster for a while, at times of a calendar, to find out on a quiet morning what
 * would otherwise be found out in an outage: whether the rest carries the load. It shows nothing that a drain would not, and is
 * given up as soon as the rest is less than it was. Owns its states, what keeps one from beginning and what ends one; no clock,
 * no timer, no I/O. Who looks when is drill-keeper.ts.
 *
 * ```
 *                 something is in the way (OBSTACLES): a report, and no drain
 *               ┌──────┐
 *               │      ▼
 *   moment ──► resting ──────────── nothing is ──────────► running: drained, looked at with each
 *   by hand ─►    ▲                                           │     published change and each second
 *                 └──── something has ended it (ENDINGS) ─────┘
 *                       undrained at once, and a report
 * ```
 *
 * | state   | event                               | what is done                 | then    |
 * | ------- | ----------------------------------- | ---------------------------- | ------- |
 * | resting | moment, or by hand; an obstacle     | report: skipped or refused   | resting |
 * | resting | moment, or by hand; none            | drain; journal: begun        | running |
 * | running | moment, or by hand                  | nothing: one runs            | running |
 * | running | its time is over                    | undrain; report: succeeded   | resting |
 * | running | a shard, a cluster or the guard     | undrain; report: failed      | resting |
 * | running | somebody steers; reload; fedns ends | undrain; report: interrupted | resting |
 * | any     | fedns starts and one was running    | undrain; report: interrupted | resting |
 *
 * One drill runs at a time, and none beside a plan: what several do at once says nothing of either. A human's drain comes first:
 * with one in force no drill begins, and one that is set ends the drill. A crash leaves the drain to its own expiry at most.
 */

import type { BlockedWindow, DrillSettings } from '../../config/settings.ts';
import { drainKey, type DrainTarget } from '../../zonebuilder/drains.ts';
import type { Remaining } from '../../zonebuilder/remaining.ts';
import type { DrainInForce } from './ground.ts';

/** What came of a drill. */
export const OUTCOMES = {
  succeeded: 'it ran its time, and nothing fell',
  failed: 'something fell, and it was given up',
  interrupted: 'it was ended before its time, and tells nothing',
  refused: 'it did not begin, for something was not as it should be',
  skipped: 'it did not begin, for it was not wanted then',
} as const;
export type Outcome = keyof typeof OUTCOMES;

/** What keeps a drill from beginning; the first of this order is told. */
export const OBSTACLES = {
  blocked: 'skipped',
  running: 'skipped',
  plan: 'skipped',
  elsewhere: 'skipped',
  drains: 'refused',
  unknown: 'refused',
  nothing: 'refused',
  guard: 'refused',
  silent: 'refused',
  unhealthy: 'refused',
  empties: 'refused',
  order: 'refused',
} as const satisfies Record<string, Outcome>;
export type ObstacleCode = keyof typeof OBSTACLES;

/** What ends a drill. */
export const ENDINGS = {
  elapsed: 'succeeded',
  shards: 'failed',
  silent: 'failed',
  guard: 'failed',
  operator: 'interrupted',
  drains: 'interrupted',
  undrained: 'interrupted',
  configuration: 'interrupted',
  stopped: 'interrupted',
  restarted: 'interrupted',
} as const satisfies Record<string, Outcome>;
export type EndingCode = keyof typeof ENDINGS;

/** A reason, for programs and for people. */
export interface Reason<Code> {
  readonly code: Code;
  readonly text: string;
}

/** What is looked at before a drill begins. */
export interface Before {
  readonly blockedBy: BlockedWindow | undefined;
  /** The drill that runs. */
  readonly running: string | undefined;
  /** The plan that is under way. */
  readonly plan: string | undefined;
  /** Another fedns that shares the drains runs this drill, or has done so just now. */
  readonly isElsewhere: boolean;
  readonly drains: readonly DrainInForce[];
  /** What is to be drained, or why nothing is. */
  readonly target: DrainTarget | string;
  readonly guardHeld: readonly string[];
  readonly silent: readonly string[];
  readonly services: readonly Remaining[];
  /** Services that would have no address of a family any more. */
  readonly emptied: readonly string[];
}

/** How much of a list a reason shows. */
const SHOWN_MAX = 3;

/** @returns what is in the way; undefined: nothing is */
export function obstacleTo(before: Before): Reason<ObstacleCode> | undefined {
  const { services } = before;
  const missing = services.flatMap((one) => one.missing.map((why) => `${one.service} in ${why}`));
  const drained = before.drains.map(({ target, by }) => `${drainKey(target)} (${by})`);
  const found: Record<Exclude<ObstacleCode, 'order'>, string | false | undefined> = {
    blocked: before.blockedBy && `it would be at a blocked time: ${before.blockedBy.text}`,
    running: before.running !== undefined && `drill ${before.running} is running`,
    plan: before.plan !== undefined && `plan ${before.plan} is under way`,
    elsewhere: before.isElsewhere && 'another fedns with the same drains runs it',
    drains: some(drained, 'is drained already'),
    unknown: typeof before.target === 'string' && before.target,
    nothing: services.length === 0 && 'no Service has a shard there',
    guard: some(before.guardHeld, 'is held back by the guard'),
    silent: some(before.silent, 'is out of contact'),
    unhealthy: some(missing, 'is not in the answers'),
    empties: some(before.emptied, 'would be without addresses'),
  };
  return firstOf(found);
}

/** A drill while it runs. */
export interface DrillRun {
  readonly drill: string;
  readonly target: DrainTarget;
  /** Who began it: `calendar`, or who asked. */
  readonly by: string;
  /** In milliseconds since the epoch. */
  readonly startedMs: number;
  readonly untilMs: number;
  /** By Service, how many shards were left in the answers when it began. */
  readonly baseline: ReadonlyMap<string, number>;
  /** Services that it takes something of, and names whose answers it has changed. */
  readonly services: number;
  readonly names: number;
  /** Queries answered when it began. */
  readonly queries: number;
  /** Where the fewest shards were left so far. */
  readonly lowest: Lowest;
}

/** A Service and how many of its shards were in the answers. */
export interface Lowest {
  readonly service: string;
  readonly shards: number;
}

/** Whose shards are counted, and how. */
export interface ShardSight {
  /** Those that cannot have changed may be left out. */
  readonly services: Iterable<string>;
  readonly countingShards: (service: string) => number;
}

/** What is looked at while a drill runs. */
export interface Sight extends ShardSight {
  /** Its time has passed, by the wall clock or by the other one. */
  readonly isOver: boolean;
  readonly drains: readonly DrainInForce[];
  readonly guardHeld: readonly string[];
  readonly silent: readonly string[];
}

/** @returns what ends the drill; undefined: it goes on */
export function endingOf(run: DrillRun, sight: Sight): Reason<EndingCode> | undefined {
  const own = drainKey(run.target);
  const others = sight.drains.filter(({ target }) => drainKey(target) !== own);
  const isOwnThere = sight.drains.some(
    ({ target, by }) => drainKey(target) === own && by === orderedBy(run.drill),
  );
  return firstOf<Partial<Record<EndingCode, string | false | undefined>>>({
    shards: fallen(run, sight)?.text,
    silent: some(sight.silent, 'out of contact'),
    guard: some(sight.guardHeld, 'is held back by the guard'),
    drains: some(
      others.map(({ target, by }) => `${drainKey(target)} (${by})`),
      'was drained',
    ),
    // Its drain expires at the same moment, by a timer that may be the earlier one.
    elapsed: sight.isOver && 'its time is over',
    undrained: !isOwnThere && 'its drain was ended by somebody else',
  });
}

/** What alone is looked at with each published change: it is cheap, and the rest tells of itself within a second. */
export function fallen(
  { baseline }: DrillRun,
  { services, countingShards }: ShardSight,
): Reason<EndingCode> | undefined {
  for (const service of services) {
    const before = baseline.get(service);
    const now = before === undefined ? undefined : countingShards(service);
    if (before !== undefined && now !== undefined && now < before) {
      const text = `${service}: ${now} of the ${before} shards that were left are in the answers`;
      return { code: 'shards', text };
    }
  }
  return undefined;
}

/** The run with the lowest figure so far. */
export function withLowest(run: DrillRun, { services, countingShards }: ShardSight): DrillRun {
  let { lowest } = run;
  for (const service of services) {
    if (!run.baseline.has(service)) continue;
    const shards = countingShards(service);
    if (shards < lowest.shards) lowest = { service, shards };
  }
  return lowest === run.lowest ? run : { ...run, lowest };
}

/** What is kept of a drill that has ended, or did not begin. */
export interface DrillReport {
  readonly drill: string;
  readonly outcome: Outcome;
  readonly code: ObstacleCode | EndingCode;
  /** Why, in one line. */
  readonly why: string;
  readonly by: string;
  /** What was drained, or was to be. */
  readonly what: string;
  /** When it ended, or did not begin, in milliseconds since the epoch. */
  readonly endedMs: number;
  /** Of a drill that has run. */
  readonly run?: {
    readonly startedMs: number;
    /** Names whose answers changed. */
    readonly names: number;
    readonly services: number;
    /** Queries answered meanwhile, of whatever name. */
    readonly queries: number;
    readonly lowest: Lowest;
  };
}

export function reportOf(
  run: DrillRun,
  { code, text }: Reason<EndingCode>,
  now: { readonly ms: number; readonly queries: number },
): DrillReport {
  const { drill, by, target, startedMs, services, names, lowest } = run;
  const queries = Math.max(0, now.queries - run.queries);
  return {
    drill,
    outcome: ENDINGS[code],
    code,
    why: text,
    by,
    what: drainKey(target),
    endedMs: now.ms,
    run: { startedMs, names, services, queries, lowest },
  };
}

/** A report in one line, as the journal and the log have it. */
export function reportText({ outcome, run, endedMs }: DrillReport): string {
  if (run === undefined) return outcome;
  const seconds = Math.round((endedMs - run.startedMs) / 1000);
  return (
    `${outcome} after ${seconds} s: ${run.names} names of ${run.services} Services, ${run.queries} queries meanwhile, ` +
    `fewest shards left: ${run.lowest.shards} (${run.lowest.service})`
  );
}

/** Who a drill's drain is ordered by. */
export function orderedBy(drill: string): string {
  return `drill ${drill}`;
}

/** The reason of its drain. */
export function drainReason({ name, timeZone }: DrillSettings): string {
  return `drill ${name} (${timeZone})`;
}

function some(list: readonly string[], what: string): string | undefined {
  if (list.length === 0) return undefined;
  const more = list.length > SHOWN_MAX ? ` and ${list.length - SHOWN_MAX} more` : '';
  return `${list.slice(0, SHOWN_MAX).join(', ')}${more} ${what}`;
}

function firstOf<Found extends Readonly<Record<string, string | false | undefined>>>(
  found: Found,
): Reason<keyof Found & string> | undefined {
  for (const [code, text] of Object.entries(found))
    if (text !== undefined && text !== false) return { code, text };
  return undefined;
}

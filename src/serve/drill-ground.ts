/** Owns what drills and plans stand on: the drains of the server, what its domain answers, and what is wrong at the moment. */

import { setImmediate as turn } from 'node:timers/promises';
import { Counter } from '../server/counters.ts';
import { sumCounters } from '../server/counters-sum.ts';
import type { DrainOutcome, EndOutcome } from '../steering/drains/drain.ts';
import type { Drains } from '../steering/drains/drains.ts';
import { resolveTarget } from '../steering/drains/targets.ts';
import { NAMES_SHOWN_MAX, type Forecast, type Ground, type OrderOutcome } from '../steering/drills/ground.ts';
import type { Clock } from '../log.ts';
import { drainKey, indexDrains, type DrainIndex, type DrainTarget } from '../zonebuilder/drains.ts';
import { isIn } from '../zonebuilder/remaining.ts';
import type { DataPlane, ServedDomain } from './parts.ts';

/** Services that are looked at between two looks at the event loop. */
const STEPS_A_TURN = 64;

export interface GroundOptions {
  readonly drains: Drains;
  readonly domain: () => ServedDomain;
  readonly dataPlane: () => DataPlane | undefined;
  /** What the guard holds back, in one line each. */
  readonly guardHeld: () => readonly string[];
  readonly clock: Clock;
}

export function drillGround(options: GroundOptions): Ground {
  const { drains, domain, dataPlane, guardHeld, clock } = options;
  return {
    resolve(what) {
      const resolved = resolveTarget(what, {
        clusters: domain().clusterStates(),
        federations: domain().federations,
        hasService: (name) => domain().hasService(name),
      });
      return 'fault' in resolved ? resolved.fault : resolved.target;
    },
    drains: () =>
      drains.list().map(({ kind, name, cluster, percent, by = 'somebody', sinceMs, untilMs }) => ({
        target: { kind, name, ...(cluster !== undefined && { cluster }) },
        percent,
        by,
        sinceMs,
        ...(untilMs !== undefined && { untilMs }),
      })),
    async drain({ target, by, reason, forSeconds, force, isNew }) {
      const untilMs = forSeconds === undefined ? {} : { untilMs: clock() + forSeconds * 1000 };
      return outcomeOf(
        await drains.order({ ...target, ...untilMs, by, reason, force, ...(isNew && { isNew }) }),
      );
    },
    undrain: async (target, by) => outcomeOf(await drains.end(target, by)),
    forecast: (change) => forecast(drains, domain(), change),
    remainingUnder: async (target) => (await gathered(domain().remainingUnder(target))).found,
    countingShards: (service) => domain().countingShards(service),
    silentBeyond: (target) =>
      domain()
        .clusterStates()
        .filter((cluster) => cluster.status !== 'available' && !isIn(cluster, target))
        .map(({ name, status }) => `${name} (${status})`),
    guardHeld,
    queries: () => queriesOf(dataPlane()),
  };
}

function outcomeOf(outcome: DrainOutcome | EndOutcome): OrderOutcome {
  if (!('message' in outcome)) return { kind: 'done' };
  const takenBy = 'takenBy' in outcome ? { takenBy: outcome.takenBy } : {};
  return { kind: 'refused', text: outcome.message, ...takenBy };
}

/** It may be long: what is not shown is counted. */
async function forecast(
  drains: Drains,
  domain: ServedDomain,
  { verb, target }: { readonly verb: 'drain' | 'undrain'; readonly target: DrainTarget },
): Promise<Forecast> {
  const rules = rulesAfter(drains, verb, target);
  const { found: changes, count: names } = await gathered(domain.changesUnder(rules), NAMES_SHOWN_MAX);
  const { found: losses } = await gathered(domain.lossesUnder(rules));
  return { names, changes, losses };
}

function rulesAfter(drains: Drains, verb: 'drain' | 'undrain', target: DrainTarget): DrainIndex {
  const others = drains.rules.filter((rule) => drainKey(rule) !== drainKey(target));
  return indexDrains(verb === 'drain' ? [...others, { ...target, percent: 0 }] : others);
}

/** Takes the steps without keeping others waiting, and keeps the first of what they find. */
async function gathered<T>(
  steps: Iterable<T | undefined>,
  most = Infinity,
): Promise<{ readonly found: readonly T[]; readonly count: number }> {
  const found: T[] = [];
  let count = 0;
  let taken = 0;
  for (const step of steps) {
    if (++taken % STEPS_A_TURN === 0) await turn();
    if (step !== undefined && ++count <= most) found.push(step);
  }
  return { found, count };
}

function queriesOf(dataPlane: DataPlane | undefined): number {
  const sum = sumCounters(dataPlane?.counters() ?? []);
  return sum[Counter.queriesUdp]! + sum[Counter.queriesTcp]! + sum[Counter.queriesTls]!;
}

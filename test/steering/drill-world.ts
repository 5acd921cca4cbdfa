/** A ground for drills and plans: real answers of a zone builder, drains in a list, a guard that holds what a test says, and time that stands still. */

import type { DrillSettings, PlanSettings, TargetSettings } from '../../src/config/settings.ts';
import type { JournalEvent } from '../../src/journal/entry.ts';
import { createSchedule, nextMoment } from '../../src/jobs.ts';
import type { DrillState } from '../../src/steering/drills/drill-book.ts';
import { DrillKeeper } from '../../src/steering/drills/drill-keeper.ts';
import { PlanKeeper, type PlanState } from '../../src/steering/drills/plan-keeper.ts';
import type { DrainInForce, Forecast, Ground } from '../../src/steering/drills/ground.ts';
import { drainKey, indexDrains, type DrainTarget } from '../../src/zonebuilder/drains.ts';
import { countingShards, isIn, remainingUnder } from '../../src/zonebuilder/remaining.ts';
import { changesUnder, lossesUnder } from '../../src/zonebuilder/what-if.ts';
import { CAUSE, makeFederation, type Federation } from '../support/federation.ts';
import { quietLog, StillTime } from '../support/still-time.ts';

export interface World {
  readonly time: StillTime;
  readonly f: Federation;
  readonly ground: Ground;
  /** The drains in force; what is added here somebody else has ordered. */
  readonly drains: Map<string, DrainInForce>;
  /** What the guard holds. */
  readonly held: string[];
  /** Why drains are refused by whoever keeps them; undefined: they are not. */
  refusal: string | undefined;
  queries: number;
  readonly events: JournalEvent[];
  /** What is kept over a restart. */
  readonly kept: { drills: DrillState | undefined; plans: PlanState | undefined };
  /** Called after each change of what is served, with the Services. */
  onChange: (services?: readonly string[]) => void;
  /** A shard becomes ready or unready. */
  flip(cluster: string, service: string, ready: boolean): void;
  /** Says that the drains are others, as their keeper would. */
  drained(): void;
}

const NONE = { names: 0, changes: [], losses: [] } satisfies Forecast;

/** Three regions with one zone and cluster each, and two Services that are in all of them. */
export function makeWorld(start: string): World {
  const time = new StillTime(Date.parse(start));
  const f = makeFederation();
  for (const [region, number] of [
    ['eu', 1],
    ['us', 2],
    ['asia', 3],
  ] as const) {
    f.cluster(`${region}-1`, region, [`${region}-a`]);
    for (const [i, service] of ['web', 'db'].entries())
      f.shard(`${region}-1`, `${service}.shop.f`, { addresses: [`192.0.2.${10 * number + i}`] });
  }
  const drains = new Map<string, DrainInForce>();
  const world: World = {
    time,
    f,
    drains,
    held: [],
    refusal: undefined,
    queries: 0,
    events: [],
    kept: { drills: undefined, plans: undefined },
    onChange: () => {},
    ground: undefined as unknown as Ground,
    flip(cluster, service, ready) {
      const { shards } = f.builder.service(...namesOf(service))!;
      const shard = shards.find((each) => each.cluster === cluster);
      f.builder.upsertShard({ ...shard!, ready });
      world.onChange([service]);
    },
    drained() {
      f.builder.setDrains(
        [...drains.values()].map(({ target, percent }) => ({ ...target, percent })),
        CAUSE,
      );
      world.onChange();
    },
  };
  return Object.assign(world, { ground: groundOf(world) });
}

function namesOf(service: string): [string, string, string] {
  const [name = '', namespace = '', federation = ''] = service.split('.');
  return [federation, namespace, name];
}

function groundOf(world: World): Ground {
  const { f, drains, time } = world;
  const { builder } = f;
  return {
    resolve: (what) => targetOf(f, what),
    drains: () => [...drains.values()],
    async drain({ target, by, forSeconds }) {
      if (world.refusal !== undefined) return { kind: 'refused', text: world.refusal };
      await turn();
      const sinceMs = time.clock();
      const untilMs = forSeconds === undefined ? {} : { untilMs: sinceMs + forSeconds * 1000 };
      drains.set(drainKey(target), { target, percent: 0, by, sinceMs, ...untilMs });
      world.drained();
      return { kind: 'done' };
    },
    async undrain(target) {
      if (world.refusal !== undefined) return { kind: 'refused', text: world.refusal };
      await turn();
      drains.delete(drainKey(target));
      world.drained();
      return { kind: 'done' };
    },
    async forecast({ verb, target }) {
      await turn();
      const rules = new Map(builder.drains);
      if (verb === 'drain') rules.set(drainKey(target), { ...target, percent: 0 });
      else rules.delete(drainKey(target));
      const index = indexDrains(rules.values());
      const changes = [...changesUnder(builder, index)].flatMap((one) => one ?? []);
      return {
        ...NONE,
        changes,
        names: changes.length,
        losses: [...lossesUnder(builder, index)].flatMap((one) => one ?? []),
      };
    },
    async remainingUnder(target) {
      await turn();
      return [...remainingUnder(builder, target)].flatMap((one) => one ?? []);
    },
    countingShards: (service) => countingShards(builder, service),
    silentBeyond: (target) =>
      builder
        .clusters()
        .filter((cluster) => cluster.status !== 'available' && !isIn(cluster, target))
        .map(({ name, status }) => `${name}: ${status}`),
    guardHeld: () => world.held,
    queries: () => world.queries,
  };
}

function targetOf({ builder }: Federation, { kind, name }: TargetSettings): DrainTarget | string {
  const full = kind === 'zone' && !name.includes('.') ? `${name}.${name.replace(/-.*/, '')}` : name;
  const target = { kind, name: full };
  return builder.clusters().some((cluster) => isIn(cluster, target)) ? target : `there is no ${kind} ${name}`;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** As the server has a keeper look. */
export function lookOf(keeper: DrillKeeper, services: readonly string[] | undefined): void {
  if (services === undefined) keeper.look();
  else keeper.lookAt(services);
}

/** A drill keeper on a world; called within {@link dated}, for its calendar is the real one. */
export async function keepDrills(
  world: World,
  drills: readonly DrillSettings[],
  planUnderWay: () => string | undefined = () => undefined,
): Promise<DrillKeeper> {
  const { time, ground, kept, events } = world;
  const keeper = new DrillKeeper({
    ground,
    ledger: {
      load: async () => kept.drills && structuredClone(kept.drills),
      save: async (state) => void (kept.drills = structuredClone(state)),
    },
    schedule: createSchedule(quietLog, time),
    nextMoment,
    clock: time.clock,
    timers: time,
    log: quietLog,
    note: (event) => void events.push(event),
    planUnderWay,
  });
  world.onChange = (services) => lookOf(keeper, services);
  await keeper.start();
  await keeper.adopt(drills);
  return keeper;
}

/** A plan keeper on a world. */
export async function keepPlans(
  world: World,
  plans: readonly PlanSettings[],
  drillRunning: () => string | undefined = () => undefined,
): Promise<PlanKeeper> {
  const { time, ground, kept, events } = world;
  const keeper = new PlanKeeper({
    ground,
    ledger: {
      load: async () => kept.plans && structuredClone(kept.plans),
      save: async (state) => void (kept.plans = structuredClone(state)),
    },
    clock: time.clock,
    log: quietLog,
    note: (event) => void events.push(event),
    drillRunning,
  });
  await keeper.start();
  keeper.adopt(plans);
  return keeper;
}

/**
 * Runs one drill at a time: orders its drain, looks at what is left while it lasts, and ends it. Owns the drain and the timer;
 * what keeps a drill from beginning is the keeper's business, what ends one drill.ts has.
 */

import type { DrillSettings } from '../../config/settings.ts';
import type { Clock, Log } from '../../log.ts';
import type { Timer, Timers } from '../../timers.ts';
import { drainKey, type DrainTarget } from '../../zonebuilder/drains.ts';
import type { Remaining } from '../../zonebuilder/remaining.ts';
import type { DrillBook, KeptRun } from './drill-book.ts';
import {
  drainReason,
  endingOf,
  fallen,
  orderedBy,
  reportOf,
  withLowest,
  type DrillReport,
  type DrillRun,
  type EndingCode,
  type ObstacleCode,
  type Reason,
  type ShardSight,
} from './drill.ts';
import type { Forecast, Ground } from './ground.ts';
import type { Queue } from './queue.ts';

/** How often a drill is looked at besides at every published change, in milliseconds: drains and the guard tell nobody. */
const LOOK_MS = 1000;
/** In so many looks each Service has its turn, for changes that no answer shows; ten thousand at once would hold others up. */
const LOOKS_FOR_ALL = 10;
/** Time that a drain is given beyond its drill, in seconds: it ends with the drill, and by itself only after a crash. */
const SPARE_SECONDS = 5;

/** What a drill would come to. */
export interface Outlook {
  readonly target: DrainTarget;
  readonly forecast: Forecast;
  readonly services: readonly Remaining[];
}

export interface RunnerOptions {
  readonly ground: Ground;
  readonly book: DrillBook;
  /** In which all is done but looking. */
  readonly queue: Queue;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export class DrillRunner {
  readonly #options: RunnerOptions;
  #run: DrillRun | undefined;
  /** The drill whose drain is ours, from before it is ordered until it has been ended. */
  #own: string | undefined;
  /** When its time is over whatever the wall clock says, on the monotonic one. */
  #overMs = Infinity;
  #timer: Timer | undefined;
  /** The Services that it is measured by. */
  #names: readonly string[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** The drill that runs. */
  get run(): DrillRun | undefined {
    return this.#run;
  }

  get own(): string | undefined {
    return this.#own;
  }

  /** Takes the place of the process that ran a drill, to end it. */
  takeOver(run: KeptRun): void {
    this.#run = { ...run, baseline: new Map() };
    this.#own = run.drill;
  }

  /** Drains. To be called in turn, and while nothing runs. @returns what was in the way after all */
  async begin(
    settings: DrillSettings,
    by: string,
    outlook: Outlook,
  ): Promise<Reason<ObstacleCode> | undefined> {
    const { ground, clock, timers, book } = this.#options;
    const { name, forSeconds } = settings;
    this.#own = name;
    const at = { startedMs: clock(), queries: ground.queries() };
    const order = { target: outlook.target, by: orderedBy(name), reason: drainReason(settings) };
    const lasting = { forSeconds: forSeconds + SPARE_SECONDS, force: false, isNew: true } as const;
    const done = await ground.drain({ ...order, ...lasting });
    if (done.kind === 'refused') {
      this.#own = undefined;
      return { code: done.takenBy === orderedBy(name) ? 'elsewhere' : 'order', text: done.text };
    }
    const run = runOf(settings, by, outlook, at);
    this.#run = run;
    this.#names = [...run.baseline.keys()];
    this.#overMs = timers.now() + forSeconds * 1000;
    // What has changed since it was counted was seen by nobody.
    this.look();
    this.#watch(1);
    await book.begun(run);
    return undefined;
  }

  /** @param count - of looks up to now */
  #watch(count: number): void {
    this.#timer?.cancel();
    const run = this.#run;
    if (run === undefined) return;
    const { clock, timers } = this.#options;
    const leftMs = Math.max(run.untilMs - clock(), 1);
    this.#timer = timers.after(Math.min(LOOK_MS, leftMs), () => {
      const size = Math.ceil(this.#names.length / LOOKS_FOR_ALL);
      const from = (count % LOOKS_FOR_ALL) * size;
      this.look(this.#names.slice(from, from + size));
      this.#watch(count + 1);
    });
  }

  /**
   * Looks at a change of answers: only at shards, for there may be thousands of changes a second.
   *
   * @param services - `S.N.F` of those whose answers have just changed
   */
  lookAt(services: readonly string[]): void {
    const run = this.#run;
    if (run === undefined) return;
    const sight = this.#shardsOf(services);
    this.#run = withLowest(run, sight);
    this.#endFor(fallen(run, sight), run);
  }

  /** Looks at everything that concerns the drill, but of Services only at these. */
  look(services = this.#names): void {
    const run = this.#run;
    if (run === undefined) return;
    const { ground, clock, timers } = this.#options;
    const sight = {
      ...this.#shardsOf(services),
      isOver: clock() >= run.untilMs || timers.now() >= this.#overMs,
      drains: ground.drains(),
      guardHeld: ground.guardHeld(),
      silent: ground.silentBeyond(run.target),
    };
    this.#run = withLowest(run, sight);
    this.#endFor(endingOf(run, sight), run);
  }

  /** Counted once, for all that asks. */
  #shardsOf(services: readonly string[]): ShardSight {
    const { ground } = this.#options;
    const own = services.filter((service) => this.#run?.baseline.has(service) === true);
    const counts = new Map(own.map((service) => [service, ground.countingShards(service)]));
    return { services: own, countingShards: (service) => counts.get(service)! };
  }

  #endFor(ending: Reason<EndingCode> | undefined, { startedMs }: DrillRun): void {
    if (ending !== undefined) void this.#options.queue.run(() => this.end(ending, startedMs));
  }

  /**
   * Ends the drill that runs. To be called in turn.
   *
   * @param startedMs - of the run that is meant; another one is left alone
   * @returns undefined where it does not run
   */
  async end(reason: Reason<EndingCode>, startedMs = this.#run?.startedMs): Promise<DrillReport | undefined> {
    const run = this.#run;
    if (run === undefined || run.startedMs !== startedMs) return undefined;
    this.#timer?.cancel();
    const { ground, clock, book } = this.#options;
    const report = reportOf(run, reason, { ms: clock(), queries: ground.queries() });
    this.#run = undefined;
    await this.#undrain(run);
    this.#own = undefined;
    await book.ended(report, true);
    return report;
  }

  /** A drain of the same that somebody has ordered meanwhile is theirs. */
  async #undrain({ drill, target: own }: DrillRun): Promise<void> {
    const { ground, log } = this.#options;
    const isOurs = ground
      .drains()
      .some(({ target, by }) => drainKey(target) === drainKey(own) && by === orderedBy(drill));
    const done = isOurs ? await ground.undrain(own, orderedBy(drill)) : undefined;
    if (done?.kind === 'refused')
      log.error({ drill, reason: done.text }, 'the drain of a drill that has ended stays until it expires');
  }
}

function runOf(
  { name, forSeconds }: DrillSettings,
  by: string,
  { target, forecast, services }: Outlook,
  at: Pick<DrillRun, 'startedMs' | 'queries'>,
): DrillRun {
  const baseline = new Map(services.map(({ service, remaining }) => [service, remaining]));
  const [service, shards] = [...baseline].toSorted(([, a], [, b]) => a - b)[0]!;
  return {
    ...at,
    drill: name,
    target,
    by,
    untilMs: at.startedMs + forSeconds * 1000,
    baseline,
    services: baseline.size,
    names: forecast.names,
    lowest: { service, shards },
  };
}

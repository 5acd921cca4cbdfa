/**
 * Keeps the drills of the configuration: begins them at their times, looks at one that runs, ends it, and says what came of it.
 * Owns their timers and the order in which things are done; what keeps one from beginning and what ends it is drill.ts.
 */

import { isDeepStrictEqual } from 'node:util';
import type { DrillSettings } from '../../config/settings.ts';
import type { Job, Schedule } from '../../jobs.ts';
import type { JournalEvent } from '../../journal/entry.ts';
import type { Clock, Log } from '../../log.ts';
import type { Timer, Timers } from '../../timers.ts';
import { drainKey, type DrainTarget } from '../../zonebuilder/drains.ts';
import type { Remaining } from '../../zonebuilder/remaining.ts';
import { blockedBy } from './blocked.ts';
import {
  drainReason,
  endingOf,
  fallen,
  OBSTACLES,
  obstacleTo,
  orderedBy,
  reportOf,
  reportText,
  withLowest,
  type Before,
  type DrillReport,
  type DrillRun,
  type EndingCode,
  type ObstacleCode,
  type Reason,
  type ShardSight,
  type Sight,
} from './drill.ts';
import type { Forecast, Ground } from './ground.ts';
import type { Ledger } from './ledger.ts';

/** How often a drill that runs is looked at besides at every published change, in milliseconds: drains and the guard tell nobody. */
const LOOK_MS = 1000;
/** A drill of the same name that another fedns began so recently is this one, its clock being ahead, in milliseconds. */
const ELSEWHERE_MS = 300_000;
/** Of so many looks one is at all Services. */
const WHOLE_LOOK_EACH = 10;
/** Who begins a drill at its time. */
const CALENDAR = 'calendar';
/** Time that a drain is given beyond its drill, in seconds: it ends with the drill, and by itself only after a crash. */
const SPARE_SECONDS = 5;

/** What is kept over a restart. */
export interface DrillState {
  /** The last report of each drill. */
  readonly reports: readonly DrillReport[];
  /** The drill that runs. */
  readonly running?: Omit<DrillRun, 'baseline'>;
}

export interface DrillKeeperOptions {
  readonly ground: Ground;
  readonly ledger: Ledger<DrillState>;
  readonly schedule: Schedule;
  /** When a cron expression matches next in a time zone, in milliseconds since the epoch. */
  readonly nextMoment: (cron: string, timeZone: string) => number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly note: (event: JournalEvent) => void;
  /** The plan that is under way. */
  readonly planUnderWay: () => string | undefined;
}

/** A drill as it is listed. */
export interface DrillView {
  readonly settings: DrillSettings;
  /** When it begins next, in milliseconds since the epoch; a blocked time is not left out. */
  readonly nextMs: number;
  /** The time at which it would be then, where that is a blocked one. */
  readonly nextBlockedBy?: string;
  readonly running?: Omit<DrillRun, 'drill' | 'target' | 'baseline' | 'queries'>;
  readonly last?: DrillReport;
}

/** What became of an order to begin or to end a drill. */
export type DrillOutcome =
  | { readonly kind: 'begun'; readonly untilMs: number; readonly names: number }
  | { readonly kind: 'would'; readonly forecast: Forecast }
  | {
      readonly kind: 'refused';
      readonly code: ObstacleCode;
      readonly text: string;
      readonly forecast?: Forecast;
    }
  | { readonly kind: 'ended'; readonly report: DrillReport }
  /** There is no such drill. */
  | { readonly kind: 'absent'; readonly text: string }
  /** It does not run. */
  | { readonly kind: 'idle'; readonly text: string };

/** What a drill would come to. */
interface Outlook {
  readonly target: DrainTarget;
  readonly forecast: Forecast;
  readonly services: readonly Remaining[];
}

/** The drills of one fedns. */
export class DrillKeeper {
  readonly #options: DrillKeeperOptions;
  readonly #jobs = new Map<string, { readonly settings: DrillSettings; readonly job: Job }>();
  readonly #reports = new Map<string, DrillReport>();
  /** When another fedns was last seen to run a drill. */
  readonly #elsewhere = new Map<string, number>();
  #run: DrillRun | undefined;
  /** The drill whose drain is ours, from before it is ordered until it has been ended. */
  #own: string | undefined;
  #timer: Timer | undefined;
  /** What is being done: one thing after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: DrillKeeperOptions) {
    this.#options = options;
  }

  /** Takes up what the last run left, and ends the drill that it left running. */
  async start(): Promise<void> {
    const state = await this.#options.ledger.load();
    for (const report of state?.reports ?? []) this.#reports.set(report.drill, report);
    if (state?.running === undefined) return;
    this.#run = { ...state.running, baseline: new Map() };
    this.#own = state.running.drill;
    await this.#end({ code: 'restarted', text: 'fedns was not there to look at it' });
  }

  /** Ends the drill that runs: nobody would look at it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { job } of this.#jobs.values()) await job.stop();
    this.#jobs.clear();
    await this.#inTurn(() => this.#end({ code: 'stopped', text: 'fedns is stopping' }));
  }

  /** After a {@link stop}: drills that are adopted begin again. */
  resume(): void {
    this.#isStopped = false;
  }

  /** Puts other settings in force. A drill that runs and is another now, or none, is ended. */
  async adopt(drills: readonly DrillSettings[]): Promise<void> {
    const wanted = new Map(drills.map((settings) => [settings.name, settings]));
    for (const [name, { settings, job }] of this.#jobs) {
      if (isDeepStrictEqual(wanted.get(name), settings)) continue;
      await job.stop();
      this.#jobs.delete(name);
      if (this.#run?.drill === name)
        await this.#inTurn(() => this.#end({ code: 'configuration', text: 'it was changed or removed' }));
    }
    for (const settings of drills) if (!this.#jobs.has(settings.name)) this.#schedule(settings);
  }

  #schedule(settings: DrillSettings): void {
    const { name, cron, timeZone } = settings;
    const run = async (): Promise<void> => void (await this.begin(name, CALENDAR));
    this.#jobs.set(name, { settings, job: this.#options.schedule(orderedBy(name), cron, run, timeZone) });
  }

  /** The drill that runs. */
  get running(): string | undefined {
    return this.#run?.drill;
  }

  views(): DrillView[] {
    return [...this.#jobs.values()].map(({ settings }) => this.#viewOf(settings));
  }

  #viewOf(settings: DrillSettings): DrillView {
    const { name, cron, timeZone, blocked, forSeconds } = settings;
    const nextMs = this.#options.nextMoment(cron, timeZone);
    const window = blockedBy(blocked, timeZone, nextMs, forSeconds);
    const last = this.#reports.get(name);
    const run = this.#run?.drill === name ? this.#run : undefined;
    return {
      settings,
      nextMs,
      ...(window !== undefined && { nextBlockedBy: window.text }),
      ...(run !== undefined && { running: run }),
      ...(last !== undefined && { last }),
    };
  }

  /** Begins a drill, or says what is in the way; with `isDry`, what it would change. */
  begin(name: string, by: string, isDry = false): Promise<DrillOutcome> {
    return this.#inTurn(async () => {
      const settings = this.#jobs.get(name)?.settings;
      if (settings === undefined || this.#isStopped)
        return { kind: 'absent', text: `there is no drill ${name}` };
      const outlook = await this.#outlook(settings);
      const obstacle = obstacleTo(this.#before(settings, by, outlook));
      if (isDry) return wouldBegin(outlook, obstacle);
      if (obstacle !== undefined) return this.#refuse(settings, by, obstacle);
      return this.#drain(settings, by, outlook!);
    });
  }

  /** What the drill would come to; undefined where it means nothing. */
  async #outlook({ what }: DrillSettings): Promise<Outlook | undefined> {
    const { ground } = this.#options;
    const target = ground.resolve(what);
    if (typeof target === 'string') return undefined;
    const forecast = await ground.forecast({ verb: 'drain', target });
    return { target, forecast, services: await ground.remainingUnder(target) };
  }

  #before(settings: DrillSettings, by: string, outlook: Outlook | undefined): Before {
    const { ground, clock, planUnderWay } = this.#options;
    const { name, blocked, timeZone, forSeconds, what } = settings;
    this.#noteOthers();
    return {
      blockedBy: blockedBy(blocked, timeZone, clock(), forSeconds),
      running: this.#run?.drill,
      plan: planUnderWay(),
      isElsewhere: by === CALENDAR && this.#isElsewhere(name),
      drains: ground.drains(),
      target: ground.resolve(what),
      guardHeld: ground.guardHeld(),
      silent: outlook === undefined ? [] : ground.silentBeyond(outlook.target),
      services: outlook?.services ?? [],
      emptied: outlook?.forecast.losses.map(({ service }) => service) ?? [],
    };
  }

  /** A drain of this drill that is not ours has been there: all that share the drains have the same calendar. */
  #isElsewhere(name: string): boolean {
    const seenMs = this.#elsewhere.get(name);
    return seenMs !== undefined && this.#options.clock() - seenMs < ELSEWHERE_MS;
  }

  /** A drill that runs keeps the report of its last run, and tells of itself once it ends. */
  async #refuse(
    settings: DrillSettings,
    by: string,
    { code, text }: Reason<ObstacleCode>,
  ): Promise<DrillOutcome> {
    const { clock } = this.#options;
    const what = `${settings.what.kind} ${settings.what.name}`;
    const outcome = OBSTACLES[code];
    const report = { drill: settings.name, outcome, code, why: text, by, what, endedMs: clock() };
    if (code !== 'running' || this.#run?.drill !== settings.name) await this.#keep(report);
    return { kind: 'refused', code, text };
  }

  async #drain(
    settings: DrillSettings,
    by: string,
    { target, forecast, services }: Outlook,
  ): Promise<DrillOutcome> {
    const { ground, clock } = this.#options;
    const { name, forSeconds } = settings;
    const order = {
      target,
      by: orderedBy(name),
      reason: drainReason(settings),
      force: false,
      isNew: true,
    } as const;
    this.#own = name;
    const startedMs = clock();
    const queries = ground.queries();
    const done = await ground.drain({ ...order, forSeconds: forSeconds + SPARE_SECONDS });
    if (done.kind === 'refused') {
      this.#own = undefined;
      const isElsewhere = done.takenBy === orderedBy(name);
      return this.#refuse(settings, by, { code: isElsewhere ? 'elsewhere' : 'order', text: done.text });
    }
    const baseline = new Map(services.map(({ service, remaining }) => [service, remaining]));
    const [service, shards] = [...baseline].toSorted(([, a], [, b]) => a - b)[0]!;
    const untilMs = startedMs + forSeconds * 1000;
    const { names } = forecast;
    await this.#began({
      drill: name,
      target,
      by,
      startedMs,
      untilMs,
      baseline,
      services: baseline.size,
      names,
      queries,
      lowest: { service, shards },
    });
    return { kind: 'begun', untilMs, names };
  }

  async #began(run: DrillRun): Promise<void> {
    const { drill, target, by, untilMs, names, services } = run;
    const { note, log } = this.#options;
    this.#run = run;
    const what = drainKey(target);
    log.info({ drill, what, names, services }, 'a drill began');
    const text = `${what}: ${names} names of ${services} Services`;
    note({ what: 'drillBegun', subject: drill, by, untilMs, text });
    // What has changed since it was counted was seen by nobody.
    this.look();
    this.#watch(1);
    await this.#save();
  }

  /** @param count - of looks up to now; every tenth is at all Services, for changes that no answer shows */
  #watch(count: number): void {
    this.#timer?.cancel();
    const run = this.#run;
    if (run === undefined) return;
    const leftMs = Math.max(run.untilMs - this.#options.clock(), 1);
    this.#timer = this.#options.timers.after(Math.min(LOOK_MS, leftMs), () => {
      this.look(count % WHOLE_LOOK_EACH !== 0);
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

  /** Looks at everything that concerns the drill that runs; with `isQuick`, shards are left out. */
  look(isQuick = false): void {
    this.#noteOthers();
    const run = this.#run;
    if (run === undefined) return;
    const { ground, clock } = this.#options;
    const sight: Sight = {
      ...this.#shardsOf(isQuick ? [] : [...run.baseline.keys()]),
      nowMs: clock(),
      drains: ground.drains(),
      guardHeld: ground.guardHeld(),
      silent: ground.silentBeyond(run.target),
    };
    this.#run = withLowest(run, sight);
    this.#endFor(endingOf(run, sight), run);
  }

  #shardsOf(services: readonly string[]): ShardSight {
    const { ground } = this.#options;
    return { services, countingShards: (service) => ground.countingShards(service) };
  }

  #endFor(ending: Reason<EndingCode> | undefined, { startedMs }: DrillRun): void {
    if (ending !== undefined) void this.#inTurn(() => this.#end(ending, startedMs));
  }

  /** Remembers drills that others run, as far as their drains are shared. */
  #noteOthers(): void {
    if (this.#jobs.size === 0) return;
    for (const { by, sinceMs } of this.#options.ground.drains()) {
      const name = /^drill (\S+)$/.exec(by)?.[1];
      if (name !== undefined && name !== this.#own && this.#jobs.has(name))
        this.#elsewhere.set(name, sinceMs);
    }
  }

  /** Ends a drill on behalf of somebody. */
  end(name: string, by: string): Promise<DrillOutcome> {
    return this.#inTurn(async () => {
      if (this.#run?.drill === name) {
        const report = await this.#end({ code: 'operator', text: `stopped by ${by}` });
        return { kind: 'ended', report: report! };
      }
      return this.#endElsewhere(name, by);
    });
  }

  /** Another fedns runs it: without its drain it ends there. */
  async #endElsewhere(name: string, by: string): Promise<DrillOutcome> {
    const { ground } = this.#options;
    const drain = ground.drains().find((each) => each.by === orderedBy(name));
    if (drain === undefined)
      return this.#jobs.has(name)
        ? { kind: 'idle', text: `drill ${name} does not run` }
        : { kind: 'absent', text: `there is no drill ${name}` };
    const done = await ground.undrain(drain.target, by);
    if (done.kind === 'refused') return { kind: 'refused', code: 'order', text: done.text };
    const report: DrillReport = {
      drill: name,
      outcome: 'interrupted',
      code: 'operator',
      why: `stopped by ${by}; the fedns that ran it has the figures`,
      by: CALENDAR,
      what: drainKey(drain.target),
      endedMs: this.#options.clock(),
    };
    await this.#keep(report);
    return { kind: 'ended', report };
  }

  /** @param startedMs - of the run that is meant; another one is left alone */
  async #end(reason: Reason<EndingCode>, startedMs = this.#run?.startedMs): Promise<DrillReport | undefined> {
    const run = this.#run;
    if (run === undefined || run.startedMs !== startedMs) return undefined;
    this.#timer?.cancel();
    const { ground, clock } = this.#options;
    const report = reportOf(run, reason, { ms: clock(), queries: ground.queries() });
    this.#run = undefined;
    await this.#undrain(run);
    this.#own = undefined;
    await this.#keep(report);
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

  async #keep(report: DrillReport): Promise<void> {
    const { log, note } = this.#options;
    this.#reports.set(report.drill, report);
    const text = reportText(report);
    const isWell = report.outcome === 'succeeded' || report.outcome === 'skipped';
    log[isWell ? 'info' : 'warn'](
      { drill: report.drill, code: report.code, reason: report.why },
      `a drill: ${text}`,
    );
    note({ what: 'drillEnded', subject: report.drill, by: report.by, why: report.why, text });
    await this.#save();
  }

  async #save(): Promise<void> {
    const { baseline, ...run } = this.#run ?? {};
    const running = baseline === undefined ? {} : { running: run as Omit<DrillRun, 'baseline'> };
    await this.#options.ledger.save({ reports: [...this.#reports.values()], ...running });
  }

  /** One thing after the other: what is being begun is not ended half-way. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function wouldBegin(outlook: Outlook | undefined, obstacle: Reason<ObstacleCode> | undefined): DrillOutcome {
  const forecast = outlook && { forecast: outlook.forecast };
  if (obstacle !== undefined) return { kind: 'refused', ...obstacle, ...forecast };
  return { kind: 'would', forecast: outlook!.forecast };
}

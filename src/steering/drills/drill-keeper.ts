/**
 * Keeps the drills of the configuration: begins them at their times or by hand where nothing is in the way, and lists them. What is
 * in the way and what ends one is in drill.ts; how one is run drill-runner.ts.
 */

import { isDeepStrictEqual } from 'node:util';
import type { DrillSettings } from '../../config/settings.ts';
import type { Job, Schedule } from '../../jobs.ts';
import { drainKey } from '../../zonebuilder/drains.ts';
import { blockedBy } from './blocked.ts';
import { DrillBook, type BookOptions } from './drill-book.ts';
import { DrillRunner, type Outlook, type RunnerOptions } from './drill-runner.ts';
import {
  OBSTACLES,
  obstacleTo,
  orderedBy,
  type Before,
  type DrillReport,
  type DrillRun,
  type ObstacleCode,
  type Reason,
} from './drill.ts';
import type { Forecast } from './ground.ts';
import { Queue } from './queue.ts';

/** A drill of the same name that another fedns began so recently is this one, its clock being ahead, in milliseconds. */
const ELSEWHERE_MS = 300_000;
/** How often drills of others are looked for, in milliseconds. */
const OTHERS_MS = 1000;
/** For how long the next moment of a drill is remembered, in milliseconds: after a step of the clock it is another. */
const NEXT_MS = 60_000;
/** Who begins a drill at its time. */
const CALENDAR = 'calendar';

export interface DrillKeeperOptions extends Omit<RunnerOptions, 'book' | 'queue'>, BookOptions {
  readonly schedule: Schedule;
  /** When a cron expression matches next in a time zone, in milliseconds since the epoch. */
  readonly nextMoment: (cron: string, timeZone: string) => number;
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

/** A drill of the configuration. */
interface Kept {
  readonly settings: DrillSettings;
  readonly job: Job;
  /** Its next moment, as it was worked out. */
  next?: Pick<DrillView, 'nextMs' | 'nextBlockedBy'> & { readonly foundMs: number };
}

/** The drills of one fedns. */
export class DrillKeeper {
  readonly #options: DrillKeeperOptions;
  readonly #queue = new Queue();
  readonly #book: DrillBook;
  readonly #runner: DrillRunner;
  readonly #drills = new Map<string, Kept>();
  /** When another fedns was last seen to run a drill. */
  readonly #elsewhere = new Map<string, number>();
  #othersMs = -Infinity;
  #isStopped = false;

  constructor(options: DrillKeeperOptions) {
    this.#options = options;
    this.#book = new DrillBook(options);
    this.#runner = new DrillRunner({ ...options, book: this.#book, queue: this.#queue });
  }

  /** Takes up what the last run left, and ends the drill that it left running. */
  async start(): Promise<void> {
    const running = await this.#book.load();
    if (running === undefined) return;
    this.#runner.takeOver(running);
    await this.#runner.end({ code: 'restarted', text: 'fedns was not there to look at it' });
  }

  /** Ends the drill that runs: nobody would look at it. May be called again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { job } of this.#drills.values()) await job.stop();
    this.#drills.clear();
    await this.#queue.run(() => this.#runner.end({ code: 'stopped', text: 'fedns is stopping' }));
  }

  /** After a {@link stop}: drills that are adopted begin again. */
  resume(): void {
    this.#isStopped = false;
  }

  /** Puts other settings in force. A drill that runs and is another now, or none, is ended. */
  async adopt(drills: readonly DrillSettings[]): Promise<void> {
    const wanted = new Map(drills.map((settings) => [settings.name, settings]));
    const ending = { code: 'configuration', text: 'it was changed or removed' } as const;
    for (const [name, { settings, job }] of this.#drills) {
      if (isDeepStrictEqual(wanted.get(name), settings)) continue;
      await job.stop();
      this.#drills.delete(name);
      if (this.running === name) await this.#queue.run(() => this.#runner.end(ending));
    }
    for (const settings of drills) if (!this.#drills.has(settings.name)) this.#schedule(settings);
  }

  #schedule(settings: DrillSettings): void {
    const { name, cron, timeZone } = settings;
    const run = async (): Promise<void> => void (await this.begin(name, CALENDAR));
    const job = this.#options.schedule(orderedBy(name), cron, run, timeZone);
    this.#drills.set(name, { settings, job });
  }

  /** The drill that runs. */
  get running(): string | undefined {
    return this.#runner.run?.drill;
  }

  views(): DrillView[] {
    return [...this.#drills.values()].map((drill) => this.#viewOf(drill));
  }

  #viewOf(drill: Kept): DrillView {
    const { settings } = drill;
    const { foundMs: _foundMs, ...next } = this.#nextOf(drill);
    const last = this.#book.last(settings.name);
    const { run } = this.#runner;
    return {
      settings,
      ...next,
      ...(run?.drill === settings.name && { running: run }),
      ...(last !== undefined && { last }),
    };
  }

  #nextOf(drill: Kept): NonNullable<Kept['next']> {
    const { clock, nextMoment } = this.#options;
    const foundMs = clock();
    const known = drill.next;
    if (known !== undefined && foundMs < known.nextMs && Math.abs(foundMs - known.foundMs) < NEXT_MS)
      return known;
    const { cron, timeZone, blocked, forSeconds } = drill.settings;
    const nextMs = nextMoment(cron, timeZone);
    const window = blockedBy(blocked, timeZone, nextMs, forSeconds);
    const next = { nextMs, foundMs, ...(window !== undefined && { nextBlockedBy: window.text }) };
    drill.next = next;
    return next;
  }

  /** Begins a drill, or says what is in the way; with `isDry`, what it would change. */
  begin(name: string, by: string, isDry = false): Promise<DrillOutcome> {
    return this.#queue.run(async () => {
      const settings = this.#drills.get(name)?.settings;
      if (settings === undefined || this.#isStopped) return absent(name);
      const outlook = await this.#outlook(settings);
      const obstacle = obstacleTo(this.#before(settings, by, outlook));
      if (isDry) return wouldBegin(outlook, obstacle);
      const refusal = obstacle ?? (await this.#runner.begin(settings, by, outlook!));
      if (refusal !== undefined) return this.#refuse(settings, by, refusal);
      const untilMs = this.#options.clock() + settings.forSeconds * 1000;
      return { kind: 'begun', untilMs, names: outlook!.forecast.names };
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
      running: this.running,
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

  /** Remembers drills that others run, as far as their drains are shared. */
  #noteOthers(): void {
    const { ground, clock } = this.#options;
    this.#othersMs = clock();
    for (const { by, sinceMs } of ground.drains()) {
      const name = /^drill (\S+)$/.exec(by)?.[1];
      if (name !== undefined && name !== this.#runner.own && this.#drills.has(name))
        this.#elsewhere.set(name, sinceMs);
    }
  }

  /** Of a drill that runs the report comes once it has ended; that it was begun again is no news. */
  async #refuse(
    settings: DrillSettings,
    by: string,
    { code, text }: Reason<ObstacleCode>,
  ): Promise<DrillOutcome> {
    const { name, what } = settings;
    const report = {
      drill: name,
      outcome: OBSTACLES[code],
      code,
      why: text,
      by,
      what: `${what.kind} ${what.name}`,
      endedMs: this.#options.clock(),
    };
    if (this.running !== name) await this.#book.ended(report, false);
    return { kind: 'refused', code, text };
  }

  /**
   * Answers have changed: of the drill that runs, or of one that another fedns runs.
   *
   * @param services - `S.N.F` of those whose answers have just changed
   */
  lookAt(services: readonly string[]): void {
    this.#runner.lookAt(services);
    if (this.#drills.size > 0 && Math.abs(this.#options.clock() - this.#othersMs) >= OTHERS_MS)
      this.#noteOthers();
  }

  /** Looks at everything that concerns the drill that runs. */
  look(): void {
    this.#noteOthers();
    this.#runner.look();
  }

  /** Ends a drill on behalf of somebody. */
  end(name: string, by: string): Promise<DrillOutcome> {
    return this.#queue.run(async () => {
      if (this.running !== name) return this.#endElsewhere(name, by);
      const report = await this.#runner.end({ code: 'operator', text: `stopped by ${by}` });
      return { kind: 'ended', report: report! };
    });
  }

  /** Another fedns runs it: without its drain it ends there. */
  async #endElsewhere(name: string, by: string): Promise<DrillOutcome> {
    const { ground, clock } = this.#options;
    const drain = ground.drains().find((each) => each.by === orderedBy(name));
    if (drain === undefined)
      return this.#drills.has(name) ? { kind: 'idle', text: `drill ${name} does not run` } : absent(name);
    const done = await ground.undrain(drain.target, by);
    if (done.kind === 'refused') return { kind: 'refused', code: 'order', text: done.text };
    const report: DrillReport = {
      drill: name,
      outcome: 'interrupted',
      code: 'operator',
      why: `stopped by ${by}; the fedns that ran it has the figures`,
      by: CALENDAR,
      what: drainKey(drain.target),
      endedMs: clock(),
    };
    await this.#book.ended(report, false);
    return { kind: 'ended', report };
  }
}

function absent(name: string): DrillOutcome {
  return { kind: 'absent', text: `there is no drill ${name}` };
}

function wouldBegin(outlook: Outlook | undefined, obstacle: Reason<ObstacleCode> | undefined): DrillOutcome {
  const forecast = outlook && { forecast: outlook.forecast };
  if (obstacle !== undefined) return { kind: 'refused', ...obstacle, ...forecast };
  return { kind: 'would', forecast: outlook!.forecast };
}

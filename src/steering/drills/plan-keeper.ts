/** Keeps the plans of the configuration: shows what their steps would do, does them when they are approved, undoes them when told to. */

import type { PlanSettings, PlanStepSettings } from '../../config/settings.ts';
import type { JournalEvent } from '../../journal/entry.ts';
import type { Clock, Log } from '../../log.ts';
import { drainKey, type DrainTarget } from '../../zonebuilder/drains.ts';
import type { Forecast, Ground } from './ground.ts';
import type { Ledger } from './ledger.ts';
import { Queue } from './queue.ts';
import {
  aborted,
  begun,
  orderedByPlan,
  refusal,
  stepText,
  stepWaiting,
  toUndo,
  underWay,
  withStep,
  type PlanRefusal,
  type PlanRun,
  type StepResult,
} from './plan.ts';

/** What is kept over a restart. */
export interface PlanState {
  readonly runs: readonly PlanRun[];
}

export interface PlanKeeperOptions {
  readonly ground: Ground;
  readonly ledger: Ledger<PlanState>;
  readonly clock: Clock;
  readonly log: Log;
  readonly note: (event: JournalEvent) => void;
  /** The drill that runs. */
  readonly drillRunning: () => string | undefined;
}

/** What the step that waits would do. */
export interface StepOutlook {
  /** From 1. */
  readonly step: number;
  readonly forecast: Forecast;
  /** Why it could not be done as things are; absent: it can. */
  readonly refusal?: string;
}

/** A plan as it is listed. */
export interface PlanView {
  readonly plan: PlanSettings;
  /** The run that is under way, or the last one. */
  readonly run?: PlanRun;
}

/** What became of an order. */
export type PlanOutcome =
  | { readonly kind: 'would'; readonly plan: PlanSettings; readonly next: StepOutlook }
  | { readonly kind: 'waiting'; readonly run: PlanRun; readonly next: StepOutlook }
  | { readonly kind: 'completed'; readonly run: PlanRun }
  | { readonly kind: 'aborted'; readonly run: PlanRun; readonly undrained: readonly string[] }
  | PlanRefusal;

export class PlanKeeper {
  readonly #options: PlanKeeperOptions;
  readonly #runs = new Map<string, PlanRun>();
  #plans: readonly PlanSettings[] = [];
  readonly #queue = new Queue();

  constructor(options: PlanKeeperOptions) {
    this.#options = options;
  }

  /** Takes up the runs of before: one that waits for an approval goes on waiting. */
  async start(): Promise<void> {
    const state = await this.#options.ledger.load();
    for (const run of state?.runs ?? []) this.#runs.set(run.plan, run);
  }

  /** Puts other settings in force. A run that is under way keeps its steps. */
  adopt(plans: readonly PlanSettings[]): void {
    this.#plans = plans;
    const names = new Set(plans.map(({ name }) => name));
    for (const [name, { condition }] of this.#runs)
      if (condition !== 'waiting' && !names.has(name)) this.#runs.delete(name);
  }

  /** The plan that is under way. */
  get underWay(): string | undefined {
    return underWay(this.#runs)?.plan;
  }

  /** A run that is under way is listed also where the configuration has its plan no more. */
  views(): PlanView[] {
    const known = new Set(this.#plans.map(({ name }) => name));
    const left = [...this.#runs.values()].filter(({ plan }) => !known.has(plan));
    const plans = [...this.#plans, ...left.map(({ plan, steps }) => ({ name: plan, steps }))];
    return plans.map((plan) => {
      const run = this.#runs.get(plan.name);
      return { plan, ...(run !== undefined && { run }) };
    });
  }

  /** What the step would do that waits, or that a run would begin with; undefined: there is no such plan, or none left. */
  async outlook(name: string): Promise<StepOutlook | undefined> {
    const run = this.#runs.get(name);
    const waiting = run && stepWaiting(run);
    if (run !== undefined && waiting !== undefined) return this.#outlookOf(run.steps[waiting - 1]!, waiting);
    const [first] = this.#plans.find((plan) => plan.name === name)?.steps ?? [];
    return first && this.#outlookOf(first, 1);
  }

  async #outlookOf(step: PlanStepSettings, number: number): Promise<StepOutlook> {
    const { ground } = this.#options;
    const target = ground.resolve(step.what);
    if (typeof target === 'string') return { step: number, forecast: NOTHING, refusal: target };
    if (isAsItShouldBe(step, target, ground)) return { step: number, forecast: NOTHING };
    const forecast = await ground.forecast({ verb: step.verb, target });
    const losses = forecast.losses.map(({ service }) => service);
    const isRefused = step.verb === 'drain' && !step.force && losses.length > 0;
    return {
      step: number,
      forecast,
      ...(isRefused && {
        refusal: `${losses.slice(0, 3).join(', ')}: nothing would be left of ${losses.length} Services`,
      }),
    };
  }

  /** Begins a run; with `isDry`, only says what its first step would do. */
  run(name: string, by: string, isDry = false): Promise<PlanOutcome> {
    return this.#queue.run(async () => {
      const { clock, drillRunning } = this.#options;
      const plan = this.#plans.find((each) => each.name === name);
      if (plan === undefined) return refusal('UNKNOWN_PLAN', `there is no plan ${name}`);
      const other = this.underWay;
      if (other === name) return refusal('UNDER_WAY', `plan ${name} is under way`);
      if (other !== undefined) return refusal('ANOTHER_PLAN', `plan ${other} is under way`);
      const drill = drillRunning();
      if (drill !== undefined) return refusal('DRILL', `drill ${drill} is running: stop it first`);
      const run = begun(plan, clock(), by);
      const next = await this.#outlookOf(run.steps[0]!, 1);
      if (isDry) return { kind: 'would', plan, next };
      await this.#keep(run, { by, text: `begun, of ${plan.steps.length} steps` });
      return { kind: 'waiting', run, next };
    });
  }

  /**
   * Does the step that waits.
   *
   * @param step - the one that was shown, from 1; absent: whichever waits
   */
  approve(name: string, by: string, step?: number): Promise<PlanOutcome> {
    return this.#queue.run(async () => {
      const run = this.#runs.get(name);
      const waiting = run && stepWaiting(run);
      if (run === undefined || waiting === undefined) return this.#notUnderWay(name);
      if (step !== undefined && step !== waiting)
        return refusal('OTHER_STEP', `step ${waiting} waits, and not ${step}: look at it first`);
      const done = await this.#do(run.steps[waiting - 1]!, run, waiting);
      if (done.kind === 'refused') return done;
      const { clock } = this.#options;
      const { result, drained } = done;
      const after = withStep(run, { timeMs: clock(), by, result, ...(drained && { drained }) });
      const text = `step ${waiting} of ${run.steps.length}: ${stepText(run.steps[waiting - 1]!)}: ${result}`;
      await this.#keep(after, { by, text });
      return this.#after(after);
    });
  }

  #notUnderWay(name: string): PlanRefusal {
    const isKnown = this.#runs.has(name) || this.#plans.some((plan) => plan.name === name);
    return isKnown
      ? refusal('NOT_UNDER_WAY', `plan ${name} is not under way`)
      : refusal('UNKNOWN_PLAN', `there is no plan ${name}`);
  }

  async #after(run: PlanRun): Promise<PlanOutcome> {
    const waiting = stepWaiting(run);
    if (waiting === undefined) return { kind: 'completed', run };
    return { kind: 'waiting', run, next: await this.#outlookOf(run.steps[waiting - 1]!, waiting) };
  }

  async #do(
    step: PlanStepSettings,
    { plan }: PlanRun,
    number: number,
  ): Promise<
    PlanRefusal | { readonly kind: 'done'; readonly result: StepResult; readonly drained?: DrainTarget }
  > {
    const { ground } = this.#options;
    const outlook = await this.#outlookOf(step, number);
    if (outlook.refusal !== undefined) return refusal('STEP', `step ${number}: ${outlook.refusal}`);
    const target = ground.resolve(step.what) as DrainTarget;
    const by = orderedByPlan(plan);
    if (isAsItShouldBe(step, target, ground)) {
      // Its own drain may be there, where fedns was killed before it could write down that the step was done.
      const drained = step.verb === 'drain' && isOf(target, plan, ground) ? { drained: target } : {};
      return { kind: 'done', result: 'already', ...drained };
    }
    if (step.verb === 'undrain') {
      const done = await ground.undrain(target, by);
      return done.kind === 'done'
        ? { kind: 'done', result: 'undrained' }
        : refusal('STEP', `step ${number}: ${done.text}`);
    }
    const { reason = by, force, forSeconds } = step;
    const order = { target, by, reason, force, ...(forSeconds !== undefined && { forSeconds }) };
    const done = await ground.drain(order);
    if (done.kind === 'refused') return refusal('STEP', `step ${number}: ${done.text}`);
    return { kind: 'done', result: 'drained', drained: target };
  }

  /** Ends a run, and the drains of it that are still there. */
  abort(name: string, by: string): Promise<PlanOutcome> {
    return this.#queue.run(async () => {
      const run = this.#runs.get(name);
      if (run === undefined || run.condition !== 'waiting') return this.#notUnderWay(name);
      const undrained: string[] = [];
      for (const target of toUndo(run)) {
        if (!isOf(target, name, this.#options.ground)) continue;
        const done = await this.#options.ground.undrain(target, orderedByPlan(name));
        if (done.kind === 'refused')
          return refusal('STEP', `${drainKey(target)} could not be undrained: ${done.text}`);
        undrained.push(drainKey(target));
      }
      const after = aborted(run, this.#options.clock());
      const what = undrained.length === 0 ? 'nothing to undo' : `undrained ${undrained.join(', ')}`;
      await this.#keep(after, {
        by,
        text: `aborted after ${run.done.length} of ${run.steps.length} steps: ${what}`,
      });
      return { kind: 'aborted', run: after, undrained };
    });
  }

  async #keep(run: PlanRun, { by, text }: { readonly by: string; readonly text: string }): Promise<void> {
    const { log, note, ledger } = this.#options;
    this.#runs.set(run.plan, run);
    log.info({ plan: run.plan, by }, `a plan: ${text}`);
    note({ what: run.condition === 'waiting' ? 'planStep' : 'planEnded', subject: run.plan, by, text });
    await ledger.save({ runs: [...this.#runs.values()] });
  }
}

const NOTHING: Forecast = { changes: [], names: 0, losses: [] };

/** Whether what a step is to bring about is so already. */
function isAsItShouldBe({ verb }: PlanStepSettings, target: DrainTarget, ground: Ground): boolean {
  const drain = ground.drains().find((each) => drainKey(each.target) === drainKey(target));
  return verb === 'drain' ? drain?.percent === 0 : drain === undefined;
}

/** Whether a drain is there and the plan's own. */
function isOf(target: DrainTarget, plan: string, ground: Ground): boolean {
  return ground
    .drains()
    .some((drain) => drainKey(drain.target) === drainKey(target) && drain.by === orderedByPlan(plan));
}

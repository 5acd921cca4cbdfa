/** What the admin server asks of drills and plans, and what it shows of them. Implemented by the composition root; no HTTP in here. */

import type { DrillOutcome, DrillView } from '../steering/drills/drill-keeper.ts';
import type { DrillReport } from '../steering/drills/drill.ts';
import type { PlanOutcome, PlanView, StepOutlook } from '../steering/drills/plan-keeper.ts';
import { stepText, stepWaiting, targetText, type StepResult } from '../steering/drills/plan.ts';
import { drainKey } from '../zonebuilder/drains.ts';

export interface DrillsControl {
  drills(): readonly DrillView[];
  beginDrill(name: string, by: string, isDry: boolean): Promise<DrillOutcome>;
  endDrill(name: string, by: string): Promise<DrillOutcome>;
  plans(): readonly PlanView[];
  /** What the next step of a plan would do; undefined where none is left, or there is no such plan. */
  outlook(plan: string): Promise<StepOutlook | undefined>;
  runPlan(name: string, by: string, isDry: boolean): Promise<PlanOutcome>;
  /** @param step - the one that was shown, from 1; absent: whichever waits */
  approvePlan(name: string, by: string, step?: number): Promise<PlanOutcome>;
  abortPlan(name: string, by: string): Promise<PlanOutcome>;
}

/** A drill as the API shows it. */
export interface DrillRow {
  readonly name: string;
  /** For example `zone us-a`. */
  readonly what: string;
  readonly forSeconds: number;
  readonly cron: string;
  readonly timeZone: string;
  readonly blocked: readonly string[];
  readonly nextMs: number;
  /** The blocked time that the next one would be in. */
  readonly nextBlockedBy?: string;
  readonly running?: {
    readonly startedMs: number;
    readonly untilMs: number;
    readonly by: string;
    readonly names: number;
    readonly services: number;
    readonly lowest: { readonly service: string; readonly shards: number };
  };
  readonly last?: DrillReport;
}

export function drillRow({ settings, nextMs, nextBlockedBy, running, last }: DrillView): DrillRow {
  const { name, what, forSeconds, cron, timeZone, blocked } = settings;
  return {
    name,
    what: targetText(what),
    forSeconds,
    cron,
    timeZone,
    blocked: blocked.map(({ text }) => text),
    nextMs,
    ...(nextBlockedBy !== undefined && { nextBlockedBy }),
    ...(running && { running: runningRow(running) }),
    ...(last && { last }),
  };
}

function runningRow(run: NonNullable<DrillView['running']>): NonNullable<DrillRow['running']> {
  const { startedMs, untilMs, by, names, services, lowest } = run;
  return { startedMs, untilMs, by, names, services, lowest };
}

/** A plan as the API shows it. */
export interface PlanRow {
  readonly name: string;
  /** `idle`: it was never run. */
  readonly condition: 'idle' | 'waiting' | 'completed' | 'aborted';
  readonly startedMs?: number;
  readonly startedBy?: string;
  readonly endedMs?: number;
  readonly steps: readonly {
    /** In the words of the configuration. */
    readonly text: string;
    /** Absent: it has not been done. */
    readonly done?: {
      readonly timeMs: number;
      readonly by: string;
      readonly result: StepResult;
      /** What an abort undrains. */
      readonly drained?: string;
    };
  }[];
  /** The step that waits for an approval, from 1. */
  readonly waiting?: number;
  /** What the next step would do, where that was asked for. */
  readonly next?: StepOutlook;
}

export function planRow({ plan, run }: PlanView, next?: StepOutlook): PlanRow {
  const waiting = run && stepWaiting(run);
  const steps = run?.condition === 'waiting' ? run.steps : plan.steps;
  return {
    name: plan.name,
    condition: run?.condition ?? 'idle',
    ...(run && { startedMs: run.startedMs, startedBy: run.startedBy }),
    ...(run?.endedMs !== undefined && { endedMs: run.endedMs }),
    steps: steps.map((step, i) => ({ text: stepText(step), ...doneRow(run?.done[i]) })),
    ...(waiting !== undefined && { waiting }),
    ...(next && { next }),
  };
}

function doneRow(
  done: NonNullable<PlanView['run']>['done'][number] | undefined,
): Pick<PlanRow['steps'][number], 'done'> {
  if (done === undefined) return {};
  const { drained, ...rest } = done;
  return { done: { ...rest, ...(drained && { drained: drainKey(drained) }) } };
}

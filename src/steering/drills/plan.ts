/**
 * What a plan is: drains and undrains in an order that was thought out on a calm day, gone through by people on another one. Each
 * step is shown with what it would change, and waits until somebody approves that step. Owns the states of a run and what follows
 * from what; no clock, no I/O. Who orders the drains is plan-keeper.ts.
 *
 * ```
 *            run              approve 1            approve 2 … n
 *   at rest ─────► step 1 of n ────────► step 2 of n ──────────► completed
 *      ▲              │ abort                │ abort
 *      │              ▼                      ▼
 *      └───────── aborted: what its steps drained is undrained, the last first
 * ```
 *
 * | state         | event                           | what is done                          | then          |
 * | ------------- | ------------------------------- | ------------------------------------- | ------------- |
 * | at rest       | run                             | the steps are kept as they are now    | step 1        |
 * | step i        | run                             | refused: it is under way              | step i        |
 * | step i        | approve i, and it can be done   | drained or undrained                  | step i+1      |
 * | step n        | approve n, and it can be done   | drained or undrained                  | completed     |
 * | step i        | approve i, and it cannot        | nothing, it says why                  | step i        |
 * | step i        | approve of another step         | refused: that is not what was shown   | step i        |
 * | step i        | abort                           | what it drained is undrained          | aborted       |
 * | completed     | abort                           | refused: its drains are there to stay | completed     |
 * | step i        | fedns ends, starts, is reloaded | nothing: the run has its own steps    | step i        |
 *
 * Completed and aborted are at rest. What a step finds as it is to be, it leaves: a drain that was there before belongs to whoever
 * ordered it, so an abort does not end it. What a plan undrained is not drained again by an abort: traffic comes back to a place
 * by an abort, and is never taken from one.
 */

import type { PlanSettings, PlanStepSettings, TargetSettings } from '../../config/settings.ts';
import type { DrainTarget } from '../../zonebuilder/drains.ts';

/** How a run stands. */
export type PlanCondition = 'waiting' | 'completed' | 'aborted';

/** A step that was done. */
export interface StepDone {
  /** In milliseconds since the epoch. */
  readonly timeMs: number;
  /** Who approved it. */
  readonly by: string;
  /** What it came to. */
  readonly result: StepResult;
  /** What it drained, and what an abort undrains. */
  readonly drained?: DrainTarget;
}

/** `already`: it was so before. */
export type StepResult = 'drained' | 'undrained' | 'already';

/** A run of a plan, as it is kept over restarts. */
export interface PlanRun {
  readonly plan: string;
  /** Those of the configuration when it began. */
  readonly steps: readonly PlanStepSettings[];
  readonly condition: PlanCondition;
  readonly startedMs: number;
  readonly startedBy: string;
  /** When it was completed or aborted. */
  readonly endedMs?: number;
  readonly done: readonly StepDone[];
}

/** Runs of plans by name; of each the last. */
export type PlanRuns = ReadonlyMap<string, PlanRun>;

/** What is wanted of a plan that cannot be; told in one line. */
export interface PlanRefusal {
  readonly kind: 'refused';
  /** Stable. */
  readonly code:
    'UNKNOWN_PLAN' | 'UNDER_WAY' | 'NOT_UNDER_WAY' | 'OTHER_STEP' | 'ANOTHER_PLAN' | 'DRILL' | 'STEP';
  readonly text: string;
}

export function refusal(code: PlanRefusal['code'], text: string): PlanRefusal {
  return { kind: 'refused', code, text };
}

/** The step that waits for an approval, from 1; undefined where none does. */
export function stepWaiting({ condition, done }: PlanRun): number | undefined {
  return condition === 'waiting' ? done.length + 1 : undefined;
}

/** The plan that is under way. */
export function underWay(runs: PlanRuns): PlanRun | undefined {
  return [...runs.values()].find(({ condition }) => condition === 'waiting');
}

/** Begins a run. */
export function begun({ name, steps }: PlanSettings, timeMs: number, by: string): PlanRun {
  return { plan: name, steps, condition: 'waiting', startedMs: timeMs, startedBy: by, done: [] };
}

/** The run after its step was done. */
export function withStep(run: PlanRun, done: StepDone): PlanRun {
  const all = [...run.done, done];
  const isLast = all.length === run.steps.length;
  return { ...run, done: all, ...(isLast && { condition: 'completed', endedMs: done.timeMs }) };
}

/** The run after it was aborted. */
export function aborted(run: PlanRun, timeMs: number): PlanRun {
  return { ...run, condition: 'aborted', endedMs: timeMs };
}

/** What an abort undrains, the last first; each once. */
export function toUndo({ done }: PlanRun): DrainTarget[] {
  return done.flatMap(({ drained }) => drained ?? []).toReversed();
}

/** A step in the words of the configuration. */
export function stepText(step: PlanStepSettings): string {
  const what = targetText(step.what);
  if (step.verb === 'undrain') return `undrain ${what}`;
  const time = step.forSeconds === undefined ? '' : ` for ${durationText(step.forSeconds)}`;
  return `drain ${what}${time}${step.force ? ', whatever is emptied' : ''}`;
}

export function targetText({ kind, name }: TargetSettings): string {
  return `${kind} ${name}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** Seconds as the configuration has them: `1h30m`. */
export function durationText(seconds: number): string {
  let left = seconds;
  let text = '';
  for (const [unit, size] of UNITS) {
    if (left >= size) text += `${Math.floor(left / size)}${unit}`;
    left %= size;
  }
  return text;
}

/** Who a plan's drains are ordered by. */
export function orderedByPlan(plan: string): string {
  return `plan ${plan}`;
}

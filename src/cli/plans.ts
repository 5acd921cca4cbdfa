/** Owns `fedns plans` and `fedns plan`: how plans stand, and how one is gone through step by step. */

import type { PlanRow } from '../admin/drills-control.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminTarget } from './admin-client.ts';
import { byOf, type SteeringOutput } from './drills.ts';
import type { Environment } from './environment.ts';
import { formatForecast } from './forecast.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable } from './table.ts';

const HEAD = ['NAME', 'CONDITION', 'STEP', 'AGE', 'NEXT'];

/** What can be done with a plan, and the path of it. */
export const PLAN_VERBS = {
  run: '/api/v1/plans/run',
  approve: '/api/v1/plans/approve',
  abort: '/api/v1/plans/abort',
} as const;
export type PlanVerb = keyof typeof PLAN_VERBS;

/** @param name - one plan, step by step and with what the next would change; absent: all */
export async function runPlans(
  environment: Environment,
  target: AdminTarget,
  { name, output }: { readonly name?: string | undefined; readonly output: SteeringOutput },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const plans = (await client.json(
    '/api/v1/plans',
    name === undefined ? {} : { name },
  )) as readonly PlanRow[];
  const [only] = plans;
  if (output !== 'table') await environment.out(formatData(plans, output));
  else if (name !== undefined && only !== undefined) await environment.out(formatPlan(only));
  else await environment.out(formatPlans(plans, environment.clock()));
}

export function formatPlans(plans: readonly PlanRow[], nowMs: number): string {
  if (plans.length === 0) return 'the configuration has no such plans\n';
  const rows = plans.map(({ name, condition, steps, waiting, startedMs, endedMs }) => [
    name,
    condition,
    waiting === undefined ? `0/${steps.length}` : `${waiting}/${steps.length}`,
    startedMs === undefined ? '' : formatAge(nowMs - (endedMs ?? startedMs)),
    steps[(waiting ?? 1) - 1]?.text ?? '',
  ]);
  return formatTable(HEAD, rows);
}

/** The steps with what became of them, then what the next would change. */
export function formatPlan({ name, condition, steps, waiting, next }: PlanRow): string {
  const rows = steps.map(({ text, done }, i) => [
    `${i + 1}`,
    text,
    done === undefined ? (waiting === i + 1 ? 'waits for an approval' : '') : `${done.result} (${done.by})`,
  ]);
  const table = formatTable(['STEP', 'WHAT', 'STATE'], rows);
  const forecast = next === undefined ? '' : `\nStep ${next.step}:\n${formatForecast(next.forecast)}`;
  const refusal = next?.refusal === undefined ? '' : `It cannot be done as things are: ${next.refusal}\n`;
  const advice =
    waiting === undefined
      ? ''
      : `\nfedns plan approve ${name} --step ${waiting}, or fedns plan abort ${name}\n`;
  return `plan ${name}: ${condition}\n\n${table}${forecast}${refusal}${advice}`;
}

export async function steerPlan(
  environment: Environment,
  target: AdminTarget,
  verb: PlanVerb,
  {
    output,
    ...body
  }: {
    readonly output: SteeringOutput;
    readonly name: string;
    readonly step?: number;
    readonly dryRun?: boolean;
  },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const sent = { ...body, ...byOf(environment) };
  const reply = (await client.send('POST', PLAN_VERBS[verb], { body: sent })) as {
    readonly plan: PlanRow;
    readonly undrained?: readonly string[];
  };
  const { plan, undrained } = reply;
  const undone = undrained === undefined ? '' : `undrained: ${undrained.join(', ') || 'nothing'}\n`;
  await environment.out(output === 'table' ? formatPlan(plan) + undone : formatData(reply, output));
}

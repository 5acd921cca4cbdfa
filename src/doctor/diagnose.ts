/**
 * Runs every step, side by side: each waits only for what it has to know (facts.ts). A step has a bounded time, and one that
 * fails in a way nobody thought of is untried, with what was thrown.
 */

import { type Facts, gatherFacts, type Inputs } from './facts.ts';
import {
  type Finding,
  messageOf,
  STEPS,
  type StepId,
  type StepReport,
  Unknowable,
  untried,
  worst,
} from './report.ts';
import { checkAgreement } from './step-agreement.ts';
import { checkAnswers } from './step-answers.ts';
import { checkDelegation } from './step-delegation.ts';
import { checkDs } from './step-ds.ts';
import { checkEndpoint } from './step-endpoint.ts';
import { checkMembers } from './step-members.ts';
import { checkNameservers } from './step-nameservers.ts';
import { checkObjects } from './step-objects.ts';
import { checkPermissions } from './step-permissions.ts';
import { checkResolution } from './step-resolution.ts';
import { checkClusters, checkConfiguration, checkServer } from './step-server.ts';
import { checkShards } from './step-shards.ts';

export type { Inputs } from './facts.ts';

type Check = (facts: Facts) => Promise<readonly Finding[]>;

const CHECKS: Readonly<Record<StepId, Check>> = {
  configuration: checkConfiguration,
  server: checkServer,
  endpoint: checkEndpoint,
  members: checkMembers,
  clusters: checkClusters,
  permissions: checkPermissions,
  objects: checkObjects,
  shards: checkShards,
  answers: checkAnswers,
  delegation: checkDelegation,
  nameservers: checkNameservers,
  agreement: checkAgreement,
  ds: checkDs,
  resolution: checkResolution,
};

/** The longest that a step takes, in milliseconds: some rounds of questions that are all lost. */
export const STEP_MS_MAX = 45_000;

/**
 * @param only - ids of the steps that are wanted; default all
 * @returns one report for each, in the order of {@link STEPS}
 */
export async function diagnose(inputs: Inputs, only?: readonly StepId[]): Promise<readonly StepReport[]> {
  const facts = gatherFacts(inputs);
  const wanted = STEPS.filter(({ id }) => only === undefined || only.includes(id));
  try {
    return await Promise.all(wanted.map(({ id, title }) => reportOf(id, title, facts)));
  } finally {
    facts.connections.close();
  }
}

async function reportOf(id: StepId, title: string, facts: Facts): Promise<StepReport> {
  const findings = await inTime(id, CHECKS[id](facts), facts).catch((error: unknown) => [unknown(id, error)]);
  return { id, title, outcome: worst(findings), findings };
}

async function inTime(
  id: StepId,
  findings: Promise<readonly Finding[]>,
  { timers }: Facts,
): Promise<readonly Finding[]> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = new Unknowable(`the step ${id}`, `no result within ${STEP_MS_MAX / 1000} s`, 'try again');
  const timer = timers.after(STEP_MS_MAX, () => reject(late));
  return Promise.race([findings, promise]).finally(() => timer.cancel());
}

function unknown(id: StepId, error: unknown): Finding {
  if (error instanceof Unknowable)
    return untried({ about: id, tried: error.tried }, error.message, error.next);
  return untried({ about: id, tried: `the step ${id}` }, messageOf(error), 'mend what it says, or report it');
}

/** Owns the paths of drills and plans: what they are asked with, and with which status they answer. */

import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { BY_CHARACTERS_MAX } from '../steering/drains/drain.ts';
import type { DrillOutcome } from '../steering/drills/drill-keeper.ts';
import type { PlanOutcome } from '../steering/drills/plan-keeper.ts';
import { drillRow, planRow, type DrillsControl } from './drills-control.ts';
import { sendError, sendJson } from './reply.ts';
import { taking, type Call, type OtherReply, type Route, type Routes } from './route.ts';
import {
  drillReportSchema,
  drillSchema,
  forecastSchema,
  planSchema,
  steeringRefusalSchema,
} from './schemas-drills.ts';
import { count, epochMs } from './schemas-views.ts';

/** Whoever has the token and gives no name. */
const BY = 'admin token';

/** A name of the configuration is a label, and no longer. */
const name = z.string().min(1).max(63).describe('As the configuration calls it.');
const by = z
  .string()
  .min(1)
  .max(BY_CHARACTERS_MAX)
  .optional()
  .describe('Who wants it, for the journal. Default: admin token.');
const dryRun = z.boolean().optional().describe('Only say what it would change. Default: false.');

const JSON_TYPE = 'application/json';
const refused = (about: string): OtherReply => ({ about, content: { [JSON_TYPE]: steeringRefusalSchema } });
const NO_SUCH = { 404: { about: 'The configuration has none of this name.' } };
const planReply: Route['replies'] = { [JSON_TYPE]: z.object({ plan: planSchema }) };

export const DRILL_ROUTES: Routes = new Map([
  [
    '/api/v1/drills',
    {
      GET: {
        about: 'the drills: when each is next, and what came of it last',
        replies: { [JSON_TYPE]: z.array(drillSchema) },
        serve: ({ control, response }: Call<unknown>) =>
          sendJson(response, 200, (control.drills?.drills() ?? []).map(drillRow)),
      },
    },
  ],
  [
    '/api/v1/drills/run',
    {
      POST: taking({
        about: 'begins a drill now, or says what is in the way; dryRun: only what it would change',
        body: z.strictObject({ name, dryRun, by }),
        example: { name: 'example' },
        replies: {
          [JSON_TYPE]: z.union([
            z.object({ untilMs: epochMs, names: count.describe('Names whose answers have changed.') }),
            z.object({ forecast: forecastSchema }),
          ]),
        },
        otherReplies: { ...NO_SUCH, 409: refused('Something is in the way.') },
        serve: ({ control, body, response }) =>
          withDrills(control.drills, response, async (drills) =>
            sendDrill(response, await drills.beginDrill(body.name, body.by ?? BY, body.dryRun === true)),
          ),
      }),
    },
  ],
  [
    '/api/v1/drills/stop',
    {
      POST: taking({
        about: 'ends a drill that runs, and undrains',
        body: z.strictObject({ name, by }),
        example: { name: 'example' },
        replies: { [JSON_TYPE]: z.object({ report: drillReportSchema }) },
        otherReplies: { ...NO_SUCH, 409: refused('It does not run.') },
        serve: ({ control, body, response }) =>
          withDrills(control.drills, response, async (drills) =>
            sendDrill(response, await drills.endDrill(body.name, body.by ?? BY)),
          ),
      }),
    },
  ],
  [
    '/api/v1/plans',
    {
      GET: {
        about: 'the plans and how they stand (name: one, with what its next step would change)',
        parameters: [
          { name: 'name', about: 'only this one, with what its next step would change', example: 'example' },
        ],
        replies: { [JSON_TYPE]: z.array(planSchema) },
        serve: ({ control, query, response }: Call<unknown>) => sendPlans(control.drills, query, response),
      },
    },
  ],
  [
    '/api/v1/plans/run',
    {
      POST: taking({
        about: 'begins a plan: its first step waits for an approval; dryRun: only what that would change',
        body: z.strictObject({ name, dryRun, by }),
        example: { name: 'example' },
        replies: planReply,
        otherReplies: { ...NO_SUCH, 409: refused('Something is in the way.') },
        serve: ({ control, body, response }) =>
          withDrills(control.drills, response, async (drills) =>
            sendPlan(drills, response, await drills.runPlan(body.name, body.by ?? BY, body.dryRun === true)),
          ),
      }),
    },
  ],
  [
    '/api/v1/plans/approve',
    {
      POST: taking({
        about: 'does the step of a plan that waits',
        body: z.strictObject({
          name,
          step: z
            .int()
            .min(1)
            .optional()
            .describe('The step that was looked at; another one is refused. Default: whichever waits.'),
          by,
        }),
        example: { name: 'example', step: 1, by: 'anna' },
        replies: planReply,
        otherReplies: {
          ...NO_SUCH,
          409: refused('It is not under way, another step waits, or this one cannot be done.'),
        },
        serve: ({ control, body, response }) =>
          withDrills(control.drills, response, async (drills) =>
            sendPlan(drills, response, await drills.approvePlan(body.name, body.by ?? BY, body.step)),
          ),
      }),
    },
  ],
  [
    '/api/v1/plans/abort',
    {
      POST: taking({
        about: 'ends a plan that is under way, and the drains that its steps have ordered',
        body: z.strictObject({ name, by }),
        example: { name: 'example' },
        replies: {
          [JSON_TYPE]: z.object({
            plan: planSchema,
            undrained: z.array(z.string()).describe('What was undrained, the last step first.'),
          }),
        },
        otherReplies: { ...NO_SUCH, 409: refused('It is not under way, or a drain could not be ended.') },
        serve: ({ control, body, response }) =>
          withDrills(control.drills, response, async (drills) =>
            sendPlan(drills, response, await drills.abortPlan(body.name, body.by ?? BY)),
          ),
      }),
    },
  ],
]);

async function withDrills(
  drills: DrillsControl | undefined,
  response: ServerResponse,
  work: (drills: DrillsControl) => Promise<void>,
): Promise<void> {
  if (drills === undefined) sendError(response, 404, 'there are no drills and no plans');
  else await work(drills);
}

function sendDrill(response: ServerResponse, outcome: DrillOutcome): void {
  switch (outcome.kind) {
    case 'begun':
      return sendJson(response, 200, { untilMs: outcome.untilMs, names: outcome.names });
    case 'would':
      return sendJson(response, 200, { forecast: outcome.forecast });
    case 'ended':
      return sendJson(response, 200, { report: outcome.report });
    case 'absent':
      return sendError(response, 404, outcome.text);
    case 'idle':
      return sendJson(response, 409, { error: outcome.text, code: 'idle' });
    case 'refused': {
      const { text, code, forecast } = outcome;
      return sendJson(response, 409, { error: text, code, ...(forecast && { forecast }) });
    }
  }
}

function sendPlan(drills: DrillsControl, response: ServerResponse, outcome: PlanOutcome): void {
  if (outcome.kind === 'refused') {
    const { code, text } = outcome;
    if (code === 'UNKNOWN_PLAN') return sendError(response, 404, text);
    return sendJson(response, 409, { error: text, code });
  }
  if (outcome.kind === 'would')
    return sendJson(response, 200, { plan: planRow({ plan: outcome.plan }, outcome.next) });
  const { run } = outcome;
  const settings = drills.plans().find(({ plan }) => plan.name === run.plan)?.plan;
  const plan = settings ?? { name: run.plan, steps: run.steps };
  const row = planRow({ plan, run }, outcome.kind === 'waiting' ? outcome.next : undefined);
  sendJson(response, 200, {
    plan: row,
    ...(outcome.kind === 'aborted' && { undrained: outcome.undrained }),
  });
}

async function sendPlans(
  drills: DrillsControl | undefined,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const wanted = query.get('name');
  const views = drills?.plans() ?? [];
  if (wanted === null)
    return sendJson(
      response,
      200,
      views.map((view) => planRow(view)),
    );
  const view = views.find(({ plan }) => plan.name === wanted);
  const next = view && (await drills?.outlook(wanted));
  sendJson(response, 200, view === undefined ? [] : [planRow(view, next)]);
}

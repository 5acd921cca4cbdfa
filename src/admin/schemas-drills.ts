/** Owns what the replies of routes-drills.ts are made of, field by field, as the description of the API tells it. */

import { z } from 'zod';
import {
  ENDINGS,
  OBSTACLES,
  OUTCOMES,
  type DrillReport,
  type EndingCode,
  type ObstacleCode,
  type Outcome,
} from '../steering/drills/drill.ts';
import type { Forecast } from '../steering/drills/ground.ts';
import type { StepOutlook } from '../steering/drills/plan-keeper.ts';
import { describing } from './described.ts';
import type { DrillRow, PlanRow } from './drills-control.ts';
import { lossSchema, nameChangeSchema } from './schemas-drains.ts';
import { count, epochMs } from './schemas-views.ts';

export const forecastSchema = describing<Forecast>()(
  z
    .object({
      names: count.describe('Names whose answers would change.'),
      changes: z.array(nameChangeSchema).describe('The first of them.'),
      losses: z
        .array(lossSchema)
        .describe('Services that would have no address of a type any more, of which they have some.'),
    })
    .meta({ id: 'Forecast', description: 'What a drain, or its end, would change.' }),
);

const lowest = z
  .object({ service: z.string(), shards: count })
  .describe('The Service with the fewest shards left in the answers, and how few.');

const codesOf = <Code extends string>(table: Readonly<Record<Code, unknown>>): [Code, ...Code[]] =>
  Object.keys(table) as [Code, ...Code[]];
const outcome = z.enum(codesOf<Outcome>(OUTCOMES));
const reasonCodes = [...new Set([...codesOf<EndingCode>(ENDINGS), ...codesOf<ObstacleCode>(OBSTACLES)])] as [
  EndingCode | ObstacleCode,
];

export const drillReportSchema = describing<DrillReport>()(
  z
    .object({
      drill: z.string(),
      outcome: outcome.describe(
        Object.entries(OUTCOMES)
          .map(([name, about]) => `${name}: ${about}`)
          .join('; '),
      ),
      code: z.enum(reasonCodes).describe('Why; stable.'),
      why: z.string().describe('Why, in one line.'),
      by: z.string().describe('Who began it: calendar, or who asked.'),
      what: z.string().describe('What was drained, or was to be.'),
      endedMs: epochMs.describe('When it ended, or did not begin.'),
      run: z
        .object({
          startedMs: epochMs,
          names: count.describe('Names whose answers changed.'),
          services: count,
          queries: count.describe('Queries answered meanwhile, of whatever name.'),
          lowest,
        })
        .optional()
        .describe('Of a drill that has run.'),
    })
    .meta({ id: 'DrillReport', description: 'What came of a drill.' }),
);

export const drillSchema = describing<DrillRow>()(
  z
    .object({
      name: z.string(),
      what: z.string().describe('For example zone us-a.'),
      forSeconds: count,
      cron: z.string(),
      timeZone: z.string().describe('Of the IANA database.'),
      blocked: z.array(z.string()).describe('Times that it keeps out of.'),
      nextMs: epochMs.describe('Its next moment, also where that is blocked.'),
      nextBlockedBy: z.string().optional().describe('The blocked time that the next one would be in.'),
      running: z
        .object({
          startedMs: epochMs,
          untilMs: epochMs,
          by: z.string(),
          names: count,
          services: count,
          lowest,
        })
        .optional(),
      last: drillReportSchema.optional(),
    })
    .meta({ id: 'Drill', description: 'A drill of the configuration, and how it stands.' }),
);

const stepOutlookSchema = describing<StepOutlook>()(
  z
    .object({
      step: count.describe('From 1.'),
      forecast: forecastSchema,
      refusal: z.string().optional().describe('Why it could not be done as things are.'),
    })
    .meta({ id: 'StepOutlook', description: 'What the next step of a plan would do.' }),
);

export const planSchema = describing<PlanRow>()(
  z
    .object({
      name: z.string(),
      condition: z
        .enum(['idle', 'waiting', 'completed', 'aborted'])
        .describe('Of the last run; idle: there was none.'),
      startedMs: epochMs.optional(),
      startedBy: z.string().optional(),
      endedMs: epochMs.optional(),
      steps: z.array(
        z.object({
          text: z.string().describe('In the words of the configuration.'),
          done: z
            .object({
              timeMs: epochMs,
              by: z.string().describe('Who approved it.'),
              result: z.enum(['drained', 'undrained', 'already']),
              drained: z.string().optional().describe('What an abort undrains.'),
            })
            .optional(),
        }),
      ),
      waiting: count.optional().describe('The step that waits for an approval, from 1.'),
      next: stepOutlookSchema.optional(),
    })
    .meta({ id: 'Plan', description: 'A plan, and how its last run stands.' }),
);

/** A refusal that programs can tell from others. */
export const steeringRefusalSchema = z
  .object({
    error: z.string().describe('What is in the way, in one line for people.'),
    code: z.string().describe('What is in the way; stable.'),
    forecast: forecastSchema.optional(),
  })
  .meta({ id: 'SteeringRefusal', description: 'Why a drill or a step of a plan was not begun.' });

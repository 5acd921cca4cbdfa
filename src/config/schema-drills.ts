/** The shape of `drills` and `plans`. What their texts mean: steering-text.ts; what they mean together: check-drills.ts. */
import { z } from 'zod';
import { text } from './schema-text.ts';
import { parseBlocked, parseCron, parseDuration, parseTarget, parseTimeZone } from './steering-text.ts';
import { parseLabel } from './values.ts';

/** Drills: one at a time runs, and people read the list. */
export const DRILLS_MAX = 100;
/** Plans, and steps of one: people go through them one by one. */
export const PLANS_MAX = 100;
const STEPS_MAX = 100;
const BLOCKED_MAX = 100;
/** A drill that takes longer than a day is a state, and somebody should want it. */
const DRILL_SECONDS_MAX = 86_400;
/** A drain that is to end by itself, at most a year from now. */
const DRAIN_SECONDS_MAX = 366 * 86_400;
const REASON_CHARACTERS_MAX = 500;

const TARGET_FORMS =
  'cluster NAME, region NAME, zone NAME, or zone NAME.REGION where two regions have a zone of that name';

/** One entry of `drills`. */
export const drillSchema = z.strictObject({
  name: text(parseLabel).describe(
    'What the drill is called in commands, the journal and metrics. A DNS label.',
  ),
  cron: text(parseCron).describe(
    'When it begins: a cron expression of five fields (minute, hour, day of the month, month, day of the week), or six with ' +
      'seconds first.',
  ),
  timeZone: text(parseTimeZone).describe(
    'The time zone of cron and blocked, a name of the IANA database such as Europe/Berlin. A moment that summer time skips is ' +
      'left out, one that it repeats comes once.',
  ),
  what: text(parseTarget).describe(`What is drained: ${TARGET_FORMS}.`),
  for: text(parseDuration)
    .refine((seconds) => seconds <= DRILL_SECONDS_MAX, 'must be at most 24h')
    .describe('How long, such as 90s, 30m or 1h30m; at most 24h.'),
  blocked: z
    .array(text(parseBlocked))
    .max(BLOCKED_MAX)
    .default([])
    .describe(
      'Times that it keeps out of as a whole: days (2026-12-18 - 2027-01-06), of every week (Fri 16:00 - Mon 08:00, Sat - Sun), ' +
        'of every day (22:00 - 06:00). Default: none.',
    ),
});

const planStepSchema = z.strictObject({
  drain: text(parseTarget)
    .optional()
    .describe(`Drains ${TARGET_FORMS}, or service NAME.NAMESPACE.FEDERATION. A step has drain or undrain.`),
  undrain: text(parseTarget).optional().describe('Ends the drain of the same.'),
  for: text(parseDuration)
    .refine((seconds) => seconds <= DRAIN_SECONDS_MAX, 'must be at most 366d')
    .optional()
    .describe('How long a drain lasts, such as 30m. Default: until it is ended.'),
  reason: z
    .string()
    .max(REASON_CHARACTERS_MAX)
    .optional()
    .describe('What is shown beside the drain. Default: the name of the plan.'),
  force: z
    .boolean()
    .default(false)
    .describe('Drain also where a name is left without addresses. Default: false, such a step is refused.'),
});

/** One entry of `plans`. */
export const planSchema = z.strictObject({
  name: text(parseLabel).describe('What the plan is called in commands and in the journal. A DNS label.'),
  steps: z
    .array(planStepSchema)
    .min(1)
    .max(STEPS_MAX)
    .describe('In their order; each is shown, and waits for an approval.'),
});

export type DrillEntry = z.output<typeof drillSchema>;
export type PlanEntry = z.output<typeof planSchema>;
export type PlanStepEntry = PlanEntry['steps'][number];

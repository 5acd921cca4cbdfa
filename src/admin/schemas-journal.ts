/** Owns what the journal's replies are made of, field by field, as the description of the API tells it. */

import { z } from 'zod';
import {
  type Answer,
  type ChangeEntry,
  type EventEntry,
  type EventName,
  EVENTS,
  type GapEntry,
  type LevelChange,
  type PlacesEntry,
  type RecordsEntry,
} from '../journal/entry.ts';
import { describing } from './described.ts';
import { count, epochMs, serial } from './schemas-views.ts';

const texts = z.array(z.string());
const base = {
  seq: count.describe('Grows from entry to entry, over restarts too.'),
  timeMs: epochMs.describe('When it took effect, by fedns’ own clock.'),
};

const cause = z
  .object({
    object: z.string().describe('For example EndpointSlice mynamespace/nginx-1, or cluster NAME withdrawn.'),
    resourceVersion: z.string().optional(),
    timeMs: epochMs.describe('When fedns learned of it.'),
  })
  .meta({ id: 'Cause', description: 'What led to a change.' });

const answer = describing<Answer>()(
  z
    .discriminatedUnion('kind', [
      z.object({
        kind: z.literal('addresses'),
        ttlSeconds: count,
        a: texts,
        aaaa: texts,
        kept: count
          .optional()
          .describe('The lists hold what differs only; so many addresses more are in both.'),
      }),
      z.object({
        kind: z.literal('alias'),
        to: z.string().describe('The level above; empty: the global one.'),
      }),
      z.object({ kind: z.literal('nodata') }),
      z.object({ kind: z.literal('nxdomain') }),
      z.object({ kind: z.literal('absent').describe('No such Service, place or cluster was known.') }),
    ])
    .meta({ id: 'Answer', description: 'What a name is answered with for A and AAAA.' }),
);

const level = describing<LevelChange>()(
  z
    .object({
      place: z.string().describe('Empty for the global name, region, zone.region, or cluster NAME.'),
      before: answer,
      after: answer,
    })
    .meta({ id: 'LevelChange', description: 'One name of a Service before and after a change.' }),
);

const change = describing<ChangeEntry>()(
  z.object({
    ...base,
    kind: z.literal('change'),
    serial,
    service: z.string().describe('SERVICE.NAMESPACE.FEDERATION'),
    cluster: z.string().optional().describe('Whose fact it was.'),
    cause,
    levels: z.array(level),
    policy: z.object({ before: z.string(), after: z.string() }).optional(),
    flat: z
      .literal(true)
      .optional()
      .describe('Levels without addresses have those of the level above in place of an alias.'),
    ports: z.object({ before: texts, after: texts }).optional(),
  }),
);

const placeName = z.object({ name: z.string(), place: z.string().describe('Where it leads.') });

const places = describing<PlacesEntry>()(
  z.object({
    ...base,
    kind: z.literal('places'),
    serial,
    cluster: z.string().optional(),
    cause,
    added: z.array(placeName),
    removed: z.array(placeName),
  }),
);

const records = describing<RecordsEntry>()(
  z.object({
    ...base,
    kind: z.literal('records'),
    serial,
    cause,
    name: z.string(),
    type: z.string(),
    before: texts.describe('TTL in seconds and data of each record.'),
    after: texts,
  }),
);

const event = describing<EventEntry>()(
  z.object({
    ...base,
    kind: z.literal('event'),
    what: z.enum(Object.keys(EVENTS) as EventName[]),
    subject: z.string().optional(),
    by: z.string().optional(),
    why: z.string().optional(),
    untilMs: epochMs.optional(),
    text: z.string().optional(),
  }),
);

const gap = describing<GapEntry>()(
  z.object({
    ...base,
    kind: z.literal('gap'),
    lost: count.describe('So many changes and events are not in the journal.'),
    sinceMs: epochMs,
    why: z.string(),
  }),
);

/** An entry of the journal. */
export const journalEntrySchema = z.union([change, places, records, event, gap]).meta({
  id: 'JournalEntry',
  description: 'Something that happened; kinds may come that are not described.',
});

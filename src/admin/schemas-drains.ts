/** Owns what requests and replies of routes-drains.ts are made of, field by field, as the description of the API tells it. */

import { z } from 'zod';
import { BY_CHARACTERS_MAX, DRAIN_SECONDS_MAX, REASON_CHARACTERS_MAX } from '../steering/drains/drain.ts';
import { DRAIN_KINDS } from '../zonebuilder/drains.ts';
import type { Loss, NameChange } from '../zonebuilder/what-if.ts';
import { describing } from './described.ts';
import type { Drain, DrainsView, RolloutStatus } from './drains.ts';
import { count, epochMs, errorSchema } from './schemas-views.ts';

/** A name can be no longer (RFC 1035 section 2.3.4). */
const NAME_CHARACTERS_MAX = 255;

const kind = z.enum(DRAIN_KINDS);
const percent = z
  .int()
  .min(0)
  .max(99)
  .describe(
    'How much of its weight is left; 0: it counts as unhealthy. Otherwise only weighted answers change.',
  );
const scope = z
  .enum(['local', 'shared'])
  .describe('Where it is kept: with this server alone, or where all replicas read it.');

/** What is ordered. */
export const orderSchema = z
  .strictObject({
    kind,
    name: z
      .string()
      .min(1)
      .max(NAME_CHARACTERS_MAX)
      .describe('CLUSTER, REGION, ZONE or ZONE.REGION, SERVICE.NAMESPACE or SERVICE.NAMESPACE.FEDERATION.'),
    cluster: z
      .string()
      .min(1)
      .max(NAME_CHARACTERS_MAX)
      .optional()
      .describe('Of a Service only its shard in this cluster.'),
    percent: percent.optional(),
    forSeconds: z
      .int()
      .min(1)
      .max(DRAIN_SECONDS_MAX)
      .optional()
      .describe('When it ends by itself. Default: it does not.'),
    reason: z.string().min(1).max(REASON_CHARACTERS_MAX).optional(),
    by: z.string().min(1).max(BY_CHARACTERS_MAX).optional().describe('Who wants it, for the journal.'),
    force: z
      .boolean()
      .optional()
      .describe('Also where names lose all of their addresses, or where it does nothing. Default: false.'),
    scope: scope.optional(),
  })
  .meta({ id: 'DrainOrder', description: 'Something to be drained.' });

export type OrderBody = z.output<typeof orderSchema>;

const drainSchema = describing<Drain>()(
  z
    .object({
      kind,
      name: z.string().describe('CLUSTER, REGION, ZONE.REGION or SERVICE.NAMESPACE.FEDERATION.'),
      cluster: z.string().optional().describe('Of a Service only its shard in this cluster.'),
      percent,
      scope,
      sinceMs: epochMs,
      untilMs: epochMs.optional().describe('When it ends by itself.'),
      reason: z.string().optional(),
      by: z.string().optional().describe('Who wanted it.'),
    })
    .meta({ id: 'Drain', description: 'Something that operators have taken out of the answers.' }),
);

const rolloutFields = {
  digest: z.string().describe('Of the rules in force: replicas with the same have the same.'),
  sinceMs: epochMs.describe('When these rules came into force here.'),
  isServed: z.boolean().describe('Whether every worker of this server answers by them.'),
  oldAnswersSeconds: count.describe('Until the last answer from before has run out of its TTL; 0: it has.'),
};

export const rolloutSchema = describing<RolloutStatus>()(
  z.object(rolloutFields).meta({ id: 'Rollout', description: 'How far the drains of one server have come.' }),
);

const steeringSchema = describing<DrainsView['steering']>()(
  z
    .object({
      ...rolloutFields,
      isServedByAll: z.boolean().describe('Whether every replica that is known answers by them.'),
      isSettled: z
        .boolean()
        .describe('Whether the last answer from before has run out, of every replica that is known.'),
      replicas: z
        .array(
          z.object({
            address: z.string().describe('Of its admin server.'),
            state: z.enum(['served', 'behind', 'unreachable']),
            error: z.string().optional(),
            oldAnswersSeconds: count.optional(),
          }),
        )
        .optional()
        .describe('The other replicas that the configuration names.'),
      shared: z
        .object({
          where: z.string(),
          trouble: z.string().optional().describe('Why it cannot be read; what was read last is in force.'),
          fault: z.string().optional().describe('Why what it says is not in force; what it said before is.'),
          sinceMs: epochMs.optional(),
        })
        .optional()
        .describe('Where replicas read their drains.'),
    })
    .meta({ id: 'Steering', description: 'How far what was ordered last has come.' }),
);

export const drainsSchema = describing<DrainsView>()(
  z
    .object({ drains: z.array(drainSchema), steering: steeringSchema })
    .meta({ id: 'Drains', description: 'The drains in force, the oldest first.' }),
);

const services = count.describe('Services whose answers changed here.');
const warnings = z.array(z.string());

export const setSchema = z
  .object({ drain: drainSchema, services, warnings })
  .meta({ id: 'DrainSet', description: 'A drain that is in force.' });

export const endedSchema = z
  .object({ drains: z.array(drainSchema), services, warnings })
  .meta({ id: 'DrainEnded', description: 'Drains that are in force no more.' });

export const lossSchema = describing<Loss>()(
  z
    .object({ service: z.string(), types: z.array(z.enum(['A', 'AAAA'])) })
    .meta({ id: 'Loss', description: 'A Service that would lose all of its addresses of these types.' }),
);

export const conflictSchema = errorSchema
  .extend({
    losses: z.array(lossSchema).optional().describe('The first of them.'),
    count: count.optional().describe('All of them.'),
  })
  .meta({ id: 'DrainRefused', description: 'Why a drain is refused that "force" would set.' });

const answerSchema = z
  .object({
    at: z.string().describe('Where the aliases end.'),
    records: z
      .array(z.object({ ...recordFields(), data: z.array(z.string()) }))
      .describe('The RRsets there; empty: no such data.'),
    weights: z.string().optional().describe('How a reply is chosen among them, where weights say it.'),
  })
  .meta({ id: 'NameAnswer', description: 'What a name leads to.' });

function recordFields(): {
  type: z.ZodString;
  ttlSeconds: z.ZodInt;
  policy: z.ZodOptional<z.ZodEnum<{ nearest: 'nearest'; weighted: 'weighted' }>>;
} {
  return { type: z.string(), ttlSeconds: count, policy: z.enum(['nearest', 'weighted']).optional() };
}

export const nameChangeSchema = describing<NameChange>()(
  z
    .object({
      service: z.string().describe('The Service that the name belongs to, or leads to.'),
      name: z.string(),
      before: answerSchema,
      after: answerSchema,
    })
    .meta({ id: 'NameChange', description: 'A name whose answer would be another one.' }),
);

/** Owns what the replies of routes-guard.ts are made of, field by field, as the description of the API tells it. */

import { z } from 'zod';
import { describing } from './described.ts';
import type { GuardStatus, GuardStopView } from './guard-control.ts';
import { count, epochMs } from './schemas-views.ts';

/** What a release comes to. */
export interface GuardReleased {
  readonly shards: number;
}

const stopSchema = describing<GuardStopView>()(
  z
    .object({
      id: z.string(),
      cluster: z.string(),
      rule: z
        .enum(['empty', 'fraction', 'older'])
        .describe(
          'empty: the name would be without addresses; fraction: too many healthy shards would go at once; older: an older ' +
            'version would replace a newer one.',
        ),
      why: z.string().describe('The rule, for people.'),
      missing: z.string().describe('What was missing first, for people.'),
      cause: z.string().describe('The object that led to it.'),
      sinceMs: epochMs,
      shards: count,
      services: z.array(z.string()).describe('SERVICE.NAMESPACE.FEDERATION of the first of them.'),
      isRunning: z.boolean().describe('Whether time counts: the cluster is in contact.'),
      leftSeconds: count.describe('Time in contact until it is believed.'),
    })
    .meta({ id: 'GuardStop', description: 'What one rule of the guard withholds of one cluster.' }),
);

const counts = z.record(z.string(), count);

export const guardStatusSchema = describing<GuardStatus>()(
  z
    .object({
      enabled: z.boolean(),
      stops: z.array(stopSchema).describe('The oldest first.'),
      shards: count.describe('Shards withheld now.'),
      withheld: counts.describe('Shards withheld since the start, by rule.'),
      released: counts.describe('Shards let go since the start, by why.'),
    })
    .meta({ id: 'GuardStatus', description: 'What the guard withholds.' }),
);

export const guardReleasedSchema = describing<GuardReleased>()(
  z
    .object({ shards: count.describe('Shards that were let go.') })
    .meta({ id: 'GuardReleased', description: 'What a release came to.' }),
);

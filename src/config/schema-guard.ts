/** The part of the configuration that says what the guard holds back. */

import { z } from 'zod';

/** Above a day nobody waits for evidence any more. */
const HOLD_SECONDS_MAX = 86_400;
/** What happens within more than an hour is no accident. */
const WINDOW_SECONDS_MAX = 3600;

export const guardSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether anything is held back. Default: true.'),
    maxWithdrawFraction: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe(
        'Part of all healthy shards, and of those of one region, that may go missing within windowSeconds, 0 to 1. ' +
          'Default: 0.5.',
      ),
    windowSeconds: z
      .int()
      .min(1)
      .max(WINDOW_SECONDS_MAX)
      .default(60)
      .describe(`Within how many seconds losses count together, 1 to ${WINDOW_SECONDS_MAX}. Default: 60.`),
    minShards: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10)
      .describe('Fewer losses within windowSeconds are never too many, 1 to 1000000. Default: 10.'),
    holdSeconds: z
      .int()
      .min(1)
      .max(HOLD_SECONDS_MAX)
      .default(300)
      .describe(
        'How long something must stay missing, while its cluster is in contact, until it is believed, in seconds, 1 to ' +
          `${HOLD_SECONDS_MAX}. Default: 300.`,
      ),
    maxDeleteFraction: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe(
        "Part of a member cluster's federated objects that fedns federate removes within windowSeconds, 0 to 1; more wait for " +
          'fedns federate --confirm. Default: 0.5.',
      ),
    minDeletes: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(3)
      .describe('Fewer removals within windowSeconds are never too many, 1 to 1000000. Default: 3.'),
  })
  .prefault({})
  .describe(
    'What is not believed at once: shards that go missing without an endpoint that says that it is not ready, where a name ' +
      'would be left without addresses, or too many go at a time. Their old answers stay meanwhile.',
  );

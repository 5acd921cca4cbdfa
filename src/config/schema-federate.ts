/** The part of the configuration that `fedns federate` goes by: what is brought into the member clusters, and how. */

import { z } from 'zod';
import { kubeconfigSchema } from './schema-kubeconfig.ts';
import { text } from './schema-text.ts';
import { parseLabel, parseListen } from './values.ts';

/** Above, an API server holds requests back by itself (API Priority and Fairness). */
const WRITES_MAX = 64;

const label = text(parseLabel);

export const federateSchema = z
  .strictObject({
    federation: label
      .optional()
      .describe(
        'Which of federations its objects belong to: Services get its label in the member clusters. Default: the first.',
      ),
    endpoint: kubeconfigSchema
      .optional()
      .describe(
        'How to reach the federation API endpoint, where people create the federated objects. Default: the cluster of ' +
          'clusterSecrets.',
      ),
    select: z
      .enum(['label', 'all'])
      .default('label')
      .describe(
        'Which objects of the endpoint are federated. label: those labelled fedns.io/federation: NAME; all: every object of ' +
          'the federated kinds, for an endpoint that runs nothing of its own. Default: label.',
      ),
    namespace: label
      .optional()
      .describe(
        'Namespace of the Lease by which one of several replicas is the active one, in the cluster of clusterSecrets. ' +
          'Default: that of clusterSecrets.',
      ),
    admin: text(parseListen)
      .optional()
      .describe('Where fedns federate serves /metrics, /healthz and /readyz. Default: nowhere.'),
    division: z
      .enum(['v1', 'webster'])
      .default('v1')
      .describe(
        'How replicas of Deployments and ReplicaSets are divided among clusters, unless the annotation fedns.io/division ' +
          'says otherwise. v1: as Federation v1, where rounding up may leave the last cluster with nothing; webster: by ' +
          "Webster's method, which leaves none far from its part. Default: v1.",
      ),
    writesPerCluster: z
      .int()
      .min(1)
      .max(WRITES_MAX)
      .default(8)
      .describe(`Requests that write to one cluster at a time, 1 to ${WRITES_MAX}. Default: 8.`),
  })
  .describe(
    'What fedns federate brings into the member clusters. Default: nothing, the command refuses to start.',
  );

export type FederateEntry = z.output<typeof federateSchema>;

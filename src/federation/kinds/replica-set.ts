/** Owns what a federated ReplicaSet is: its replicas are divided among the clusters, its status is the sum of theirs. */

import type { FederatedKind } from '../sync/kind.ts';
import { type Counts, countsOf, generationOf, type SeenGeneration, totalsOf } from './counts.ts';
import { surplusOfTemplate } from './pod-template.ts';
import {
  DIVIDE_AFTER_MS,
  divideReplicas,
  podInquiry,
  type ReplicaOptions,
  wantedReplicas,
} from './replicas.ts';

/** Federation v1 gave the sum of `replicas` for fully labelled ones; here each is its own sum. */
const COUNTS = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;

const PREFERENCES = 'federation.kubernetes.io/replica-set-preferences';

/** What is kept of a member's ReplicaSet. */
export interface SeenReplicaSet extends SeenGeneration {
  readonly wanted: number;
  readonly counts: Counts<(typeof COUNTS)[number]>;
}

export function replicaSetKind(options: ReplicaOptions): FederatedKind<SeenReplicaSet, number> {
  return {
    type: { group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet', namespaced: true },
    hasConditions: true,
    see: (object) => ({
      ...generationOf(object),
      wanted: wantedReplicas(object.spec),
      counts: countsOf(object.status, COUNTS),
    }),
    divide: (federated, members) => divideReplicas(federated, members, PREFERENCES, options),
    divideAfterMs: options.divideAfterMs ?? DIVIDE_AFTER_MS,
    inquiry: podInquiry(options),
    desire: ({ spec = {} }, replicas = 0) => ({ spec: { ...spec, replicas } }),
    surplus: surplusOfTemplate,
    status: (federated, members) => totalsOf(federated, members, COUNTS),
  };
}

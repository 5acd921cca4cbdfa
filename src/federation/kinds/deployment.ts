/**
 * Owns what a federated Deployment is: its replicas are divided among the clusters, its status is the sum of theirs with the
 * two conditions that `kubectl wait` and `kubectl rollout status` look at.
 */

import type { FederatedKind, Fields, KubeObject, MemberView } from '../sync/kind.ts';
import {
  type Counts,
  countsOf,
  generationOf,
  isRunByEndpoint,
  type SeenGeneration,
  totalsOf,
} from './counts.ts';
import { surplusOfTemplate } from './pod-template.ts';
import {
  DIVIDE_AFTER_MS,
  divideReplicas,
  podInquiry,
  type ReplicaOptions,
  wantedReplicas,
} from './replicas.ts';
import { conditionOf, conditionsOf, type RolloutConditions } from './rollout.ts';

const COUNTS = [
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
] as const;

const PREFERENCES = 'federation.kubernetes.io/deployment-preferences';

/** What is kept of a member's Deployment. */
export interface SeenDeployment extends SeenGeneration, RolloutConditions {
  readonly wanted: number;
  readonly counts: Counts<(typeof COUNTS)[number]>;
}

export function deploymentKind(options: ReplicaOptions): FederatedKind<SeenDeployment, number> {
  return {
    type: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment', namespaced: true },
    hasConditions: true,
    see: seeDeployment,
    divide: (federated, members) => divideReplicas(federated, members, PREFERENCES, options),
    divideAfterMs: options.divideAfterMs ?? DIVIDE_AFTER_MS,
    inquiry: podInquiry(options),
    desire: ({ spec = {} }, replicas = 0) => ({ spec: { ...spec, replicas } }),
    surplus: surplusOfTemplate,
    status: statusOf,
  };
}

function seeDeployment(object: KubeObject): SeenDeployment {
  return {
    ...generationOf(object),
    wanted: wantedReplicas(object.spec),
    counts: countsOf(object.status, COUNTS),
    isAvailable: conditionOf(object.status, 'Available')?.status === 'True',
    progress: conditionOf(object.status, 'Progressing')?.reason ?? '',
  };
}

function statusOf(
  federated: KubeObject,
  members: readonly MemberView<SeenDeployment>[],
  nowMs: number,
): Fields {
  if (isRunByEndpoint(federated)) return {};
  return {
    ...totalsOf(federated, members, COUNTS),
    conditions: conditionsOf(federated, members, nowMs),
  };
}

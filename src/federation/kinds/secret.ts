/**
 * Owns what a federated Secret is: the same data in every cluster, and nothing besides. What opens one cluster is never carried
 * to another: tokens of its service accounts, and the Secrets by which fedns knows its members.
 */

import type { FederatedKind, KubeObject } from '../sync/kind.ts';
import { pick, surplusKeys } from './maps.ts';

const FIELDS = ['type', 'data', 'immutable'] as const;
/** The label of Secrets that describe member clusters. */
const CLUSTER_LABEL = 'fedns.io/cluster';
const OF_ONE_CLUSTER: ReadonlySet<unknown> = new Set([
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
]);

export const secretKind: FederatedKind<Record<string, never>> = {
  type: { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true },
  hasConditions: false,
  staysHome: whyHome,
  see: () => NOTHING,
  desire: (object) => pick(object, FIELDS),
  surplus: (member, desired) => surplusKeys(member, desired, ['data']),
};

function whyHome(object: KubeObject): string | undefined {
  if (OF_ONE_CLUSTER.has(object['type'])) return 'it opens its own cluster and no other';
  if (object.metadata.labels?.[CLUSTER_LABEL] !== undefined) return 'it describes a member cluster';
  return undefined;
}

const NOTHING: Record<string, never> = {};

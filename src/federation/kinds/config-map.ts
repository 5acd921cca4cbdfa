/** Owns what a federated ConfigMap is: the same data in every cluster, and nothing besides. */

import type { FederatedKind } from '../sync/kind.ts';
import { pick, surplusKeys } from './maps.ts';

const FIELDS = ['data', 'binaryData', 'immutable'] as const;

export const configMapKind: FederatedKind<Record<string, never>> = {
  type: { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
  hasConditions: false,
  staysHome: ({ metadata: { name } }) =>
    name === 'kube-root-ca.crt' ? 'it holds the certificates of its own cluster' : undefined,
  see: () => NOTHING,
  desire: (object) => pick(object, FIELDS),
  surplus: (member, desired) => surplusKeys(member, desired, ['data', 'binaryData']),
};

const NOTHING: Record<string, never> = {};

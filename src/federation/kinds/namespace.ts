/** Owns what a federated Namespace is: a name with labels and annotations, which every cluster fills by itself. */

import type { FederatedKind } from '../sync/kind.ts';

/** Those that Kubernetes makes in every cluster. */
const OF_EVERY_CLUSTER = /^(?:default|kube-.*)$/;

export const namespaceKind: FederatedKind<Record<string, never>> = {
  type: { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
  // They are the namespace controller's, and of older servers one list that is somebody's as a whole.
  hasConditions: false,
  holdsOthers: true,
  staysHome: ({ metadata: { name } }) =>
    OF_EVERY_CLUSTER.test(name) ? 'every cluster has it from the start' : undefined,
  see: () => NOTHING,
  // Its spec holds the finalizers of its own server.
  desire: () => ({}),
};

/** One for all: nothing is kept of a member's Namespace. */
const NOTHING: Record<string, never> = {};

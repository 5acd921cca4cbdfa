/**
 * Owns what a federated Ingress is: the same spec in each cluster, and as its status the entry points of all clusters together.
 * Federation v1 had one anycast address of a cloud for all; here each cluster has its own, and DNS says which is taken.
 */

import type { FederatedKind } from '../sync/kind.ts';
import { entryPointsOf, type SeenEntryPoints, unionOf } from './load-balancers.ts';

export const ingressKind: FederatedKind<SeenEntryPoints> = {
  type: { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses', kind: 'Ingress', namespaced: true },
  hasConditions: false,
  see: ({ status }) => ({ ingress: entryPointsOf(status) }),
  // Rules and TLS are atomic in a server-side apply, so nothing foreign stays in them; a class that the cluster chose does.
  desire: ({ spec = {} }) => ({ spec }),
  status: (_federated, members) => ({ loadBalancer: { ingress: unionOf(members) } }),
};

/** Owns what a federated DaemonSet is: the same in each cluster, and its status is the sum of theirs, where Federation v1 had none. */

import type { FederatedKind } from '../sync/kind.ts';
import { type Counts, countsOf, generationOf, type SeenGeneration, totalsOf } from './counts.ts';
import { surplusOfTemplate } from './pod-template.ts';

const COUNTS = [
  'desiredNumberScheduled',
  'currentNumberScheduled',
  'updatedNumberScheduled',
  'numberMisscheduled',
  'numberReady',
  'numberAvailable',
  'numberUnavailable',
] as const;

/** What is kept of a member's DaemonSet. */
export interface SeenDaemonSet extends SeenGeneration {
  readonly counts: Counts<(typeof COUNTS)[number]>;
}

export const daemonSetKind: FederatedKind<SeenDaemonSet> = {
  type: { group: 'apps', version: 'v1', plural: 'daemonsets', kind: 'DaemonSet', namespaced: true },
  hasConditions: true,
  see: (object) => ({ ...generationOf(object), counts: countsOf(object.status, COUNTS) }),
  desire: ({ spec = {} }) => ({ spec }),
  surplus: surplusOfTemplate,
  status: (federated, members) => totalsOf(federated, members, COUNTS),
};

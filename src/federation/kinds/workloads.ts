/** The kinds that run something or lead to it: whoever federates adds them to its table. */

import type { AnyKind } from '../sync/kind.ts';
import { daemonSetKind } from './daemon-set.ts';
import { deploymentKind } from './deployment.ts';
import { ingressKind } from './ingress.ts';
import { replicaSetKind } from './replica-set.ts';
import type { ReplicaOptions } from './replicas.ts';

export function workloadKinds(options: ReplicaOptions): readonly AnyKind[] {
  return [deploymentKind(options), replicaSetKind(options), daemonSetKind, ingressKind];
}

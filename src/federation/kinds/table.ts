/** The kinds that are federated, in the order in which what is made new is made: what others stand in comes first. */

import type { AnyKind } from '../sync/kind.ts';
import { configMapKind } from './config-map.ts';
import { namespaceKind } from './namespace.ts';
import type { ReplicaOptions } from './replicas.ts';
import { secretKind } from './secret.ts';
import { serviceKind } from './service.ts';
import { workloadKinds } from './workloads.ts';

export function federatedKinds(options: ReplicaOptions): readonly AnyKind[] {
  return [namespaceKind, configMapKind, secretKind, serviceKind, ...workloadKinds(options)];
}

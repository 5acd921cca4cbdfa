/** What the host knows of its members: their Clusters, and the Secrets with their credentials. */

import { CLUSTER_LABEL } from '../../watchers/kubernetes/cluster-secret.ts';
import type { KubeObject } from '../api/object.ts';
import { CLUSTER, type ClusterObject } from './cluster-type.ts';
import type { Contact } from './contact.ts';
import { FederationError } from './federation-error.ts';
import { NAMESPACE, TYPES } from './types.ts';
import { refusal } from './undertaking.ts';

/** @throws FederationError `NO_FEDERATION`, `HOST_UNREACHABLE` */
export async function membersOf(host: Contact): Promise<readonly ClusterObject[]> {
  const listed = await host.objects.list(CLUSTER);
  if (listed.ok) return listed.value.items as readonly ClusterObject[];
  const { cause, message } = listed.failure;
  if (cause === 'kindAbsent')
    throw new FederationError(
      'NO_FEDERATION',
      `context ${host.name} is the host of no federation yet: fedns init FEDERATION --context ${host.name} --domain DOMAIN`,
    );
  if (cause === 'unreachable' || cause === 'unauthorized')
    throw new FederationError('HOST_UNREACHABLE', `${host.name}: ${message}`);
  throw refusal(host, { type: CLUSTER, name: '' }, listed.failure);
}

/** The Secret that describes a cluster; of several, the first by name. */
export async function secretOf(host: Contact, cluster: string): Promise<KubeObject | undefined> {
  const labelSelector = `${CLUSTER_LABEL}=${cluster}`;
  const listed = await host.objects.list(TYPES.secret, { namespace: NAMESPACE, labelSelector });
  if (!listed.ok) throw refusal(host, { type: TYPES.secret, namespace: NAMESPACE, name: '' }, listed.failure);
  return listed.value.items[0];
}

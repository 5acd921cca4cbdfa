/** What makes a cluster a member: the objects in it, and those in the host that say where it is. */

import { CLUSTER_LABEL } from '../../watchers/kubernetes/cluster-secret.ts';
import type { KubeObject } from '../api/object.ts';
import { clusterRole, clusterRoleBinding, serviceAccount, tokenSecret } from './account-objects.ts';
import type { ClusterSpec } from './cluster-type.ts';
import { memberRules } from './permissions.ts';
import { MADE_BY, MEMBER_NAME, MEMBER_TOKEN, NAMESPACE } from './types.ts';

/** In the member, in the order in which they are made. The namespace, which may be there already, goes before them. */
export function memberObjects({ withTokenSecret }: { readonly withTokenSecret: boolean }): KubeObject[] {
  return [
    serviceAccount(MEMBER_NAME),
    clusterRole(MEMBER_NAME, memberRules()),
    clusterRoleBinding(MEMBER_NAME),
    ...(withTokenSecret ? [tokenSecret(MEMBER_TOKEN, MEMBER_NAME)] : []),
  ];
}

export interface Placement {
  readonly region?: string;
  readonly zones?: readonly string[];
}

/** The Secret that `clusterSecrets` reads, called like the cluster. */
export function clusterSecret(name: string, { region, zones }: Placement, kubeconfig: string): KubeObject {
  const annotations = {
    ...(region !== undefined && { 'fedns.io/region': region }),
    ...(zones !== undefined && { 'fedns.io/zones': zones.join(',') }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { ...MADE_BY, [CLUSTER_LABEL]: name },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    type: 'Opaque',
    data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') },
  };
}

export function clusterObject(name: string, spec: ClusterSpec): KubeObject {
  return {
    apiVersion: 'federation.fedns.io/v1beta1',
    kind: 'Cluster',
    metadata: { name, labels: MADE_BY },
    spec,
  };
}

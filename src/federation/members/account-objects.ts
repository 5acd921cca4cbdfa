/** Objects that let fedns into a cluster: an account, what it may do, and the Secret that the cluster puts its token into. */

import type { KubeObject } from '../api/object.ts';
import type { Rule } from './permissions.ts';
import { MADE_BY, MADE_NAMESPACE, NAMESPACE } from './types.ts';

const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';

/** @param isNew - it was not there before, and may go with fedns */
export function namespaceObject(
  isNew: boolean,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: NAMESPACE,
      ...(isNew && { labels: { ...MADE_BY, [MADE_NAMESPACE]: 'true' } }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
  };
}

export function serviceAccount(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: NAMESPACE, labels: MADE_BY },
  };
}

/** The cluster's controller fills it in; such a token lasts until the Secret is deleted. */
export function tokenSecret(name: string, account: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: MADE_BY,
      annotations: { 'kubernetes.io/service-account.name': account },
    },
    type: 'kubernetes.io/service-account-token',
  };
}

export function clusterRole(name: string, rules: readonly Rule[]): KubeObject {
  return { apiVersion: RBAC_VERSION, kind: 'ClusterRole', metadata: { name, labels: MADE_BY }, rules };
}

export function clusterRoleBinding(name: string): KubeObject {
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: MADE_BY },
    ...bound('ClusterRole', name),
  };
}

export function role(name: string, rules: readonly Rule[]): KubeObject {
  const metadata = { name, namespace: NAMESPACE, labels: MADE_BY };
  return { apiVersion: RBAC_VERSION, kind: 'Role', metadata, rules };
}

export function roleBinding(name: string): KubeObject {
  const metadata = { name, namespace: NAMESPACE, labels: MADE_BY };
  return { apiVersion: RBAC_VERSION, kind: 'RoleBinding', metadata, ...bound('Role', name) };
}

/** The account has the name of the role. */
function bound(kind: 'Role' | 'ClusterRole', name: string): object {
  return {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  };
}

/** The kinds that registration makes and reads, and the names that its objects have in every cluster. */

import type { ResourceType } from '../api/object.ts';

/** Where everything of fedns lives, in the host as in each member: that of the manifests in `config`. */
export const NAMESPACE = 'fedns';
/** What `fedns join` makes in a member: beside, and never instead of, what config/rbac.yaml makes by hand. */
export const MEMBER_NAME = 'fedns-member';
export const MEMBER_TOKEN = 'fedns-member-token';
/** What `fedns init` makes in the host. */
export const HOST_NAME = 'fedns-host';
export const HOST_TOKEN = 'fedns-host-token';

/** On the host's namespace: which federation it is the host of, and under which domain. */
export const FEDERATION_ANNOTATION = 'fedns.io/federation';
export const DOMAIN_ANNOTATION = 'fedns.io/domain';

/** On everything that registration makes. */
export const MADE_BY: Readonly<Record<string, string>> = { 'app.kubernetes.io/managed-by': 'fedns' };
/** On namespaces that were not there before: the only ones that may be taken away again. */
export const MADE_NAMESPACE = 'fedns.io/made-namespace';

const RBAC = 'rbac.authorization.k8s.io';

function type(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced: boolean,
): ResourceType {
  return { group, version, plural, kind, namespaced };
}

export const TYPES = {
  namespace: type('', 'v1', 'namespaces', 'Namespace', false),
  node: type('', 'v1', 'nodes', 'Node', false),
  serviceAccount: type('', 'v1', 'serviceaccounts', 'ServiceAccount', true),
  secret: type('', 'v1', 'secrets', 'Secret', true),
  configMap: type('', 'v1', 'configmaps', 'ConfigMap', true),
  service: type('', 'v1', 'services', 'Service', true),
  pod: type('', 'v1', 'pods', 'Pod', true),
  deployment: type('apps', 'v1', 'deployments', 'Deployment', true),
  clusterRole: type(RBAC, 'v1', 'clusterroles', 'ClusterRole', false),
  clusterRoleBinding: type(RBAC, 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
  role: type(RBAC, 'v1', 'roles', 'Role', true),
  roleBinding: type(RBAC, 'v1', 'rolebindings', 'RoleBinding', true),
  definition: type(
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    'CustomResourceDefinition',
    false,
  ),
} as const satisfies Readonly<Record<string, ResourceType>>;

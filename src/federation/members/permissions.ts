/**
 * What fedns may do, and nothing more: in a member what `serve` reads and `federate` writes, in the host what both read there
 * and report. The rules for the DNS server alone are config/rbac.yaml.
 */

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

/** A federated kind, as far as permissions go. */
export interface FederatedResource {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  /** Whether its status is written at the federation endpoint. */
  readonly hasStatus: boolean;
}

/** The kinds that `fedns federate` brings into the members. */
export const FEDERATED: readonly FederatedResource[] = [
  { group: '', plural: 'services', kind: 'Service', hasStatus: true },
  { group: '', plural: 'namespaces', kind: 'Namespace', hasStatus: true },
  { group: '', plural: 'configmaps', kind: 'ConfigMap', hasStatus: false },
  { group: '', plural: 'secrets', kind: 'Secret', hasStatus: false },
  { group: 'apps', plural: 'deployments', kind: 'Deployment', hasStatus: true },
  { group: 'apps', plural: 'replicasets', kind: 'ReplicaSet', hasStatus: true },
  { group: 'apps', plural: 'daemonsets', kind: 'DaemonSet', hasStatus: true },
  { group: 'networking.k8s.io', plural: 'ingresses', kind: 'Ingress', hasStatus: true },
];

const READ = ['get', 'list', 'watch'] as const;

/** What `serve` reads of a cluster, as in config/rbac.yaml and rbac-hosts.yaml. */
const SERVED: readonly Rule[] = [
  rule('', ['nodes', 'pods'], READ),
  rule('discovery.k8s.io', ['endpointslices'], READ),
  rule('multicluster.x-k8s.io', ['serviceexports'], READ),
  rule('gateway.networking.k8s.io', ['gateways', 'httproutes'], READ),
  {
    nonResourceURLs: [
      '/readyz',
      '/version',
      ...['multicluster.x-k8s.io', 'networking.k8s.io', 'gateway.networking.k8s.io'].flatMap((group) => [
        `/apis/${group}`,
        `/apis/${group}/*`,
      ]),
    ],
    verbs: ['get'],
  },
];

/** In a member cluster. */
export function memberRules(): Rule[] {
  return [
    ...byGroup(FEDERATED.map(({ group, plural }) => ({ group, plural }))).map(([group, plurals]) =>
      rule(group, plurals, [...READ, 'create', 'patch', 'delete']),
    ),
    ...SERVED,
  ];
}

/** In all of the host: the federated objects, their status and finalizers, Events about them, and the Clusters. */
export function hostRules(): Rule[] {
  const withStatus = FEDERATED.filter(({ hasStatus }) => hasStatus).map(({ group, plural }) => ({
    group,
    plural: `${plural}/status`,
  }));
  return [
    ...byGroup(FEDERATED).map(([group, plurals]) => rule(group, plurals, [...READ, 'patch'])),
    ...byGroup(withStatus).map(([group, plurals]) => rule(group, plurals, ['patch'])),
    rule('', ['events'], ['create', 'patch']),
    rule('federation.fedns.io', ['clusters'], READ),
    rule('federation.fedns.io', ['clusters/status'], ['patch']),
    { nonResourceURLs: ['/readyz', '/version'], verbs: ['get'] },
  ];
}

/** In the namespace of fedns in the host: the members' credentials, and the Lease by which one of several is active. */
export function hostNamespaceRules(): Rule[] {
  return [
    rule('', ['secrets'], READ),
    rule('coordination.k8s.io', ['leases'], ['get', 'create', 'update', 'patch']),
  ];
}

function rule(group: string, resources: readonly string[], verbs: readonly string[]): Rule {
  return { apiGroups: [group], resources, verbs };
}

function byGroup(
  resources: readonly Pick<FederatedResource, 'group' | 'plural'>[],
): (readonly [group: string, plurals: string[]])[] {
  const groups = Map.groupBy(resources, ({ group }) => group);
  return [...groups].map(([group, of]) => [group, of.map(({ plural }) => plural)] as const);
}

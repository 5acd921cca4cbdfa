/**
 * The Cluster: what the host says of a member and how it is, as `kubectl get clusters` and `kubectl describe cluster` show it.
 * Its credentials are in a Secret; who writes its status is status-keeper.ts.
 */

import type { KubeObject, ResourceType } from '../api/object.ts';
import { MADE_BY } from './types.ts';

export const CLUSTER: ResourceType = {
  group: 'federation.fedns.io',
  version: 'v1beta1',
  plural: 'clusters',
  kind: 'Cluster',
  namespaced: false,
};

export interface ClusterSpec {
  /** Of its namespace kube-system: a cluster is the same under whatever name and address. */
  readonly uid: string;
  readonly server: string;
  /** In the namespace of fedns. */
  readonly secretRef: { readonly name: string };
  /** Absent: as its Nodes say. */
  readonly region?: string;
  readonly zones?: readonly string[];
}

/** As of Federation v1: Ready, and Offline, which is True while its API server cannot be reached. */
export interface ClusterCondition {
  readonly type: 'Ready' | 'Offline';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, in seconds. */
  readonly lastProbeTime: string;
  readonly lastTransitionTime: string;
}

export interface ClusterStatus {
  /** In one word, for the column STATUS. */
  readonly phase: 'Ready' | 'NotReady' | 'Offline' | 'Unknown';
  readonly version?: string;
  readonly region?: string;
  readonly zones?: readonly string[];
  readonly conditions: readonly ClusterCondition[];
}

export interface ClusterObject extends KubeObject {
  readonly spec: ClusterSpec;
  readonly status?: ClusterStatus;
}

const text = (description: string): object => ({ type: 'string', description });
const texts = (description: string): object => ({ type: 'array', items: { type: 'string' }, description });

const CONDITION = {
  type: 'object',
  required: ['type', 'status'],
  properties: {
    type: text('Ready or Offline.'),
    status: text('True, False or Unknown.'),
    reason: text('Why, in one word.'),
    message: text('Why, in the words of the cluster where it has said any.'),
    lastProbeTime: { type: 'string', format: 'date-time' },
    lastTransitionTime: { type: 'string', format: 'date-time' },
  },
};

const SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['uid', 'server', 'secretRef'],
      properties: {
        uid: text('The uid of its namespace kube-system.'),
        server: text('The address of its API server.'),
        secretRef: {
          type: 'object',
          required: ['name'],
          properties: { name: text('The Secret with its credentials, in the namespace fedns.') },
        },
        region: text('Its region. Default: as the labels of its Nodes say.'),
        zones: texts('Its zones. Default: as the labels of its Nodes say.'),
      },
    },
    status: {
      type: 'object',
      properties: {
        phase: text('Ready, NotReady, Offline or Unknown.'),
        version: text('Its Kubernetes version.'),
        region: text('Its region.'),
        zones: texts('Its zones.'),
        conditions: {
          type: 'array',
          items: CONDITION,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
        },
      },
    },
  },
};

const column = (name: string, jsonPath: string, type = 'string', priority = 0): object => ({
  name,
  jsonPath,
  type,
  ...(priority > 0 && { priority }),
});

/** kubectl prints these in its tables; those of priority 1 with `-o wide`. */
const COLUMNS = [
  column('Status', '.status.phase'),
  column('Version', '.status.version'),
  column('Age', '.metadata.creationTimestamp', 'date'),
  column('Region', '.status.region', 'string', 1),
  column('Zones', '.status.zones', 'string', 1),
  column('Reason', '.status.conditions[?(@.type=="Ready")].message', 'string', 1),
];

export const CLUSTER_DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${CLUSTER.plural}.${CLUSTER.group}`, labels: MADE_BY },
  spec: {
    group: CLUSTER.group,
    scope: 'Cluster',
    names: { kind: CLUSTER.kind, listKind: 'ClusterList', plural: CLUSTER.plural, singular: 'cluster' },
    versions: [
      {
        name: CLUSTER.version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: SCHEMA },
        subresources: { status: {} },
        additionalPrinterColumns: COLUMNS,
      },
    ],
  },
};

/**
 * The kinds of objects that are watched in member clusters: where the API has them, and in which form they are asked
 * for. The table is all that fedns ever asks a member cluster for, besides `/readyz`, `/version` and which version of
 * an API group has a kind; config/rbac.yaml permits just that, and config/rbac-hosts.yaml what hosts need.
 */

import {
  slimObject,
  type ObjectKind,
  type SlimOptions,
  type SlimResult,
  type TypeMeta,
} from '../objects/objects.ts';
import { HOST_KINDS } from '../objects/hosts.ts';
import { nameInHead, type Resource } from '../api/resources.ts';

/** A resource of one of the kinds that fedns reads. */
export interface WatchedKind extends Resource<SlimResult> {
  readonly kind: ObjectKind;
  readonly isNamespaced: boolean;
}

type Row = Omit<WatchedKind, 'kind' | 'isNamespaced' | 'read' | 'readTooLarge'> & {
  readonly type: TypeMeta & { kind: ObjectKind };
};

const ROWS: readonly Row[] = [
  {
    type: { apiVersion: 'v1', kind: 'Service' },
    path: '/api/v1/services',
    query: '',
    metadataOnly: false,
  },
  {
    type: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    // v1beta1 came in Kubernetes 1.17 and went in 1.25; releases before 1.21 have been without support since 2022.
    absence: 'fedns needs discovery.k8s.io/v1, which Kubernetes has from version 1.21 on',
    // The label says which Service a slice belongs to; without it, it belongs to none.
    query: '&labelSelector=kubernetes.io%2Fservice-name',
    metadataOnly: false,
  },
  {
    type: { apiVersion: 'v1', kind: 'Node' },
    path: '/api/v1/nodes',
    query: '',
    metadataOnly: true,
  },
  {
    type: { apiVersion: 'multicluster.x-k8s.io/v1alpha1', kind: 'ServiceExport' },
    discover: { group: 'multicluster.x-k8s.io', plural: 'serviceexports' },
    query: '',
    metadataOnly: true,
  },
  {
    type: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
    discover: { group: 'networking.k8s.io', plural: 'ingresses' },
    query: '',
    metadataOnly: false,
  },
  {
    type: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway' },
    discover: { group: 'gateway.networking.k8s.io', plural: 'gateways' },
    query: '',
    metadataOnly: false,
  },
  {
    type: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
    discover: { group: 'gateway.networking.k8s.io', plural: 'httproutes' },
    query: '',
    metadataOnly: false,
  },
];

/** Which kinds are wanted besides Services and their slices. */
export interface KindsWanted {
  /** Only where a federation selects by them. */
  readonly exports: boolean;
  /** Only where they have a say in where the cluster lies: not every service account may list them. */
  readonly nodes: boolean;
  /** Ingresses, Gateways and their routes: only where a federation answers for hosts. */
  readonly hosts: boolean;
}

/** The kinds to watch in a member cluster. */
export function watchedKinds(slim: SlimOptions, wanted: KindsWanted): WatchedKind[] {
  const unwanted = new Set<ObjectKind>();
  if (!wanted.exports) unwanted.add('ServiceExport');
  if (!wanted.nodes) unwanted.add('Node');
  if (!wanted.hosts) for (const kind of HOST_KINDS) unwanted.add(kind);
  return ROWS.filter(({ type }) => !unwanted.has(type.kind)).map((row) => watchedKind(row, slim));
}

function watchedKind({ type, ...row }: Row, slim: SlimOptions): WatchedKind {
  return {
    ...row,
    // Addresses and Pod networks of Nodes are no metadata.
    metadataOnly: row.metadataOnly && !(type.kind === 'Node' && slim.nodeNetworks === true),
    kind: type.kind,
    isNamespaced: type.kind !== 'Node',
    read(value) {
      // In a list the type is left out, and metadata calls itself PartialObjectMetadata: the path says what it is.
      const typed = typeof value === 'object' && value !== null ? { ...value, ...type } : value;
      return slimObject(typed, slim);
    },
    readTooLarge: (head, octetsMax) => tooLarge(type.kind, head, octetsMax),
  };
}

function tooLarge(of: ObjectKind, head: Buffer, octetsMax: number): SlimResult | undefined {
  const names = nameInHead(head);
  if (names.name === '') return undefined;
  const message = `larger than ${octetsMax} octets, the limit of its cluster`;
  return { kind: 'Fault', code: 'OBJECT_TOO_LARGE', of, ...names, path: '', message };
}

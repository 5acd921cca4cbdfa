/**
 * The kinds of objects that are watched: where the API has them, in which form they are asked for, and how an octet
 * string becomes a slim object. The table is all that fedns ever asks a member cluster for, besides `/readyz`,
 * `/version` and the version of the ServiceExport API; config/rbac.yaml permits just that.
 */

import { parseJson } from './list-scanner.ts';
import {
  slimObject,
  type ObjectFault,
  type ObjectKind,
  type SlimOptions,
  type SlimResult,
  type TypeMeta,
} from './objects.ts';

/** One watched kind. */
export interface WatchedKind {
  readonly kind: ObjectKind;
  /** What an item of its list is, which does not say so itself. */
  readonly typeMeta: TypeMeta;
  /** Absent for a kind that the cluster may not have; see {@link discoverExports}. */
  readonly path?: string;
  /** Further query parameters, encoded. */
  readonly query: string;
  /** Only the metadata is wanted: the server leaves the rest out. */
  readonly metadataOnly: boolean;
}

export const WATCHED_KINDS: readonly WatchedKind[] = [
  {
    kind: 'Service',
    typeMeta: { apiVersion: 'v1', kind: 'Service' },
    path: '/api/v1/services',
    query: '',
    metadataOnly: false,
  },
  {
    kind: 'EndpointSlice',
    typeMeta: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    // The label says which Service a slice belongs to; without it, it belongs to none.
    query: '&labelSelector=kubernetes.io%2Fservice-name',
    metadataOnly: false,
  },
  {
    kind: 'Node',
    typeMeta: { apiVersion: 'v1', kind: 'Node' },
    path: '/api/v1/nodes',
    query: '',
    metadataOnly: true,
  },
  {
    kind: 'ServiceExport',
    typeMeta: { apiVersion: 'multicluster.x-k8s.io/v1alpha1', kind: 'ServiceExport' },
    query: '',
    metadataOnly: true,
  },
];

/** The group of the ServiceExport API; its document names the version that the cluster prefers. */
export const EXPORTS_GROUP_PATH = '/apis/multicluster.x-k8s.io';

/** The path of ServiceExports in the version that the group's document prefers. */
export function exportsPath(groupDocument: string): string | undefined {
  const group = parseJson(Buffer.from(groupDocument)) as { preferredVersion?: { version?: unknown } } | null;
  const version = group?.preferredVersion?.version;
  const known = typeof version === 'string' && /^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$/.test(version);
  return known ? `${EXPORTS_GROUP_PATH}/${version}/serviceexports` : undefined;
}

/** The `Accept` header for a list or a watch of a kind. */
export function acceptHeader(kind: WatchedKind, reply: 'list' | 'watch'): string {
  if (!kind.metadataOnly) return 'application/json';
  const as = reply === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return `application/json;as=${as};g=meta.k8s.io;v=v1`;
}

/** Slims an object as it came in a list or a watch of its kind. */
export function readObject(kind: WatchedKind, value: unknown, options: SlimOptions): SlimResult {
  // In a list the type is left out, and metadata calls itself PartialObjectMetadata: the path says what it is.
  const typed = typeof value === 'object' && value !== null ? { ...value, ...kind.typeMeta } : value;
  return slimObject(typed, options);
}

/** Encodes that much of an object's name as its beginning shows, for an object too large to be parsed. */
export function tooLargeFault(kind: WatchedKind, head: Buffer, octetsMax: number): ObjectFault {
  const text = head.toString('utf8');
  const field = (name: string): string =>
    new RegExp(`"metadata":\\s*\\{(?:[^{}"]|"[^"\\\\]*")*?"${name}":\\s*"([a-z0-9.-]{1,253})"`).exec(
      text,
    )?.[1] ?? '';
  return {
    kind: 'Fault',
    code: 'OBJECT_TOO_LARGE',
    of: kind.kind,
    namespace: field('namespace'),
    name: field('name'),
    path: '',
    message: `larger than ${octetsMax} octets, the limit of its cluster`,
  };
}

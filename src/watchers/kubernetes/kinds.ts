/**
 * The kinds of objects that are watched in member clusters: where the API has them, and in which form they are asked
 * for. The table is all that fedns ever asks a member cluster for, besides `/readyz`, `/version` and the version of
 * the ServiceExport API; config/rbac.yaml permits just that.
 */

import { parseJson } from '../api/list-scanner.ts';
import {
  slimObject,
  type ObjectKind,
  type SlimOptions,
  type SlimResult,
  type TypeMeta,
} from '../objects/objects.ts';
import { nameInHead, type Resource } from '../api/resources.ts';

/** A resource of one of the kinds that fedns reads. */
export interface WatchedKind extends Resource<SlimResult> {
  readonly kind: ObjectKind;
}

type Row = Omit<WatchedKind, 'kind' | 'read' | 'readTooLarge'> & {
  readonly type: TypeMeta & { kind: ObjectKind };
};

const EXPORTS_GROUP_PATH = '/apis/multicluster.x-k8s.io';

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
    discover: { path: EXPORTS_GROUP_PATH, read: exportsPath },
    query: '',
    metadataOnly: true,
  },
];

/**
 * The kinds to watch in a member cluster.
 *
 * @param exports - whether ServiceExports are wanted: only where a federation selects by them
 */
export function watchedKinds(slim: SlimOptions, exports: boolean): WatchedKind[] {
  return ROWS.filter(({ type }) => exports || type.kind !== 'ServiceExport').map((row) =>
    watchedKind(row, slim),
  );
}

function watchedKind({ type, ...row }: Row, slim: SlimOptions): WatchedKind {
  return {
    ...row,
    kind: type.kind,
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

/** The path of ServiceExports in the version that the group's document prefers. */
function exportsPath(document: string): string | undefined {
  const group = parseJson(Buffer.from(document)) as { preferredVersion?: { version?: unknown } } | null;
  const version = group?.preferredVersion?.version;
  const known = typeof version === 'string' && /^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$/.test(version);
  return known ? `${EXPORTS_GROUP_PATH}/${version}/serviceexports` : undefined;
}

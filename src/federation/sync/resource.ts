/** Owns how a kind is listed and watched, at the endpoint and in members: whole objects, less what nobody looks at. */

import type { Resource } from '../../watchers/api/resources.ts';
import { nameInHead } from '../../watchers/api/resources.ts';
import { FIELD_MANAGER } from '../api/object-client.ts';
import { apiVersionOf, collectionPath, type ObjectMeta } from '../api/object.ts';
import type { AnyKind, KubeObject } from './kind.ts';

/** An object that could not be taken: too large, or no object. */
export interface Unread {
  readonly unread: string;
  readonly namespace: string;
  readonly name: string;
}

/** @param labelSelector - absent: all objects */
export function resourceOf<T>(
  kind: AnyKind,
  read: (object: KubeObject) => T,
  labelSelector?: string,
): Resource<T | Unread> {
  const { type } = kind;
  return {
    kind: type.kind,
    path: collectionPath(type),
    query: labelSelector === undefined ? '' : `&labelSelector=${encodeURIComponent(labelSelector)}`,
    metadataOnly: false,
    read: (value) => {
      const object = asObject(value, kind);
      return isUnread(object) ? object : read(object);
    },
    readTooLarge: (head, octetsMax) => {
      const { namespace, name } = nameInHead(head);
      return name === '' ? undefined : { unread: `larger than ${octetsMax} octets`, namespace, name };
    },
  };
}

/** Lists leave the type out. */
function asObject(value: unknown, { type }: AnyKind): KubeObject | Unread {
  const { metadata, ...rest } = (value ?? {}) as Partial<KubeObject>;
  const name: unknown = metadata?.name;
  if (metadata === undefined || typeof name !== 'string' || name === '')
    return { unread: 'it has no name', namespace: '', name: '' };
  return { ...rest, apiVersion: apiVersionOf(type), kind: type.kind, metadata: leanMetadata(metadata) };
}

interface ManagedFields {
  readonly manager?: string;
  readonly subresource?: string;
  readonly fieldsV1?: { readonly 'f:status'?: Readonly<Record<string, unknown>> };
}

/**
 * Who manages which field is most of an object's octets. Kept of it, as `statusWriters`, is who else says in the status which
 * generation it has seen: a controller of the same server, which acts on the object itself.
 */
export function leanMetadata(metadata: ObjectMeta): ObjectMeta {
  const { managedFields, ...kept } = metadata;
  const entries = Array.isArray(managedFields) ? (managedFields as readonly ManagedFields[]) : [];
  const statusWriters = entries.filter(isController).map(({ manager }) => manager);
  return statusWriters.length === 0 ? kept : { ...kept, statusWriters };
}

function isController({ manager, subresource, fieldsV1 }: ManagedFields): boolean {
  if (subresource !== 'status' || manager === FIELD_MANAGER) return false;
  return Object.hasOwn(fieldsV1?.['f:status'] ?? {}, 'f:observedGeneration');
}

export function isUnread(value: unknown): value is Unread {
  return typeof value === 'object' && value !== null && 'unread' in value;
}

/** Owns how a kind is listed and watched, at the endpoint and in members: whole objects, less what nobody looks at. */

import type { Resource } from '../../watchers/api/resources.ts';
import { nameInHead } from '../../watchers/api/resources.ts';
import { apiVersionOf, collectionPath } from '../api/object.ts';
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

/** Lists leave the type out. Who manages which field is most of an object's octets, and nobody asks for it. */
function asObject(value: unknown, { type }: AnyKind): KubeObject | Unread {
  const { metadata, ...rest } = (value ?? {}) as Partial<KubeObject>;
  const name: unknown = metadata?.name;
  if (metadata === undefined || typeof name !== 'string' || name === '')
    return { unread: 'it has no name', namespace: '', name: '' };
  const { managedFields: _managed, ...kept } = metadata;
  return { ...rest, apiVersion: apiVersionOf(type), kind: type.kind, metadata: kept };
}

export function isUnread(value: unknown): value is Unread {
  return typeof value === 'object' && value !== null && 'unread' in value;
}

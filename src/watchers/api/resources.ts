/**
 * What the list/watch loop needs to know of a resource of the Kubernetes API. The loop is the same for the objects of
 * member clusters (kinds.ts) and for the Secrets that describe them (cluster-secrets.ts).
 */

import type { Discoverable } from './discovery.ts';

/** A resource to be listed and watched, and how its objects become `T`. */
export interface Resource<T> {
  /** For messages, and as the key of its state. */
  readonly kind: string;
  /** Absent: found by asking what the API group offers (`discover`), and absent as long as the kind is. */
  readonly path?: string;
  readonly discover?: Discoverable;
  /** The only namespace that is read; absent: all of the cluster. */
  readonly namespace?: string;
  /** What a 404 for a path that is fixed means, for the operator. */
  readonly absence?: string;
  /** Further query parameters, encoded, each with its `&`. */
  readonly query: string;
  /** Only the metadata is wanted: the server leaves the rest out. */
  readonly metadataOnly: boolean;
  /** Makes a `T` of an object as parsed; never throws. */
  readonly read: (value: unknown) => T;
  /** What an object becomes that is too large to be parsed, by what its beginning tells; undefined: no name found. */
  readonly readTooLarge: (head: Buffer, octetsMax: number) => T | undefined;
}

/** Where a resource is in its namespace, if it is one of a single namespace. @param path - of the whole cluster */
export function scopedPath(path: string, namespace: string | undefined): string {
  if (namespace === undefined) return path;
  return path.replace(/\/[^/]+$/, (plural) => `/namespaces/${encodeURIComponent(namespace)}${plural}`);
}

/** The `Accept` header for a list or a watch. */
export function acceptHeader({ metadataOnly }: Resource<unknown>, reply: 'list' | 'watch'): string {
  if (!metadataOnly) return 'application/json';
  const as = reply === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return `application/json;as=${as};g=meta.k8s.io;v=v1`;
}

/** An object's name, as far as its beginning shows it. */
export function nameInHead(head: Buffer): { readonly namespace: string; readonly name: string } {
  const text = head.toString('utf8');
  // Kubernetes writes `metadata` before everything large, and its flat fields before labels and annotations.
  const field = (name: string): string =>
    new RegExp(`"metadata":\\s*\\{(?:[^{}"]|"[^"\\\\]*")*?"${name}":\\s*"([a-z0-9.-]{1,253})"`).exec(
      text,
    )?.[1] ?? '';
  return { namespace: field('namespace'), name: field('name') };
}

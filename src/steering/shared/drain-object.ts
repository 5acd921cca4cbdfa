/** Owns what a ConfigMap with drains looks like: YAML under one key, a list that people write by hand, too. */

import { parse, stringify } from 'yaml';
import type { Resource } from '../../watchers/api/resources.ts';
import type { Drain } from '../drains/drain.ts';
import { DrainEntryError, readEntries, writeEntry } from '../drains/drain-entry.ts';

/** The key of the ConfigMap's data that holds the drains; other keys are nobody's business here. */
export const DRAINS_KEY = 'drains.yaml';

/** A ConfigMap as the API has it. */
export interface ConfigMap {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly data?: Readonly<Record<string, string>>;
}

/** What is read of one: its drains, or why they are not understood. */
export interface DrainObject {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly content: { readonly drains: readonly Drain[] } | { readonly fault: string };
}

/** One ConfigMap, to be listed and watched by itself. */
export function drainResource(namespace: string, name: string, clock: () => number): Resource<DrainObject> {
  return {
    kind: 'ConfigMap',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`,
    query: `&fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`,
    metadataOnly: false,
    read: (value) => readObject(value, clock()),
    readTooLarge: (_head, octetsMax) => ({
      name,
      uid: '',
      resourceVersion: '',
      content: { fault: `larger than ${octetsMax} octets` },
    }),
  };
}

export function readObject(value: unknown, nowMs: number): DrainObject {
  const { metadata, data } = value as Partial<ConfigMap>;
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
    content: readContent(data?.[DRAINS_KEY], nowMs),
  };
}

function readContent(text: string | undefined, nowMs: number): DrainObject['content'] {
  if (text === undefined) return { drains: [] };
  try {
    // Aliases unfold without end, and nothing here needs one.
    const value: unknown = parse(text, { maxAliasCount: 0 });
    return { drains: value === null || value === undefined ? [] : readEntries(value, 'shared', nowMs) };
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n');
    return { fault: error instanceof DrainEntryError ? error.message : `${DRAINS_KEY} is no YAML: ${line}` };
  }
}

/** The object with other drains, and all else as it was. */
export function withDrains(
  before: ConfigMap | undefined,
  where: { readonly namespace: string; readonly name: string },
  drains: readonly Drain[],
): ConfigMap {
  const { namespace, name } = where;
  const base = before ?? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name } };
  return {
    ...base,
    data: { ...base.data, [DRAINS_KEY]: stringify(drains.map(writeEntry), { lineWidth: 0 }) },
  };
}

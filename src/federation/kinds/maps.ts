/** Owns what ConfigMaps and Secrets have in common: fields taken as they are, and maps of which no foreign key may stay. */

import type { JsonPatch } from '../api/object-client.ts';
import type { Fields, KubeObject } from '../sync/kind.ts';

/** The fields that are there, under their names. */
export function pick(object: KubeObject, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])),
  );
}

/** Removes the keys of maps that the federated object does not have. */
export function surplusKeys(member: KubeObject, desired: Fields, names: readonly string[]): JsonPatch {
  return names.flatMap((name) => {
    const wanted = mapOf(desired[name]);
    const foreign = Object.keys(mapOf(member[name])).filter((key) => !Object.hasOwn(wanted, key));
    return foreign.map((key) => ({ op: 'remove' as const, path: `/${name}/${escapeKey(key)}` }));
  });
}

function mapOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** RFC 6901 section 3. */
function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

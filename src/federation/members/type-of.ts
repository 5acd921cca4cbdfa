/** Finds the type of an object that registration makes. */

import type { KubeObject, ResourceType } from '../api/object.ts';
import { CLUSTER } from './cluster-type.ts';
import { TYPES } from './types.ts';

const BY_KIND: ReadonlyMap<string, ResourceType> = new Map(
  [...Object.values(TYPES), CLUSTER].map((type) => [type.kind, type]),
);

export function typeOf({ kind }: Pick<KubeObject, 'kind'>): ResourceType {
  const type = BY_KIND.get(kind);
  if (type === undefined) throw new Error(`${kind} is no kind that is made here`);
  return type;
}

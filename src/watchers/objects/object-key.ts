/** The key of an object within its kind and cluster, `namespace/name`, and the way back. */

/** What an object is called. */
export interface ObjectNames {
  readonly namespace: string;
  readonly name: string;
}

export function keyOf(object: ObjectNames): string {
  return `${object.namespace}/${object.name}`;
}

/** The names in a key: neither of them holds a slash. */
export function namesOf(key: string): ObjectNames {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Objects that a controller of the federation endpoint made of others: where it has such controllers, they are its own. */

import type { Fields, KubeObject } from '../sync/kind.ts';

/** @returns why the object goes nowhere, when another controls it: a ReplicaSet of a Deployment */
export function controllerOf({ metadata }: KubeObject): string | undefined {
  const owners: unknown = metadata['ownerReferences'];
  const list = Array.isArray(owners) ? (owners as readonly Fields[]) : [];
  const owner = list.find((each) => each['controller'] === true);
  return (
    owner &&
    `${String(owner['kind'])} ${String(owner['name'])} controls it, which goes to the clusters itself`
  );
}

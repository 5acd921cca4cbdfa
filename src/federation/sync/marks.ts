/**
 * What fedns writes on objects to know them again, and what people write on federated objects to say how they are to be
 * treated. Where a federated object goes is placement.ts.
 */

import type { KubeObject } from './kind.ts';

/** On a member's object, with the federation's name: fedns has made or adopted it. Whatever lacks it is never touched. */
export const MANAGED_LABEL = 'federation.fedns.io/managed';
/** On a member's object that was there before fedns. */
export const ADOPTED_ANNOTATION = 'federation.fedns.io/adopted';
/** On a federated object: member clusters may have copies, which go before it does. */
export const FINALIZER = 'federation.fedns.io/members';
/** On a federated object of a kind whose status has no conditions: those of fedns, as JSON. */
export const CONDITIONS_ANNOTATION = 'federation.fedns.io/conditions';
/** `"true"` on a federated object: its deletion leaves the members' objects. */
export const ORPHAN_ANNOTATION = 'fedns.io/orphan';
/** With the federation's name: fedns serves the Service, and of a shared endpoint federates the object. */
export const FEDERATION_LABEL = 'fedns.io/federation';

/** Annotations that are about the federated object itself, or that its own server's controllers write for themselves. */
const OWN_PREFIXES = [
  'kubectl.kubernetes.io/',
  'federation.fedns.io/',
  'federation.kubernetes.io/',
  'federation.alpha.kubernetes.io/',
  'deployment.kubernetes.io/',
] as const;
const OWN_NAMES: ReadonlySet<string> = new Set([ORPHAN_ANNOTATION, 'fedns.io/clusters', 'fedns.io/division']);

/** Whether an annotation of a federated object is no business of its copies. */
export function isOwnAnnotation(name: string): boolean {
  return OWN_NAMES.has(name) || OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Of which federation a member's object is; undefined: foreign. */
export function federationOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels?.[MANAGED_LABEL];
}

export function isAdopted({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[ADOPTED_ANNOTATION] === 'true';
}

export function hasFinalizer({ metadata }: KubeObject): boolean {
  return metadata.finalizers?.includes(FINALIZER) ?? false;
}

export function isOrphaning({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[ORPHAN_ANNOTATION] === 'true';
}

/** A merge patch that makes a member's object foreign again: it stays as it is, and is nobody's. */
export const RELEASE_PATCH = {
  metadata: { labels: { [MANAGED_LABEL]: null }, annotations: { [ADOPTED_ANNOTATION]: null } },
} as const;

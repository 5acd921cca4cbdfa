/**
 * Owns a federated object as the engine keeps it: the object, where it goes, what is applied of it, and a number that changes
 * whenever that does. Reading it from the endpoint is endpoint.ts.
 */

import { apiVersionOf } from '../api/object.ts';
import type { AnyKind, Fields, KubeObject, Problem } from './kind.ts';
import {
  ADOPTED_ANNOTATION,
  FEDERATION_LABEL,
  federationOf,
  hasFinalizer,
  isOwnAnnotation,
  MANAGED_LABEL,
} from './marks.ts';
import { readPlacement, type Placement } from './placement.ts';

/** What one cluster gets of an object that is divided. */
export interface Share {
  readonly value: unknown;
  readonly text: string;
  readonly revision: number;
}

/** A federated object. */
export interface Federated {
  readonly key: string;
  readonly kind: AnyKind;
  readonly object: KubeObject;
  /** Whether it is to have copies: not while it is being deleted, nor once it is no longer selected. */
  readonly isWanted: boolean;
  readonly placement: Placement;
  /** Another one means other copies. */
  readonly revision: number;
  /** By cluster; absent: the kind does not divide, or has not yet. */
  readonly shares?: ReadonlyMap<string, Share>;
  /** Of the division. */
  readonly problems: readonly Problem[];
  /** The object's `generation` that the division is of. */
  readonly dividedAt?: number | undefined;
}

/** What the endpoint's objects are judged by. */
export interface Selection {
  readonly federation: string;
  readonly select: 'label' | 'all';
  /** Of fedns itself: its Lease, its Secrets. */
  readonly ownNamespace: string;
}

let revisions = 0;

/** A number that no other revision of this process has. */
export function nextRevision(): number {
  return ++revisions;
}

export function keyOf(kind: AnyKind, { namespace, name }: { namespace?: string; name: string }): string {
  return `${kind.type.kind} ${namespace ?? ''}/${name}`;
}

/** The namespace of a key, empty for what is of the cluster. */
export function namespaceOfKey(key: string): string {
  return key.slice(key.indexOf(' ') + 1, key.indexOf('/'));
}

/**
 * Takes in an object of the endpoint.
 *
 * @param before - what was known of it
 * @returns undefined: it is not federated and never was
 */
export function federatedOf(
  kind: AnyKind,
  object: KubeObject,
  selection: Selection,
  before?: Federated,
): Federated | undefined {
  const isSelected = whyHome(kind, object, selection) === undefined;
  if (!isSelected && !hasFinalizer(object)) return undefined;
  const isWanted = isSelected && object.metadata.deletionTimestamp === undefined;
  const isSame = before !== undefined && isSameContent(before, kind, object, selection);
  return {
    key: before?.key ?? keyOf(kind, object.metadata),
    kind,
    object,
    isWanted,
    placement: readPlacement(object),
    revision: isSame ? before.revision : nextRevision(),
    ...(before?.shares && { shares: isSame ? before.shares : renewed(before.shares) }),
    problems: before?.problems ?? [],
    ...(before?.dividedAt !== undefined && { dividedAt: before.dividedAt }),
  };
}

/** Why an object of the endpoint has no copies; undefined: it is federated. */
export function whyHome(kind: AnyKind, object: KubeObject, selection: Selection): string | undefined {
  const { metadata } = object;
  const namespace = kind.type.namespaced ? metadata.namespace : undefined;
  const isLabelled = metadata.labels?.[FEDERATION_LABEL] === selection.federation;
  if (selection.select === 'label' && !isLabelled)
    return `not labelled ${FEDERATION_LABEL}: ${selection.federation}`;
  if (namespace?.startsWith('kube-') === true) return 'every cluster has its own system namespaces';
  const holder = kind.holdsOthers === true ? metadata.name : namespace;
  if (holder === selection.ownNamespace) return "it stands in fedns' own namespace";
  if (federationOf(object) !== undefined) return 'it is a copy itself';
  if (isControlled(metadata['ownerReferences'])) return 'a controller of its own server makes it';
  return kind.staysHome?.(object);
}

function isControlled(owners: unknown): boolean {
  return (
    Array.isArray(owners) && owners.some((owner: { controller?: unknown }) => owner?.controller === true)
  );
}

/** Kinds that `fedns serve` answers for where they carry the federation's label. */
const SERVED_KINDS: ReadonlySet<string> = new Set(['Service', 'Ingress']);

/** What is applied in a cluster. @param adopted - the object was there before fedns */
export function desiredObject(
  { kind, object, shares }: Federated,
  { federation, cluster, adopted }: { federation: string; cluster: string; adopted: boolean },
): KubeObject {
  const { metadata } = object;
  const { type } = kind;
  return {
    ...kind.desire(object, shares?.get(cluster)?.value),
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: {
      name: metadata.name,
      ...(type.namespaced && metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: {
        ...(SERVED_KINDS.has(type.kind) && { [FEDERATION_LABEL]: federation }),
        ...metadata.labels,
        [MANAGED_LABEL]: federation,
      },
      annotations: { ...annotationsOf(object), ...(adopted && { [ADOPTED_ANNOTATION]: 'true' }) },
    },
  };
}

/** The number that stands for what a cluster is to have. */
export function revisionIn({ shares, revision }: Federated, cluster: string): number {
  return shares?.get(cluster)?.revision ?? revision;
}

/** Whether the kind's division is still to come, before which nothing is applied. */
export function awaitsDivision({ kind, shares }: Federated): boolean {
  return kind.divide !== undefined && shares === undefined;
}

function isSameContent(before: Federated, kind: AnyKind, object: KubeObject, selection: Selection): boolean {
  const of = (one: KubeObject): string =>
    JSON.stringify([
      kind.desire(one, undefined),
      one.metadata.labels,
      annotationsOf(one),
      selection.federation,
    ]);
  return before.object.metadata.uid === object.metadata.uid && of(before.object) === of(object);
}

function annotationsOf({ metadata }: KubeObject): Fields {
  const entries = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(entries.filter(([name]) => !isOwnAnnotation(name)));
}

function renewed(shares: ReadonlyMap<string, Share>): ReadonlyMap<string, Share> {
  return new Map([...shares].map(([cluster, share]) => [cluster, { ...share, revision: nextRevision() }]));
}

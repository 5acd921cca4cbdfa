/**
 * Owns what is kept of a member cluster's objects: of each a few fields, whether it stands as it should, and what its kind
 * wants to know of it. What should stand there is asked at the moment when the object arrives, which is then let go.
 */

import type { AnyKind, Fields, KubeObject } from './kind.ts';
import { desiredObject, keyOf, revisionIn, type Federated } from './federated.ts';
import { firstDifference } from './difference.ts';
import { federationOf, isAdopted } from './marks.ts';

/** An object in a member cluster that fedns has made or adopted. */
export interface Copy {
  readonly key: string;
  readonly uid: string;
  readonly version: string;
  readonly isAdopted: boolean;
  readonly isDeleting: boolean;
  /** The revision of the federated object that it was compared with; 0: there was none. */
  readonly against: number;
  /** Where it differs from that; undefined: nowhere. */
  readonly difference: string | undefined;
  readonly seen: unknown;
}

/** What a copy is compared with. */
export interface Standard {
  readonly federation: string;
  readonly cluster: string;
  readonly federated: (key: string) => Federated | undefined;
}

/** @returns undefined: the object is foreign */
export function copyOf(kind: AnyKind, object: KubeObject, standard: Standard): Copy | undefined {
  if (federationOf(object) !== standard.federation) return undefined;
  const { metadata } = object;
  const own = keyOf(kind, metadata);
  const federated = standard.federated(own);
  const adopted = isAdopted(object);
  return {
    // One text for all clusters.
    key: federated?.key ?? own,
    uid: metadata.uid ?? '',
    version: metadata.resourceVersion ?? '',
    isAdopted: adopted,
    isDeleting: metadata.deletionTimestamp !== undefined,
    against: federated === undefined ? 0 : revisionIn(federated, standard.cluster),
    difference: federated && differenceOf(federated, object, standard, adopted),
    seen: kind.see(object),
  };
}

function differenceOf(
  federated: Federated,
  object: KubeObject,
  { federation, cluster }: Standard,
  adopted: boolean,
): string | undefined {
  const desired = desiredObject(federated, { federation, cluster, adopted });
  // The type is left out in lists, and is what was asked for.
  const { apiVersion: _a, kind: _k, ...fields } = desired;
  const lacking = firstDifference(object, fields);
  if (lacking !== undefined) return lacking;
  const surplus = federated.kind.surplus?.(object, desired as Fields) ?? [];
  return surplus.length === 0 ? undefined : `surplus ${JSON.stringify(surplus).slice(0, 200)}`;
}

/** Whether what has come is older than what is known: a reply to a write is ahead of the watch that tells of it. */
export function isOlder(copy: Pick<Copy, 'uid' | 'version'>, known: Pick<Copy, 'uid' | 'version'>): boolean {
  if (copy.uid !== known.uid) return false;
  const [a, b] = [copy.version, known.version];
  // KEP-5504: decimal numbers of any length, to be compared within one resource.
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

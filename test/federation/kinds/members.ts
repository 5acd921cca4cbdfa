/** Federated objects and what a kind is shown of the clusters, for tests of kinds without an engine. */

import type { AnyKind, Fields, KubeObject, MemberView } from '../../../src/federation/sync/kind.ts';

export interface Parts {
  readonly spec?: Fields;
  readonly status?: Fields;
  readonly generation?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object `shop/web` of a kind. */
export function objectOf(kind: AnyKind, { spec, status, generation = 1, annotations }: Parts): KubeObject {
  const { group, version, kind: name } = kind.type;
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind: name,
    metadata: { name: 'web', namespace: 'shop', generation, ...(annotations && { annotations }) },
    ...(spec && { spec }),
    ...(status && { status }),
  };
}

/** A cluster as a kind sees it; with an object where `parts` are given. */
export function member(
  kind: AnyKind,
  cluster: string,
  parts?: Parts,
  more: Partial<MemberView<unknown>> = {},
): MemberView<any> {
  const seen = parts && { seen: kind.see(objectOf(kind, parts)) as unknown };
  return { cluster, ready: true, zones: [], upToDate: true, ...seen, ...more };
}

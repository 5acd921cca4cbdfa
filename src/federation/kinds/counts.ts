/** Counts in the status of workloads: read from one object, summed up over clusters, and which generation they are of. */

import type { Fields, KubeObject, MemberView } from '../sync/kind.ts';

export type Counts<Name extends string> = Readonly<Record<Name, number>>;

/** What tells whether a cluster's controller has acted on the newest spec of its object. */
export interface SeenGeneration {
  readonly generation: number;
  readonly observedGeneration: number;
}

export function countsOf<Name extends string>(
  fields: Fields | undefined,
  names: readonly Name[],
): Counts<Name> {
  return Object.fromEntries(names.map((name) => [name, countOf(fields?.[name])])) as Counts<Name>;
}

/** A count, or 0 for what is none. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** What the status of a workload says of all clusters: counts, and the generation that they are of. */
export function totalsOf<Name extends string>(
  federated: KubeObject,
  members: readonly MemberView<SeenGeneration & { readonly counts: Counts<Name> }>[],
  names: readonly Name[],
): Fields {
  if (isRunByEndpoint(federated)) return {};
  return { ...sumsOf(members, names), observedGeneration: observedGeneration(federated, members) };
}

/** Over the clusters that count, each by itself. */
function sumsOf<Name extends string>(
  members: readonly MemberView<{ readonly counts: Counts<Name> }>[],
  names: readonly Name[],
): Counts<Name> {
  const counting = members.filter(({ ready }) => ready);
  const sum = (name: Name): number =>
    counting.reduce((total, { seen }) => total + (seen?.counts[name] ?? 0), 0);
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as Counts<Name>;
}

export function generationOf({ metadata, status }: KubeObject): SeenGeneration {
  return {
    generation: countOf(metadata.generation),
    observedGeneration: countOf(status?.['observedGeneration']),
  };
}

/**
 * Whether the federation endpoint runs the object itself, since it has controllers as an ordinary cluster has. Its status is theirs
 * then: they and fedns would set it right after each other for ever.
 */
export function isRunByEndpoint({ metadata }: KubeObject): boolean {
  return Array.isArray(metadata['statusWriters']);
}

/**
 * The generation of the federated object on which every cluster that counts has acted; until then the one before. So
 * `kubectl rollout status` waits for the clusters. Federation v1 had the largest generation of a cluster, or their sum.
 */
function observedGeneration(
  { metadata, status }: KubeObject,
  members: readonly MemberView<SeenGeneration>[],
): number {
  const counting = members.filter(({ ready }) => ready);
  const all = counting.length > 0 && counting.every(hasActed);
  return countOf(all ? metadata.generation : status?.['observedGeneration']);
}

function hasActed({ upToDate, seen }: MemberView<SeenGeneration>): boolean {
  return upToDate && seen !== undefined && seen.observedGeneration >= seen.generation;
}

/**
 * Owns which clusters a federated object goes to, by its annotations: requirements on labels of clusters as Federation v1 had
 * them, and a plain list of names. Where both stand, both must be met. What cannot be understood places nothing anew and takes
 * nothing away.
 */

import type { KubeObject, Problem } from './kind.ts';

export const SELECTOR_ANNOTATION = 'federation.alpha.kubernetes.io/cluster-selector';
export const CLUSTERS_ANNOTATION = 'fedns.io/clusters';
/** Requirements and names of one annotation: more than anyone writes. */
const ENTRIES_MAX = 1000;

/** A cluster as placement sees it. */
export interface PlacedCluster {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** There may be further ones. */
  readonly areLabelsPartial?: boolean;
}

interface Requirement {
  readonly key: string;
  readonly holds: (value: string | undefined) => boolean;
}

export type Placement =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'some';
      readonly names?: ReadonlySet<string>;
      readonly requirements: readonly Requirement[];
    }
  /** Copies stay where they are. */
  | { readonly kind: 'unknown'; readonly problem: Problem };

/** Reads the annotations of an object. */
export function readPlacement({ metadata: { annotations = {} } }: KubeObject): Placement {
  const selector = annotations[SELECTOR_ANNOTATION]?.trim() ?? '';
  const list = annotations[CLUSTERS_ANNOTATION]?.trim() ?? '';
  if (selector === '' && list === '') return { kind: 'all' };
  try {
    const requirements = selector === '' ? [] : readSelector(selector);
    return { kind: 'some', requirements, ...(list !== '' && { names: readNames(list) }) };
  } catch (error) {
    const message = `${(error as Error).message}; it stays in the clusters where it is, and comes into no other`;
    return { kind: 'unknown', problem: { reason: 'PlacementMalformed', message } };
  }
}

/** @returns undefined where it cannot be told */
export function isPlaced(placement: Placement, cluster: PlacedCluster): boolean | undefined {
  switch (placement.kind) {
    case 'all':
      return true;
    case 'unknown':
      return undefined;
    case 'some':
      return (placement.names?.has(cluster.name) ?? true) && areMet(placement.requirements, cluster);
  }
}

function areMet(
  requirements: readonly Requirement[],
  { labels, areLabelsPartial = false }: PlacedCluster,
): boolean | undefined {
  const isUnknown = ({ key }: Requirement): boolean => areLabelsPartial && labels[key] === undefined;
  const known = requirements.filter((requirement) => !isUnknown(requirement));
  if (!known.every(({ key, holds }) => holds(labels[key]))) return false;
  return known.length === requirements.length ? true : undefined;
}

/** Names in the list that no member cluster has. */
export function unknownNames(placement: Placement, members: ReadonlySet<string>): string[] {
  const names = placement.kind === 'some' ? (placement.names ?? []) : [];
  return [...names].filter((name) => !members.has(name)).toSorted();
}

function readNames(text: string): ReadonlySet<string> {
  const names = text.startsWith('[') ? asArray(text, CLUSTERS_ANNOTATION) : text.split(',');
  if (names.length > ENTRIES_MAX)
    throw new Error(`${CLUSTERS_ANNOTATION} has more than ${ENTRIES_MAX} names`);
  return new Set(
    names.map((name) => (typeof name === 'string' ? name.trim() : bad(CLUSTERS_ANNOTATION, name))),
  );
}

function readSelector(text: string): Requirement[] {
  const entries = asArray(text, SELECTOR_ANNOTATION);
  if (entries.length > ENTRIES_MAX)
    throw new Error(`${SELECTOR_ANNOTATION} has more than ${ENTRIES_MAX} requirements`);
  return entries.map((entry, index) => readRequirement(entry, `${SELECTOR_ANNOTATION}[${index}]`));
}

/** Operators by the names of v1's code, which is what its documents show, and by those of selectors of today's API. */
const OPERATORS: Readonly<Record<string, (values: readonly string[]) => Requirement['holds']>> = {
  in: oneOf,
  '=': oneOf,
  '==': oneOf,
  notin: noneOf,
  '!=': noneOf,
  exists: () => (value) => value !== undefined,
  '!': () => (value) => value === undefined,
  doesnotexist: () => (value) => value === undefined,
  gt:
    ([bound]) =>
    (value) =>
      value !== undefined && Number(value) > Number(bound),
  lt:
    ([bound]) =>
    (value) =>
      value !== undefined && Number(value) < Number(bound),
};

/** How many values an operator takes, at least and at most. */
const VALUE_COUNTS: Readonly<Record<string, readonly [number, number]>> = {
  in: [1, ENTRIES_MAX],
  notin: [1, ENTRIES_MAX],
  exists: [0, 0],
  '!': [0, 0],
  doesnotexist: [0, 0],
};
const ONE_VALUE = [1, 1] as const;

function readRequirement(entry: unknown, where: string): Requirement {
  if (typeof entry !== 'object' || entry === null) return bad(where, entry);
  const { key, operator, values = [] } = entry as Record<string, unknown>;
  if (typeof key !== 'string' || key === '') return bad(`${where}.key`, key);
  const name = typeof operator === 'string' ? operator.toLowerCase() : '';
  if (!Object.hasOwn(OPERATORS, name)) return bad(`${where}.operator`, operator);
  const [least, most] = VALUE_COUNTS[name] ?? ONE_VALUE;
  if (!isTexts(values) || values.length < least || values.length > most)
    return bad(`${where}.values`, values);
  return { key, holds: OPERATORS[name]!(values) };
}

function oneOf(values: readonly string[]): Requirement['holds'] {
  return (value) => value !== undefined && values.includes(value);
}

/** As selectors of the API have it: a cluster without the label is none of them. */
function noneOf(values: readonly string[]): Requirement['holds'] {
  return (value) => value === undefined || !values.includes(value);
}

function isTexts(values: unknown): values is string[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'string');
}

function asArray(text: string, name: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  return Array.isArray(value) ? value : bad(name, value);
}

function bad(where: string, value: unknown): never {
  throw new Error(`${where}: ${(JSON.stringify(value) ?? 'nothing').slice(0, 80)} is not understood`);
}

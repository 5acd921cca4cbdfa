/**
 * Owns what people read of a federated object: its condition, in the status where the kind has conditions and in an annotation
 * where it has none. When it is written is engine.ts.
 */

import type { Hold } from './removal-gate.ts';
import type { Problem } from './kind.ts';

/** Whether each cluster that the object is placed in has it as it should be. */
export const PROPAGATED = 'federation.fedns.io/Propagated';
/** Only there while something about the object itself is to be mended by its author: then `False`. */
export const VALID = 'federation.fedns.io/Valid';
/** Clusters named in a message; further ones are counted. */
const NAMED_MAX = 8;
/** Characters of a message: the API takes 32768, and nobody reads more than this. */
const MESSAGE_MAX = 2000;

/** How a cluster stands to a federated object. */
export type Standing =
  | { readonly kind: 'there' }
  /** Work for it is under way. */
  | { readonly kind: 'coming' }
  | { readonly kind: 'away'; readonly message: string }
  | { readonly kind: 'trouble'; readonly reason: string; readonly message: string }
  | { readonly kind: 'held'; readonly hold: Hold }
  /** It has none and needs none. */
  | { readonly kind: 'none' };

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

type Said = Omit<Condition, 'type' | 'lastTransitionTime'>;

/** What the clusters add up to. @param goesAway - the object is deleted, or no longer selected */
export function propagation(standings: ReadonlyMap<string, Standing>, goesAway: boolean): Said {
  const of = (kind: Standing['kind']): [string, Standing][] =>
    [...standings].filter(([, standing]) => standing.kind === kind);
  const lines = [...of('trouble'), ...of('held'), ...of('away')].map(([name, standing]) =>
    line(name, standing),
  );
  const coming = of('coming').map(([name]) => name);
  if (coming.length > 0) lines.push(`${listed(coming)}: under way`);
  const there = of('there').map(([name]) => name);
  const placed = standings.size - of('none').length;
  const count = goesAway ? `still in ${placed} clusters` : `in ${there.length} of ${placed} clusters`;
  const message = [there.length > 0 && !goesAway ? `${count}: ${listed(there)}` : count, ...lines].join('; ');
  const reason = reasonOf(standings, goesAway, placed);
  const status = reason === 'InAllClusters' ? 'True' : 'False';
  return { status, reason, message: message.slice(0, MESSAGE_MAX) };
}

function reasonOf(standings: ReadonlyMap<string, Standing>, goesAway: boolean, placed: number): string {
  const all = [...standings.values()];
  const has = (kind: Standing['kind']): boolean => all.some((standing) => standing.kind === kind);
  if (has('held')) return 'RemovalHeld';
  const trouble = all.find((standing) => standing.kind === 'trouble');
  if (trouble !== undefined) return trouble.reason;
  if (goesAway) return has('away') ? 'WaitingForClusters' : 'Removing';
  if (placed === 0) return 'NoCluster';
  if (has('away')) return 'WaitingForClusters';
  return has('coming') ? 'UnderWay' : 'InAllClusters';
}

function line(name: string, standing: Standing): string {
  switch (standing.kind) {
    case 'trouble':
      return `${name}: ${standing.message}`;
    case 'away':
      return `${name} is waited for: ${standing.message}`;
    case 'held':
      return `${name}: ${heldText(standing.hold)}`;
    default:
      return name;
  }
}

/** What is said of removals that wait. */
export function heldText({ removals, objects }: Hold): string {
  return `the removal of ${removals} of ${objects} objects at once waits for fedns federate --confirm`;
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  const text = names.slice(0, NAMED_MAX).join(', ');
  return more > 0 ? `${text} and ${more} more` : text;
}

/** The conditions of fedns, with the times of those that say the same as before. */
export function conditionsOf(
  said: Said,
  problems: readonly Problem[],
  before: readonly Condition[],
  nowMs: number,
): Condition[] {
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const dated = (type: string, one: Said): Condition => {
    const same = before.find((condition) => condition.type === type && condition.status === one.status);
    return { type, ...one, lastTransitionTime: same?.lastTransitionTime ?? time };
  };
  const [problem] = problems;
  const message = problems
    .map((one) => one.message)
    .join('; ')
    .slice(0, MESSAGE_MAX);
  const valid: Said[] = problem === undefined ? [] : [{ status: 'False', reason: problem.reason, message }];
  return [dated(PROPAGATED, said), ...valid.map((one) => dated(VALID, one))];
}

/** Those of fedns in a list of conditions, whatever else is in it. */
export function readConditions(value: unknown): Condition[] {
  if (!Array.isArray(value)) return [];
  const own = value.filter(
    (one: { type?: unknown } | null) => one?.type === PROPAGATED || one?.type === VALID,
  );
  return own.map(({ type, status, reason, message, lastTransitionTime }: Condition) => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime,
  }));
}

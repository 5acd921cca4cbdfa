/**
 * What is left of a configuration when everything with a fault is taken out, so that the meaning of the rest can be
 * checked in the same run and all faults are listed at once.
 */
import type { Path } from './fault.ts';
import { valueAt } from './issues.ts';
import { draftSchema, type ConfigDraft } from './schema.ts';

/** Each round takes out what the last one found; a fault in what remains is rare, a third round practically unknown. */
const ROUNDS_MAX = 8;

/** The sound part of a configuration, and the way back from its paths to those of the file. */
export interface Draft {
  readonly config: ConfigDraft;
  /** Indexes shift where list entries were taken out. */
  originalPath(path: Path): Path;
}

/** Takes out what does not fit the schema; undefined when hardly anything fits. */
export function soundPart(value: unknown): Draft | undefined {
  const removed = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const indexes = new Map<string, readonly number[]>();
    const result = draftSchema.safeParse(without(value, [], removed, indexes));
    const originalPath = (path: Path): Path => translate(path, indexes);
    if (result.success) return { config: result.data, originalPath };
    for (const issue of result.error.issues) {
      const path = originalPath(issue.path as Path);
      const keys = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
      for (const key of keys) removed.add(keyOf(remainingPath(value, key, removed)));
    }
  }
  return undefined;
}

/** A key that is missing, or taken out already, takes what it is missing from with it. */
function remainingPath(value: unknown, path: Path, removed: ReadonlySet<string>): Path {
  let remaining = path;
  while (remaining.length > 0 && (valueAt(value, remaining) === undefined || removed.has(keyOf(remaining)))) {
    remaining = remaining.slice(0, -1);
  }
  return remaining;
}

/** A copy without the removed paths; `indexes` tells for each list which entries are left. */
function without(
  value: unknown,
  path: Path,
  removed: ReadonlySet<string>,
  indexes: Map<string, readonly number[]>,
): unknown {
  if (Array.isArray(value)) {
    const kept = [...value.keys()].filter((index) => !removed.has(keyOf([...path, index])));
    indexes.set(keyOf(path), kept);
    return kept.map((index) => without(value[index], [...path, index], removed, indexes));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !removed.has(keyOf([...path, key])));
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, without(inner, [...path, key], removed, indexes)]),
  );
}

function translate(path: Path, indexes: ReadonlyMap<string, readonly number[]>): Path {
  const original: (string | number)[] = [];
  for (const part of path) {
    original.push(typeof part === 'number' ? (indexes.get(keyOf(original))?.[part] ?? part) : part);
  }
  return original;
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}

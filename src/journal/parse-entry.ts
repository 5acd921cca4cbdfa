/**
 * Reads one line of a segment. What is no entry is passed over: a disk may damage a line and somebody may edit one, and that
 * costs this line. Kinds and keys of later versions are let through.
 */
import type { JournalEntry } from './entry.ts';

/** @returns undefined for what is no entry */
export function parseEntry(line: string): JournalEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** What readers go by, of each kind. */
const KINDS: Readonly<Record<JournalEntry['kind'], (entry: Fields) => boolean>> = {
  change: ({ service, cause, levels }) =>
    typeof service === 'string' && isObject(cause) && Array.isArray(levels) && levels.every(isLevel),
  places: ({ cause, added, removed }) => isObject(cause) && areObjects(added) && areObjects(removed),
  records: ({ cause, before, after }) => isObject(cause) && Array.isArray(before) && Array.isArray(after),
  event: ({ what }) => typeof what === 'string',
  gap: ({ lost, sinceMs }) => Number.isInteger(lost) && Number.isFinite(sinceMs),
};

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value)) return false;
  const { seq, timeMs, kind } = value;
  if (!Number.isInteger(seq) || !Number.isFinite(timeMs) || typeof kind !== 'string') return false;
  return !Object.hasOwn(KINDS, kind) || KINDS[kind as JournalEntry['kind']](value);
}

function isLevel(level: unknown): boolean {
  return (
    isObject(level) &&
    typeof level['place'] === 'string' &&
    isAnswer(level['before']) &&
    isAnswer(level['after'])
  );
}

function isAnswer(answer: unknown): boolean {
  if (!isObject(answer)) return false;
  return answer['kind'] !== 'addresses' || (Array.isArray(answer['a']) && Array.isArray(answer['aaaa']));
}

function areObjects(list: unknown): boolean {
  return Array.isArray(list) && list.every(isObject);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

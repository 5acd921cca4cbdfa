/**
 * Owns the drains in the state folder: those that were ordered of this server, and what was last known of the shared ones. A file
 * that cannot be understood is put aside whole, told, and what can be read of it is in force: a drain that is forgotten would bring
 * back what somebody has taken out.
 */

import { copyFile, readFile, rename } from 'node:fs/promises';
import type { Clock, Log } from '../../log.ts';
import { replaceFile } from '../../state/atomic-file.ts';
import { reasonOf } from '../../state/layout.ts';
import type { Drain, DrainScope } from './drain.ts';
import { DrainEntryError, readEntry, writeEntry } from './drain-entry.ts';

/** Drains as they are kept, also those that have ended since. */
export interface KeptDrains {
  readonly local: readonly Drain[];
  readonly shared: readonly Drain[];
  /** Absent: no answer from before them was left when they were written down. */
  readonly oldAnswers?: OldAnswers;
}

/** Answers from before the newest order, which live on in resolvers. */
export interface OldAnswers {
  /** When the last of them has run out, in milliseconds since the epoch. */
  readonly untilMs: number;
  /** How long that was when it was written down: no step of the clock makes it longer. */
  readonly seconds: number;
}

/** Where drains outlast the process. */
export interface DrainKeep {
  load(): Promise<KeptDrains>;
  /** @throws an error with a message for the operator */
  save(drains: KeptDrains): Promise<void>;
  /** Nothing can be kept there, so that it is not tried again. */
  readonly isForgetful?: true;
}

export const NOTHING_KEPT: KeptDrains = { local: [], shared: [] };

const VERSION = 1;
/** RFC 2181 section 8. */
const TTL_SECONDS_MAX = 2_147_483_647;

/** @param path - of the file */
export function drainFile(path: string, clock: Clock, log: Pick<Log, 'error'>): DrainKeep {
  return {
    load: async () => {
      const text = await readText(path, clock, log);
      if (text === undefined) return NOTHING_KEPT;
      const { faults, ...drains } = readDocument(text, clock());
      if (faults.length > 0) await putAside(path, { faults, drains, nowMs: clock() }, log);
      return drains;
    },
    save: (drains) => write(path, drains),
  };
}

function write(path: string, { local, shared, oldAnswers }: KeptDrains): Promise<void> {
  const document = {
    version: VERSION,
    drains: local.map(writeEntry),
    shared: shared.map(writeEntry),
    ...(oldAnswers !== undefined && {
      oldAnswers: { until: new Date(oldAnswers.untilMs).toISOString(), seconds: oldAnswers.seconds },
    }),
  };
  return replaceFile(path, [`${JSON.stringify(document, undefined, 2)}\n`]);
}

/** For a server without a state folder. */
export const FORGETFUL: DrainKeep = {
  load: () => Promise.resolve(NOTHING_KEPT),
  save: () => Promise.reject(new Error('there is no stateDir')),
  isForgetful: true,
};

/** What cannot be read is moved aside whole: the next order would be written over it. */
async function readText(path: string, clock: Clock, log: Pick<Log, 'error'>): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const aside = `${path}.${clock()}.unread`;
    const isMoved = await rename(path, aside).then(
      () => true,
      () => false,
    );
    log.error(
      { code: 'DRAINS_UNREADABLE', path: isMoved ? aside : path, reason: reasonOf(error) },
      'the drains of the last run cannot be read',
    );
    return undefined;
  }
}

/** Copies the file aside, and leaves what was understood in its place: the next start has nothing else to go by. */
async function putAside(
  path: string,
  { faults, drains, nowMs }: { faults: readonly string[]; drains: KeptDrains; nowMs: number },
  log: Pick<Log, 'error'>,
): Promise<void> {
  const aside = `${path}.${nowMs}.unread`;
  const fields = { code: 'DRAINS_UNREAD', path: aside, reason: faults.join('; ') };
  try {
    await copyFile(path, aside);
    await write(path, drains);
  } catch (error) {
    fields.reason += `; and it cannot be put aside: ${reasonOf(error)}`;
  }
  log.error(
    fields,
    'not all drains of the last run are understood: the file is put aside, what can be read is in force',
  );
}

/** What can be read of a file, and what cannot. */
export function readDocument(
  text: string,
  nowMs: number,
): KeptDrains & { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const document = parse(text, faults);
  if (document.version !== VERSION && faults.length === 0) faults.push(`version ${String(document.version)}`);
  const read = (key: 'drains' | 'shared', scope: DrainScope): Drain[] => {
    const list = document[key] ?? [];
    if (!Array.isArray(list)) return (faults.push(`${key} is no list`), []);
    return list.flatMap((entry, i) => {
      try {
        return [readEntry(entry, `${key} ${i + 1}`, scope, nowMs)];
      } catch (error) {
        if (!(error instanceof DrainEntryError)) throw error;
        faults.push(error.message);
        return [];
      }
    });
  };
  const oldAnswers = readOldAnswers(document.oldAnswers, faults);
  const drains = { local: read('drains', 'local'), shared: read('shared', 'shared') };
  return { ...drains, ...(oldAnswers !== undefined && { oldAnswers }), faults };
}

function readOldAnswers(value: unknown, faults: string[]): OldAnswers | undefined {
  if (value === undefined) return undefined;
  const { until, seconds } =
    typeof value === 'object' && value !== null ? (value as Partial<Record<string, unknown>>) : {};
  const untilMs = typeof until === 'string' ? Date.parse(until) : NaN;
  if (Number.isFinite(untilMs) && typeof seconds === 'number' && seconds >= 0 && seconds <= TTL_SECONDS_MAX)
    return { untilMs, seconds };
  faults.push('oldAnswers is not an object of until (a time) and seconds');
  return undefined;
}

interface Document {
  readonly version?: unknown;
  readonly drains?: unknown;
  readonly shared?: unknown;
  readonly oldAnswers?: unknown;
}

function parse(text: string, faults: string[]): Document {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
    faults.push('no JSON object');
  } catch (error) {
    faults.push(reasonOf(error));
  }
  return {};
}

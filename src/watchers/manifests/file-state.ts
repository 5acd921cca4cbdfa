/**
 * What is known of one manifest file: its last good objects, and what is wrong with it now. Owns the rule that a file in
 * trouble (emptied, cut, another format, an error text) keeps what it last held, because nobody said that it is gone.
 */

import { hash } from 'node:crypto';
import type { ManifestObject, PlacedFinding } from './manifest-document.ts';
import { readManifestFile, type ManifestFile } from './manifest-files.ts';
import { isBeginning, markLines } from './line-marks.ts';
import { NO_KIND_READ, parseManifest, type ParsedManifest, type ParseOptions } from './manifest-parser.ts';

export interface FileState {
  readonly path: string;
  /** Empty: the next look reads the file whatever its times say. */
  readonly signature: string;
  readonly digest: string;
  readonly objects: readonly ManifestObject[];
  readonly refusals: readonly PlacedFinding[];
  /** The objects come from a file that was in order. */
  readonly good: boolean;
  /** The good text ended with a line break: one that no longer does was cut. */
  readonly endsWithBreak: boolean;
  /** Of the good text, see line-marks.ts. */
  readonly marks?: Uint32Array;
  /** The file is the beginning of what it was, and is taken for cut until then, on the monotonic clock. */
  readonly cutUntilMs?: number;
  /** Why the file as it is now cannot be taken. */
  readonly trouble?: Trouble;
}

/** When a file is read. */
export interface ReadTime {
  /** Wall clock. */
  readonly nowMs: number;
  /** Monotonic clock. */
  readonly monotonicMs: number;
  /** How long a file that is the beginning of what it was is taken for cut. */
  readonly graceMs: number;
}

export interface Trouble extends PlacedFinding {
  readonly sinceMs: number;
}

const NOTHING = { digest: '', objects: [], refusals: [], good: false, endsWithBreak: false } as const;

/**
 * Reads a file again.
 *
 * @param before - what was known of it
 * @returns undefined for a file that has gone before it was ever read
 */
export async function readFileState(
  file: ManifestFile,
  before: FileState | undefined,
  options: Omit<ParseOptions, 'file'>,
  time: ReadTime,
): Promise<FileState | undefined> {
  const { nowMs } = time;
  const content = await readManifestFile(file.path);
  switch (content.kind) {
    case 'inMotion':
      return inMotion(file, before, nowMs);
    case 'fault': {
      const { code, message } = content;
      return inTrouble(file, '', NOT_READ, before, { code, message, object: file.name }, nowMs);
    }
    case 'text':
      return stateOf(file, content.text, before, options, time);
  }
}

const NOT_READ: ParsedManifest = { objects: [], refusals: [] };

function inMotion(file: ManifestFile, before: FileState | undefined, nowMs: number): FileState {
  if (before !== undefined) return { ...before, signature: '' };
  const trouble = { code: 'FILE_IN_MOTION', object: file.name, message: 'the file is being written' };
  return { ...inTrouble(file, '', NOT_READ, undefined, trouble, nowMs), signature: '' };
}

function stateOf(
  file: ManifestFile,
  text: string,
  before: FileState | undefined,
  options: Omit<ParseOptions, 'file'>,
  time: ReadTime,
): FileState {
  const digest = hash('sha256', text, 'base64');
  const { path, signature } = file;
  if (before?.digest === digest && !isTakenNow(before, time)) return { ...before, path, signature };
  const parsed = parseManifest(text, { ...options, file: file.name });
  const trouble = parsed.trouble ?? cutOf(file, text, before);
  if (trouble !== undefined) return inTrouble(file, digest, parsed, before, trouble, time.nowMs);
  const marks = markLines(text);
  const cutUntilMs = cutUntil(marks, before, time);
  if (cutUntilMs > time.monotonicMs) {
    const message = 'the file ends where it went on before: it was cut, or is being written';
    const cut = { code: 'FILE_CUT', object: file.name, message };
    return { ...inTrouble(file, digest, parsed, before, cut, time.nowMs), cutUntilMs };
  }
  const { objects, refusals } = parsed;
  return {
    path,
    signature,
    digest,
    objects,
    refusals,
    good: true,
    endsWithBreak: text.endsWith('\n'),
    marks,
  };
}

/** A cut between two documents leaves a file in order. Who wrote it so says it by leaving it so. */
function cutUntil(
  marks: Uint32Array,
  before: FileState | undefined,
  { monotonicMs, graceMs }: ReadTime,
): number {
  if (before?.marks === undefined || !isBeginning(marks, before.marks)) return monotonicMs;
  return before.cutUntilMs ?? monotonicMs + graceMs;
}

/** Whether a file was taken for cut for so long that it counts as it is. */
export function isTakenNow(
  { cutUntilMs }: FileState,
  { monotonicMs }: Pick<ReadTime, 'monotonicMs'>,
): boolean {
  return cutUntilMs !== undefined && monotonicMs >= cutUntilMs;
}

/** Text that ends within a line, where it used to end with one, is the beginning of a longer one. JSON tells by itself. */
function cutOf(file: ManifestFile, text: string, before: FileState | undefined): PlacedFinding | undefined {
  if (before?.endsWithBreak !== true || text.endsWith('\n') || /[\]}]\s*$/.test(text)) return undefined;
  const message = 'the file no longer ends with a line break: it was cut, or one is missing';
  return { code: 'FILE_CUT', object: file.name, message };
}

function inTrouble(
  { path, signature }: ManifestFile,
  digest: string,
  parsed: ParsedManifest,
  before: FileState | undefined,
  { code, object, message }: PlacedFinding,
  nowMs: number,
): FileState {
  const kept =
    before !== undefined && before.objects.length > 0 && (before.good || parsed.objects.length === 0);
  const { objects, refusals, ...rest } = kept ? before : { ...NOTHING, ...parsed };
  const sinceMs = before?.trouble?.sinceMs ?? nowMs;
  const told = kept ? `${message}; its last good objects count` : message;
  // Where it held something before, to hold other things now is no reason to pass it over.
  const trouble = {
    code: kept && code === NO_KIND_READ ? 'FILE_WITHOUT_OBJECTS' : code,
    object,
    message: told,
    sinceMs,
  };
  const others = kept ? [] : refusals.filter((refusal) => refusal.object !== object);
  return { ...rest, path, signature, digest, objects, refusals: [trouble, ...others], trouble };
}

/** Whether a file holds something back: its objects are older than itself, or were never read. */
export function isBroken({ trouble }: FileState): boolean {
  return trouble !== undefined && trouble.code !== NO_KIND_READ;
}

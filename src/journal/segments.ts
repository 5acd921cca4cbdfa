/**
 * Owns the files of a journal: what they are called, and how entries are read out of one. A segment is entries of one stretch
 * of time, a JSON document a line; the newest is written to, the others are compressed and never change (store.ts).
 *
 * ```
 *  journal/000000004711.ndjson                             the newest, or one that a crash has left
 *  journal/000000000001-1764300000000-1764303600000.ndjson.zst   from number 1 on, first and last time
 * ```
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

/** A file of the journal. */
export interface Segment {
  readonly path: string;
  /** Number of its first entry. */
  readonly firstSeq: number;
  /** The times of its entries lie between, in milliseconds since the epoch; unknown for one that is not compressed. */
  readonly timesMs?: { readonly first: number; readonly last: number };
}

/** Largest number of octets that a compressed segment can unfold to: segments are far smaller, so that a larger one is not ours. */
const UNFOLDED_OCTETS_MAX = 256 * 1024 * 1024;

const NAME = /^(\d{12,15})(?:-(\d{1,15})-(\d{1,15}))?\.ndjson(\.zst)?$/;

/** What is left where writing a file aside was cut off. */
export const ASIDE_SUFFIX = '.new';

/** Whether a name is that of a segment that is not compressed. */
export function isPlainName(name: string): boolean {
  const [match, , from, , isCompressed] = NAME.exec(name) ?? [];
  return match !== undefined && from === undefined && isCompressed === undefined;
}

export function plainName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.ndjson`;
}

export function compressedName({ firstSeq, timesMs }: Required<Omit<Segment, 'path'>>): string {
  return `${String(firstSeq).padStart(12, '0')}-${timesMs.first}-${timesMs.last}.ndjson.zst`;
}

/** The segments of a folder, the oldest first; none where there is no folder. */
export function listSegments(directory: string): Segment[] {
  const byFirst = new Map<number, Segment>();
  for (const name of namesIn(directory)) {
    const [match, first = '', from, to] = NAME.exec(name) ?? [];
    if (match === undefined) continue;
    const firstSeq = Number(first);
    const timesMs = from === undefined ? undefined : { first: Number(from), last: Number(to) };
    const segment = { path: join(directory, name), firstSeq, ...(timesMs && { timesMs }) };
    // Between the two steps of compressing one, both are there; the compressed one is whole.
    if (timesMs !== undefined || !byFirst.has(firstSeq)) byFirst.set(firstSeq, segment);
  }
  return [...byFirst.values()].toSorted((a, b) => a.firstSeq - b.firstSeq);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Whether a segment may have entries of a stretch of time. */
export function mayHold({ timesMs }: Segment, sinceMs: number, untilMs: number): boolean {
  return timesMs === undefined || (timesMs.first <= untilMs && timesMs.last >= sinceMs);
}

/** The octets of a segment; none where it has gone meanwhile. What was cut off by a crash is left out. */
export function readSegment({ path }: Segment): Buffer {
  try {
    const octets = readFileSync(path);
    if (!path.endsWith('.zst')) return wholeLines(octets);
    return wholeLines(zstdDecompressSync(octets, { maxOutputLength: UNFOLDED_OCTETS_MAX }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // One that the disk has damaged costs its own entries and no others.
    if (code === 'ENOENT' || code?.startsWith('ZSTD') === true || code === 'ERR_BUFFER_TOO_LARGE')
      return Buffer.alloc(0);
    throw error;
  }
}

/** Without a last line that does not end. */
export function wholeLines(octets: Buffer): Buffer {
  return octets.subarray(0, octets.lastIndexOf(LINE_FEED) + 1);
}

export const LINE_FEED = 0x0a;

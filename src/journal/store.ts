/**
 * Owns what is on the disk: appends entries to the newest segment, begins another when it is large or old, compresses the one
 * before, and takes the oldest away so that neither octets nor days pass their limit. Synchronous: it runs in a thread of its
 * own (thread.ts), where a slow disk delays nobody. The folder's lock makes it the only writer.
 */
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { STATE_FILE_MODE } from '../state/layout.ts';
import { parseEntry } from './parse-entry.ts';
import {
  ASIDE_SUFFIX,
  compressedName,
  isPlainName,
  LINE_FEED,
  listSegments,
  plainName,
  readSegment,
  type Segment,
  wholeLines,
} from './segments.ts';

/** Octets of a segment before it is compressed: some ten thousand changes, compressed in a twentieth of a second. */
const SEGMENT_OCTETS = 8 * 1024 * 1024;
/** Parts that the limit of all segments is made of at least, so that the oldest goes in steps that are small beside it. */
const SEGMENTS_MIN = 8;
/** Time after which a segment is ended also where little happens, so that it can go when its days are over. */
const SEGMENT_MS_MAX = 86_400_000;
const DAY_MS = 86_400_000;

export interface StoreOptions {
  readonly directory: string;
  /** Octets of all segments. */
  readonly maxOctets: number;
  /** Days after which entries go. */
  readonly maxDays: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Lines that are to be appended together. */
export interface Lines {
  readonly text: string;
  readonly firstSeq: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** The segment that is written to. */
interface Open {
  readonly file: number;
  readonly path: string;
  readonly firstSeq: number;
  octets: number;
  firstMs: number;
  lastMs: number;
}

export class Store {
  readonly #options: StoreOptions;
  readonly #segmentOctets: number;
  /** All but the newest, with their octets. */
  #closed: (Segment & { readonly octets: number })[] = [];
  #open: Open | undefined;
  #isDirty = false;
  #lastSeq = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#segmentOctets = Math.min(SEGMENT_OCTETS, Math.ceil(options.maxOctets / SEGMENTS_MIN));
  }

  /** Number of the last entry that is on the disk; 0: none. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Octets of all segments. */
  get octets(): number {
    return this.#closed.reduce((sum, { octets }) => sum + octets, this.#open?.octets ?? 0);
  }

  /**
   * Takes the folder into use: removes what a crash has left, goes on where the last run ended.
   *
   * @throws the error of the operating system
   */
  start(): void {
    const { directory } = this.#options;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    removeLeftovers(directory);
    this.#closed = listSegments(directory).map(withOctets);
    const newest = this.#closed.at(-1);
    if (newest !== undefined) this.#lastSeq = lastSeqOf(newest);
    if (newest !== undefined && newest.timesMs === undefined) this.#resume();
    this.#compressPlain();
    this.trim();
  }

  /**
   * Appends lines; all of them, or none.
   *
   * @throws the error of the operating system: the disk is full or broken
   */
  append(lines: Lines, lastSeq: number): void {
    const octets = Buffer.byteLength(lines.text);
    if (this.#open !== undefined && this.#isOver(this.#open, octets, lines.lastMs)) this.#end();
    const open = (this.#open ??= this.#begin(lines));
    this.#makeRoom(octets);
    writeWhole(open, lines.text);
    open.octets += octets;
    open.firstMs = Math.min(open.firstMs, lines.firstMs);
    open.lastMs = Math.max(open.lastMs, lines.lastMs);
    this.#lastSeq = lastSeq;
    this.#isDirty = true;
  }

  /** Forces to the disk what was appended. */
  sync(): void {
    if (!this.#isDirty || this.#open === undefined) return;
    fdatasyncSync(this.#open.file);
    this.#isDirty = false;
  }

  /** Takes away what is too old. */
  trim(): void {
    const oldestMs = this.#options.clock() - this.#options.maxDays * DAY_MS;
    const open = this.#open;
    if (open !== undefined && this.#options.clock() - open.firstMs > SEGMENT_MS_MAX) this.#end();
    while (this.#closed[0]?.timesMs !== undefined && this.#closed[0].timesMs.last < oldestMs)
      this.#removeOldest();
    this.#makeRoom(0);
  }

  stop(): void {
    this.sync();
    if (this.#open !== undefined) closeSync(this.#open.file);
    this.#open = undefined;
  }

  #isOver({ octets, firstMs }: Open, more: number, nowMs: number): boolean {
    return octets + more > this.#segmentOctets || nowMs - firstMs > SEGMENT_MS_MAX;
  }

  #begin({ firstSeq, firstMs, lastMs }: Lines): Open {
    const { directory } = this.#options;
    // Whoever has removed the folder meanwhile, or mended what kept it from being made.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, plainName(firstSeq));
    // To append is to write at the end whatever was taken back before.
    return { file: openSync(path, 'a', STATE_FILE_MODE), path, firstSeq, octets: 0, firstMs, lastMs };
  }

  /** Goes on with the newest segment, without a line that a crash has cut off. */
  #resume(): void {
    const { path, firstSeq } = this.#closed.pop()!;
    const octets = readFileSync(path);
    const whole = wholeLines(octets);
    if (whole.length === 0) return unlinkSync(path);
    if (whole.length < octets.length) truncateSync(path, whole.length);
    const { first, last } = timesOf(whole) ?? { first: this.#options.clock(), last: this.#options.clock() };
    this.#open = {
      file: openSync(path, 'a', STATE_FILE_MODE),
      path,
      firstSeq,
      octets: whole.length,
      firstMs: first,
      lastMs: last,
    };
  }

  #end(): void {
    const open = this.#open!;
    this.sync();
    closeSync(open.file);
    this.#open = undefined;
    this.#closed.push({ path: open.path, firstSeq: open.firstSeq, octets: open.octets });
    this.#compress(this.#closed.length - 1, { first: open.firstMs, last: open.lastMs });
  }

  /** Segments that were ended and not compressed: a crash or a full disk came between. */
  #compressPlain(): void {
    this.#closed.forEach((segment, i) => {
      if (segment.timesMs !== undefined) return;
      const times = timesOf(readSegment(segment));
      if (times !== undefined) this.#compress(i, times);
    });
  }

  /** A segment that cannot be compressed for want of room stays as it is. */
  #compress(index: number, timesMs: { first: number; last: number }): void {
    const { path, firstSeq } = this.#closed[index]!;
    try {
      const octets = zstdCompressSync(readSegment({ path, firstSeq }));
      const compressed = join(this.#options.directory, compressedName({ firstSeq, timesMs }));
      const aside = `${compressed}${ASIDE_SUFFIX}`;
      writeFileSync(aside, octets, { mode: STATE_FILE_MODE, flush: true });
      renameSync(aside, compressed);
      unlinkSync(path);
      this.#closed[index] = { path: compressed, firstSeq, timesMs, octets: octets.length };
    } catch {
      // What was written aside is removed with the next start.
    }
  }

  #makeRoom(octets: number): void {
    while (this.#closed.length > 0 && this.octets + octets > this.#options.maxOctets) this.#removeOldest();
  }

  #removeOldest(): void {
    unlinkSync(this.#closed[0]!.path);
    this.#closed.shift();
  }
}

/** Where only a part fits, that part is taken back. */
function writeWhole(open: Open, text: string): void {
  const octets = Buffer.from(text);
  try {
    for (let at = 0; at < octets.length;) at += writeSync(open.file, octets, at, octets.length - at);
  } catch (error) {
    ftruncateSync(open.file, open.octets);
    throw error;
  }
}

function withOctets(segment: Segment): Segment & { octets: number } {
  return { ...segment, octets: statSync(segment.path).size };
}

function removeLeftovers(directory: string): void {
  const names = new Set(readdirSync(directory));
  const segments = new Set(listSegments(directory).map(({ path }) => path));
  for (const name of names) {
    const path = join(directory, name);
    const isAside = name.endsWith(`.ndjson.zst${ASIDE_SUFFIX}`);
    // The plain form of a segment that is there compressed.
    const isTwice = isPlainName(name) && !segments.has(path);
    if (isAside || isTwice) unlinkSync(path);
  }
}

/** Of the last entry that can be read: what a disk has damaged, or somebody has edited, is passed over. */
function lastSeqOf(segment: Segment): number {
  const octets = readSegment(segment);
  for (let end = octets.length; end > 0;) {
    const lineAt = octets.lastIndexOf(LINE_FEED, end - 2) + 1;
    const entry = parseEntry(octets.toString('utf8', lineAt, end));
    if (entry !== undefined) return entry.seq;
    end = lineAt;
  }
  return segment.firstSeq;
}

/** The times between which the entries of a segment lie: clocks step, so that it need not be the first and the last. */
function timesOf(octets: Buffer): { first: number; last: number } | undefined {
  let first = Infinity;
  let last = -Infinity;
  for (const line of octets.toString('utf8').split('\n')) {
    const timeMs = parseEntry(line)?.timeMs;
    if (timeMs === undefined) continue;
    first = Math.min(first, timeMs);
    last = Math.max(last, timeMs);
  }
  return first === Infinity ? undefined : { first, last };
}

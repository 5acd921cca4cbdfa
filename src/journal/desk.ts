/**
 * What the journal's thread does, without the thread: batches become lines on the disk, readers get slices of lines. A disk
 * that refuses costs entries, which are counted and written down once it takes more; nobody else notices.
 */
import type { Clock } from '../log.ts';
import type { Batch } from './batch.ts';
import type { JournalEntry } from './entry.ts';
import { journalBegin, type JournalFilter, readJournal } from './query.ts';
import { Scribe } from './scribe.ts';
import { Store } from './store.ts';

/** How the journal is. */
export interface DeskStatus {
  /** Octets on the disk. */
  readonly octets: number;
  /** Entries written in this run, and entries that the disk did not take. */
  readonly entries: number;
  readonly lost: number;
  /** Number of the newest entry. */
  readonly seq: number;
  /** What the disk says; absent: nothing is wrong. */
  readonly trouble?: { readonly code: string; readonly message: string };
}

export interface DeskOptions {
  /** Absent: entries go to those who follow, and nothing is kept. */
  readonly store?: { readonly directory: string; readonly maxOctets: number; readonly maxDays: number };
  readonly clock: Clock;
}

/** A slice of what is read: whole lines. */
export interface Slice {
  readonly lines: string;
  /** Number of the newest entry that had been written when the reading began. */
  readonly upTo: number;
  readonly isLast: boolean;
  /** When the journal begins, where the filter asked for context and there is an entry. */
  readonly beginMs?: number;
}

/** Characters of lines that are written, or handed to a reader, at once. */
const LINES_CHARACTERS = 64 * 1024;
/** Steps of a slice also where nothing is found: a quarter of a second at most, in which no line is written. */
const SLICE_STEPS = 64;
/** Readings at a time; beyond, the oldest is given up. */
const READINGS_MAX = 16;

interface Reading {
  readonly entries: Iterator<JournalEntry | undefined>;
  readonly upTo: number;
  readonly begin: { readonly beginMs?: number };
}

export class Desk {
  readonly #options: DeskOptions;
  readonly #store: Store | undefined;
  readonly #scribe: Scribe;
  readonly #readings = new Map<number, Reading>();
  #isStarted = false;
  #entries = 0;
  #lost = 0;
  #lostSinceMs: number | undefined;
  #lostNow = 0;
  #trouble: DeskStatus['trouble'];

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#store = options.store && new Store({ ...options.store, clock: options.clock });
    this.#scribe = new Scribe(0);
    this.#start();
  }

  get status(): DeskStatus {
    const trouble = this.#trouble;
    return {
      octets: this.#store?.octets ?? 0,
      entries: this.#entries,
      lost: this.#lost,
      seq: this.#scribe.seq,
      ...(trouble && { trouble }),
    };
  }

  /**
   * Writes what a batch amounts to.
   *
   * @param onLines - gets it too, some lines at a time, also those that the disk did not take
   */
  write(batch: Batch, onLines: (lines: string) => void = () => {}): void {
    if (!this.#isStarted) this.#start();
    for (const piece of piecesOf(this.#scribe.entriesOf(batch))) {
      this.#append(piece);
      onLines(piece.text);
    }
  }

  /** What is to be done now and then: forces lines to the disk, and takes away what is too old. */
  tend(): void {
    if (!this.#isStarted) return;
    const { trouble } = this.status;
    const isDone = this.#attempt(() => {
      this.#store?.sync();
      this.#store?.trim();
    });
    // That nothing was to be done does not mean that the disk takes lines again.
    if (isDone) this.#trouble = trouble;
  }

  /** Begins to read; {@link next} goes on. */
  read(id: number, filter: JournalFilter): void {
    const directory = this.#options.store?.directory;
    const entries = directory === undefined ? NOTHING : readJournal(directory, filter);
    if (this.#readings.size >= READINGS_MAX) this.#readings.delete(this.#readings.keys().next().value!);
    this.#readings.set(id, {
      entries: entries[Symbol.iterator](),
      upTo: this.#scribe.seq,
      begin: directory !== undefined && filter.withContext === true ? beginOf(directory) : {},
    });
  }

  /** The next slice of a reading; undefined: there is no such reading any more. */
  next(id: number): Slice | undefined {
    const reading = this.#readings.get(id);
    if (reading === undefined) return undefined;
    let lines = '';
    for (let step = 0; step < SLICE_STEPS && lines.length < LINES_CHARACTERS; step++) {
      const { value, done } = reading.entries.next();
      if (done === true) {
        this.#readings.delete(id);
        return { lines, upTo: reading.upTo, isLast: true, ...reading.begin };
      }
      if (value !== undefined && value.seq <= reading.upTo) lines += lineOf(value);
      // A row is no step of its own: what is found is bounded by its length.
      if (value !== undefined) step--;
    }
    return { lines, upTo: reading.upTo, isLast: false, ...reading.begin };
  }

  cancel(id: number): void {
    this.#readings.delete(id);
  }

  stop(): void {
    this.#attempt(() => this.#store?.stop());
  }

  /** A folder that cannot be used is tried again with every batch. */
  #start(): void {
    this.#isStarted = this.#attempt(() => this.#store?.start());
    this.#scribe.continueFrom(this.#store?.lastSeq ?? 0);
  }

  #append(piece: Piece): void {
    if (this.#store === undefined) return void (this.#entries += piece.count);
    const gap = this.#gapLine(piece);
    const text = gap + piece.text;
    const isWritten =
      this.#isStarted && this.#attempt(() => this.#store!.append({ ...piece, text }, piece.lastSeq));
    if (isWritten) {
      this.#entries += piece.count;
      this.#lostNow = 0;
      this.#lostSinceMs = undefined;
      return;
    }
    this.#lost += piece.count;
    this.#lostNow += piece.count;
    this.#lostSinceMs ??= piece.firstMs;
  }

  /** Tells of what the disk did not take, with the number of the last entry that it lacks. */
  #gapLine({ firstSeq, firstMs }: Piece): string {
    if (this.#lostNow === 0) return '';
    return lineOf({
      seq: firstSeq - 1,
      kind: 'gap',
      timeMs: firstMs,
      lost: this.#lostNow,
      sinceMs: this.#lostSinceMs!,
      why: `the disk did not take them: ${this.#trouble?.message ?? ''}`,
    });
  }

  #attempt(work: () => void): boolean {
    try {
      work();
      this.#trouble = undefined;
      return true;
    } catch (error) {
      const { code = 'JOURNAL_FAILED', message } = error as NodeJS.ErrnoException;
      this.#trouble = { code, message };
      return false;
    }
  }
}

function beginOf(directory: string): { beginMs?: number } {
  const beginMs = journalBegin(directory);
  return beginMs === undefined ? {} : { beginMs };
}

const NOTHING: readonly JournalEntry[] = [];

/** Entries as text, some at a time. */
interface Piece {
  text: string;
  count: number;
  readonly firstSeq: number;
  lastSeq: number;
  firstMs: number;
  lastMs: number;
}

function* piecesOf(entries: Iterable<JournalEntry>): Generator<Piece> {
  let piece: Piece | undefined;
  for (const entry of entries) {
    const { seq, timeMs } = entry;
    piece ??= { text: '', count: 0, firstSeq: seq, lastSeq: seq, firstMs: timeMs, lastMs: timeMs };
    piece.text += lineOf(entry);
    piece.count++;
    piece.lastSeq = seq;
    piece.firstMs = Math.min(piece.firstMs, timeMs);
    piece.lastMs = Math.max(piece.lastMs, timeMs);
    if (piece.text.length < LINES_CHARACTERS) continue;
    yield piece;
    piece = undefined;
  }
  if (piece !== undefined) yield piece;
}

function lineOf(entry: JournalEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * Owns the newest entries of the journal for open pages: one reader for all of them, which reads while there is a page and keeps
 * so many entries and octets as a page shows.
 */

import type { JournalControl } from './journal-control.ts';

/** Entries that a page is shown at first. */
export const ENTRIES_MAX = 40;
/** Entries of one second that are told one by one; of more, the newest. */
const NEWS_MAX = 20;
/** Characters of an entry: one that touches every place of a large federation is told by `fedns journal`. */
const ENTRY_CHARACTERS_MAX = 8192;

/** What a page is told of the journal. */
export interface JournalNews<Entry> {
  /** The oldest first. */
  readonly entries: readonly Entry[];
  /** Entries that are left out, because there were so many or they are so long. */
  readonly leftOut: number;
}

/** Follows the journal between {@link start} and {@link stop}. */
export class JournalTail {
  readonly #journal: JournalControl;
  #gone: AbortController | undefined;
  /** As JSON, the oldest first. */
  #lines: string[] = [];
  #news: string[] = [];
  #leftOut = 0;

  constructor(journal: JournalControl) {
    this.#journal = journal;
  }

  start(): void {
    this.stop();
    const gone = new AbortController();
    this.#gone = gone;
    void this.#follow(gone.signal);
  }

  stop(): void {
    this.#gone?.abort();
    this.#gone = undefined;
    this.#lines = [];
    this.#news = [];
    this.#leftOut = 0;
  }

  /** What has come since this was asked last, as a {@link JournalNews}; undefined: nothing. */
  takeNews(): string | undefined {
    if (this.#news.length + this.#leftOut === 0) return undefined;
    const text = newsText(this.#news, this.#leftOut);
    this.#news = [];
    this.#leftOut = 0;
    return text;
  }

  /** The newest entries, as a {@link JournalNews}. */
  all(): string {
    return newsText(this.#lines, 0);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const text of this.#journal.follow({ last: ENTRIES_MAX }, signal)) {
        if (signal.aborted) return;
        for (const line of text.split('\n')) if (line !== '') this.#take(line);
      }
    } catch {
      // The page shows what it has; the journal itself tells the log of its trouble.
    }
  }

  #take(line: string): void {
    if (line.length > ENTRY_CHARACTERS_MAX) {
      this.#leftOut++;
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length > ENTRIES_MAX) this.#lines.shift();
    this.#news.push(line);
    if (this.#news.length <= NEWS_MAX) return;
    this.#news.shift();
    this.#leftOut++;
  }
}

function newsText(lines: readonly string[], leftOut: number): string {
  return `{"entries":[${lines.join(',')}],"leftOut":${leftOut}}`;
}

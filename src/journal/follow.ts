/** Reads what was, and then what comes, as lines: nothing is left out between the two, and nothing comes twice. */
import type { Timers } from '../timers.ts';
import type { JournalEntry } from './entry.ts';
import type { LiveJournal } from './live-journal.ts';
import { isWanted, type JournalFilter } from './query.ts';

/** Entries that wait for a reader; one that falls back further is let go, since it would not catch up. */
const WAITING_MAX = 20_000;
/** How often a reader hears that all is well though nothing happens, in milliseconds. */
const SILENCE_MS = 10_000;

/** Ends when `signal` aborts, and where the reader is too slow. An empty line says that nothing has happened. */
export async function* followJournal(
  journal: Pick<LiveJournal, 'read' | 'subscribe'>,
  filter: JournalFilter,
  { signal, timers }: { readonly signal: AbortSignal; readonly timers: Timers },
): AsyncGenerator<string> {
  const queue = new WaitingEntries(filter, timers);
  const end = journal.subscribe((entries) => queue.add(entries));
  signal.addEventListener('abort', queue.close);
  try {
    let upTo = 0;
    for await (const slice of journal.read(filter)) {
      upTo = slice.upTo;
      if (slice.lines !== '') yield slice.lines;
    }
    while (!queue.isClosed) {
      const entries = (await queue.take()).filter(({ seq }) => seq > upTo);
      yield entries.length === 0 ? '\n' : entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    }
  } finally {
    signal.removeEventListener('abort', queue.close);
    end();
  }
}

class WaitingEntries {
  readonly #filter: JournalFilter;
  readonly #timers: Timers;
  #entries: JournalEntry[] = [];
  #wake: (() => void) | undefined;
  isClosed = false;

  constructor(filter: JournalFilter, timers: Timers) {
    this.#filter = filter;
    this.#timers = timers;
  }

  add(entries: readonly JournalEntry[]): void {
    if (this.isClosed) return;
    for (const entry of entries) if (isWanted(entry, this.#filter)) this.#entries.push(entry);
    if (this.#entries.length > WAITING_MAX) this.close();
    if (this.#entries.length > 0) this.#wake?.();
  }

  readonly close = (): void => {
    this.isClosed = true;
    this.#wake?.();
  };

  /** What has come; empty when nothing has for a while. */
  async take(): Promise<JournalEntry[]> {
    if (this.#entries.length === 0 && !this.isClosed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = this.#timers.after(SILENCE_MS, resolve);
      await promise;
      timer.cancel();
      this.#wake = undefined;
    }
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }
}

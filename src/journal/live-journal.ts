/**
 * The journal as the control plane has it: captures, hands over what was captured ten times a second, and passes on what the
 * thread says. A thread that dies is replaced; what it had is lost, and the journal says so.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Log } from '../log.ts';
import type { Timer, Timers } from '../timers.ts';
import { Capture, type DomainRecorder } from './capture.ts';
import type { Batch, TableStart } from './batch.ts';
import type { DeskOptions, DeskStatus, Slice } from './desk.ts';
import type { Journal, JournalEntry, JournalEvent } from './entry.ts';
import type { Numbers } from './numbers.ts';
import type { JournalFilter } from './query.ts';
import type { FromThread, ThreadStart, ToThread } from './thread-protocol.ts';

/** How long what was captured waits to be handed over, in milliseconds: what a crash of the process may cost. */
const HAND_OVER_MS = 100;
/** How long a dead thread is waited with before another is started, in milliseconds. */
const RESTART_MS = 1000;
/** How long the thread may take to write what it has before it is ended without, in milliseconds. */
const STOP_MS = 5000;
/** MiB of the thread's heap: a segment that is read unfolded, and a large batch as text. */
const HEAP_MIB_MAX = 256;
/** Who may hear of entries at a time. */
export const SUBSCRIBERS_MAX = 64;

export interface LiveJournalOptions {
  /** Absent: nothing is kept. */
  readonly store?: DeskOptions['store'];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Starts the thread; tests bring their own. */
  readonly startThread?: (start: ThreadStart) => JournalThread;
}

/** What is used of a `Worker`. */
export interface JournalThread {
  postMessage(message: ToThread, transfer?: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: FromThread) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  terminate(): Promise<unknown>;
}

/** Figures for metrics. */
export interface JournalStatus extends DeskStatus {
  /** Octets that wait to be written. */
  readonly waitingOctets: number;
}

const NO_STATUS: DeskStatus = { octets: 0, entries: 0, lost: 0, seq: 0 };

type Subscriber = (entries: readonly JournalEntry[]) => void;

export class LiveJournal implements Journal {
  readonly #options: LiveJournalOptions;
  readonly #capture: Capture;
  readonly #subscribers = new Set<Subscriber>();
  readonly #readings = new Map<number, (slice: Slice | undefined) => void>();
  #nextReading = 1;
  #thread: JournalThread | undefined;
  #exited: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #restart: Timer | undefined;
  #isStopped = false;
  /** Changes and events that the thread has and has not written, by batch. */
  #away: number[] = [];
  /** Of the threads before this one. */
  #earlier = { entries: 0, lost: 0 };
  #status: DeskStatus = NO_STATUS;
  #trouble: string | undefined;

  constructor(options: LiveJournalOptions) {
    this.#options = options;
    this.#capture = new Capture({ clock: options.clock, onWaiting: () => this.#handOverSoon() });
    // Where nothing is kept, there is work only while somebody follows.
    if (options.store === undefined) this.#capture.pause();
  }

  start(): void {
    if (this.#options.store !== undefined) this.#startThread();
  }

  /** A recorder for a domain that is to be served. */
  open(start: TableStart): DomainRecorder {
    return this.#capture.open(start);
  }

  /** A domain was not taken into use after all. */
  close(recorder: DomainRecorder): void {
    this.#capture.close(recorder);
  }

  numbersOf(recorder: DomainRecorder): Numbers {
    return this.#capture.numbersOf(recorder);
  }

  /** See {@link Capture.exchange}. */
  exchange(...args: Parameters<Capture['exchange']>): void {
    this.#capture.exchange(...args);
    this.#capture.close(args[0]);
  }

  get status(): JournalStatus {
    const { entries, lost } = this.#status;
    return {
      ...this.#status,
      entries: entries + this.#earlier.entries,
      lost: lost + this.#earlier.lost + this.#capture.lost,
      waitingOctets: this.#capture.waitingOctets,
    };
  }

  note(event: JournalEvent): void {
    if (!this.#isStopped) this.#capture.note(event);
  }

  subscribe(onEntries: Subscriber): () => void {
    if (this.#subscribers.size >= SUBSCRIBERS_MAX)
      throw new RangeError(`${SUBSCRIBERS_MAX} follow the journal already`);
    this.#subscribers.add(onEntries);
    if (this.#isIdle()) {
      this.#capture.resume();
      this.#startThread();
    } else if (this.#subscribers.size === 1) this.#post({ kind: 'follow', isFollowed: true });
    return () => {
      if (!this.#subscribers.delete(onEntries) || this.#subscribers.size > 0) return;
      this.#post({ kind: 'follow', isFollowed: false });
    };
  }

  /**
   * Reads what was written until now, slice by slice; the next one is fetched when it is asked for. Ends early where the
   * thread dies or there are too many readings.
   */
  async *read(filter: JournalFilter): AsyncGenerator<Slice> {
    this.#handOver();
    const id = this.#nextReading++;
    this.#post({ kind: 'read', id, filter });
    try {
      for (;;) {
        const slice = await this.#nextSlice(id);
        if (slice === undefined) return;
        yield slice;
        if (slice.isLast) return;
      }
    } finally {
      this.#readings.delete(id);
      this.#post({ kind: 'cancel', id });
    }
  }

  /** Writes what there is, and ends the thread. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#restart?.cancel();
    const thread = this.#thread;
    if (thread === undefined) return;
    this.#handOver();
    this.#post({ kind: 'stop' });
    const limit = this.#options.timers.after(STOP_MS, () => void thread.terminate());
    await this.#exited;
    limit.cancel();
  }

  /** Goes on after {@link stop}. */
  resume(): void {
    this.#isStopped = false;
    this.start();
  }

  /** Nothing is kept, and nobody has followed yet. */
  #isIdle(): boolean {
    return this.#options.store === undefined && this.#status === NO_STATUS && this.#thread === undefined;
  }

  #nextSlice(id: number): Promise<Slice | undefined> {
    if (this.#thread === undefined) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Slice | undefined>();
    this.#readings.set(id, resolve);
    this.#post({ kind: 'next', id });
    return promise;
  }

  #handOverSoon(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = this.#options.timers.after(HAND_OVER_MS, () => this.#handOver());
  }

  #handOver(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    // Without a thread it waits for the next one; its amount is bounded.
    if (this.#thread === undefined) return;
    const batch = this.#capture.take();
    if (batch === undefined) return;
    this.#away.push(countOf(batch));
    const memory = batch.chunks.map((chunk) => chunk.memory);
    this.#post({ kind: 'batch', batch, octets: Capture.octetsOf(batch) }, memory);
  }

  #post(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#thread?.postMessage(message, transfer);
  }

  #startThread(): void {
    const { store, startThread = startWorker } = this.#options;
    const thread = startThread({ ...(store && { store }) });
    let cause: unknown;
    this.#thread = thread;
    thread.on('message', (message) => this.#hear(message));
    thread.on('error', (error) => (cause = error));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    thread.on('exit', () => {
      this.#ended(cause);
      resolve();
    });
    const items = this.#capture.preamble();
    this.#away = [0];
    this.#post({ kind: 'batch', batch: { items, chunks: [] }, octets: 0 });
    if (this.#subscribers.size > 0) this.#post({ kind: 'follow', isFollowed: true });
    this.#handOverSoon();
  }

  #ended(cause: unknown): void {
    this.#thread = undefined;
    for (const resolve of this.#readings.values()) resolve(undefined);
    this.#readings.clear();
    if (this.#isStopped) return;
    const { log, timers } = this.#options;
    log.error({ code: 'JOURNAL_THREAD', error: cause }, 'the thread of the journal ended; another follows');
    this.#earlier.entries += this.#status.entries;
    this.#earlier.lost += this.#status.lost;
    this.#status = NO_STATUS;
    const lost = this.#away.reduce((sum, count) => sum + count, 0);
    if (lost > 0) this.#capture.loseAway(lost, 'the thread that had them ended');
    this.#restart = timers.after(RESTART_MS, () => this.#startThread());
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case 'written':
        this.#capture.written(message.octets);
        this.#away.shift();
        return this.#adopt(message.status);
      case 'lines':
        return this.#tell(message.lines);
      case 'status':
        return this.#adopt(message.status);
      case 'slice':
        this.#readings.get(message.id)?.(message.slice);
        this.#readings.delete(message.id);
      // Whatever else comes is not ours: `node --watch` has each thread tell here which files it loads.
    }
  }

  /** Says when the disk begins to refuse, and when it takes lines again: once each. */
  #adopt(status: DeskStatus): void {
    this.#status = status;
    const trouble = status.trouble?.code;
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    const { log } = this.#options;
    if (status.trouble === undefined) log.info({ lost: status.lost }, 'the journal is written again');
    else {
      const { code, message } = status.trouble;
      log.error({ code: 'JOURNAL_WRITE', reason: message, errno: code }, 'the journal is not written');
    }
  }

  #tell(lines: string): void {
    if (this.#subscribers.size === 0) return;
    const entries = lines
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line) as JournalEntry);
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(entries);
      } catch (error) {
        this.#options.log.error({ error }, 'a reader of the journal failed');
      }
    }
  }
}

function countOf({ items }: Batch): number {
  return items.reduce((sum, item) => sum + (item.kind === 'publication' ? item.records : 1), 0);
}

function startWorker(workerData: ThreadStart): JournalThread {
  return new Worker(threadUrl(), {
    name: 'journal',
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  }) as unknown as JournalThread;
}

/** This module is TypeScript in the repository and JavaScript in the package. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
}

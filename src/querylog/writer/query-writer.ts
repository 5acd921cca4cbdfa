/**
 * Owns the thread that writes queries down, from the main thread's side: it is there while anything is to be written, is told of a
 * reload, and is followed by another when it dies. Answers do not depend on it: what it does not take is lost, and counted.
 */

import { Worker } from 'node:worker_threads';
import type { Log } from '../../log.ts';
import { Lost, viewRing } from '../../server/query-ring.ts';
import type { Timer, Timers } from '../../timers.ts';
import { createTally, Tally, type WritingStatus } from '../tally.ts';
import type { FromThread, ThreadStart, ToThread, WritingOrder } from './thread-protocol.ts';

/** Pauses before a thread that died is followed by another, in milliseconds: the first, and the longest. */
export const RESTART_MS = { first: 1000, max: 60_000 } as const;
/** How long a thread may take to write what is left, in milliseconds. */
const STOP_MS_MAX = 3000;

export interface QueryWriterOptions {
  readonly log: Log;
  readonly timers: Timers;
  /** Tests bring their own. */
  readonly threadUrl?: URL;
}

export class QueryWriter {
  readonly #options: QueryWriterOptions;
  readonly #memory = createTally();
  readonly #tally = new Float64Array(this.#memory);
  #rings: readonly SharedArrayBuffer[] = [];
  #order: WritingOrder | undefined;
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #deaths = 0;
  #restart: Timer | undefined;

  constructor(options: QueryWriterOptions) {
    this.#options = options;
  }

  /**
   * Goes on with these rings and this order, the first and every later time.
   *
   * @param order - absent: nothing is written any more
   */
  async adopt(rings: readonly SharedArrayBuffer[], order: WritingOrder | undefined): Promise<void> {
    this.#rings = rings;
    this.#order = order;
    if (order === undefined) return this.stop();
    if (this.#worker === undefined) this.#start();
    else this.#brief();
  }

  /** Has the rest written, and ends the thread. */
  async stop(): Promise<void> {
    this.#order = undefined;
    this.#restart?.cancel();
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#tell({ kind: 'stop' });
    const timer = this.#options.timers.after(STOP_MS_MAX, () => void worker.terminate());
    await this.#exited;
    timer.cancel();
  }

  status(): WritingStatus {
    const tally = this.#tally;
    const lost = this.#lostInRings();
    const { messages } = this.#order?.dnstap ?? {};
    return {
      lines: tally[Tally.lines]!,
      linesLost: { ring: lost.log, output: tally[Tally.linesLost]! },
      ...(messages && { dnstap: dnstapStatus(tally, lost.dnstap * messages.length) }),
      faults: tally[Tally.faults]!,
    };
  }

  #start(): void {
    this.#restart?.cancel();
    this.#restart = undefined;
    const { log, threadUrl = ownThread() } = this.#options;
    const workerData: ThreadStart = { tally: this.#memory };
    const worker = new Worker(threadUrl, { name: 'queries', workerData, execArgv: [] });
    this.#worker = worker;
    let cause: unknown;
    worker.on('error', (error) => (cause = error));
    worker.on('message', ({ level, fields, message }: FromThread) => {
      // `node --watch` has each thread tell here which files it loads.
      if (level !== undefined) log[level](fields, message);
    });
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#ended(cause);
        resolve();
      });
    });
    this.#brief();
  }

  #brief(): void {
    if (this.#order === undefined) return;
    this.#tell({ kind: 'adopt', rings: this.#rings, order: this.#order });
  }

  #tell(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  #ended(error: unknown): void {
    this.#worker = undefined;
    this.#tally[Tally.isOpen] = 0;
    if (this.#order === undefined) return;
    const pauseMs = Math.min(RESTART_MS.max, RESTART_MS.first * 2 ** this.#deaths++);
    this.#options.log.error(
      { error, pauseMs },
      'the thread that writes queries down has ended; another follows',
    );
    this.#restart = this.#options.timers.after(pauseMs, () => this.#start());
  }

  #lostInRings(): { log: number; dnstap: number } {
    const sum = { log: 0, dnstap: 0 };
    for (const { doubles } of this.#rings.map(viewRing)) {
      sum.log += doubles[Lost.log]!;
      sum.dnstap += doubles[Lost.dnstap]!;
    }
    return sum;
  }
}

function dnstapStatus(tally: Float64Array, lostInRings: number): NonNullable<WritingStatus['dnstap']> {
  return {
    isOpen: tally[Tally.isOpen] === 1,
    opened: tally[Tally.opened]!,
    frames: tally[Tally.frames]!,
    framesLost: {
      ring: lostInRings,
      queue: tally[Tally.framesLostQueue]!,
      connection: tally[Tally.framesLostConnection]!,
      file: tally[Tally.framesLostFile]!,
    },
  };
}

/** The entry of the thread, beside this file, as source or as built. */
function ownThread(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? './thread.ts' : './thread.js', here);
}

/** What became of the queries that were to be written down: figures that the thread which does it counts, in shared memory. */

/** Position of each in a Float64Array. */
export const Tally = {
  /** Lines of the query log, written and lost on standard error. */
  lines: 0,
  linesLost: 1,
  /** dnstap messages that were handed to the kernel. */
  frames: 2,
  /** Those that were not: the queue was full, a connection broke off, a file could not be written. */
  framesLostQueue: 3,
  framesLostConnection: 4,
  framesLostFile: 5,
  /** No counter: 1 while a reader of dnstap is connected, or the file is open. */
  isOpen: 6,
  /** Connections, or files, that were opened. */
  opened: 7,
  /** Records that could not be understood: each one is a bug. */
  faults: 8,
} as const;

const TALLIES = 16;

export function createTally(): SharedArrayBuffer {
  return new SharedArrayBuffer(TALLIES * 8);
}

/** What became of queries so far, and what is the case now. */
export interface WritingStatus {
  readonly lines: number;
  /** By what they were lost in: the ring of a worker, standard error. */
  readonly linesLost: Readonly<Record<'ring' | 'output', number>>;
  /** Absent: no dnstap is configured. */
  readonly dnstap?: {
    readonly isOpen: boolean;
    readonly opened: number;
    readonly frames: number;
    /** In messages; of those lost in a ring, as many as a query has. */
    readonly framesLost: Readonly<Record<'ring' | 'queue' | 'connection' | 'file', number>>;
  };
  readonly faults: number;
}

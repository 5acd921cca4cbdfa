/**
 * Takes the records of all workers and has them written down: as lines of the query log, as dnstap messages, or both. Looks at the
 * rings again and again, since a worker must not stop to call anybody.
 */

import { takeRecords, viewRing, Reader, type RingView } from '../../server/query-ring.ts';
import type { LogForm } from '../../logging/pino-log.ts';
import type { Timer, Timers } from '../../timers.ts';
import { framesOctetsMax, writeFrames, type MessageSource } from '../dnstap/messages.ts';
import type { FrameOutput } from '../dnstap/output.ts';
import type { ProtoCursor } from '../dnstap/protobuf.ts';
import type { LineOutput } from '../lines/line-output.ts';
import { describeQuery, formatEntry } from '../lines/query-line.ts';
import { readRecord, type QueryRecord } from '../record.ts';
import { Tally } from '../tally.ts';

/** Records of one ring in one turn: so that the others' do not wait for long, and the thread hears what it is told. */
const TURN_RECORDS_MAX = 1000;
/** Time between two looks, in milliseconds: the first after records, and what it doubles up to while there are none. */
export const LOOK_MS = { first: 10, max: 160 } as const;
/** Frames are handed over in pieces of about so many octets. */
const PIECE_OCTETS = 256 * 1024;

/** What records become. */
export interface Outputs {
  readonly log?: { readonly lines: LineOutput; readonly form: LogForm };
  readonly dnstap?: { readonly output: FrameOutput; readonly source: MessageSource };
  /** The served domain in wire form, lower case. */
  readonly domain: Uint8Array;
}

export interface QueryReaderOptions {
  readonly timers: Timers;
  readonly tally: Float64Array;
  /** A record could not be understood. */
  readonly onFault: (error: unknown) => void;
}

export class QueryReader {
  readonly #options: QueryReaderOptions;
  readonly #piece: ProtoCursor = { octets: Buffer.allocUnsafeSlow(PIECE_OCTETS), at: 0 };
  #rings: readonly RingView[] = [];
  #outputs: Outputs;
  #frames = 0;
  #pauseMs: number = LOOK_MS.first;
  #timer: Timer | undefined;

  constructor(outputs: Outputs, options: QueryReaderOptions) {
    this.#outputs = outputs;
    this.#options = options;
  }

  /** Goes on with these rings and outputs. */
  adopt(rings: readonly SharedArrayBuffer[], outputs: Outputs): void {
    this.#rings = rings.map(viewRing);
    this.#outputs = outputs;
    this.#timer ??= this.#later(0);
  }

  /** Takes what is there. @returns the number of records */
  turn(): number {
    let count = 0;
    for (const ring of this.#rings) {
      count += takeRecords(ring, TURN_RECORDS_MAX, (at) => this.#take(ring, at));
    }
    this.#outputs.log?.lines.flush();
    this.#handOver();
    return count;
  }

  /** Takes the rest, once nobody writes any more. */
  stop(): void {
    this.#timer?.cancel();
    while (this.turn() > 0);
  }

  #later(ms: number): Timer {
    return this.#options.timers.after(ms, () => {
      const count = this.turn();
      this.#pauseMs = count > 0 ? LOOK_MS.first : Math.min(LOOK_MS.max, this.#pauseMs * 2);
      this.#timer = this.#later(count >= TURN_RECORDS_MAX ? 0 : this.#pauseMs);
    });
  }

  /** A bug costs one record. */
  #take(ring: RingView, at: number): void {
    try {
      this.#write(readRecord(ring, at));
    } catch (error) {
      this.#options.tally[Tally.faults]!++;
      this.#options.onFault(error);
    }
  }

  #write(record: QueryRecord): void {
    const { log, dnstap, domain } = this.#outputs;
    if (log !== undefined && (record.readers & Reader.log) !== 0)
      log.lines.add(formatEntry(describeQuery(record, domain), log.form));
    if (dnstap === undefined || (record.readers & Reader.dnstap) === 0) return;
    if (this.#piece.at + framesOctetsMax(dnstap.source, record) > PIECE_OCTETS) this.#handOver();
    this.#frames += writeFrames(this.#piece, dnstap.source, record);
  }

  #handOver(): void {
    const { octets, at } = this.#piece;
    if (at > 0) this.#outputs.dnstap?.output.write(octets.subarray(0, at), this.#frames);
    this.#piece.at = 0;
    this.#frames = 0;
  }
}

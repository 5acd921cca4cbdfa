/**
 * Lines of the query log on standard error, beside those of the rest of the log, which the main thread writes. Runs on a thread of its
 * own, so it writes synchronously, and waits a little where a pipe is full.
 */

import { writeSync } from 'node:fs';
import { Tally } from '../tally.ts';

/** A pipe takes so many octets in one piece (PIPE_BUF of Linux): no line of another thread comes in between. */
const PIECE_OCTETS_MAX = 4096;
/** How long a full pipe is waited for, in milliseconds: then lines are lost, while the rings go on filling. */
const WAIT_MS_MAX = 1000;
const WAIT_MS = 10;

/** Writes octets to a descriptor, all or a part. @returns how many */
export type Write = (octets: Buffer, start: number) => number;

export class LineOutput {
  readonly #write: Write;
  readonly #tally: Float64Array;
  #text = '';
  #octets = 0;
  #lines = 0;

  /** @param fd - standard error, in earnest */
  constructor(tally: Float64Array, write: Write = writeTo(2)) {
    this.#tally = tally;
    this.#write = write;
  }

  /** @param line - with its line feed, ASCII */
  add(line: string): void {
    if (this.#octets + line.length > PIECE_OCTETS_MAX) this.flush();
    this.#text += line;
    this.#octets += line.length;
    this.#lines++;
  }

  flush(): void {
    if (this.#lines === 0) return;
    const isWritten = this.#writeAll(Buffer.from(this.#text));
    this.#tally[isWritten ? Tally.lines : Tally.linesLost]! += this.#lines;
    this.#text = '';
    this.#octets = 0;
    this.#lines = 0;
  }

  #writeAll(octets: Buffer): boolean {
    let waitedMs = 0;
    for (let done = 0; done < octets.length;) {
      try {
        done += this.#write(octets, done);
      } catch (error) {
        // What has begun is finished, so that no line is cut, unless nobody reads any more.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
        if (waitedMs >= WAIT_MS_MAX && done === 0) return false;
        waitedMs += rest();
      }
    }
    return true;
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function rest(): number {
  Atomics.wait(sleeper, 0, 0, WAIT_MS);
  return WAIT_MS;
}

function writeTo(fd: number): Write {
  return (octets, start) => writeSync(fd, octets, start, octets.length - start);
}

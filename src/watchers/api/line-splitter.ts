/**
 * Cuts a watch reply into its lines, one event each, with a limit on what is kept of one: a line that is too long is
 * skipped to its end, and one that does not end is an error.
 */

import { ApiError } from '../api-error.ts';
import { HEAD_OCTETS } from './list-scanner.ts';

/** Octets skipped of a line that is too long; more is no object of any cluster: etcd takes requests of 1.5 MB. */
const SKIPPED_OCTETS_MAX = 16 * 1024 * 1024;

export interface SplitterOptions {
  readonly lineOctetsMax: number;
  readonly onLine: (octets: Buffer) => void;
  /** Gets the beginning of a line that is too long. */
  readonly onTooLong: (head: Buffer) => void;
}

export class LineSplitter {
  readonly #options: SplitterOptions;
  #parts: Buffer[] = [];
  #octets = 0;

  constructor(options: SplitterOptions) {
    this.#options = options;
  }

  /** @throws ApiError `TOO_LARGE` when a line does not end */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      this.#endLine(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(Buffer.from(chunk.subarray(start)));
  }

  /** Whether octets of an unfinished line are left: the reply ended in the middle of an event. */
  get unfinished(): boolean {
    return this.#octets > 0;
  }

  #keep(octets: Buffer): void {
    const keptMax = Math.max(this.#options.lineOctetsMax, HEAD_OCTETS);
    if (this.#octets <= keptMax) this.#parts.push(octets);
    this.#octets += octets.length;
    if (this.#octets > this.#options.lineOctetsMax + SKIPPED_OCTETS_MAX) {
      throw new ApiError('TOO_LARGE', `a line of more than ${this.#octets} octets that does not end`);
    }
  }

  #endLine(tail: Buffer): void {
    if (this.#octets === 0 && tail.length === 0) return;
    this.#keep(tail);
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const tooLong = this.#octets > this.#options.lineOctetsMax;
    this.#parts = [];
    this.#octets = 0;
    if (tooLong) this.#options.onTooLong(line.subarray(0, HEAD_OCTETS));
    else this.#options.onLine(line);
  }
}

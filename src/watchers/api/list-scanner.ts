/**
 * Takes a list reply apart while it arrives: each element of `items` is handed over as octets of its own, so that a
 * page of any size costs one object's memory, and an object over the limit costs that object and not its page. What
 * an item says is not looked at here; that it is JSON is found out by whoever parses it.
 */

import { ApiError } from '../api-error.ts';

/** Octets of everything in the list that is no item; it holds `metadata` with the continue token. */
const FRAME_OCTETS_MAX = 64 * 1024;
/** Octets kept of an item that is too large, to find its name in. */
export const HEAD_OCTETS = 2048;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What an octet may mean within an item; nothing else matters there. Escapes and quotes begin and end in strings. */
const Mark = { none: 0, quote: 1, escape: 2, open: 3, close: 4 } as const;
const MARKS = new Uint8Array(256);
MARKS[QUOTE] = Mark.quote;
MARKS[BACKSLASH] = Mark.escape;
MARKS[OPEN_LIST] = MARKS[OPEN_OBJECT] = Mark.open;
MARKS[CLOSE_LIST] = MARKS[CLOSE_OBJECT] = Mark.close;

export interface ScannerOptions {
  readonly itemOctetsMax: number;
  readonly onItem: (octets: Buffer) => void;
  /** Gets the beginning of an item that is too large. */
  readonly onTooLarge: (head: Buffer) => void;
}

/** Where the scanner stands: in the frame around the items, between two items, in one, or behind the list. */
type Place = 'start' | 'frame' | 'items' | 'item' | 'done';

/** Reads one list reply. Octets of the frame are collected with `items` left empty, and parsed at the end. */
export class ListScanner {
  readonly #options: ScannerOptions;
  #place: Place = 'start';
  /** Open brackets, those of the frame included. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Whether the last string of the frame at depth 1 is the key `items`. */
  #lastKey: number[] = [];
  #atItems = false;
  #itemDepth = 0;
  readonly #frame: Buffer[] = [];
  #frameOctets = 0;
  #parts: Buffer[] = [];
  #partOctets = 0;

  constructor(options: ScannerOptions) {
    this.#options = options;
  }

  /** @throws ApiError `NOT_JSON` or `TOO_LARGE` */
  push(chunk: Buffer): void {
    let pos = 0;
    while (pos < chunk.length) {
      const start = pos;
      if (this.#place === 'item') {
        pos = this.#scanItem(chunk, pos);
        this.#keepItem(chunk.subarray(start, pos));
      } else if (this.#place === 'items') {
        pos = this.#scanBetween(chunk, pos);
      } else {
        pos = this.#scanFrame(chunk, pos);
        this.#keepFrame(chunk.subarray(start, pos));
      }
    }
  }

  /**
   * Ends the reply.
   *
   * @returns the list without its items
   * @throws ApiError `NOT_JSON` when the list is not complete
   */
  finish(): unknown {
    if (this.#place !== 'done') throw new ApiError('NOT_JSON', 'the list ends before its end');
    return parseJson(Buffer.concat(this.#frame));
  }

  /** Scans the frame up to its end or to the `[` of `items`. */
  #scanFrame(chunk: Buffer, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const octet = chunk[i]!;
      if (this.#inString) this.#inFrameString(octet);
      else if (octet === QUOTE) this.#beginFrameString();
      else if (octet === COLON) this.#atItems = this.#depth === 1 && isItemsKey(this.#lastKey);
      else if (octet === OPEN_LIST && this.#atItems) return this.#enterItems(i);
      else if (octet > 0x20) {
        this.#atItems = false;
        this.#countFrame(octet);
      }
    }
    return chunk.length;
  }

  #countFrame(octet: number): void {
    if (this.#place === 'done') throw notJson();
    if (octet === OPEN_OBJECT || octet === OPEN_LIST) this.#depth++;
    else if (octet === CLOSE_OBJECT || octet === CLOSE_LIST) this.#depth--;
    if (this.#place === 'start') {
      if (octet !== OPEN_OBJECT) throw notJson();
      this.#place = 'frame';
    } else if (this.#depth === 0) {
      this.#place = 'done';
    }
  }

  #beginFrameString(): void {
    if (this.#place !== 'frame') throw notJson();
    this.#inString = true;
    this.#atItems = false;
    this.#lastKey = [];
  }

  #inFrameString(octet: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (octet === BACKSLASH) this.#escaped = true;
    else if (octet === QUOTE) this.#inString = false;
    if (this.#inString && this.#lastKey.length <= ITEMS_KEY.length) this.#lastKey.push(octet);
  }

  #enterItems(at: number): number {
    this.#place = 'items';
    this.#depth++;
    this.#atItems = false;
    return at + 1;
  }

  /** Scans blanks and commas up to the next item or the `]` behind the last. */
  #scanBetween(chunk: Buffer, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const octet = chunk[i]!;
      if (octet === OPEN_OBJECT) {
        this.#place = 'item';
        this.#itemDepth = 0;
        return i;
      }
      if (octet === CLOSE_LIST) {
        // Left for the frame to close, which began the list.
        this.#place = 'frame';
        return i;
      }
      if (octet > 0x20 && octet !== COMMA) throw notJson();
    }
    return chunk.length;
  }

  /** The hot loop: finds the end of an item, or runs to the end of the chunk. */
  #scanItem(chunk: Buffer, from: number): number {
    let depth = this.#itemDepth;
    let inString = this.#inString;
    const { length } = chunk;
    let i = this.#escaped ? from + 1 : from;
    for (; i < length; i++) {
      const mark = MARKS[chunk[i]!]!;
      if (mark === Mark.none) continue;
      if (mark === Mark.quote) inString = !inString;
      else if (inString) {
        // What is escaped is stepped over, also where it comes with the next chunk.
        if (mark === Mark.escape) i++;
      } else if (mark === Mark.open) depth++;
      else if (mark === Mark.close && --depth === 0) {
        i++;
        break;
      }
    }
    this.#itemDepth = depth;
    this.#inString = inString;
    this.#escaped = i > length;
    return Math.min(i, length);
  }

  #keepItem(octets: Buffer): void {
    const { itemOctetsMax } = this.#options;
    const keptMax = Math.max(itemOctetsMax, HEAD_OCTETS);
    // Of what is too large only the head is kept. Copied where it outlives its chunk: those are much larger.
    if (this.#partOctets <= keptMax) this.#parts.push(this.#itemDepth === 0 ? octets : Buffer.from(octets));
    this.#partOctets += octets.length;
    if (this.#itemDepth === 0) this.#endItem();
  }

  #endItem(): void {
    const item = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const tooLarge = this.#partOctets > this.#options.itemOctetsMax;
    this.#parts = [];
    this.#partOctets = 0;
    this.#place = 'items';
    if (tooLarge) this.#options.onTooLarge(item.subarray(0, HEAD_OCTETS));
    else this.#options.onItem(item);
  }

  #keepFrame(octets: Buffer): void {
    this.#frameOctets += octets.length;
    if (this.#frameOctets > FRAME_OCTETS_MAX) {
      throw new ApiError('TOO_LARGE', `more than ${FRAME_OCTETS_MAX} octets around the items of a list`);
    }
    this.#frame.push(Buffer.from(octets));
  }
}

const ITEMS_KEY = [...Buffer.from('items')];

function isItemsKey(key: readonly number[]): boolean {
  return key.length === ITEMS_KEY.length && key.every((octet, i) => octet === ITEMS_KEY[i]);
}

/** @throws ApiError `NOT_JSON` */
export function parseJson(octets: Buffer): unknown {
  try {
    return JSON.parse(octets.toString('utf8'));
  } catch {
    throw notJson(octets);
  }
}

/** Says that a reply is no JSON, with its beginning: HTML from a proxy is recognised at once. */
export function notJson(octets?: Buffer): ApiError {
  const beginning = octets === undefined ? '' : `: ${octets.toString('latin1', 0, 60)}`;
  return new ApiError('NOT_JSON', `the reply is not the JSON of the Kubernetes API${beginning}`);
}

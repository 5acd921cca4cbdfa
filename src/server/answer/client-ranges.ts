/**
 * Looks addresses and networks up in the ranges of clients' networks (src/geo/client-networks.ts). Allocates nothing; the result
 * stands in the object.
 */
import { NO_CLIENT } from '../../geo/layout.ts';

/** Ranges that are compared where several have a part in one network; what lies behind them has no say. */
const COMPARED_MAX = 256;

/** A worker's view of the ranges of one family. */
export class ClientRangesView {
  /** The row of the network that was looked up last, {@link NO_CLIENT} where it is nobody's. */
  row = NO_CLIENT;
  /** Prefix length of the largest network around its first address that is all of one row, or all nobody's. */
  scope = 0;
  /** Nothing is anybody's: no look-up tells more. */
  readonly isEmpty: boolean;

  readonly #words: Uint32Array;
  readonly #shorts: Uint16Array;
  readonly #starts: number;
  readonly #rows: number;
  readonly #count: number;
  readonly #size: number;

  /**
   * @param part - the header's word for the starts; those for rows and count follow
   * @param size - words per address
   */
  constructor(memory: SharedArrayBuffer, header: Uint32Array, part: number, size: 1 | 4) {
    this.#words = new Uint32Array(memory);
    this.#shorts = new Uint16Array(memory);
    this.#starts = header[part]! / 4;
    this.#rows = header[part + 1]! / 2;
    this.#count = header[part + 2]!;
    this.#size = size;
    this.isEmpty = this.#count === 1 && this.#shorts[this.#rows] === NO_CLIENT;
  }

  /** The row of one address, or {@link NO_CLIENT}. */
  rowOf(address: Uint32Array): number {
    return this.#shorts[this.#rows + this.#rangeOf(address)]!;
  }

  /**
   * Looks up a network: whose it is, and where several have a part in it, whose largest part.
   *
   * @param first - its first address
   */
  find(first: Uint32Array, prefix: number): void {
    const range = this.#rangeOf(first);
    this.row = this.#shorts[this.#rows + range]!;
    this.scope = this.#scopeAt(first, range);
    if (this.scope > prefix) this.row = this.#shorts[this.#rows + this.#largestPart(first, prefix, range)]!;
  }

  /** The last range that starts at or before an address. */
  #rangeOf(address: Uint32Array): number {
    let low = 0;
    let high = this.#count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#startsBehind(middle, address)) high = middle;
      else low = middle;
    }
    return low;
  }

  #startsBehind(range: number, address: Uint32Array): boolean {
    const at = this.#starts + range * this.#size;
    for (let i = 0; i < this.#size; i++) {
      const start = this.#words[at + i]!;
      if (start !== address[i]) return start > address[i]!;
    }
    return false;
  }

  /** A block ends before the nearest bit at which it would reach another range. */
  #scopeAt(address: Uint32Array, range: number): number {
    const before = range === 0 ? 0 : this.#bitsBelow(address, range) + 1;
    const behind = range + 1 === this.#count ? 0 : this.#bitsShared(address, range + 1) + 1;
    return before > behind ? before : behind;
  }

  /** Leading bits that an address shares with the start of a range. */
  #bitsShared(address: Uint32Array, range: number): number {
    const at = this.#starts + range * this.#size;
    for (let i = 0; i < this.#size; i++) {
      const difference = this.#words[at + i]! ^ address[i]!;
      if (difference !== 0) return i * 32 + Math.clz32(difference);
    }
    return this.#size * 32;
  }

  /** Leading bits that an address shares with the one before the start of a range. */
  #bitsBelow(address: Uint32Array, range: number): number {
    const at = this.#starts + range * this.#size;
    // What one less than the start borrows from: the words behind the last that is not 0 turn into ones.
    let borrow = this.#size - 1;
    while (this.#words[at + borrow] === 0) borrow--;
    for (let i = 0; i < this.#size; i++) {
      const start = this.#words[at + i]!;
      const below = i < borrow ? start : i === borrow ? start - 1 : 0xffff_ffff;
      const difference = below ^ address[i]!;
      if (difference !== 0) return i * 32 + Math.clz32(difference);
    }
    return this.#size * 32;
  }

  #largestPart(first: Uint32Array, prefix: number, range: number): number {
    let best = range;
    let bestSize = 0;
    let from = 0;
    for (let i = range; i < range + COMPARED_MAX; i++) {
      const isLast = i + 1 === this.#count || this.#bitsShared(first, i + 1) < prefix;
      const to = isLast ? 1 : this.#partBefore(i + 1, prefix);
      if (to - from > bestSize) {
        best = i;
        bestSize = to - from;
      }
      if (isLast) break;
      from = to;
    }
    return best;
  }

  /** How much of the network of this prefix lies before the start of a range within it: 0 to 1. */
  #partBefore(range: number, prefix: number): number {
    const at = this.#starts + range * this.#size;
    let part = 0;
    for (let i = 0; i < this.#size; i++) {
      const bits = prefix - i * 32;
      const inside =
        bits <= 0 ? this.#words[at + i]! : bits >= 32 ? 0 : (this.#words[at + i]! << bits) >>> bits;
      part += (inside >>> 0) * 2 ** (prefix - (i + 1) * 32);
    }
    return part;
  }
}

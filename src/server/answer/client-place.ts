/**
 * Where a client is: looks an address or a network up in the tables of src/geo. Reads them only, and allocates nothing. The
 * result stands in the object: a row, and for a network the largest one around it that has the same row everywhere (RFC 7871
 * section 7.2.1: the scope).
 *
 * Networks are looked up as /24 and /56 at the finest, so that all who are told of one get one answer; the address of the
 * packet itself is looked up exactly.
 */
import {
  BLOCK_CELLS,
  CELL_SCOPE_SHIFT,
  GEO_HEADER_WORDS,
  GeoHeader,
  NO_CLIENT,
  SCOPE4_MAX,
  SCOPE6_MAX,
  STRIDE,
} from '../../geo/layout.ts';
import { ROW_VALUES, UNKNOWN_ROW } from '../../geo/network-tree.ts';
import { ClientRangesView } from './client-ranges.ts';

/** Bits before an IPv4 address in ::ffff:0:0/96 and 64:ff9b::/96 (RFC 4291, RFC 6052), and in 2002::/16 (RFC 3056). */
const EMBEDDED_BITS = 96;
const SIX_TO_FOUR_BITS = 16;

/** The row of a cell, below its scope. */
const ROW_BITS = (1 << CELL_SCOPE_SHIFT) - 1;

/** A worker's view of the tables, and the place that was found last. */
export class ClientPlace {
  /** The row of the place, {@link UNKNOWN_ROW} where nothing is known; rows of clients' networks begin at {@link ROW_VALUES}. */
  row = UNKNOWN_ROW;
  /** Prefix length of the largest network around with this row, in the family that was asked for. */
  scope = 0;
  /** Of the rows; see GeoHeader.version. */
  readonly version: number;

  readonly #octets: Uint8Array;
  readonly #shorts: Uint16Array;
  readonly #words: Uint32Array;
  readonly #v4Index: number;
  readonly #v4Scopes: number;
  readonly #v4Blocks: number;
  readonly #v6Index: number;
  readonly #v6Scopes: number;
  readonly #v6Nodes: number;
  readonly #clients4: ClientRangesView;
  readonly #clients6: ClientRangesView;
  readonly #address = new Uint32Array(4);
  readonly #weights = new Uint16Array(ROW_VALUES);

  constructor(memory: SharedArrayBuffer) {
    const header = new Uint32Array(memory, 0, GEO_HEADER_WORDS);
    this.version = header[GeoHeader.version]!;
    this.#octets = new Uint8Array(memory);
    this.#shorts = new Uint16Array(memory);
    this.#words = new Uint32Array(memory);
    this.#v4Index = header[GeoHeader.v4Index]! / 2;
    this.#v4Scopes = header[GeoHeader.v4Scopes]!;
    this.#v4Blocks = header[GeoHeader.v4Blocks]! / 2;
    this.#v6Index = header[GeoHeader.v6Index]! / 4;
    this.#v6Scopes = header[GeoHeader.v6Scopes]!;
    this.#v6Nodes = header[GeoHeader.v6Nodes]! / 4;
    this.#clients4 = new ClientRangesView(memory, header, GeoHeader.v4Clients, 1);
    this.#clients6 = new ClientRangesView(memory, header, GeoHeader.v6Clients, 4);
  }

  /** Looks up the one address at `octets[at..at + length)`; sets {@link row} only. */
  locate(octets: Uint8Array, at: number, length: number): void {
    const wrapped = length === 4 ? at : embeddedAt(octets, at);
    if (wrapped >= 0) return this.#locate4(word(octets, wrapped));
    const address = this.#address;
    for (let i = 0; i < 4; i++) address[i] = word(octets, at + i * 4);
    const client = this.#clients6.rowOf(address);
    if (client === NO_CLIENT) this.#locate6();
    else this.row = client;
  }

  /**
   * Looks up the network of a client subnet option.
   *
   * @param words - of its address (see ClientSubnet), the bits behind the prefix 0
   * @param family - 1 or 2, as in the option
   * @param prefix - source prefix length, at least 1
   */
  locateNetwork(words: Int32Array, family: number, prefix: number): void {
    if (family === 1) return this.#locateNetwork4(words[0]!, prefix);
    const address = this.#address;
    for (let i = 0; i < 4; i++) address[i] = words[i]!;
    const embedded = prefix > EMBEDDED_BITS && isEmbedded(address);
    const sixToFour = prefix > SIX_TO_FOUR_BITS && address[0]! >>> 16 === 0x2002;
    if (!embedded && !sixToFour) return this.#locateNetwork6(prefix);
    const bits = embedded ? EMBEDDED_BITS : SIX_TO_FOUR_BITS;
    const inner = embedded ? words[3]! : (words[0]! << 16) | (words[1]! >>> 16);
    this.#locateNetwork4(inner, Math.min(prefix - bits, 32));
    this.scope += bits;
  }

  #locate4(address: number): void {
    const client = this.#clients4.isEmpty ? NO_CLIENT : this.#client4(address);
    this.row = client === NO_CLIENT ? this.#cell4(address) & ROW_BITS : client;
  }

  #client4(address: number): number {
    this.#address[0] = address;
    return this.#clients4.rowOf(this.#address);
  }

  #cell4(address: number): number {
    const block = this.#shorts[this.#v4Index + (address >>> 16)]!;
    return this.#shorts[this.#v4Blocks + block * BLOCK_CELLS + ((address >>> 8) & 0xff)]!;
  }

  #locateNetwork4(address: number, source: number): void {
    const prefix = source < SCOPE4_MAX ? source : SCOPE4_MAX;
    const first = address & (-1 << (32 - prefix));
    if (this.#clients4.isEmpty) this.#findBlock4(first, prefix);
    else this.#findClients4(first, prefix);
  }

  #findClients4(first: number, prefix: number): void {
    const clients = this.#clients4;
    this.#address[0] = first;
    clients.find(this.#address, prefix);
    if (clients.row === NO_CLIENT) {
      this.#findBlock4(first, prefix);
      if (clients.scope > this.scope) this.scope = clients.scope;
    } else {
      this.row = clients.row;
      this.scope = clients.scope;
    }
    if (this.scope > SCOPE4_MAX) this.scope = SCOPE4_MAX;
  }

  /** The row that most of a network has by the database, and its scope. */
  #findBlock4(first: number, prefix: number): void {
    const cell = this.#cell4(first);
    const scope = cell >>> CELL_SCOPE_SHIFT;
    this.row = cell & ROW_BITS;
    this.scope = scope > 16 ? scope : this.#octets[this.#v4Scopes + (first >>> 16)]!;
    if (this.scope <= prefix) return;
    // The network is wider than what has one row. More than a /16 is worth no look: it is nowhere in particular.
    this.row = prefix < 16 ? UNKNOWN_ROW : this.#majority(first, prefix);
  }

  #majority(first: number, prefix: number): number {
    const block = this.#shorts[this.#v4Index + (first >>> 16)]!;
    const start = this.#v4Blocks + block * BLOCK_CELLS + ((first >>> 8) & 0xff);
    const end = start + (1 << (SCOPE4_MAX - prefix));
    const weights = this.#weights;
    weights.fill(0);
    let best = this.#shorts[start]! & ROW_BITS;
    for (let i = start; i < end; i++) {
      const row = this.#shorts[i]! & ROW_BITS;
      weights[row]!++;
      if (weights[row]! > weights[best]!) best = row;
    }
    return best;
  }

  #locateNetwork6(source: number): void {
    const prefix = source < SCOPE6_MAX ? source : SCOPE6_MAX;
    const address = this.#address;
    for (let i = 0; i < 4; i++) address[i] = maskedWord(address[i]!, prefix, i);
    const clients = this.#clients6;
    clients.find(address, prefix);
    if (clients.row === NO_CLIENT) {
      this.#locate6();
      const { scope } = clients;
      if (scope > this.scope) this.scope = scope < SCOPE6_MAX ? scope : SCOPE6_MAX;
    } else {
      this.row = clients.row;
      this.scope = clients.scope < SCOPE6_MAX ? clients.scope : SCOPE6_MAX;
    }
  }

  /** Looks `#address` up in the trie; sets row and scope. */
  #locate6(): void {
    const address = this.#address;
    const words = this.#words;
    const slot = address[0]! >>> 16;
    let at = words[this.#v6Index + slot]! | 0;
    if (at < 0) {
      this.row = -1 - at;
      this.scope = this.#octets[this.#v6Scopes + slot]!;
      return;
    }
    for (let depth = 16; ; depth += STRIDE) {
      const node = this.#v6Nodes + at;
      const masks = words[node]!;
      const step = (address[depth >>> 5]! >>> (28 - (depth & 31))) & 15;
      if (((masks >>> step) & 1) === 0) {
        this.row = this.#leaf(node, masks, step);
        this.scope = depth + STRIDE - leafBits(masks, step);
        return;
      }
      at = words[node + 1 + ones(masks & ((1 << step) - 1))]!;
    }
  }

  #leaf(node: number, masks: number, step: number): number {
    const run = ones((masks >>> 16) & ((2 << step) - 1)) - 1;
    return this.#octets[(node + 1 + ones(masks & 0xffff)) * 4 + run]!;
  }
}

/** How many bits shorter the prefix of the largest block of one row around a leaf is, within its node: 0 to 3. */
function leafBits(masks: number, step: number): number {
  for (let bits = 1; bits < STRIDE; bits++) {
    const size = 1 << bits;
    const base = step & -size;
    const slots = ((1 << size) - 1) << base;
    // A run that begins at the base is the row of all; one that begins behind it is another row.
    const begins = (masks >>> 16) & slots & ~(1 << base);
    if ((masks & slots) !== 0 || begins !== 0) return bits - 1;
  }
  return STRIDE - 1;
}

/** The number of bits that are set in a word of 16. */
function ones(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x5555);
  n = (n & 0x3333) + ((n >>> 2) & 0x3333);
  n = (n + (n >>> 4)) & 0x0f0f;
  return (n + (n >>> 8)) & 0x1f;
}

/** Four octets as a word, signed: V8 would box a larger one wherever it is passed on. */
function word(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}

/** The words of an address of 4 or 16 octets, as {@link ClientPlace.locateNetwork} takes them. Allocates. */
export function wordsOf(octets: Uint8Array): Int32Array {
  return Int32Array.from({ length: octets.length / 4 }, (_, i) => word(octets, i * 4));
}

/** Word `i` of an address with the bits behind the prefix cleared. */
function maskedWord(value: number, prefix: number, i: number): number {
  const bits = prefix - i * 32;
  if (bits >= 32) return value;
  return bits <= 0 ? 0 : (value & (-1 << (32 - bits))) >>> 0;
}

/** Where the IPv4 address stands in 16 octets that wrap one, -1 where they do not. */
export function embeddedAt(octets: Uint8Array, at: number): number {
  if (octets[at] === 0x20) return octets[at + 1] === 0x02 ? at + 2 : -1;
  if (octets[at] !== 0) return -1;
  return wraps(word(octets, at), word(octets, at + 4), word(octets, at + 8)) ? at + 12 : -1;
}

function isEmbedded(address: Uint32Array): boolean {
  return wraps(address[0]!, address[1]!, address[2]!);
}

/** Whether the first 96 bits are ::ffff:0:0/96 or 64:ff9b::/96. */
function wraps(w0: number, w1: number, w2: number): boolean {
  if (w1 !== 0) return false;
  return (w0 === 0 && w2 === 0xffff) || (w0 === 0x0064_ff9b && w2 === 0);
}

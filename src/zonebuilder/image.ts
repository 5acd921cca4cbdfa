/**
 * The writer of the answer image: keeps the service table, publishes blobs, replaces the arena when it is full.
 * What the blobs mean is layout.ts; who is in them is the builder's.
 *
 * Nothing is ever changed in place that a reader may be looking at: a new blob is written beside the old one, then
 * its number is stored, then the old one is retired. A new arena is filled completely before its handle is given out.
 */
import { randomInt } from 'node:crypto';
import { Arena } from './arena.ts';
import { hashKey } from './hash.ts';
import {
  Blob,
  Control,
  CONTROL_OCTETS,
  Header,
  HEADER_OCTETS,
  Orders,
  TOMBSTONE,
  TTL_UNLIMITED,
} from './layout.ts';

/** First size of an arena in octets. */
const ARENA_OCTETS_FIRST = 1 << 20;
/** Largest arena: 4 GiB, far above what a machine's clusters hold; a limit so that a fault ends in an error. */
const ARENA_OCTETS_MAX = 2 ** 32;
const PAGE_OCTETS = 4096;
/** Slots of the first service table. */
const TABLE_SLOTS_FIRST = 1024;
/** Orders without a row. */
const NO_ORDERS_BLOB = Buffer.alloc(Orders.entries);

/** What readers need to map the image. */
export interface ImageMemory {
  readonly control: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  readonly generation: number;
}

/** Content that is the same for the whole life of one arena. */
export interface ImageStatics {
  /** Encodes the static table with the hash seed of the arena. */
  readonly encodeStatics: (seed: number) => Buffer;
  /** Encodes the location table as it is now. */
  readonly encodeLocations: (seed: number) => Buffer;
  /** Encodes the cluster table as it is now. */
  readonly encodeClusters: (seed: number) => Buffer;
  /** Encodes the orders of clients' places as they are now; default: none. */
  readonly encodeOrders?: () => Buffer;
}

/** Thrown when the image would pass its largest size; the state before the change stays published. */
export class ImageFullError extends Error {
  readonly code = 'IMAGE_FULL';
}

/** Writes the image. Single writer. */
export class ImageWriter {
  readonly #control = new SharedArrayBuffer(CONTROL_OCTETS);
  readonly #controlWords = new Int32Array(this.#control);
  readonly #statics: ImageStatics;
  readonly #onReplace: (memory: ImageMemory) => void;
  readonly #octetsMax: number;
  readonly #prepare: (memory: SharedArrayBuffer) => void;
  #memory: SharedArrayBuffer;
  #arena: Arena;
  #seed = 0;
  #tableAt = 0;
  #mask = 0;
  /** Live entries, and slots that are not empty (live or tombstone). */
  #entries = 0;
  #filled = 0;
  #generation = 0;
  #isFilling = false;
  #locationsOctets = 0;
  #clustersOctets = 0;
  #ordersOctets = 0;

  /**
   * @param statics - what to put into each new arena
   * @param onReplace - called with the new memory after the arena was replaced
   * @param options - `octetsMax`: largest arena in octets; `prepare`: called with the memory of a new arena before
   * anything is written to it
   */
  constructor(
    statics: ImageStatics,
    onReplace: (memory: ImageMemory) => void,
    options: { readonly octetsMax?: number; readonly prepare?: (memory: SharedArrayBuffer) => void } = {},
  ) {
    this.#prepare = options.prepare ?? (() => {});
    this.#octetsMax = options.octetsMax ?? ARENA_OCTETS_MAX;
    this.#statics = statics;
    this.#onReplace = onReplace;
    this.#memory = new SharedArrayBuffer(0);
    this.#arena = this.#newArena(ARENA_OCTETS_FIRST, TABLE_SLOTS_FIRST);
    this.#announce();
  }

  get memory(): ImageMemory {
    return { control: this.#control, arena: this.#memory, generation: this.#generation };
  }

  /** Octets in use, retired blobs included, and the size of the arena. */
  get size(): {
    readonly used: number;
    readonly capacity: number;
    readonly retired: number;
    readonly entries: number;
  } {
    const { used, capacity, retired } = this.#arena;
    return { used, capacity, retired, entries: this.#entries };
  }

  /**
   * Publishes a blob under its key, in place of the blob that stands there.
   *
   * @throws ImageFullError when it does not fit; the image stays as it was
   */
  put(key: Buffer, blob: Buffer): void {
    if ((this.#filled + 1) * 4 > (this.#mask + 1) * 3) this.#replaceArena(0);
    const at = this.#place(blob);
    const hash = hashKey(key, this.#seed);
    const slot = this.#findSlot(key, hash);
    if (slot >= 0) {
      const old = this.#swap(slot, at);
      this.#arena.retire(old, blobOctets(this.#arena, old));
    } else this.#insert(hash, at);
  }

  /**
   * Moves to new memory with all tables as they are now.
   *
   * @param fill - puts what changes with them, before any reader hears of the new memory
   * @throws ImageFullError when it does not fit; the image stays as it was
   */
  renew(fill: () => void): void {
    this.#isFilling = true;
    try {
      this.#replaceArena(0);
      fill();
    } finally {
      this.#isFilling = false;
    }
    this.#announce();
  }

  /** The blob under a key, for comparison; undefined when there is none. */
  get(key: Buffer): Buffer | undefined {
    const slot = this.#findSlot(key, hashKey(key, this.#seed));
    if (slot < 0) return undefined;
    const at = (this.#arena.words[slot + 1]! >>> 0) * 8;
    return Buffer.from(this.#memory, at, blobOctets(this.#arena, at));
  }

  /** Takes an entry out. */
  delete(key: Buffer): void {
    const slot = this.#findSlot(key, hashKey(key, this.#seed));
    if (slot < 0) return;
    const old = this.#swap(slot, TOMBSTONE * 8);
    this.#entries--;
    this.#arena.retire(old, blobOctets(this.#arena, old));
  }

  /** Publishes the location table anew. */
  putLocations(): void {
    const table = this.#statics.encodeLocations(this.#seed);
    if (this.#putTable(Header.locations, table, this.#locationsOctets)) this.#locationsOctets = table.length;
  }

  /** Publishes the cluster table anew. */
  putClusters(): void {
    const table = this.#statics.encodeClusters(this.#seed);
    if (this.#putTable(Header.clusters, table, this.#clustersOctets)) this.#clustersOctets = table.length;
  }

  /** Publishes the orders of clients' places anew. */
  putOrders(): void {
    const table = this.#encodeOrders();
    if (this.#putTable(Header.orders, table, this.#ordersOctets)) this.#ordersOctets = table.length;
  }

  #encodeOrders(): Buffer {
    return this.#statics.encodeOrders?.() ?? NO_ORDERS_BLOB;
  }

  /** Returns false where a new arena came instead, which has another seed, and all tables as they are now. */
  #putTable(word: number, table: Buffer, octetsBefore: number): boolean {
    const at = this.#arena.allocate(table.length);
    if (at === 0) {
      this.#replaceArena(table.length);
      return false;
    }
    this.#arena.octets.set(table, at);
    const old = (Atomics.exchange(this.#arena.words, word, at / 8) >>> 0) * 8;
    this.#arena.retire(old, octetsBefore);
    return true;
  }

  setSerial(serial: number): void {
    Atomics.store(this.#arena.words, Header.serial, serial | 0);
  }

  /**
   * @param awaited - bits of {@link Awaited}
   * @param ttlMax - longest TTL of a Service's records in seconds
   */
  setAwaited(awaited: number, ttlMax: number): void {
    // Readers look at the bits first: a set that is complete is never given the long TTL too early.
    Atomics.store(this.#arena.words, Header.ttlMax, ttlMax);
    Atomics.store(this.#arena.words, Header.awaited, awaited);
  }

  #place(blob: Buffer): number {
    let at = this.#arena.allocate(blob.length);
    if (at === 0) {
      this.#replaceArena(blob.length);
      at = this.#arena.allocate(blob.length);
    }
    this.#arena.octets.set(blob, at);
    return at;
  }

  /** The word position of the slot that holds a key, -1 when none does. */
  #findSlot(key: Buffer, hash: number): number {
    const { words, octets } = this.#arena;
    for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
      const slot = this.#tableAt + i * 2;
      const ref = words[slot + 1]! >>> 0;
      if (ref === 0) return -1;
      if (ref !== TOMBSTONE && words[slot] === hash && sameKey(octets, ref * 8, key)) return slot;
    }
  }

  #swap(slot: number, at: number): number {
    return (Atomics.exchange(this.#arena.words, slot + 1, (at / 8) | 0) >>> 0) * 8;
  }

  /** Only an empty slot is taken: a tombstone's hash word must not change under a reader that passes it. */
  #insert(hash: number, at: number): void {
    const { words } = this.#arena;
    let i = hash & this.#mask;
    while (words[this.#tableAt + i * 2 + 1] !== 0) i = (i + 1) & this.#mask;
    Atomics.store(words, this.#tableAt + i * 2, hash);
    Atomics.store(words, this.#tableAt + i * 2 + 1, (at / 8) | 0);
    this.#filled++;
    this.#entries++;
  }

  /**
   * Copies all live blobs into a new arena and a table without tombstones, then announces it. It is sized by what is
   * live, so that an arena full of tombstones, of gaps, or of pieces that a reader holds on to does not grow.
   *
   * @param room - octets to have beyond that
   */
  #replaceArena(room: number): void {
    const octets = Math.max(this.#arena.live * 2, ARENA_OCTETS_FIRST) + room;
    const old = { arena: this.#arena, tableAt: this.#tableAt, mask: this.#mask };
    let slots = TABLE_SLOTS_FIRST;
    while (slots < this.#entries * 2) slots *= 2;
    this.#arena = this.#newArena(octets + slots * 8, slots);
    for (let i = 0; i <= old.mask; i++) {
      const ref = old.arena.words[old.tableAt + i * 2 + 1]! >>> 0;
      if (ref > TOMBSTONE) this.#copyBlob(old.arena, ref * 8);
    }
    for (const word of [Header.serial, Header.awaited, Header.ttlMax])
      this.#arena.words[word] = old.arena.words[word]!;
    this.#announce();
  }

  #copyBlob(from: Arena, position: number): void {
    const length = blobOctets(from, position);
    const at = this.#arena.allocate(length);
    this.#arena.octets.set(from.octets.subarray(position, position + length), at);
    const keyAt = position + Blob.key;
    this.#insert(
      hashKey(from.octets.subarray(keyAt, keyAt + from.octets[position + Blob.keyOctets]!), this.#seed),
      at,
    );
  }

  #newArena(octets: number, slots: number): Arena {
    if (octets > this.#octetsMax)
      throw new ImageFullError(`the answer image would pass ${this.#octetsMax} octets`);
    const seed = randomInt(2 ** 31);
    const statics = this.#statics.encodeStatics(seed);
    const locations = this.#statics.encodeLocations(seed);
    const clusters = this.#statics.encodeClusters(seed);
    const orders = this.#encodeOrders();
    const tables = statics.length + locations.length + clusters.length + orders.length;
    const memory = new SharedArrayBuffer(wholePages(octets + HEADER_OCTETS + tables));
    this.#prepare(memory);
    const arena = new Arena(memory, this.#control);
    const tableAt = arena.allocate(slots * 8) / 4;
    arena.words[Header.seed] = seed;
    arena.words[Header.table] = tableAt;
    arena.words[Header.tableMask] = slots - 1;
    arena.words[Header.ttlMax] = TTL_UNLIMITED;
    for (const [word, blob] of [
      [Header.statics, statics],
      [Header.locations, locations],
      [Header.clusters, clusters],
      [Header.orders, orders],
    ] as const) {
      const at = arena.allocate(blob.length);
      arena.octets.set(blob, at);
      arena.words[word] = at / 8;
    }
    this.#memory = memory;
    this.#seed = seed;
    this.#tableAt = tableAt;
    this.#mask = slots - 1;
    this.#entries = 0;
    this.#filled = 0;
    this.#locationsOctets = locations.length;
    this.#clustersOctets = clusters.length;
    this.#ordersOctets = orders.length;
    return arena;
  }

  #announce(): void {
    if (this.#isFilling) return;
    this.#generation = Atomics.add(this.#controlWords, Control.generation, 1) + 1;
    this.#onReplace(this.memory);
  }
}

/** Sizes in whole pages, so that arenas can be viewed as words; all tables fit with room for their rounding. */
function wholePages(octets: number): number {
  return (Math.floor(octets / PAGE_OCTETS) + 1) * PAGE_OCTETS;
}

function sameKey(octets: Uint8Array, at: number, key: Buffer): boolean {
  if (octets[at + Blob.keyOctets] !== key.length) return false;
  for (let i = 0; i < key.length; i++) if (octets[at + Blob.key + i] !== key[i]) return false;
  return true;
}

/** The length of a published blob, from what it says of itself. */
function blobOctets(arena: Arena, at: number): number {
  return arena.words[(at + Blob.octets) / 4]!;
}

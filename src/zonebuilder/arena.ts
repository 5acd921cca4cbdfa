/**
 * Memory management of the arena: hands out pieces for blobs and takes retired ones back once no reader can still
 * be looking at them. Knows nothing of what blobs contain.
 *
 * Reclamation is by epochs. A reader writes the current epoch into its word before it reads and 0 when it is done.
 * The writer unlinks a blob, raises the epoch and remembers the blob with that number; it is free again when every
 * word is 0 or has reached it. All these accesses are sequentially consistent, so a reader that the writer sees as
 * idle can only find links that were stored before.
 */
import { Control, HEADER_OCTETS, READERS_MAX } from './layout.ts';

/** Pieces are multiples of this many octets, so that the blob sizes of one Service fall into few classes. */
const GRAIN = 16;

/** Retired pieces that are let pile up before the readers' words are looked through. */
const RECLAIM_AT = 32;

/** Epochs are odd, so that none is ever 0, the mark of an idle reader, also after 2^32 wraps. */
const EPOCH_STEP = 2;

/** Hands out pieces of one arena. Single writer. */
export class Arena {
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly #control: Int32Array;
  /** Free pieces by size in grains; each list is a stack of positions. */
  readonly #free = new Map<number, number[]>();
  readonly #retired = new RetiredQueue();
  #top = HEADER_OCTETS;
  #used = HEADER_OCTETS;

  constructor(memory: SharedArrayBuffer, control: SharedArrayBuffer) {
    this.octets = new Uint8Array(memory);
    this.words = new Int32Array(memory);
    this.#control = new Int32Array(control);
    Atomics.compareExchange(this.#control, Control.epoch, 0, 1);
  }

  get capacity(): number {
    return this.octets.length;
  }

  /** Octets that are handed out, retired ones included. */
  get used(): number {
    return this.#used;
  }

  /** Octets that are handed out and not retired: what a copy of the content needs. */
  get live(): number {
    return this.#used - this.#retired.grains * GRAIN;
  }

  /** Retired pieces that a reader may still be looking at. */
  get retired(): number {
    return this.#retired.length;
  }

  /**
   * Hands out at least `size` octets, not cleared.
   *
   * @returns the position in octets, or 0 when there is no room
   */
  allocate(size: number): number {
    const grains = Math.ceil(size / GRAIN);
    if (this.#retired.length >= RECLAIM_AT) this.#reclaim();
    const position = this.#free.get(grains)?.pop() ?? this.#extend(grains * GRAIN);
    if (position !== 0) this.#used += grains * GRAIN;
    return position;
  }

  /** Gives back a piece that was just unlinked; readers may still be looking at it. */
  retire(position: number, size: number): void {
    const epoch = (Atomics.add(this.#control, Control.epoch, EPOCH_STEP) + EPOCH_STEP) | 0;
    this.#retired.push(position, Math.ceil(size / GRAIN), epoch);
  }

  #extend(size: number): number {
    if (this.#top + size > this.octets.length) return 0;
    const position = this.#top;
    this.#top += size;
    return position;
  }

  #reclaim(): void {
    const oldest = oldestReader(this.#control);
    for (let next = this.#retired.first(); next !== undefined; next = this.#retired.first()) {
      // Epochs wrap; the signed difference stays right as long as fewer than 2^31 lie between.
      if (oldest !== 0 && ((oldest - next.epoch) | 0) < 0) return;
      this.#retired.shift();
      this.#used -= next.grains * GRAIN;
      const list = this.#free.get(next.grains);
      if (list === undefined) this.#free.set(next.grains, [next.position]);
      else list.push(next.position);
    }
  }
}

/** Lets go of whatever a reader held, for a worker that ended without doing so. */
export function releaseReader(control: SharedArrayBuffer, reader: number): void {
  Atomics.store(new Int32Array(control), Control.readers + reader, 0);
}

/** The smallest epoch that any reader works in, 0 when all are idle. */
function oldestReader(control: Int32Array): number {
  let oldest = 0;
  for (let i = Control.readers; i < Control.readers + READERS_MAX; i++) {
    const epoch = Atomics.load(control, i);
    if (epoch !== 0 && (oldest === 0 || ((epoch - oldest) | 0) < 0)) oldest = epoch;
  }
  return oldest;
}

interface Retired {
  readonly position: number;
  readonly grains: number;
  readonly epoch: number;
}

/** First in, first out; its length is bounded by what the arena holds. */
class RetiredQueue {
  #items: Retired[] = [];
  #head = 0;
  /** Grains of all pieces in the queue. */
  grains = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(position: number, grains: number, epoch: number): void {
    this.#items.push({ position, grains, epoch });
    this.grains += grains;
  }

  first(): Retired | undefined {
    return this.#items[this.#head];
  }

  shift(): void {
    this.grains -= this.first()!.grains;
    this.#head++;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

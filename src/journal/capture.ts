/**
 * Keeps what the zone builder publishes until it is handed over: two copies of some hundred octets and a reference for each
 * change, so that a publication takes hardly longer. What it means is worked out in another thread (scribe.ts).
 *
 * What waits is bounded. Beyond, changes are counted and not kept, and the journal gets an entry that says how many.
 */
import type { Clock } from '../log.ts';
import type { LocationName } from '../zonebuilder/locations.ts';
import type { ChangeRecorder, NumberedCluster, NumberedPlace, Publication } from '../zonebuilder/recorder.ts';
import type { StaticSet } from '../zonebuilder/static-set.ts';
import { type Batch, type Chunk, type Item, PAIR_OCTETS, type TableStart } from './batch.ts';
import type { JournalEvent } from './entry.ts';
import { Numbers } from './numbers.ts';

/** Octets of a chunk: some hundred changes, what comes within one interval at 1,000 changes a second. */
const CHUNK_OCTETS = 256 * 1024;
/**
 * Octets that may wait, those that are being written included: every Service of a large federation changes at once when its
 * state is restored, 50,000 with 13 clusters in 40 MB. The memory is there for as long as it is used.
 */
export const WAITING_OCTETS_MAX = 64 * 1024 * 1024;
/** What an item takes beside its octets, about. */
const ITEM_OCTETS = 200;

export interface CaptureOptions {
  readonly clock: Clock;
  /** Called when something waits that did not before. */
  readonly onWaiting: () => void;
  /** Default: {@link WAITING_OCTETS_MAX}. */
  readonly waitingOctetsMax?: number;
}

/** What is known of one domain's numbers, to be told again to a reader that starts anew. */
class Table {
  readonly number: number;
  readonly start: TableStart;
  readonly places = new Map<number, string>();
  readonly names = new Map<string, number>();
  clusters: readonly NumberedCluster[] = [];
  readPlaces: Parameters<ChangeRecorder['places']>[0] | undefined;
  readClusters: Parameters<ChangeRecorder['clusters']>[0] | undefined;

  constructor(number: number, start: TableStart) {
    this.number = number;
    this.start = start;
  }
}

/** The recorder of one domain. */
export interface DomainRecorder extends ChangeRecorder {
  /** By which octets of this domain are read. */
  readonly table: number;
  /** Nothing is recorded while the domain is not the one that is served. Default: false. */
  isMuted: boolean;
}

export class Capture {
  readonly #options: CaptureOptions;
  readonly #max: number;
  readonly #tables = new Map<number, Table>();
  #nextTable = 0;
  #items: Item[] = [];
  #chunks: Chunk[] = [];
  #chunk = Buffer.alloc(0);
  #used = 0;
  /** Pairs since the last publication. */
  #records = 0;
  /** Octets that wait here, and octets that were handed over and are not written yet. */
  #waiting = 0;
  #away = 0;
  #isPaused = false;
  #lost = 0;
  #lostAll = 0;
  #lostSinceMs = 0;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#max = options.waitingOctetsMax ?? WAITING_OCTETS_MAX;
  }

  /** Changes and events that were not kept, in all. */
  get lost(): number {
    return this.#lostAll;
  }

  /** Octets that wait or are being written. */
  get waitingOctets(): number {
    return this.#waiting + this.#away;
  }

  /** Nobody wants to know: nothing is kept, and none of it counts as lost. To be called before anything is captured. */
  pause(): void {
    this.#isPaused = true;
  }

  /** From now on all is kept; {@link preamble} says what numbers mean by now. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const table of this.#tables.values()) this.#settle(table);
    // All of it is in the preamble.
    this.#items = [];
    this.#waiting = 0;
  }

  /** A recorder for a domain; {@link close} ends it. */
  open(start: TableStart): DomainRecorder {
    const table = new Table(this.#nextTable++, start);
    this.#tables.set(table.number, table);
    this.#put({ kind: 'table', table: table.number, ...start });
    const recorder: DomainRecorder = {
      table: table.number,
      isMuted: false,
      service: (before, after) => {
        if (!recorder.isMuted && !this.#isPaused) this.#pair(table, before, after);
      },
      places: (read) => (table.readPlaces = read),
      clusters: (read) => (table.readClusters = read),
      statics: (before, after) => this.#statics(table, before, after),
      discard: () => this.#discard(),
      publish: (publication) => this.#publish(table, publication, recorder.isMuted),
    };
    return recorder;
  }

  /** What the numbers of a domain mean at the moment. */
  numbersOf({ table }: DomainRecorder): Numbers {
    const known = this.#tables.get(table)!;
    this.#settle(known);
    const { start, places, names, clusters } = known;
    const numbers = new Numbers(start);
    numbers.adoptPlaces({ places: placesIn(places), added: [...names], removed: [] });
    numbers.adoptClusters({ clusters });
    return numbers;
  }

  close({ table }: DomainRecorder): void {
    this.#tables.delete(table);
  }

  /** Something happened, now. */
  note(event: JournalEvent): void {
    if (this.#isPaused) return;
    if (this.#isFull()) this.#lose(1);
    else this.#put({ kind: 'event', timeMs: this.#options.clock(), event });
  }

  /**
   * A domain takes the place of another: for each Service the octets that were answered from, and those from now on.
   *
   * @param pairs - of every Service that the one or the other has
   */
  exchange(
    from: DomainRecorder,
    to: DomainRecorder,
    pairs: Iterable<readonly [before: Uint8Array | undefined, after: Uint8Array | undefined]>,
    publication: Publication,
  ): void {
    const table = this.#tables.get(to.table)!;
    to.isMuted = false;
    from.isMuted = true;
    if (this.#isPaused) return;
    for (const [before, after] of pairs) this.#pair(table, before, after);
    this.#settle(table);
    this.#finish({ ...publication, table: to.table, beforeTable: from.table });
  }

  /** Changes that were handed over are lost: whoever had them is gone. */
  loseAway(count: number, why: string): void {
    this.#away = 0;
    this.#put({ kind: 'lost', timeMs: this.#options.clock(), count, sinceMs: this.#options.clock(), why });
    this.#lostAll += count;
  }

  /** What waits, to be handed over; undefined when nothing does. */
  take(): Batch | undefined {
    this.#tellLost();
    if (this.#items.length === 0) return undefined;
    this.#closeChunk();
    const batch = { items: this.#items, chunks: this.#chunks };
    this.#items = [];
    this.#chunks = [];
    this.#away += this.#waiting;
    this.#waiting = 0;
    return batch;
  }

  /** How much a batch counts, to be given to {@link written} once it has been dealt with. */
  static octetsOf({ items, chunks }: Batch): number {
    return chunks.reduce((sum, { octets }) => sum + octets, items.length * ITEM_OCTETS);
  }

  written(octets: number): void {
    this.#away = Math.max(0, this.#away - octets);
  }

  /** What a reader that starts anew has to know before anything else. */
  preamble(): Item[] {
    return [...this.#tables.values()].flatMap(({ number, start, places, names, clusters }): Item[] => [
      { kind: 'table', table: number, ...start },
      {
        kind: 'places',
        table: number,
        places: placesIn(places),
        added: [...names],
        removed: [],
        isRepeated: true,
      },
      { kind: 'clusters', table: number, clusters },
    ]);
  }

  #pair(table: Table, before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    const beforeOctets = before === undefined ? 0 : before.length;
    const afterOctets = after === undefined ? 0 : after.length;
    const octets = PAIR_OCTETS + beforeOctets + afterOctets;
    if (this.#isFull(octets + ITEM_OCTETS)) return this.#lose(1);
    if (table.readPlaces !== undefined || table.readClusters !== undefined) this.#settle(table);
    if (this.#used + octets > this.#chunk.length) this.#openChunk(octets);
    const chunk = this.#chunk;
    let at = chunk.writeUInt32LE(beforeOctets, this.#used);
    at = chunk.writeUInt32LE(afterOctets, at);
    if (before !== undefined) chunk.set(before, at);
    if (after !== undefined) chunk.set(after, at + beforeOctets);
    this.#used += octets;
    this.#waiting += octets;
    this.#records++;
  }

  #openChunk(octets: number): void {
    this.#closeChunk();
    // Not of the pool: the memory is given away.
    this.#chunk = Buffer.from(new ArrayBuffer(Math.max(CHUNK_OCTETS, octets)));
  }

  #closeChunk(): void {
    if (this.#used > 0) this.#chunks.push({ memory: this.#chunk.buffer as ArrayBuffer, octets: this.#used });
    this.#chunk = Buffer.alloc(0);
    this.#used = 0;
  }

  #publish(table: Table, publication: Publication, isMuted: boolean): void {
    if (isMuted || this.#isPaused) return;
    // Names that are others will be told with what is kept next.
    if (this.#records === 0 && this.#isFull()) return;
    this.#settle(table);
    this.#finish({ ...publication, table: table.number });
  }

  #finish(publication: Publication & { readonly table: number; readonly beforeTable?: number }): void {
    const records = this.#records;
    this.#records = 0;
    this.#put({ kind: 'publication', records, timeMs: this.#options.clock(), ...publication });
  }

  /** The pairs stay where they are and belong to nothing that anybody is told of. */
  #discard(): void {
    if (this.#records === 0) return;
    this.#finish({ serial: 0, cause: NOTHING, cluster: '', table: -1 });
  }

  #statics(table: Table, before: StaticSet, after: StaticSet): void {
    if (this.#isPaused) return;
    if (this.#isFull(before.octets.length + after.octets.length)) return this.#lose(1);
    this.#put({ kind: 'statics', table: table.number, before, after });
  }

  /** Tells what numbers and names are others since they were told last, before octets that use them. */
  #settle(table: Table): void {
    const { readPlaces, readClusters } = table;
    table.readPlaces = undefined;
    table.readClusters = undefined;
    if (readClusters !== undefined) {
      table.clusters = readClusters();
      this.#put({ kind: 'clusters', table: table.number, clusters: table.clusters });
    }
    if (readPlaces === undefined) return;
    const { places, names } = readPlaces();
    const fresh = adoptPlaces(table, places);
    const { added, removed } = adoptNames(table, names);
    if (fresh.length + added.length + removed.length > 0)
      this.#put({ kind: 'places', table: table.number, places: fresh, added, removed });
  }

  #put(item: Item): void {
    if (this.#lost > 0) this.#tellLost();
    if (this.#items.length === 0 && !this.#isPaused) this.#options.onWaiting();
    this.#items.push(item);
    this.#waiting += ITEM_OCTETS;
  }

  #tellLost(): void {
    if (this.#lost === 0) return;
    const count = this.#lost;
    const sinceMs = this.#lostSinceMs;
    this.#lost = 0;
    this.#put({
      kind: 'lost',
      timeMs: this.#options.clock(),
      count,
      sinceMs,
      why: 'too many changes at once',
    });
  }

  #isFull(octets = ITEM_OCTETS): boolean {
    return this.#waiting + this.#away + octets > this.#max;
  }

  #lose(count: number): void {
    if (this.#lost === 0) this.#lostSinceMs = this.#options.clock();
    this.#lost += count;
    this.#lostAll += count;
  }
}

function placesIn(places: ReadonlyMap<number, string>): NumberedPlace[] {
  return [...places].map(([number, place]) => ({ number, place }));
}

const NOTHING = { object: '', timeMs: 0 };

/** @returns those whose number was not known, or was another's */
function adoptPlaces(table: Table, places: readonly NumberedPlace[]): NumberedPlace[] {
  const fresh = places.filter(({ number, place }) => table.places.get(number) !== place);
  for (const { number, place } of fresh) table.places.set(number, place);
  return fresh;
}

function adoptNames(
  table: Table,
  names: readonly LocationName[],
): { added: [string, number][]; removed: string[] } {
  const added: [string, number][] = [];
  const now = new Set<string>();
  for (const { text, location } of names) {
    now.add(text);
    if (table.names.get(text) === location.id) continue;
    added.push([text, location.id]);
    // It leads elsewhere.
    if (table.names.has(text)) now.delete(text);
  }
  const removed = [...table.names.keys()].filter((text) => !now.has(text));
  for (const text of removed) table.names.delete(text);
  for (const [text, number] of added) table.names.set(text, number);
  return { added, removed };
}

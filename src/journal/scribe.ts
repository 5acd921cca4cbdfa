/** Turns what was captured into entries, in the order in which it happened. Pure but for what it remembers of numbers. */
import { keyAt, recordsOf, type StaticRecord, type StaticSet } from '../zonebuilder/static-set.ts';
import { formatRdata, typeText } from '../zonebuilder/rr-types.ts';
import { serviceOf } from '../zonebuilder/service-blob.ts';
import { type Batch, type Chunk, type Item, PAIR_OCTETS } from './batch.ts';
import { viewBlob } from './blob.ts';
import { compare, type Picture } from './compare.ts';
import type { EntryCause, JournalEntry, PlaceName, PlacesEntry, RecordsEntry } from './entry.ts';
import { Numbers } from './numbers.ts';

/** RRsets of the configuration that one change of it writes down; of more, one entry says how many they are. */
export const RRSETS_MAX = 1000;

type Publication = Extract<Item, { kind: 'publication' }>;
/** An entry that has no number yet. */
type Unnumbered<Entry> = Entry extends unknown ? Omit<Entry, 'seq'> : never;

/** What was told before the publication that it belongs to. */
type Pending =
  (Pick<PlacesEntry, 'added' | 'removed'> & { readonly kind: 'places' }) | Extract<Item, { kind: 'statics' }>;

export class Scribe {
  readonly #tables = new Map<number, Numbers>();
  #pending: Pending[] = [];
  #seq: number;

  /** @param lastSeq - number of the last entry that there is */
  constructor(lastSeq: number) {
    this.#seq = lastSeq;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Numbers go on behind this one. */
  continueFrom(lastSeq: number): void {
    this.#seq = Math.max(this.#seq, lastSeq);
  }

  /** The entries that a batch amounts to, one by one. */
  *entriesOf({ items, chunks }: Batch): Generator<JournalEntry> {
    const pairs = pairsOf(chunks);
    for (const item of items)
      for (const entry of this.#entriesOfItem(item, pairs)) yield { seq: ++this.#seq, ...entry };
  }

  *#entriesOfItem(item: Item, pairs: Iterator<Pair>): Generator<Unnumbered<JournalEntry>> {
    switch (item.kind) {
      case 'table':
        this.#tables.set(item.table, new Numbers(item));
        return;
      case 'places':
        this.#adoptPlaces(item);
        return;
      case 'clusters':
        this.#tables.get(item.table)!.adoptClusters(item);
        return;
      case 'statics':
        this.#pending.push(item);
        return;
      case 'event':
        yield { kind: 'event', timeMs: item.timeMs, ...item.event };
        return;
      case 'lost': {
        const { timeMs, count, sinceMs, why } = item;
        yield { kind: 'gap', timeMs, lost: count, sinceMs, why };
        return;
      }
      case 'publication':
        yield* this.#publication(item, pairs);
    }
  }

  #adoptPlaces(item: Extract<Item, { kind: 'places' }>): void {
    const numbers = this.#tables.get(item.table)!;
    const removed = placeNames(item.removed, numbers);
    numbers.adoptPlaces(item);
    const added = placeNames(
      item.added.map(([text]) => text),
      numbers,
    );
    if (item.isRepeated !== true) this.#pending.push({ kind: 'places', added, removed });
  }

  *#publication(item: Publication, pairs: Iterator<Pair>): Generator<Unnumbered<JournalEntry>> {
    const numbers = this.#tables.get(item.table);
    const before = item.beforeTable === undefined ? numbers : this.#tables.get(item.beforeTable);
    if (numbers !== undefined && before !== undefined && before !== numbers)
      this.#exchangeNames(before, numbers);
    if (numbers !== undefined) yield* this.#told(item);
    for (let i = 0; i < item.records; i++) {
      const pair: Pair = pairs.next().value;
      if (numbers === undefined || before === undefined) continue;
      const entry = changeEntry(item, pair, before, numbers);
      if (entry !== undefined) yield entry;
    }
    if (item.beforeTable !== undefined) this.#tables.delete(item.beforeTable);
  }

  /** What came with the publication beside Services. */
  *#told(item: Publication): Generator<Unnumbered<JournalEntry>> {
    const pending = this.#pending;
    this.#pending = [];
    for (const told of pending) {
      if (told.kind === 'statics') yield* recordsEntries(told, item, this.#tables.get(told.table)!.domain);
      else if (told.added.length + told.removed.length > 0) yield { ...headOf(item), ...told };
    }
  }

  /** Another domain has told all of its names: what matters is which of them differ from those before. */
  #exchangeNames(before: Numbers, after: Numbers): void {
    const isSame = (text: string): boolean => before.placeNamed(text) === after.placeNamed(text);
    const differ = (numbers: Numbers): PlaceName[] =>
      placeNames(
        [...numbers.names.keys()].filter((text) => !isSame(text)),
        numbers,
      );
    const others = this.#pending.filter(({ kind }) => kind !== 'places');
    this.#pending = [{ kind: 'places', added: differ(after), removed: differ(before) }, ...others];
  }
}

function placeNames(texts: readonly string[], numbers: Numbers): PlaceName[] {
  return texts.map((name) => ({ name, place: numbers.placeNamed(name) ?? name }));
}

function changeEntry(
  item: Publication,
  { before, after }: Pair,
  numbersBefore: Numbers,
  numbers: Numbers,
): Unnumbered<JournalEntry> | undefined {
  const one: Picture = { view: before && viewBlob(before), numbers: numbersBefore };
  const other: Picture = { view: after && viewBlob(after), numbers };
  const difference = compare(one, other);
  if (difference === undefined) return undefined;
  return { kind: 'change', ...headOf(item), service: serviceOf((after ?? before)!), ...difference };
}

function headOf({ timeMs, serial, cluster, cause }: Publication): {
  timeMs: number;
  serial: number;
  cluster?: string;
  cause: EntryCause;
} {
  const { object, resourceVersion, timeMs: causeMs } = cause;
  const known: EntryCause = {
    object,
    ...(resourceVersion !== undefined && { resourceVersion }),
    timeMs: causeMs,
  };
  return { timeMs, serial, ...(cluster !== '' && { cluster }), cause: known };
}

interface Pair {
  readonly before: Buffer | undefined;
  readonly after: Buffer | undefined;
}

function* pairsOf(chunks: readonly Chunk[]): Generator<Pair, Pair> {
  for (const { memory, octets } of chunks) {
    const chunk = Buffer.from(memory);
    for (let at = 0; at < octets;) {
      const beforeAt = at + PAIR_OCTETS;
      const afterAt = beforeAt + chunk.readUInt32LE(at);
      const end = afterAt + chunk.readUInt32LE(at + 4);
      yield {
        before: afterAt === beforeAt ? undefined : chunk.subarray(beforeAt, afterAt),
        after: end === afterAt ? undefined : chunk.subarray(afterAt, end),
      };
      at = end;
    }
  }
  return { before: undefined, after: undefined };
}

/** The RRsets that differ between two sets of static records. */
function* recordsEntries(
  { before, after }: Extract<Item, { kind: 'statics' }>,
  item: Publication,
  domain: string,
): Generator<Unnumbered<JournalEntry>> {
  const { timeMs, serial, cause } = headOf(item);
  let rrsets = 0;
  for (const [was, is] of entriesPaired(before, after)) {
    for (const change of rrsetChanges(recordsAt(before, was, domain), recordsAt(after, is, domain))) {
      if (rrsets++ < RRSETS_MAX) yield { kind: 'records', timeMs, serial, cause, ...change };
    }
  }
  if (rrsets > RRSETS_MAX)
    yield {
      kind: 'gap',
      timeMs,
      sinceMs: timeMs,
      lost: rrsets - RRSETS_MAX,
      why: 'more records of the configuration changed at once than are written down one by one',
    };
}

/** Names of either set with their entries in both; those whose octets are the same are left out. */
function* entriesPaired(
  before: StaticSet,
  after: StaticSet,
): Generator<readonly [before: number, after: number]> {
  const byKey = new Map<string, number>();
  for (let i = 0; i < before.offsets.length; i++) byKey.set(keyAt(before, i).toString('latin1'), i);
  for (let i = 0; i < after.offsets.length; i++) {
    const key = keyAt(after, i).toString('latin1');
    const was = byKey.get(key) ?? -1;
    byKey.delete(key);
    if (was === -1 || !entryOctets(before, was).equals(entryOctets(after, i))) yield [was, i];
  }
  for (const was of byKey.values()) yield [was, -1];
}

function entryOctets({ octets, offsets }: StaticSet, entry: number): Buffer {
  const start = offsets[entry]!;
  return Buffer.from(octets.buffer, start, (offsets[entry + 1] ?? octets.length) - start);
}

function recordsAt(set: StaticSet, entry: number, domain: string): StaticRecord[] {
  return entry === -1 ? [] : recordsOf(set, entry, domain);
}

function rrsetChanges(
  before: readonly StaticRecord[],
  after: readonly StaticRecord[],
): Pick<RecordsEntry, 'name' | 'type' | 'before' | 'after'>[] {
  const name = (after[0] ?? before[0])?.name;
  if (name === undefined) return [];
  const types = new Set([...before, ...after].map(({ type }) => type));
  return [...types].flatMap((type) => {
    const [was, is] = [before, after].map((records) => dataOf(records, type)) as [string[], string[]];
    return was.join('\n') === is.join('\n') ? [] : [{ name, type: typeText(type), before: was, after: is }];
  });
}

/** With its TTL in front, which is part of what is answered. */
function dataOf(records: readonly StaticRecord[], type: number): string[] {
  const own = records.filter((record) => record.type === type);
  return own.map(({ ttlSeconds, rdata }) => `${ttlSeconds} ${formatRdata(type, rdata)}`);
}

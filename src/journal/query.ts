/** Reads entries out of a journal's segments, step by step: each step costs about as much as one piece of a segment. */
import type { EventName, JournalEntry } from './entry.ts';
import { parseEntry } from './parse-entry.ts';
import { LINE_FEED, listSegments, mayHold, readSegment, type Segment } from './segments.ts';

/** Which entries are wanted. */
export interface JournalFilter {
  /** Milliseconds since the epoch, both inclusive. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** `S.N.F`: only what concerns this Service. */
  readonly service?: string;
  /** A name with records of the configuration, without trailing dot. */
  readonly name?: string;
  readonly cluster?: string;
  /** Only the newest so many. */
  readonly last?: number;
  /** With what must be known beside: starts and stops of fedns, and places. */
  readonly withContext?: true;
  /** Only entries with a larger number. */
  readonly afterSeq?: number;
}

/** Octets that are looked at in one step: about a millisecond. */
const PIECE_OCTETS = 256 * 1024;
/** Most entries of {@link JournalFilter.last}: they are held together. */
export const LAST_MAX = 10_000;

/** Whether an entry is wanted, of those whose number and time fit. */
export function isWanted(entry: JournalEntry, filter: JournalFilter): boolean {
  const { sinceMs = -Infinity, untilMs = Infinity, afterSeq = 0, cluster } = filter;
  if (entry.seq <= afterSeq || entry.timeMs < sinceMs || entry.timeMs > untilMs) return false;
  // Whoever looks for anything has to know that something is missing.
  if (entry.kind === 'gap' || (filter.withContext === true && isContext(entry))) return true;
  return isOfName(entry, filter) && (cluster === undefined || isOfCluster(entry, cluster));
}

function isContext(entry: JournalEntry): boolean {
  return entry.kind === 'places' || (entry.kind === 'event' && CONTEXT_EVENTS.has(entry.what));
}

const CONTEXT_EVENTS: ReadonlySet<EventName> = new Set(['started', 'stopped']);
const CONTEXT_NEEDLES = ['"kind":"places"', ...[...CONTEXT_EVENTS].map((what) => `"what":"${what}"`)];

function isOfName(entry: JournalEntry, { service, name }: JournalFilter): boolean {
  if (service === undefined && name === undefined) return true;
  switch (entry.kind) {
    case 'change':
      return entry.service === service;
    case 'records':
      return entry.name === name;
    case 'event':
      return entry.subject === `service ${service}`;
    default:
      return false;
  }
}

function isOfCluster(entry: JournalEntry, cluster: string): boolean {
  switch (entry.kind) {
    case 'change':
      return entry.cluster === cluster || entry.levels.some(({ place }) => place === `cluster ${cluster}`);
    case 'places':
      return entry.cluster === cluster;
    case 'event':
      return entry.subject === `cluster ${cluster}`;
    default:
      return false;
  }
}

/**
 * The wanted entries of a folder, the oldest first; undefined where a step found nothing. Files that come or go meanwhile
 * are no error.
 */
export function* readJournal(directory: string, filter: JournalFilter): Generator<JournalEntry | undefined> {
  const { sinceMs = -Infinity, untilMs = Infinity, afterSeq = 0 } = filter;
  const segments = listSegments(directory);
  const wanted = segments.filter(
    (segment, i) =>
      mayHold(segment, sinceMs, untilMs) && (segments[i + 1]?.firstSeq ?? Infinity) > afterSeq + 1,
  );
  if (filter.last === undefined) yield* inOrder(wanted, filter);
  else yield* newest(wanted, filter, Math.min(filter.last, LAST_MAX));
}

/** When the journal in a folder begins, in milliseconds since the epoch; undefined: it has no entry. */
export function journalBegin(directory: string): number | undefined {
  for (const segment of listSegments(directory)) {
    const octets = readSegment(segment);
    const first = parseEntry(octets.toString('utf8', 0, octets.indexOf(LINE_FEED)));
    if (first !== undefined) return first.timeMs;
  }
  return undefined;
}

function* inOrder(segments: readonly Segment[], filter: JournalFilter): Generator<JournalEntry | undefined> {
  for (const segment of segments) yield* ofSegment(segment, filter);
}

/** From the newest segment back, until there are enough. */
function* newest(
  segments: readonly Segment[],
  filter: JournalFilter,
  last: number,
): Generator<JournalEntry | undefined> {
  let found: JournalEntry[] = [];
  for (const segment of segments.toReversed()) {
    const own: JournalEntry[] = [];
    for (const entry of ofSegment(segment, filter)) {
      yield undefined;
      if (entry !== undefined) own.push(entry);
      if (own.length > last) own.shift();
    }
    found = [...own, ...found].slice(-last);
    if (found.length >= last) break;
  }
  yield* found;
}

function* ofSegment(segment: Segment, filter: JournalFilter): Generator<JournalEntry | undefined> {
  const octets = readSegment(segment);
  yield undefined;
  const needles = needlesOf(filter);
  for (let at = 0; at < octets.length;) {
    const end = octets.indexOf(LINE_FEED, Math.min(at + PIECE_OCTETS, octets.length) - 1) + 1;
    const piece = octets.subarray(at, end);
    at = end;
    if (mayMatch(piece, needles)) yield* ofPiece(piece, needles, filter);
    yield undefined;
  }
}

function* ofPiece(piece: Buffer, needles: readonly string[], filter: JournalFilter): Generator<JournalEntry> {
  for (const line of piece.toString('utf8').split('\n')) {
    if (line === '' || (needles.length > 0 && !needles.some((needle) => line.includes(needle)))) continue;
    const entry = parseEntry(line);
    if (entry !== undefined && isWanted(entry, filter)) yield entry;
  }
}

/** What a line must hold to be wanted: looking for it is far cheaper than understanding every line. */
function needlesOf({ service, name, cluster, withContext }: JournalFilter): string[] {
  const texts = [service, service && `service ${service}`, name].flatMap((text) => text ?? []);
  if (texts.length === 0 && cluster !== undefined) texts.push(cluster, `cluster ${cluster}`);
  if (texts.length === 0) return [];
  const context = withContext === true ? CONTEXT_NEEDLES : [];
  return [...texts.map((text) => JSON.stringify(text)), '"kind":"gap"', ...context];
}

function mayMatch(piece: Buffer, needles: readonly string[]): boolean {
  return needles.length === 0 || needles.some((needle) => piece.includes(needle));
}

/**
 * What one Service was answered with at a time, worked out from the entries of the journal in their order. What no entry
 * tells is not guessed: it is known from the last change before, from what the first change after says was there, or, where
 * nothing has changed since, from the present.
 */
import type { Answer, ChangeEntry, JournalEntry, PlacesEntry } from './entry.ts';

/** What is answered now; for what has not changed since. */
export interface Present {
  answerAt(place: string): Answer;
  /** The place that a location name leads to; undefined: none. */
  placeNamed(text: string): string | undefined;
  /** Which shards the global name answers with, in words; '' where the Service is not known. */
  policy(): string;
  /** Whether levels without addresses have those of the level above; false where the Service is not known. */
  isFlat(): boolean;
}

/** What a place was answered with, and by which entries that is known. */
export interface Found {
  /** Absent: the journal does not tell. */
  readonly answer?: Answer;
  /** The change that brought it; absent: it came before what the journal tells, or with the start of fedns. */
  readonly since?: ChangeEntry;
  /** The change that ended it; absent: nothing has, or it is not known. */
  readonly until?: ChangeEntry;
}

/** Where a location name led. */
export type NamedPlace =
  | { readonly kind: 'place'; readonly place: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

const NO_PLACE: NamedPlace = { kind: 'none' };

function named(place: string | undefined): NamedPlace {
  return place === undefined ? NO_PLACE : { kind: 'place', place };
}

/** Entries around one moment. To be told every entry of a Service, of places, of gaps, and of starts and stops. */
export class Past {
  readonly #timeMs: number;
  /** By place; undefined: it changed, and the entry does not tell all of it. */
  readonly #answers = new Map<string, Answer | undefined>();
  readonly #since = new Map<string, ChangeEntry>();
  readonly #next = new Map<string, ChangeEntry>();
  /** By name; undefined: it was not there. */
  readonly #names = new Map<string, string | undefined>();
  /** Which shards the global name answered with; undefined: not told. */
  #policy: string | undefined;
  #nextPolicy: string | undefined;
  /** Whether levels without addresses had those of the level above; undefined: not told. */
  #isFlat: boolean | undefined;
  #isNextFlat: boolean | undefined;
  /** What names led to before they changed for the first time after the moment. */
  readonly #nextNames = new Map<string, string | undefined>();
  /** Whether all since the start of that run is known. */
  #isWhole = false;
  #isPassed = false;
  #isStopped = false;
  /** After the moment came a gap, or another run: what follows says nothing of it. */
  #isCut = false;
  /** The Service left after the moment: what that change does not name had no addresses, and what comes later is another one. */
  #isGoneLater = false;
  #startedMs: number | undefined;

  constructor(timeMs: number) {
    this.#timeMs = timeMs;
  }

  /** When the run began that the moment lies in, as far as the journal tells. */
  get startedMs(): number | undefined {
    return this.#startedMs;
  }

  /** Whether fedns had stopped, and was not started again yet. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  add(entry: JournalEntry): void {
    // Clocks step: what has come after the moment stays after it.
    this.#isPassed ||= entry.timeMs > this.#timeMs;
    if (this.#isPassed) this.#addLater(entry);
    else this.#addEarlier(entry);
  }

  /** What a place was answered with. */
  at(place: string, present: Present): Found {
    const since = this.#since.get(place);
    const until = this.#next.get(place);
    const told = this.#answerAt(place, present);
    const answer = told?.kind === 'alias' ? this.#aliasAt(place, present) : told;
    return { ...(answer && { answer }), ...(since && { since }), ...(until && { until }) };
  }

  /** What a location name led to. */
  placeNamed(text: string, present: Present): NamedPlace {
    if (text === '') return { kind: 'place', place: '' };
    if (this.#names.has(text)) return named(this.#names.get(text));
    if (this.#isWhole) return NO_PLACE;
    if (this.#nextNames.has(text)) return named(this.#nextNames.get(text));
    return this.#isCut ? { kind: 'unknown' } : named(present.placeNamed(text));
  }

  /** Which shards the global name answered with, in words. @returns undefined where the journal does not tell */
  policy(present: Present): string | undefined {
    if (this.#policy !== undefined) return this.#policy;
    // Of a Service that comes or goes, the policy of most is not told.
    if (this.#isWhole) return 'all';
    if (this.#nextPolicy !== undefined) return this.#nextPolicy;
    if (this.#isGoneLater) return 'all';
    return this.#isCut ? undefined : present.policy();
  }

  /** Whether levels without addresses had those of the level above in place of an alias. */
  isFlat(present: Present): boolean {
    return this.#isFlat ?? this.#isNextFlat ?? present.isFlat();
  }

  /** Where an alias leads follows from the names of that moment, which change without a change of the Service. */
  #aliasAt(place: string, present: Present): Answer | undefined {
    const dot = place.indexOf('.');
    if (dot === -1) return { kind: 'alias', to: '' };
    const region = place.slice(dot + 1);
    const found = this.placeNamed(region, present);
    if (found.kind === 'unknown') return undefined;
    return { kind: 'alias', to: found.kind === 'place' && found.place === region ? region : '' };
  }

  #answerAt(place: string, present: Present): Answer | undefined {
    const global = this.#own('', present);
    // A Service that is not known has no name anywhere.
    if (place === '' || global?.kind === 'absent') return global;
    return this.#own(place, present);
  }

  /** What is told of this very place. */
  #own(place: string, present: Present): Answer | undefined {
    if (this.#answers.has(place)) return this.#answers.get(place);
    if (this.#isWhole) return place === '' ? { kind: 'absent' } : withoutAddresses(place);
    const next = this.#next.get(place);
    if (next !== undefined) return wholeOf(levelOf(next, place).before);
    if (this.#isGoneLater) return withoutAddresses(place);
    return this.#isCut ? undefined : present.answerAt(place);
  }

  #addEarlier(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'change':
        return this.#apply(entry);
      case 'places':
        for (const { name } of entry.removed) this.#names.set(name, undefined);
        for (const { name, place } of entry.added) this.#names.set(name, place);
        return;
      case 'gap':
        return this.#forget(false);
      case 'event':
        if (entry.what === 'stopped') this.#isStopped = true;
        if (entry.what !== 'started') return;
        this.#startedMs = entry.timeMs;
        this.#isStopped = false;
        return this.#forget(true);
      default:
    }
  }

  #addLater(entry: JournalEntry): void {
    if (this.#isCut) return;
    if (entry.kind === 'gap' || (entry.kind === 'event' && entry.what === 'started')) this.#isCut = true;
    if (entry.kind === 'places') this.#addLaterNames(entry);
    if (entry.kind !== 'change' || this.#isGoneLater) return;
    this.#isGoneLater = entry.levels.some(({ place, after }) => place === '' && after.kind === 'absent');
    this.#nextPolicy ??= entry.policy?.before;
    this.#isNextFlat ??= entry.flat === true;
    for (const { place } of entry.levels) if (!this.#next.has(place)) this.#next.set(place, entry);
  }

  #addLaterNames({ added, removed }: PlacesEntry): void {
    for (const { name, place } of removed) if (!this.#nextNames.has(name)) this.#nextNames.set(name, place);
    for (const { name } of added) if (!this.#nextNames.has(name)) this.#nextNames.set(name, undefined);
  }

  #apply(entry: ChangeEntry): void {
    for (const { place, before, after } of entry.levels) {
      this.#answers.set(place, applied(this.#answers.get(place), before, after));
      this.#since.set(place, entry);
    }
    this.#policy = entry.policy?.after ?? this.#policy;
    this.#isFlat = entry.flat === true;
    if (this.#answers.get('')?.kind !== 'absent') return;
    this.#answers.clear();
    this.#answers.set('', { kind: 'absent' });
  }

  /** @param isWhole - a run starts, with nothing; otherwise something is missing, and anything may have changed */
  #forget(isWhole: boolean): void {
    this.#answers.clear();
    this.#since.clear();
    this.#names.clear();
    this.#policy = undefined;
    this.#isFlat = undefined;
    this.#isWhole = isWhole;
  }
}

/** A place of a Service that is known, of which no entry tells. */
function withoutAddresses(place: string): Answer {
  return place.startsWith('cluster ') ? { kind: 'absent' } : { kind: 'alias', to: '' };
}

/** What an entry tells of a place; it must be one that changed with it. */
export function levelOf({ levels }: ChangeEntry, place: string): ChangeEntry['levels'][number] {
  return levels.find((level) => level.place === place)!;
}

function wholeOf(answer: Answer): Answer | undefined {
  return answer.kind === 'addresses' && answer.kept !== undefined ? undefined : answer;
}

/** Also of lists that hold only what differs, where the one before is known. */
function applied(known: Answer | undefined, before: Answer, after: Answer): Answer | undefined {
  if (after.kind !== 'addresses' || after.kept === undefined) return after;
  if (known?.kind !== 'addresses' || before.kind !== 'addresses') return undefined;
  const { kept: _kept, ...rest } = after;
  const gone = new Set([...before.a, ...before.aaaa]);
  return {
    ...rest,
    a: [...known.a.filter((address) => !gone.has(address)), ...after.a],
    aaaa: [...known.aaaa.filter((address) => !gone.has(address)), ...after.aaaa],
  };
}

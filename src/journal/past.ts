/**
 * What one Service was answered with at a time, worked out from the entries of the journal in their order. What no entry
 * tells is not guessed: it is known from the last change before, from what the first change after says was there, or, where
 * nothing has changed since, from the present.
 */
import type { Answer, ChangeEntry, JournalEntry } from './entry.ts';

/** What is answered now; for what has not changed since. */
export interface Present {
  answerAt(place: string): Answer;
  /** The place that a location name leads to; undefined: none. */
  placeNamed(text: string): string | undefined;
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

/** Entries around one moment. To be told every entry of a Service, of places, of gaps, and of starts and stops. */
export class Past {
  readonly #timeMs: number;
  /** By place; undefined: it changed, and the entry does not tell all of it. */
  readonly #answers = new Map<string, Answer | undefined>();
  readonly #since = new Map<string, ChangeEntry>();
  readonly #next = new Map<string, ChangeEntry>();
  readonly #names = new Map<string, string>();
  /** Whether all since the start of that run is known. */
  #isWhole = false;
  #isPassed = false;
  #isStopped = false;
  /** After the moment came a gap, or another run: what follows says nothing of it. */
  #isCut = false;
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
    const answer = this.#answerAt(place, present);
    return { ...(answer && { answer }), ...(since && { since }), ...(until && { until }) };
  }

  /** The place that a location name led to; undefined: none, as far as that is known. */
  placeNamed(text: string, present: Present): string | undefined {
    if (text === '') return '';
    return this.#names.get(text) ?? (this.#isWhole ? undefined : present.placeNamed(text));
  }

  /** The level that a place aliased to. */
  above(place: string, present: Present): string {
    const dot = place.indexOf('.');
    const region = dot === -1 ? '' : place.slice(dot + 1);
    return region !== '' && this.placeNamed(region, present) === region ? region : '';
  }

  #answerAt(place: string, present: Present): Answer | undefined {
    if (this.#answers.has(place)) return this.#answers.get(place);
    const global = this.#answers.get('');
    if (global?.kind === 'absent' || (this.#isWhole && global === undefined)) return { kind: 'absent' };
    if (this.#isWhole)
      return place.startsWith('cluster ')
        ? { kind: 'absent' }
        : { kind: 'alias', to: this.above(place, present) };
    const next = this.#next.get(place);
    if (next !== undefined) return wholeOf(levelOf(next, place).before);
    return this.#isCut ? undefined : present.answerAt(place);
  }

  #addEarlier(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'change':
        return this.#apply(entry);
      case 'places':
        for (const name of entry.removed) this.#names.delete(name);
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
    if (entry.kind !== 'change') return;
    for (const { place } of entry.levels) if (!this.#next.has(place)) this.#next.set(place, entry);
  }

  #apply(entry: ChangeEntry): void {
    for (const { place, before, after } of entry.levels) {
      this.#answers.set(place, applied(this.#answers.get(place), before, after));
      this.#since.set(place, entry);
    }
    if (this.#answers.get('')?.kind !== 'absent') return;
    this.#answers.clear();
    this.#answers.set('', { kind: 'absent' });
  }

  /** @param isWhole - a run starts, with nothing; otherwise something is missing, and anything may have changed */
  #forget(isWhole: boolean): void {
    this.#answers.clear();
    this.#since.clear();
    this.#names.clear();
    this.#isWhole = isWhole;
  }
}

function levelOf({ levels }: ChangeEntry, place: string): ChangeEntry['levels'][number] {
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

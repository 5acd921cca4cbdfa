/** What the names of Services are answered with by the entries of a journal alone, told from its begin. */
import type { Answer, ChangeEntry, JournalEntry } from '../../src/journal/entry.ts';

/** The state that entries amount to. */
export interface Replayed {
  /** By Service, then place. A place that is not there aliases to the level above. */
  readonly services: Map<string, Map<string, Answer>>;
  /** Location names, and the place of each. */
  readonly names: Map<string, string>;
  /** Entries that say that something else was there before than the entries before them. */
  readonly contradictions: string[];
}

export function replay(entries: Iterable<JournalEntry>): Replayed {
  const state: Replayed = { services: new Map(), names: new Map(), contradictions: [] };
  for (const entry of entries) {
    if (entry.kind === 'change') applyChange(state, entry);
    if (entry.kind !== 'places') continue;
    for (const { name } of entry.removed) state.names.delete(name);
    for (const { name, place } of entry.added) state.names.set(name, place);
  }
  return state;
}

function applyChange({ services, contradictions }: Replayed, entry: ChangeEntry): void {
  const { service, levels, seq } = entry;
  const known = services.get(service);
  const places = known ?? new Map<string, Answer>();
  services.set(service, places);
  for (const { place, before, after } of levels) {
    const was = places.get(place);
    if (!isAs(before, was, known !== undefined)) contradictions.push(`${seq} ${service} ${place}`);
    places.set(place, applied(was, before, after));
  }
  if (places.get('')?.kind === 'absent') services.delete(service);
}

/** Whether what an entry says was before is what was told; of what was never told, an alias or nothing. */
function isAs(before: Answer, told: Answer | undefined, isKnown: boolean): boolean {
  if (told === undefined) return before.kind === (isKnown ? 'alias' : 'absent') || before.kind === 'absent';
  // What an alias leads to follows from the names of places.
  if (before.kind !== 'addresses' || told.kind !== 'addresses') return before.kind === told.kind;
  if (before.ttlSeconds !== told.ttlSeconds) return false;
  const all = [...told.a, ...told.aaaa];
  const own = [...before.a, ...before.aaaa];
  return own.length + (before.kept ?? 0) === all.length && own.every((address) => all.includes(address));
}

/** Also of lists that hold the difference only. */
function applied(known: Answer | undefined, before: Answer, after: Answer): Answer {
  if (after.kind !== 'addresses' || after.kept === undefined) return after;
  if (known?.kind !== 'addresses' || before.kind !== 'addresses')
    throw new Error('a difference without a base');
  const { kept: _kept, ...rest } = after;
  return {
    ...rest,
    a: [...known.a.filter((address) => !before.a.includes(address)), ...after.a],
    aaaa: [...known.aaaa.filter((address) => !before.aaaa.includes(address)), ...after.aaaa],
  };
}

/** A reply to a question about `SERVICE.svc[.location]`, in the form of `served`. */
export function replyBy(state: Replayed, service: string, location: string, type: 'A' | 'AAAA'): string {
  const places = state.services.get(service);
  const place = location === '' ? '' : state.names.get(location);
  if (places === undefined || place === undefined) return 'NXDOMAIN';
  const chain: string[] = [];
  for (let at = place; ;) {
    const answer = places.get(at);
    if (answer?.kind === 'addresses') {
      const addresses = (type === 'A' ? answer.a : answer.aaaa).map((text) => `${text}/${answer.ttlSeconds}`);
      return ['NOERROR', ...chain, ...addresses.toSorted()].join(' ');
    }
    if (at === '') return [answer?.kind === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR', ...chain].join(' ');
    at = aboveOf(state, at);
    chain.push(`>${at}`);
  }
}

function aboveOf({ names }: Replayed, place: string): string {
  const dot = place.indexOf('.');
  const region = dot === -1 ? '' : place.slice(dot + 1);
  return names.get(region) === region ? region : '';
}

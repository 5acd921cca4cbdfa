/** What an entry of the journal says, in few words: what it is about, what became of it, and why. */

import type { Answer, JournalEntry, LevelChange } from '../../journal/entry.ts';
import { countOf } from './format.ts';

/** An entry as it is shown. */
export interface ChangeText {
  /** `S.N.F`, or what else it is about. */
  readonly subject: string;
  /** Whether the subject is a Service. */
  readonly isService: boolean;
  /** A line for each place, the widest first. */
  readonly lines: readonly { readonly place: string; readonly text: string }[];
  /** Places that are not among the lines. */
  readonly more: number;
  /** The object, cluster or person that it comes from. */
  readonly cause: string;
}

/** Places of one change that are told. */
const LINES_MAX = 3;
/** Addresses of one side that are told. */
const ADDRESSES_MAX = 2;

export function textOf(entry: JournalEntry): ChangeText {
  switch (entry.kind) {
    case 'change':
      return {
        subject: entry.service,
        isService: true,
        ...linesOf(entry.levels),
        cause: [entry.cluster, entry.cause.object].filter((part) => part !== undefined).join(' · '),
      };
    case 'places':
      return plain(
        'names of places',
        `${countOf(entry.added.length, 'name')} more, ${entry.removed.length} less`,
        entry.cause.object,
      );
    case 'records':
      return plain(
        `${entry.name} ${entry.type}`,
        `${listOf(entry.before)} → ${listOf(entry.after)}`,
        entry.cause.object,
      );
    case 'event':
      return plain(
        wordsOf(entry.what),
        [entry.subject, entry.why, entry.text].filter(Boolean).join(' · '),
        entry.by ?? '',
      );
    case 'gap':
      return plain('gap', `${entry.lost} entries are missing: ${entry.why}`, '');
    default:
      // Of a later version.
      return plain('', '', '');
  }
}

function plain(subject: string, text: string, cause: string): ChangeText {
  return { subject, isService: false, lines: [{ place: '', text }], more: 0, cause };
}

/** `drainSet` is `drain set`. */
function wordsOf(event: string): string {
  return event.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Names of single clusters tell nothing that their places do not. */
function linesOf(levels: readonly LevelChange[]): Pick<ChangeText, 'lines' | 'more'> {
  const places = levels.filter(({ place }) => !place.startsWith('cluster '));
  const shown = places.length > 0 ? places : levels;
  const lines = shown.slice(0, LINES_MAX).map(({ place, before, after }) => ({
    place: place === '' ? 'global' : (place.split('.')[0] ?? place),
    text: turnText(before, after),
  }));
  return { lines, more: shown.length - lines.length };
}

/** What goes and comes where both are addresses, else what it was and is. */
function turnText(before: Answer, after: Answer): string {
  if (before.kind !== 'addresses' || after.kind !== 'addresses')
    return `${answerText(before)} → ${answerText(after)}`;
  const [was, is] = [allOf(before), allOf(after)];
  const gone = was.filter((address) => !is.includes(address)).map((address) => `−${address}`);
  const come = is.filter((address) => !was.includes(address)).map((address) => `+${address}`);
  const ttl =
    before.ttlSeconds === after.ttlSeconds ? [] : [`TTL ${before.ttlSeconds} → ${after.ttlSeconds} s`];
  return [listOf([...gone, ...come]), ...ttl].filter((part) => part !== '').join(', ');
}

function allOf({ a, aaaa }: Answer & { readonly kind: 'addresses' }): readonly string[] {
  return [...a, ...aaaa];
}

function answerText(answer: Answer): string {
  switch (answer.kind) {
    case 'addresses':
      return listOf(allOf(answer));
    case 'alias':
      return `as ${answer.to === '' ? 'global' : answer.to.split('.')[0]}`;
    case 'nodata':
      return 'no address';
    case 'nxdomain':
      return 'NXDOMAIN';
    case 'absent':
      return 'unknown';
  }
}

function listOf(texts: readonly string[]): string {
  const more = texts.length - ADDRESSES_MAX;
  const shown = texts.slice(0, ADDRESSES_MAX).join(' ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

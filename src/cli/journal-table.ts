/** Owns how the journal looks as a table for people: a line for each name that is answered otherwise. */

import {
  type Answer,
  type ChangeEntry,
  type EventEntry,
  EVENTS,
  type JournalEntry,
  type LevelChange,
} from '../journal/entry.ts';

export const JOURNAL_HEAD = ['TIME', 'CLUSTER', 'CAUSE', 'NAME', 'PLACE', 'CHANGE'] as const;
type Row = readonly [
  time: string,
  cluster: string,
  cause: string,
  name: string,
  place: string,
  change: string,
];

/** Addresses of a list that are written out. */
const ADDRESSES_SHOWN = 4;
/** Services of one publication that are shown; of a cluster that is withdrawn a few say what ten thousand would. */
const SERVICES_SHOWN = 20;

/** Makes rows of entries, in their order. */
export class JournalRows {
  #serial = -1;
  #services = 0;
  #last: ChangeEntry | undefined;

  rowsOf(entries: readonly JournalEntry[]): Row[] {
    return entries.flatMap((entry) => {
      const isMore = entry.kind === 'change' && entry.serial === this.#serial;
      return [...(isMore ? [] : this.end()), ...this.#rowsOfEntry(entry)];
    });
  }

  /** What is still to be said of the last publication. */
  end(): Row[] {
    const [hidden, last] = [this.#services - SERVICES_SHOWN, this.#last];
    this.#services = 0;
    this.#serial = -1;
    if (hidden <= 0 || last === undefined) return [];
    const more = hidden === 1 ? '1 more Service' : `${hidden} more Services`;
    return [[timeText(last.timeMs), last.cluster ?? '', causeText(last), more, '', 'as json all are there']];
  }

  #rowsOfEntry(entry: JournalEntry): Row[] {
    switch (entry.kind) {
      case 'change':
        this.#serial = entry.serial;
        this.#last = entry;
        return ++this.#services > SERVICES_SHOWN ? [] : changeRows(entry);
      case 'places': {
        const added = entry.added.map(({ name }) => `+${name}`);
        const removed = entry.removed.map(({ name }) => `-${name}`);
        const change = shortList([...removed, ...added]);
        return [
          [timeText(entry.timeMs), entry.cluster ?? '', causeText(entry), 'names of places', '', change],
        ];
      }
      case 'records': {
        const { name, type, before, after } = entry;
        const change = `${shortList(before) || 'nothing'} → ${shortList(after) || 'nothing'}`;
        return [[timeText(entry.timeMs), '', causeText(entry), name, type, change]];
      }
      case 'event':
        return [eventRow(entry)];
      case 'gap': {
        const change = `${entry.lost} entries are missing since ${timeText(entry.sinceMs)}: ${entry.why}`;
        return [[timeText(entry.timeMs), '', 'gap', '', '', change]];
      }
      default:
        // Of a later version.
        return [];
    }
  }
}

/** `2026-11-28 02:41:07.120Z` */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ');
}

function causeText({ cause }: { readonly cause: ChangeEntry['cause'] }): string {
  const { object, resourceVersion } = cause;
  return resourceVersion === undefined ? object : `${object} @${resourceVersion}`;
}

function changeRows(entry: ChangeEntry): Row[] {
  const { levels, policy, ports } = entry;
  const places = levels.filter(({ place }) => !place.startsWith('cluster '));
  const shown = places.length > 0 ? places : levels;
  const cells = [
    ...shown.map((level) => [level.place || 'global', levelText(level)] as const),
    ...(policy ? [['policy', `${policy.before || 'none'} → ${policy.after || 'none'}`] as const] : []),
    ...(ports ? [['SRV', difference(ports.before, ports.after)] as const] : []),
  ];
  const head = [timeText(entry.timeMs), entry.cluster ?? '', causeText(entry), entry.service] as const;
  return cells.map(([place, change], i): Row =>
    i === 0 ? [...head, place, change] : ['', '', '', '', place, change],
  );
}

function eventRow({ timeMs, what, subject = '', by, why, untilMs, text }: EventEntry): Row {
  const parts = [
    by && `by ${by}`,
    why,
    untilMs === undefined ? undefined : `until ${timeText(untilMs)}`,
    text,
  ].filter((part) => part !== undefined && part !== '');
  return [timeText(timeMs), '', EVENTS[what] ?? what, subject, '', parts.join('; ')];
}

function levelText({ before, after }: LevelChange): string {
  if (before.kind !== 'addresses' || after.kind !== 'addresses')
    return `${answerText(before)} → ${answerText(after)}`;
  const [was, is] = [listOf(before), listOf(after)];
  const ttl = before.ttlSeconds === after.ttlSeconds ? '' : `TTL ${before.ttlSeconds} → ${after.ttlSeconds}`;
  return [difference(was, is, after.kept), ttl].filter((part) => part !== '').join(', ');
}

function listOf({ a, aaaa }: Answer & { kind: 'addresses' }): string[] {
  return [...a, ...aaaa];
}

/** What goes, what comes, and how many stay. */
function difference(before: readonly string[], after: readonly string[], kept = 0): string {
  const gone = before.filter((text) => !after.includes(text)).map((text) => `-${text}`);
  const come = after.filter((text) => !before.includes(text)).map((text) => `+${text}`);
  const stay = kept + before.length - gone.length;
  if (gone.length + come.length === 0) return '';
  return `${shortList([...gone, ...come])}${stay > 0 ? ` (${stay} stay)` : ''}`;
}

function answerText(answer: Answer): string {
  switch (answer.kind) {
    case 'addresses':
      return shortList(listOf(answer));
    case 'alias':
      return `as ${answer.to || 'global'}`;
    case 'nodata':
      return 'no address';
    case 'nxdomain':
      return 'NXDOMAIN';
    case 'absent':
      return 'unknown';
  }
}

function shortList(texts: readonly string[]): string {
  if (texts.length <= ADDRESSES_SHOWN + 1) return texts.join(' ');
  return `${texts.slice(0, ADDRESSES_SHOWN).join(' ')} and ${texts.length - ADDRESSES_SHOWN} more`;
}

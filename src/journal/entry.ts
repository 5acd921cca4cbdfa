/**
 * What the journal holds: entries, one JSON document a line, in the order in which they took effect. How they come to be is
 * capture.ts and decode.ts, where they lie segments.ts. Readers pass over kinds and keys that they do not know.
 */

/** What a name is answered with for A and AAAA. */
export type Answer =
  | {
      readonly kind: 'addresses';
      readonly ttlSeconds: number;
      /** IPv4 addresses, then IPv6 addresses; the one family may be empty. */
      readonly a: readonly string[];
      readonly aaaa: readonly string[];
      /**
       * The lists hold only what differs between before and after; so many addresses more are the same in both. Absent: the
       * lists are whole. Either way, what was before without its addresses and with those of after is what was after.
       */
      readonly kept?: number;
    }
  /** No healthy shard here: a CNAME to the level above, `''` for the global one. */
  | { readonly kind: 'alias'; readonly to: string }
  /** Nothing is healthy, and the name is there all the same (`whenNoneHealthy`). */
  | { readonly kind: 'nodata' }
  /** Nothing is healthy, so that the name is not there. */
  | { readonly kind: 'nxdomain' }
  /** No such Service, place or cluster was known. */
  | { readonly kind: 'absent' };

/** One name of a Service before and after a change. */
export interface LevelChange {
  /** `''` for the global name, `region`, `zone.region`, or `cluster NAME`. */
  readonly place: string;
  readonly before: Answer;
  readonly after: Answer;
}

/** Something that was one text and is another; `''` for nothing. */
export interface TextChange {
  readonly before: string;
  readonly after: string;
}

/** What led to a change, as watchers report it. */
export interface EntryCause {
  /** For example `EndpointSlice mynamespace/nginx-1`, `cluster gce-1 withdrawn`, `snapshot`, `configuration`. */
  readonly object: string;
  readonly resourceVersion?: string;
  /** When fedns learned of it, in milliseconds since the epoch. */
  readonly timeMs: number;
}

/** What every entry has. */
interface EntryBase {
  /** Grows by one from entry to entry, over restarts too. */
  readonly seq: number;
  /** When it took effect, in milliseconds since the epoch, by fedns' own clock. */
  readonly timeMs: number;
}

/** The answers about one Service changed. */
export interface ChangeEntry extends EntryBase {
  readonly kind: 'change';
  /** SOA serial of the publication; one may have changed many Services. */
  readonly serial: number;
  /** `S.N.F`. */
  readonly service: string;
  /** Whose fact it was; absent where it was that of several, or of none. */
  readonly cluster?: string;
  readonly cause: EntryCause;
  /** The names whose answers differ: global, then regions, zones, clusters. */
  readonly levels: readonly LevelChange[];
  /** Which shards the global name answers with, and how many addresses a reply holds at most, where that changed. */
  readonly policy?: TextChange;
  /** Levels without addresses have those of the level above in place of an alias (`flatten`). Absent: they are aliases. */
  readonly flat?: true;
  /** SRV: each port, with its targets where these differ from level to level; where that changed. */
  readonly ports?: { readonly before: readonly string[]; readonly after: readonly string[] };
}

/** A location name, `us-a` or `us-a.us`, and the place that it leads to, `us-a.us`. */
export interface PlaceName {
  readonly name: string;
  readonly place: string;
}

/** Places came or went, and with them names of every Service. */
export interface PlacesEntry extends EntryBase {
  readonly kind: 'places';
  readonly serial: number;
  readonly cluster?: string;
  readonly cause: EntryCause;
  /** Names with the place that they lead to from now on, and names with that which they have led to: one that changes is in both. */
  readonly added: readonly PlaceName[];
  readonly removed: readonly PlaceName[];
}

/** A static RRset changed with the configuration. */
export interface RecordsEntry extends EntryBase {
  readonly kind: 'records';
  readonly serial: number;
  readonly cause: EntryCause;
  /** Absolute, without trailing dot. */
  readonly name: string;
  readonly type: string;
  /** TTL in seconds and RDATA in presentation form, `300 192.0.2.1`; empty: there is no such RRset. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** What can happen that is no change of an answer by itself, and what people call it. A part that has more to tell adds a row. */
export const EVENTS = {
  started: 'fedns started',
  stopped: 'fedns stopped',
  reloaded: 'another configuration is in force',
  clientTables: 'where clients are is told by other tables',
  drainSet: 'a drain was set',
  drainEnded: 'a drain was ended',
  drainExpired: 'a drain has expired',
  guardHeld: 'the guard holds changes back',
  guardReleased: 'the guard let go of changes',
  drillBegun: 'a drill began',
  drillEnded: 'a drill ended',
  planStep: 'a step of a plan',
  planEnded: 'a plan ended',
  steered: 'every replica serves what was ordered',
  settled: 'the last answer from before has run out of its TTL',
} as const;
export type EventName = keyof typeof EVENTS;

/** Something that happened, as parts tell it to the journal. */
export interface JournalEvent {
  readonly what: EventName;
  /** What it is about: `cluster gce-1`, `zone us-a.us`, `service S.N.F`, the name of a plan or drill. */
  readonly subject?: string;
  /** Who wanted it: `admin token`, `drill NAME`, `plan NAME`, `ConfigMap namespace/name`. */
  readonly by?: string;
  /** The reason that was given, or the rule. */
  readonly why?: string;
  /** Until when it holds, in milliseconds since the epoch. */
  readonly untilMs?: number;
  /** What else there is to say, in one line. */
  readonly text?: string;
}

export interface EventEntry extends EntryBase, JournalEvent {
  readonly kind: 'event';
}

/** Entries are missing here. */
export interface GapEntry extends EntryBase {
  readonly kind: 'gap';
  /** How many changes and events are not in the journal. */
  readonly lost: number;
  /** Since when, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly why: string;
}

export type JournalEntry = ChangeEntry | PlacesEntry | RecordsEntry | EventEntry | GapEntry;

/** What parts see of the journal. No call waits or throws; what cannot be kept is counted, and the journal says so. */
export interface Journal {
  /** Writes down that something happened, now. */
  note(event: JournalEvent): void;
  /**
   * Hears of every entry from now on, about a tenth of a second after it took effect, in order.
   *
   * @returns ends it
   */
  subscribe(onEntries: (entries: readonly JournalEntry[]) => void): () => void;
}

/** Keeps nothing: for tests, and for whoever wants no journal. */
export const NO_JOURNAL: Journal = { note: () => {}, subscribe: () => () => {} };

/**
 * What goes from the thread that publishes to the one that writes: items in the order in which they happened, and beside
 * them the octets of blobs before and after, which are handed over and not copied.
 */
import type { Cause } from '../zonebuilder/facts.ts';
import type { NumberedCluster, NumberedPlace } from '../zonebuilder/recorder.ts';
import type { StaticSet } from '../zonebuilder/static-set.ts';
import type { JournalEvent } from './entry.ts';

/** What is to be known of a served domain to read its blobs. A reload may bring another beside the first. */
export interface TableStart {
  readonly domain: string;
  /** The global name of a Service without a healthy shard is not there (`whenNoneHealthy: nxdomain`). */
  readonly isAbsentWithout: boolean;
}

/** Names of locations, each with the number of the place that it leads to. */
export type LocationTexts = readonly (readonly [text: string, number: number])[];

/** One step of what happened. `table` says by whose numbers octets are to be read. */
export type Item =
  | ({ readonly kind: 'table'; readonly table: number } & TableStart)
  /** Places whose numbers are new, and names that came or went. */
  | {
      readonly kind: 'places';
      readonly table: number;
      readonly places: readonly NumberedPlace[];
      readonly added: LocationTexts;
      readonly removed: readonly string[];
      /** Names are only told again, to a reader that starts anew. */
      readonly isRepeated?: true;
    }
  | { readonly kind: 'clusters'; readonly table: number; readonly clusters: readonly NumberedCluster[] }
  | {
      readonly kind: 'statics';
      readonly table: number;
      readonly before: StaticSet;
      readonly after: StaticSet;
    }
  /** `records` pairs of blobs of the octets are in the answers. */
  | {
      readonly kind: 'publication';
      readonly table: number;
      /** By whose numbers the blobs before are to be read, where another domain stood there. */
      readonly beforeTable?: number;
      readonly records: number;
      readonly serial: number;
      readonly timeMs: number;
      readonly cause: Cause;
      readonly cluster: string;
    }
  | { readonly kind: 'event'; readonly timeMs: number; readonly event: JournalEvent }
  | {
      readonly kind: 'lost';
      readonly timeMs: number;
      readonly count: number;
      readonly sinceMs: number;
      readonly why: string;
    };

/** What is handed over at once. */
export interface Batch {
  readonly items: readonly Item[];
  /** Pairs of blobs, one behind the other, as {@link PAIR_OCTETS} says; a pair is in one chunk. */
  readonly chunks: readonly Chunk[];
}

export interface Chunk {
  readonly memory: ArrayBuffer;
  /** In use from the start. */
  readonly octets: number;
}

/** A pair of blobs: uint32 octets of the one before, uint32 octets of the one after, 0 for none; then both. */
export const PAIR_OCTETS = 8;

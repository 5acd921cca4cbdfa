/**
 * What the zone builder tells of every change that it publishes: octets and numbers as they are, so that it costs next to
 * nothing. Whoever keeps them works out later, elsewhere, what they mean (layout.ts).
 */
import type { Cause } from './facts.ts';
import type { LocationName } from './locations.ts';
import type { StaticSet } from './static-set.ts';

/** A location by its number. */
export interface NumberedPlace {
  readonly number: number;
  /** `region`, or `zone.region`. */
  readonly place: string;
}

/** A cluster by its number, which no other ever gets. */
export interface NumberedCluster {
  readonly number: number;
  readonly name: string;
  /** Whether it has a name of its own below its Services. */
  readonly isNamed: boolean;
}

/** A change as a whole. */
export interface Publication {
  readonly serial: number;
  readonly cause: Cause;
  /** Whose fact it was; '' for several or none. */
  readonly cluster: string;
}

/** Hears of changes while they are made. No call may throw. */
export interface ChangeRecorder {
  /**
   * A Service's blob stands in the place of another. Both are lent: whoever wants them copies them before returning.
   *
   * @param before - absent: the Service was not known
   * @param after - absent: it is not known any more
   */
  service(before: Uint8Array | undefined, after: Uint8Array | undefined): void;
  /** Places or their names are others; asked for only when they are needed, at the latest with the publication. */
  places(read: () => { places: readonly NumberedPlace[]; names: readonly LocationName[] }): void;
  /** Clusters joined or left. */
  clusters(read: () => readonly NumberedCluster[]): void;
  /** Static records are others. Both sets stay as they are. */
  statics(before: StaticSet, after: StaticSet): void;
  /** What was told of Services since the last publication is not in the answers after all. */
  discard(): void;
  /** All that was told since the last publication is in the answers now. */
  publish(publication: Publication): void;
}

/** A place of a Service as people look at it; how it is found out is service-places.ts. */

/**
 * Who answers for a place.
 * - `itself`: it has addresses;
 * - `above`: its name leads to others, by aliases or with their addresses (`flatten`), and the last of the chain has them;
 * - `static`: a record of the configuration, or another server, has the name;
 * - `awaited`: SERVFAIL, a cluster that may have a healthy shard was not read yet;
 * - `nobody`: no shard counts at or above it.
 */
export type PlaceAnswer = 'itself' | 'above' | 'static' | 'awaited' | 'nobody';

/** One place of a Service. */
export interface ServicePlace {
  /** `region` or `zone.region`; '' for the global level. */
  readonly place: string;
  readonly kind: 'global' | 'region' | 'zone';
  /** Its name without trailing dot; for a zone the long one. */
  readonly name: string;
  readonly answer: PlaceAnswer;
  /** Places that the name leads through, the one that answers last; empty where it answers itself. */
  readonly chain: readonly string[];
  /** What a client gets in the end, both families, in the order of the image. */
  readonly addresses: readonly string[];
  /** Of the first record of the answer. */
  readonly ttlSeconds: number;
}

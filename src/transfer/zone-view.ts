/**
 * One state of the served zone, as the transfer thread has it: the blobs of all Services, static records, places and clusters. Records are
 * listed of it by the same code that lists those of the zone builder (src/zonebuilder/records.ts).
 */
import type { ServiceView, WhenNoneHealthy } from '../zonebuilder/builder.ts';
import { clusterLabel, type NamedCluster } from '../zonebuilder/cluster-table.ts';
import type { LocationName } from '../zonebuilder/locations.ts';
import type { RecordSource } from '../zonebuilder/records.ts';
import type { NumberedCluster } from '../zonebuilder/recorder.ts';
import { StaticIndex, type StaticSet } from '../zonebuilder/static-set.ts';
import { viewOf } from './blob-view.ts';

/** What the zone is besides its records. */
export interface ZoneStart {
  readonly domain: string;
  readonly whenNoneHealthy: WhenNoneHealthy;
  readonly primary: string;
  readonly hostmaster: string;
  /** Of the SOA. */
  readonly ttlSeconds: number;
  /** The SOA's MINIMUM. */
  readonly nodataTtlSeconds: number;
}

/** All that a state is made of; none of it changes. */
export interface ZoneParts {
  readonly start: ZoneStart;
  readonly names: readonly LocationName[];
  readonly clusters: readonly NumberedCluster[];
  readonly statics: StaticSet;
}

/** Blobs by `S.N.F`. */
export type Blobs = ReadonlyMap<string, Buffer>;

export class ZoneView implements RecordSource {
  readonly parts: ZoneParts;
  readonly #blobs: Blobs;
  /** Blobs that stand in the place of others; undefined: the Service is not there. */
  readonly #instead: ReadonlyMap<string, Buffer | undefined>;
  #index: StaticIndex | undefined;
  #named: NamedCluster[] | undefined;

  /** @param instead - where this state differs from the blobs, so that one from before needs no copy of them */
  constructor(parts: ZoneParts, blobs: Blobs, instead: ReadonlyMap<string, Buffer | undefined> = NOTHING) {
    this.parts = parts;
    this.#blobs = blobs;
    this.#instead = instead;
  }

  get domain(): string {
    return this.parts.start.domain;
  }

  get whenNoneHealthy(): WhenNoneHealthy {
    return this.parts.start.whenNoneHealthy;
  }

  get statics(): StaticSet {
    return this.parts.statics;
  }

  get staticIndex(): StaticIndex {
    return (this.#index ??= new StaticIndex(this.statics, this.domain));
  }

  hasStatics(name: string): boolean {
    return this.statics.offsets.length > 0 && this.staticIndex.at(name).length > 0;
  }

  locationNames(): LocationName[] {
    return this.parts.names as LocationName[];
  }

  /** Of two clusters with one label the first has it, as in the image. A zone with clusters unread is not transferred. */
  namedClusters(): NamedCluster[] {
    this.#named ??= this.parts.clusters.flatMap(({ name, number, isNamed }) => {
      const label = clusterLabel(name);
      return isNamed && label !== undefined ? [{ label, number, unread: false }] : [];
    });
    return this.#named;
  }

  *serviceNames(): Generator<string> {
    for (const name of this.#blobs.keys()) if (!this.#instead.has(name)) yield name;
    for (const [name, blob] of this.#instead) if (blob !== undefined) yield name;
  }

  blob(name: string): Buffer | undefined {
    return this.#instead.has(name) ? this.#instead.get(name) : this.#blobs.get(name);
  }

  view(name: string): ServiceView | undefined {
    const blob = this.blob(name);
    return blob && viewOf(blob);
  }
}

const NOTHING: ReadonlyMap<string, Buffer | undefined> = new Map();

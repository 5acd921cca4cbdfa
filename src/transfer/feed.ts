/**
 * Keeps what the zone builder publishes until it is handed to the transfer thread: of each Service only the newest blob, so that what waits
 * is never more than the zone.
 */
import type { ChangeRecorder, NumberedCluster, NumberedPlace } from '../zonebuilder/recorder.ts';
import type { LocationName } from '../zonebuilder/locations.ts';
import type { StaticSet } from '../zonebuilder/static-set.ts';
import { Blob } from '../zonebuilder/layout.ts';
import { decodeLabels } from '../zonebuilder/names.ts';
import type { ZoneUpdate } from './protocol.ts';
import type { ZoneStart } from './zone-view.ts';

type ReadPlaces = () => { places: readonly NumberedPlace[]; names: readonly LocationName[] };

export interface FeedOptions {
  readonly start: ZoneStart;
  readonly statics: StaticSet;
  /** Something waits that did not before. */
  readonly onWaiting: () => void;
}

/** What one domain has published. */
export class ZoneFeed implements ChangeRecorder {
  readonly #options: FeedOptions;
  /** Since the last publication, and what publications have confirmed. By the key of the blob. */
  #fresh = new Map<string, Buffer | undefined>();
  #waiting = new Map<string, Buffer | undefined>();
  #readPlaces: ReadPlaces | undefined;
  #readClusters: (() => readonly NumberedCluster[]) | undefined;
  #statics: StaticSet;
  #areStaticsNew = false;
  #names: readonly LocationName[] = [];
  #clusters: readonly NumberedCluster[] = [];
  #serial = 0;
  #hasNews = false;
  /** Nobody is there to be told; all of it is told when somebody is. */
  isOn = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#statics = options.statics;
  }

  service(before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    if (!this.isOn) return;
    const blob = (after ?? before)!;
    const key = Buffer.from(blob.buffer, blob.byteOffset + Blob.key, blob[Blob.keyOctets]!).toString(
      'latin1',
    );
    this.#fresh.set(key, after && Buffer.from(after));
  }

  places(read: ReadPlaces): void {
    this.#readPlaces = read;
  }

  clusters(read: () => readonly NumberedCluster[]): void {
    this.#readClusters = read;
  }

  statics(_before: StaticSet, after: StaticSet): void {
    this.#statics = after;
    this.#areStaticsNew = true;
  }

  discard(): void {
    this.#fresh.clear();
  }

  publish({ serial }: { readonly serial: number }): void {
    this.#serial = serial;
    if (!this.isOn) return;
    for (const [key, blob] of this.#fresh) this.#waiting.set(key, blob);
    this.#fresh.clear();
    if (!this.#hasNews) this.#options.onWaiting();
    this.#hasNews = true;
  }

  /** All that is published, for a thread that knows nothing; from now on what changes is kept. */
  everything(services: Iterable<readonly [name: string, blob: Uint8Array]>, serial: number): ZoneUpdate {
    this.isOn = true;
    this.#fresh.clear();
    this.#waiting.clear();
    this.#hasNews = false;
    this.#areStaticsNew = false;
    this.#settle();
    return {
      serial,
      start: this.#options.start,
      ...pack(services),
      names: this.#names,
      clusters: this.#clusters,
      statics: this.#statics,
    };
  }

  /** What was published since; undefined: nothing. */
  take(): ZoneUpdate | undefined {
    if (!this.#hasNews) return undefined;
    this.#hasNews = false;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    const { names, clusters } = this.#settle();
    const statics = this.#areStaticsNew ? this.#statics : undefined;
    this.#areStaticsNew = false;
    return {
      serial: this.#serial,
      ...pack(named(waiting)),
      ...(names && { names }),
      ...(clusters && { clusters }),
      ...(statics && { statics }),
    };
  }

  /** Reads places and clusters, where they may be others. @returns what is other indeed */
  #settle(): { names?: readonly LocationName[]; clusters?: readonly NumberedCluster[] } {
    const names = this.#readPlaces?.().names;
    const clusters = this.#readClusters?.();
    this.#readPlaces = undefined;
    this.#readClusters = undefined;
    const hasNames = names !== undefined && !isSame(names, this.#names);
    const hasClusters = clusters !== undefined && !isSame(clusters, this.#clusters);
    if (hasNames) this.#names = names;
    if (hasClusters) this.#clusters = clusters;
    return { ...(hasNames && { names }), ...(hasClusters && { clusters }) };
  }
}

/** Lists of some dozen entries of plain data, in an order that is always the same. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function* named(
  blobs: ReadonlyMap<string, Buffer | undefined>,
): Generator<readonly [string, Uint8Array | undefined]> {
  for (const [key, blob] of blobs) yield [decodeLabels(Buffer.from(key, 'latin1')), blob];
}

function pack(
  services: Iterable<readonly [name: string, blob: Uint8Array | undefined]>,
): Pick<ZoneUpdate, 'services' | 'blobs'> {
  const lengths: [string, number][] = [];
  const writer = { octets: Buffer.from(new ArrayBuffer(65_536)), at: 0 };
  for (const [name, blob] of services) {
    lengths.push([name, blob?.length ?? 0]);
    if (blob !== undefined) append(writer, blob);
  }
  return { services: lengths, blobs: new Uint8Array(writer.octets.buffer as ArrayBuffer, 0, writer.at) };
}

/** Blobs are lent for the moment: each is copied once, into memory that is given away as a whole. */
function append(writer: { octets: Buffer; at: number }, blob: Uint8Array): void {
  if (writer.at + blob.length > writer.octets.length) {
    const grown = Buffer.from(new ArrayBuffer(Math.max(writer.octets.length * 2, writer.at + blob.length)));
    writer.octets.copy(grown, 0, 0, writer.at);
    writer.octets = grown;
  }
  writer.octets.set(blob, writer.at);
  writer.at += blob.length;
}

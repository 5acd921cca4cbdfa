/**
 * A reader's view of the answer image: finds blobs, locations and static names by octets that lie in some buffer.
 * Reads shared memory only; the layout is zonebuilder's. Everything here is on the query path: no allocation, and
 * every loop is bounded by a table that the writer never fills.
 */
import { hashOctets } from '../../zonebuilder/hash.ts';
import {
  Awaited,
  Blob,
  Clusters,
  Control,
  Extras,
  Header,
  LEVEL_OCTETS,
  Location,
  Locations,
  Orders,
  PORT_HEADER_OCTETS,
  PORT_LEVEL_OCTETS,
  RRSET_HEADER_OCTETS,
  StaticName,
  Statics,
  Target,
  TOMBSTONE,
  TTL_UNLIMITED,
  TTL_OCTETS,
  WEIGHT_OCTETS,
} from '../../zonebuilder/layout.ts';
import { sameOctets } from '../../zonebuilder/octets.ts';
import type { ImageHandle } from '../responder.ts';

/** Levels up to which a scan beats halving. */
const SCAN_LEVELS_MAX = 16;

/** One arena, seen by one reader. */
export class ImageView {
  readonly octets: Uint8Array;
  /** The same octets, for reading several at a time. */
  readonly data: DataView;
  readonly staticDepths: number;
  readonly cutDepths: number;
  readonly hasWildcards: boolean;
  /**
   * What clusters have not told yet, bits of Awaited. Looked at before anything is looked up: what the last of them brings
   * is published before it counts as heard.
   */
  awaited = 0;
  /** Longest TTL in seconds of what is answered for Services. */
  #ttlMax = TTL_UNLIMITED;
  readonly #words: Int32Array;
  readonly #shorts: Uint16Array;
  readonly #control: Int32Array;
  readonly #reader: number;
  readonly #generation: number;
  readonly #seed: number;
  readonly #tableAt: number;
  readonly #tableMask: number;
  readonly #staticsAt: number;

  constructor(image: ImageHandle, reader: number) {
    this.octets = new Uint8Array(image.arena);
    this.data = new DataView(image.arena);
    this.#words = new Int32Array(image.arena);
    this.#shorts = new Uint16Array(image.arena);
    this.#control = new Int32Array(image.control);
    this.#reader = Control.readers + reader;
    this.#generation = image.generation;
    this.#seed = this.#words[Header.seed]!;
    this.#tableAt = this.#words[Header.table]!;
    this.#tableMask = this.#words[Header.tableMask]!;
    this.#staticsAt = this.#words[Header.statics]! * 8;
    this.staticDepths = this.#words[(this.#staticsAt + Statics.depths) / 4]!;
    this.cutDepths = this.#words[(this.#staticsAt + Statics.cutDepths) / 4]!;
    this.hasWildcards = this.#words[(this.#staticsAt + Statics.wildcards) / 4] !== 0;
  }

  /** Pins the state that is published now: nothing this reader finds is reused until {@link leave}. */
  enter(): void {
    Atomics.store(this.#control, this.#reader, Atomics.load(this.#control, Control.epoch));
    // What follows are plain loads: each atomic one is a call of 10 ns, and there are several per query. Nothing but an
    // atomic load keeps them from being moved before the store on ARM. From here on they follow references, which no
    // processor loads through before it has them.
    this.awaited = Atomics.load(this.#words, Header.awaited);
    this.#ttlMax = this.#words[Header.ttlMax]!;
  }

  /** Whether a set of addresses may be incomplete, because a cluster has told nothing yet. */
  get isPending(): boolean {
    return (this.awaited & Awaited.shards) !== 0;
  }

  leave(): void {
    Atomics.store(this.#control, this.#reader, 0);
  }

  /** Whether the image has moved to other memory since this view was made. */
  get isStale(): boolean {
    return Atomics.load(this.#control, Control.generation) !== this.#generation;
  }

  get serial(): number {
    return Atomics.load(this.#words, Header.serial);
  }

  /** The blob of a Service or non-terminal whose key is `key[start..end)`; 0 when there is none. */
  findBlob(key: DataView, start: number, end: number): number {
    const words = this.#words;
    const mask = this.#tableMask;
    const hash = hashOctets(key, start, end, this.#seed);
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const slot = this.#tableAt + i * 2;
      const ref = words[slot + 1]! >>> 0;
      if (ref === 0) return 0;
      if (words[slot] !== hash || ref === TOMBSTONE) continue;
      const at = ref * 8;
      const same = this.octets[at + Blob.keyOctets] === end - start;
      if (same && sameOctets(this.data, at + Blob.key, key, start, end - start)) return at;
    }
  }

  /** The entry of the location whose key is `key[start..end)`; 0 when it is not registered. */
  findLocation(key: DataView, start: number, end: number): number {
    const table = (this.#words[Header.locations]! >>> 0) * 8;
    const mask = this.#words[(table + Locations.mask) / 4]!;
    return this.#findEntry(key, start, end, table, Locations.slots, mask, Location.keyOctets);
  }

  /** The entry of the static name whose key is `key[start..end)`; 0 when there is none. */
  findStatic(key: DataView, start: number, end: number): number {
    const mask = this.#words[(this.#staticsAt + Statics.mask) / 4]!;
    return this.#findEntry(key, start, end, this.#staticsAt, Statics.slots, mask, StaticName.keyOctets);
  }

  /** The kind of a blob, one of {@link BlobKind}. */
  blobKind(blob: number): number {
    return this.octets[blob + Blob.kind]!;
  }

  /** TTL in seconds of a Service's aliases, and of the levels without another. */
  ttlSeconds(blob: number): number {
    const ttlSeconds = this.#words[(blob + Blob.ttl) / 4]! >>> 0;
    return ttlSeconds > this.#ttlMax ? this.#ttlMax : ttlSeconds;
  }

  /** Where the extras of a Service stand; 0 when it has none. */
  extras(blob: number): number {
    const at = this.#words[(blob + Blob.extrasAt) / 4]!;
    return at === 0 ? 0 : blob + at;
  }

  /** TTL in seconds of a level of a Service with extras. */
  levelTtlSeconds(blob: number, extras: number, location: number): number {
    const ttls = this.#shorts[(extras + Extras.ttls) / 2]!;
    for (let i = 0, at = this.#ttlsAt(extras); i < ttls; i++, at += TTL_OCTETS)
      if (this.#shorts[at / 2] === location) return Math.min(this.data.getUint32(at + 2, true), this.#ttlMax);
    return this.ttlSeconds(blob);
  }

  /** Most addresses of one reply of a Service with extras, 0 for all. */
  maxAddresses(extras: number): number {
    return this.#shorts[(extras + Extras.maxAddresses) / 2]!;
  }

  /** Which shards the global name of a Service with extras answers with, of PolicyCode. */
  policy(extras: number): number {
    return this.#shorts[(extras + Extras.policy) / 2]!;
  }

  /** The sum of a Service's weights. */
  weightSum(extras: number): number {
    const weights = this.#shorts[(extras + Extras.weights) / 2]!;
    return weights === 0
      ? 0
      : this.data.getUint32(extras + Extras.entries + weights * WEIGHT_OCTETS - 4, true);
  }

  /** The place that has a unit of weight, counted from 0; numbered as in orderStep. */
  weightedPlace(extras: number, unit: number): number {
    let low = 0;
    let high = this.#shorts[(extras + Extras.weights) / 2]! - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const end = this.data.getUint32(extras + Extras.entries + middle * WEIGHT_OCTETS + 4, true);
      if (unit < end) high = middle;
      else low = middle + 1;
    }
    return this.data.getUint32(extras + Extras.entries + low * WEIGHT_OCTETS, true);
  }

  /** Which of a reader's turns is a weighted Service's, and how far it goes each time. */
  weightTurn(extras: number): number {
    return this.#shorts[(extras + Extras.turn) / 2]!;
  }

  weightStride(extras: number): number {
    return this.data.getUint32(extras + Extras.stride, true);
  }

  #ttlsAt(extras: number): number {
    return extras + Extras.entries + this.#shorts[(extras + Extras.weights) / 2]! * WEIGHT_OCTETS;
  }

  /** How a level is shared out among clusters: the position of its number of runs, 0 when it is one run. */
  findShare(extras: number, location: number, addressOctets: number): number {
    const shorts = this.#shorts;
    const v4 = shorts[(extras + Extras.v4Shares) / 2]!;
    const v6 = shorts[(extras + Extras.v6Shares) / 2]!;
    let at = this.#ttlsAt(extras) + shorts[(extras + Extras.ttls) / 2]! * TTL_OCTETS;
    for (let i = 0; i < v4 + v6; i++) {
      if (i < v4 === (addressOctets === 4) && shorts[at / 2] === location) return at + 2;
      at += 4 + shorts[(at + 2) / 2]! * 2;
    }
    return 0;
  }

  shareRuns(share: number): number {
    return this.#shorts[share / 2]!;
  }

  /** Where a run ends, counted in addresses from the level's first. */
  shareEnd(share: number, run: number): number {
    return run < 0 ? 0 : this.#shorts[share / 2 + 1 + run]!;
  }

  /** The level entry of a location among the IPv4 levels of a Service; 0 when it has no such address. */
  levelV4(blob: number, location: number): number {
    const at = blob + this.octets[blob + Blob.levelsAt]! * 2;
    return this.#findLevel(at, this.#shorts[(blob + Blob.v4Levels) / 2]!, location);
  }

  /** As {@link levelV4}, for IPv6. */
  levelV6(blob: number, location: number): number {
    const count = this.#shorts[(blob + Blob.v6Levels) / 2]!;
    if (count === 0) return 0;
    const skip = this.#shorts[(blob + Blob.v4Levels) / 2]! * LEVEL_OCTETS;
    return this.#findLevel(blob + this.octets[blob + Blob.levelsAt]! * 2 + skip, count, location);
  }

  /** The entry of a cluster's IPv4 addresses, which may be none; 0 when the Service has no shard there. */
  clusterV4(blob: number, cluster: number): number {
    return this.#findLevel(this.#clustersAt(blob), this.#shorts[(blob + Blob.v4Clusters) / 2]!, cluster);
  }

  /** The entry of a cluster's IPv6 addresses; 0 when it has none. */
  clusterV6(blob: number, cluster: number): number {
    const skip = this.#shorts[(blob + Blob.v4Clusters) / 2]! * LEVEL_OCTETS;
    const count = this.#shorts[(blob + Blob.v6Clusters) / 2]!;
    return count === 0 ? 0 : this.#findLevel(this.#clustersAt(blob) + skip, count, cluster);
  }

  #clustersAt(blob: number): number {
    const levels = this.#shorts[(blob + Blob.v4Levels) / 2]! + this.#shorts[(blob + Blob.v6Levels) / 2]!;
    return blob + this.octets[blob + Blob.levelsAt]! * 2 + levels * LEVEL_OCTETS;
  }

  /** Octet position of a level's first address in the arena. */
  levelAddresses(blob: number, level: number, addressOctets: number): number {
    const pool = this.#words[(blob + (addressOctets === 4 ? Blob.v4At : Blob.v6At)) / 4]!;
    return blob + pool + this.#shorts[(level + 2) / 2]! * addressOctets;
  }

  /** Number of addresses of a level. */
  levelCount(level: number): number {
    return this.#shorts[(level + 4) / 2]!;
  }

  /** Whether a cluster that was never read may have any zone of a region. */
  isOpen(entry: number): boolean {
    return this.octets[entry + Location.isOpen] !== 0;
  }

  /** The number of a location, and of the location above it. */
  locationId(entry: number): number {
    return this.#shorts[(entry + Location.id) / 2]!;
  }

  locationParentId(entry: number): number {
    return this.#shorts[(entry + Location.parent) / 2]!;
  }

  /** The entry of the location above a zone. */
  locationParent(entry: number): number {
    return entry - this.#words[(entry + Location.parentBack) / 4]!;
  }

  /**
   * The port of a Service whose `_name._proto` is `key[start..end)`.
   *
   * @returns the position of its entry, 0 when the Service has no such port
   */
  findPort(blob: number, key: DataView, start: number, end: number): number {
    let at = blob + this.#words[(blob + Blob.portsAt) / 4]!;
    for (let left = this.octets[blob + Blob.ports]!; left > 0; left--) {
      const length = this.#shorts[(at + 2) / 2]!;
      if (length === end - start && sameOctets(this.data, at + PORT_HEADER_OCTETS, key, start, length))
        return at;
      at = this.#nextPort(at);
    }
    return 0;
  }

  /** Whether a Service has a port of the protocol whose label is `key[start..end)`. */
  hasProtocol(blob: number, key: DataView, start: number, end: number): boolean {
    let at = blob + this.#words[(blob + Blob.portsAt) / 4]!;
    for (let left = this.octets[blob + Blob.ports]!; left > 0; left--) {
      const length = this.#shorts[(at + 2) / 2]!;
      const name = at + PORT_HEADER_OCTETS;
      const protocol = name + 1 + this.octets[name]!;
      if (
        name + length - protocol === end - start &&
        sameOctets(this.data, protocol, key, start, end - start)
      )
        return true;
      at = this.#nextPort(at);
    }
    return false;
  }

  /** The number of a port, the same at every level with addresses; 0 where {@link findPortLevel} says it. */
  portNumber(port: number): number {
    return this.#shorts[port / 2]!;
  }

  /** The targets of a port at a level; 0 when the level does not have the port. */
  findPortLevel(port: number, location: number): number {
    const first = port + PORT_HEADER_OCTETS + ((this.#shorts[(port + 2) / 2]! + 1) & ~1);
    let at = first + 4;
    for (const end = at + this.data.getUint32(first, true); at < end;) {
      const here = this.#shorts[at / 2]!;
      if (here >= location) return here === location ? at : 0;
      at += PORT_LEVEL_OCTETS + this.data.getUint32(at + 4, true);
    }
    return 0;
  }

  targetCount(portLevel: number): number {
    return this.#shorts[(portLevel + 2) / 2]!;
  }

  nextTarget(target: number): number {
    return target + ((Target.name + this.octets[target + Target.nameOctets]! + 1) & ~1);
  }

  /** A number of a target, by its place in {@link Target}. */
  targetShort(target: number, field: number): number {
    return this.#shorts[(target + field) / 2]!;
  }

  /** The entry of the cluster whose label is `key[start..end)`, in wire form; 0 when there is none. */
  findCluster(key: DataView, start: number, end: number): number {
    const table = (this.#words[Header.clusters]! >>> 0) * 8;
    const mask = this.#words[(table + Clusters.mask) / 4]!;
    return this.#findEntry(key, start, end, table, Clusters.slots, mask, Clusters.keyOctets);
  }

  clusterNumber(entry: number): number {
    return this.#shorts[(entry + Clusters.number) / 2]!;
  }

  /** Whether nothing was ever read of a cluster. */
  isClusterUnread(entry: number): boolean {
    return this.octets[entry + Clusters.isUnread] !== 0;
  }

  /**
   * Where the steps of a row of clients' places stand; 0 where the row says nothing, or is one of other tables.
   *
   * @param version - of the tables that the row was found in
   */
  findOrder(version: number, row: number): number {
    let at = (this.#words[Header.orders]! >>> 0) * 8;
    if (this.#words[(at + Orders.version) / 4]! >>> 0 !== version) {
      const former = this.#words[(at + Orders.former) / 4]!;
      if (former === 0) return 0;
      at += former;
      if (this.#words[(at + Orders.version) / 4]! >>> 0 !== version) return 0;
    }
    if (row >= this.#words[(at + Orders.rows) / 4]!) return 0;
    const list = this.#words[(at + Orders.entries) / 4 + row]!;
    return list === 0 ? 0 : at + list;
  }

  stepCount(order: number): number {
    return this.#words[order / 4]!;
  }

  /** A step: the number of a location, or that of a cluster with {@link Orders.clusterBit}. */
  orderStep(order: number, step: number): number {
    return this.#words[order / 4 + 1 + step]!;
  }

  #nextPort(port: number): number {
    const end = port + PORT_HEADER_OCTETS + ((this.#shorts[(port + 2) / 2]! + 1) & ~1);
    return this.#shorts[port / 2] === 0 ? end + 4 + this.data.getUint32(end, true) : end;
  }

  /** Number of RRsets of a static name; 0 for an empty non-terminal. */
  rrsetCount(entry: number): number {
    return this.#shorts[(entry + StaticName.rrsets) / 2]!;
  }

  /** The RRset of a type at a static name, 0 when it has none. */
  findRrset(entry: number, type: number): number {
    let at = this.firstRrset(entry);
    for (let left = this.rrsetCount(entry); left > 0; left--) {
      if (this.#shorts[at / 2] === type) return at;
      at = this.nextRrset(at);
    }
    return 0;
  }

  firstRrset(entry: number): number {
    return entry + this.#shorts[(entry + StaticName.rrsetsAt) / 2]!;
  }

  /** The RRset behind another at a name, which has one more. */
  nextRrset(rrset: number): number {
    return rrset + ((RRSET_HEADER_OCTETS + this.#words[(rrset + 4) / 4]! + 3) & ~3);
  }

  rrsetType(rrset: number): number {
    return this.#shorts[rrset / 2]!;
  }

  rrsetRecords(rrset: number): number {
    return this.#shorts[(rrset + 2) / 2]!;
  }

  /** Octets of an RRset's records without their owner names. */
  rrsetOctets(rrset: number): number {
    return this.#words[(rrset + 4) / 4]!;
  }

  #findEntry(
    key: DataView,
    start: number,
    end: number,
    table: number,
    slotsAt: number,
    mask: number,
    keyOctetsAt: number,
  ): number {
    const slots = (table + slotsAt) / 4;
    for (let i = hashOctets(key, start, end, this.#seed) & mask; ; i = (i + 1) & mask) {
      const entryAt = this.#words[slots + i]!;
      if (entryAt === 0) return 0;
      const keyAt = table + entryAt + keyOctetsAt;
      if (this.octets[keyAt] === end - start && sameOctets(this.data, keyAt + 1, key, start, end - start))
        return table + entryAt;
    }
  }

  /**
   * Numbers of locations are dense and ascend, so an entry stands at most as far from the start as its location's number
   * says, and for a Service that is nearly everywhere right there.
   */
  #findLevel(levelsAt: number, count: number, location: number): number {
    const shorts = this.#shorts;
    let low = 0;
    let high = location < count ? location + 1 : count;
    while (high - low > SCAN_LEVELS_MAX) {
      const middle = (low + high) >>> 1;
      if (shorts[(levelsAt + middle * LEVEL_OCTETS) / 2]! <= location) low = middle;
      else high = middle;
    }
    for (let i = high - 1; i >= low; i--) {
      const at = levelsAt + i * LEVEL_OCTETS;
      const here = shorts[at / 2]!;
      if (here <= location) return here === location ? at : 0;
    }
    return 0;
  }
}

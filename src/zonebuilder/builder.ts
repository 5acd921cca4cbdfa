/**
 * The zone builder: takes facts in, keeps the topology tree, and publishes every change of an answer to the image.
 * It is the only writer of the image, runs on the control plane's thread and does no I/O.
 *
 * ```
 *  facts ──► KnownServices, LocationRegistry ──► levels (which addresses where) ──► blob ──► ImageWriter
 * ```
 */
import type { Cause, ClusterState, FactSink, ShardId, ShardState } from './facts.ts';
import type { ImageMemory } from './image.ts';
import { ImageFullError, ImageWriter } from './image.ts';
import { Awaited, GLOBAL, TTL_UNLIMITED } from './layout.ts';
import type { LabelConflict, LocationName } from './locations.ts';
import { encodeLocations, LocationRegistry } from './locations.ts';
import type { ChangeRecorder, NumberedCluster } from './recorder.ts';
import { encodeOrders, NO_ORDERS, type RowOrders } from './orders.ts';
import type { Places } from './places.ts';
import { placesOf } from './places.ts';
import { degradedLevels } from './degraded.ts';
import type { NamedCluster } from './cluster-table.ts';
import { clusterLabel, encodeClusters } from './cluster-table.ts';
import {
  changedTargets,
  type DrainIndex,
  type DrainRule,
  type DrainTarget,
  indexDrains,
  NO_DRAINS,
} from './drains.ts';
import { HOSTS_NAMESPACE } from './host-names.ts';
import { addHosts } from './host-records.ts';
import { Turns } from './turns.ts';
import { encodeEmptyNonTerminal, encodeService } from './service-blob.ts';
import { type FederationPolicy, POLICY_ALL } from './policy.ts';
import type { StaticPlace } from './service-statics.ts';
import { delegations, indexServiceStatics, isAlias, zoneCuts } from './service-statics.ts';
import type { ServiceAnswers, ViewRules, ViewShard } from './service-view.ts';
import { viewService } from './service-view.ts';
import type { KnownService } from './services.ts';
import { KnownServices, namesOf, serviceKey, shardsOf } from './services.ts';
import type { PackedShard } from './shard-pack.ts';
import { hasCluster, replaceShard, tallyShard, unpackShardOf } from './shard-pack.ts';
import { packShard, toShardState } from './shard-states.ts';
import { StaticIndex, type StaticSet } from './static-set.ts';
import { encodeStatics } from './static-table.ts';
import { judge, type Verdict } from './verdict.ts';
import { withoutZones } from './drained-zones.ts';

/** What a Service without any healthy shard is answered with. */
export type WhenNoneHealthy = 'nodata' | 'nxdomain' | 'lastKnown';

/** A published change, for the journal and the metrics. */
export interface Change {
  readonly serial: number;
  /** `S.N.F` of each Service whose answers changed; empty when only locations changed. */
  readonly services: readonly string[];
  readonly cause: Cause;
  readonly cluster: string;
}

/** A shard that has become healthy, or is so no more. */
export interface HealthChange {
  readonly cluster: string;
  /** `S.N.F`. */
  readonly service: string;
  readonly isHealthy: boolean;
}

export interface ZoneBuilderOptions {
  /** Served domain, lower case. */
  readonly domain: string;
  readonly ttlSeconds: number;
  /** No annotation and no host name brings a TTL below this; default 0. */
  readonly ttlMinSeconds?: number;
  /** Longest TTL of a level at or below which a shard is not healthy, drained or held. Default: none. */
  readonly ttlDegradedSeconds?: number | undefined;
  /** Most addresses of one reply, per family, by federation; absent or 0: all. */
  readonly maxAddresses?: (federation: string) => number;
  /** Whether levels without addresses answer with those of the level above, by federation; default: they are aliases. */
  readonly flattens?: (federation: string) => boolean;
  /** Which shards global names answer with, by federation; default: all. */
  readonly policies?: (federation: string) => FederationPolicy;
  readonly whenNoneHealthy: WhenNoneHealthy;
  /** Static records, the apex's NS and its glue included. */
  readonly statics: StaticSet;
  /** Longest TTL of answers to which a cluster that is not read yet may add. Default: {@link PARTIAL_TTL_SECONDS}. */
  readonly negativeTtlSeconds?: number;
  /** Federations that there are; default: any. */
  readonly federations?: readonly string[];
  /** Clusters may bring hosts. Default: no. */
  readonly hasHosts?: boolean;
  /** The next SOA serial; asked for once per published change. */
  readonly nextSerial: () => number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** The image moved to other memory: workers are to be told. */
  readonly onMemory?: (memory: ImageMemory) => void;
  readonly onChange?: (change: Change) => void;
  /** A place of a cluster goes without its name of one label. */
  readonly onConflict?: (conflict: PlaceConflict) => void;
  /** Called after shards have become healthy or unhealthy by a fact about them, once they are published. */
  readonly onHealth?: (changes: readonly HealthChange[], cause: Cause) => void;
  /** A Service that clusters begin to disagree about, or with a name that a record takes away. Told once per text. */
  readonly onNotice?: (notice: ServiceNotice) => void;
  /** Hears of every change with what was there before. */
  readonly recorder?: ChangeRecorder | undefined;
  /** Called with new memory of the image before anything is written to it. */
  readonly prepareMemory?: ((memory: SharedArrayBuffer) => void) | undefined;
}

/** A {@link LabelConflict} of one cluster. */
export interface PlaceConflict extends LabelConflict {
  readonly cluster: string;
  /** Since when, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** TTL in seconds of answers that may be incomplete, where nothing else is said. */
const PARTIAL_TTL_SECONDS = 15;

/** A member cluster in the tree. Numbers are never used twice, so that packed shards stay unambiguous. */
interface Member {
  readonly number: number;
  /** Its shards, and those of them with an address and a ready endpoint. */
  shards: number;
  readyShards: number;
  /** Those of the ready ones that operators have drained. */
  drainedShards: number;
  state: ClusterState;
  /** Nothing of it was ever read. */
  unread: boolean;
  /** Where it is registered, now or from before. */
  places: Places;
  region: number;
  zones: ReadonlyMap<string, number>;
}

/** Something about a Service that its operator should know. */
export interface ServiceNotice {
  /** `S.N.F`. */
  readonly service: string;
  readonly text: string;
}

/** A Service with its answers worked out, for export and explanation. */
export interface ServiceView extends ServiceAnswers {
  readonly known: KnownService;
  /** Numbers of the clusters with a shard, sorted. */
  readonly clusters: readonly number[];
  /** What is made of the shard of each. */
  readonly verdicts: readonly Verdict[];
}

/** What an order about drains has brought about. */
export interface DrainEffect {
  /** Services whose answers changed. */
  readonly services: number;
  /** An upper bound of the TTLs in seconds that those answers had been given with; 0 without any. */
  readonly ttlSecondsMax: number;
}

const NO_EFFECT: DrainEffect = { services: 0, ttlSecondsMax: 0 };
/** A shard as it counts in the answers. */
export interface ShardStanding {
  readonly state: ShardState;
  readonly isHealthy: boolean;
  /** No other shard of its Service is healthy. */
  readonly isAlone: boolean;
}

const NO_MEMBER = { number: -1, shards: 0 } as const;
const NONE_KEPT: ReadonlySet<KnownService> = new Set();
const NO_PLACES: readonly StaticPlace[] = [];

/** Services whose last notice is remembered, so that each is told once; beyond, the oldest are told again. */
const NOTICES_MAX = 10_000;

/** Clusters that can ever have joined one process: a cluster's number is a uint16 in packed shards. */
const CLUSTER_NUMBERS_MAX = 65535;

/** Builds the answer image from facts. */
export class ZoneBuilder implements FactSink {
  readonly #options: ZoneBuilderOptions;
  readonly #services = new KnownServices();
  readonly #locations = new LocationRegistry();
  readonly #members = new Map<string, Member>();
  readonly #byNumber: (Member | undefined)[] = [];
  readonly #image: ImageWriter;
  /** Regions in which a cluster that was never read may have any zone. */
  #openRegions: ReadonlySet<number> = new Set();
  /** Whether answers are given, or all clusters have been heard or given up: from then on it counts who had a name first. */
  #isSettled = false;
  #ttlMax = TTL_UNLIMITED;
  /** Whether a cluster is still to tell what it has. */
  #awaitsShards = true;
  /** Clusters that readers know to be unread. */
  #unread: ReadonlySet<number> = new Set();
  /** Whether places came or went since it was last looked who has which name. */
  #isDisputed = false;
  #conflicts: readonly PlaceConflict[] = [];
  #orders: RowOrders = NO_ORDERS;
  #formerOrders: RowOrders = NO_ORDERS;
  /** Whether the orders that readers see may lack a location or cluster, or have one too many. */
  #isOrdersStale = false;
  /** Made when something is listed or explained for the first time. */
  #staticIndex: StaticIndex | undefined;
  #statics: StaticSet;
  /** Those of the configuration; the others are of hosts. */
  #configured: StaticSet;
  /** `S.N.F` of the Services that stand for hosts, and whether these are others than the records say. */
  readonly #hosts = new Set<string>();
  #areHostsStale = false;
  /** Why a host is not answered for, by `S.N.F`. */
  #refusedHosts: ReadonlyMap<string, string> = new Map();
  /** Those of them that stand at names of Services, by `S.N.F`. */
  #places: ReadonlyMap<string, readonly StaticPlace[]>;
  #isDelegated: (name: string) => boolean;
  readonly #rules: Omit<ViewRules, 'maxAddresses' | 'flattens' | 'policy' | 'inUse' | 'degraded'>;
  /** By Service, the region that its global name is answered with, where it is to stay so. */
  readonly #inUse = new Map<string, string>();
  /** What operators have taken out of the answers. */
  #drains: DrainIndex = NO_DRAINS;
  readonly #turns = new Turns();
  /** By Service, what was told of it last. */
  readonly #notices = new Map<string, string>();
  /** What the running call has published so far. */
  #changed: string[] = [];
  #touched = false;
  /** Shards that have become healthy or unhealthy in the running call. */
  #health: HealthChange[] = [];
  /** Services to publish when the running batch ends; undefined outside of one. */
  #deferred: Set<KnownService> | undefined;

  constructor(options: ZoneBuilderOptions) {
    this.#options = options;
    this.#statics = options.statics;
    this.#configured = options.statics;
    this.#places = indexServiceStatics(options.statics, options.domain);
    this.#isDelegated = delegations(options.statics, options.domain);
    this.#rules = {
      domain: options.domain,
      ttlSeconds: options.ttlSeconds,
      ttlMinSeconds: options.ttlMinSeconds ?? 0,
      locations: () => this.#locations.names(),
      regions: () => this.#locations.regions(),
      isDelegated: (name) => this.#isDelegated(name),
      clusterText: (cluster) => this.clusterName(cluster),
      clusterLabel: (cluster) => this.namedClusters().find(({ number }) => number === cluster)?.label,
    };
    this.#image = new ImageWriter(
      {
        encodeStatics: (seed) => encodeStatics(this.#statics, seed),
        encodeLocations: (seed) => encodeLocations(this.#locations.names(), seed, this.#openRegions),
        encodeClusters: (seed) => encodeClusters(this.namedClusters(), seed),
        encodeOrders: () => this.#encodeOrders(),
      },
      (memory) => options.onMemory?.(memory),
      options.prepareMemory === undefined ? {} : { prepare: options.prepareMemory },
    );
    this.#image.setSerial(options.nextSerial());
  }

  get memory(): ImageMemory {
    return this.#image.memory;
  }

  get size(): ImageWriter['size'] {
    return this.#image.size;
  }

  /** Federated Services known. */
  get serviceCount(): number {
    return this.#services.size;
  }

  get domain(): string {
    return this.#options.domain;
  }

  get statics(): StaticSet {
    return this.#statics;
  }

  /** Static records by name. */
  get staticIndex(): StaticIndex {
    this.#staticIndex ??= new StaticIndex(this.#statics, this.#options.domain);
    return this.#staticIndex;
  }

  /** Whether the configuration has records at a name, which is one that a Service could have. */
  hasStatics(name: string): boolean {
    return this.#places.size > 0 && this.staticIndex.at(name).length > 0;
  }

  get whenNoneHealthy(): WhenNoneHealthy {
    return this.#options.whenNoneHealthy;
  }

  /** All names that a location is reached by. */
  locationNames(): LocationName[] {
    return this.#locations.names();
  }

  /** The number of a place, `region` or `zone.region`; undefined where no cluster is or was there. */
  locationNumber(place: string): number | undefined {
    return this.#locations.numberOf(place);
  }

  /** Clusters that have names of their own below their Services. */
  namedClusters(): NamedCluster[] {
    const named = new Map<string, NamedCluster>();
    for (const [name, { number, unread }] of this.#members) {
      const label = clusterLabel(name);
      if (label !== undefined && !named.has(label)) named.set(label, { label, number, unread });
    }
    return [...named.values()];
  }

  /** What an operator should know of a Service. */
  notices(view: ServiceView): string[] {
    const refused = this.#refusedHosts.get(view.known.name);
    const texts = noticesOf(view, this.#places.get(view.known.name) ?? NO_PLACES);
    return refused === undefined ? texts : [refused, ...texts];
  }

  /** The name of a cluster by its number. */
  clusterName(cluster: number): string {
    return this.#byNumber[cluster]!.state.name;
  }

  /** The clusters, with all that another builder needs to go on where this one is. */
  clusters(): ClusterState[] {
    return [...this.#members.values()].map((member) => this.#stateOf(member));
  }

  /** What is known of one cluster. */
  cluster(name: string): ClusterState | undefined {
    const member = this.#members.get(name);
    return member === undefined ? undefined : this.#stateOf(member);
  }

  #stateOf({ state, places, unread }: Member): ClusterState {
    const names = [...places.keys()];
    const shortNames = names.filter((place) => this.#locations.isHolder(place));
    return { ...state, unread, places: names, shortNames };
  }

  /** Places that go without their name of one label, by cluster. */
  get conflicts(): readonly PlaceConflict[] {
    return this.#conflicts;
  }

  /** Names of the federations, where these are known. */
  get federations(): readonly string[] | undefined {
    return this.#options.federations;
  }

  /** Whether a cluster may bring any name of the domain. */
  get hasHosts(): boolean {
    return this.#options.hasHosts ?? false;
  }

  /** What the rows of clients' places mean. */
  get orders(): RowOrders {
    return this.#orders;
  }

  /**
   * Says what the rows of clients' places mean from now on. Those of the version before go on meaning what they did, for readers
   * that the tables of the new one have yet to reach; clients of any other tables are unknown.
   */
  setOrders(orders: RowOrders): void {
    if (orders.version !== this.#orders.version) this.#formerOrders = this.#orders;
    this.#orders = orders;
    this.#image.putOrders();
    this.#isOrdersStale = false;
  }

  /** What is drained at the moment. */
  get drains(): DrainIndex {
    return this.#drains;
  }

  /**
   * Says what operators have drained from now on, and publishes the Services that this concerns.
   *
   * @returns what it came to; within a batch nothing is published yet, and nothing known of it
   */
  setDrains(rules: Iterable<DrainRule>, cause: Cause): DrainEffect {
    const drains = indexDrains(rules);
    const targets = changedTargets(this.#drains, drains);
    this.#drains = drains;
    let effect = NO_EFFECT;
    for (const known of this.#covered(targets)) effect = this.#publishDrained(known, effect);
    for (const member of this.#membersOf(targets)) this.#countDrained(member);
    this.#finish('', cause);
    return effect;
  }

  #publishDrained(known: KnownService, effect: DrainEffect): DrainEffect {
    const changed = this.#changed.length;
    this.#publishSoon(known);
    if (this.#changed.length === changed) return effect;
    const ttlSeconds = longestTtl(shardsOf(known), this.#options);
    return {
      services: effect.services + 1,
      ttlSecondsMax: Math.max(effect.ttlSecondsMax, Math.min(ttlSeconds, this.#ttlMax)),
    };
  }

  /** `S.N.F` of the Services that some targets concern. */
  *coveredBy(targets: readonly DrainTarget[]): Generator<string> {
    for (const known of this.#covered(targets)) yield known.name;
  }

  *#covered(targets: readonly DrainTarget[]): Generator<KnownService> {
    if (targets.length === 0) return;
    const numbers = this.#membersOf(targets.filter(({ kind }) => kind !== 'service')).map(
      ({ number }) => number,
    );
    const services = new Set(targets.flatMap(({ kind, name }) => (kind === 'service' ? [name] : [])));
    if (numbers.length > 0) {
      for (const known of this.#services.values())
        if (services.has(known.name) || numbers.some((number) => hasCluster(known.packed, number)))
          yield known;
      return;
    }
    for (const name of services) {
      const known = this.#services.named(name);
      if (known !== undefined) yield known;
    }
  }

  /** The clusters that some targets concern. */
  #membersOf(targets: readonly DrainTarget[]): Member[] {
    return [...this.#members.values()].filter((member) =>
      targets.some((target) => isCovered(member, target)),
    );
  }

  #encodeOrders(): Buffer {
    return encodeOrders(this.#orders, this.#formerOrders, {
      location: (place) => this.#locations.numberOf(place),
      cluster: (name) => this.#members.get(name)?.number,
    });
  }

  /** To be called before a number is used again that answers do not use any more. */
  #publishOrders(): void {
    if (!this.#isOrdersStale) return;
    this.#isOrdersStale = false;
    if (this.#orders.rows.length + this.#formerOrders.rows.length > 0) this.#image.putOrders();
  }

  setCluster(state: ClusterState): void {
    const member = this.#members.get(state.name) ?? this.#addMember(state);
    const { zones, region, state: before } = member;
    const counted = counts(member);
    member.state = state;
    member.unread = state.unread ?? isUnread(state.status, member.unread);
    this.#place(member);
    if (state.status === 'pending') this.#publishAwaited();
    const same =
      (before.status === 'pending') === (state.status === 'pending') &&
      // Held, its shards count as before, and answers are not to be kept for as long.
      (this.#options.ttlDegradedSeconds === undefined || before.status === state.status) &&
      counted === counts(member) &&
      region === member.region &&
      sameZones(zones, member.zones);
    if (!same) {
      this.#republish(member);
      this.#countDrained(member);
    }
    // Negative answers are held back until all that the cluster brings is published; a batch does that at its end.
    if (state.status !== 'pending' && this.#deferred === undefined) this.#publishAwaited();
    this.#finish(state.name, {
      object: `cluster ${state.name} ${state.status}`,
      timeMs: this.#options.clock(),
    });
  }

  /** Queries are taken from now on: whoever has a name that is answered for keeps it. */
  beginServing(): void {
    this.#isSettled = true;
    this.#isDisputed = true;
    if (this.#deferred === undefined) this.#settleNames();
  }

  removeCluster(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#removeShards(member, NONE_KEPT);
    this.#members.delete(name);
    this.#byNumber[member.number] = undefined;
    this.#publishClusters();
    this.#isOrdersStale = true;
    for (const [place, isConfigured] of member.places) this.#locations.leave(place, isConfigured);
    this.#publishLocations();
    this.#publishAwaited();
    this.#finish(name, { object: `cluster ${name} removed`, timeMs: this.#options.clock() });
  }

  upsertShard(shard: ShardState): void {
    this.#upsert(this.#member(shard.cluster), shard);
    this.#finish(shard.cluster, shard.cause);
  }

  removeShard(id: ShardId, cause: Cause): void {
    const known = this.#services.get(id.federation, id.namespace, id.service);
    if (known !== undefined) this.#setShard(known, this.#member(id.cluster), undefined);
    this.#finish(id.cluster, cause);
  }

  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    const member = this.#member(cluster);
    const kept = new Set<KnownService>();
    for (const shard of shards) kept.add(this.#upsert(member, shard));
    this.#removeShards(member, kept);
    this.#finish(cluster, cause);
  }

  /**
   * Puts other static records in the place of those that there are, for readers all at once.
   *
   * @throws ImageFullError when they do not fit; then the old ones stay
   */
  replaceStatics(statics: StaticSet): void {
    const { statics: all, refused } = addHosts(statics, this.#hosts, this.domain);
    this.#exchangeStatics(all);
    this.#configured = statics;
    this.#areHostsStale = false;
    this.#refusedHosts = refused;
    this.#finish('', { object: 'configuration', timeMs: this.#options.clock() });
  }

  #exchangeStatics(statics: StaticSet): void {
    const before = this.#statics;
    const stood = this.#places;
    this.#adoptStatics(statics);
    try {
      this.#image.renew(() => this.#republishBeside(before, stood));
    } catch (error) {
      this.#adoptStatics(before);
      this.#options.recorder?.discard();
      throw error;
    }
    this.#touched = true;
    this.#options.recorder?.statics(before, statics);
  }

  /** Gives names to the hosts that have come, and takes those of the others. Without room the names stay as they were. */
  #nameHosts(): void {
    if (!this.#areHostsStale) return;
    this.#areHostsStale = false;
    const { statics, refused } = addHosts(this.#configured, this.#hosts, this.domain);
    this.#refusedHosts = refused;
    try {
      this.#exchangeStatics(statics);
    } catch (error) {
      if (!(error instanceof ImageFullError)) throw error;
      for (const service of this.#hosts) this.#options.onNotice?.({ service, text: error.message });
    }
    for (const [service, text] of refused) this.#options.onNotice?.({ service, text });
  }

  #adoptStatics(statics: StaticSet): void {
    this.#statics = statics;
    this.#places = indexServiceStatics(statics, this.domain);
    this.#isDelegated = delegations(statics, this.domain);
    this.#staticIndex = undefined;
  }

  /** Publishes the Services at whose names static records stand, or stood. Of any Service, a target may be delegated. */
  #republishBeside(before: StaticSet, stood: ReadonlyMap<string, unknown>): void {
    const isSame = zoneCuts(before, this.domain).join(' ') === zoneCuts(this.#statics, this.domain).join(' ');
    const services = isSame ? [...stood.keys(), ...this.#places.keys()] : this.serviceNames();
    for (const service of new Set(services)) {
      const known = this.#services.named(service);
      if (known !== undefined) this.#publishSoon(known);
    }
  }

  /**
   * Takes in many facts and publishes each Service once at the end, under one serial: for the snapshot and for
   * first lists, where a Service has a shard in every cluster.
   */
  batch(cause: Cause, work: () => void): void {
    this.hold();
    try {
      work();
    } finally {
      this.release(cause);
    }
  }

  /** Shows a serial that does not come from a change of what is served: that of a process which takes over. */
  showSerial(serial: number): void {
    this.#image.setSerial(serial);
  }

  /** Begins a batch that lasts until {@link release}. Batches do not nest. */
  hold(): void {
    this.#deferred = new Set();
  }

  /** Ends a batch. */
  release(cause: Cause): void {
    const services = this.#deferred ?? [];
    this.#deferred = undefined;
    for (const known of services) this.#publish(known, shardsOf(known));
    this.#publishAwaited();
    this.#finish('', cause);
  }

  /** How many shards each cluster has, and how many of them are in the answers. */
  shardCounts(): Map<string, { readonly shards: number; readonly healthyShards: number }> {
    const rows = [...this.#members].map(([name, member]) => {
      const { shards, readyShards, drainedShards } = member;
      return [name, { shards, healthyShards: counts(member) ? readyShards - drainedShards : 0 }] as const;
    });
    return new Map(rows);
  }

  /** One shard as it counts at the moment. */
  shard({ cluster, federation, namespace, service }: ShardId): ShardStanding | undefined {
    const known = this.#services.get(federation, namespace, service);
    const number = this.#members.get(cluster)?.number;
    if (known === undefined || number === undefined) return undefined;
    const shards = shardsOf(known);
    const own = shards.find((shard) => shard.cluster === number);
    if (own === undefined) return undefined;
    const isHealthy = (shard: PackedShard): boolean => this.#judge(known, shard, this.#drains).counts;
    const isAlone = !shards.some((shard) => shard !== own && isHealthy(shard));
    return { state: toShardState(cluster, known, own), isHealthy: isHealthy(own), isAlone };
  }

  /** Names of the shards of one cluster, healthy or not. */
  *shardIds(cluster: string): Generator<ShardId> {
    const { number, shards } = this.#members.get(cluster) ?? NO_MEMBER;
    if (shards === 0) return;
    for (const known of this.#services.values())
      if (hasCluster(known.packed, number)) yield { cluster, ...namesOf(known) };
  }

  /** How many shards are healthy in each region; '' for clusters without one. */
  healthyByRegion(): Map<string, number> {
    const regions = new Map<string, number>();
    const healthy = this.shardCounts();
    for (const [name, { state }] of this.#members) {
      const region = state.region ?? '';
      regions.set(region, (regions.get(region) ?? 0) + healthy.get(name)!.healthyShards);
    }
    return regions;
  }

  /** The shards of one cluster as they were reported, for the snapshot. */
  *shardsOfCluster(cluster: string): Generator<ShardState> {
    const { number, state } = this.#member(cluster);
    for (const known of this.#services.values()) {
      const shard = unpackShardOf(known.packed, number);
      if (shard === undefined) continue;
      const facts = toShardState(cluster, known, shard);
      const isInUse = state.region !== undefined && this.#inUse.get(known.name) === state.region;
      yield isInUse ? { ...facts, inUse: true } : facts;
    }
  }

  /** `S.N.F` of every Service known. */
  *serviceNames(): Generator<string> {
    for (const known of this.#services.values()) yield known.name;
  }

  /** What the image holds of a Service; lent until the next change. Undefined: nothing. */
  blobOf(name: string): Buffer | undefined {
    return this.#image.get(serviceKey(name));
  }

  /** How many shards a Service has, and how many of them count; undefined when it is gone. */
  serviceHealth(name: string): { readonly shards: number; readonly healthyShards: number } | undefined {
    const known = this.#services.named(name);
    if (known === undefined) return undefined;
    const shards = shardsOf(known);
    const counted = shards.filter((shard) => this.#judge(known, shard, this.#drains).counts);
    return { shards: shards.length, healthyShards: counted.length };
  }

  /** One Service with its levels, by its `S.N.F`; undefined when it is gone. */
  view(name: string): ServiceView | undefined {
    const known = this.#services.named(name);
    return known && this.#shown(known, shardsOf(known));
  }

  /** The same, were other things drained. */
  viewUnder(name: string, drains: DrainIndex): ServiceView | undefined {
    const known = this.#services.named(name);
    return known && this.#shown(known, shardsOf(known), drains);
  }

  /** What is made of each shard of a Service; empty where there is none. Its answers are not worked out. */
  verdictsOf(name: string, drains = this.#drains): { readonly cluster: string; readonly verdict: Verdict }[] {
    const known = this.#services.named(name);
    if (known === undefined) return [];
    return shardsOf(known).map((shard) => ({
      cluster: this.clusterName(shard.cluster),
      verdict: this.#judge(known, shard, drains),
    }));
  }

  /** One Service with its levels and its shards as reported. */
  service(
    federation: string,
    namespace: string,
    service: string,
  ): (ServiceView & { shards: ShardState[] }) | undefined {
    const known = this.#services.get(federation, namespace, service);
    if (known === undefined) return undefined;
    const shards = shardsOf(known);
    const states = shards.map((shard) =>
      toShardState(this.#byNumber[shard.cluster]!.state.name, known, shard),
    );
    return { ...this.#shown(known, shards), shards: states };
  }

  #member(cluster: string): Member {
    const member = this.#members.get(cluster);
    if (member === undefined) throw new Error(`cluster ${cluster} has not been announced`);
    return member;
  }

  #addMember(state: ClusterState): Member {
    const number = this.#byNumber.length;
    if (number > CLUSTER_NUMBERS_MAX)
      throw new RangeError(`more than ${CLUSTER_NUMBERS_MAX} clusters have joined`);
    const member: Member = {
      number,
      shards: 0,
      readyShards: 0,
      drainedShards: 0,
      state,
      unread: false,
      places: new Map(),
      region: GLOBAL,
      zones: new Map(),
    };
    this.#members.set(state.name, member);
    this.#byNumber.push(member);
    this.#publishClusters();
    this.#isOrdersStale = true;
    return member;
  }

  /** Registers a cluster where its state says it is, and where it was. */
  #place(member: Member): void {
    const { state, places: before } = member;
    const ids = new Map<string, number>();
    const entered = new Map<string, boolean>();
    const places = [...placesOf(state, before)];
    // A zone can only be where its region is.
    for (const isRegion of [true, false]) {
      for (const [place, isConfigured] of places) {
        if (place.includes('.') === isRegion) continue;
        const id = this.#locations.enter(place, isConfigured);
        if (id !== undefined) ids.set(place, id);
      }
    }
    for (const [place, isConfigured] of places) if (ids.has(place)) entered.set(place, isConfigured);
    // Counting in before counting out keeps a location that stays from disappearing for a moment.
    for (const [place, isConfigured] of before) this.#locations.leave(place, isConfigured);
    for (const place of state.shortNames ?? []) this.#locations.restoreHolder(place);
    member.places = entered;
    member.region = (state.region !== undefined && ids.get(state.region)) || GLOBAL;
    member.zones = new Map(
      state.zones.flatMap((zone) => {
        const id = ids.get(`${zone}.${state.region}`);
        return id === undefined ? [] : [[zone, id]];
      }),
    );
    this.#publishLocations();
  }

  #upsert(member: Member, shard: ShardState): KnownService {
    const { federation, namespace, service } = shard;
    const known =
      this.#services.get(federation, namespace, service) ??
      this.#services.add(federation, namespace, service, (name) => {
        const key = serviceKey(name);
        this.#image.put(key, encodeEmptyNonTerminal(key));
        this.#touched = true;
      });
    if (namespace === HOSTS_NAMESPACE && !this.#hosts.has(known.name)) {
      this.#hosts.add(known.name);
      this.#areHostsStale = true;
    }
    const { region: regionText } = member.state;
    if (shard.inUse === true && regionText !== undefined && this.#policyOf(known).failback === 'manual')
      this.#inUse.set(known.name, regionText);
    this.#setShard(known, member, packShard(member.number, shard));
    return known;
  }

  /** Takes out all shards of a cluster but those of the Services in `kept`. */
  #removeShards(member: Member, kept: ReadonlySet<KnownService>): void {
    // A first list, which finds nothing to remove, must not cost a walk over the Services of all other clusters.
    if (member.shards === kept.size) return;
    for (const known of this.#services.values()) {
      if (!kept.has(known)) this.#setShard(known, member, undefined);
    }
  }

  #setShard(known: KnownService, member: Member, shard: PackedShard | undefined): void {
    const before = known.packed;
    if (shard === undefined && !hasCluster(before, member.number)) return;
    known.packed = replaceShard(before, member.number, shard);
    const wasReady = tally(member, before, -1);
    const isReady = tally(member, known.packed, 1);
    if (this.#drains.size > 0)
      member.drainedShards += this.#drainedIn(known, member) - this.#drainedIn(known, member, before);
    if (wasReady !== isReady) this.#noteHealth(known, member, isReady);
    if (known.packed === '') this.#forget(known);
    // What a pending cluster reports counts nowhere yet; all of it is published when its status changes.
    else if (known.packed !== before && (shard === undefined || member.state.status !== 'pending'))
      this.#publishSoon(known);
  }

  /** What is read for the first time, restored or moved comes in batches, and is no change of anybody's health. */
  #noteHealth({ name }: KnownService, member: Member, isHealthy: boolean): void {
    if (this.#options.onHealth === undefined || this.#deferred !== undefined || !counts(member)) return;
    this.#health.push({ cluster: member.state.name, service: name, isHealthy });
  }

  #forget(known: KnownService): void {
    this.#deferred?.delete(known);
    const key = serviceKey(known.name);
    const before = this.#options.recorder && this.#image.get(key);
    this.#image.delete(key);
    // What was only told within the running batch was never answered.
    if (before !== undefined) this.#options.recorder?.service(before, undefined);
    this.#services.remove(known, (name) => this.#image.delete(serviceKey(name)));
    this.#inUse.delete(known.name);
    if (this.#hosts.delete(known.name)) this.#areHostsStale = true;
    this.#turns.of(known.name, false);
    this.#changed.push(known.name);
  }

  #publishClusters(): void {
    this.#image.putClusters();
    this.#options.recorder?.clusters(() => this.#numberedClusters());
  }

  #numberedClusters(): NumberedCluster[] {
    const named = new Set(this.namedClusters().map(({ number }) => number));
    return [...this.#members].map(([name, { number }]) => ({ number, name, isNamed: named.has(number) }));
  }

  /** Publishes anew what a cluster has a part in. */
  #republish({ number, shards }: Member): void {
    if (shards === 0) return;
    for (const known of this.#services.values()) {
      if (hasCluster(known.packed, number)) this.#publishSoon(known);
    }
  }

  /** Publishes a Service, within a batch at its end. */
  #publishSoon(known: KnownService): void {
    if (this.#deferred === undefined) this.#publish(known, shardsOf(known));
    else this.#deferred.add(known);
  }

  #publish(known: KnownService, shards: readonly PackedShard[]): void {
    const key = serviceKey(known.name);
    const view = this.#view(known, shards);
    this.#stay(view);
    const turn = this.#turns.of(known.name, view.policy.kind === 'weighted');
    const blob = encodeService({ key, ...view, turn });
    const before = this.#image.get(key);
    if (before?.equals(blob) !== true) {
      this.#image.put(key, blob);
      // What stood there is retired, and nothing is written over it before the next blob is placed.
      this.#options.recorder?.service(before, blob);
      this.#changed.push(known.name);
    } else if (view.policyNotice === undefined) return;
    if (this.#options.onNotice !== undefined) this.#notice(view);
  }

  /**
   * Remembers where a Service is answered from that is not to go back by itself. Not before all clusters have told what they
   * have: the first to be read is not the one to stay with.
   */
  #stay({ known, policy }: ServiceView): void {
    if (policy.kind !== 'failover' || this.#awaitsShards) return;
    if (this.#policyOf(known).failback === 'manual') this.#inUse.set(known.name, policy.regionText);
  }

  #policyOf(known: KnownService): FederationPolicy {
    return this.#options.policies?.(namesOf(known).federation) ?? POLICY_ALL;
  }

  #view(known: KnownService, shards: readonly PackedShard[], drains = this.#drains): ServiceView {
    const all = shards.map((shard) => this.#toView(shard));
    const verdicts = shards.map((shard) => this.#judge(known, shard, drains));
    const healthy = all.flatMap((shard, i) =>
      verdicts[i]!.counts ? this.#toCounted(shard, shards[i]!, verdicts[i]!) : [],
    );
    const lastKnown = healthy.length === 0 && this.#options.whenNoneHealthy === 'lastKnown';
    const statics = this.#places.size === 0 ? NO_PLACES : (this.#places.get(known.name) ?? NO_PLACES);
    const { federation } = namesOf(known);
    const configured = this.#policyOf(known);
    const rules = {
      ...this.#rules,
      maxAddresses: this.#options.maxAddresses?.(federation) ?? 0,
      flattens: this.#options.flattens?.(federation) ?? false,
      // What is only known from before is no choice of anybody's.
      policy: lastKnown ? POLICY_ALL : configured,
      inUse: configured.failback === 'manual' ? this.#inUse.get(known.name) : undefined,
      degraded: this.#degraded(shards, verdicts),
    };
    const counted = lastKnown ? all.flatMap(toLastKnown) : healthy;
    const answers = viewService(known.name, all, counted, statics, rules);
    return { known, clusters: shards.map(({ cluster }) => cluster), verdicts, ...answers };
  }

  #degraded(shards: readonly PackedShard[], verdicts: readonly Verdict[]): ViewRules['degraded'] {
    const { ttlDegradedSeconds } = this.#options;
    if (ttlDegradedSeconds === undefined) return undefined;
    const levels = degradedLevels(verdicts, (i) => {
      const { region, zones } = this.#byNumber[shards[i]!.cluster]!;
      return { region, zones: zones.values() };
    });
    return levels.size === 0 ? undefined : { levels, ttlSeconds: ttlDegradedSeconds };
  }

  /** A Service as it is answered for at the moment. */
  #shown(known: KnownService, shards: readonly PackedShard[], drains = this.#drains): ServiceView {
    const view = this.#view(known, shards, drains);
    const bound = (ttlSeconds: number): number => Math.min(ttlSeconds, this.#ttlMax);
    const levelTtls = view.levelTtls.map((level) => ({ ...level, ttlSeconds: bound(level.ttlSeconds) }));
    return { ...view, ttlSeconds: bound(view.ttlSeconds), levelTtls };
  }

  #judge(known: KnownService, shard: PackedShard, drains: DrainIndex): Verdict {
    const { state, zones } = this.#byNumber[shard.cluster]!;
    const { name, region, status } = state;
    return judge(shard, status, known.name, drains, () => ({
      name,
      region,
      status,
      zones: [...zones.keys()],
    }));
  }

  /** 1 where a ready shard is drained. */
  #drainedIn(known: KnownService, member: Member, packed = known.packed): 0 | 1 {
    const shard = unpackShardOf(packed, member.number);
    if (shard === undefined) return 0;
    const { name, region } = member.state;
    const cluster = { name, region, status: 'available', zones: [...member.zones.keys()] } as const;
    return judge(shard, 'available', known.name, this.#drains, () => cluster).reason === 'drained' ? 1 : 0;
  }

  #countDrained(member: Member): void {
    member.drainedShards = 0;
    if (this.#drains.size === 0) return;
    for (const known of this.#services.values()) member.drainedShards += this.#drainedIn(known, member);
  }

  /** A shard that counts, as far as no drain takes something of it. */
  #toCounted(view: ViewShard, shard: PackedShard, { drainedZones, percent }: Verdict): ViewShard {
    if (drainedZones.length === 0 && percent === 100) return view;
    const zones = [...this.#byNumber[shard.cluster]!.zones.keys()];
    const left = drainedZones.length === 0 ? view : this.#toView(withoutZones(shard, zones, drainedZones));
    return percent === 100 ? left : { ...left, percent };
  }

  #toView(shard: PackedShard): ViewShard {
    const { region, zones } = this.#byNumber[shard.cluster]!;
    const { readyZones } = shard;
    // A cluster of one zone is in it, whatever its endpoints say or do not say.
    const everywhere = readyZones === 'every' || zones.size === 1;
    const inZones = everywhere ? [...zones.values()] : readyZones.flatMap((zone) => zones.get(zone) ?? []);
    const addressZones = everywhere ? undefined : shard.addressZones?.map((zone) => zones.get(zone));
    // A zone none of whose addresses is published leads to its region.
    const hasAddress = (zone: number): boolean => addressZones?.includes(zone) !== false;
    return { ...shard, region, zones: inZones.filter(hasAddress), addressZones };
  }

  /** Tells what there is to know of a Service, when that is something else than before. */
  #notice(view: ServiceView): void {
    const service = view.known.name;
    const text = this.notices(view).join('; ');
    if (text === (this.#notices.get(service) ?? '')) return;
    this.#notices.delete(service);
    if (text === '') return;
    this.#notices.set(service, text);
    if (this.#notices.size > NOTICES_MAX) this.#notices.delete(this.#notices.keys().next().value!);
    this.#options.onNotice?.({ service, text });
  }

  #publishLocations(): void {
    if (!this.#locations.takeChanged()) return;
    this.#image.putLocations();
    this.#options.recorder?.places(() => ({
      places: this.#locations.places(),
      names: this.#locations.names(),
    }));
    this.#isOrdersStale = true;
    this.#touched = true;
    this.#isDisputed = true;
    // Static records at a location that was not there have a say from now on.
    for (const service of this.#places.keys()) {
      const known = this.#services.named(service);
      if (known !== undefined) this.#publishSoon(known);
    }
  }

  /** Tells readers what is still to come, and settles who has which name once nothing is. */
  #publishAwaited(): void {
    const openRegions = new Set<number>();
    let awaited = 0;
    for (const member of this.#members.values()) {
      awaited |= awaitedOf(member);
      if ((awaitedOf(member) & Awaited.zones) !== 0) openRegions.add(member.region);
    }
    if (!sameNumbers(openRegions, this.#openRegions)) {
      this.#openRegions = openRegions;
      this.#image.putLocations();
      this.#touched = true;
    }
    this.#publishUnread();
    this.#awaitsShards = (awaited & Awaited.shards) !== 0;
    this.#ttlMax = this.#longestTtl(awaited);
    this.#image.setAwaited(awaited, this.#ttlMax);
    if (this.#members.size > 0 && (awaited & Awaited.shards) === 0) this.#isSettled = true;
    this.#settleNames();
  }

  /** Names of one cluster are unknown for as long as that cluster is. */
  #publishUnread(): void {
    const members = [...this.#members.values()].filter(({ unread }) => unread);
    const unread = new Set(members.map(({ number }) => number));
    if (sameNumbers(unread, this.#unread)) return;
    this.#unread = unread;
    this.#image.putClusters();
  }

  #longestTtl(awaited: number): number {
    if ((awaited & Awaited.shards) === 0) return TTL_UNLIMITED;
    return this.#options.negativeTtlSeconds ?? PARTIAL_TTL_SECONDS;
  }

  #settleNames(): void {
    if (!this.#isDisputed) return;
    this.#isDisputed = !this.#isSettled;
    if (this.#isSettled) this.#locations.settle();
    const known = new Map(this.#conflicts.map((conflict) => [keyOf(conflict), conflict]));
    const sinceMs = this.#options.clock();
    const conflicts = this.#locations.conflicts().flatMap((conflict) => this.#ofClusters(conflict, sinceMs));
    this.#conflicts = conflicts.map((conflict) => known.get(keyOf(conflict)) ?? conflict);
    for (const conflict of this.#conflicts)
      if (!known.has(keyOf(conflict))) this.#options.onConflict?.(conflict);
  }

  #ofClusters(conflict: LabelConflict, sinceMs: number): PlaceConflict[] {
    return [...this.#members].flatMap(([cluster, { places }]) =>
      places.has(conflict.place) ? [{ ...conflict, cluster, sinceMs }] : [],
    );
  }

  #finish(cluster: string, cause: Cause): void {
    if (this.#deferred === undefined) {
      this.#nameHosts();
      this.#publishOrders();
      this.#locations.reuseNumbers();
    }
    this.#publishSerial(cluster, cause);
    if (this.#health.length === 0) return;
    const changes = this.#health;
    this.#health = [];
    this.#options.onHealth?.(changes, cause);
  }

  #publishSerial(cluster: string, cause: Cause): void {
    if (this.#deferred !== undefined || (this.#changed.length === 0 && !this.#touched)) return;
    const services = this.#changed;
    this.#changed = [];
    this.#touched = false;
    const serial = this.#options.nextSerial();
    this.#image.setSerial(serial);
    this.#options.recorder?.publish({ serial, cause, cluster });
    this.#options.onChange?.({ serial, services, cause, cluster });
  }
}

/** Counts a Service's shard in a cluster, or takes it out of the count. @returns whether the shard is ready */
function tally(member: Member, packed: string, by: 1 | -1): boolean {
  const { shards, ready } = tallyShard(packed, member.number);
  member.shards += shards * by;
  member.readyShards += ready * by;
  return ready > 0;
}

/** Whether a cluster's shards may count as healthy. */
function counts({ state }: Member): boolean {
  return state.status === 'available' || state.status === 'held';
}

/** Whether a cluster is one of those that a target is about; of a Service in all clusters, each is. */
function isCovered({ state, zones }: Member, { kind, name, cluster }: DrainTarget): boolean {
  switch (kind) {
    case 'cluster':
      return state.name === name;
    case 'region':
      return state.region === name;
    case 'zone':
      return [...zones.keys()].some((zone) => `${zone}.${state.region}` === name);
    case 'service':
      return cluster === undefined || state.name === cluster;
  }
}

/** No level of the Service had a longer TTL: each has the least of some of these, or the domain's. */
function longestTtl(
  shards: readonly PackedShard[],
  options: Pick<ZoneBuilderOptions, 'ttlSeconds' | 'negativeTtlSeconds'>,
): number {
  const { ttlSeconds, negativeTtlSeconds = PARTIAL_TTL_SECONDS } = options;
  return Math.max(ttlSeconds, negativeTtlSeconds, ...shards.map((shard) => shard.ttlSeconds ?? 0));
}

function isUnread(status: ClusterState['status'], before: boolean): boolean {
  return status === 'pending' || (status === 'withdrawn' && before);
}

/** What a cluster may still bring, bits of {@link Awaited}. Of an unread one, only the configuration can have told the place. */
function awaitedOf({ state, unread }: Member): number {
  const shards = state.status === 'pending' ? Awaited.shards : 0;
  if (!unread) return shards;
  if (state.region === undefined) return shards | Awaited.names | Awaited.places;
  const hasZones = state.zonesConfigured === true || state.zones.length > 0;
  return shards | Awaited.names | (hasZones ? 0 : Awaited.zones);
}

function keyOf({ cluster, place, holder }: PlaceConflict): string {
  return `${cluster} ${place} ${holder ?? ''}`;
}

function sameNumbers(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((number) => b.has(number));
}

function sameZones(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([zone, id]) => b.get(zone) === id);
}

/**
 * At the global name only: regions and zones still alias upwards, as for any level without a healthy shard.
 */
function toLastKnown(shard: ViewShard): ViewShard[] {
  if (shard.v4.length + shard.v6.length === 0) return [];
  return [{ ...shard, region: GLOBAL, zones: [], policy: undefined }];
}

/** What an operator should know of a Service: names that records take away, ports that clusters disagree about. */
function noticesOf(view: ServiceAnswers, statics: readonly StaticPlace[]): string[] {
  const hidden = statics.filter(isAlias).map(({ name }) => `a CNAME of the configuration hides ${name}`);
  return [
    ...hidden,
    ...(view.policyNotice === undefined ? [] : [view.policyNotice]),
    ...view.ports.flatMap(({ conflict }) => conflict ?? []),
  ];
}

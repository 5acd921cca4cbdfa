/**
 * All objects of one member cluster, reduced to shards and pushed into a FactSink. Owns which objects exist, what
 * each change touches, and that a change that changes no fact makes no call. Where objects come from is left to the
 * sources; what an object means to shards.ts and topology.ts.
 *
 * ```
 *  source ── replaceAll, apply, remove ──► objects ── dirty Services ──► shards.ts ──► FactSink
 *                                            │  ▲                            │
 *                                      topology.ts                   hostname-follows.ts
 * ```
 */

import assert from 'node:assert/strict';
import type { ClusterSettings, FederationSettings } from '../../config/settings.ts';
import type { Cause, ClusterState, ClusterStatus, FactSink, ShardId } from '../../zonebuilder/facts.ts';
import { addressRule } from './addresses.ts';
import { EndpointIndex, sameSlice, type Endpoints, type IndexedSlice } from './endpoint-index.ts';
import { HOSTS_NAMESPACE } from '../../zonebuilder/host-names.ts';
import { HostIndex, type HostChange, type HostObject } from './hosts.ts';
import { HostnameFollows } from '../hostnames/hostname-follows.ts';
import type { HostnameFollower } from '../hostnames/hostnames.ts';
import { ImportTally } from './import-tally.ts';
import { intern } from './intern.ts';
import { keepService, sameService, unkeepService, type KeptService } from './kept-service.ts';
import { KeptShards, type ShardChange } from './kept-shards.ts';
import { LingeringSlices, losesEndpoints } from './lingering-slices.ts';
import { keyOf, namesOf } from './object-key.ts';
import {
  objectName,
  type ObjectFault,
  type ObjectKind,
  type SlimObject,
  type SlimOptions,
} from './objects.ts';
import type { SlimEndpointSlice, SlimNode, SlimResult, SlimService } from './objects.ts';
import { NetworkTally } from './node-networks.ts';
import { OlderObjects, versionOf } from './older-objects.ts';
import { PlaceBudget } from './place-budget.ts';
import { RefusalLog } from '../refusal-log.ts';
import { RefusalBook } from '../refusals.ts';
import { reduceService, type ServiceFacts, type ShardFacts, type ShardRules } from './shards.ts';
import { SuddenAbsence } from './sudden-absence.ts';
import { accountOf, accountOfNone, adviceOf } from './service-account.ts';
import type { Clock, Log } from '../../log.ts';
import type { ClusterReport, FederatedName, Refusal, ServiceAccount, StalePart } from '../source.ts';
import type { Timer, Timers } from '../../timers.ts';
import { concludeTopology, sameTexts, sameTopology, TopologyTally, type Topology } from './topology.ts';

export interface ClusterObjectsOptions {
  readonly settings: ClusterSettings;
  readonly federations: readonly FederationSettings[];
  /** The served domain. */
  readonly domain: string;
  readonly sink: FactSink;
  readonly clock: Clock;
  /** Absent: hostnames of load balancers are refused. */
  readonly resolver?: HostnameFollower;
  /** Where the cluster was when last heard of: by an earlier source, or in the last run. */
  readonly earlier?: Pick<ClusterState, 'region' | 'zones' | 'places'>;
  /** Absent: nothing waits, every loss counts at once. */
  readonly timers?: Timers;
  /** How long what was there counts when a complete list is suddenly empty, in seconds. Default: 0. */
  readonly graceSeconds?: number;
  /** Shards of the cluster are in the sink from before: a first picture without any is not believed at once. */
  readonly hasEarlierFacts?: boolean;
  /** Whether it matters which networks the cluster's Nodes and Pods are in. Default: no. */
  readonly clientNetworks?: boolean;
  /** Absent: refusals are only reported. */
  readonly log?: Pick<Log, 'info' | 'warn'>;
}

/** What this class contributes to a source's {@link ClusterReport}. */
export type ObjectsReport = Pick<
  ClusterReport,
  'region' | 'zones' | 'topologyFrom' | 'objects' | 'refusals' | 'advice'
> & {
  readonly stale: readonly StalePart[];
  /** Refusals since the start, also those that no longer stand. */
  readonly refusalsTotal: number;
  readonly shards: number;
};

export class ClusterObjects {
  readonly #settings: ClusterSettings;
  readonly #sink: FactSink;
  readonly #clock: Clock;
  readonly #rules: ShardRules;
  readonly #follows: HostnameFollows;
  readonly #refusals: RefusalBook;

  readonly #services = new Map<string, KeptService>();
  readonly #exports = new Set<string>();
  readonly #hosts: HostIndex;
  readonly #nodes = new Map<string, KeptNode>();
  readonly #slices = new EndpointIndex();
  readonly #older = new OlderObjects();
  readonly #imports: ImportTally;
  readonly #places: PlaceBudget;
  readonly #log: Pick<Log, 'warn'> | undefined;
  readonly #tally = new TopologyTally();
  readonly #networks: NetworkTally | undefined;

  /** Shards as last pushed, by the key of their Service. */
  readonly #shards: KeptShards;
  /** Services whose shards may have changed, with the newest cause. */
  readonly #dirty = new Map<string, Cause>();
  #topology: Topology;
  #status: ClusterStatus = 'pending';
  /** Depth of open batches. The first sync is one, open from the start. */
  #batches = 1;
  #synced = false;
  #changes = 0;
  #announced = false;
  /** Whether a complete set of shards has ever been pushed. */
  #pushed = false;
  /** Set while a batch holds a relist, which is pushed as one replacement. */
  #relist: Cause | undefined;
  readonly #lingering: LingeringSlices | undefined;
  readonly #absence: SuddenAbsence | undefined;
  /** What an earlier run left stands for a first picture without any shard; until this timer ends. */
  #firstEmpty: { readonly timer: Timer; readonly sinceMs: number } | undefined;
  #hasEarlierFacts: boolean;
  readonly #graceMs: number;
  readonly #timers: Timers | undefined;

  constructor(options: ClusterObjectsOptions) {
    const { settings } = options;
    this.#settings = settings;
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#imports = new ImportTally(options.clock);
    this.#places = new PlaceBudget(options.clock, options.earlier?.places);
    this.#topology = { ...placeOf(options.earlier), from: 'none', findings: [] };
    this.#shards = new KeptShards(settings.name);
    this.#refusals = refusalBookOf(options);
    this.#timers = options.timers;
    this.#networks = networkTallyOf(options);
    this.#graceMs = (options.graceSeconds ?? 0) * 1000;
    this.#hasEarlierFacts = options.hasEarlierFacts ?? false;
    this.#lingering = this.#makeLingering();
    this.#absence = this.#makeAbsence();
    this.#rules = {
      cluster: settings.name,
      domain: options.domain,
      federations: options.federations,
      publish: settings.publish,
      namespaces: settings.namespaces,
      hostnames: settings.hostnames,
      address: addressRule(settings.addresses),
    };
    this.#hosts = new HostIndex(this.#rules);
    this.#follows = new HostnameFollows(options.resolver, (service, hostname) => {
      this.#touch(service, { object: `hostname ${hostname}`, timeMs: this.#clock() });
      this.#flush();
    });
  }

  #makeLingering(): LingeringSlices | undefined {
    if (this.#timers === undefined) return undefined;
    return new LingeringSlices(this.#timers, (ended) => {
      for (const { slice, cause } of ended) this.#letGo(slice, { ...cause, settledMs: this.#clock() });
      this.#flush();
    });
  }

  #makeAbsence(): SuddenAbsence | undefined {
    if (this.#timers === undefined || this.#graceMs === 0) return undefined;
    return new SuddenAbsence({
      timers: this.#timers,
      clock: this.#clock,
      graceMs: this.#graceMs,
      onEnd: (kind, keys, cause) => this.#endAbsence(kind, keys, { ...cause, settledMs: this.#clock() }),
    });
  }

  /** How objects of this cluster are to be slimmed. */
  get slimOptions(): SlimOptions {
    return {
      endpointAddresses: this.#settings.publish === 'clusterIP',
      nodeNetworks: this.#networks !== undefined,
    };
  }

  /** Objects that came, went or changed in what matters of them, since the start. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether {@link commitInitial} has been called. */
  get synced(): boolean {
    return this.#synced;
  }

  /**
   * Announces the cluster, or announces it with another status. Until the first sync is complete, region and zones
   * are what the settings say.
   */
  setStatus(status: ClusterStatus): void {
    this.#status = status;
    if (!this.#announced) this.#topology = this.#concluded();
    this.#announce();
  }

  /** Holds all pushes back until the matching {@link commit}. Batches nest. */
  begin(): void {
    this.#batches++;
  }

  /** Ends a batch: what changed within it is pushed, after a relist as one `replaceShards`. */
  commit(): void {
    assert(this.#batches > (this.#synced ? 0 : 1), 'commit without begin');
    this.#end();
  }

  /**
   * Ends the first sync, in which nothing is pushed: all that was taken in so far becomes the cluster's shards at
   * once, and then its status is set. Further calls only set the status.
   */
  commitInitial(cause: Cause, status: ClusterStatus = 'available'): void {
    if (!this.#synced) {
      assert(this.#batches === 1, 'the first sync ends while a batch is open');
      this.#synced = true;
      this.#relist = cause;
      this.#end();
    }
    if (this.#status !== status) this.setStatus(status);
  }

  /**
   * Takes the complete list of one kind: what it lacks is gone. Outside a batch this pushes one `replaceShards`,
   * or nothing where no fact changed.
   *
   * @param objects - all objects of the kind; faults count as absent and are reported
   * @param cause - the relist; its time is when the list was complete
   */
  replaceAll(kind: ObjectKind, objects: Iterable<SlimResult>, cause: Cause): void {
    const listed = [...objects];
    if (this.#isSuddenlyAbsent(kind, listed, cause)) return;
    this.begin();
    this.#relist ??= cause;
    this.#dropAllBut(kind, listed, cause);
    this.#clearRefusalsBut(kind, listed);
    // Of the first sync there is nothing to tell apart yet; afterwards each object is the cause of its own change.
    for (const object of listed) this.apply(object, this.#synced ? causeOf(object, cause) : cause);
    this.commit();
  }

  /**
   * Has all objects of a kind count for the grace period, since their source lacks the kind all at once.
   *
   * @returns whether they do; not where there is no grace period, or it is over
   */
  holdAll(kind: ObjectKind, cause: Cause): boolean {
    return this.#isSuddenlyAbsent(kind, [], cause);
  }

  /** The source has objects of the kind again, or its loss was meant. */
  endHold(kind: ObjectKind): void {
    this.#absence?.cancel(kind);
  }

  /** From some to none at once is more often an accident than a wish. */
  #isSuddenlyAbsent(kind: ObjectKind, listed: readonly SlimResult[], cause: Cause): boolean {
    const absence = this.#absence;
    const [first] = this.#keysOf(kind);
    if (absence === undefined || listed.length > 0 || first === undefined) {
      absence?.cancel(kind);
      return false;
    }
    if (!absence.begin(kind, this.#keysOf(kind), cause)) return true;
    const fields = { cluster: this.#settings.name, kind, graceSeconds: this.#graceMs / 1000 };
    this.#log?.warn(fields, 'a list is suddenly empty: what it held counts for the grace period');
    return true;
  }

  #endAbsence(kind: ObjectKind, keys: ReadonlySet<string>, cause: Cause): void {
    this.#log?.warn({ cluster: this.#settings.name, kind }, 'a list stayed empty: what it held is gone');
    this.begin();
    this.#relist ??= cause;
    for (const key of keys) this.#drop(kind, key, cause);
    this.commit();
  }

  #dropAllBut(kind: ObjectKind, listed: readonly SlimResult[], cause: Cause): void {
    const [first] = this.#keysOf(kind);
    if (first === undefined) return;
    const keys = new Set<string>();
    for (const object of listed) if (object.kind === kind) keys.add(keyOf(object));
    for (const key of this.#keysOf(kind)) if (!keys.has(key)) this.#drop(kind, key, cause);
  }

  #clearRefusalsBut(kind: ObjectKind, listed: readonly SlimResult[]): void {
    if (this.#refusals.isEmpty) return;
    const names = new Set<string>();
    for (const object of listed) if (object.kind !== 'Other') names.add(nameOf(object));
    this.#refusals.clearExcept(`${kind} `, names);
  }

  /** Adds or replaces one object. A fault takes the place of the object: it is gone, and reported. */
  apply(object: SlimResult, cause: Cause): void {
    if (object.kind === 'Other') return;
    this.begin();
    if (object.kind === 'Fault') this.#refuse(object, cause);
    else if (this.#hasRoom(object)) this.#put(object, cause);
    this.commit();
  }

  /** Removes one object; unknown ones are ignored. `namespace` is empty for a Node. */
  remove(kind: ObjectKind, namespace: string, name: string, cause: Cause): void {
    this.begin();
    this.#absence?.forget(kind, `${namespace}/${name}`);
    this.#drop(kind, `${namespace}/${name}`, cause);
    this.#refusals.clear(objectName(kind, namespace, name));
    this.commit();
  }

  /** Stops following hostnames and waiting. Facts stay in the sink. */
  stop(): void {
    this.#follows.stop();
    this.#lingering?.stop();
    this.#absence?.stop();
    this.#firstEmpty?.timer.cancel();
  }

  report(): ObjectsReport {
    const { region, zones, from } = this.#topology;
    const shards = this.#shards.count();
    return {
      ...(region === undefined ? {} : { region }),
      zones,
      topologyFrom: from,
      objects: this.#count(),
      refusals: [
        ...this.#refusals.list(),
        ...this.#imports.refusals(this.#settings.name),
        ...this.#unresolved(),
      ],
      refusalsTotal: this.#refusals.total,
      shards,
      stale: this.#stale(),
      ...this.#advice(shards),
    };
  }

  /** `namespace/name` of every Service, published or not. */
  serviceKeys(): Iterable<string> {
    return this.#services.keys();
  }

  /**
   * Whether what a shard was made of is not there any more, and no endpoint of it says that it is not ready. A Service that is
   * there and not published is not lacked.
   */
  lacks({ federation, namespace, service }: FederatedName): boolean {
    const key = `${namespace}/${service}`;
    const { any, slices } = this.#slices.endpoints(key, false);
    if (!any && slices > 0) return false;
    if (!this.#services.has(key)) return true;
    const select = this.#rules.federations.find(({ name }) => name === federation)?.select;
    return select === 'export' && !this.#exports.has(key);
  }

  /** The versions that objects have now are their newest, whatever was seen before. */
  acceptVersions(): void {
    this.begin();
    const cause = { object: `versions of cluster ${this.#settings.name}`, timeMs: this.#clock() };
    for (const service of this.#older.clear()) this.#touch(service, cause);
    this.commit();
  }

  /** Another cluster than before tells its objects: their versions have nothing to do with those that were seen. */
  forgetVersions(): void {
    for (const kept of this.#services.values()) kept.version = 0;
    for (const kept of this.#slices.values()) kept.version = 0;
    this.#older.clear();
  }

  /** What can be said of one Service beyond its shards. */
  account(namespace: string, name: string): ServiceAccount {
    const key = `${namespace}/${name}`;
    const kept = this.#services.get(key);
    if (kept === undefined) return accountOfNone({ namespace, name }, this.#rules);
    const service = unkeepService({ namespace, name }, kept);
    const facts = {
      ...this.#aroundOf(key, service),
      slices: this.#slices.slicesOf(key),
      hostnames: this.#follows.of(key),
    };
    return accountOf(service, facts, this.#rules);
  }

  #advice(shards: number): Pick<ClusterReport, 'advice'> {
    // What hosts lead to is served without any Service.
    if (!this.#synced || this.#hosts.size > 0) return {};
    const counts = { services: this.#services.size, slices: this.#slices.size, shards };
    const advice = adviceOf(counts, this.#rules);
    return advice === undefined ? {} : { advice };
  }

  #stale(): StalePart[] {
    const parts = this.#absence?.stale() ?? [];
    if (this.#firstEmpty === undefined) return parts;
    return [...parts, { part: 'first list', code: 'LIST_EMPTY', sinceMs: this.#firstEmpty.sinceMs }];
  }

  #count(): number {
    // A host is counted with the object that names it.
    const services = this.#services.size;
    return services + this.#slices.size + this.#nodes.size + this.#exports.size + this.#hosts.size;
  }

  #keysOf(kind: ObjectKind): Iterable<string> {
    switch (kind) {
      case 'Service':
        return this.#hosts.size === 0 ? this.#services.keys() : ownServices(this.#services.keys());
      case 'EndpointSlice':
        return this.#slices.keys();
      case 'Node':
        return this.#nodes.keys();
      case 'ServiceExport':
        return this.#exports.keys();
      default:
        return this.#hosts.keys(kind);
    }
  }

  #has(kind: ObjectKind, key: string): boolean {
    switch (kind) {
      case 'Service':
        return this.#services.has(key);
      case 'EndpointSlice':
        return this.#slices.get(key) !== undefined;
      case 'Node':
        return this.#nodes.has(key);
      case 'ServiceExport':
        return this.#exports.has(key);
      default:
        return this.#hosts.has(kind, key);
    }
  }

  /** Beyond the cap new objects are refused; those that are there go on working. */
  #hasRoom(object: SlimObject): boolean {
    const max = this.#settings.limits.objects;
    if (this.#count() < max || this.#has(object.kind, keyOf(object))) return true;
    const message = `the cluster already has ${max} objects, its limit`;
    this.#refusals.set(nameOf(object), [{ code: 'OBJECT_LIMIT', message }]);
    return false;
  }

  #refuse(fault: ObjectFault, cause: Cause): void {
    if (fault.of !== undefined) this.#drop(fault.of, keyOf(fault), cause);
    this.#refusals.set(nameOf(fault), [{ code: fault.code, message: fault.message }]);
  }

  #put(object: SlimObject, cause: Cause): void {
    const key = keyOf(object);
    this.#absence?.forget(object.kind, key);
    // Clears what stood against the object; findings about a Service come back when it is reduced.
    const isKnownService = object.kind === 'Service' && this.#services.has(key);
    if (!isKnownService && !this.#refusals.isEmpty) this.#refusals.clear(nameOf(object));
    switch (object.kind) {
      case 'Service':
        return this.#putService(key, object, cause);
      case 'EndpointSlice':
        return this.#putSlice(key, object, cause);
      case 'Node':
        return this.#putNode(key, object);
      case 'ServiceExport':
        if (this.#exports.has(key)) return;
        this.#changes++;
        this.#touch(key, cause);
        this.#exports.add(key);
        return;
      default:
        this.#takeHosts(object, this.#hosts.put(object), cause);
    }
  }

  #takeHosts(object: HostObject | undefined, { labels, findings }: HostChange, cause: Cause): void {
    if (object !== undefined && findings.length > 0) this.#refusals.set(nameOf(object), findings);
    for (const label of labels) {
      const key = `${HOSTS_NAMESPACE}/${label}`;
      const service = this.#hosts.service(label);
      if (service !== undefined) this.#putService(key, service, cause);
      else if (this.#services.delete(key)) this.#touch(key, cause);
    }
  }

  #putService(key: string, service: SlimService, cause: Cause): void {
    const kept = keepService(service, this.#settings.publish === 'clusterIP');
    const known = this.#services.get(key);
    if (known !== undefined && sameService(known, kept)) {
      this.#renew(`Service ${key}`, key, known, kept.version, cause);
      return;
    }
    this.#older.note(`Service ${key}`, key, known?.version ?? 0, kept.version);
    this.#changes++;
    // The same text is the key of the Service's slices and shards, and of those in other clusters.
    const shared = intern(key);
    this.#services.set(shared, kept);
    this.#touch(shared, cause);
  }

  #putSlice(key: string, slice: SlimEndpointSlice, cause: Cause): void {
    const known = this.#slices.get(key);
    const service = slice.service === undefined ? '' : `${slice.namespace}/${slice.service}`;
    const version = versionOf(slice.resourceVersion);
    if (known !== undefined && sameSlice(known, slice)) {
      this.#renew(`EndpointSlice ${key}`, service, known, version, cause);
      return;
    }
    this.#older.note(`EndpointSlice ${key}`, service, known?.version ?? 0, version);
    this.#changes++;
    this.#tally.countEndpoints(slice.all, 1);
    this.#imports.count(slice.importer, 1);
    const before = this.#slices.put(key, slice);
    if (before !== undefined) this.#replaced(before, slice, cause);
    if (slice.service !== undefined) this.#touch(`${slice.namespace}/${slice.service}`, cause);
    if (before?.service !== undefined) this.#touch(before.service, cause);
  }

  /** The object says what it said: a version that is older changes nothing, and a newer one may end that it was older. */
  #renew(object: string, service: string, known: { version: number }, version: number, cause: Cause): void {
    if (version < known.version) return;
    const isNewer = this.#older.note(object, service, known.version, version);
    known.version = version;
    if (isNewer) this.#touch(service, cause);
  }

  #putNode(key: string, node: SlimNode): void {
    const before = this.#nodes.get(key);
    if (before !== undefined && sameNode(before, node)) return;
    this.#changes++;
    if (before !== undefined) this.#tally.countNode(before, -1);
    this.#tally.countNode(node, 1);
    this.#networks?.count(before?.networks, node.networks);
    this.#nodes.set(key, {
      ...(node.region === undefined ? {} : { region: node.region }),
      ...(node.zone === undefined ? {} : { zone: node.zone }),
      ...(node.virtual === undefined ? {} : { virtual: node.virtual }),
      ...(node.networks === undefined ? {} : { networks: node.networks }),
    });
  }

  #drop(kind: ObjectKind, key: string, cause: Cause): void {
    if (this.#has(kind, key)) this.#changes++;
    this.#older.forget(`${kind} ${key}`);
    switch (kind) {
      case 'Service':
        if (this.#services.delete(key)) this.#touch(key, cause);
        return;
      case 'EndpointSlice':
        return this.#dropSlice(key, cause);
      case 'Node':
        return this.#dropNode(key);
      case 'ServiceExport':
        if (this.#exports.delete(key)) this.#touch(key, cause);
        return;
      default:
        this.#takeHosts(undefined, this.#hosts.drop(kind, key), cause);
    }
  }

  #dropSlice(key: string, cause: Cause): void {
    const before = this.#slices.delete(key);
    if (before === undefined) return;
    this.#replaced(before, undefined, cause);
    if (before.service !== undefined) this.#touch(before.service, cause);
  }

  /** What a slice had and lacks now counts a moment longer, unless this is a complete picture. */
  #replaced(before: IndexedSlice, after: SlimEndpointSlice | undefined, cause: Cause): void {
    this.#imports.count(before.importer, -1);
    const lingers = this.#synced && this.#relist === undefined && losesEndpoints(before, after);
    if (this.#lingering === undefined || !lingers) {
      this.#tally.countEndpoints(before.all, -1);
      return;
    }
    this.#slices.link(before);
    this.#lingering.add(before, cause);
  }

  #letGo(slice: IndexedSlice, cause: Cause): void {
    this.#slices.unlink(slice);
    this.#tally.countEndpoints(slice.all, -1);
    if (slice.service !== undefined) this.#touch(slice.service, cause);
  }

  #dropNode(key: string): void {
    const before = this.#nodes.get(key);
    if (before === undefined) return;
    this.#nodes.delete(key);
    this.#tally.countNode(before, -1);
    this.#networks?.count(before.networks, undefined);
  }

  #touch(service: string, cause: Cause): void {
    if (this.#services.has(service) || this.#shards.has(service)) this.#dirty.set(service, cause);
  }

  #end(): void {
    this.#batches--;
    this.#flush();
  }

  #flush(): void {
    if (this.#batches > 0) return;
    if (this.#tally.changed || this.#places.isRenewed) this.#concludeTopology();
    if (this.#networks?.changed === true) this.#announce();
    const relist = this.#relist;
    this.#relist = undefined;
    if (relist === undefined) this.#pushDirty();
    else this.#pushRelist(relist);
  }

  #concluded(): Topology {
    const admit = (place: string): boolean => this.#places.admit(place);
    return concludeTopology(this.#settings, this.#tally, { known: this.#topology, admit });
  }

  /** Where the cluster lies elsewhere than before, all its shards may have other zones. */
  #concludeTopology(): void {
    this.#tally.changed = false;
    const before = this.#topology;
    this.#topology = this.#concluded();
    this.#refusals.set(`Cluster ${this.#settings.name}`, this.#topology.findings);
    this.#warnOfMove(before);
    if (this.#announced && sameTopology(before, this.#topology)) return;
    this.#announce();
    if (before.region === this.#topology.region && sameTexts(before.zones, this.#topology.zones)) return;
    const cause: Cause = { object: `topology of cluster ${this.#settings.name}`, timeMs: this.#clock() };
    for (const key of this.#services.keys()) if (!this.#dirty.has(key)) this.#dirty.set(key, cause);
  }

  /** A cluster that seems to move changes names of all its Services, so the operator is told at once. */
  #warnOfMove(before: Topology): void {
    const { region } = this.#topology;
    const fields = { cluster: this.#settings.name, region, before: before.region };
    if (before.region !== undefined && region !== before.region) {
      this.#log?.warn(fields, 'no Node names the region of the cluster any more: it is another now');
    }
  }

  #announce(): void {
    const { region, zones } = this.#topology;
    // Until its Nodes have been listed a cluster is where it was last heard of.
    const networks = this.#synced ? this.#networks?.networks() : undefined;
    this.#announced = true;
    this.#sink.setCluster({
      name: this.#settings.name,
      ...(region === undefined ? {} : { region }),
      zones,
      status: this.#status,
      ...(this.#settings.region === undefined ? {} : { regionConfigured: true }),
      ...(this.#settings.zones === undefined ? {} : { zonesConfigured: true }),
      ...(networks === undefined ? {} : { networks }),
    });
  }

  #pushDirty(): void {
    // What an earlier run left still stands for all of the cluster.
    const [first] = this.#dirty.values();
    if (this.#firstEmpty !== undefined && first !== undefined) return this.#pushRelist(first);
    for (const [key, cause] of this.#dirty) {
      const { changed, gone } = this.#reduce(key, cause);
      for (const shard of changed) this.#sink.upsertShard(shard);
      for (const federation of gone) this.#sink.removeShard(this.#idOf(federation, key), cause);
    }
    this.#dirty.clear();
  }

  #pushRelist(cause: Cause): void {
    // The first time also an empty list is pushed: it may replace what a snapshot left in the sink.
    let differs = !this.#pushed;
    for (const [key, dirtyCause] of this.#dirty) {
      const { changed, gone } = this.#reduce(key, dirtyCause);
      if (changed.length > 0 || gone.length > 0) differs = true;
    }
    this.#dirty.clear();
    if (this.#isFirstEmpty(cause)) return;
    this.#pushed = true;
    if (differs) this.#sink.replaceShards(this.#settings.name, [...this.#shards.all()], cause);
  }

  /**
   * Whether a first picture waits that lacks a whole kind without which no shard is healthy, because an earlier run
   * knew some: what is held must not end with a restart.
   */
  #isFirstEmpty(cause: Cause): boolean {
    const timers = this.#timers;
    const lacksKind = this.#shards.isEmpty || this.#slices.size === 0;
    const waits = this.#hasEarlierFacts && timers !== undefined && this.#graceMs > 0 && lacksKind;
    if (this.#pushed || !waits) {
      this.#firstEmpty?.timer.cancel();
      this.#firstEmpty = undefined;
      return false;
    }
    this.#firstEmpty ??= {
      timer: timers.after(this.#graceMs, () => {
        this.#hasEarlierFacts = false;
        this.#pushRelist({ ...cause, settledMs: this.#clock() });
      }),
      sinceMs: this.#clock(),
    };
    return true;
  }

  /** Reduces a Service and keeps the outcome. */
  #reduce(key: string, cause: Cause): ShardChange {
    const kept = this.#services.get(key);
    if (kept === undefined) this.#follows.follow(key, [], []);
    const facts = kept === undefined ? NO_FACTS : this.#factsOf(key, unkeepService(namesOf(key), kept));
    return this.#shards.put(key, facts, cause);
  }

  #idOf(federation: string, key: string): ShardId {
    const { namespace, name } = namesOf(key);
    return { cluster: this.#settings.name, federation, namespace, service: name };
  }

  #factsOf(key: string, service: SlimService): readonly ShardFacts[] {
    const { shards, findings } = reduceService(
      service,
      {
        ...this.#aroundOf(key, service),
        resolve: (hostnames, refused) => this.#follows.follow(key, hostnames, refused),
        resolvedTtlSeconds: () => this.#follows.ttlSeconds(key),
      },
      this.#rules,
    );
    if (findings.length > 0 || !this.#refusals.isEmpty) this.#refusals.set(nameOf(service), findings);
    if (shards.length > 0) this.#checkNamespace(service.namespace);
    return shards;
  }

  /** Hostnames that leave a load balancer without an address: the object is fine, so no refusal stands in the book. */
  #unresolved(): Refusal[] {
    const refusals: Refusal[] = [];
    for (const [key, hostname, { message, sinceMs }] of this.#follows.troubles()) {
      if (refusals.length === UNRESOLVED_MAX) break;
      const { namespace, name } = namesOf(key);
      const object = objectName('Service', namespace, name);
      refusals.push({
        code: 'HOSTNAME_UNRESOLVED',
        object,
        message: `${hostname} does not resolve: ${message}`,
        sinceMs,
      });
    }
    return refusals;
  }

  /** What else of the cluster has a say in a Service. */
  #aroundOf(key: string, service: SlimService): Omit<ServiceFacts, 'resolve'> {
    return {
      exported: this.#exports.has(key),
      endpoints:
        service.namespace === HOSTS_NAMESPACE
          ? ENTRANCE
          : this.#slices.endpoints(key, service.publishNotReadyAddresses),
      region: this.#topology.region,
      zones: this.#topology.zones,
      older: this.#older.has(key),
    };
  }

  /** Legal, but the two are easily taken for each other in a name. */
  #checkNamespace(namespace: string): void {
    if (!this.#rules.federations.some(({ name }) => name === namespace)) return;
    const message = `namespace ${namespace} has the name of a federation; names in it are easily misread`;
    this.#refusals.set(`Namespace ${namespace}`, [{ code: 'NAMESPACE_LIKE_FEDERATION', message }]);
  }
}

const NO_FACTS: readonly ShardFacts[] = [];
/** What lies behind an entry point is its own affair: it is there, and so ready. */
const ENTRANCE: Endpoints = { any: true, slices: 1, zones: new Set(), addresses: [], addressZones: [] };

/** Services that are none of hosts. */
function* ownServices(keys: Iterable<string>): Generator<string> {
  for (const key of keys) if (!key.startsWith(`${HOSTS_NAMESPACE}/`)) yield key;
}

/** Hostnames in trouble that are reported of one cluster: more than anyone reads. */
const UNRESOLVED_MAX = 100;

function placeOf(earlier: ClusterObjectsOptions['earlier']): Pick<Topology, 'region' | 'zones'> {
  return earlier?.region === undefined ? { zones: [] } : { region: earlier.region, zones: earlier.zones };
}

type KeptNode = Pick<SlimNode, 'region' | 'zone' | 'virtual' | 'networks'>;

function sameNode(a: KeptNode, b: SlimNode): boolean {
  const isSamePlace = a.region === b.region && a.zone === b.zone && a.virtual === b.virtual;
  return isSamePlace && sameTexts(a.networks ?? [], b.networks ?? []);
}

/** Where the configuration tells the networks, Nodes need not. */
function networkTallyOf({ clientNetworks, settings }: ClusterObjectsOptions): NetworkTally | undefined {
  return clientNetworks === true && settings.clients.length === 0 ? new NetworkTally() : undefined;
}

function refusalBookOf({ log, clock, settings }: ClusterObjectsOptions): RefusalBook {
  if (log === undefined) return new RefusalBook(clock);
  return new RefusalBook(clock, new RefusalLog({ log, clock, cluster: settings.name }).say);
}

function nameOf(object: SlimObject | ObjectFault): string {
  const kind = object.kind === 'Fault' ? (object.of ?? 'Object') : object.kind;
  return objectName(kind, object.namespace, object.name);
}

/** What a relist changes, named by the object. */
function causeOf(object: SlimResult, relist: Cause): Cause {
  if (object.kind === 'Other') return relist;
  const version = object.kind === 'Fault' ? undefined : object.resourceVersion;
  return {
    object: nameOf(object),
    ...(version === undefined ? {} : { resourceVersion: version }),
    timeMs: relist.timeMs,
  };
}

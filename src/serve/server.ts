/**
 * The composition root: builds every part of a server from its settings, starts them in an order in which each finds
 * what it needs, exchanges what a reload changes, and stops them in reverse. What the parts do is theirs; signals,
 * files and exit codes belong to process/run-serve.ts.
 *
 * ```
 *  state ──► serial ──► domain (image) ◄── facts ── sources
 *    │                    │   └──► data plane ◄──► clients
 *    └── snapshot ────────┘   └──► admin ◄── operators
 * ```
 */

import { isDeepStrictEqual } from 'node:util';
import { LiveFeed } from '../admin/live-feed.ts';
import { Metrics } from '../admin/metrics.ts';
import { AdminServer } from '../admin/server.ts';
import { isDualStack, ListenError } from '../server/socket-address.ts';
import type { SocketLedger } from '../server/workers/socket-ledger.ts';
import type { ListenAddress, Settings } from '../config/settings.ts';
import type { Schedule } from '../jobs.ts';
import { BoundedLog } from './bounded-log.ts';
import { systemTimers } from '../timers.ts';
import type { HealthChange } from '../zonebuilder/builder.ts';
import type { Drains } from '../steering/drains/drains.ts';
import { drainControl, makeDrains } from './drain-keeper.ts';
import { drillGround } from './drill-ground.ts';
import { DrillsKeeper } from './drills-keeper.ts';
import { FactRelay } from './fact-relay.ts';
import { GuardKeeper } from './guard-keeper.ts';
import { ClockWatch } from './clock-watch.ts';
import { KeysKeeper, type KeyedSettings } from './keys-keeper.ts';
import { clientReport, geoControl } from './geo/geo-control.ts';
import { GeoKeeper } from './geo/geo-keeper.ts';
import { journalControl } from './journal-control.ts';
import { JournalKeeper } from './journal-keeper.ts';
import { liveControlPlane } from './live-control-plane.ts';
import { logBrokenSnapshot, openState } from './open-state.ts';
import type { OpenState } from './open-state.ts';
import type { DataPlane, Listening, Parts, ServedDomain, ServedDomainHooks } from './parts.ts';
import { Sources } from './sources.ts';
import { SnapshotKeeper, restoreSnapshot } from '../state/snapshot.ts';
import type { Restored } from '../state/snapshot.ts';
import type { Snapshot } from '../state/snapshot-file.ts';
import { reasonOf } from '../state/layout.ts';
import type { ClusterFacts } from '../state/snapshot-format.ts';
import type { Predecessor } from './succession.ts';
import { TransferKeeper } from './transfer-keeper.ts';
import { refuseOtherFolder, SuccessionKeeper } from './succession-keeper.ts';
import type { Cause, ClusterState } from '../zonebuilder/facts.ts';
import type { Clock, Log } from '../log.ts';

export interface ServerOptions {
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly clock: Clock;
  readonly parts: Parts;
  readonly schedule: Schedule;
  readonly version: string;
  /** Clusters that cannot be read for want of a file, and what the operator is to be told. Default: none. */
  readonly absent?: readonly { readonly cluster: string; readonly fault: string }[];
  /** The process that this one follows. Default: none. */
  readonly predecessor?: Predecessor;
}

/** What a server stands on. */
interface Foundation {
  readonly state: OpenState;
  readonly stack: AsyncDisposableStack;
  readonly ledger: SocketLedger | undefined;
  readonly keys: KeysKeeper;
}

/** Clusters whose files are not there, and of which the last run has left nothing to serve. */
export class AbsentError extends Error {
  /** One line each. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.name = 'AbsentError';
    this.faults = faults;
  }
}

/** A server that cannot start, for a reason in one line. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

/**
 * Time that the first look at the clusters gets before queries are taken, in milliseconds: files are read long before
 * that, and a cluster out of reach must not keep the others from being served.
 */
const FIRST_LOOK_MS_MAX = 3000;

/** Settings that a running server cannot change: its sockets, threads and the state folder that it holds. */
const FIXED_KEYS = [
  'listen',
  'admin',
  'transport',
  'workers',
  'pinWorkers',
  'stateDir',
  'journal',
  'tcp',
  'tls',
  'steering',
] as const;

/** Services that are warned of in the life of a process; a few say what a thousand would. */
const NOTICES_SHOWN_MAX = 100;

/** Settings that the served domain is made from. */
const DOMAIN_KEYS = [
  'domain',
  'nameservers',
  'hostmaster',
  'ttlSeconds',
  'ttlMinSeconds',
  'ttlDegradedSeconds',
  'maxAddresses',
  'negativeTtlSeconds',
  'nodataTtlSeconds',
  'apexTtlSeconds',
  'whenNoneHealthy',
  'federations',
  'statics',
  'udpPayloadMax',
] as const;

/**
 * Starts a server.
 *
 * @throws StartError, or an error with a message for the operator; then nothing is left running
 */
export async function startServer(plain: Settings, options: ServerOptions): Promise<RunningServer> {
  const stack = new AsyncDisposableStack();
  try {
    const keys = new KeysKeeper({ timers: systemTimers, log: options.log });
    const prepared = await keys.prepare(plain);
    keys.commit(prepared);
    const { settings } = prepared;
    const estate = options.predecessor?.estate;
    const state = await openState(settings.stateDir, {
      ...options,
      stack,
      ...(estate && { holder: estate }),
    });
    if (estate !== undefined) refuseOtherFolder(state, estate);
    const ledger = await options.parts.openLedger?.(settings, estate?.sockets ?? []);
    stack.defer(() => ledger?.close());
    const server = new RunningServer(settings, options, { state, stack, ledger, keys });
    await server.start();
    return server;
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** A server from its start to its end. Made by {@link startServer}. */
export class RunningServer {
  readonly metrics: Metrics;
  /** For a process that follows this one. */
  readonly succession: SuccessionKeeper;
  readonly #options: ServerOptions;
  readonly #state: OpenState;
  readonly #stack: AsyncDisposableStack;
  readonly #ledger: SocketLedger | undefined;
  readonly #journal: JournalKeeper;
  readonly #relay: FactRelay;
  readonly #guard: GuardKeeper;
  readonly #healthLog: BoundedLog;
  readonly #sources: Sources;
  readonly #geo: GeoKeeper;
  readonly #keys: KeysKeeper;
  readonly #clockWatch: ClockWatch;
  readonly #transfers: TransferKeeper;
  readonly #live: LiveFeed;
  readonly #drains: Drains;
  readonly #drills: DrillsKeeper;
  /** What sockets, threads and state folder were made from. */
  readonly #bound: Settings;
  #settings: Settings;
  #restartPending: readonly string[] = [];
  #domain: ServedDomain;
  #dataPlane: DataPlane | undefined;
  #listening: Listening | undefined;
  #admin: AdminServer | undefined;
  #keeper: SnapshotKeeper | undefined;
  #notices = 0;
  #restoring = false;
  #isDraining = false;

  constructor(settings: Settings, options: ServerOptions, { state, stack, ledger, keys }: Foundation) {
    const { log, clock, parts, version } = options;
    this.#options = options;
    this.#state = state;
    this.#stack = stack;
    this.#ledger = ledger;
    this.#keys = keys;
    this.#clockWatch = new ClockWatch({ clock, timers: systemTimers, log });
    stack.defer(() => this.#clockWatch.stop());
    this.#bound = settings;
    this.#settings = settings;
    this.#healthLog = new BoundedLog(log, systemTimers);
    stack.defer(() => this.#healthLog.stop());
    this.#journal = new JournalKeeper({ settings, layout: state.layout, clock, log });
    // It ends behind everything that could still change an answer.
    stack.defer(() => this.#journal.live.stop());
    this.#transfers = new TransferKeeper({
      domain: () => this.#domain,
      dataPlane: () => this.#dataPlane,
      serial: () => state.serial.current,
      raiseSerial: (to) => this.#raiseSerial(to),
      log,
    });
    this.#domain = this.#openDomain(settings);
    this.#relay = new FactRelay(this.#domain, () => this.#geo.touch());
    this.#geo = this.#makeGeo();
    this.#drains = makeDrains({
      layout: state.layout,
      domain: () => this.#domain,
      dataPlane: () => this.#dataPlane,
      peers: settings.steering.peers,
      shared: parts.openSharedDrains?.(settings, { clock, log }),
      clock,
      log,
      journal: this.#journal.live,
    });
    this.#drills = this.#makeDrills();
    this.#guard = this.#makeGuard();
    this.#sources = new Sources(parts, {
      sink: this.#guard.guard,
      clock,
      log,
      knownOf: (cluster) => this.#knownOf(cluster),
    });
    this.succession = this.#makeSuccession();
    stack.defer(() => this.succession.stop());
    const control = liveControlPlane({
      domain: () => this.#domain,
      witness: this.#sources,
      dataPlane: () => this.#dataPlane,
      serial: () => state.serial.current,
      restartPending: () => this.#restartPending,
      geo: geoControl(() => this.#geo.state()),
      journal: journalControl({
        live: this.#journal.live,
        domain: () => this.#settings.domain,
        picture: (service) => this.#journal.picture(this.#domain, service),
        clock,
      }),
      settings: () => this.#settings,
      version,
      startedMs: clock(),
      drains: drainControl(this.#drains, clock),
      guard: this.#guard,
      transfers: this.#transfers,
      clockWatch: this.#clockWatch,
      isDraining: () => this.#isDraining,
      drills: this.#drills.control,
    });
    this.#live = new LiveFeed({ control, clock, timers: systemTimers });
    this.metrics = new Metrics({ control, clock, version });
    if (settings.admin !== undefined) this.#admin = this.#makeAdmin(settings.admin, control);
  }

  /** Where queries are taken, with the real ports. */
  get addresses(): readonly ListenAddress[] {
    return this.#listening!.addresses;
  }

  /** How long queries are answered on after the signal to end. */
  get drainSeconds(): number {
    return this.#settings.drainSeconds;
  }

  /** Says that no more queries are wanted, and goes on answering. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Where the admin server listens; undefined when there is none. */
  get adminAddress(): ListenAddress | undefined {
    return this.#admin?.address;
  }

  /** To be called once, by {@link startServer}. */
  async start(): Promise<void> {
    const { predecessor } = this.#options;
    if (predecessor === undefined) await this.#startRecords();
    const covered = await this.#restore();
    this.#clockWatch.start(this.#state.snapshot?.savedMs);
    this.#refuseAbsent(covered);
    if (predecessor === undefined) await this.#startKeepers();
    await this.#startSources(covered);
    this.#openDataPlane();
    if (predecessor === undefined) this.#domain.beginServing();
    else await this.#succeed(predecessor);
    await this.#sign();
    this.#listening = await this.#dataPlane!.start();
    this.#announce(this.#listening);
    this.#stack.defer(() => this.#transfers.stop());
    await this.#transfers.adopt(this.#settings);
    this.#stack.defer(() => this.#keys.stop());
    this.#keys.start((changed) => this.#rekey(changed));
    this.#stack.defer(() => this.#drains.stop());
    this.#drains.start();
    // After the sockets: nobody waits for a database. A successor has it already.
    if (predecessor === undefined) this.#geo.adopt(this.#settings);
    else await this.succession.seeOff(predecessor);
    // Before the drains end, and the sockets; where this is not reached, below.
    this.#stack.defer(() => this.#drills.stop());
    // Not only a minute from now: whoever crashes early has a state to come back to.
    void this.#keeper?.save();
  }

  /** Signs with the keys in force. */
  async #sign(): Promise<void> {
    await this.#dataPlane?.sign?.(this.#keys.keys, this.#settings, this.#clockWatch.knownMs);
  }

  /** What owns the state folder and the admin address. */
  async #startKeepers(): Promise<void> {
    await this.#startAdmin();
    this.#keepSnapshot();
  }

  /** What of the state folder answers depend on, or tells of them. */
  async #startRecords(): Promise<void> {
    const { version, predecessor } = this.#options;
    const follows = predecessor === undefined ? '' : `, in place of process ${predecessor.estate.pid}`;
    this.#journal.serve(this.#domain);
    this.#journal.live.start();
    this.#journal.live.note({ what: 'started', text: `version ${version}${follows}` });
    // What was taken out is so from the first answer on.
    await this.#drains.restore();
    this.#stack.defer(() => this.#drills.stop());
    await this.#drills.start(this.#settings);
  }

  #openDataPlane(): void {
    const { parts, log, version } = this.#options;
    const { image } = this.#domain;
    const dataPlane = parts.openDataPlane(this.#settings, image, log, version, this.#ledger);
    this.#dataPlane = dataPlane;
    this.#stack.defer(() => dataPlane.stop());
    this.#stack.defer(() => this.#geo.stop());
  }

  #succeed(predecessor: Predecessor): Promise<void> {
    return this.succession.succeed(predecessor, {
      prepare: async () => {
        this.#domain.beginServing();
        this.#geo.adopt(this.#settings);
        await this.#geo.refresh();
      },
      own: async () => {
        await this.#startRecords();
        await this.#startKeepers();
      },
    });
  }

  #makeSuccession(): SuccessionKeeper {
    return new SuccessionKeeper({
      state: this.#state,
      ledger: this.#ledger,
      relay: this.#relay,
      sources: this.#sources,
      domain: () => this.#domain,
      dataPlane: () => this.#dataPlane,
      admin: () => this.#admin,
      snapshots: () => this.#keeper,
      journal: this.#journal.live,
      drills: this.#drills,
      clock: this.#options.clock,
      log: this.#options.log,
    });
  }

  /**
   * Puts other settings in force. Either all of it takes effect, or the old settings stay.
   *
   * @throws when the settings cannot be served
   */
  async reload(plain: Settings): Promise<void> {
    const before = this.#settings;
    const prepared = await this.#keys.prepare(plain);
    const { settings } = prepared;
    const changed = DOMAIN_KEYS.filter((key) => !isDeepStrictEqual(before[key], settings[key]));
    // A list of records may be long and change often: no fact has to be moved for it.
    const isSameDomain = changed.every((key) => key === 'statics');
    const domain = isSameDomain ? this.#domain : this.#openDomain(settings);
    const putInForce = await this.#prepare(settings, domain);
    if (!isSameDomain) this.#exchangeDomain(domain, settings);
    else if (changed.length > 0) domain.replaceStatics(settings);
    this.#settings = settings;
    this.#keys.commit(prepared);
    this.#noteRestart(settings);
    // Beside the changes that it made: a stop may come while workers take it on.
    this.#journal.live.note({ what: 'reloaded', ...(changed.length > 0 && { text: changed.join(', ') }) });
    await putInForce(domain.image);
    await this.#sign();
    await this.#transfers.adopt(settings);
    this.#geo.adopt(settings);
    await this.#drills.adopt(settings);
    this.#guard.adopt(settings);
    await within(FIRST_LOOK_MS_MAX, this.#sources.reconcile(settings));
  }

  /** A step of a roll, or another Secret. */
  #rekey({ settings, keys }: KeyedSettings): void {
    this.#domain.replaceStatics(settings);
    this.#settings = settings;
    this.#journal.live.note({ what: 'reloaded', text: 'keys' });
    void this.#dataPlane?.sign?.(keys, settings, this.#clockWatch.knownMs);
  }

  async #prepare(settings: Settings, domain: ServedDomain): ReturnType<DataPlane['prepare']> {
    try {
      return await this.#dataPlane!.prepare(settings);
    } catch (error) {
      if (domain !== this.#domain) this.#journal.drop(domain);
      throw error;
    }
  }

  /** Compared with what is bound, and not with the file before: a change that is taken back waits for nothing. */
  #noteRestart(settings: Settings): void {
    const before = this.#restartPending;
    const keys = FIXED_KEYS.filter((key) => !isDeepStrictEqual(this.#bound[key], settings[key]));
    this.#restartPending = keys;
    const { log } = this.#options;
    if (keys.length > 0) log.warn({ keys }, 'these settings take effect with a restart');
    else if (before.length > 0) log.info({ keys: before }, 'no setting waits for a restart any more');
  }

  /** Answers what has come in, stops everything and keeps the state. */
  async stop(): Promise<void> {
    this.#journal.live.note({ what: 'stopped' });
    await this.#stack.disposeAsync();
  }

  /** Tables reach the workers behind their orders: until then those that they have go by the orders before. */
  #makeGeo(): GeoKeeper {
    const { clock, log, schedule, parts } = this.#options;
    return new GeoKeeper({
      compile: parts.compileGeo,
      clusters: () => Array.from(this.#domain.facts(), ({ cluster }) => cluster),
      publish: async ({ memory, orders }) => {
        this.#domain.setOrders(orders);
        await this.#dataPlane?.locate(memory);
        this.#journal.live.note({ what: 'clientTables' });
      },
      clock,
      timers: systemTimers,
      schedule,
      log,
    });
  }

  #makeDrills(): DrillsKeeper {
    const { clock, schedule, log } = this.#options;
    const ground = drillGround({
      drains: this.#drains,
      domain: () => this.#domain,
      dataPlane: () => this.#dataPlane,
      guardHeld: () =>
        this.#guard.guard.stops().map(({ cluster, shards }) => `${cluster} (${shards.size} shards)`),
      clock,
    });
    return new DrillsKeeper({
      ground,
      layout: this.#state.layout,
      schedule,
      clock,
      log,
      journal: this.#journal.live,
    });
  }

  /** Between sources and relay: what it withholds outlives the domain that a reload exchanges. */
  #makeGuard(): GuardKeeper {
    const { clock, log } = this.#options;
    const keeper = new GuardKeeper({
      settings: this.#settings,
      sink: this.#relay,
      served: () => this.#domain,
      lacks: (id) => this.#sources.lacks(id),
      acceptVersions: (cluster) => this.#sources.acceptVersions(cluster),
      timers: systemTimers,
      clock,
      log,
      journal: this.#journal.live,
    });
    this.#stack.defer(() => keeper.guard.stop());
    return keeper;
  }

  #openDomain(settings: Settings): ServedDomain {
    const { serial } = this.#state;
    const { clock } = this.#options;
    let opened: ServedDomain | undefined;
    const hooks: ServedDomainHooks = {
      // The first domain is made before there is anything to follow.
      nextSerial: () => this.succession?.nextSerial() ?? serial.next(),
      currentSerial: () => serial.current,
      clock,
      onImage: (image) => {
        // A domain that is still being opened or filled is not served yet.
        if (opened !== undefined && opened === this.#domain) this.#dataPlane?.follow(image);
      },
      onNotice: ({ service, text }) => {
        // Whoever has many such Services has one cause; explain tells of each.
        const level = this.#notices++ < NOTICES_SHOWN_MAX ? 'warn' : 'debug';
        this.#options.log[level]({ service }, text);
      },
      onRefusal: (cluster, { code, object, message }) => {
        this.#options.log.warn({ cluster, code, object }, message);
      },
      onHealth: (changes, cause) => this.#logHealth(changes, cause),
      locate: (client) => clientReport(this.#geo.state(), client),
      onChange: ({ cluster, causeMs, services }) => {
        if (opened !== undefined && opened === this.#domain) {
          this.#live.changed(services);
          this.#drills.look(services);
        }
        // What was restored, or moved by a reload, says nothing of how long a change took.
        if (this.#restoring || cluster === '') return;
        const seconds = Math.max(0, clock() - causeMs) / 1000;
        this.metrics.observePropagation(cluster, seconds);
        this.#live.propagated(seconds);
      },
    };
    // What a successor reads first is in the journal already.
    const isServed = this.#domain === undefined && this.#options.predecessor === undefined;
    opened = this.#journal.open(settings, isServed, (journal) =>
      this.#transfers.open(settings, journal, (recorder) =>
        this.#options.parts.openDomain(settings, { ...hooks, recorder }),
      ),
    );
    return opened;
  }

  /** A secondary has the zone under a later serial, of another replica or of a state folder that was lost. */
  #raiseSerial(to: number): void {
    this.#state.serial.raise(to);
    this.#domain.showSerial(this.#state.serial.current);
  }

  #logHealth(changes: readonly HealthChange[], cause: Cause): void {
    for (const { cluster, service, isHealthy } of changes) {
      const message = isHealthy ? 'a shard is healthy' : 'a shard is not healthy any more';
      this.#healthLog.info({ cluster, service, cause: cause.object }, message);
    }
  }

  /** The new domain is complete before the workers hear of it. */
  #exchangeDomain(domain: ServedDomain, settings: Settings): void {
    const clusters = new Set([...settings.clusters.map(({ name }) => name), ...this.#sources.joined]);
    domain.setDrains(this.#drains.rules, { object: 'configuration', timeMs: this.#options.clock() });
    this.#relay.switchTo(domain, clusters, this.#options.clock());
    for (const orders of this.#geo.orders) domain.setOrders(orders);
    domain.beginServing();
    const cause = { object: 'configuration', timeMs: this.#options.clock() };
    this.#journal.exchange(this.#domain, domain, { serial: this.#state.serial.current, cause });
    this.#domain = domain;
    this.#transfers.exchange();
    this.#live.changed([]);
  }

  #knownOf(cluster: string): ClusterState | undefined {
    const known = this.#domain.stateOf(cluster);
    return known?.unread === true || known?.status === 'pending' ? undefined : known;
  }

  /** @returns the configured clusters that the snapshot covers */
  async #restore(): Promise<ReadonlySet<string>> {
    const { snapshot } = this.#state;
    if (snapshot === undefined) return new Set();
    const restored = await this.#restoreFacts(snapshot);
    if (restored === undefined) return new Set();
    this.#sources.restore(restored);
    const clusters = [...restored.configured, ...restored.joined];
    const fields = { clusters, savedAt: new Date(snapshot.savedMs).toISOString() };
    this.#options.log.info(fields, 'serving the state of the last run until the clusters are read');
    return new Set(restored.configured);
  }

  async #restoreFacts(snapshot: Snapshot): Promise<Restored | undefined> {
    this.#restoring = true;
    this.#domain.hold();
    try {
      return await restoreSnapshot(snapshot, this.#settings, this.#relay);
    } catch (error) {
      logBrokenSnapshot(this.#options.log, this.#state.layout!.snapshot, reasonOf(error));
      return undefined;
    } finally {
      this.#domain.release({ object: 'snapshot', timeMs: snapshot.savedMs });
      this.#restoring = false;
    }
  }

  #refuseAbsent(covered: ReadonlySet<string>): void {
    const { absent = [], log } = this.#options;
    const faults = absent.filter(({ cluster }) => !covered.has(cluster)).map(({ fault }) => fault);
    if (faults.length > 0) throw new AbsentError(faults);
    for (const { cluster, fault } of absent) {
      log.warn({ cluster, reason: fault }, 'the state of the last run is served until the file is there');
    }
  }

  #makeAdmin(
    listen: ListenAddress,
    control: ConstructorParameters<typeof AdminServer>[0]['control'],
  ): AdminServer {
    const { adminToken } = this.#state;
    const { log } = this.#options;
    const { metrics } = this;
    return new AdminServer({
      listen,
      ...this.#adminSocket(listen),
      control,
      metrics,
      live: this.#live,
      log,
      hosts: () => this.#settings.adminHosts,
      ...(adminToken !== undefined && { token: adminToken }),
    });
  }

  /** With a socket of the ledger, requests that wait outlive the process. Opened when it is listened on. */
  #adminSocket(listen: ListenAddress): { readonly socket?: () => number } {
    const ledger = this.#ledger;
    if (ledger === undefined) return {};
    let fd: number | undefined;
    return {
      socket: () => ledger.duplicate((fd ??= ledger.tcp('admin', listen, isDualStack(listen, [])).fd)),
    };
  }

  async #startAdmin(): Promise<void> {
    this.metrics.start();
    this.#stack.defer(() => this.metrics.stop());
    const admin = this.#admin;
    if (admin === undefined) return;
    try {
      await admin.start();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = new ListenError(code ?? message, 'TCP', this.#settings.admin!);
      throw new StartError(`admin: ${why.message}`, { cause: error });
    }
    this.#stack.defer(() => admin.stop());
    this.#live.start();
    this.#stack.defer(() => this.#live.stop());
  }

  #keepSnapshot(): void {
    const { layout, serial } = this.#state;
    if (layout === undefined) return;
    const { clock, schedule, log } = this.#options;
    const keeper = new SnapshotKeeper({
      path: layout.snapshot,
      facts: () => this.#factsToKeep(),
      hostnames: () => this.#sources.hostnames(),
      serial: () => serial.current,
      marks: () => this.#guard.guard.changes,
      clock,
      schedule,
      log,
    });
    keeper.start();
    this.#keeper = keeper;
    this.#stack.defer(() => keeper.stop());
  }

  /** A cluster that no configuration names must be known as such when it comes back. */
  *#factsToKeep(): Generator<ClusterFacts> {
    const joined = new Set(this.#sources.joined);
    for (const facts of this.#domain.facts()) {
      yield joined.has(facts.cluster.name) ? { ...facts, joined: true } : facts;
    }
  }

  async #startSources(covered: ReadonlySet<string>): Promise<void> {
    this.#stack.defer(() => this.#sources.stop());
    const first = this.#sources.reconcile(this.#settings);
    const uncovered = this.#settings.clusters.filter((cluster) => !covered.has(cluster.name));
    if (uncovered.length === 0) {
      first.catch((error: unknown) =>
        this.#options.log.error({ reason: String(error) }, 'a source did not start'),
      );
      return;
    }
    await within(FIRST_LOOK_MS_MAX, first);
    this.#refuseUnreadable(new Set(uncovered.map((cluster) => cluster.name)));
  }

  /**
   * A path of manifests that is not there is a mistake in the configuration, not an outage. Files in trouble are one: their
   * cluster stays pending until one of them can be read.
   */
  #refuseUnreadable(uncovered: ReadonlySet<string>): void {
    for (const report of this.#sources.reports()) {
      if (report.kind !== 'manifests' || report.syncedMs !== undefined || !uncovered.has(report.name))
        continue;
      if (report.refusals.some(({ code }) => code === 'PATH_UNREADABLE'))
        throw new StartError(`cluster ${report.name}: ${report.lastError}`);
    }
  }

  #announce({ addresses, transport, reason, threads }: Listening): void {
    const { version } = this.#options;
    const fields = { version, addresses, admin: this.adminAddress, transport, reason, threads };
    this.#options.log.info(fields, 'listening');
  }
}

/** Waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

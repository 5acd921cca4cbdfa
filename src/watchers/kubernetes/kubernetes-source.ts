/**
 * A member cluster that is watched through its API server. Joins the parts: loops that follow each kind, a queue that
 * holds the cluster to its rate, the objects that they add up to, the health of the API server, and what an outage
 * does to the facts. Each of these has its own file; here is only what happens between them.
 *
 * ```
 *   Credentials ─► ApiClient ─┬─► ListWatch × kind ─► ChangeQueue ─► ClusterObjects ─► FlapDamping ─► FactSink
 *                             └─► ClusterHealth ─► OutageGovernor ── status ──┘
 * ```
 */

import type { ClusterSettings, FederationSettings } from '../../config/settings.ts';
import type { Cause, ClusterState, ClusterStatus, FactSink } from '../../zonebuilder/facts.ts';
import { ApiClient, SOCKETS_MAX } from '../api/api-client.ts';
import { ChangeQueue } from '../objects/change-queue.ts';
import {
  ClusterHealth,
  LOOP_FAILING_MS,
  type ConditionEvidence,
  type LoopTrouble,
} from '../health/cluster-health.ts';
import { ClusterObjects } from '../objects/cluster-objects.ts';
import { CredentialWatch } from '../credentials/credential-watch.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { firstCommitsOf } from '../objects/first-commits.ts';
import { FlapDamping } from '../health/flap-damping.ts';
import type { HostnameFollower } from '../hostnames/hostnames.ts';
import type { KnownServers } from './known-servers.ts';
import { watchedKinds, type WatchedKind } from './kinds.ts';
import { PolledKinds } from './polled-kinds.ts';
import type { Listing } from '../api/list-pages.ts';
import { ServerIdentity } from '../api/server-identity.ts';
import { ListWatch, type ListWatchState } from '../api/list-watch.ts';
import {
  objectName,
  type ObjectKind,
  type SlimObject,
  type ObjectFault,
  type SlimResult,
} from '../objects/objects.ts';
import type { Loss, OutageGovernor } from '../health/outage-governor.ts';
import type { Clock, Log } from '../../log.ts';
import type {
  ClusterCondition,
  ClusterReport,
  ClusterSource,
  FederatedName,
  Refusal,
  ServiceAccount,
} from '../source.ts';
import { TokenBucket } from '../token-bucket.ts';
import { pause, type Random, type Timers } from '../../timers.ts';
import type { ChangeType } from '../api/watch-stream.ts';

/** Octets read of one cluster per second in the long run, and at once: several times what any cluster sends. */
const OCTETS_PER_SECOND = 16 * 1024 * 1024;
const OCTETS_BURST = 96 * 1024 * 1024;
/** Longest that {@link KubernetesSource.start} waits for a cluster that does not answer. */
const START_MS_MAX = 5_000;
/** Namespaces that are read each by itself: each takes a connection per kind. */
const NAMESPACES_MAX = 50;
/** Services, their slices and their exports; Ingresses, Gateways, routes. */
const NAMESPACED_KINDS = 6;

export interface KubernetesSourceOptions {
  readonly settings: ClusterSettings;
  readonly federations: readonly FederationSettings[];
  /** The served domain. */
  readonly domain: string;
  readonly dampingSeconds: number;
  /** How long what was there counts when a list is suddenly empty, in seconds. Default: 0. */
  readonly graceSeconds?: number;
  /** Whether it matters which networks the cluster's Nodes and Pods are in. Default: no. */
  readonly clientNetworks?: boolean;
  /** Shards of the cluster are in the sink from before. Default: false. */
  readonly hasEarlierFacts?: boolean;
  readonly sink: FactSink;
  readonly governor: OutageGovernor;
  /** Absent: nobody wants to know whether another cluster is the same. */
  readonly servers?: KnownServers;
  /** Closed when the source stops. */
  readonly credentials: Credentials;
  readonly resolver?: HostnameFollower;
  /** Where the cluster was when last heard of. */
  readonly earlier?: ClusterState;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /**
   * Time from the arrival of an EndpointSlice with ready endpoints until the sink has taken it, in milliseconds. The way
   * down waits on purpose (lingering-slices.ts) and is not counted.
   */
  readonly onPropagation?: (cluster: string, ms: number) => void;
}

/** One watched cluster. */
export class KubernetesSource implements ClusterSource {
  readonly name: string;
  readonly #options: KubernetesSourceOptions;
  readonly #client: ApiClient;
  readonly #damping: FlapDamping;
  readonly #objects: ClusterObjects;
  readonly #queue: ChangeQueue;
  readonly #identity: ServerIdentity;
  readonly #health: ClusterHealth;
  readonly #credentialWatch: CredentialWatch;
  /** By kind, and by kind and namespace where each is read by itself. */
  readonly #loops = new Map<string, ListWatch<SlimResult>>();
  readonly #kinds: readonly WatchedKind[];
  /** Loops of before namespaces were read each by itself. */
  readonly #retired: Promise<void>[] = [];
  #isNarrow = false;
  readonly #polled: PolledKinds;
  readonly #lostEvents = new Map<ObjectKind, number>();
  readonly #firstAttempt = new AbortController();
  /** Lists of a resync that is not complete yet. The first sync is one. */
  #resync: Map<string, PartList> | undefined = new Map();
  #resyncOnContact = false;
  /** Whether a loop has failed since the cluster was last in contact. */
  #loopsBroke = false;
  #status: ClusterStatus = 'pending';
  /** A complete resync waits for its commit. */
  #commitDue = false;
  #takeBackCommit: () => void = () => {};
  #syncedMs: number | undefined;
  #slowedSinceMs: number | undefined;

  constructor(options: KubernetesSourceOptions) {
    const { settings, timers } = options;
    this.name = settings.name;
    this.#options = options;
    this.#damping = new FlapDamping(options.sink, timers, options.dampingSeconds);
    this.#objects = new ClusterObjects({ ...options, sink: this.#damping });
    this.#queue = new ChangeQueue({
      timers,
      perSecond: settings.limits.changesPerSecond,
      waitingMax: settings.limits.objects,
      onOverflow: (kind) => this.#relist(kind),
    });
    this.#queue.hold();
    this.#polled = new PolledKinds({ cluster: settings.name, clock: options.clock, log: options.log });
    this.#client = this.#makeClient();
    this.#identity = new ServerIdentity({
      client: this.#client,
      timers,
      onOther: () => {
        this.#objects.forgetVersions();
        this.#beginResync("another cluster answers at its API server's address");
      },
      onKnown: (uid) => options.servers?.note(this.name, uid),
    });
    this.#credentialWatch = new CredentialWatch({ ...options, cluster: this.name });
    options.credentials.follow(() => this.#nudgeLoops());
    this.#health = this.#makeHealth();
    this.#kinds = watchedKinds(this.#objects.slimOptions, {
      exports: options.federations.some(({ select }) => select === 'export'),
      nodes: settings.region === undefined || settings.zones === undefined,
      hosts: options.federations.some(({ hosts }) => hosts === true),
    });
    for (const kind of this.#kinds) this.#loops.set(kind.kind, this.#makeLoop(kind));
  }

  async start(): Promise<void> {
    const { governor, timers } = this.#options;
    this.#objects.setStatus(this.#status);
    governor.join(
      this.name,
      (status) => this.#setStatus(status),
      this.#options.earlier === undefined ? 'unread' : 'known',
    );
    for (const loop of this.#loops.values()) loop.start();
    this.#health.start();
    await pause(timers, START_MS_MAX, this.#firstAttempt.signal);
  }

  async stop(): Promise<void> {
    this.#firstAttempt.abort();
    this.#takeBackCommit();
    this.#queue.stop();
    this.#identity.stop();
    this.#options.credentials.close();
    this.#client.close();
    await Promise.all([this.#health.stop(), ...[...this.#loops.values()].map((loop) => loop.stop())]);
    await Promise.all(this.#retired);
    this.#options.governor.leave(this.name);
    this.#options.servers?.forget(this.name);
    this.#objects.stop();
    this.#damping.stop();
  }

  report(): ClusterReport {
    const { refusalsTotal: _total, shards: _shards, ...objects } = this.#objects.report();
    const polled = this.#polled.kinds();
    const lastError = this.#lastError();
    const version = this.#health.version;
    const credentialEndsMs = this.#options.credentials.expiry?.endsMs;
    return {
      name: this.name,
      kind: 'kubernetes',
      condition: this.#health.condition,
      conditionSinceMs: this.#health.conditionSinceMs,
      ...objects,
      ...(version === undefined ? {} : { version }),
      ...(this.#syncedMs === undefined ? {} : { syncedMs: this.#syncedMs }),
      lastOctetMs: this.#lastOctets(),
      lostEvents: Object.fromEntries(this.#lostEvents),
      refusals: [
        ...this.#contactRefusals(),
        ...(this.#options.servers?.refusals(this.name) ?? []),
        ...this.#slowedRefusal(),
        ...this.#polled.refusals(),
        ...objects.refusals,
      ],
      ...(polled.length === 0 ? {} : { polled }),
      ...(credentialEndsMs === undefined ? {} : { credentialEndsMs }),
      ...(lastError === undefined ? {} : { lastError }),
    };
  }

  account(namespace: string, service: string): ServiceAccount {
    return this.#objects.account(namespace, service);
  }

  serviceKeys(): Iterable<string> {
    return this.#objects.serviceKeys();
  }

  lacks(shard: FederatedName): boolean {
    return this.#objects.lacks(shard);
  }

  acceptVersions(): void {
    this.#objects.acceptVersions();
  }

  /** How each loop is doing, for metrics. */
  loopStates(): ReadonlyMap<string, ListWatchState> {
    return new Map([...this.#loops].map(([kind, loop]) => [kind, loop.state]));
  }

  #makeClient(): ApiClient {
    const { timers, credentials } = this.#options;
    const octets = new TokenBucket(timers, OCTETS_PER_SECOND, OCTETS_BURST);
    const pace = (count: number): number => Math.max(octets.take(count), this.#queue.pressureMs());
    const onServer = (): void => {
      this.#identity.forget();
      this.#options.servers?.forget(this.name);
      this.#objects.forgetVersions();
      this.#beginResync('its credentials lead to another API server');
    };
    const watches = namespacesOf(this.#options.settings).length * NAMESPACED_KINDS;
    const socketsMax = SOCKETS_MAX + watches;
    return new ApiClient({ credentials, timers, pace, onServer, socketsMax, userAgent: 'fedns' });
  }

  #makeHealth(): ClusterHealth {
    const { timers, clock, random } = this.#options;
    return new ClusterHealth({
      client: this.#client,
      timers,
      clock,
      random,
      worstLoop: () => this.#worstLoop(),
      tried: () => [...this.#loops.values()].every(({ state }) => wasTried(state)),
      onProbe: () => this.#credentialWatch.look(),
      onAnswer: () => this.#nudgeLoops(),
      onCondition: (condition, evidence) => this.#onCondition(condition, evidence),
    });
  }

  #makeLoop(resource: WatchedKind): ListWatch<SlimResult> {
    const { settings, timers, clock, random } = this.#options;
    return new ListWatch({
      resource,
      client: this.#client,
      objectOctetsMax: settings.limits.objectOctets,
      // One more than may be kept, so that the objects themselves notice and report that there are more.
      objectsMax: settings.limits.objects + 1,
      timers,
      clock,
      random,
      onList: (listing) => this.#onList(resource, listing),
      onAudit: (listing) => this.#onAudit(resource.kind, listing),
      onChange: (type, object, arrivedMs) => this.#onChange(resource.kind, type, object, arrivedMs),
      onState: () => this.#onLoopState(),
      checkServer: () => this.#identity.check(),
      onHistory: () => this.#beginResync('its API server went back in time'),
    });
  }

  #relist(kind: ObjectKind): void {
    for (const [key, loop] of this.#loops) if (key === kind || key.startsWith(`${kind} `)) loop.resync();
  }

  #onList({ kind, namespace }: WatchedKind, { objects }: Listing<SlimResult>): void {
    this.#queue.drop(kind, namespace);
    if (this.#health.condition === 'Pending') this.#health.probeNow();
    // A part of a kind is taken in with all others only: what it lacks is gone, and what is elsewhere is not.
    if (this.#resync === undefined && namespace !== undefined)
      this.#beginResync(`namespace ${namespace} was listed anew`, loopKey(kind, namespace));
    if (this.#resync === undefined) {
      this.#objects.replaceAll(kind, objects, this.#relistCause(kind));
      this.#syncedMs = this.#options.clock();
      return;
    }
    this.#resync.set(loopKey(kind, namespace), { kind, objects });
    if (this.#resync.size < this.#loops.size || this.#commitDue) return;
    const { sink, timers } = this.#options;
    const commit = (): void => this.#commitResync();
    this.#commitDue = true;
    this.#takeBackCommit = firstCommitsOf(sink, timers).add(commit, this.#relistCause(kind));
  }

  /** Events that were lost are made up for, and told. While changes wait for their turn, nothing can be told apart. */
  #onAudit(kind: ObjectKind, { objects }: Listing<SlimResult>): void {
    if (this.#resync !== undefined || this.#isNarrow || this.#queue.waiting > 0) return;
    const before = this.#objects.changes;
    this.#objects.replaceAll(kind, objects, this.#relistCause(kind));
    this.#syncedMs = this.#options.clock();
    const lost = this.#objects.changes - before;
    this.#lostEvents.set(kind, (this.#lostEvents.get(kind) ?? 0) + lost);
    if (lost === 0) return;
    const fields = { cluster: this.name, kind, objects: lost };
    this.#options.log.warn(fields, 'a list differs from what watches had told: events were lost');
  }

  /** All kinds at once: Services without their slices would be Services without endpoints. */
  #commitResync(): void {
    this.#commitDue = false;
    const lists = this.#resync;
    // Begun anew while it waited.
    if (lists === undefined || lists.size < this.#loops.size) return;
    const { governor, clock } = this.#options;
    this.#resync = undefined;
    this.#objects.begin();
    for (const { kind } of this.#kinds) {
      const objects = [...lists.values()].flatMap((list) => (list.kind === kind ? list.objects : []));
      this.#objects.replaceAll(kind, objects, this.#relistCause(kind));
    }
    this.#objects.commit();
    this.#objects.commitInitial({ object: `Cluster ${this.name}`, timeMs: clock() }, this.#status);
    this.#syncedMs = clock();
    this.#queue.release();
    const { condition } = this.#health;
    // A complete list is contact enough for a cluster that has not been judged yet.
    if (condition === 'Ready' || condition === 'Pending') governor.contact(this.name);
    this.#firstAttempt.abort();
  }

  #onChange(kind: ObjectKind, type: ChangeType, object: SlimResult, arrivedMs: number): void {
    if (object.kind === 'Other') return;
    const { timers, clock, onPropagation } = this.#options;
    const cause = changeCause(kind, object, clock());
    this.#queue.push({
      kind,
      key: cause.object,
      apply: () => {
        if (type === 'DELETED') this.#objects.remove(kind, object.namespace, object.name, cause);
        else this.#objects.apply(object, cause);
        if (type !== 'DELETED' && isReady(object)) onPropagation?.(this.name, timers.now() - arrivedMs);
      },
    });
  }

  #onLoopState(): void {
    this.#narrow();
    for (const [kind, { state }] of this.#loops) this.#polled.note(kind, state.barred);
    const worst = this.#worstLoop();
    if (worst === undefined) return;
    this.#loopsBroke = true;
    this.#firstAttempt.abort();
    const { condition } = this.#health;
    if (condition === 'Ready' || condition === 'Pending') this.#health.probeNow();
  }

  /** A role of single namespaces may not read them all at once: the allowed ones are then read each by itself. */
  #narrow(): void {
    const namespaces = namespacesOf(this.#options.settings);
    if (this.#isNarrow || namespaces.length === 0 || !this.#isForbidden()) return;
    this.#isNarrow = true;
    for (const kind of this.#kinds.filter(({ isNamespaced }) => isNamespaced)) {
      this.#retired.push(this.#loops.get(kind.kind)!.stop());
      this.#loops.delete(kind.kind);
      this.#polled.note(kind.kind, undefined);
      for (const namespace of namespaces)
        this.#loops.set(loopKey(kind.kind, namespace), this.#makeLoop({ ...kind, namespace }));
    }
    this.#beginResync('not all namespaces may be read: those that are allowed are read each by itself');
    for (const [key, loop] of this.#loops) if (key.includes(' ')) loop.start();
  }

  #isForbidden(): boolean {
    return this.#kinds.some(({ kind, isNamespaced }) => {
      const { failingSinceMs, lastError } = this.#loops.get(kind)?.state ?? {};
      return isNamespaced && failingSinceMs !== undefined && lastError?.code === 'FORBIDDEN';
    });
  }

  #onCondition(condition: ClusterCondition, evidence: ConditionEvidence): void {
    const { governor } = this.#options;
    this.#logCondition(condition);
    if (condition !== 'Ready') {
      if (condition === 'Offline' && this.#objects.synced) this.#resyncOnContact = true;
      governor.lost(this.name, this.#lossOf(condition, evidence));
      return;
    }
    // A server that was away may come back with another history; one whose watches went on was not away.
    if (this.#resyncOnContact && this.#loopsBroke) this.#beginResync('its API server was away');
    else if (this.#resync === undefined) governor.contact(this.name);
    this.#resyncOnContact = false;
    this.#loopsBroke = false;
    this.#nudgeLoops();
  }

  /** The picture is as good as its watches: while one is fed, a server that takes no new connections is not silent. */
  #lossOf(condition: ClusterCondition, { sinceMs, byProbe, turnedAway }: ConditionEvidence): Loss {
    const heardMs = (): number => this.#heardMs(turnedAway);
    return { sinceMs, refused: condition === 'Refused', ...(byProbe ? { heardMs } : {}) };
  }

  /** A machine that turns connections away is there, and would have ended the open ones of a process that is not. */
  #heardMs(turnedAway: boolean): number {
    const states = [...this.#loops.values()].map(({ state }) => state);
    if (turnedAway && states.some(({ isWatching }) => isWatching)) return this.#options.timers.now();
    return Math.max(...states.map(({ lastWatchOctetMs }) => lastWatchOctetMs ?? -Infinity));
  }

  #nudgeLoops(): void {
    for (const loop of this.#loops.values()) loop.nudge();
  }

  /** What is known goes on counting until everything has been listed anew. */
  #beginResync(reason: string, except?: string): void {
    this.#options.log.warn(
      { cluster: this.name, reason },
      'a cluster is listed anew; what was known is held',
    );
    this.#resyncOnContact = false;
    this.#health.forgetVersion();
    this.#resync = new Map();
    this.#queue.hold();
    for (const [key, loop] of this.#loops) if (key !== except) loop.resync();
  }

  /** That a cluster which counted is lost is said by {@link #setStatus}, together with what follows from it. */
  #logCondition(condition: ClusterCondition): void {
    const { log } = this.#options;
    const fields = { cluster: this.name, condition, status: this.#status };
    if (condition === 'Ready') log.info(fields, 'a cluster is in contact');
    else if (this.#status !== 'available') log.warn(fields, `${this.name} is ${this.#reason()}`);
  }

  /** One line with the cause and the consequence, at the level of the graver of the two. */
  #setStatus(status: ClusterStatus): void {
    if (status === this.#status) return;
    const { log } = this.#options;
    const fields = { cluster: this.name, status, before: this.#status };
    if (status === 'available') log.info(fields, 'a cluster is read: its shards count');
    else log.warn(fields, `${this.name} is ${this.#reason()}; ${this.#consequence(status)}`);
    this.#status = status;
    this.#objects.setStatus(status);
  }

  /** Of a cluster that was not read in this run it is not known here how many shards it has. */
  #consequence(status: Exclude<ClusterStatus, 'available'>): string {
    if (this.#objects.synced) return `its ${this.#objects.report().shards} shards ${CONSEQUENCES[status]}`;
    if (this.#options.hasEarlierFacts === true) return `its shards of the run before ${CONSEQUENCES[status]}`;
    return 'it was never read, so names that only it could know are SERVFAIL until it is read or removed';
  }

  #reason(): string {
    return `${this.#health.condition}: ${this.#lastError() ?? 'no answer yet'}`;
  }

  #relistCause(kind: ObjectKind): Cause {
    return { object: `list of ${kind}s`, timeMs: this.#options.clock() };
  }

  /**
   * Silence of one kind outweighs the refusal of another: what is refused is held for long, and must not hold what is
   * out of date.
   */
  #worstLoop(): LoopTrouble | undefined {
    let silent: LoopTrouble | undefined;
    let refused: LoopTrouble | undefined;
    for (const [kind, { state }] of this.#loops) {
      const { failingSinceMs: sinceMs, lastError: error } = state;
      if (sinceMs === undefined || error === undefined) continue;
      const reason = OF_ALL_KINDS.has(error.code) ? error.message : `${kind}: ${error.message}`;
      if (REFUSALS.has(error.code)) refused ??= { sinceMs, reason, refused: true };
      else if (silent === undefined || sinceMs < silent.sinceMs) silent = { sinceMs, reason };
    }
    if (refused === undefined || silent === undefined) return refused ?? silent;
    return this.#options.timers.now() - silent.sinceMs < LOOP_FAILING_MS ? refused : silent;
  }

  #lastError(): string | undefined {
    const ofProbes = this.#health.condition === 'Ready' ? undefined : this.#health.lastError;
    return this.#worstLoop()?.reason ?? ofProbes ?? this.#polled.refusals()[0]?.message;
  }

  #lastOctets(): Record<string, number> {
    const entries: [string, number][] = [];
    for (const [kind, { state }] of this.#loops) {
      if (state.lastOctetMs !== undefined) entries.push([kind, state.lastOctetMs]);
    }
    return Object.fromEntries(entries);
  }

  #contactRefusals(): Refusal[] {
    const standing = this.#credentialWatch.refusals();
    const { condition, conditionSinceMs: sinceMs } = this.#health;
    if (condition !== 'Refused') return standing;
    const message = this.#lastError() ?? 'the cluster refuses fedns';
    return [{ code: 'CONTACT_REFUSED', object: `Cluster ${this.name}`, message, sinceMs }, ...standing];
  }

  #slowedRefusal(): Refusal[] {
    if (this.#queue.slowed === 0) return [];
    this.#slowedSinceMs ??= this.#options.clock();
    const { changesPerSecond } = this.#options.settings.limits;
    return [
      {
        code: 'CHANGES_SLOWED',
        object: `Cluster ${this.name}`,
        message: `${this.#queue.slowed} changes had to wait, for there were more than ${changesPerSecond} per second`,
        sinceMs: this.#slowedSinceMs,
      },
    ];
  }
}

function isReady(object: SlimResult): boolean {
  if (object.kind !== 'EndpointSlice') return false;
  return object.ready.unzoned || object.ready.zones.length > 0;
}

/** What becomes of the shards of a cluster. */
const CONSEQUENCES: Readonly<Record<Exclude<ClusterStatus, 'available'>, string>> = {
  pending: 'are not known yet',
  held: 'are held as it last said',
  withdrawn: 'are withdrawn from the answers',
};

/** A kind that the cluster does not have works without a list. */
function wasTried({ lists, lastError, failingSinceMs }: ListWatchState): boolean {
  return lists > 0 || lastError !== undefined || failingSinceMs === undefined;
}

/** What is wrong with fedns' own credentials, or with what it may do, while the cluster answers. */
const REFUSALS: ReadonlySet<string> = new Set(['CREDENTIALS', 'UNTRUSTED', 'UNAUTHORIZED', 'FORBIDDEN']);

/** Errors that say nothing of the kind that was asked for. */
const OF_ALL_KINDS: ReadonlySet<string> = new Set(['CREDENTIALS', 'UNTRUSTED', 'UNREACHABLE']);

/** The list of a kind, or of a part of it. */
interface PartList {
  readonly kind: ObjectKind;
  readonly objects: readonly SlimResult[];
}

function loopKey(kind: ObjectKind, namespace: string | undefined): string {
  return namespace === undefined ? kind : `${kind} ${namespace}`;
}

/** Namespaces that may be read each by itself; none where there is no list of them, or too long a one. */
function namespacesOf({ namespaces: { allow, deny } }: ClusterSettings): readonly string[] {
  const names = allow.filter((name) => !deny.includes(name));
  return names.length > NAMESPACES_MAX ? [] : names;
}

function changeCause(kind: ObjectKind, object: SlimObject | ObjectFault, timeMs: number): Cause {
  const version = object.kind === 'Fault' ? undefined : object.resourceVersion;
  return {
    object: objectName(kind, object.namespace, object.name),
    ...(version === undefined ? {} : { resourceVersion: version }),
    timeMs,
  };
}

/**
 * Owns what the composition root asks of the parts that it joins. The real ones are in real-parts.ts; tests bring
 * their own.
 */

import type { MessagePort } from 'node:worker_threads';
import type {
  ClusterView,
  ExplainQuestion,
  Explanation,
  RecordFilter,
  RecordSet,
} from '../admin/control-plane.ts';
import type { ServicesControl } from '../admin/services.ts';
import type { ClusterSettings, ListenAddress, Settings } from '../config/settings.ts';
import type { SigningStatus } from '../admin/signing.ts';
import type { KeysInForce } from '../dnssec/keys-in-force.ts';
import type { WritingStatus } from '../querylog/tally.ts';
import type { ImageHandle } from '../server/responder.ts';
import type { PassedSocket, SocketLedger } from '../server/workers/socket-ledger.ts';
import type { ClusterFacts, HostnameAddresses } from '../state/snapshot-format.ts';
import type { ClusterAccess } from '../watchers/credentials/cluster-access.ts';
import type { HostnameFollower } from '../watchers/hostnames/hostnames.ts';
import type { KnownServers } from '../watchers/kubernetes/known-servers.ts';
import type { OutageGovernor } from '../watchers/health/outage-governor.ts';
import type { Clock, Log } from '../log.ts';
import type { ClusterSource, Refusal } from '../watchers/source.ts';
import type { HealthChange, ShardStanding } from '../zonebuilder/builder.ts';
import type { ClientReport } from '../zonebuilder/explain-policy.ts';
import type { Cause, ClusterState, FactSink, ShardId } from '../zonebuilder/facts.ts';
import type { RowOrders } from '../zonebuilder/orders.ts';
import type { ChangeRecorder } from '../zonebuilder/recorder.ts';
import type { DrainTarget } from '../zonebuilder/drains.ts';
import type { Remaining } from '../zonebuilder/remaining.ts';
import type { DrainedDomain, SharedDrains } from '../steering/drains/drains.ts';
import type { ClusterDrains } from '../zonebuilder/verdict.ts';
import type { Witness } from './absence.ts';
import type { Compile } from './geo/compile-job.ts';

/** The facts of the served domain, the image made of them, and what can be said of both. */
export interface ServedDomain extends FactSink, DrainedDomain {
  readonly image: ImageHandle;
  facts(): Iterable<ClusterFacts>;
  /** Step by step; undefined: nothing to list at this step. Throws QuestionError when the filter is malformed. */
  records(filter: RecordFilter): Iterable<RecordSet | undefined>;
  /** Throws QuestionError when the name or type is malformed. */
  explain(question: ExplainQuestion, witness: Witness): Explanation;
  /** The Services, for people who look. */
  readonly services: ServicesControl;
  /** One shard as it counts. */
  shard(id: ShardId): ShardStanding | undefined;
  /** Names of the shards of a cluster, healthy or not. */
  shardIds(cluster: string): Iterable<ShardId>;
  /** How many shards are healthy in each region; '' for clusters without one. */
  healthyByRegion(): ReadonlyMap<string, number>;
  /** What is known of a cluster; undefined when it was never announced. */
  stateOf(cluster: string): ClusterState | undefined;
  /** Says what the rows of the tables of clients' places mean. */
  setOrders(orders: RowOrders): void;
  /** What would be left of Services, were a target drained too; undefined: a step. */
  remainingUnder(target: DrainTarget): Iterable<Remaining | undefined>;
  /** Shards of a Service, by its `S.N.F`, that are in the answers. */
  countingShards(service: string): number;
  /** What of a cluster is drained; undefined: nothing. */
  drainsOf(cluster: string): ClusterDrains | undefined;
  /** Queries are taken from now on: a name that is answered for stays with the place that has it. */
  beginServing(): void;
  /** What of a cluster's places is not served as the cluster would have it. */
  refusalsOf(cluster: string): readonly Refusal[];
  /** `S.N.F` of every Service, and what the image holds of one, which is lent until the next change. Default: none. */
  serviceNames?(): Iterable<string>;
  blobOf?(service: string): Uint8Array | undefined;
  /** Shards by cluster. Walks everything that is known. */
  shardCounts(): ReadonlyMap<string, Pick<ClusterView, 'shards' | 'healthyShards'>>;
  /**
   * Goes over to settings that differ in static records only.
   *
   * @throws when they cannot be served; then the old ones are
   */
  replaceStatics(settings: Settings): void;
  /** Publishes what `work` reports as one change. */
  batch(cause: Cause, work: () => void): void;
  /** The same for work that takes several turns of the event loop: begins a batch, which {@link release} ends. */
  hold(): void;
  release(cause: Cause): void;
  /** Answers carry this serial from now on, though nothing has changed. */
  showSerial(serial: number): void;
  figures(): {
    readonly services: number;
    readonly imageOctetsUsed: number;
    readonly imageOctetsTotal: number;
  };
}

/** A published change. */
export interface ServedChange {
  /** '' where it is no one cluster's. */
  readonly cluster: string;
  readonly causeMs: number;
  /** `S.N.F` of each Service whose answers changed; empty where only places did. */
  readonly services: readonly string[];
}

export interface ServedDomainHooks {
  /** Asked once per published change. */
  readonly nextSerial: () => number;
  readonly currentSerial: () => number;
  readonly clock: Clock;
  /** The image moved to other memory. */
  readonly onImage: (image: ImageHandle) => void;
  /** A change is in the answers; its `causeMs` is when fedns learned of it. */
  readonly onChange: (change: ServedChange) => void;
  /** Something about a Service that its operator should know: ports that clusters disagree about, a name that is hidden. */
  readonly onNotice?: (notice: { readonly service: string; readonly text: string }) => void;
  /** {@link ServedDomain.refusalsOf} has one more. */
  readonly onRefusal?: (cluster: string, refusal: Refusal) => void;
  /** Hears of every change with what was answered before. */
  readonly recorder?: ChangeRecorder;
  /** Where a client is, as its queries are answered now; undefined while there are no tables. */
  readonly locate?: (client: string) => ClientReport | undefined;
  /** Shards have become healthy or unhealthy; the answers show it already. */
  readonly onHealth: (changes: readonly HealthChange[], cause: Cause) => void;
}

/** What the sources of all clusters have in common, and the clusters that come and go by themselves. */
export interface SharedSources {
  readonly resolver: HostnameFollower;
  readonly governor: OutageGovernor;
  /** Absent: it is not looked for clusters under two names. */
  readonly servers?: KnownServers;
  /** How the credentials of a cluster are loaded that has joined by itself. */
  loaderOf(cluster: string): (() => Promise<ClusterAccess>) | undefined;
  /** Why it is not known which clusters have joined, as far as that is known. */
  trouble(): string | undefined;
  /** What hostnames resolved to, also after the stop. */
  remembered(): readonly HostnameAddresses[];
  /** Takes back what {@link remembered} gave; to be called before the start. */
  remember(hostnames: readonly HostnameAddresses[]): void;
  start(): void;
  stop(): Promise<void>;
}

export interface SharedContext {
  readonly clock: Clock;
  readonly log: Log;
  /** A cluster that no configuration names has joined. */
  readonly onJoin: (cluster: ClusterSettings) => void;
  /** It has left. */
  readonly onLeave: (cluster: string) => void;
  /** All clusters that are there have joined, as far as a complete list tells. */
  readonly onComplete: () => void;
}

export interface SourceContext {
  readonly settings: Settings;
  readonly sink: FactSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly shared: SharedSources;
  /** Facts of the cluster are there from before, of the last run or of a source that this one follows: where it was then. */
  readonly earlier?: ClusterState;
}

/** What the data plane says once it is bound. */
export interface Listening {
  /** With their real ports. */
  readonly addresses: readonly ListenAddress[];
  readonly transport: 'batch' | 'portable';
  /** Why this transport. */
  readonly reason: string;
  /** Threads that answer queries, the one for TCP among them. */
  readonly threads: number;
}

/** Everything that answers queries. */
export interface DataPlane {
  /** @throws the error of the operating system, such as `EADDRINUSE`, with a message for the operator */
  start(): Promise<Listening>;
  /** Answers from the image's new memory. */
  follow(image: ImageHandle): void;
  /** Resolves once no answer is made from what the image was before the call. */
  settled(): Promise<void>;
  /** Finds clients by other tables; resolves once no answer follows the ones before. */
  locate(tables: SharedArrayBuffer): Promise<void>;
  /**
   * Gets everything ready for other settings.
   *
   * @returns puts them in force, with the image that belongs to them; resolves once no answer follows the old ones
   * @throws with a message for the operator; then the old settings stay
   */
  prepare(settings: Settings): Promise<(image: ImageHandle) => Promise<void>>;
  /**
   * Signs with these keys from now on; undefined: with none. To be called before the start, too.
   *
   * @param notBeforeMs - a moment that is past, in milliseconds since 1970
   */
  sign?(keys: KeysInForce | undefined, settings: Settings, notBeforeMs: number): Promise<void>;
  /** Undefined: the domain is not signed. */
  signing?(): SigningStatus | undefined;
  /** Says where transfers are made: `open` is a way there for each thread that takes requests. Default: nowhere. */
  serveTransfers?(open: () => MessagePort | undefined): void;
  counters(): readonly SharedArrayBuffer[];
  /** What became of the queries that were to be written down. */
  queries(): WritingStatus;
  /**
   * Leaves the sockets to another process that reads them, too. Clients with a connection may go on asking for a while.
   *
   * @returns resolves once no datagram is answered here any more
   */
  leave?(): Promise<void>;
  /** Answers what has come in, then closes. Also after a start that failed. */
  stop(): Promise<void>;
}

export interface Parts {
  /** @throws when the settings cannot be served, with a message for the operator */
  openDomain(settings: Settings, hooks: ServedDomainHooks): ServedDomain;
  openShared(settings: Settings, context: SharedContext): SharedSources;
  /** Where replicas read their drains; undefined: nowhere. Default: nowhere. */
  openSharedDrains?(
    settings: Settings,
    context: { readonly clock: Clock; readonly log: Log },
  ): SharedDrains | undefined;
  openSource(cluster: ClusterSettings, context: SourceContext): ClusterSource;
  /** Where sockets are had from that may be passed on, and those of the process before; undefined: there is no such way. */
  openLedger?(settings: Settings, passed: readonly PassedSocket[]): Promise<SocketLedger | undefined>;
  /** @param version - of fedns, as it is told to others */
  openDataPlane(
    settings: Settings,
    image: ImageHandle,
    log: Log,
    version: string,
    ledger?: SocketLedger,
  ): DataPlane;
  /** Compiles the tables of where clients are. */
  readonly compileGeo: Compile;
}

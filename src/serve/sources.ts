/**
 * Owns which sources run: one per cluster, configured or joined by a Secret, started, stopped and replaced as the
 * configuration and the Secrets say. What a source does is watchers' business.
 *
 * A cluster that had joined before (in the last run, or before the Secrets were looked for anew) is awaited: its
 * facts stay without a source until the Secrets have been listed as a whole.
 */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import type { HostnameAddresses } from '../state/snapshot-format.ts';
import type { ClusterReport, ClusterSource, ServiceAccount } from '../watchers/source.ts';
import type { ClusterState, ShardId } from '../zonebuilder/facts.ts';
import type { Parts, SharedSources, SourceContext } from './parts.ts';

interface Entry {
  /** Everything the source was made from; another text means another source. */
  readonly fingerprint: string;
  readonly source: ClusterSource;
}

interface Shared {
  readonly fingerprint: string;
  readonly parts: SharedSources;
}

type Context = Omit<SourceContext, 'settings' | 'shared' | 'earlier'> & {
  /** What is known of a cluster of which anything was ever read. */
  readonly knownOf: (cluster: string) => ClusterState | undefined;
};

/** What the last run has left. */
export interface Restored {
  /** Clusters that had joined by Secrets; their facts are in the sink. */
  readonly joined: readonly string[];
  readonly hostnames: readonly HostnameAddresses[];
}

/**
 * Stands for clusters that may join and have not been heard of: while it is pending nothing negative is said. No
 * cluster can have this name, which is no DNS label in lower case.
 */
const UNHEARD = 'clusterSecrets';

export class Sources {
  readonly #parts: Pick<Parts, 'openShared' | 'openSource'>;
  readonly #context: Context;
  readonly #entries = new Map<string, Entry>();
  /** Clusters that have joined by themselves. */
  readonly #joined = new Map<string, ClusterSettings>();
  /** Clusters that had joined, of which the Secrets have not told yet; since when. */
  readonly #awaited = new Map<string, number>();
  /** Clusters that are in the sink. */
  readonly #present = new Set<string>();
  #hostnames: readonly HostnameAddresses[] = [];
  #shared: Shared | undefined;
  #settings: Settings | undefined;
  /** Changes are made one after the other; this is the last of them. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: Pick<Parts, 'openShared' | 'openSource'>, context: Context) {
    this.#parts = parts;
    this.#context = context;
  }

  /** To be called before the first {@link reconcile}. */
  restore({ joined, hostnames }: Restored): void {
    for (const name of joined) this.#await(name);
    this.#hostnames = hostnames;
  }

  /**
   * Runs exactly the sources that `settings` name and those that have joined. A cluster that stays as it was keeps
   * its source; one that is gone leaves the answers.
   *
   * @returns resolves once the first attempts of new sources have ended
   */
  async reconcile(settings: Settings): Promise<void> {
    let starts: readonly Promise<void>[] = [];
    await this.#takeTurn(async () => {
      this.#settings = settings;
      await this.#renewShared(settings);
      starts = await this.#match();
    });
    // Not within the turn: a cluster out of reach must not keep others from joining meanwhile.
    await Promise.all(starts);
    await this.#takeTurn(() => this.#leaveUnwanted());
  }

  reports(): readonly ClusterReport[] {
    const running = [...this.#entries.values()].map(({ source }) => source.report());
    const trouble = this.#shared?.parts.trouble();
    return [
      ...running,
      ...[...this.#awaited].map(([name, sinceMs]) => awaitedReport(name, sinceMs, trouble)),
    ];
  }

  /** What the clusters can say of a Service. */
  *accounts(namespace: string, service: string): Generator<readonly [cluster: string, ServiceAccount]> {
    for (const [name, { source }] of this.#entries) yield [name, source.account(namespace, service)];
  }

  /** `namespace/name` of every Service, once for each cluster that has it. */
  *serviceKeys(): Generator<string> {
    for (const { source } of this.#entries.values()) yield* source.serviceKeys();
  }

  /** Whether the objects of a shard are not there any more. Of a cluster without a source nobody knows better. */
  lacks(shard: ShardId): boolean {
    return this.#entries.get(shard.cluster)?.source.lacks(shard) ?? true;
  }

  /** The present versions of a cluster's objects are its newest, whatever was seen before. */
  acceptVersions(cluster: string): void {
    this.#entries.get(cluster)?.source.acceptVersions?.();
  }

  /** Names of the clusters in the sink that no configuration names. */
  get joined(): Iterable<string> {
    return [...this.#joined.keys(), ...this.#awaited.keys()];
  }

  /** What hostnames last resolved to. */
  hostnames(): readonly HostnameAddresses[] {
    return this.#shared?.parts.remembered() ?? this.#hostnames;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#shared?.parts.governor.stop();
    await Promise.all([...this.#entries.values()].map(({ source }) => source.stop()));
    this.#entries.clear();
    await this.#shared?.parts.stop();
  }

  #takeTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (!this.#stopped) await change();
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** When what all sources share changes, all of them begin anew; their facts stay meanwhile. */
  async #renewShared(settings: Settings): Promise<void> {
    const fingerprint = sharedFingerprint(settings);
    if (this.#shared?.fingerprint === fingerprint) return;
    await Promise.all([...this.#entries.values()].map(({ source }) => source.stop()));
    this.#entries.clear();
    await this.#shared?.parts.stop();
    this.#awaitJoined(settings);
    const parts = this.#openShared(settings);
    parts.remember(this.hostnames());
    this.#shared = { fingerprint, parts };
    parts.start();
  }

  #openShared(settings: Settings): SharedSources {
    const { clock, log } = this.#context;
    return this.#parts.openShared(settings, {
      clock,
      log,
      onJoin: (cluster) => this.#changeJoined(() => this.#joined.set(cluster.name, cluster)),
      onLeave: (name) => this.#changeJoined(() => this.#joined.delete(name)),
      onComplete: () => this.#changeJoined(() => this.#awaited.clear()),
    });
  }

  /** Without Secrets nobody has joined; with others, or with none read yet, they have to tell first. */
  #awaitJoined({ clusterSecrets }: Settings): void {
    for (const name of this.#joined.keys()) this.#await(name);
    this.#joined.clear();
    if (clusterSecrets === undefined) this.#awaited.clear();
    else if (this.#awaited.size === 0) {
      this.#context.sink.setCluster({ name: UNHEARD, zones: [], status: 'pending' });
      this.#await(UNHEARD);
    }
  }

  #await(name: string): void {
    this.#awaited.set(name, this.#context.clock());
    this.#present.add(name);
  }

  #changeJoined(change: () => void): void {
    const failed = (error: unknown): void =>
      this.#context.log.error({ reason: String(error) }, 'a cluster that joined could not be started');
    void this.#takeTurn(async () => {
      change();
      const starts = await this.#match();
      for (const start of starts) start.catch(failed);
      void Promise.allSettled(starts).then(() => this.#takeTurn(() => this.#leaveUnwanted()).catch(failed));
    }).catch(failed);
  }

  /** @returns the first attempts of the sources that are new */
  async #match(): Promise<readonly Promise<void>[]> {
    const settings = this.#settings!;
    const wanted = this.#wanted(settings);
    for (const name of wanted.keys()) this.#awaited.delete(name);
    const starts: Promise<void>[] = [];
    for (const cluster of wanted.values()) {
      const source = await this.#keepOrReplace(cluster, settings);
      if (source !== undefined) starts.push(source.start());
    }
    return starts;
  }

  #wanted(settings: Settings): ReadonlyMap<string, ClusterSettings> {
    const wanted = new Map(this.#joined);
    for (const cluster of settings.clusters) wanted.set(cluster.name, cluster);
    return wanted;
  }

  /** After others have been looked at: a cluster under another name is never missing between the two. */
  async #leaveUnwanted(): Promise<void> {
    const wanted = this.#wanted(this.#settings!);
    for (const name of this.#present) {
      if (!wanted.has(name) && !this.#awaited.has(name)) await this.#leave(name);
    }
  }

  async #leave(name: string): Promise<void> {
    await this.#entries.get(name)?.source.stop();
    this.#entries.delete(name);
    this.#present.delete(name);
    this.#context.sink.removeCluster(name);
  }

  /** @returns the source if it is new */
  async #keepOrReplace(cluster: ClusterSettings, settings: Settings): Promise<ClusterSource | undefined> {
    const fingerprint = fingerprintOf(cluster, settings);
    const running = this.#entries.get(cluster.name);
    if (running?.fingerprint === fingerprint) return undefined;
    await running?.source.stop();
    const shared = this.#shared!.parts;
    const { knownOf, ...context } = this.#context;
    const earlier = knownOf(cluster.name);
    const source = this.#parts.openSource(cluster, {
      ...context,
      settings,
      shared,
      ...(earlier !== undefined && { earlier }),
    });
    this.#entries.set(cluster.name, { fingerprint, source });
    this.#present.add(cluster.name);
    return source;
  }
}

function awaitedReport(name: string, sinceMs: number, trouble = 'not yet'): ClusterReport {
  return {
    name,
    kind: 'kubernetes',
    condition: 'Pending',
    topologyFrom: 'none',
    zones: [],
    conditionSinceMs: sinceMs,
    lastOctetMs: {},
    objects: 0,
    refusals: [],
    lastError: `the Secrets of clusterSecrets have not been listed: ${trouble}`,
  };
}

/** What all sources share depends on these. */
function sharedFingerprint({ domain, outage, resolvers, clusterSecrets }: Settings): string {
  return JSON.stringify([domain, outage, resolvers, clusterSecrets]);
}

/** Beside its own settings and what is shared a source depends on these. */
function fingerprintOf(cluster: ClusterSettings, settings: Settings): string {
  const { federations, dampingSeconds } = settings;
  return JSON.stringify([cluster, federations, dampingSeconds, wantsClientNetworks(settings)]);
}

/**
 * Whether sources are to tell the networks of Nodes. Whole Nodes are larger than their metadata, so they are asked for only where
 * clients are told apart.
 */
export function wantsClientNetworks({ geoip, regions, federations }: Settings): boolean {
  return geoip !== undefined || regions.length > 0 || federations.some(({ policy }) => policy === 'nearest');
}

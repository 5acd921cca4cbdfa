/**
 * Owns which sources run: one per cluster, configured or joined by a Secret, started, stopped and replaced as the
 * configuration and the Secrets say. What a source does is watchers' business.
 */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import type { ClusterReport, ClusterSource } from '../watchers/source.ts';
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

type Context = Omit<SourceContext, 'settings' | 'shared' | 'hasEarlierFacts'> & {
  readonly hasFacts: (cluster: string) => boolean;
};

export class Sources {
  readonly #parts: Pick<Parts, 'openShared' | 'openSource'>;
  readonly #context: Context;
  readonly #entries = new Map<string, Entry>();
  /** Clusters that have joined by themselves. */
  readonly #joined = new Map<string, ClusterSettings>();
  #shared: Shared | undefined;
  #settings: Settings | undefined;
  /** Changes are made one after the other; this is the last of them. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: Pick<Parts, 'openShared' | 'openSource'>, context: Context) {
    this.#parts = parts;
    this.#context = context;
  }

  /**
   * Runs exactly the sources that `settings` name and those that have joined. A cluster that stays as it was keeps
   * its source; one that is gone leaves the answers.
   *
   * @returns resolves once the first attempts of new sources have ended
   */
  reconcile(settings: Settings): Promise<void> {
    return this.#takeTurn(async () => {
      this.#settings = settings;
      await this.#renewShared(settings);
      await this.#match();
    });
  }

  reports(): readonly ClusterReport[] {
    return [...this.#entries.values()].map(({ source }) => source.report());
  }

  /** Names of the clusters that have joined by themselves. */
  get joined(): Iterable<string> {
    return this.#joined.keys();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
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
    this.#joined.clear();
    const { clock, log } = this.#context;
    const parts = this.#parts.openShared(settings, {
      clock,
      log,
      onJoin: (cluster) => this.#changeJoined(() => this.#joined.set(cluster.name, cluster)),
      onLeave: (name) => this.#changeJoined(() => this.#joined.delete(name)),
    });
    this.#shared = { fingerprint, parts };
    parts.start();
  }

  #changeJoined(change: () => void): void {
    void this.#takeTurn(async () => {
      change();
      await this.#match();
    }).catch((error: unknown) => {
      this.#context.log.error({ reason: String(error) }, 'a cluster that joined could not be started');
    });
  }

  async #match(): Promise<void> {
    const settings = this.#settings!;
    const wanted = new Map(this.#joined);
    for (const cluster of settings.clusters) wanted.set(cluster.name, cluster);
    for (const name of this.#entries.keys()) if (!wanted.has(name)) await this.#leave(name);
    await Promise.all([...wanted.values()].map((cluster) => this.#keepOrReplace(cluster, settings)));
  }

  async #leave(name: string): Promise<void> {
    await this.#entries.get(name)!.source.stop();
    this.#entries.delete(name);
    this.#context.sink.removeCluster(name);
  }

  async #keepOrReplace(cluster: ClusterSettings, settings: Settings): Promise<void> {
    const fingerprint = fingerprintOf(cluster, settings);
    const running = this.#entries.get(cluster.name);
    if (running?.fingerprint === fingerprint) return;
    await running?.source.stop();
    const shared = this.#shared!.parts;
    const { hasFacts, ...context } = this.#context;
    const hasEarlierFacts = hasFacts(cluster.name);
    const source = this.#parts.openSource(cluster, { ...context, settings, shared, hasEarlierFacts });
    this.#entries.set(cluster.name, { fingerprint, source });
    await source.start();
  }
}

/** What all sources share depends on these. */
function sharedFingerprint({ domain, outage, resolvers, clusterSecrets }: Settings): string {
  return JSON.stringify([domain, outage, resolvers, clusterSecrets]);
}

/** Beside its own settings and what is shared a source depends on these. */
function fingerprintOf(cluster: ClusterSettings, { federations, dampingSeconds }: Settings): string {
  return JSON.stringify([cluster, federations, dampingSeconds]);
}

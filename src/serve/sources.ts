/**
 * Owns which sources run: one per configured cluster, started, stopped and replaced as the configuration says.
 * What a source does is watchers' business.
 */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import type { ClusterReport, ClusterSource } from '../watchers/source.ts';
import type { Parts, SourceContext } from './parts.ts';

interface Entry {
  /** Everything the source was made from; another text means another source. */
  readonly fingerprint: string;
  readonly source: ClusterSource;
}

type Context = Omit<SourceContext, 'settings'>;

export class Sources {
  readonly #open: Parts['openSource'];
  readonly #context: Context;
  readonly #entries = new Map<string, Entry>();

  constructor(open: Parts['openSource'], context: Context) {
    this.#open = open;
    this.#context = context;
  }

  /**
   * Runs exactly the sources that `settings` name. A cluster that stays as it was keeps its source; one that is gone
   * leaves the answers.
   *
   * @returns resolves once the first attempts of new sources have ended
   */
  async reconcile(settings: Settings): Promise<void> {
    const wanted = new Map(settings.clusters.map((cluster) => [cluster.name, cluster]));
    for (const name of this.#entries.keys()) if (!wanted.has(name)) await this.#leave(name);
    const starting = settings.clusters.map((cluster) => this.#keepOrReplace(cluster, settings));
    await Promise.all(starting);
  }

  reports(): readonly ClusterReport[] {
    return [...this.#entries.values()].map(({ source }) => source.report());
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ source }) => source.stop()));
    this.#entries.clear();
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
    const source = this.#open(cluster, { ...this.#context, settings });
    this.#entries.set(cluster.name, { fingerprint, source });
    await source.start();
  }
}

/** Beside its own settings a source depends on these. */
function fingerprintOf(cluster: ClusterSettings, settings: Settings): string {
  const { domain, federations, outage, dampingSeconds, resolvers } = settings;
  return JSON.stringify([cluster, domain, federations, outage, dampingSeconds, resolvers]);
}

/**
 * Owns what the sources of all clusters share: the resolver of load-balancer hostnames, the judgement of outages over
 * all clusters together, and the clusters that Secrets describe.
 */

import { CLUSTER_DEFAULTS } from '../config/cluster-defaults.ts';
import type { Settings } from '../config/settings.ts';
import type { ClusterAccess } from '../watchers/credentials/cluster-access.ts';
import type { HostnameAddresses } from '../state/snapshot-format.ts';
import { ClusterSecrets, type SecretCluster } from '../watchers/kubernetes/cluster-secrets.ts';
import { KnownServers } from '../watchers/kubernetes/known-servers.ts';
import { accessLoader, Credentials } from '../watchers/credentials/credentials.ts';
import { HostnameResolver } from '../watchers/hostnames/hostname-resolver.ts';
import { OutageGovernor } from '../watchers/health/outage-governor.ts';
import { systemTimers } from '../timers.ts';
import type { SharedContext, SharedSources } from './parts.ts';

export class RealSharedSources implements SharedSources {
  readonly resolver: HostnameResolver;
  readonly governor: OutageGovernor;
  readonly servers: KnownServers;
  readonly #secrets: ClusterSecrets | undefined;
  readonly #loaders = new Map<string, () => Promise<ClusterAccess>>();

  constructor(settings: Settings, context: SharedContext) {
    const { clock, log } = context;
    const { domain, resolvers, outage } = settings;
    this.servers = new KnownServers({ clock, log });
    this.resolver = new HostnameResolver({ domain, resolvers, clock, log });
    this.governor = new OutageGovernor({
      ...outage,
      timers: systemTimers,
      onIsolation: (isolated, outOfContact, clusters) =>
        log.warn(
          { outOfContact, clusters },
          isolated
            ? 'most clusters are out of contact at once: fedns takes itself to be cut off and holds everything'
            : 'clusters are in contact again: outages count from now on',
        ),
    });
    this.#secrets = this.#openSecrets(settings, context);
  }

  loaderOf(cluster: string): (() => Promise<ClusterAccess>) | undefined {
    return this.#loaders.get(cluster);
  }

  trouble(): string | undefined {
    return this.#secrets?.state().lastError?.message;
  }

  remembered(): readonly HostnameAddresses[] {
    return this.resolver.remembered();
  }

  remember(hostnames: readonly HostnameAddresses[]): void {
    this.resolver.remember(hostnames);
  }

  start(): void {
    this.resolver.start();
    this.#secrets?.start();
  }

  async stop(): Promise<void> {
    await this.#secrets?.stop();
    this.governor.stop();
    await this.resolver.stop();
  }

  #openSecrets(settings: Settings, context: SharedContext): ClusterSecrets | undefined {
    if (settings.clusterSecrets === undefined) return undefined;
    const { clock, log, onJoin, onLeave, onComplete } = context;
    const reserved = new Set(settings.clusters.map((cluster) => cluster.name));
    const load = accessLoader(settings.clusterSecrets.origin, process.env);
    return new ClusterSecrets({
      namespace: settings.clusterSecrets.namespace,
      credentials: new Credentials({ load, timers: systemTimers, clock, env: process.env }),
      defaults: CLUSTER_DEFAULTS,
      reserved: () => reserved,
      onJoin: (cluster: SecretCluster) => {
        this.#loaders.set(cluster.settings.name, cluster.load);
        onJoin(cluster.settings);
      },
      onLeave: (name) => {
        this.#loaders.delete(name);
        onLeave(name);
      },
      onComplete,
      timers: systemTimers,
      clock,
      random: Math.random,
      log,
    });
  }
}

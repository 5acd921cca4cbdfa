/** A guard before a model of a domain, and facts in few words. */

import { Guard, type GuardSettings } from '../../src/steering/guard.ts';
import { nameOf } from '../../src/steering/guard-evidence.ts';
import type { Stop } from '../../src/steering/guard-stops.ts';
import type { Cause, ClusterStatus, ShardId, ShardState } from '../../src/zonebuilder/facts.ts';
import { ManualTime } from './manual-time.ts';
import { ModelDomain } from './model-domain.ts';

export const SETTINGS: GuardSettings = {
  enabled: true,
  maxWithdrawFraction: 0.5,
  windowSeconds: 60,
  holdSeconds: 300,
  minShards: 10,
};

export class Guarded {
  readonly time = new ManualTime();
  readonly domain = new ModelDomain();
  /** Names of shards whose Service is there, though it is not published. */
  readonly unpublished = new Set<string>();
  /** What was told of stops. */
  readonly told: string[] = [];
  readonly guard: Guard;

  constructor(settings: Partial<GuardSettings> = {}) {
    this.guard = new Guard({
      settings: { ...SETTINGS, ...settings },
      sink: this.domain,
      served: () => this.domain,
      timers: this.time,
      clock: this.time.clock,
      lacks: (id) => !this.unpublished.has(nameOf(id)),
      onStop: (stop) => this.told.push(`hold ${stop.rule} ${stop.cluster} ${stop.shards.size}`),
      onEnd: (stop) => this.told.push(`end ${stop.rule} ${stop.cluster} ${releasesOf(stop)}`),
    });
  }

  /** Clusters in contact, each in a region of its own unless one is named as `cluster@region`. */
  join(...clusters: readonly string[]): this {
    for (const text of clusters) this.status(text, 'available');
    return this;
  }

  status(text: string, status: ClusterStatus): void {
    const [name = '', region = name] = text.split('@');
    this.guard.setCluster({ name, region, zones: [], status });
  }

  /** Healthy shards of these Services in these clusters. */
  up(clusters: readonly string[], services: readonly string[]): this {
    for (const cluster of clusters) for (const name of services) this.guard.upsertShard(shard(cluster, name));
    return this;
  }

  list(cluster: string, services: readonly string[]): void {
    this.guard.replaceShards(
      cluster,
      services.map((name) => shard(cluster, name)),
      cause('list of Services'),
    );
  }

  delete(cluster: string, services: readonly string[]): void {
    for (const name of services) this.guard.removeShard(idOf(cluster, name), cause(`Service web/${name}`));
  }

  /** Services that answer with a cluster. */
  served(cluster: string): string[] {
    return [...this.domain.all()]
      .filter((one) => one.cluster === cluster && this.domain.isHealthy(one))
      .map(({ service }) => service);
  }

  /** Marks of held shards in the domain, as `cluster/service`. */
  marked(): string[] {
    return [...this.domain.all()].filter(({ held }) => held).map((one) => `${one.cluster}/${one.service}`);
  }
}

export function idOf(cluster: string, service: string): ShardId {
  return { cluster, federation: 'f', namespace: 'web', service };
}

export function shard(cluster: string, service: string, more: Partial<ShardState> = {}): ShardState {
  return {
    ...idOf(cluster, service),
    addresses: ['192.0.2.1'],
    ready: true,
    readyZones: 'every',
    ports: [],
    cause: cause(`Service web/${service}`),
    ...more,
  };
}

/** Endpoints report that they are not ready. */
export function unready(cluster: string, service: string): ShardState {
  return shard(cluster, service, { ready: false, readyZones: [] });
}

/** No EndpointSlice is there. */
export function sliceless(cluster: string, service: string): ShardState {
  return shard(cluster, service, { ready: false, readyZones: [], missing: 'slices' });
}

export function cause(object: string): Cause {
  return { object, timeMs: 1_700_000_000_000 };
}

/** `a0` to `a(count-1)`. */
export function names(count: number, prefix = 'a'): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

function releasesOf({ released }: Stop): string {
  return [...released].map(([why, shards]) => `${why}:${shards}`).join(' ');
}

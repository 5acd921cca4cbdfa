/** A domain without an image: keeps facts as a zone builder would, and says what is healthy. Fast enough for many sequences. */

import type { Served, ServedShard } from '../../src/steering/guard.ts';
import type { ClusterState, FactSink, ShardId, ShardState } from '../../src/zonebuilder/facts.ts';

export class ModelDomain implements FactSink, Served {
  readonly clusters = new Map<string, ClusterState>();
  /** By Service, then by cluster. */
  readonly services = new Map<string, Map<string, ShardState>>();

  setCluster(state: ClusterState): void {
    this.clusters.set(state.name, state);
  }

  removeCluster(name: string): void {
    for (const id of this.shardIds(name)) this.removeShard(id);
    this.clusters.delete(name);
  }

  upsertShard(shard: ShardState): void {
    const key = keyOf(shard);
    const shards = this.services.get(key) ?? new Map<string, ShardState>();
    this.services.set(key, shards.set(shard.cluster, shard));
  }

  removeShard(id: ShardId): void {
    const shards = this.services.get(keyOf(id));
    shards?.delete(id.cluster);
    if (shards?.size === 0) this.services.delete(keyOf(id));
  }

  replaceShards(cluster: string, shards: readonly ShardState[]): void {
    for (const id of this.shardIds(cluster)) this.removeShard(id);
    for (const shard of shards) this.upsertShard(shard);
  }

  shard(id: ShardId): ServedShard | undefined {
    const shards = this.services.get(keyOf(id));
    const state = shards?.get(id.cluster);
    if (shards === undefined || state === undefined) return undefined;
    const isAlone = ![...shards.values()].some((shard) => shard !== state && this.isHealthy(shard));
    return { state, isHealthy: this.isHealthy(state), isAlone };
  }

  *shardIds(cluster: string): Generator<ShardId> {
    for (const shards of this.services.values()) {
      const shard = shards.get(cluster);
      if (shard !== undefined) yield shard;
    }
  }

  healthyByRegion(): Map<string, number> {
    const regions = new Map<string, number>();
    for (const shard of this.all())
      if (this.isHealthy(shard)) {
        const region = this.clusters.get(shard.cluster)?.region ?? '';
        regions.set(region, (regions.get(region) ?? 0) + 1);
      }
    return regions;
  }

  stateOf(cluster: string): ClusterState | undefined {
    return this.clusters.get(cluster);
  }

  *all(): Generator<ShardState> {
    for (const shards of this.services.values()) yield* shards.values();
  }

  isHealthy({ cluster, ready, addresses }: ShardState): boolean {
    const status = this.clusters.get(cluster)?.status;
    return ready && addresses.length > 0 && (status === 'available' || status === 'held');
  }
}

function keyOf({ federation, namespace, service }: ShardId): string {
  return `${service}.${namespace}.${federation}`;
}

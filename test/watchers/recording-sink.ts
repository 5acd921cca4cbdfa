/** A FactSink that keeps the state as a zone builder would, and the calls that led to it. */

import type { Cause, ClusterState, FactSink, ShardId, ShardState } from '../../src/zonebuilder/facts.ts';

export class RecordingSink implements FactSink {
  readonly clusters = new Map<string, ClusterState>();
  readonly shards = new Map<string, ShardState>();
  /** One entry per call, in few words. */
  calls: string[] = [];
  causes: Cause[] = [];
  /** Called after every call. */
  onCall: () => void = () => {};

  setCluster(state: ClusterState): void {
    this.clusters.set(state.name, state);
    this.#note(
      `setCluster ${state.name} ${state.status} ${state.region ?? '-'} ${state.zones.join(',') || '-'}`,
    );
  }

  removeCluster(name: string): void {
    this.clusters.delete(name);
    this.#note(`removeCluster ${name}`);
  }

  upsertShard(shard: ShardState): void {
    if (!this.clusters.has(shard.cluster)) throw new Error(`${shard.cluster} was not announced`);
    this.shards.set(idText(shard), shard);
    this.causes.push(shard.cause);
    this.#note(`upsertShard ${idText(shard)}`);
  }

  removeShard(id: ShardId, cause: Cause): void {
    if (!this.shards.delete(idText(id))) throw new Error(`${idText(id)} is not there`);
    this.causes.push(cause);
    this.#note(`removeShard ${idText(id)}`);
  }

  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    if (!this.clusters.has(cluster)) throw new Error(`${cluster} was not announced`);
    for (const [key, shard] of this.shards) if (shard.cluster === cluster) this.shards.delete(key);
    for (const shard of shards) this.shards.set(idText(shard), shard);
    this.causes.push(cause);
    this.#note(`replaceShards ${cluster} ${shards.length}`);
  }

  /** The calls since the last time, forgetting them. */
  take(): string[] {
    const { calls } = this;
    this.calls = [];
    return calls;
  }

  /** The shard of a Service, `namespace/name`, in the only cluster and federation that has it. */
  shard(service: string): ShardState | undefined {
    return [...this.shards.values()].find((shard) => `${shard.namespace}/${shard.service}` === service);
  }

  #note(call: string): void {
    this.calls.push(call);
    this.onCall();
  }
}

function idText({ cluster, federation, namespace, service }: ShardId): string {
  return `${cluster} ${service}.${namespace}.${federation}`;
}

/**
 * A FactSink in front of another one that lets a shard leave the answers only when it has been down for a while: one
 * that is back before does not leave at all. Only readiness is damped: a shard whose Service is deleted leaves at
 * once, for somebody meant it, and a shard that comes up counts at once.
 */

import type { Cause, ClusterState, FactSink, ShardId, ShardState } from '../../zonebuilder/facts.ts';
import type { Timer, Timers } from '../../timers.ts';

interface Leaving {
  /** The newest state that has not been passed on. */
  shard: ShardState;
  readonly timer: Timer;
}

export class FlapDamping implements FactSink {
  readonly #sink: FactSink;
  readonly #timers: Timers;
  readonly #dampingMs: number;
  /** Shards that were up when last passed on. */
  readonly #up = new Map<string, ShardState>();
  readonly #leaving = new Map<string, Leaving>();

  constructor(sink: FactSink, timers: Timers, dampingSeconds: number) {
    this.#sink = sink;
    this.#timers = timers;
    this.#dampingMs = dampingSeconds * 1000;
  }

  setCluster(state: ClusterState): void {
    this.#sink.setCluster(state);
  }

  removeCluster(name: string): void {
    for (const [key, shard] of this.#up) if (shard.cluster === name) this.#forget(key);
    this.#sink.removeCluster(name);
  }

  upsertShard(shard: ShardState): void {
    const passed = this.#settle(shard);
    if (passed === shard) this.#sink.upsertShard(shard);
  }

  removeShard(id: ShardId, cause: Cause): void {
    this.#forget(keyOf(id));
    this.#sink.removeShard(id, cause);
  }

  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    if (this.#dampingMs === 0) return this.#sink.replaceShards(cluster, shards, cause);
    const keys = new Set(shards.map(keyOf));
    for (const [key, shard] of this.#up) {
      if (shard.cluster === cluster && !keys.has(key)) this.#forget(key);
    }
    this.#sink.replaceShards(
      cluster,
      shards.map((shard) => this.#settle(shard)),
      cause,
    );
  }

  /** Cancels all timers. Shards on their way out stay in. */
  stop(): void {
    for (const { timer } of this.#leaving.values()) timer.cancel();
    this.#leaving.clear();
  }

  /** Decides which state of a shard counts: the given one, or the one that it had while it was up. */
  #settle(shard: ShardState): ShardState {
    // Without damping nothing need be known of half a million shards.
    if (this.#dampingMs === 0) return shard;
    const key = keyOf(shard);
    if (isUp(shard)) {
      this.#forget(key);
      this.#up.set(key, shard);
      return shard;
    }
    const before = this.#up.get(key);
    if (before === undefined) {
      this.#forget(key);
      return shard;
    }
    const leaving = this.#leaving.get(key);
    if (leaving === undefined) this.#startLeaving(key, shard);
    else leaving.shard = shard;
    return before;
  }

  #startLeaving(key: string, shard: ShardState): void {
    const timer = this.#timers.after(this.#dampingMs, () => {
      const last = this.#leaving.get(key)!.shard;
      this.#forget(key);
      this.#sink.upsertShard(last);
    });
    this.#leaving.set(key, { shard, timer });
  }

  #forget(key: string): void {
    this.#leaving.get(key)?.timer.cancel();
    this.#leaving.delete(key);
    this.#up.delete(key);
  }
}

function isUp({ ready, addresses }: ShardState): boolean {
  return ready && addresses.length > 0;
}

function keyOf({ cluster, federation, namespace, service }: ShardId): string {
  return `${cluster}/${federation}/${namespace}/${service}`;
}

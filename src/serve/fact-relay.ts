/**
 * Owns the way of the facts from the sources to the domain that is served at the moment: a reload puts another domain
 * behind it, and the sources notice nothing.
 */

import type { Cause, ClusterState, FactSink, ShardId, ShardState } from '../zonebuilder/facts.ts';
import type { ServedDomain } from './parts.ts';

export class FactRelay implements FactSink {
  #domain: ServedDomain;
  readonly #onCluster: () => void;
  /** What has come while nothing may change, in its order; undefined: all goes through. */
  #held: (() => void)[] | undefined;

  /** @param onCluster - called when something of a cluster may be another than before, or the cluster is gone */
  constructor(domain: ServedDomain, onCluster: () => void = () => {}) {
    this.#domain = domain;
    this.#onCluster = onCluster;
  }

  /** Keeps back what comes from now on. */
  pause(): void {
    this.#held ??= [];
  }

  /** Lets go of what was kept back, as one change. */
  resume(cause: Cause): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (held.length === 0) return;
    this.#domain.batch(cause, () => {
      for (const report of held) report();
    });
  }

  #pass(report: () => void): void {
    if (this.#held === undefined) report();
    else this.#held.push(report);
  }

  /**
   * Moves all facts into another domain and sends further ones there.
   *
   * @param clusters - names of those that are still configured
   */
  switchTo(domain: ServedDomain, clusters: ReadonlySet<string>, nowMs: number): void {
    const cause = { object: 'configuration', timeMs: nowMs };
    domain.batch(cause, () => {
      for (const { cluster, shards } of this.#domain.facts()) {
        if (!clusters.has(cluster.name)) continue;
        domain.setCluster(cluster);
        domain.replaceShards(cluster.name, [...shards], cause);
      }
    });
    this.#domain = domain;
  }

  /**
   * A source that begins anew calls its cluster pending. When facts of an earlier source or of the snapshot are
   * there, they still count: nothing changes until the first sync. A source that has not synced does not know where
   * its cluster is either, so when it gives the cluster up, the regions and zones known before stay registered.
   */
  setCluster(state: ClusterState): void {
    this.#pass(() => this.#setCluster(state));
  }

  #setCluster(state: ClusterState): void {
    const known = this.#domain.stateOf(state.name);
    if (known === undefined || known.status === 'pending' || state.status === 'available') {
      this.#domain.setCluster(state);
    } else if (state.status !== 'pending') {
      const zones = state.zones.length > 0 ? state.zones : known.zones;
      this.#domain.setCluster({ ...known, ...state, zones });
    }
    this.#onCluster();
  }

  batch(cause: Cause, work: () => void): void {
    // What is kept back goes as one batch anyway, and batches do not nest.
    if (this.#held === undefined) this.#domain.batch(cause, work);
    else work();
  }

  removeCluster(name: string): void {
    this.#pass(() => {
      this.#domain.removeCluster(name);
      this.#onCluster();
    });
  }

  upsertShard(shard: ShardState): void {
    this.#pass(() => this.#domain.upsertShard(shard));
  }

  removeShard(id: ShardId, cause: Cause): void {
    this.#pass(() => this.#domain.removeShard(id, cause));
  }

  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    this.#pass(() => this.#domain.replaceShards(cluster, shards, cause));
  }
}

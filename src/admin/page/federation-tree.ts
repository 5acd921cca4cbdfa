/** The federation as a tree: global, regions, zones, clusters. Plain data of the topology; components show it. */

import type { ClusterNode, TopologyView } from '../topology.ts';
import { clusterState, placeState, type State } from './health.ts';

/** A row of the tree. */
export interface Branch {
  /** Unique within the tree. */
  readonly key: string;
  readonly kind: 'global' | 'region' | 'zone' | 'cluster';
  readonly name: string;
  readonly state: State;
  /** The clusters at or below it, each once. */
  readonly clusters: readonly ClusterNode[];
  readonly shards: number;
  readonly healthyShards: number;
  /** When the cluster that was heard longest ago was heard; undefined: one never was. */
  readonly heardMs: number | undefined;
  readonly children: readonly Branch[];
}

/** Stands for the place of clusters that are in no region. */
export const NO_REGION = 'no region';

/**
 * The tree of a picture. A cluster that spans zones is in each of them; a zone of one cluster is one row with it, for most zones
 * are, and a second row would say the same.
 */
export function treeOf(topology: TopologyView): Branch {
  const regions = topology.regions.map(({ name, zones }) => {
    const own = topology.clusters.filter(({ region }) => region === name);
    return regionBranch(name, zones, own);
  });
  const placeless = topology.clusters.filter(({ region }) => region === undefined);
  if (placeless.length > 0) regions.push(regionBranch(NO_REGION, [], placeless));
  return branch('global', '', topology.domain, topology.clusters, regions);
}

function regionBranch(name: string, zones: readonly string[], clusters: readonly ClusterNode[]): Branch {
  const inZones = zones.map((zone) => {
    const own = clusters.filter((cluster) => cluster.zones.includes(zone));
    const key = `${zone}.${name}`;
    const [first, ...others] = own;
    if (first === undefined || others.length > 0) return branch('zone', key, zone, own, leaves(key, own));
    return { ...branch('zone', key, zone, own, []), state: clusterState(first) };
  });
  const zoneless = clusters.filter((cluster) => cluster.zones.length === 0);
  return branch('region', name, name, clusters, [...inZones, ...leaves(name, zoneless)]);
}

function leaves(place: string, clusters: readonly ClusterNode[]): Branch[] {
  return clusters.map((cluster) => ({
    ...branch('cluster', `${place}/${cluster.name}`, cluster.name, [cluster], []),
    state: clusterState(cluster),
  }));
}

function branch(
  kind: Branch['kind'],
  key: string,
  name: string,
  clusters: readonly ClusterNode[],
  children: readonly Branch[],
): Branch {
  const heard = clusters.map(({ heardMs }) => heardMs);
  return {
    key,
    kind,
    name,
    state: placeState(clusters),
    clusters,
    shards: sum(clusters, ({ shards }) => shards),
    healthyShards: sum(clusters, ({ healthyShards }) => healthyShards),
    heardMs: heard.includes(undefined) ? undefined : Math.min(...heard.map((ms) => ms ?? 0)),
    children,
  };
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}

/** Owns the picture of the federation that the page shows: places and clusters, put together from their reports. */

import type { ClusterView } from '../admin/control-plane.ts';
import { HEARD_STEP_MS, type ClusterNode, type RegionNode } from '../admin/topology.ts';
import type { RegionSettings } from '../config/settings.ts';
import { regionPoint } from './geo/world.ts';

/** A cluster in few words. */
export function clusterNode(view: ClusterView): ClusterNode {
  const { report, status, unread, shards, healthyShards, drained, guardedShards } = view;
  const heardMs = Math.max(...Object.values(report.lastOctetMs));
  return {
    name: report.name,
    ...(report.region !== undefined && { region: report.region }),
    zones: report.zones,
    kind: report.kind,
    condition: report.condition,
    status,
    ...(unread === true && { unread }),
    ...(report.version !== undefined && { version: report.version }),
    conditionSinceMs: report.conditionSinceMs,
    ...(heardMs > 0 && { heardMs: heardMs - (heardMs % HEARD_STEP_MS) }),
    shards,
    healthyShards,
    ...(guardedShards !== undefined && { guardedShards }),
    ...(drained !== undefined && { drained }),
    refusals: report.refusals.length,
    stale: report.stale?.length ?? 0,
    ...(report.lastError !== undefined && { lastError: report.lastError }),
    ...(report.advice !== undefined && { advice: report.advice }),
  };
}

/**
 * The regions that clusters are in, with their zones.
 *
 * @param settings - what the configuration says of regions
 */
export function regionNodes(
  clusters: readonly ClusterNode[],
  settings: readonly RegionSettings[],
): RegionNode[] {
  const zones = new Map<string, Set<string>>();
  for (const cluster of clusters) {
    if (cluster.region === undefined) continue;
    const known = zones.get(cluster.region) ?? new Set();
    for (const zone of cluster.zones) known.add(zone);
    zones.set(cluster.region, known);
  }
  const configured = new Map(settings.map((region) => [region.name, region]));
  return [...zones]
    .map(([name, own]) => ({ name, zones: [...own].toSorted(), ...pointOf(name, configured.get(name)) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function pointOf(
  region: string,
  settings: RegionSettings | undefined,
): Pick<RegionNode, 'point' | 'pointFrom'> {
  const found = regionPoint(region, settings);
  if (found === undefined) return {};
  const { latitude, longitude } = found.point;
  return { point: [latitude, longitude], pointFrom: found.pointFrom };
}

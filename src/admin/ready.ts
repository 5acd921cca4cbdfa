/** Owns when fedns is ready to be asked: once nothing is left that it could only answer with SERVFAIL. */

import type { ClusterView } from './control-plane.ts';

/** The clusters that hold readiness back: neither synced yet nor covered by the snapshot of the last run. */
export function pendingClusters(clusters: readonly ClusterView[]): readonly string[] {
  return clusters.filter((view) => view.status === 'pending').map((view) => view.report.name);
}

/** Owns what holds for a cluster that no configuration names, because a Secret describes it. */

import type { ClusterSettings } from './settings.ts';
import { clusterSchema } from './schema.ts';

const { clients, publish, addresses, hostnames, namespaces, limits } = clusterSchema.parse({
  name: 'any',
  inCluster: true,
});

/** The defaults of a member cluster's keys. */
export const CLUSTER_DEFAULTS: Omit<ClusterSettings, 'name' | 'origin' | 'region' | 'zones'> = {
  clients,
  publish,
  addresses,
  hostnames,
  namespaces,
  limits,
};

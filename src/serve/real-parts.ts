/** Owns which implementation stands behind each part that the composition root joins. */

import type { ClusterSettings } from '../config/settings.ts';
import { ManifestSource } from '../watchers/manifest-source.ts';
import type { ClusterSource } from '../watchers/source.ts';
import { BuiltDomain } from './built-domain.ts';
import type { Parts, SourceContext } from './parts.ts';
import { ThreadsDataPlane } from './threads-data-plane.ts';

export const realParts: Parts = {
  openDomain: (settings, hooks) => new BuiltDomain(settings, hooks),
  openSource,
  openDataPlane: (settings, image, log) => new ThreadsDataPlane(settings, image, log),
};

function openSource(cluster: ClusterSettings, context: SourceContext): ClusterSource {
  const { settings, sink, clock, log } = context;
  const { domain, federations } = settings;
  switch (cluster.origin.kind) {
    case 'manifests':
      return new ManifestSource({ settings: cluster, domain, federations, sink, clock, log });
    case 'kubeconfig':
    case 'inCluster':
    case 'secret':
      throw new Error(`cluster ${cluster.name}: this version reads clusters from manifests only`);
  }
}

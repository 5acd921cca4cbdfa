/** Owns which implementation stands behind each part that the composition root joins. */

import type { ClusterSettings } from '../config/settings.ts';
import type { ClusterAccess } from '../watchers/credentials/cluster-access.ts';
import { accessLoader, Credentials } from '../watchers/credentials/credentials.ts';
import { KubernetesSource } from '../watchers/kubernetes/kubernetes-source.ts';
import { SocketLedger } from '../server/workers/socket-ledger.ts';
import { chooseTransport, loadMemoryAdvice } from '../server/workers/udp-transport.ts';
import { ManifestSource } from '../watchers/manifests/manifest-source.ts';
import type { ClusterSource } from '../watchers/source.ts';
import { ConfigMapDrains } from '../steering/shared/config-map.ts';
import { systemTimers } from '../timers.ts';
import { BuiltDomain } from './built-domain.ts';
import { compileInThread } from './geo/compile-job.ts';
import type { Parts, SourceContext } from './parts.ts';
import { wantsClientNetworks } from './sources.ts';
import { RealSharedSources } from './shared-sources.ts';
import { ThreadsDataPlane } from './threads-data-plane.ts';

const prepareMemory = await loadMemoryAdvice();

export const realParts: Parts = {
  openDomain: (settings, hooks) => new BuiltDomain(settings, hooks, prepareMemory),
  openShared: (settings, context) => new RealSharedSources(settings, context),
  openSharedDrains: ({ steering: { configMap } }, { clock, log }) => {
    if (configMap === undefined) return undefined;
    const { namespace, name, origin } = configMap;
    const load = accessLoader(origin, process.env);
    const credentials = new Credentials({ load, timers: systemTimers, clock, env: process.env });
    return new ConfigMapDrains({
      namespace,
      name,
      credentials,
      timers: systemTimers,
      clock,
      random: Math.random,
      log,
    });
  },
  openSource: (cluster, context) =>
    cluster.origin.kind === 'manifests' ? openManifests(cluster, context) : openKubernetes(cluster, context),
  openLedger: async ({ transport: wanted }, passed) => {
    const transport = await chooseTransport(wanted);
    return transport.kind === 'batch' ? new SocketLedger(transport.libc, passed) : undefined;
  },
  openDataPlane: (settings, image, log, version, ledger) =>
    new ThreadsDataPlane(settings, image, log, version, ledger),
  compileGeo: compileInThread,
};

/** Files are always in contact: they count among all clusters when it is judged whether fedns is cut off. */
function openManifests(cluster: ClusterSettings, context: SourceContext): ClusterSource {
  const { shared, settings, sink, clock, log, earlier } = context;
  const { domain, federations, dampingSeconds, outage } = settings;
  shared.governor.join(cluster.name, () => {}, 'inContact');
  const source = new ManifestSource({
    settings: cluster,
    domain,
    federations,
    sink,
    clock,
    log,
    ...(earlier !== undefined && { earlier, hasEarlierFacts: true }),
    dampingSeconds,
    graceSeconds: outage.graceSeconds,
    timers: systemTimers,
    resolver: shared.resolver,
    clientNetworks: wantsClientNetworks(settings),
  });
  return {
    name: cluster.name,
    start: () => source.start(),
    report: () => source.report(),
    account: (namespace, service) => source.account(namespace, service),
    serviceKeys: () => source.serviceKeys(),
    lacks: (shard) => source.lacks(shard),
    acceptVersions: () => source.acceptVersions?.(),
    stop: async () => {
      await source.stop();
      shared.governor.leave(cluster.name);
    },
  };
}

function openKubernetes(cluster: ClusterSettings, context: SourceContext): ClusterSource {
  const { shared, settings, sink, clock, log, earlier } = context;
  const { domain, federations, dampingSeconds, outage } = settings;
  const load = shared.loaderOf(cluster.name) ?? loaderOf(cluster);
  return new KubernetesSource({
    settings: cluster,
    federations,
    domain,
    dampingSeconds,
    graceSeconds: outage.graceSeconds,
    sink,
    ...(earlier !== undefined && { earlier, hasEarlierFacts: true }),
    governor: shared.governor,
    ...(shared.servers !== undefined && { servers: shared.servers }),
    credentials: new Credentials({ load, timers: systemTimers, clock, env: process.env }),
    resolver: shared.resolver,
    clientNetworks: wantsClientNetworks(settings),
    timers: systemTimers,
    clock,
    random: Math.random,
    log,
  });
}

function loaderOf({ name, origin }: ClusterSettings): () => Promise<ClusterAccess> {
  if (origin.kind === 'kubeconfig' || origin.kind === 'inCluster') return accessLoader(origin, process.env);
  throw new TypeError(`cluster ${name} has no credentials of its own`);
}

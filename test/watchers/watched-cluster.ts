/** A KubernetesSource with everything around it, watching a scripted API server on time that stands still. */

import type { ClusterSettings, FederationSettings } from '../../src/config/settings.ts';
import type { ClusterAccess } from '../../src/watchers/credentials/cluster-access.ts';
import { Credentials } from '../../src/watchers/credentials/credentials.ts';
import { KubernetesSource } from '../../src/watchers/kubernetes/kubernetes-source.ts';
import type { KnownServers } from '../../src/watchers/kubernetes/known-servers.ts';
import { OutageGovernor } from '../../src/watchers/health/outage-governor.ts';
import type { Log } from '../../src/log.ts';
import { FakeTime, until } from './fake-time.ts';
import { clusterSettings, node, READY, service, slice } from './kubernetes-objects.ts';
import { RecordingSink } from './recording-sink.ts';
import { NODES, ScriptedApiServer, SERVICES, SLICES, testAuthority } from './scripted-api-server.ts';

export const FEDERATION: FederationSettings = { name: 'main', select: 'label', policy: 'all' };
export const NO_LOG: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface WatchedCluster {
  readonly server: ScriptedApiServer;
  readonly time: FakeTime;
  readonly sink: RecordingSink;
  readonly governor: OutageGovernor;
  readonly source: KubernetesSource;
  /** Times from event to sink. */
  readonly propagation: number[];
  /** Stops everything; returns what is left of timers and connections. */
  stop(): Promise<{ readonly timers: number; readonly connections: number }>;
}

export interface WatchedOptions {
  readonly settings?: Partial<ClusterSettings>;
  readonly federations?: readonly FederationSettings[];
  readonly access?: Partial<ClusterAccess>;
  readonly load?: () => Promise<ClusterAccess>;
  readonly log?: Log;
  readonly server?: ScriptedApiServer;
  readonly time?: FakeTime;
  readonly sink?: RecordingSink;
  readonly governor?: OutageGovernor;
  readonly servers?: KnownServers;
  readonly hasEarlierFacts?: boolean;
  readonly graceSeconds?: number;
  readonly refusedGraceSeconds?: number;
  /** 1: nothing counts as isolation, which one cluster out of one otherwise does. */
  readonly failStaticAbove?: number;
  readonly dampingSeconds?: number;
  /** Draws the lengths of watches, waits and the like; 0.5 always. */
  readonly random?: () => number;
}

/** Starts a cluster with a Node and a Service `web/nginx` that has one ready endpoint. */
export async function watchCluster(options: WatchedOptions = {}): Promise<WatchedCluster> {
  const server = options.server ?? (await startServer());
  const time = options.time ?? new FakeTime();
  const sink = options.sink ?? new RecordingSink();
  const governor =
    options.governor ??
    new OutageGovernor({
      timers: time,
      graceSeconds: options.graceSeconds ?? 60,
      refusedGraceSeconds: options.refusedGraceSeconds ?? 3600,
      failStaticAbove: options.failStaticAbove ?? 1,
    });
  const propagation: number[] = [];
  const source = new KubernetesSource({
    settings: clusterSettings(options.settings),
    federations: options.federations ?? [FEDERATION],
    domain: 'example.com',
    dampingSeconds: options.dampingSeconds ?? 0,
    hasEarlierFacts: options.hasEarlierFacts ?? false,
    sink,
    governor,
    ...(options.servers !== undefined && { servers: options.servers }),
    credentials: new Credentials({
      load: options.load ?? (async () => serverAccess(server, options.access)),
      timers: time,
      clock: time.clock,
      env: process.env,
    }),
    timers: time,
    clock: time.clock,
    random: options.random ?? (() => 0.5),
    log: options.log ?? NO_LOG,
    onPropagation: (_cluster, ms) => propagation.push(ms),
  });
  void source.start();
  const stop = async (): Promise<{ timers: number; connections: number }> => {
    await source.stop();
    governor.stop();
    const { timers } = time;
    await until(() => server.connections === 0);
    await server.stop();
    await until(() => server.connections === 0);
    return { timers, connections: server.connections };
  };
  return { server, time, sink, governor, source, propagation, stop };
}

/** A server with the objects of {@link watchCluster}. */
export async function startServer(server = new ScriptedApiServer()): Promise<ScriptedApiServer> {
  fill(server);
  await server.start();
  return server;
}

export function fill(server: ScriptedApiServer): void {
  server.load(NODES, [
    node('worker-1', { 'topology.kubernetes.io/region': 'r1', 'topology.kubernetes.io/zone': 'z1' }),
  ]);
  server.load(SERVICES, [service()]);
  server.load(SLICES, [slice([READY])]);
}

/** Access to a scripted server with a token. */
export function serverAccess(server: ScriptedApiServer, changes: Partial<ClusterAccess> = {}): ClusterAccess {
  return {
    server: new URL(server.url),
    ca: { kind: 'text', text: testAuthority().cert },
    insecure: false,
    token: { kind: 'text', text: 'secret' },
    ...changes,
  };
}

/** Whether the Service `web/nginx` is answered with. */
export function isServed({ sink }: Pick<WatchedCluster, 'sink'>): boolean {
  return sink.shard('web/nginx')?.ready === true;
}

/** What the sink has been told of the cluster. */
export function statusOf({ sink }: Pick<WatchedCluster, 'sink'>, name = 'one'): string | undefined {
  return sink.clusters.get(name)?.status;
}

/** Waits until the first sync is complete and every watch has been accepted. */
export async function synced(cluster: WatchedCluster, watches = 3): Promise<void> {
  const { source, server } = cluster;
  await until(() => source.report().condition === 'Ready' && server.watching >= watches);
}

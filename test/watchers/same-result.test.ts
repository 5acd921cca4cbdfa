/** What other clusters have brought, and where the cluster is, comes out the same from files and from an API server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ManifestSource } from '../../src/watchers/manifests/manifest-source.ts';
import type { ClusterSettings } from '../../src/config/settings.ts';
import { FakeTime } from './fake-time.ts';
import { clusterSettings, node, READY, service, slice } from './kubernetes-objects.ts';
import { RecordingSink } from './recording-sink.ts';
import { NODES, ScriptedApiServer, SERVICES, SLICES } from './scripted-api-server.ts';
import { FEDERATION, NO_LOG, synced, watchCluster } from './watched-cluster.ts';
import { scratch } from '../support/scratch.ts';

const HERE = { 'topology.kubernetes.io/region': 'r1', 'topology.kubernetes.io/zone': 'z1' };
const ELSEWHERE = { 'topology.kubernetes.io/region': 'r9', 'topology.kubernetes.io/zone': 'z9' };

function inZone(zone: string): Record<string, string> {
  return { ...HERE, 'topology.kubernetes.io/zone': zone };
}

function imported(labels: Record<string, string>, name: string): Record<string, unknown> {
  const metadata = { name, namespace: 'web', labels };
  return slice([{ ...READY, zone: 'z9' }], { fields: { metadata } });
}

const OBJECTS = {
  services: [service()],
  nodes: [node('n1', HERE), node('v1', { ...ELSEWHERE, type: 'virtual-kubelet' })],
  slices: [
    imported(
      {
        'kubernetes.io/service-name': 'nginx',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-mesh-controller.cilium.io',
      },
      'cilium',
    ),
    imported({ 'endpointslice.kubernetes.io/managed-by': 'lighthouse-agent.submariner.io' }, 'submariner'),
  ],
};

/** What the sink was told, and what the operator is. */
interface Outcome {
  readonly clusters: readonly unknown[];
  readonly shards: readonly unknown[];
  readonly refusals: readonly string[];
}

function outcome(sink: RecordingSink, refusals: readonly { code: string; message: string }[]): Outcome {
  return {
    clusters: [...sink.clusters.values()],
    shards: [...sink.shards.values()].map(({ cause: _cause, ...shard }) => shard),
    refusals: refusals.map(({ code, message }) => `${code} ${message}`),
  };
}

interface World {
  readonly services: readonly Record<string, unknown>[];
  readonly nodes: readonly Record<string, unknown>[];
  readonly slices: readonly Record<string, unknown>[];
  readonly settings?: Partial<ClusterSettings>;
}

async function fromFiles(t: Test, { services, nodes, slices, settings }: World): Promise<Outcome> {
  const folder = scratch(t, {});
  const items = [...services, ...nodes, ...slices];
  writeFileSync(join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const sink = new RecordingSink();
  const time = new FakeTime();
  const source = new ManifestSource({
    settings: clusterSettings({ ...settings, origin: { kind: 'manifests', path: folder } }),
    federations: [FEDERATION],
    domain: 'example.com',
    sink,
    clock: time.clock,
    timers: time,
    graceSeconds: 60,
    dampingSeconds: 0,
    log: NO_LOG,
  });
  await source.start();
  const result = outcome(sink, source.report().refusals);
  await source.stop();
  return result;
}

async function fromServer({ services, nodes, slices, settings }: World): Promise<Outcome> {
  const server = new ScriptedApiServer();
  server.load(NODES, nodes);
  server.load(SERVICES, services);
  server.load(SLICES, slices);
  await server.start();
  const cluster = await watchCluster({ server, ...(settings !== undefined && { settings }) });
  await synced(cluster);
  const result = outcome(cluster.sink, cluster.source.report().refusals);
  await cluster.stop();
  return result;
}

t.test('the same objects make the same cluster', async (t) => {
  const files = await fromFiles(t, OBJECTS);
  t.match(files.clusters, [{ region: 'r1', zones: ['z1'], status: 'available' }]);
  t.match(files.shards, [{ service: 'nginx', ready: false }]);
  t.strictSame(files.refusals, [
    'SLICES_IMPORTED 1 EndpointSlices were brought from other clusters by Cilium Cluster Mesh; they count where their Pods run',
  ]);
  // The server is asked for slices that have a Service, so that the other one never comes.
  t.strictSame(await fromServer({ ...OBJECTS, slices: OBJECTS.slices.slice(0, 1) }), files);
});

t.test('a headless Service of a flat network has the zone of each Pod', async (t) => {
  const world: World = {
    services: [
      service({ spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] }, ingress: [] }),
    ],
    nodes: [node('n1', inZone('z1')), node('n2', inZone('z2'))],
    slices: [
      slice([
        { ...READY, addresses: ['10.1.0.9'], zone: 'z1' },
        { ...READY, addresses: ['10.1.0.5'], zone: 'z2' },
        { ...READY, addresses: ['10.1.0.6'], zone: 'z2', conditions: { ready: false } },
      ]),
    ],
    settings: { publish: 'clusterIP' },
  };
  const files = await fromFiles(t, world);
  t.match(files.shards, [
    {
      service: 'nginx',
      ready: true,
      readyZones: ['z1', 'z2'],
      addresses: ['10.1.0.5', '10.1.0.9'],
      addressZones: ['z2', 'z1'],
    },
  ]);
  t.equal(files.shards.length, 1);
  t.strictSame(await fromServer(world), files);
});

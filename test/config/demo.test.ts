import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { loadSettings } from '../../src/config/load.ts';
import { schemaText } from '../../src/config/write-schema.ts';

const FOLDER = join(import.meta.dirname, '../../config');

/** The guide's listing: address of the load balancer, and whether an endpoint is ready. */
const SHARDS: Readonly<Record<string, { address?: string; ready: boolean }>> = {
  'asia-east1-a': { address: '130.211.57.243', ready: true },
  'asia-east1-b': { address: '104.199.136.89', ready: false },
  'asia-east1-c': { address: '130.211.56.221', ready: true },
  'europe-west1-b': { ready: false },
  'europe-west1-c': { ready: false },
  'europe-west1-d': { ready: false },
  'us-central1-a': { address: '104.197.247.191', ready: true },
  'us-central1-b': { address: '104.197.244.180', ready: true },
  'us-central1-c': { address: '104.197.245.170', ready: true },
  'us-central1-f': { address: '104.197.246.190', ready: false },
  'us-east1-b': { ready: true },
  'us-east1-c': { ready: true },
  'us-east1-d': { ready: true },
};

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly status?: { readonly loadBalancer?: { readonly ingress: readonly { readonly ip: string }[] } };
  readonly endpoints?: readonly { readonly zone: string; readonly conditions: { readonly ready: boolean } }[];
}

function objectsIn(folder: string): KubernetesObject[] {
  return ['nginx.yaml', 'nodes.yaml'].flatMap((file) => {
    const [list] = parseAllDocuments(readFileSync(join(folder, file), 'utf8')) as { toJS(): unknown }[];
    return (list!.toJS() as { items: KubernetesObject[] }).items;
  });
}

test('the demo is the federation of the Kubernetes guide', async (t) => {
  const { settings, warnings } = loadSettings(join(FOLDER, 'demo.yaml'));
  t.same(warnings, []);
  t.same(
    settings.clusters.map(({ name }) => name),
    Object.keys(SHARDS).map((zone) => `gce-${zone}`),
  );
  for (const { name, region, zones, origin } of settings.clusters) {
    const zone = name.replace('gce-', '');
    t.same([region, zones], [zone.replace(/-.$/, ''), [zone]], `${name} lies in its zone`);
    const objects = objectsIn(origin.kind === 'manifests' ? origin.path : '');
    const [service, slice, node] = ['Service', 'EndpointSlice', 'Node'].map((kind) =>
      objects.find((object) => object.kind === kind),
    );
    t.equal(service!.metadata.labels['fedns.io/federation'], 'myfederation');
    const address = service!.status!.loadBalancer!.ingress[0]!.ip;
    t.match(address, SHARDS[zone]!.address ?? /^104\.(?:196|199)\./, `${name} publishes its address`);
    t.ok(slice!.endpoints!.every((endpoint) => endpoint.conditions.ready === SHARDS[zone]!.ready));
    t.match(node!.metadata.labels, {
      'topology.kubernetes.io/region': region,
      'topology.kubernetes.io/zone': zone,
    });
  }
});

test('config/schema.json is current, and the demo points to it', async (t) => {
  t.equal(readFileSync(join(FOLDER, 'schema.json'), 'utf8'), schemaText(), 'npm run schema');
  const [first] = readFileSync(join(FOLDER, 'demo.yaml'), 'utf8').split('\n');
  t.equal(first, '# yaml-language-server: $schema=./schema.json');
});

interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

function keysWithoutDescription(node: SchemaNode, path = ''): string[] {
  const inner = Object.entries(node.properties ?? {}).flatMap(([key, value]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return [...(value.description ? [] : [here]), ...keysWithoutDescription(value, here)];
  });
  return node.items ? [...inner, ...keysWithoutDescription(node.items, path)] : inner;
}

test('every key is described for editors', async (t) => {
  t.same(keysWithoutDescription(JSON.parse(schemaText()) as SchemaNode), []);
});

import tap from 'tap';
import {
  listItems,
  slimAs,
  slimObject,
  type SlimEndpointSlice,
  type SlimService,
} from '../../../src/watchers/objects/objects.ts';
import { node, READY, service, serviceExport, slice, slim } from '../kubernetes-objects.ts';

tap.test('a Service keeps what fedns reads and nothing else', (t) => {
  const big = 'x'.repeat(1_000_000);
  const object = slim(
    service({
      labels: { 'fedns.io/federation': 'main', app: 'nginx' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': big, 'fedns.io/ttl': '60' },
      spec: { selector: { app: 'nginx' }, externalIPs: ['198.51.100.7'], sessionAffinity: 'None' },
    }),
  );
  t.ok(JSON.stringify(object).length < 600, 'a large annotation costs nothing');
  t.same(object, {
    kind: 'Service',
    namespace: 'web',
    name: 'nginx',
    resourceVersion: '7',
    type: 'LoadBalancer',
    marks: { federation: 'main', ttl: '60' },
    clusterIPs: ['10.96.0.10'],
    externalIPs: ['198.51.100.7'],
    ingress: [{ ip: '192.0.2.1' }],
    ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
    publishNotReadyAddresses: false,
    deleting: false,
  });
  t.end();
});

tap.test('a Service without spec or status is an unexposed ClusterIP Service', (t) => {
  const bare = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'b' } };
  t.match(slim(bare), { type: 'ClusterIP', ingress: [], ports: [], clusterIPs: [] });
  t.match(slim({ ...bare, spec: null, status: null }), { type: 'ClusterIP' }, 'null is absent');
  t.end();
});

tap.test('the single clusterIP of an old API server is taken', (t) => {
  const object = slim(service({ spec: { clusterIPs: undefined, clusterIP: 'None' } })) as SlimService;
  t.same(object.clusterIPs, ['None']);
  t.end();
});

tap.test('an unquoted number or truth value in an annotation reads as its text', (t) => {
  const object = slim(service({ annotations: { 'fedns.io/ttl': 60, 'fedns.io/exclude': true } }));
  t.match(object, { marks: { ttl: '60', exclude: 'true' } });
  t.end();
});

const ENDPOINTS: ReadonlyArray<readonly [string, unknown, string[], boolean]> = [
  ['is ready by its condition', { conditions: { ready: true }, zone: 'a' }, ['a'], false],
  ['without conditions is ready', { zone: 'a' }, ['a'], false],
  ['whose ready condition is null is ready', { conditions: { ready: null }, zone: 'a' }, ['a'], false],
  ['that is not ready does not count', { conditions: { ready: false }, zone: 'a' }, [], false],
  [
    'that terminates but still serves does not count (KEP-1672)',
    { conditions: { ready: false, serving: true, terminating: true }, zone: 'a' },
    [],
    false,
  ],
  ['without a zone counts as such', { conditions: { ready: true } }, [], true],
  ['has its zone in lower case', { zone: 'RegionOne-A' }, ['regionone-a'], false],
  [
    'of v1beta1 has its zone in the topology map',
    { topology: { 'topology.kubernetes.io/zone': 'a' } },
    ['a'],
    false,
  ],
  [
    'of a very old cluster has the beta label in the topology map',
    { topology: { 'failure-domain.beta.kubernetes.io/zone': 'a' } },
    ['a'],
    false,
  ],
  [
    'that was converted to v1 has its zone in deprecatedTopology',
    { deprecatedTopology: { 'topology.kubernetes.io/zone': 'a' } },
    ['a'],
    false,
  ],
];

for (const [title, endpoint, zones, unzoned] of ENDPOINTS) {
  tap.test(`an endpoint ${title}`, (t) => {
    const object = slim(slice([{ addresses: ['10.1.0.5'], ...(endpoint as object) }])) as SlimEndpointSlice;
    t.same(object.ready, { zones, unzoned });
    t.end();
  });
}

tap.test('an EndpointSlice keeps zones, each once, and no addresses', (t) => {
  const endpoints = [
    { ...READY, zone: 'b' },
    { ...READY, zone: 'a' },
    { ...READY, zone: 'b' },
    { addresses: ['10.1.0.9'], conditions: { ready: false }, zone: 'c' },
  ];
  const object = slim(slice(endpoints)) as SlimEndpointSlice;
  t.same(object.ready, { zones: ['a', 'b'], unzoned: false });
  t.same(object.all, { zones: ['a', 'b', 'c'], unzoned: false });
  t.equal(object.service, 'nginx');
  t.equal(object.addresses, undefined);
  t.equal(object.ready, (slim(slice(endpoints)) as SlimEndpointSlice).ready, 'equal summaries are shared');
  const odd = slim(slice([{ zone: 'a b', conditions: { ready: true } }])) as SlimEndpointSlice;
  t.same(odd.ready.zones, ['a b'], 'a zone with a blank in its name is not taken for two');
  t.end();
});

tap.test('an EndpointSlice keeps addresses where they are asked for', (t) => {
  const endpoints = [READY, { addresses: ['10.1.0.9'], conditions: { ready: false } }, READY];
  const object = slim(slice(endpoints), { endpointAddresses: true }) as SlimEndpointSlice;
  t.same(object.addresses, { ready: ['10.1.0.5'], all: ['10.1.0.5', '10.1.0.9'] });
  const inZones = [
    { ...READY, zone: 'A' },
    {
      addresses: ['10.1.0.9'],
      conditions: { ready: false },
      deprecatedTopology: { 'topology.kubernetes.io/zone': 'b' },
    },
    { ...READY, zone: 'c' },
    { addresses: ['10.1.0.7'] },
  ];
  const withZones = slim(slice(inZones), { endpointAddresses: true }) as SlimEndpointSlice;
  t.same(
    withZones.addresses,
    {
      ready: ['10.1.0.5', '10.1.0.7'],
      all: ['10.1.0.5', '10.1.0.9', '10.1.0.7'],
      zones: { ready: ['a', ''], all: ['a', 'b', ''] },
    },
    'with the zone of each, where an endpoint names one',
  );
  const names = slice([{ addresses: ['pod.example.net'], conditions: { ready: true } }], {
    fields: { addressType: 'FQDN' },
  });
  t.match(slim(names, { endpointAddresses: true }), { ready: { unzoned: true }, addresses: undefined });
  t.end();
});

tap.test('an EndpointSlice without endpoints or Service is taken', (t) => {
  t.match(slim(slice(null)), { ready: { zones: [], unzoned: false } });
  const orphan = slice([READY]);
  (orphan['metadata'] as Record<string, unknown>)['labels'] = {};
  t.equal((slim(orphan) as SlimEndpointSlice).service, undefined);
  t.end();
});

tap.test('a Node keeps region and zone, the stable labels before the beta ones', (t) => {
  t.match(
    slim(node('n1', { 'topology.kubernetes.io/region': 'R1', 'topology.kubernetes.io/zone': 'r1-a' })),
    {
      kind: 'Node',
      namespace: '',
      region: 'r1',
      zone: 'r1-a',
    },
  );
  t.match(slim(node('n1', { 'failure-domain.beta.kubernetes.io/zone': 'old' })), {
    zone: 'old',
    region: undefined,
  });
  const both = { 'failure-domain.beta.kubernetes.io/zone': 'old', 'topology.kubernetes.io/zone': 'new' };
  t.match(slim(node('n1', both)), { zone: 'new' });
  t.match(slim(node('n1')), { zone: undefined, region: undefined });
  t.match(slim(node('ip-10-0-0-1.eu-west-1.compute.internal')), { kind: 'Node' });
  t.end();
});

const OTHERS: ReadonlyArray<readonly [string, unknown]> = [
  ['a Deployment', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: 7 }],
  ['a Knative Service', { ...service(), apiVersion: 'serving.knative.dev/v1' }],
  ['an old Endpoints object', { apiVersion: 'v1', kind: 'Endpoints' }],
];

for (const [title, value] of OTHERS) {
  tap.test(`${title} is none of our kinds`, (t) => {
    t.same(slimObject(value), { kind: 'Other' });
    t.end();
  });
}

for (const version of ['v1alpha1', 'v1beta1']) {
  tap.test(`a ServiceExport ${version} is taken`, (t) => {
    const value = { ...serviceExport(), apiVersion: `multicluster.x-k8s.io/${version}` };
    t.match(slim(value), { kind: 'ServiceExport', namespace: 'web', name: 'nginx' });
    t.end();
  });
}

const FAULTS: ReadonlyArray<readonly [string, unknown, string]> = [
  ['a text', 'hello', 'the object'],
  ['a list', [], 'the object'],
  ['an object without kind', { apiVersion: 'v1', metadata: { name: 'a' } }, 'kind'],
  ['an object without apiVersion', { kind: 'Service' }, 'apiVersion'],
  ['a Service without name', service({ metadata: { name: undefined } }), 'metadata.name'],
  ['a Service whose name is no label', service({ name: 'Nginx' }), 'metadata.name'],
  ['a Service whose name has a dot', service({ name: 'a.b' }), 'metadata.name'],
  ['a Service whose name is too long', service({ name: 'a'.repeat(64) }), 'metadata.name'],
  ['a Service without namespace', service({ metadata: { namespace: undefined } }), 'metadata.namespace'],
  ['a Service whose namespace is a number', service({ metadata: { namespace: 7 } }), 'metadata.namespace'],
  ['a Service whose labels are a list', service({ metadata: { labels: [] } }), 'metadata.labels'],
  [
    'a Service whose federation is a mapping',
    service({ labels: { 'fedns.io/federation': {} } }),
    'metadata.labels[fedns.io/federation]',
  ],
  ['a Service whose type is a number', service({ spec: { type: 1 } }), 'spec.type'],
  ['a Service whose ports are a mapping', service({ spec: { ports: {} } }), 'spec.ports'],
  ['a Service with a port as text', service({ spec: { ports: [{ port: '80' }] } }), 'spec.ports[0].port'],
  ['a Service with half a port', service({ spec: { ports: [{ port: 80.5 }] } }), 'spec.ports[0].port'],
  ['a Service whose spec is a text', { ...service(), spec: 'x' }, 'spec'],
  ['a Service whose ingress is a text', service({ ingress: 'x' }), 'status.loadBalancer.ingress'],
  [
    'a Service whose ingress ip is a number',
    service({ ingress: [{ ip: 1 }] }),
    'status.loadBalancer.ingress[0].ip',
  ],
  [
    'a Service whose publishNotReadyAddresses is a text',
    service({ spec: { publishNotReadyAddresses: 'true' } }),
    'spec.publishNotReadyAddresses',
  ],
  ['an EndpointSlice whose endpoints are a mapping', slice({}), 'endpoints'],
  ['an EndpointSlice with an endpoint as text', slice(['10.0.0.1']), 'endpoints[0]'],
  [
    'an EndpointSlice whose ready condition is a text',
    slice([READY, { conditions: { ready: 'true' } }]),
    'endpoints[1].conditions.ready',
  ],
  ['an EndpointSlice whose zone is a number', slice([{ zone: 1 }]), 'endpoints[0].zone'],
  [
    'a Node whose labels are a text',
    { ...node('n'), metadata: { name: 'n', labels: 'x' } },
    'metadata.labels',
  ],
];

for (const [title, value, path] of FAULTS) {
  tap.test(`${title} is a fault that names the field`, (t) => {
    t.match(slimObject(value), { kind: 'Fault', code: 'OBJECT_MALFORMED', path });
    t.end();
  });
}

tap.test('keys that every JavaScript object has are no fields', (t) => {
  const hostile = JSON.parse(
    '{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"b","labels":{"__proto__":{"fedns.io/federation":"main"}}},"__proto__":{"spec":{"type":"LoadBalancer"}}}',
  );
  t.match(slimObject(hostile), { kind: 'Service', type: 'ClusterIP', marks: { federation: undefined } });
  t.end();
});

tap.test('lists are taken apart', (t) => {
  const items = [service(), slice([READY])];
  t.same(
    listItems({ apiVersion: 'v1', kind: 'List', items }).map(({ value }) => value),
    items,
    'kind: List, as kubectl prints it',
  );
  const untyped = { metadata: { name: 'nginx', namespace: 'web' } };
  const typed = listItems({ apiVersion: 'v1', kind: 'ServiceList', items: [untyped] });
  t.match(slimObject(typed[0]!.value, {}, typed[0]!.defaults), { kind: 'Service', name: 'nginx' });
  const slices = listItems({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSliceList',
    items: [untyped],
  });
  t.match(slimObject(slices[0]!.value, {}, slices[0]!.defaults), { kind: 'EndpointSlice' });
  t.equal(listItems({ kind: 'List', items: [{ kind: 'List', items }] }).length, 2, 'also nested ones');
  t.equal(listItems(service()).length, 1, 'a single object is itself');
  t.equal(listItems({ kind: 'List' }).length, 1, 'a list without items is an object like any other');
  t.equal(listItems(null).length, 1);
  t.end();
});

tap.test('an object is read as what it was asked for, whatever it says of itself', (t) => {
  const labels = { 'topology.kubernetes.io/zone': 'a' };
  const partial = {
    apiVersion: 'meta.k8s.io/v1',
    kind: 'PartialObjectMetadata',
    metadata: { name: 'n', labels },
  };
  t.match(slimAs('Node', partial), { kind: 'Node', zone: 'a' });
  t.match(slimAs('Service', { metadata: { name: 'nginx', namespace: 'web' } }), { kind: 'Service' });
  t.match(slimAs('Service', { metadata: { name: 'nginx' } }), {
    kind: 'Fault',
    of: 'Service',
    name: 'nginx',
  });
  t.match(slimAs('Node', 7), { kind: 'Fault', of: 'Node' });
  t.end();
});

tap.test('an object that is all ports and addresses is cut to what can be published', (t) => {
  const ports = Array.from({ length: 20_000 }, (_, i) => ({ name: `p${i}`, port: 1 + (i % 65_535) }));
  const ingress = Array.from({ length: 20_000 }, (_, i) => ({ hostname: `lb${i}.example.net` }));
  const long = 'x'.repeat(100_000);
  const large = slim(service({ spec: { ports, externalIPs: ingress.map(() => long) }, ingress }));
  t.ok(JSON.stringify(large).length < 60_000);
  const endpoints = Array.from({ length: 20_000 }, (_, i) => ({
    addresses: [`10.0.${i >> 8}.${i & 255}`],
    zone: `z${i}`,
  }));
  const many = slim(slice(endpoints), { endpointAddresses: true });
  t.ok(JSON.stringify(many).length < 60_000);
  t.end();
});

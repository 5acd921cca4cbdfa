import tap from 'tap';
import type { ClusterSettings, FederationSettings, Selection } from '../../../src/config/settings.ts';
import { ClusterObjects } from '../../../src/watchers/objects/cluster-objects.ts';
import type { FollowedHostname, HostnameFollower } from '../../../src/watchers/hostnames/hostnames.ts';
import { slimObject, type SlimResult } from '../../../src/watchers/objects/objects.ts';
import type { Cause, ShardState } from '../../../src/zonebuilder/facts.ts';
import { clusterSettings, node, READY, service, serviceExport, slice } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';

const LIST: Cause = { object: 'list', timeMs: 1000 };

interface Setup {
  readonly settings?: Partial<ClusterSettings>;
  readonly federations?: readonly FederationSettings[];
  readonly resolver?: HostnameFollower;
  readonly clock?: () => number;
  readonly log?: { info(): void; warn(fields: object, message: string): void };
}

function federation(select: Selection, name = 'main'): FederationSettings {
  return { name, select, policy: 'all' };
}

function cluster(setup: Setup = {}): { objects: ClusterObjects; sink: RecordingSink } {
  const sink = new RecordingSink();
  const objects = new ClusterObjects({
    settings: clusterSettings(setup.settings),
    federations: setup.federations ?? [federation('label')],
    domain: 'example.com',
    sink,
    clock: setup.clock ?? (() => 5000),
    ...(setup.resolver === undefined ? {} : { resolver: setup.resolver }),
    ...(setup.log === undefined ? {} : { log: setup.log }),
  });
  return { objects, sink };
}

function apply(objects: ClusterObjects, ...values: unknown[]): void {
  for (const value of values) {
    const slim = slimObject(value, objects.slimOptions);
    objects.apply(slim, { object: 'event', timeMs: 2000 });
  }
}

/** A cluster that has taken in these objects. */
function synced(
  values: readonly unknown[],
  setup: Setup = {},
): { objects: ClusterObjects; sink: RecordingSink } {
  const made = cluster(setup);
  apply(made.objects, ...values);
  made.objects.commitInitial(LIST);
  made.sink.take();
  return made;
}

function slims(values: readonly unknown[]): SlimResult[] {
  return values.map((value) => slimObject(value));
}

/** A Service whose load balancer publishes a hostname. */
function named(name: string): Record<string, unknown> {
  return service({ name, ingress: [{ hostname: 'lb.example.net' }] });
}

/** The given fields of a shard; absent ones as undefined. */
function pick(shard: ShardState | undefined, keys: readonly string[]): object | undefined {
  if (shard === undefined) return undefined;
  return Object.fromEntries(keys.map((key) => [key, shard[key as keyof ShardState]]));
}

function codes(objects: ClusterObjects): string[] {
  return objects.report().refusals.map(({ code }) => code);
}

interface Case {
  readonly title: string;
  readonly objects: readonly unknown[];
  readonly setup?: Setup;
  /** What the shard of web/nginx must hold, undefined what it must not; null: it must not exist. */
  readonly shard: { readonly [key in keyof ShardState]?: ShardState[key] | undefined } | null;
  readonly refusals?: readonly string[];
}

const clusterIP = { settings: { publish: 'clusterIP' } } as const;
const twoZones = { settings: { region: 'r', zones: ['a', 'b'] } } as const;
const flat = { settings: { publish: 'clusterIP', region: 'r', zones: ['a', 'b'] } } as const;

function headless(spec: Record<string, unknown> = {}): Record<string, unknown> {
  return service({
    spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], ...spec },
    ingress: [],
  });
}

/** An endpoint of the address 10.1.0.HOST. */
function pod(host: number, zone?: string, conditions: object = { ready: true }): Record<string, unknown> {
  return { addresses: [`10.1.0.${host}`], conditions, ...(zone !== undefined && { zone }) };
}

const ALL_PORTS = [
  { name: 'http', protocol: 'TCP', port: 80 },
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'assoc', protocol: 'SCTP', port: 9 },
];

const CASES: readonly Case[] = [
  {
    title: 'a labelled LoadBalancer Service with an address and a ready endpoint is a healthy shard',
    objects: [service(), slice([READY])],
    shard: {
      cluster: 'one',
      federation: 'main',
      namespace: 'web',
      service: 'nginx',
      addresses: ['192.0.2.1'],
      ready: true,
      readyZones: 'every',
      ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    },
  },
  // Selection
  { title: 'a Service without the label is not federated', objects: [service({ labels: {} })], shard: null },
  {
    title: 'a label that names no configured federation is refused',
    objects: [service({ labels: { 'fedns.io/federation': 'other' } })],
    shard: null,
    refusals: ['FEDERATION_UNKNOWN'],
  },
  {
    title: 'a ServiceExport federates the Service of its namespace and name',
    objects: [service({ labels: {} }), serviceExport()],
    setup: { federations: [federation('export')] },
    shard: { ready: false },
  },
  {
    title: 'a ServiceExport of another namespace federates nothing',
    objects: [service({ labels: {} }), serviceExport('nginx', 'other')],
    setup: { federations: [federation('export')] },
    shard: null,
  },
  {
    title: 'a label means nothing to a federation that selects exports',
    objects: [service()],
    setup: { federations: [federation('export')] },
    shard: null,
  },
  {
    title: 'select: all takes every LoadBalancer Service',
    objects: [service({ labels: {} })],
    setup: { federations: [federation('all')] },
    shard: { federation: 'main' },
  },
  {
    title: 'select: all takes no ClusterIP Service',
    objects: [service({ labels: {}, spec: { type: 'ClusterIP' } })],
    setup: { federations: [federation('all')], ...clusterIP },
    shard: null,
  },
  {
    title: 'fedns.io/exclude opts out',
    objects: [service({ annotations: { 'fedns.io/exclude': 'true' } })],
    shard: null,
  },
  {
    title: 'fedns.io/exclude: "false" does not opt out',
    objects: [service({ annotations: { 'fedns.io/exclude': 'false' } })],
    shard: {},
  },
  ...['True', 'TRUE', ' true '].map((value) => ({
    title: `fedns.io/exclude: "${value}" excludes a Service as "true" does`,
    objects: [service({ annotations: { 'fedns.io/exclude': value } })],
    shard: null,
  })),
  {
    title: 'fedns.io/exclude: "False" excludes nothing',
    objects: [service({ annotations: { 'fedns.io/exclude': 'False' } })],
    shard: {},
  },
  // Formerly such a value was ignored: open where somebody asked for closed.
  ...['yes', 'no', '1', ''].map((value) => ({
    title: `fedns.io/exclude: "${value}" is not understood, so the Service is left out`,
    objects: [service({ annotations: { 'fedns.io/exclude': value } })],
    shard: null,
    refusals: ['ANNOTATION_INVALID'],
  })),
  {
    title: 'an ExternalName Service is refused',
    objects: [service({ spec: { type: 'ExternalName', externalName: 'a.example.net' } })],
    shard: null,
    refusals: ['EXTERNAL_NAME'],
  },
  {
    title: 'a namespace outside the allowed ones is refused',
    objects: [service()],
    setup: { settings: { namespaces: { allow: ['shop'], deny: [] } } },
    shard: null,
    refusals: ['NAMESPACE_FILTERED'],
  },
  {
    title: 'a denied namespace is refused also where it is allowed',
    objects: [service()],
    setup: { settings: { namespaces: { allow: ['web'], deny: ['web'] } } },
    shard: null,
    refusals: ['NAMESPACE_FILTERED'],
  },
  {
    title: 'an allowed namespace is taken',
    objects: [service()],
    setup: { settings: { namespaces: { allow: ['web'], deny: ['other'] } } },
    shard: {},
  },
  {
    title: 'a namespace that has the name of a federation is taken with a warning',
    objects: [service({ labels: { 'fedns.io/federation': 'web' } })],
    setup: { federations: [federation('label', 'web')] },
    shard: { federation: 'web' },
    refusals: ['NAMESPACE_LIKE_FEDERATION'],
  },
  // Addresses
  {
    title: 'a load balancer without an address yet is known without addresses',
    objects: [service({ ingress: [] }), slice([READY])],
    shard: { addresses: [], ready: true },
  },
  {
    title: 'both address families are published, each address once, in canonical form',
    objects: [
      service({
        ingress: [{ ip: '192.0.2.2' }, { ip: '2001:DB8:0::1' }, { ip: '192.0.2.2' }, { ip: '192.0.2.1' }],
      }),
    ],
    shard: { addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1'] },
  },
  {
    title: 'KEP-1860: an address of a load balancer in proxy mode is published',
    objects: [service({ ingress: [{ ip: '192.0.2.1', ipMode: 'Proxy' }] })],
    shard: { addresses: ['192.0.2.1'] },
  },
  {
    title: 'an unusable address is refused and the others are published',
    objects: [service({ ingress: [{ ip: '127.0.0.1' }, { ip: '192.0.2.1' }] })],
    shard: { addresses: ['192.0.2.1'] },
    refusals: ['ADDRESS_LOOPBACK'],
  },
  {
    title: 'an address outside the cluster filter is refused',
    objects: [service()],
    setup: { settings: { addresses: { allow: ['198.51.100.0/24'], deny: [] } } },
    shard: { addresses: [] },
    refusals: ['ADDRESS_FILTERED'],
  },
  {
    title: 'external IPs are not published without the annotation',
    objects: [service({ spec: { externalIPs: ['198.51.100.7'] } })],
    shard: { addresses: ['192.0.2.1'] },
  },
  {
    title: 'external IPs are published with the annotation',
    objects: [
      service({ spec: { externalIPs: ['198.51.100.7'] }, annotations: { 'fedns.io/external-ips': 'true' } }),
    ],
    shard: { addresses: ['192.0.2.1', '198.51.100.7'] },
  },
  {
    title: 'a NodePort Service with the annotation publishes its external IPs',
    objects: [
      service({
        spec: { type: 'NodePort', externalIPs: ['198.51.100.7'] },
        annotations: { 'fedns.io/external-ips': 'true' },
        ingress: [],
      }),
    ],
    shard: { addresses: ['198.51.100.7'] },
  },
  {
    title: 'a ClusterIP Service is not published',
    objects: [service({ spec: { type: 'ClusterIP' }, ingress: [] }), slice([READY])],
    shard: null,
    refusals: ['TYPE_UNPUBLISHED'],
  },
  {
    title: 'addresses in the status of a Service that is no load balancer are stale',
    objects: [service({ spec: { type: 'NodePort' } })],
    shard: null,
    refusals: ['TYPE_UNPUBLISHED'],
  },
  {
    title: 'publish: clusterIP publishes the cluster addresses of a ClusterIP Service',
    objects: [service({ spec: { type: 'ClusterIP', clusterIPs: ['10.96.0.10', 'fd00::10'] }, ingress: [] })],
    setup: clusterIP,
    shard: { addresses: ['10.96.0.10', 'fd00::10'] },
  },
  {
    title: 'publish: clusterIP leaves a LoadBalancer Service at its load balancer',
    objects: [service()],
    setup: clusterIP,
    shard: { addresses: ['192.0.2.1'] },
  },
  {
    title: 'publish: clusterIP publishes the ready endpoints of a headless Service',
    objects: [
      service({ spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] }, ingress: [] }),
      slice([READY, { addresses: ['10.1.0.6'], conditions: { ready: false } }]),
      slice([{ addresses: ['fd00:1::5'] }], { name: 'nginx-v6', fields: { addressType: 'IPv6' } }),
    ],
    setup: clusterIP,
    shard: { addresses: ['10.1.0.5', 'fd00:1::5'], ready: true },
  },
  {
    title: 'an address of a headless Service is in the zone of its endpoint, in whatever slices they stand',
    objects: [
      headless(),
      slice([pod(5, 'b'), pod(6, 'a'), pod(7, 'b', { ready: false })]),
      slice([pod(8, 'a'), pod(9), pod(4, 'elsewhere')], { name: 'nginx-2' }),
      slice([{ addresses: ['fd00:1::5'], zone: 'B' }], { name: 'nginx-v6', fields: { addressType: 'IPv6' } }),
    ],
    setup: flat,
    shard: {
      ready: true,
      readyZones: ['a', 'b'],
      addresses: ['10.1.0.4', '10.1.0.5', '10.1.0.6', '10.1.0.8', '10.1.0.9', 'fd00:1::5'],
      addressZones: ['', 'b', 'a', 'a', '', 'b'],
    },
    refusals: ['ZONE_NOT_CONFIGURED'],
  },
  {
    title: 'endpoints that are all in one zone need no more said',
    objects: [headless(), slice([pod(5, 'b'), pod(6, 'b')])],
    setup: flat,
    shard: { readyZones: ['b'], addresses: ['10.1.0.5', '10.1.0.6'], addressZones: undefined },
  },
  {
    title: 'nor do those that name no zone',
    objects: [headless(), slice([pod(5), pod(6)])],
    setup: flat,
    shard: { readyZones: 'every', addressZones: undefined },
  },
  {
    title: 'an address that two slices have in different zones is in the first of these',
    objects: [headless(), slice([pod(5, 'b')]), slice([pod(5, 'a'), pod(6, 'b')], { name: 'nginx-2' })],
    setup: flat,
    shard: { readyZones: ['a', 'b'], addresses: ['10.1.0.5', '10.1.0.6'], addressZones: ['a', 'b'] },
  },
  {
    title: 'publishNotReadyAddresses publishes all of them, each in its zone',
    objects: [
      headless({ publishNotReadyAddresses: true }),
      slice([pod(5, 'a', { ready: false }), pod(6, 'b', { ready: false })]),
    ],
    setup: flat,
    shard: { ready: true, addresses: ['10.1.0.5', '10.1.0.6'], addressZones: ['a', 'b'] },
  },
  {
    title: 'a headless Service whose endpoints are all not ready is not ready, and in no zone',
    objects: [headless(), slice([pod(5, 'a', { ready: false }), pod(6, 'b', { ready: false })])],
    setup: flat,
    shard: { ready: false, readyZones: [], addresses: [], addressZones: undefined },
  },
  {
    title: 'the address of a Service that is not headless counts in each of its zones',
    objects: [
      service({ spec: { type: 'ClusterIP', clusterIPs: ['10.2.0.1'] }, ingress: [] }),
      slice([pod(5, 'a'), pod(6, 'b')]),
    ],
    setup: flat,
    shard: { readyZones: ['a', 'b'], addresses: ['10.2.0.1'], addressZones: undefined },
  },
  {
    title: 'a cluster of one zone has all addresses of a headless Service there',
    objects: [headless(), slice([pod(5, 'a'), pod(6, 'b')])],
    setup: { settings: { publish: 'clusterIP', region: 'r', zones: ['a'] } },
    shard: { readyZones: ['a'], addresses: ['10.1.0.5', '10.1.0.6'], addressZones: undefined },
    refusals: ['ZONE_NOT_CONFIGURED'],
  },
  {
    title: 'a headless Service without publish: clusterIP is not published',
    objects: [service({ spec: { type: 'ClusterIP', clusterIPs: ['None'] } }), slice([READY])],
    shard: null,
    refusals: ['TYPE_UNPUBLISHED'],
  },
  {
    title: 'a hostname without a resolver is refused',
    objects: [service({ ingress: [{ hostname: 'lb.example.net' }] })],
    shard: { addresses: [] },
    refusals: ['HOSTNAME_NO_RESOLVER'],
  },
  {
    title: 'a hostname inside the served domain is refused',
    objects: [service({ ingress: [{ hostname: 'NGINX.example.com.' }] })],
    shard: { addresses: [] },
    refusals: ['HOSTNAME_IN_DOMAIN'],
  },
  {
    title: 'a hostname outside the allowed suffixes is refused',
    objects: [service({ ingress: [{ hostname: 'lb.example.net' }] })],
    setup: { settings: { hostnames: { allow: ['amazonaws.com'], deny: [] } } },
    shard: { addresses: [] },
    refusals: ['HOSTNAME_FILTERED'],
  },
  {
    title: 'a denied hostname is refused',
    objects: [service({ ingress: [{ hostname: 'lb.example.net' }] })],
    setup: { settings: { hostnames: { allow: [], deny: ['example.net'] } } },
    shard: { addresses: [] },
    refusals: ['HOSTNAME_FILTERED'],
  },
  {
    title: 'a hostname that is none is refused',
    objects: [service({ ingress: [{ hostname: 'a..b' }, { hostname: '192.0.2.999' }] })],
    shard: { addresses: [] },
    refusals: ['HOSTNAME_MALFORMED', 'HOSTNAME_MALFORMED'],
  },
  {
    title: 'a hostname beside an address is not resolved',
    objects: [service({ ingress: [{ ip: '192.0.2.1', hostname: 'lb.example.net' }] })],
    shard: { addresses: ['192.0.2.1'] },
  },
  // Readiness
  {
    title: 'a Service without endpoints is not ready',
    objects: [service()],
    shard: { addresses: ['192.0.2.1'], ready: false, readyZones: [] },
  },
  {
    title: 'a Service whose endpoints are all unready is not ready',
    objects: [service(), slice([{ addresses: ['10.1.0.5'], conditions: { ready: false } }])],
    shard: { ready: false, readyZones: [] },
  },
  {
    title: 'KEP-1672: endpoints that terminate do not count, also where they still serve',
    objects: [
      service(),
      slice([{ addresses: ['10.1.0.5'], conditions: { ready: false, serving: true, terminating: true } }]),
    ],
    shard: { ready: false },
  },
  {
    title: 'publishNotReadyAddresses makes every endpoint count',
    objects: [
      service({ spec: { publishNotReadyAddresses: true } }),
      slice([{ addresses: ['10.1.0.5'], conditions: { ready: false } }]),
    ],
    shard: { ready: true },
  },
  {
    title: 'publishNotReadyAddresses without endpoints is not ready',
    objects: [service({ spec: { publishNotReadyAddresses: true } }), slice([])],
    shard: { ready: false },
  },
  {
    title: 'one ready endpoint in one of several slices is enough',
    objects: [
      service(),
      slice([{ addresses: ['10.1.0.5'], conditions: { ready: false } }]),
      slice([READY], { name: 'nginx-2' }),
      slice([], { name: 'nginx-3' }),
    ],
    shard: { ready: true },
  },
  {
    title: 'an IPv6 endpoint is as ready as an IPv4 one',
    objects: [service(), slice([{ addresses: ['fd00::5'] }], { fields: { addressType: 'IPv6' } })],
    shard: { ready: true },
  },
  {
    title: 'an endpoint that stands ready in one slice and unready in another is ready',
    objects: [
      service(),
      slice([{ addresses: ['10.1.0.5'], conditions: { ready: false } }]),
      slice([READY], { name: 'nginx-2' }),
    ],
    shard: { ready: true },
  },
  {
    title: 'slices of another Service or namespace do not count',
    objects: [
      service(),
      slice([READY], { service: 'other' }),
      slice([READY], { name: 'nginx-2', namespace: 'shop' }),
    ],
    shard: { ready: false },
  },
  {
    title: 'a Service that is being deleted is not ready',
    objects: [service({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }), slice([READY])],
    shard: { ready: false, readyZones: [] },
  },
  // Zones
  {
    title: 'a shard is in the zones of its ready endpoints',
    objects: [
      service(),
      slice([
        { ...READY, zone: 'b' },
        { addresses: ['10.1.0.6'], conditions: { ready: false }, zone: 'a' },
      ]),
    ],
    setup: twoZones,
    shard: { readyZones: ['b'] },
  },
  {
    title: 'ready endpoints without zones count for every zone',
    objects: [service(), slice([READY])],
    setup: twoZones,
    shard: { readyZones: 'every' },
  },
  {
    title: 'where some ready endpoints name a zone, those without count for none',
    objects: [service(), slice([READY, { ...READY, zone: 'a' }])],
    setup: twoZones,
    shard: { readyZones: ['a'] },
  },
  {
    title: 'a zone that the cluster does not have is ignored and reported',
    objects: [service(), slice([{ ...READY, zone: 'c' }])],
    setup: twoZones,
    shard: { ready: true, readyZones: [] },
    refusals: ['ZONE_NOT_CONFIGURED'],
  },
  {
    title: 'a cluster of one zone is in it, whatever its endpoints say',
    objects: [service(), slice([READY])],
    setup: { settings: { region: 'r', zones: ['a'] } },
    shard: { readyZones: ['a'] },
  },
  // Ports and TTL
  {
    title: 'named ports are published with their protocol in lower case',
    objects: [service({ spec: { ports: ALL_PORTS } })],
    shard: {
      ports: [
        { name: 'http', protocol: 'tcp', port: 80 },
        { name: 'dns', protocol: 'udp', port: 53 },
        { name: 'assoc', protocol: 'sctp', port: 9 },
      ],
    },
  },
  {
    title: 'a port without a name has no SRV record',
    objects: [service({ spec: { ports: [{ port: 80 }] } })],
    shard: { ports: [] },
  },
  {
    title: 'one name may stand for two protocols',
    objects: [
      service({
        spec: {
          ports: [
            { name: 'dns', port: 53 },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
      }),
    ],
    shard: {
      ports: [
        { name: 'dns', protocol: 'tcp', port: 53 },
        { name: 'dns', protocol: 'udp', port: 53 },
      ],
    },
  },
  ...(
    [
      ['leaves no room for an underscore', { name: 'a'.repeat(63), port: 80 }],
      ['starts with a hyphen', { name: '-a', port: 80 }],
      ['ends with a hyphen', { name: 'a-', port: 80 }],
      ['has a dot', { name: 'a.b', port: 80 }],
      ['has capital letters', { name: 'Http', port: 80 }],
    ] as const
  ).map(([how, port]) => ({
    title: `a port whose name ${how} is refused alone`,
    objects: [service({ spec: { ports: [port, { name: 'ok', port: 443 }] } })],
    shard: { ports: [{ name: 'ok', protocol: 'tcp', port: 443 }] } as const,
    refusals: ['PORT_INVALID'],
  })),
  ...['grpc-internal-api', 'a--b', '8080', 'a', 'a'.repeat(62)].map((name) => ({
    title: `a port may be called ${name}, as Kubernetes allows, whatever RFC 6335 section 5.1 says`,
    objects: [service({ spec: { ports: [{ name, port: 80 }] } })],
    shard: { ports: [{ name, protocol: 'tcp', port: 80 }] } as const,
  })),
  {
    title: 'a port without a name has no SRV record, as the Kubernetes DNS specification has it',
    objects: [service({ spec: { ports: [{ port: 80 }] } })],
    shard: { ports: [] },
  },
  {
    title: 'fedns.io/max-addresses, fedns.io/srv-priority and fedns.io/srv-weight',
    objects: [
      service({
        annotations: {
          'fedns.io/max-addresses': '8',
          'fedns.io/srv-priority': '10',
          'fedns.io/srv-weight': '0',
        },
      }),
    ],
    shard: { maxAddresses: 8, srv: { priority: 10, weight: 0 } },
  },
  {
    title: 'fedns.io/srv-weight alone leaves the priority as it is',
    objects: [service({ annotations: { 'fedns.io/srv-weight': '5' } })],
    shard: { srv: { priority: 0, weight: 5 } },
  },
  {
    title: 'numbers out of range are ignored one by one',
    objects: [
      service({
        annotations: {
          'fedns.io/max-addresses': '0',
          'fedns.io/srv-priority': '65536',
          'fedns.io/srv-weight': 'many',
        },
      }),
    ],
    shard: {},
    refusals: ['ANNOTATION_INVALID', 'ANNOTATION_INVALID', 'ANNOTATION_INVALID'],
  },
  {
    title: 'ports outside 1 to 65535 and foreign protocols are refused',
    objects: [
      service({
        spec: {
          ports: [
            { name: 'zero', port: 0 },
            { name: 'much', port: 65_536 },
            { name: 'icmp', port: 1, protocol: 'ICMP' },
          ],
        },
      }),
    ],
    shard: { ports: [] },
    refusals: ['PORT_INVALID', 'PORT_INVALID', 'PORT_INVALID'],
  },
  {
    title: 'fedns.io/ttl sets the TTL',
    objects: [service({ annotations: { 'fedns.io/ttl': '60' } })],
    shard: { ttlSeconds: 60 },
  },
  {
    title: 'RFC 2181 8: a TTL of 0 is allowed',
    objects: [service({ annotations: { 'fedns.io/ttl': '0' } })],
    shard: { ttlSeconds: 0 },
  },
  ...['-1', '1.5', '60s', '', '2147483648', '99999999999'].map((ttl) => ({
    title: `RFC 2181 8: a TTL of ${JSON.stringify(ttl)} is refused and the default used`,
    objects: [service({ annotations: { 'fedns.io/ttl': ttl } })],
    shard: { ttlSeconds: undefined } as unknown as Partial<ShardState>,
    refusals: ['TTL_INVALID'],
  })),
  {
    title: 'fedns.io/policy is checked',
    objects: [service({ annotations: { 'fedns.io/policy': 'fastest' } })],
    shard: {},
    refusals: ['POLICY_INVALID'],
  },
  {
    title: 'a known fedns.io/policy and a weight are facts of the shard',
    objects: [service({ annotations: { 'fedns.io/policy': 'nearest', 'fedns.io/weight': '0' } })],
    shard: { policy: 'nearest', weight: 0 },
  },
  {
    title: 'a weight that is out of range is ignored',
    objects: [service({ annotations: { 'fedns.io/policy': 'weighted', 'fedns.io/weight': '1001' } })],
    shard: { policy: 'weighted' },
    refusals: ['ANNOTATION_INVALID'],
  },
];

for (const { title, objects: values, setup, shard, refusals } of CASES) {
  tap.test(title, (t) => {
    const { objects, sink } = synced(values, setup);
    const found = sink.shard('web/nginx');
    if (shard === null) t.equal(found, undefined);
    else t.same(pick(found, Object.keys(shard)), shard);
    t.same(codes(objects).toSorted(), (refusals ?? []).toSorted());
    t.end();
  });
}

tap.test('a Service may be in two federations at once', (t) => {
  const federations = [federation('label'), federation('all', 'everything')];
  const { sink, objects } = synced([service(), slice([READY])], { federations });
  t.same([...sink.shards.keys()], ['one nginx.web.main', 'one nginx.web.everything']);
  apply(objects, service({ labels: {} }));
  t.same(sink.take(), ['removeShard one nginx.web.main'], 'and leave one of them');
  t.end();
});

tap.test('RFC 1035 2.3.4: a name longer than 253 characters is refused', (t) => {
  const long = 'a'.repeat(63);
  const settings = { region: long, zones: [long] };
  const { objects, sink } = synced([service({ name: long, namespace: long })], { settings });
  t.equal(sink.shards.size, 0);
  t.same(codes(objects), ['NAME_TOO_LONG']);
  t.end();
});

tap.test('the first sync is pushed once, region and zones before shards, shards before the status', (t) => {
  const { objects, sink } = cluster();
  objects.setStatus('pending');
  t.same(sink.take(), ['setCluster one pending - -']);
  objects.replaceAll('Service', slims([service(), service({ name: 'other' })]), LIST);
  objects.replaceAll('EndpointSlice', slims([slice([{ ...READY, zone: 'z1' }])]), LIST);
  objects.replaceAll(
    'Node',
    slims([node('n1', { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z1' })]),
    LIST,
  );
  t.same(sink.take(), [], 'nothing until all kinds are there');
  objects.commitInitial(LIST);
  t.same(sink.take(), [
    'setCluster one pending r z1',
    'replaceShards one 2',
    'setCluster one available r z1',
  ]);
  t.end();
});

tap.test('the first sync of an empty cluster replaces what a snapshot left', (t) => {
  const { objects, sink } = cluster();
  objects.commitInitial(LIST);
  t.same(sink.take(), ['setCluster one pending - -', 'replaceShards one 0', 'setCluster one available - -']);
  objects.replaceAll('Service', [], LIST);
  t.same(sink.take(), [], 'a second empty list changes nothing');
  t.end();
});

tap.test('a relist never removes a shard that still exists', (t) => {
  const { objects, sink } = synced([service(), slice([READY]), service({ name: 'gone' })]);
  sink.onCall = () => t.ok(sink.shard('web/nginx')?.ready, 'nginx is there after every call');
  objects.begin();
  objects.replaceAll('EndpointSlice', [slimObject(slice([READY], { name: 'nginx-new' }))], LIST);
  objects.replaceAll('Service', [slimObject(service()), slimObject(service({ name: 'new' }))], LIST);
  objects.commit();
  t.same(sink.take(), ['replaceShards one 2'], 'two kinds, one call');
  t.end();
});

tap.test('a relist that changes nothing makes no call', (t) => {
  const { objects, sink } = synced([service(), slice([READY])]);
  const newer = service({ metadata: { resourceVersion: '8', uid: 'u-1', annotations: { other: 'x' } } });
  objects.replaceAll('Service', [slimObject(newer)], LIST);
  objects.replaceAll('EndpointSlice', [slimObject(slice([{ ...READY, addresses: ['10.9.9.9'] }]))], LIST);
  objects.replaceAll('Node', [slimObject(node('n'))], LIST);
  t.same(sink.take(), []);
  t.end();
});

tap.test('an event about an endpoint touches only its Service', (t) => {
  const { objects, sink } = synced([service(), slice([READY]), service({ name: 'other' })]);
  apply(objects, slice([{ ...READY, conditions: { ready: false } }]));
  t.same(sink.take(), ['upsertShard one nginx.web.main']);
  apply(objects, slice([{ ...READY, conditions: { ready: false } }]));
  t.same(sink.take(), [], 'the same again is no change');
  t.end();
});

tap.test('a slice that moves to another Service changes both', (t) => {
  const { objects, sink } = synced([service(), slice([READY]), service({ name: 'other' })]);
  apply(objects, slice([READY], { service: 'other' }));
  t.same(sink.take().toSorted(), ['upsertShard one nginx.web.main', 'upsertShard one other.web.main']);
  t.equal(sink.shard('web/other')?.ready, true);
  t.equal(sink.shard('web/nginx')?.ready, false);
  t.end();
});

tap.test('a slice that arrives before its Service is kept for it', (t) => {
  const { objects, sink } = synced([slice([READY])]);
  apply(objects, service());
  t.equal(sink.shard('web/nginx')?.ready, true);
  t.end();
});

tap.test('a Service that goes takes its shard along', (t) => {
  const { objects, sink } = synced([service(), slice([READY])]);
  const cause = { object: 'Service web/nginx', timeMs: 3000 };
  objects.remove('Service', 'web', 'nginx', cause);
  t.same(sink.take(), ['removeShard one nginx.web.main']);
  t.same(sink.causes.at(-1), cause);
  objects.remove('Service', 'web', 'nginx', cause);
  t.same(sink.take(), [], 'removing it again is nothing');
  t.end();
});

tap.test('removing the last slice leaves the Service known and unready', (t) => {
  const { objects, sink } = synced([service(), slice([READY]), slice([READY], { name: 'second' })]);
  objects.remove('EndpointSlice', 'web', 'second', LIST);
  t.same(sink.take(), []);
  objects.remove('EndpointSlice', 'web', 'nginx-abcde', LIST);
  t.match(sink.shard('web/nginx'), { ready: false, addresses: ['192.0.2.1'] });
  t.end();
});

tap.test('removing the ServiceExport withdraws the Service', (t) => {
  const federations = [federation('export')];
  const { objects, sink } = synced([service(), serviceExport()], { federations });
  objects.remove('ServiceExport', 'web', 'nginx', LIST);
  t.equal(sink.shards.size, 0);
  t.end();
});

tap.test('a batch is pushed at its end', (t) => {
  const { objects, sink } = synced([]);
  objects.begin();
  apply(objects, service(), slice([READY]));
  t.same(sink.take(), []);
  objects.commit();
  t.same(sink.take(), ['upsertShard one nginx.web.main']);
  t.end();
});

tap.test('each fact carries the object that caused it', (t) => {
  const { objects, sink } = synced([service()]);
  const cause = { object: 'EndpointSlice web/nginx-abcde', resourceVersion: '12', timeMs: 4000 };
  objects.apply(slimObject(slice([READY])), cause);
  t.same(sink.shard('web/nginx')?.cause, cause);
  objects.replaceAll('Service', [slimObject(service({ ingress: [{ ip: '192.0.2.9' }] }))], LIST);
  t.same(sink.shard('web/nginx')?.cause, { object: 'Service web/nginx', resourceVersion: '7', timeMs: 1000 });
  t.end();
});

tap.test('a malformed object costs itself, is reported, and is cleared when it is mended', (t) => {
  const { objects, sink } = synced([service(), service({ name: 'other' })]);
  apply(objects, service({ spec: { ports: 'x' } }));
  t.same([...sink.shards.keys()], ['one other.web.main']);
  t.match(objects.report().refusals, [
    { code: 'OBJECT_MALFORMED', object: 'Service web/nginx', sinceMs: 5000 },
  ]);
  apply(objects, service());
  t.equal(sink.shards.size, 2);
  t.same(objects.report().refusals, []);
  t.equal(objects.report().refusalsTotal, 1, 'but remains counted');
  t.end();
});

tap.test('refusals are cleared when the object is mended or gone', (t) => {
  const bad = service({ annotations: { 'fedns.io/ttl': 'x' } });
  const { objects } = synced([bad, service({ name: 'other', annotations: { 'fedns.io/ttl': 'y' } })]);
  t.equal(codes(objects).length, 2);
  apply(objects, service());
  t.equal(codes(objects).length, 1);
  objects.replaceAll('Service', [slimObject(service())], LIST);
  t.equal(codes(objects).length, 0);
  apply(objects, bad);
  objects.remove('Service', 'web', 'nginx', LIST);
  t.equal(codes(objects).length, 0);
  t.end();
});

tap.test('the list of refusals is bounded, their count is not', (t) => {
  const many = Array.from({ length: 300 }, (_, i) =>
    service({ name: `s${i}`, annotations: { 'fedns.io/ttl': 'x' } }),
  );
  const { objects } = synced(many);
  t.equal(objects.report().refusals.length, 200);
  t.equal(objects.report().refusalsTotal, 300);
  t.end();
});

tap.test('beyond the limit of objects, new ones are refused and old ones go on working', (t) => {
  const settings = { limits: { objects: 2, objectOctets: 1000, changesPerSecond: 1 } };
  const { objects, sink } = synced([service(), slice([READY]), service({ name: 'third' })], { settings });
  t.same([...sink.shards.keys()], ['one nginx.web.main']);
  t.same(codes(objects), ['OBJECT_LIMIT']);
  apply(objects, slice([{ ...READY, conditions: { ready: false } }]));
  t.equal(sink.shard('web/nginx')?.ready, false, 'a known object still changes');
  objects.replaceAll('Service', [slimObject(service({ name: 'third' })), slimObject(service())], LIST);
  t.ok(sink.shard('web/nginx'), 'a relist keeps the known one, whatever the order');
  objects.remove('Service', 'web', 'nginx', LIST);
  apply(objects, service({ name: 'third' }));
  t.ok(sink.shard('web/third'), 'room that is made is used');
  t.same(codes(objects), []);
  t.end();
});

tap.test('a status change announces the cluster again and leaves its shards', (t) => {
  const { objects, sink } = synced([service()], { settings: { region: 'r', zones: ['z'] } });
  objects.setStatus('held');
  objects.setStatus('withdrawn');
  t.same(sink.take(), ['setCluster one held r z', 'setCluster one withdrawn r z']);
  t.equal(sink.shards.size, 1);
  objects.commitInitial(LIST);
  t.same(sink.take(), ['setCluster one available r z']);
  t.end();
});

const region = (name: string) => ({ 'topology.kubernetes.io/region': name });
const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name });

const TOPOLOGIES: ReadonlyArray<{
  title: string;
  objects: readonly unknown[];
  settings?: Partial<ClusterSettings>;
  report: object;
  refusals?: readonly string[];
}> = [
  { title: 'nothing is known of an empty cluster', objects: [], report: { zones: [], topologyFrom: 'none' } },
  {
    title: 'settings come before labels',
    objects: [node('n', { ...region('x'), ...zone('x-a') })],
    settings: { region: 'r', zones: ['b', 'a'] },
    report: { region: 'r', zones: ['a', 'b'], topologyFrom: 'config' },
  },
  {
    title: 'node labels give region and zones',
    objects: [node('n1', { ...region('r'), ...zone('b') }), node('n2', { ...region('r'), ...zone('a') })],
    report: { region: 'r', zones: ['a', 'b'], topologyFrom: 'nodes' },
  },
  {
    title: 'the beta labels of old clusters are understood',
    objects: [
      node('n', {
        'failure-domain.beta.kubernetes.io/region': 'r',
        'failure-domain.beta.kubernetes.io/zone': 'a',
      }),
    ],
    report: { region: 'r', zones: ['a'], topologyFrom: 'nodes' },
  },
  {
    title: 'nodes without labels are tolerated',
    objects: [node('n1'), node('n2', { ...region('r'), ...zone('a') })],
    report: { region: 'r', zones: ['a'] },
  },
  {
    title: 'a zone of endpoints counts only where a Node has it',
    objects: [node('n', zone('a')), slice([{ zone: 'b' }, { zone: 'a' }])],
    report: { zones: ['a'], topologyFrom: 'nodes' },
    refusals: ['ENDPOINT_ZONE_UNKNOWN'],
  },
  {
    title: 'Nodes without zones do not keep endpoints from having some',
    objects: [node('n', region('r')), slice([{ zone: 'b' }])],
    report: { region: 'r', zones: ['b'], topologyFrom: 'nodes+endpoints' },
  },
  ...(
    [
      ['a virtual kubelet', { type: 'virtual-kubelet' }],
      ['a virtual Node of Liqo', { 'liqo.io/type': 'virtual-node' }],
    ] as const
  ).map(([what, mark]) => ({
    title: `${what} says nothing of where the cluster is`,
    objects: [
      node('n', { ...region('r5'), ...zone('z5') }),
      node('v1', { ...mark, ...region('westus'), ...zone('0') }),
      node('v2', { ...mark, ...region('westus'), ...zone('0') }),
    ],
    report: { region: 'r5', zones: ['z5'] },
  })),
  {
    title: 'a cluster of virtual Nodes alone is where they say',
    objects: [node('v', { type: 'virtual-kubelet', ...region('r'), ...zone('a') })],
    report: { region: 'r', zones: ['a'] },
  },
  {
    title: 'a slice without a Service says nothing',
    objects: [
      slice([{ zone: 'b' }], { service: '' }),
      slice([{ zone: 'c' }], { name: 'nobody', fields: { metadata: { name: 'nobody', namespace: 'web' } } }),
    ],
    report: { zones: [], topologyFrom: 'none' },
  },
  {
    title: 'endpoint zones alone are enough',
    objects: [slice([{ zone: 'B', conditions: { ready: false } }])],
    settings: { region: 'r' },
    report: { region: 'r', zones: ['b'], topologyFrom: 'config+endpoints' },
  },
  {
    title: 'of disagreeing nodes the most frequent region counts',
    objects: [node('n1', region('b')), node('n2', region('a')), node('n3', region('b'))],
    report: { region: 'b' },
    refusals: ['REGION_AMBIGUOUS'],
  },
  {
    title: 'of equally frequent regions the first by name counts',
    objects: [node('n1', region('b')), node('n2', region('a'))],
    report: { region: 'a' },
    refusals: ['REGION_AMBIGUOUS'],
  },
  {
    title: 'locations that are no labels, or svc, are refused',
    objects: [node('n1', { ...region('svc'), ...zone('a.b') }), node('n2', zone('fine'))],
    report: { region: undefined, zones: ['fine'] },
    refusals: ['LOCATION_INVALID', 'LOCATION_INVALID'],
  },
];

for (const { title, objects: values, settings, report, refusals } of TOPOLOGIES) {
  tap.test(`topology: ${title}`, (t) => {
    const { objects } = synced(values, settings === undefined ? {} : { settings });
    t.match(objects.report(), report);
    t.same(codes(objects), refusals ?? []);
    t.end();
  });
}

tap.test('topology: a first node turns a cluster without zones into one with', (t) => {
  const { objects, sink } = synced([service(), slice([READY])]);
  apply(objects, node('n1', { ...region('r'), ...zone('a') }));
  t.same(sink.take(), ['setCluster one available r a', 'upsertShard one nginx.web.main']);
  t.same(sink.shard('web/nginx')?.readyZones, ['a']);
  apply(objects, node('n2', { ...region('r'), ...zone('b') }));
  t.equal(sink.shard('web/nginx')?.readyZones, 'every');
  sink.take();
  apply(objects, node('n3', { ...region('r'), ...zone('b') }));
  t.same(sink.take(), [], 'another node of a known zone changes nothing');
  objects.remove('Node', '', 'n2', LIST);
  t.same(sink.take(), [], 'nor does losing one of two');
  objects.remove('Node', '', 'n3', LIST);
  t.same(sink.clusters.get('one')?.zones, ['a']);
  t.end();
});

tap.test('topology: a cluster stays where it is known to be while a Node still names the place', (t) => {
  const warnings: string[] = [];
  const { objects } = synced([node('n1', { ...region('r5'), ...zone('z5') })], {
    log: { info() {}, warn: (_fields, message) => warnings.push(message) },
  });
  apply(objects, node('n2', region('westus')), node('n3', region('westus')));
  t.equal(objects.report().region, 'r5', 'two against one');
  t.same(codes(objects), ['REGION_AMBIGUOUS']);
  t.equal(warnings.length, 1);
  apply(objects, node('n4', region('r5')));
  t.equal(warnings.length, 1, 'told once');
  objects.remove('Node', '', 'n1', LIST);
  objects.remove('Node', '', 'n4', LIST);
  t.match(objects.report(), { region: 'westus', zones: ['z5'] }, 'nobody names the old place any more');
  t.match(warnings.at(-1), /no Node names the region/);
  t.end();
});

tap.test('topology: a cluster whose last Node is gone is where it was', (t) => {
  const { objects, sink } = synced([node('n1', { ...region('r1'), ...zone('z1') }), service()]);
  objects.remove('Node', '', 'n1', LIST);
  t.match(objects.report(), { region: 'r1', zones: ['z1'] });
  apply(objects, slice([{ ...READY, zone: 'elsewhere' }]));
  t.match(objects.report(), { region: 'r1', zones: ['z1'] }, 'nor do endpoints move it');
  t.same(sink.shard('web/nginx')?.readyZones, ['z1']);
  apply(objects, node('n2', { ...region('r1'), ...zone('z2') }));
  t.match(objects.report(), { region: 'r1', zones: ['z2'] });
  t.end();
});

tap.test('topology: a cluster that invents places is held to a hundred in an hour', (t) => {
  let nowMs = 0;
  const { objects } = synced([], { clock: () => nowMs });
  const invent = (from: number): void => {
    for (let i = from; i < from + 90; i++) apply(objects, node('n1', { ...region('r'), ...zone(`z${i}`) }));
  };
  invent(0);
  t.same(objects.report().zones, ['z89']);
  invent(90);
  t.same(objects.report().zones, [], 'a place beyond the budget waits');
  t.same(codes(objects), ['LOCATION_BUDGET']);
  apply(objects, node('n1', { ...region('r'), ...zone('z5') }));
  t.same(objects.report().zones, ['z5'], 'one that was there before does not');
  apply(objects, node('n1', { ...region('r'), ...zone('new') }));
  nowMs = 3_600_000;
  apply(objects, service());
  t.same(objects.report().zones, ['new'], 'the next hour brings it with whatever happens first');
  t.same(codes(objects), []);
  nowMs = -1e12;
  invent(200);
  t.same(objects.report().zones, ['z289'], 'a clock that goes back refuses nothing for long');
  t.end();
});

/** Slices as the controllers write them, by what their own sources say. */
const MANAGER = 'endpointslice.kubernetes.io/managed-by';
const IMPORTED_SLICES: readonly (readonly [string, Record<string, string>])[] = [
  ['Cilium Cluster Mesh', { [MANAGER]: 'endpointslice-mesh-controller.cilium.io' }],
  ['Karmada', { [MANAGER]: 'endpointslice-dispatch-controller.karmada.io', 'karmada.io/managed': 'true' }],
  ['Submariner', { [MANAGER]: 'lighthouse-agent.submariner.io' }],
  ['Submariner', { 'lighthouse.submariner.io/sourceCluster': 'a' }],
  [
    'Linkerd',
    { [MANAGER]: 'endpointslicemirroring-controller.k8s.io', 'mirror.linkerd.io/mirrored-service': 'true' },
  ],
  ['Liqo', { [MANAGER]: 'endpointslice.reflection.liqo.io', 'offloading.liqo.io/origin': 'a' }],
  ['AWS Cloud Map', { [MANAGER]: 'aws-cloud-map-mcs-controller-for-k8s' }],
  ['Clusternet', { 'services.clusternet.io/multi-cluster-service-name': 'nginx' }],
  ['the Multi-Cluster Services API', { 'multicluster.kubernetes.io/source-cluster': 'a' }],
  [
    'the Multi-Cluster Services API',
    { [MANAGER]: 'ovn-k8s-mcs-controller', 'multicluster.kubernetes.io/source-cluster': 'a' },
  ],
];

function labelledSlice(labels: Record<string, string>, name = 'imported'): unknown {
  const metadata = { name, namespace: 'web', labels: { 'kubernetes.io/service-name': 'nginx', ...labels } };
  return slice([{ ...READY, zone: 'us-east1-b' }], { fields: { metadata } });
}

for (const [tool, labels] of IMPORTED_SLICES) {
  tap.test(
    `a slice that ${tool} brings from another cluster makes nothing ready: ${JSON.stringify(labels)}`,
    (t) => {
      const { objects, sink } = synced([service(), labelledSlice(labels)]);
      t.equal(sink.shard('web/nginx')?.ready, false);
      t.same(objects.report().zones, [], 'nor is its zone one of the cluster');
      t.match(objects.report().refusals, [{ code: 'SLICES_IMPORTED', object: 'Cluster one' }]);
      t.match(
        objects.report().refusals[0]?.message,
        `1 EndpointSlices were brought from other clusters by ${tool}`,
      );
      apply(objects, slice([READY]));
      t.equal(sink.shard('web/nginx')?.ready, true, 'a slice of its own does');
      objects.remove('EndpointSlice', 'web', 'imported', LIST);
      t.same(codes(objects), [], 'the report goes with the slice');
      t.end();
    },
  );
}

tap.test('a slice of the cluster’s own counts, whatever labels its Service has', (t) => {
  const own: readonly Record<string, string>[] = [
    {},
    { [MANAGER]: 'endpointslice-controller.k8s.io' },
    { [MANAGER]: 'endpointslicemirroring-controller.k8s.io' },
    { [MANAGER]: 'cluster-admins' },
    // Kubernetes copies the Service's labels.
    { [MANAGER]: 'endpointslice-controller.k8s.io', 'multicluster.kubernetes.io/source-cluster': 'one' },
    { [MANAGER]: 'endpointslice-controller.k8s.io', 'offloading.liqo.io/origin': 'a' },
    { [MANAGER]: 'endpointslice-controller.k8s.io', 'karmada.io/managed': 'true' },
  ];
  for (const labels of own) {
    const { objects, sink } = synced([service(), labelledSlice(labels)]);
    t.equal(sink.shard('web/nginx')?.ready, true, JSON.stringify(labels));
    t.same(codes(objects), []);
  }
  t.end();
});

tap.test('a slice that turns into an imported one stops counting', (t) => {
  const { objects, sink } = synced([service(), labelledSlice({})]);
  t.equal(sink.shard('web/nginx')?.ready, true);
  apply(objects, labelledSlice({ 'multicluster.kubernetes.io/source-cluster': 'a' }));
  t.equal(sink.shard('web/nginx')?.ready, false);
  apply(objects, labelledSlice({}));
  t.equal(sink.shard('web/nginx')?.ready, true);
  t.same(codes(objects), []);
  t.end();
});

tap.test('a Service that stands for one of another cluster is not published', (t) => {
  const label = { 'fedns.io/federation': 'main' };
  const cases: readonly (readonly [string, unknown, boolean])[] = [
    ['its own', service({ labels: label }), true],
    ['Linkerd', service({ labels: { ...label, 'mirror.linkerd.io/mirrored-service': 'true' } }), false],
    ['AWS', service({ labels: { ...label, 'multicluster.kubernetes.io/service-name': 'nginx' } }), false],
    ['Karmada propagates', service({ labels: { ...label, 'karmada.io/managed': 'true' } }), true],
    ['Liqo reflects', service({ labels: { ...label, 'offloading.liqo.io/origin': 'a' } }), true],
    [
      'derived from a ServiceImport',
      service({ metadata: { ownerReferences: [{ kind: 'ServiceImport', name: 'nginx' }] } }),
      false,
    ],
    ['owned by something else', service({ metadata: { ownerReferences: [{ kind: 'App' }, 7] } }), true],
  ];
  for (const [title, value, isPublished] of cases) {
    const { objects, sink } = synced([value, slice([READY])]);
    t.equal(sink.shards.size === 1, isPublished, title);
    t.same(codes(objects), isPublished ? [] : ['SERVICE_IMPORTED'], title);
  }
  const gke = service({ name: 'gke-mcs-1a8qqpah56' });
  const { objects, sink } = synced([gke, slice([READY], { service: 'gke-mcs-1a8qqpah56' })]);
  t.equal(sink.shards.size, 0, 'GKE');
  t.same(codes(objects).toSorted(), ['SERVICE_IMPORTED', 'SLICES_IMPORTED']);
  t.end();
});

/** A resolver whose answers the test sets. */
class ScriptedResolver implements HostnameFollower {
  readonly addresses = new Map<string, readonly string[]>();
  readonly followers = new Map<string, Set<() => void>>();

  follow(hostname: string, onChange: () => void): FollowedHostname {
    const followers = this.followers.get(hostname) ?? new Set();
    this.followers.set(hostname, followers);
    followers.add(onChange);
    const { addresses } = this;
    return {
      get addresses() {
        return addresses.get(hostname) ?? [];
      },
      stop: () => {
        followers.delete(onChange);
        if (followers.size === 0) this.followers.delete(hostname);
      },
    };
  }

  answer(hostname: string, addresses: readonly string[]): void {
    this.addresses.set(hostname, addresses);
    for (const onChange of this.followers.get(hostname) ?? []) onChange();
  }
}

tap.test('a hostname is followed for as long as a Service publishes it', (t) => {
  const resolver = new ScriptedResolver();
  const ingress = [{ hostname: 'LB.example.net.' }];
  const { objects, sink } = synced([service({ ingress }), slice([READY])], { resolver });
  t.same([...resolver.followers.keys()], ['lb.example.net']);
  t.same(sink.shard('web/nginx')?.addresses, [], 'known and without addresses at first');

  resolver.answer('lb.example.net', ['192.0.2.8', '127.0.0.1', '2001:db8::8']);
  t.same(sink.shard('web/nginx')?.addresses, ['192.0.2.8', '2001:db8::8']);
  t.match(sink.shard('web/nginx')?.cause, { object: 'hostname lb.example.net', timeMs: 5000 });
  t.same(codes(objects), ['ADDRESS_LOOPBACK']);

  apply(objects, service({ ingress: [...ingress, { ip: '192.0.2.1' }] }));
  t.same(sink.shard('web/nginx')?.addresses, ['192.0.2.1', '192.0.2.8', '2001:db8::8']);
  apply(objects, service());
  t.equal(resolver.followers.size, 0, 'not followed when it is gone from the Service');
  t.same(sink.shard('web/nginx')?.addresses, ['192.0.2.1']);
  t.end();
});

tap.test('hostnames are let go with the Service, with its selection and at the end', (t) => {
  const resolver = new ScriptedResolver();
  const { objects } = synced([named('a'), named('b'), named('c')], { resolver });
  t.equal(resolver.followers.get('lb.example.net')?.size, 3);
  objects.remove('Service', 'web', 'a', LIST);
  apply(objects, { ...named('b'), metadata: { name: 'b', namespace: 'web' } });
  t.equal(resolver.followers.get('lb.example.net')?.size, 1);
  objects.stop();
  t.equal(resolver.followers.size, 0);
  t.end();
});

tap.test('one cluster follows no more than 2000 hostnames', (t) => {
  const resolver = new ScriptedResolver();
  const many = Array.from({ length: 150 }, (_, i) =>
    service({
      name: `s${i}`,
      ingress: Array.from({ length: 16 }, (__, k) => ({ hostname: `lb${i}-${k}.example.net` })),
    }),
  );
  const { objects } = synced(many, { resolver });
  t.equal(resolver.followers.size, 2000);
  t.ok(codes(objects).every((code) => code === 'HOSTNAME_LIMIT'));
  objects.stop();
  t.equal(resolver.followers.size, 0);
  t.end();
});

tap.test('one Service follows no more than 16 hostnames', (t) => {
  const resolver = new ScriptedResolver();
  const ingress = Array.from({ length: 20 }, (_, i) => ({ hostname: `lb${i}.example.net` }));
  const { objects } = synced([service({ ingress })], { resolver });
  t.equal(resolver.followers.size, 16);
  t.same(codes(objects), ['HOSTNAME_LIMIT']);
  t.end();
});

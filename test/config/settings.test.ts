import { test } from 'tap';
import type { Settings } from '../../src/config/settings.ts';
import { formatRdata, typeText } from '../../src/zonebuilder/rr-types.ts';
import { walkStatics } from '../../src/zonebuilder/static-set.ts';
import { example, outcomeOf, withClusters, withRecords } from './example.ts';

function recordsOf({ statics, domain }: Settings): string[] {
  return [...walkStatics(statics, domain)].map(
    ({ name, ttlSeconds, type, rdata }) =>
      `${name} ${ttlSeconds} ${typeText(type)} ${formatRdata(type, rdata)}`,
  );
}

test('defaults are filled in', async (t) => {
  const { settings, warnings } = outcomeOf(example()).loaded!;
  t.same(warnings, []);
  t.same(settings, {
    file: '/etc/fedns/fedns.yaml',
    domain: 'example.com',
    nameservers: [{ name: 'ns1.example.com', addresses: ['192.0.2.1'] }],
    hostmaster: 'hostmaster.example.com',
    listen: [
      { address: '0.0.0.0', port: 53 },
      { address: '::', port: 53 },
    ],
    ttlSeconds: 180,
    ttlMinSeconds: 5,
    negativeTtlSeconds: 15,
    nodataTtlSeconds: 180,
    apexTtlSeconds: 21600,
    whenNoneHealthy: 'nodata',
    transport: 'auto',
    workers: 'auto',
    pinWorkers: false,
    udpPayloadMax: 1232,
    stateDir: '/etc/fedns/state',
    journal: { maxOctets: 268_435_456, maxDays: 30 },
    federations: [{ name: 'fed', select: 'label', policy: 'all', hosts: false, flatten: false }],
    ecs: { trust: [] },
    access: { allow: [], deny: [] },
    cookies: { policy: 'offer' },
    adminHosts: [],
    tcp: { connections: 1000, connectionsPerClient: 100, idleSeconds: 10 },
    identity: { version: '', hostname: '' },
    outage: { graceSeconds: 60, refusedGraceSeconds: 43_200, failStaticAbove: 0.5 },
    dampingSeconds: 0,
    guard: { enabled: true, maxWithdrawFraction: 0.5, windowSeconds: 60, minShards: 10, holdSeconds: 300 },
    resolvers: [],
    regions: [],
    steering: { peers: [] },
    drainSeconds: 0,
    drills: [],
    plans: [],
    clusters: [
      {
        name: 'one',
        region: 'r1',
        zones: ['z1'],
        origin: { kind: 'manifests', path: '/etc/fedns/one.yaml' },
        clients: [],
        publish: 'loadBalancer',
        addresses: { allow: [], deny: [] },
        hostnames: { allow: [], deny: [] },
        namespaces: { allow: [], deny: [] },
        limits: { objects: 300_000, objectOctets: 4_194_304, changesPerSecond: 2000 },
      },
    ],
    statics: settings.statics,
    log: { level: 'info', format: 'auto', queries: 0 },
  });
});

test('names, addresses and networks are brought into canonical form', async (t) => {
  const text = example({
    domain: 'domain: Example.COM.',
    nameservers: 'nameservers: [{ name: NS1.example.com., addresses: ["2001:DB8:0::1"] }]',
    federations: 'federations: [{ name: Fed }]',
    hostmaster: 'hostmaster: DNS.Admin@example.com',
    listen: 'listen: ["[::0]:0", "127.0.0.1:1053"]',
    resolvers: 'resolvers: [192.0.2.53, "[2001:DB8::53]:5353"]',
    clusters:
      'clusters: [{ name: One, region: US-East1, zones: [US-East1-A], inCluster: true, ' +
      'clients: ["2001:DB8::/32", 10.0.0.1], hostnames: { allow: [ELB.Amazonaws.com.] } }]',
    records: 'records: [{ name: WWW.example.com., type: a, data: 192.0.2.7 }]',
    stateDir: 'stateDir: false',
  });
  const { settings } = outcomeOf(text).loaded!;
  t.equal(settings.domain, 'example.com');
  t.same(settings.nameservers, [{ name: 'ns1.example.com', addresses: ['2001:db8::1'] }]);
  t.equal(settings.federations[0]!.name, 'fed');
  t.equal(settings.hostmaster, 'dns\\.admin.example.com', 'RFC 1035 8: a dot before the @ is escaped');
  t.same(settings.listen, [
    { address: '::', port: 0 },
    { address: '127.0.0.1', port: 1053 },
  ]);
  t.same(settings.resolvers, ['192.0.2.53', '[2001:db8::53]:5353']);
  t.match(settings.clusters[0], {
    name: 'one',
    region: 'us-east1',
    zones: ['us-east1-a'],
    origin: { kind: 'inCluster' },
    clients: ['2001:db8::/32', '10.0.0.1/32'],
    hostnames: { allow: ['elb.amazonaws.com'] },
  });
  t.same(recordsOf(settings), [
    'example.com 21600 NS ns1.example.com.',
    'ns1.example.com 21600 AAAA 2001:db8::1',
    'www.example.com 180 A 192.0.2.7',
  ]);
  t.notOk('stateDir' in settings);
});

test('a kubeconfig is one of three origins', async (t) => {
  const text = withClusters(
    'name: a, kubeconfig: { path: kube/config, context: prod, execAllowed: [aws] }',
    'name: b, inCluster: true',
  );
  const [a, b] = outcomeOf(text).loaded!.settings.clusters;
  t.same(a!.origin, {
    kind: 'kubeconfig',
    path: '/etc/fedns/kube/config',
    context: 'prod',
    allowInsecure: false,
    execAllowed: ['aws'],
  });
  t.same(b!.origin, { kind: 'inCluster' });
  t.notOk('region' in b!, 'an absent region is concluded from the nodes');
});

test('a record that repeats an address of nameservers is merged', async (t) => {
  const text = withRecords(
    'name: ns1.example.com, type: A, data: 192.0.2.1',
    'name: ns1.example.com, type: TXT, data: here',
  );
  const { settings, warnings } = outcomeOf(text).loaded!;
  t.same(
    recordsOf(settings).filter((line) => line.startsWith('ns1')),
    ['ns1.example.com 21600 A 192.0.2.1', 'ns1.example.com 180 TXT "here"'],
  );
  t.same(warnings, []);
});

test('a configuration may be JSON, and share parts by anchors and merge keys', async (t) => {
  const { settings } = outcomeOf(example()).loaded!;
  t.ok(settings);
  const json = JSON.stringify({
    domain: 'example.com',
    nameservers: [{ name: 'ns.example.net' }],
    federations: [{ name: 'fed' }],
    clusters: [{ name: 'a', inCluster: true }],
  });
  t.equal(outcomeOf(json).loaded!.settings.domain, 'example.com');
  const shared = example({
    clusters:
      'clusters:\n' +
      '  - &first { name: one, region: r1, manifests: ./one }\n' +
      '  - { <<: *first, name: two, manifests: ./two }',
  });
  t.match(outcomeOf(shared).loaded!.settings.clusters[1], { name: 'two', region: 'r1' });
});

test('protocol fixtures with odd records load unchanged', async (t) => {
  const text = withRecords(
    'name: lb.web.main.svc.example.com, type: CNAME, data: lb.provider.example, ttl: 30',
    "name: type666.example.com, type: TYPE666, data: '\\# 4 0a0b0c0d', ttl: 30",
    "name: '*.wild.example.com', type: A, data: 192.0.2.9, ttl: 30",
    'name: sub.example.com, type: NS, data: ns.sub.example.com',
    'name: ns.sub.example.com, type: A, data: 192.0.2.53',
    `name: big.example.com, type: TXT, data: '"${'a'.repeat(240)}" "${'b'.repeat(240)}"'`,
  );
  const { settings, warnings } = outcomeOf(text).loaded!;
  t.equal(recordsOf(settings).length, 2 + 6, 'and those of the name server');
  t.same(warnings, []);
});

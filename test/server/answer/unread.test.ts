/** What is answered while nothing was ever read of a cluster: never a denial of what only it could know, and no other SERVFAIL. */
import t, { type Test } from 'tap';
import { explain } from '../../../src/zonebuilder/explain.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';

const SOA = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: ['x'] };
const HTTP = { name: 'http', protocol: 'tcp', port: 80 } as const;

type Place = readonly [region: string | undefined, zones: readonly string[]];

/** Cluster c1 is read, `new` never was, and has been given up. */
function federationWith([region, zones]: Place, status: 'pending' | 'withdrawn' = 'withdrawn'): Federation {
  const f = makeFederation({
    federations: ['f'],
    records: ['www.example.com A 192.0.2.80', 'example.com MX 10 www.example.com'],
  });
  f.cluster('c1', undefined, [], 'pending');
  f.cluster('new', region, zones, 'pending');
  f.cluster('c1', 'us', ['us1']);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ports: [HTTP] });
  f.shard('c1', 'down.n.f', { addresses: ['192.0.2.2'], ready: false });
  if (status !== 'pending') f.cluster('new', region, zones, status);
  return f;
}

/** The explanation, which works from the facts, must say the same as the answer, which is worked out from the image. */
function check(t: Test, f: Federation, rcode: string, names: readonly string[]): void {
  for (const text of names) {
    const name = `${text}.example.com`;
    const reply = f.ask(name, 'TXT');
    t.equal(reply.rcode, rcode, `${name} is ${rcode}`);
    t.equal(reply.authority.length, rcode === 'SERVFAIL' ? 0 : 1, 'only what is no denial goes without SOA');
    t.equal(
      explain(f.builder, { name: name.toLowerCase(), type: 'TXT' }, SOA).rcode,
      rcode,
      `explain of ${name}`,
    );
  }
}

/** No cluster can know these, wherever it is. */
const NOBODYS = [
  '_dmarc',
  '_mta-sts',
  'x.www',
  '_acme-challenge.www',
  'a.b.c.d.e.f.g',
  'nope',
  'nofed.svc',
  'x.n.otherfed.svc',
  'x.n.otherfed.svc.us',
  'n.nofed.svc.us1.us',
  'x._http._tcp.web.n.f.svc',
  'x._http._tcp.nope.n.f.svc',
  'a.b.c.nope.n.f.svc',
  'http.tcp.web.n.f.svc',
  'x.web.n.f.svc',
  '_http._icmp.web.n.f.svc',
  'no_label.n.f.svc',
  '-x.n.f.svc',
  'web.n.f.svc.a.b.c',
  'web.n.f.svc.no_place',
  'svc.svc',
];
/** Any cluster may bring these. */
const ANYBODYS = [
  'nope.n.f.svc',
  'nope.other.f.svc',
  'other.f.svc',
  'nope.n.f.svc.us',
  'nope.n.f.svc.us1',
  'nope.n.f.svc.us1.us',
  '_tcp.nope.n.f.svc',
  '_http._tcp.nope.n.f.svc',
  '_udp.web.n.f.svc',
  '_admin._sctp.web.n.f.svc.us',
  'NOPE.N.F.SVC',
];

t.test('names of one cluster wait for that cluster alone', (t) => {
  for (const status of ['pending', 'withdrawn'] as const) {
    const f = federationWith(['eu', ['eu1']], status);
    check(t, f, 'SERVFAIL', ['new.web.n.f.svc', 'new.nope.n.f.svc']);
    check(t, f, 'NOERROR', ['c1.web.n.f.svc', 'c1.down.n.f.svc']);
    check(t, f, 'NXDOMAIN', [
      'c1.nope.n.f.svc',
      'new.web.n.otherf.svc',
      'new.web.n.f.svc.eu',
      'other.web.n.f.svc',
    ]);
    f.shard('new', 'web.n.f', { addresses: ['192.0.2.3'] });
    f.shard('c1', 'web.n.f', { addresses: ['192.0.2.4'] });
    check(t, f, 'SERVFAIL', ['new.web.n.f.svc']);
    f.cluster('new', 'eu', ['eu1']);
    check(t, f, 'NOERROR', ['new.web.n.f.svc']);
    check(t, f, 'NXDOMAIN', ['new.nope.n.f.svc']);
  }
  t.end();
});

t.test('a Service that is down and known is denied, whoever was never read', (t) => {
  const f = makeFederation({ whenNoneHealthy: 'nxdomain' });
  f.cluster('c1', 'us', ['us1']);
  f.cluster('new', 'eu', ['eu1'], 'pending');
  f.shard('c1', 'down.n.f', { addresses: ['192.0.2.2'], ready: false, ports: [HTTP] });
  const names = ['down.n.f.svc', '_http._tcp.down.n.f.svc', '_tcp.down.n.f.svc', 'down.n.f.svc.us1'];
  check(t, f, 'SERVFAIL', [...names, 'new.down.n.f.svc', '_dns._udp.down.n.f.svc']);
  check(t, f, 'NXDOMAIN', ['c1.down.n.f.svc']);
  f.cluster('new', 'eu', ['eu1'], 'withdrawn');
  check(t, f, 'NXDOMAIN', [...names, 'c1.down.n.f.svc']);
  check(t, f, 'SERVFAIL', ['new.down.n.f.svc', '_dns._udp.down.n.f.svc']);
  t.end();
});

t.test('a port that no healthy shard has waits for a cluster only until that is given up', (t) => {
  const name = '_admin._tcp.web.n.f.svc.us1.us.example.com';
  for (const [status, rcode] of [
    ['pending', 'SERVFAIL'],
    ['withdrawn', 'NOERROR'],
  ] as const) {
    const f = federationWith(['eu', ['eu1']], status);
    f.cluster('c2', 'us', ['us1']);
    f.shard('c2', 'web.n.f', {
      addresses: ['192.0.2.9'],
      ready: false,
      ports: [{ name: 'admin', protocol: 'tcp', port: 9000 }],
    });
    t.equal(f.ask(name, 'SRV').rcode, rcode, status);
    t.equal(explain(f.builder, { name, type: 'SRV' }, SOA).rcode, rcode, `explain, ${status}`);
  }
  t.end();
});

t.test('where region and zones are configured, nothing else may come', (t) => {
  const f = federationWith(['eu', ['eu1']]);
  check(t, f, 'SERVFAIL', [...ANYBODYS, 'nope.n.f.svc.eu', 'nope.n.f.svc.eu1', 'nope.n.f.svc.eu1.eu']);
  check(t, f, 'NXDOMAIN', [...NOBODYS, 'nope.n.f.svc.mars', 'web.n.f.svc.mars', 'web.n.f.svc.m1.mars']);
  check(t, f, 'NXDOMAIN', ['web.n.f.svc.eu2.eu', 'web.n.f.svc.eu2', 'svc.mars', 'mars']);
  t.end();
});

t.test('where the region alone is configured, its zones may come', (t) => {
  const f = federationWith(['eu', []]);
  check(t, f, 'SERVFAIL', [
    ...ANYBODYS,
    'nope.n.f.svc.eu',
    'web.n.f.svc.eu2.eu',
    'web.n.f.svc.eu2',
    'svc.eu2',
  ]);
  check(t, f, 'NXDOMAIN', [...NOBODYS, 'web.n.f.svc.m1.mars', 'web.n.f.svc.x.us', 'eu2.eu', 'eu2']);
  t.end();
});

t.test('where nothing is configured, any place may come', (t) => {
  const f = federationWith([undefined, []]);
  check(t, f, 'SERVFAIL', [
    ...ANYBODYS,
    'web.n.f.svc.mars',
    'web.n.f.svc.m1.mars',
    'f.svc.mars',
    'svc.m1.mars',
  ]);
  check(t, f, 'NXDOMAIN', [...NOBODYS, 'mars', 'm1.mars']);
  t.end();
});

t.test('it ends when the cluster is read, and when it is removed, and not before', (t) => {
  for (const end of ['read', 'removed'] as const) {
    const f = federationWith(['eu', ['eu1']]);
    for (const status of ['withdrawn', 'pending', 'withdrawn'] as const) {
      f.cluster('new', 'eu', ['eu1'], status);
      check(t, f, 'SERVFAIL', ANYBODYS);
    }
    if (end === 'read') f.cluster('new', 'eu', ['eu1']);
    else f.builder.removeCluster('new');
    check(t, f, 'NXDOMAIN', ANYBODYS);
    if (end === 'read') f.cluster('new', 'eu', ['eu1'], 'withdrawn');
    check(t, f, 'NXDOMAIN', ANYBODYS);
  }
  t.end();
});

t.test('with the first Service unknown, what lies above it is not denied either', (t) => {
  const f = makeFederation({ federations: ['f'] });
  f.cluster('new', 'eu', ['eu1'], 'pending');
  check(t, f, 'SERVFAIL', ['svc', 'f.svc', 'n.f.svc', 'eu', 'eu1.eu', 'svc.eu', 'f.svc.eu1.eu']);
  check(t, f, 'NXDOMAIN', ['us', 'eu2.eu', 'svc.us', 'x.eu']);
  t.end();
});

t.test(
  'a Service that is known without a healthy shard waits for a cluster only until that is given up',
  (t) => {
    const pending = federationWith(['eu', ['eu1']], 'pending');
    const givenUp = federationWith(['eu', ['eu1']]);
    for (const name of ['down.n.f.svc.example.com', 'down.n.f.svc.us1.us.example.com']) {
      t.equal(pending.ask(name, 'A').rcode, 'SERVFAIL');
      t.equal(givenUp.ask(name, 'A').rcode, 'NOERROR');
      t.equal(explain(pending.builder, { name, type: 'A' }, SOA).rcode, 'SERVFAIL');
      t.equal(explain(givenUp.builder, { name, type: 'A' }, SOA).rcode, 'NOERROR');
    }
    t.equal(pending.ask('web.n.f.svc.example.com', 'AAAA').authority.length, 0);
    t.equal(givenUp.ask('web.n.f.svc.example.com', 'AAAA').authority.length, 1);
    t.end();
  },
);

t.test('the reply says why, and does without the words where they do not fit', (t) => {
  const f = federationWith(['eu', ['eu1']]);
  const reply = f.ask('nope.n.f.svc.example.com', 'A', { payloadMax: 1232 });
  const option = reply.opt?.options.find(([code]) => code === 15)?.[1];
  t.equal(option?.readUInt16BE(0), 14);
  t.equal(option?.toString('latin1', 2), 'a cluster that may know this name has not been read');
  t.end();
});

t.test('what may be incomplete is not kept longer than a denial', (t) => {
  const f = makeFederation();
  const ttls = (): number[] => {
    const reply = f.ask('web.n.f.svc.eu1.eu.example.com', 'A');
    const port = f.ask('_http._tcp.web.n.f.svc.example.com', 'SRV');
    return [...new Set([...reply.answer, ...port.answer, ...port.additional].map(({ ttl }) => ttl))];
  };
  for (const name of ['c1', 'c2', 'c3']) f.cluster(name, undefined, [], 'pending');
  f.cluster('c1', 'us', ['us1']);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ports: [HTTP] });
  f.shard('c1', 'short.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 5 });
  f.cluster('c2', 'eu', ['eu1']);
  t.strictSame(ttls(), [15], 'one cluster is missing');
  t.equal(f.builder.view('web.n.f')?.ttlSeconds, 15, 'listings say the same');
  t.equal(f.ask('short.n.f.svc.example.com', 'A').answer[0]?.ttl, 5, 'a shorter one stays');
  f.cluster('c3', undefined, [], 'withdrawn');
  t.strictSame(ttls(), [180], 'it was given up');
  f.cluster('c4', 'asia', [], 'pending');
  t.strictSame(ttls(), [15], 'one has joined');
  f.cluster('c4', 'asia', []);
  t.strictSame(ttls(), [180], 'and was read');
  f.cluster('c4', 'asia', [], 'held');
  t.strictSame(ttls(), [180], 'what is held was read');
  t.end();
});

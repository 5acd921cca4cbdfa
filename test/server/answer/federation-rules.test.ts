/** What DESIGN says of names and answers, as tables: the positive case and the negative one beside it. */
import t, { type Test } from 'tap';
import type { Federation } from '../../support/federation.ts';
import { CAUSE, makeFederation } from '../../support/federation.ts';
import { makeGuide, NGINX } from '../../support/guide.ts';
import type { Message } from '../../support/message.ts';
import { lines, makeQuery, readMessage } from '../../support/message.ts';

const HTTP = { name: 'http', protocol: 'tcp', port: 80 } as const;

/** A reply in one line: rcode, then the answer section in order of names. */
function summary(reply: Message): string {
  const soa = reply.authority.some((rr) => rr.type === 'SOA') ? ' +SOA' : '';
  const records = lines(reply.answer).map((line) => line.replaceAll(/\.(s|n)\.f\.svc/g, '.$1.f.svc'));
  return [reply.rcode + soa, ...records].join(' | ');
}

type Case = readonly [title: string, name: string, type: string, expected: string];

function check(t: Test, federation: Federation, cases: readonly Case[]): void {
  for (const [title, name, type, expected] of cases)
    t.equal(summary(federation.ask(name, type)), expected, title);
  t.end();
}

t.test('multi-zone clusters', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1', 'us2', 'us3']);
  f.cluster('c2', 'us', ['us2']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], readyZones: ['us1', 'us2'] });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2', '192.0.2.1'], readyZones: 'every' });
  check(t, f, [
    [
      'a shard is in each zone with a ready endpoint',
      's.n.f.svc.us1.us.example.com',
      'A',
      'NOERROR | s.n.f.svc.us1.us.example.com A 192.0.2.1',
    ],
    [
      'a zone of its cluster without one aliases up',
      's.n.f.svc.us3.us.example.com',
      'CNAME',
      'NOERROR | s.n.f.svc.us3.us.example.com CNAME s.n.f.svc.us.example.com.',
    ],
    [
      'an address that two shards share is given once',
      's.n.f.svc.us2.us.example.com',
      'A',
      'NOERROR | s.n.f.svc.us2.us.example.com A 192.0.2.1 | s.n.f.svc.us2.us.example.com A 192.0.2.2',
    ],
    [
      'and once for the region',
      's.n.f.svc.us.example.com',
      'A',
      'NOERROR | s.n.f.svc.us.example.com A 192.0.2.1 | s.n.f.svc.us.example.com A 192.0.2.2',
    ],
    [
      'and once in all',
      's.n.f.svc.example.com',
      'A',
      'NOERROR | s.n.f.svc.example.com A 192.0.2.1 | s.n.f.svc.example.com A 192.0.2.2',
    ],
  ]);
});

t.test('zones of one name in two regions', (t) => {
  const f = makeFederation();
  // As at a start: both are announced before either is read, so that neither had the short name before the other.
  for (const name of ['c1', 'c2']) f.cluster(name, undefined, [], 'pending');
  f.cluster('c1', 'regionone', ['nova', 'alpha']);
  f.cluster('c2', 'regiontwo', ['nova']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], readyZones: ['nova'] });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2'] });
  check(t, f, [
    [
      'the long form tells them apart',
      's.n.f.svc.nova.regionone.example.com',
      'A',
      'NOERROR | s.n.f.svc.nova.regionone.example.com A 192.0.2.1',
    ],
    [
      'in the other region too',
      's.n.f.svc.nova.regiontwo.example.com',
      'A',
      'NOERROR | s.n.f.svc.nova.regiontwo.example.com A 192.0.2.2',
    ],
    ['the short form is ambiguous, so it does not exist', 's.n.f.svc.nova.example.com', 'A', 'NXDOMAIN +SOA'],
    ['nor does its parent', 'nova.example.com', 'A', 'NXDOMAIN +SOA'],
    [
      'a zone of one region only has its short form',
      's.n.f.svc.alpha.example.com',
      'CNAME',
      'NOERROR | s.n.f.svc.alpha.example.com CNAME s.n.f.svc.regionone.example.com.',
    ],
    [
      'a zone of another region does not exist here',
      's.n.f.svc.alpha.regiontwo.example.com',
      'A',
      'NXDOMAIN +SOA',
    ],
  ]);
});

t.test('both address families', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'us', ['us2']);
  f.cluster('c3', 'us', ['us3']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'] });
  f.shard('c2', 's.n.f', { addresses: ['2001:db8::2'] });
  f.shard('c3', 's.n.f', { addresses: ['192.0.2.3', '2001:db8::3'], ready: false });
  check(t, f, [
    [
      'A and AAAA come from the same shards',
      's.n.f.svc.us.example.com',
      'AAAA',
      'NOERROR | s.n.f.svc.us.example.com AAAA 2001:db8::2',
    ],
    [
      'AAAA at a level that has only IPv4 is NODATA, never an alias',
      's.n.f.svc.us1.us.example.com',
      'AAAA',
      'NOERROR +SOA',
    ],
    ['A at a level that has only IPv6 is NODATA', 's.n.f.svc.us2.us.example.com', 'A', 'NOERROR +SOA'],
    [
      'failover is decided once for both families',
      's.n.f.svc.us3.us.example.com',
      'AAAA',
      'NOERROR | s.n.f.svc.us.example.com AAAA 2001:db8::2 | s.n.f.svc.us3.us.example.com CNAME s.n.f.svc.us.example.com.',
    ],
  ]);
});

for (const [whenNoneHealthy, global, region, port] of [
  ['nodata', 'NOERROR +SOA', 'NOERROR +SOA', 'NOERROR +SOA'],
  ['nxdomain', 'NXDOMAIN +SOA', 'NXDOMAIN +SOA', 'NXDOMAIN +SOA'],
  [
    'lastKnown',
    'NOERROR | s.n.f.svc.example.com A 192.0.2.1',
    'NOERROR',
    'NOERROR | _http._tcp.s.n.f.svc.example.com SRV 0 100 80 s.n.f.svc.example.com.',
  ],
] as const) {
  t.test(`nothing healthy anywhere: ${whenNoneHealthy}`, (t) => {
    const f = makeFederation({ whenNoneHealthy });
    f.cluster('c1', 'us', ['us1']);
    f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], ready: false, ports: [HTTP] });
    const tail = whenNoneHealthy === 'lastKnown' ? 's.n.f.svc.example.com A 192.0.2.1 | ' : '';
    check(t, f, [
      ['the global name', 's.n.f.svc.example.com', 'A', global],
      [
        'a region ends its chain there',
        's.n.f.svc.us.example.com',
        'A',
        `${region} | ${tail}s.n.f.svc.us.example.com CNAME s.n.f.svc.example.com.`,
      ],
      ['a port of the global name', '_http._tcp.s.n.f.svc.example.com', 'SRV', port],
      [
        'a port of another name of the Service still aliases up',
        '_http._tcp.s.n.f.svc.us.example.com',
        'CNAME',
        'NOERROR | _http._tcp.s.n.f.svc.us.example.com CNAME _http._tcp.s.n.f.svc.example.com.',
      ],
      ['a namespace with a Service exists all the same', 'n.f.svc.example.com', 'A', 'NOERROR +SOA'],
    ]);
  });
}

/** Names below the domain that are all answered alike: NODATA or NXDOMAIN. */
function names(rcode: string, list: readonly string[]): Case[] {
  return list.map((name) => [
    `${name} is ${rcode}`,
    name === '' ? 'example.com' : `${name}.example.com`,
    'TXT',
    `${rcode} +SOA`,
  ]);
}

t.test('names that exist, and names that do not', (t) => {
  const guide = makeGuide();
  check(t, guide, [
    ...names('NOERROR', [
      '',
      'svc',
      'myfederation.svc',
      'mynamespace.myfederation.svc',
      `${NGINX}.svc`,
      `_tcp.${NGINX}.svc`,
      `_http._tcp.${NGINX}.svc`,
      'us-east1',
      'svc.us-east1',
      'mynamespace.myfederation.svc.us-east1',
      'us-east1-b.us-east1',
      'us-east1-b',
      'svc.us-east1-b.us-east1',
      'myfederation.svc.us-east1-b',
      `_tcp.${NGINX}.svc.europe-west1-b.europe-west1`,
      'ns1',
    ]),
    ...names('NXDOMAIN', [
      'nope',
      'nope.mynamespace.myfederation.svc',
      'mynamespace.nope.svc',
      'nope.myfederation.svc.us-east1',
      'us-east1-b.us-central1',
      'us-east1-z.us-east1',
      `${NGINX}.svc.antarctica`,
      `${NGINX}.svc.us-east1-b.antarctica`,
      `${NGINX}.svc.us-east1.us-east1-b`,
      `${NGINX}.svc.x.us-east1-b.us-east1`,
      `x.${NGINX}.svc`,
      `_udp.${NGINX}.svc`,
      `_https._tcp.${NGINX}.svc`,
      `x._http._tcp.${NGINX}.svc`,
      `${NGINX}.svc.example.com`,
      `*.${NGINX}.svc`,
      'x.ns1',
      'svc.svc',
    ]),
  ]);
});

t.test('Services are known, not healthy, to exist', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  const locations = ['us.example.com', 'svc.us.example.com', 'svc.example.com', 'eu1.eu.example.com'];
  for (const name of locations)
    t.equal(f.ask(name, 'A').rcode, 'NXDOMAIN', `${name} before the first Service`);
  f.shard('c1', 's.n.f', { addresses: [], ready: false });
  for (const name of locations) t.equal(f.ask(name, 'A').rcode, 'NOERROR', `${name} with a Service`);
  t.equal(
    summary(f.ask('s.n.f.svc.eu1.eu.example.com', 'CNAME')),
    'NOERROR | s.n.f.svc.eu1.eu.example.com CNAME s.n.f.svc.eu.example.com.',
    'also where it has no shard',
  );
  f.builder.removeShard({ cluster: 'c1', federation: 'f', namespace: 'n', service: 's' }, CAUSE);
  for (const name of [...locations, 's.n.f.svc.example.com', 'n.f.svc.example.com', 'f.svc.example.com']) {
    t.equal(f.ask(name, 'A').rcode, 'NXDOMAIN', `${name} after the last Service`);
  }
  t.end();
});

t.test('a cluster without a region counts at the global name only', (t) => {
  const f = makeFederation();
  f.cluster('c1', undefined, []);
  f.cluster('c2', 'us', ['us1']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.9'] });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.1'] });
  check(t, f, [
    [
      'global',
      's.n.f.svc.example.com',
      'A',
      'NOERROR | s.n.f.svc.example.com A 192.0.2.1 | s.n.f.svc.example.com A 192.0.2.9',
    ],
    [
      'region of the other',
      's.n.f.svc.us.example.com',
      'A',
      'NOERROR | s.n.f.svc.us.example.com A 192.0.2.1',
    ],
  ]);
});

t.test('the state of a cluster decides whether its shards count', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'] });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2'] });
  const both = 'NOERROR | s.n.f.svc.example.com A 192.0.2.1 | s.n.f.svc.example.com A 192.0.2.2';
  for (const [status, expected] of [
    ['available', both],
    ['held', both],
    ['withdrawn', 'NOERROR | s.n.f.svc.example.com A 192.0.2.2'],
    ['available', both],
  ] as const) {
    f.cluster('c1', 'us', ['us1'], status);
    t.equal(summary(f.ask('s.n.f.svc.example.com', 'A')), expected, status);
  }
  f.builder.removeCluster('c1');
  t.equal(
    summary(f.ask('s.n.f.svc.us.example.com', 'A')),
    'NXDOMAIN +SOA',
    'a cluster that left takes its region along',
  );
  t.end();
});

t.test('before a cluster has told anything, nothing negative is said', (t) => {
  const f = makeFederation({ records: ['txt.example.com TXT "x"'] });
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1'], 'pending');
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'] });
  f.shard('c1', 'down.n.f', { addresses: ['192.0.2.1'], ready: false });
  check(t, f, [
    [
      'what is known is answered',
      's.n.f.svc.eu.example.com',
      'A',
      'NOERROR | s.n.f.svc.eu.example.com CNAME s.n.f.svc.example.com. | s.n.f.svc.example.com A 192.0.2.1',
    ],
    ['an unknown Service is SERVFAIL', 'nope.n.f.svc.example.com', 'A', 'SERVFAIL'],
    ['so is one without a healthy shard', 'down.n.f.svc.us1.example.com', 'A', 'SERVFAIL'],
    ['the other family is an empty answer that is not cached', 's.n.f.svc.example.com', 'AAAA', 'NOERROR'],
    ['static records are answered, negatives too', 'txt.example.com', 'A', 'NOERROR +SOA'],
    ['so is the apex', 'example.com', 'NS', 'NOERROR | example.com NS ns1.example.com.'],
  ]);
});

t.test('ports', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  f.shard('c1', 's.n.f', {
    addresses: ['192.0.2.1', '2001:db8::1'],
    ports: [HTTP, { name: 'dns', protocol: 'udp', port: 53 }],
  });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2'], ready: false, ports: [{ ...HTTP, port: 8080 }] });
  check(
    t,
    f,
    [
      [
        'SRV names the level itself',
        '_http._tcp.s.n.f.svc.us1.us.example.com',
        'SRV',
        'NOERROR | _http._tcp.s.n.f.svc.us1.us.example.com SRV 0 100 80 s.n.f.svc.us1.us.example.com.',
      ],
      [
        'a level without addresses aliases up, so that no target is an alias (RFC 2782)',
        '_dns._udp.s.n.f.svc.eu1.example.com',
        'SRV',
        'NOERROR | _dns._udp.s.n.f.svc.eu.example.com CNAME _dns._udp.s.n.f.svc.example.com. | _dns._udp.s.n.f.svc.eu1.example.com CNAME _dns._udp.s.n.f.svc.eu.example.com. | _dns._udp.s.n.f.svc.example.com SRV 0 100 53 s.n.f.svc.example.com.',
      ],
      [
        'where clusters disagree the first one decides',
        '_http._tcp.s.n.f.svc.example.com',
        'SRV',
        'NOERROR | _http._tcp.s.n.f.svc.example.com SRV 0 100 80 s.n.f.svc.example.com.',
      ],
      ['a port has no address', '_http._tcp.s.n.f.svc.example.com', 'A', 'NOERROR +SOA'],
      [
        'a port of the wrong protocol does not exist',
        '_http._udp.s.n.f.svc.example.com',
        'SRV',
        'NXDOMAIN +SOA',
      ],
    ].map((row) => row as unknown as Case),
  );
});

t.test('an SRV reply brings the addresses of its target', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1', '2001:db8::1'], ports: [HTTP] });
  const { additional } = f.ask('_http._tcp.s.n.f.svc.us.example.com', 'SRV');
  t.strictSame(lines(additional), [
    's.n.f.svc.us.example.com A 192.0.2.1',
    's.n.f.svc.us.example.com AAAA 2001:db8::1',
  ]);
  t.end();
});

t.test('names compare without case and are echoed octet for octet', (t) => {
  const guide = makeGuide();
  const query = makeQuery(`NgInX.mYnAmEsPaCe.MyFederation.SVC.us-EAST1-b.Us-East1.eXaMpLe.CoM`, 'A', {
    id: 0xbeef,
  });
  const raw = guide.askRaw(query)!;
  t.ok(raw.subarray(12, query.length).equals(query.subarray(12)), 'the question');
  const reply = readMessage(raw);
  t.equal(reply.id, 0xbeef);
  t.equal(reply.answer[0]!.name, 'NgInX.mYnAmEsPaCe.MyFederation.SVC.us-EAST1-b.Us-East1.eXaMpLe.CoM');
  t.end();
});

t.test('addresses take turns', (t) => {
  const guide = makeGuide();
  const first = new Map<string, number>();
  for (let i = 0; i < 3000; i++) {
    const { data } = guide.ask(`${NGINX}.svc.us-central1.example.com`, 'A').answer[0]!;
    first.set(data, (first.get(data) ?? 0) + 1);
  }
  t.equal(first.size, 3, 'each is first at times');
  for (const [address, times] of first)
    t.ok(times > 800 && times < 1200, `${address} was first ${times} of 3000 times`);
  t.end();
});

t.test('RFC 8020: a name above a record exists, whatever its Service does', (t) => {
  const f = makeFederation({
    whenNoneHealthy: 'nxdomain',
    records: ['note.s.n.f.svc.example.com TXT "x"', 'note._http._tcp.p.n.f.svc.example.com TXT "x"'],
  });
  f.cluster('c1', 'us', ['us1']);
  for (const service of ['s.n.f', 'p.n.f', 'r.n.f'])
    f.shard('c1', service, { addresses: ['192.0.2.1'], ready: false, ports: [HTTP] });
  check(t, f, [
    ['above a record', 's.n.f.svc.example.com', 'A', 'NOERROR +SOA'],
    [
      'at the end of an alias',
      's.n.f.svc.us.example.com',
      'TXT',
      'NOERROR +SOA | s.n.f.svc.us.example.com CNAME s.n.f.svc.example.com.',
    ],
    ['beside one', '_http._tcp.s.n.f.svc.example.com', 'SRV', 'NXDOMAIN +SOA'],
    ['a port above a record', '_http._tcp.p.n.f.svc.example.com', 'SRV', 'NOERROR +SOA'],
    ['and the names above that', '_tcp.p.n.f.svc.example.com', 'SRV', 'NOERROR +SOA'],
    ['a Service with nothing below', 'r.n.f.svc.example.com', 'A', 'NXDOMAIN +SOA'],
  ]);
});

t.test('aliases that lead in a circle are given once', (t) => {
  const f = makeFederation({
    records: [
      'a.example.com CNAME b.example.com',
      'b.example.com CNAME a.example.com',
      's.n.f.svc.example.com CNAME s.n.f.svc.us.example.com',
    ],
  });
  f.cluster('c1', 'us', ['us1']);
  f.shard('c1', 's.n.f', { ready: false });
  check(t, f, [
    [
      'from records alone',
      'A.example.com',
      'A',
      'NOERROR | A.example.com CNAME b.example.com. | b.example.com CNAME a.example.com.',
    ],
    [
      'through the levels of a Service',
      's.n.f.svc.us1.us.example.com',
      'A',
      'NOERROR | s.n.f.svc.example.com CNAME s.n.f.svc.us.example.com. | s.n.f.svc.us.example.com CNAME s.n.f.svc.example.com. | s.n.f.svc.us1.us.example.com CNAME s.n.f.svc.us.example.com.',
    ],
  ]);
});

t.test('TTLs', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 30 });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2'], ttlSeconds: 60, ready: false });
  t.strictSame(
    f.ask('s.n.f.svc.eu.example.com', 'A').answer.map((rr) => rr.ttl),
    [30, 30],
    'the shortest annotated one, for aliases too',
  );
  t.equal(f.ask('example.com', 'SOA').answer[0]!.ttl, 21600, 'SOA at the apex');
  t.equal(
    f.ask('nope.example.com', 'A').authority[0]!.ttl,
    15,
    'RFC 2308 section 5: SOA below a negative answer',
  );
  t.match(f.ask('example.com', 'SOA').answer[0]!.data, / 180$/, 'its MINIMUM is the longest there is');
  t.end();
});

t.test('the serial grows with every change of an answer and with nothing else', (t) => {
  const f = makeFederation();
  const serial = (): number => Number(f.ask('example.com', 'SOA').answer[0]!.data.split(' ')[2]);
  f.cluster('c1', 'us', ['us1']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'] });
  const before = serial();
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], cause: { object: 'resync', timeMs: 99 } });
  t.equal(serial(), before, 'the same facts again');
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], ready: false });
  t.equal(serial(), before + 1, 'a shard goes down');
  t.strictSame(f.changes.at(-1)?.services, ['s.n.f'], 'and the change says which Service, and why');
  t.equal(f.changes.at(-1)?.cause.object, 'test');
  t.end();
});

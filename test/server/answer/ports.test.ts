/** SRV records: true for their targets, at every level, whatever clusters disagree about. */
import t from 'tap';
import type { ShardState } from '../../../src/zonebuilder/facts.ts';
import { makeFederation, type Federation, type FederationOptions } from '../../support/federation.ts';
import { lines } from '../../support/message.ts';

type Port = readonly [name: string, port: number];

/** Clusters by name: region and zones, then ports, then other facts. Each has one address, 192.0.2.1 for the first. */
type Clusters = Record<
  string,
  readonly [
    region: string | undefined,
    zones: readonly string[],
    ports: readonly Port[],
    facts?: Partial<ShardState>,
  ]
>;

function make(clusters: Clusters, options: FederationOptions = {}): Federation {
  const f = makeFederation(options);
  Object.entries(clusters).forEach(([name, [region, zones, ports, facts]], i) => {
    f.cluster(name, region, zones);
    f.shard(name, 'web.n.f', {
      addresses: [`192.0.2.${i + 1}`],
      ports: ports.map(([port, number]) => ({ name: port, protocol: 'tcp', port: number })),
      ...facts,
    });
  });
  return f;
}

/** SRV data of `_PORT._tcp.web.n.f.svc.LOCATION`, aliases as `=> LOCATION`, targets without what they share. */
function srv(f: Federation, port: string, location = ''): string[] {
  const reply = f.ask(`_${port}._tcp.web.n.f.svc${location}.example.com`, 'SRV');
  const records = reply.answer.map(({ type, data }) =>
    data
      .replace(`_${port}._tcp.`, '')
      .replace(/\.?example\.com\.$/, '')
      .replace(/^/, type === 'CNAME' ? '=> ' : ''),
  );
  return records.length > 0 ? records.toSorted() : [reply.rcode];
}

const TWO: Clusters = {
  c1: [
    'us',
    ['us1'],
    [
      ['http', 80],
      ['admin', 9000],
    ],
  ],
  c2: ['eu', ['eu1'], [['http', 8080]]],
};
const DOWN = { ready: false } as const;

type Case = readonly [title: string, port: string, location: string, expected: readonly string[]];

function check(name: string, f: () => Federation, cases: readonly Case[]): void {
  t.test(name, (t) => {
    const federation = f();
    for (const [title, port, location, expected] of cases)
      t.strictSame(srv(federation, port, location), expected, title);
    t.end();
  });
}

check(
  'a shard that is not healthy has no say',
  () => make({ c1: ['us', ['us1'], [['http', 8080]], DOWN], c2: ['eu', ['eu1'], [['http', 80]]] }),
  [
    ['at the global level', 'http', '', ['0 100 80 web.n.f.svc']],
    ["at the other's zone", 'http', '.eu1.eu', ['0 100 80 web.n.f.svc.eu1.eu']],
    [
      'its own zone is an alias',
      'http',
      '.us1.us',
      ['0 100 80 web.n.f.svc', '=> web.n.f.svc', '=> web.n.f.svc.us'],
    ],
  ],
);

check('clusters that disagree', () => make(TWO), [
  ['each has its number in its region', 'http', '.eu', ['0 100 8080 web.n.f.svc.eu']],
  ['and in its zone', 'http', '.us1.us', ['0 100 80 web.n.f.svc.us1.us']],
  ['above both, a record for each', 'http', '', ['0 100 80 web.n.f.svc.us', '0 100 8080 web.n.f.svc.eu']],
  ['a port of one only leads to that one', 'admin', '', ['0 100 9000 web.n.f.svc.us']],
  ['a level without the port is an alias', 'admin', '.eu', ['0 100 9000 web.n.f.svc.us', '=> web.n.f.svc']],
  ['as is its zone', 'admin', '.eu1', ['0 100 9000 web.n.f.svc.us', '=> web.n.f.svc', '=> web.n.f.svc.eu']],
  ['a port of none does not exist', 'other', '', ['NXDOMAIN']],
]);

check(
  'clusters of one region, and of one zone',
  () =>
    make({
      c1: ['us', ['us1'], [['http', 80]]],
      c2: ['us', ['us2'], [['http', 81]]],
      c3: ['us', ['us2'], [['http', 82]]],
      c4: ['eu', ['eu1'], [['http', 80]]],
      c5: [undefined, [], [['http', 80]]],
    }),
  [
    ['a zone that agrees', 'http', '.us1.us', ['0 100 80 web.n.f.svc.us1.us']],
    [
      'a zone that does not leads to its clusters',
      'http',
      '.us2',
      ['0 100 81 c2.web.n.f.svc', '0 100 82 c3.web.n.f.svc'],
    ],
    [
      'its region to both',
      'http',
      '.us',
      ['0 100 80 web.n.f.svc.us1.us', '0 100 81 c2.web.n.f.svc', '0 100 82 c3.web.n.f.svc'],
    ],
    [
      'and a cluster without a region is at the global level by its own name',
      'http',
      '',
      [
        '0 100 80 c5.web.n.f.svc',
        '0 100 80 web.n.f.svc.eu',
        '0 100 80 web.n.f.svc.us1.us',
        '0 100 81 c2.web.n.f.svc',
        '0 100 82 c3.web.n.f.svc',
      ],
    ],
  ],
);

check(
  'priority and weight',
  () =>
    make({
      c1: ['us', ['us1'], [['http', 80]], { srv: { priority: 10, weight: 5 } }],
      c2: ['eu', ['eu1'], [['http', 80]]],
    }),
  [
    ['at the level of the shard', 'http', '.us', ['10 5 80 web.n.f.svc.us']],
    ['above, each with its own', 'http', '', ['0 100 80 web.n.f.svc.eu', '10 5 80 web.n.f.svc.us']],
  ],
);

check(
  'a name that a CNAME has taken is no target (RFC 2782)',
  () =>
    make(TWO, {
      records: [
        'web.n.f.svc.us.example.com CNAME other.example.net',
        'c2.web.n.f.svc.example.com CNAME other.example.net',
        'web.n.f.svc.eu.example.com CNAME other.example.net',
        'web.n.f.svc.eu1.eu.example.com CNAME other.example.net',
      ],
    }),
  [
    ['the zone below it is one', 'http', '', ['0 100 80 web.n.f.svc.us1.us']],
    [
      'where no name is left, there is no record',
      'http',
      '.eu',
      ['0 100 80 web.n.f.svc.us1.us', '=> web.n.f.svc'],
    ],
  ],
);

t.test('nothing healthy: a port that clusters disagree about is as its Service', (t) => {
  const cases = [
    ['nodata', ['NOERROR']],
    ['nxdomain', ['NXDOMAIN']],
    ['lastKnown', ['0 100 80 c1.web.n.f.svc', '0 100 8080 c2.web.n.f.svc']],
  ] as const;
  for (const [whenNoneHealthy, expected] of cases) {
    const [c1, c2] = [TWO['c1']!, TWO['c2']!];
    const down: Clusters = { c1: [c1[0], c1[1], c1[2], DOWN], c2: [c2[0], c2[1], c2[2], DOWN] };
    t.strictSame(srv(make(down, { whenNoneHealthy }), 'http'), expected, whenNoneHealthy);
  }
  const f = make(
    { c1: ['us', ['us1'], [['admin', 1]], DOWN], c2: ['eu', ['eu1'], []] },
    { whenNoneHealthy: 'nxdomain' },
  );
  t.strictSame(srv(f, 'admin'), ['NOERROR'], 'a port of none that is healthy is NODATA: its Service exists');
  t.end();
});

t.test('the additional section has the addresses of every target', (t) => {
  const f = make({
    c1: ['us', ['us1'], [['http', 1]]],
    c2: ['us', ['us1'], [['http', 2]]],
    c3: ['eu', [], [['http', 3]]],
  });
  const { additional } = f.ask('_http._tcp.web.n.f.svc.example.com', 'SRV');
  t.strictSame(lines(additional), [
    'c1.web.n.f.svc.example.com A 192.0.2.1',
    'c2.web.n.f.svc.example.com A 192.0.2.2',
    'web.n.f.svc.eu.example.com A 192.0.2.3',
  ]);
  for (const { name, data } of additional)
    t.strictSame(
      f.ask(name, 'A').answer.map((rr) => rr.data),
      [data],
      `${name} says the same when asked`,
    );
  t.end();
});

t.test('no target lies at or below a zone cut, where others say what the name is', (t) => {
  for (const [cut, expected] of [
    ['us', ['0 100 80 c1.web.n.f.svc', '0 100 8080 web.n.f.svc.eu']],
    ['svc.us', ['0 100 80 web.n.f.svc.us1.us', '0 100 8080 web.n.f.svc.eu']],
    ['web.n.f.svc.us', ['0 100 80 web.n.f.svc.us1.us', '0 100 8080 web.n.f.svc.eu']],
    ['us1.us', ['0 100 80 web.n.f.svc.us', '0 100 8080 web.n.f.svc.eu']],
    ['c1.web.n.f.svc', ['0 100 80 web.n.f.svc.us', '0 100 8080 web.n.f.svc.eu']],
  ] as const) {
    const f = make(TWO, { records: [`${cut}.example.com NS ns.example.net`] });
    t.strictSame(srv(f, 'http'), expected, cut);
    for (const { name, data } of f.ask('_http._tcp.web.n.f.svc.example.com', 'SRV').additional)
      t.equal(f.ask(name, 'A').answer[0]?.data, data, `${name} says the same when asked`);
  }
  t.end();
});

t.test('a cluster with many ports takes no place of another', (t) => {
  const many: Port[] = Array.from({ length: 120 }, (_, i) => [`p${i}`, 1000 + i]);
  const f = make({
    c1: ['us', ['us1'], many],
    c2: ['eu', ['eu1'], [['http', 80]]],
    c3: ['eu', ['eu1'], many, DOWN],
  });
  t.strictSame(srv(f, 'http'), ['0 100 80 web.n.f.svc.eu']);
  t.strictSame(srv(f, 'p119'), ['NXDOMAIN'], "the limit is the Service's");
  t.end();
});

t.test('what clusters disagree about is told once, and again when it is something else', (t) => {
  const f = make(TWO);
  t.match(f.notices.at(-1), {
    service: 'web.n.f',
    text: /http\/tcp differs: c1 80, c2 8080.*admin\/tcp differs: c1 9000, c2 none/,
  });
  const told = f.notices.length;
  f.shard('c1', 'web.n.f', {
    addresses: ['192.0.2.9'],
    ports: [
      { name: 'http', protocol: 'tcp', port: 80 },
      { name: 'admin', protocol: 'tcp', port: 9000 },
    ],
  });
  t.equal(f.notices.length, told, 'another address is no news');
  f.shard('c1', 'web.n.f', {
    addresses: ['192.0.2.9'],
    ports: [{ name: 'http', protocol: 'tcp', port: 8080 }],
  });
  f.shard('c1', 'web.n.f', {
    addresses: ['192.0.2.9'],
    ports: [{ name: 'http', protocol: 'tcp', port: 81 }],
  });
  t.equal(f.notices.length, told + 1);
  t.end();
});

/** RFC 1034 section 3.6.2: static records beside a Service, the CNAME that takes its name, and names of one cluster. */
import t from 'tap';
import { makeFederation, type Federation } from '../../support/federation.ts';
import { lines } from '../../support/message.ts';

const HTTP = { name: 'http', protocol: 'tcp', port: 80 } as const;

/** `web.n.f`: healthy in c1 (us1.us), down in c2 (eu1.eu). */
function make(...records: string[]): Federation {
  const f = makeFederation({ records });
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ports: [HTTP] });
  f.shard('c2', 'web.n.f', { addresses: ['192.0.2.2'], ports: [HTTP], ready: false });
  return f;
}

/** The answer section, names without the domain. */
function ask(f: Federation, name: string, type: string): string[] {
  const reply = f.ask(`${name}.example.com`, type);
  const answer = lines(reply.answer).map((line) => line.replaceAll(/\.example\.com\.?/g, ''));
  return answer.length > 0 ? answer : [reply.rcode];
}

for (const [type, data] of [
  ['CAA', '0 issue "ca.example.net"'],
  ['TXT', '"x"'],
  ['HTTPS', '1 . alpn=h2'],
  ['MX', '10 mail.example.net.'],
] as const) {
  t.test(`${type} beside a Service`, (t) => {
    for (const name of [
      'web.n.f.svc',
      'web.n.f.svc.us',
      'web.n.f.svc.us1.us',
      'web.n.f.svc.eu',
      'web.n.f.svc.eu1',
    ]) {
      const f = make(`${name}.example.com ${type} ${data}`);
      t.strictSame(
        ask(f, name, 'A'),
        [`${name} A 192.0.2.1`],
        `${name}: an address, and no alias beside other records`,
      );
      t.equal(f.ask(`${name}.example.com`, type).answer.length, 1, 'the record itself');
      t.strictSame(ask(f, name, 'AAAA'), ['NOERROR'], 'NODATA for what neither has');
      t.strictSame(
        ask(f, 'web.n.f.svc.us1.us', 'A'),
        ['web.n.f.svc.us1.us A 192.0.2.1'],
        'another level is as ever',
      );
      t.equal(
        f.ask('web.n.f.svc.eu1.eu.example.com', 'A').answer.at(-1)?.data ?? '',
        '192.0.2.1',
        'chains lead there',
      );
      const { answer, additional } = f.ask(`_http._tcp.${name}.example.com`, 'SRV');
      t.equal(answer.at(-1)!.data, `0 100 80 ${name}.example.com.`, 'SRV leads to it');
      t.strictSame(
        additional.map((rr) => rr.data),
        ['192.0.2.1'],
        'and brings its address',
      );
    }
    t.end();
  });
}

t.test('records of a type that the Service has become one RRset with its own', (t) => {
  const f = make(
    'web.n.f.svc.example.com A 198.51.100.1',
    'web.n.f.svc.eu.example.com A 198.51.100.2',
    'web.n.f.svc.us.example.com AAAA 2001:db8::5',
  );
  t.strictSame(ask(f, 'web.n.f.svc', 'A'), ['web.n.f.svc A 192.0.2.1', 'web.n.f.svc A 198.51.100.1']);
  t.strictSame(ask(f, 'web.n.f.svc.eu', 'A'), [
    'web.n.f.svc.eu A 192.0.2.1',
    'web.n.f.svc.eu A 198.51.100.1',
    'web.n.f.svc.eu A 198.51.100.2',
  ]);
  t.strictSame(ask(f, 'web.n.f.svc.us', 'AAAA'), ['web.n.f.svc.us AAAA 2001:db8::5']);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ready: false });
  t.strictSame(ask(f, 'web.n.f.svc', 'A'), ['web.n.f.svc A 198.51.100.1'], 'alone where nothing is healthy');
  t.strictSame(ask(f, 'web.n.f.svc.us1', 'A'), [
    'web.n.f.svc.us1 CNAME web.n.f.svc.us',
    // The region has records of its own, so that it is no alias: an AAAA, which is all it has now.
  ]);
  t.end();
});

t.test('records at a port', (t) => {
  const f = make(
    '_http._tcp.web.n.f.svc.example.com SRV 5 5 99 x.example.net.',
    '_http._tcp.web.n.f.svc.eu.example.com TXT "x"',
  );
  t.strictSame(ask(f, '_http._tcp.web.n.f.svc', 'SRV'), [
    '_http._tcp.web.n.f.svc SRV 0 100 80 web.n.f.svc',
    '_http._tcp.web.n.f.svc SRV 5 5 99 x.example.net.',
  ]);
  t.strictSame(ask(f, '_http._tcp.web.n.f.svc.eu', 'TXT'), ['_http._tcp.web.n.f.svc.eu TXT "x"']);
  t.equal(
    f.ask('_http._tcp.web.n.f.svc.eu.example.com', 'SRV').answer.every(({ type }) => type === 'SRV'),
    true,
  );
  t.end();
});

t.test('a CNAME has the name for itself, and is told', (t) => {
  const f = make('web.n.f.svc.example.com CNAME other.example.net.');
  t.strictSame(ask(f, 'web.n.f.svc', 'A'), ['web.n.f.svc CNAME other.example.net.']);
  t.strictSame(ask(f, 'web.n.f.svc.eu', 'A'), [
    'web.n.f.svc.eu CNAME web.n.f.svc',
    'web.n.f.svc CNAME other.example.net.',
  ]);
  const { answer, additional } = f.ask('_http._tcp.web.n.f.svc.example.com', 'SRV');
  t.strictSame(
    answer.map((rr) => rr.data),
    ['0 100 80 web.n.f.svc.us.example.com.'],
    'SRV leads to a name that is none',
  );
  t.strictSame(
    additional.map((rr) => rr.name),
    ['web.n.f.svc.us.example.com'],
  );
  t.match(f.notices, [{ service: 'web.n.f', text: /CNAME .* hides web\.n\.f\.svc\.example\.com/ }]);
  t.strictSame(make('web.n.f.svc.example.com TXT "x"').notices, [], 'other types hide nothing');
  t.end();
});

t.test('a location that joins later finds the records at its names', (t) => {
  const f = make('web.n.f.svc.asia.example.com TXT "x"');
  t.strictSame(ask(f, 'web.n.f.svc.asia', 'A'), ['NOERROR']);
  f.cluster('c3', 'asia', ['asia1']);
  t.strictSame(ask(f, 'web.n.f.svc.asia', 'A'), ['web.n.f.svc.asia A 192.0.2.1']);
  t.end();
});

t.test('names of one cluster', (t) => {
  const f = make('c2.web.n.f.svc.example.com TXT "x"');
  f.cluster('two.labels', 'us', ['us1']);
  f.shard('two.labels', 'web.n.f', { addresses: ['192.0.2.3', '2001:db8::3'] });
  f.cluster('C4', 'eu', ['eu1']);
  f.shard('C4', 'web.n.f', { addresses: ['2001:db8::4'] });
  const cases: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['its addresses', 'c1.web.n.f.svc', 'A', ['c1.web.n.f.svc A 192.0.2.1']],
    ['no failover: NODATA for the other family', 'c1.web.n.f.svc', 'AAAA', ['NOERROR']],
    ['no failover: NODATA where its shard is down', 'c2.web.n.f.svc', 'A', ['NOERROR']],
    ['a record beside it', 'c2.web.n.f.svc', 'TXT', ['c2.web.n.f.svc TXT "x"']],
    ['IPv6 only', 'c4.web.n.f.svc', 'AAAA', ['c4.web.n.f.svc AAAA 2001:db8::4']],
    ['IPv6 only has no A', 'c4.web.n.f.svc', 'A', ['NOERROR']],
    ['a cluster that does not exist', 'c9.web.n.f.svc', 'A', ['NXDOMAIN']],
    ['a cluster whose name is no label', 'labels.web.n.f.svc', 'A', ['NXDOMAIN']],
    ['not at a location', 'c1.web.n.f.svc.us', 'A', ['NXDOMAIN']],
    ['not below another', 'c1.c1.web.n.f.svc', 'A', ['NXDOMAIN']],
    ['a Service that does not exist', 'c1.nope.n.f.svc', 'A', ['NXDOMAIN']],
  ];
  for (const [title, name, type, expected] of cases) t.strictSame(ask(f, name, type), expected, title);
  f.shard('c2', 'api.n.f', { addresses: ['192.0.2.8'] });
  t.strictSame(ask(f, 'c1.api.n.f.svc', 'A'), ['NXDOMAIN'], 'a cluster without a shard of the Service');
  f.builder.removeCluster('c1');
  t.strictSame(ask(f, 'c1.web.n.f.svc', 'A'), ['NXDOMAIN'], 'a cluster that left');
  t.end();
});

t.test(
  'an alias names its target as the zone does, whatever the case of the query (RFC 1034 section 3.1)',
  (t) => {
    const { answer } = make().ask('wEb.n.F.SVC.eu1.EU.example.com', 'A');
    t.strictSame(
      answer.map(({ type, data }) => (type === 'CNAME' ? data : '')).filter((data) => data !== ''),
      ['web.n.f.svc.eu.example.com.', 'web.n.f.svc.example.com.'],
    );
    t.end();
  },
);

t.test('the name of a cluster that was never read is not denied, others are', (t) => {
  const f = make();
  f.cluster('c7', 'us', ['us1'], 'pending');
  t.strictSame(ask(f, 'c7.web.n.f.svc', 'A'), ['SERVFAIL']);
  t.strictSame(ask(f, 'c9.web.n.f.svc', 'A'), ['NXDOMAIN']);
  f.shard('c2', 'api.n.f', { addresses: ['192.0.2.8'] });
  t.strictSame(ask(f, 'c1.api.n.f.svc', 'A'), ['NXDOMAIN'], 'a cluster that was read, without a shard');
  f.cluster('c7', 'us', ['us1']);
  t.strictSame(ask(f, 'c7.web.n.f.svc', 'A'), ['NXDOMAIN'], 'once it is read');
  t.end();
});

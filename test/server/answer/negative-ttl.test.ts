/** How long a resolver may keep that there is nothing: the SOA's TTL in the reply (RFC 2308 section 5). */
import t from 'tap';
import { makeFederation } from '../../support/federation.ts';

const SOON = 15;
const LASTING = 180;
const HTTP = { name: 'http', protocol: 'tcp', port: 80 } as const;

const f = makeFederation({
  records: [
    'www.example.com A 192.0.2.80',
    'a.b.example.com TXT x',
    'at.example.com ALIAS up.n.f.svc.example.com',
  ],
});
f.cluster('c1', 'us', ['us1']);
f.cluster('c2', 'eu', ['eu1']);
f.shard('c1', 'up.n.f', { addresses: ['192.0.2.1'], ports: [HTTP] });
f.shard('c1', 'brief.n.f', { addresses: ['192.0.2.2'], ttlSeconds: 30 });
f.shard('c1', 'long.n.f', { addresses: ['192.0.2.3'], ttlSeconds: 900 });
f.shard('c1', 'down.n.f', { addresses: ['192.0.2.4'], ready: false, ports: [HTTP] });
f.shard('c2', 'down.n.f', { addresses: ['192.0.2.5'], ready: false });

const CASES: readonly (readonly [title: string, name: string, type: string, ttlSeconds: number])[] = [
  ['an empty non-terminal of Services is kept as long as addresses are', 'n.f.svc', 'NS', LASTING],
  ['so is the one above all Services of a place', 'svc.us1.us', 'A', LASTING],
  ['and a place itself', 'us', 'A', LASTING],
  ['and an empty non-terminal of the configuration', 'b', 'A', LASTING],
  ['a namespace that is not known may come at any moment', 'other.f.svc', 'NS', SOON],
  ['so may a Service', 'none.n.f.svc', 'A', SOON],
  ['and a place', 'asia', 'A', SOON],
  ['a family that a level does not have is kept as long as its addresses', 'up.n.f.svc.us', 'AAAA', LASTING],
  ['so is a type that no level ever has', 'up.n.f.svc', 'HTTPS', LASTING],
  ['but not beyond the TTL of the addresses', 'brief.n.f.svc', 'AAAA', 30],
  ['nor beyond the MINIMUM', 'long.n.f.svc', 'AAAA', LASTING],
  ['at the end of an alias, it is the level that answers', 'brief.n.f.svc.eu1.eu', 'AAAA', 30],
  ['a Service that is down may be up the next moment', 'down.n.f.svc', 'A', SOON],
  ['whatever the type', 'down.n.f.svc.us', 'TXT', SOON],
  ['also in one cluster', 'c1.down.n.f.svc', 'A', SOON],
  ['but one that is up there has no other family', 'c1.up.n.f.svc', 'AAAA', LASTING],
  ['a port has no addresses', '_http._tcp.up.n.f.svc', 'A', LASTING],
  ['the name above ports has nothing', '_tcp.up.n.f.svc.us', 'SRV', LASTING],
  ['a port that is not known may come', '_ftp._tcp.up.n.f.svc', 'SRV', SOON],
  ['a record of the configuration has no other type', 'www', 'MX', LASTING],
  ['the apex has not', '', 'MX', LASTING],
  ['an ALIAS has no other family than its Service', 'at', 'AAAA', LASTING],
];

for (const [title, name, type, ttlSeconds] of CASES) {
  t.test(title, (t) => {
    const reply = f.ask(name === '' ? 'example.com' : `${name}.example.com`, type);
    const [soa] = reply.authority;
    t.strictSame([soa?.type, soa?.ttl], ['SOA', ttlSeconds]);
    t.match(soa?.data, / 180$/, 'RFC 2308 section 5: the MINIMUM is no less, so that the TTL decides');
    t.end();
  });
}

t.test('records beside a Service that is down do not make its denials last', (t) => {
  const beside = makeFederation({ records: ['s.n.f.svc.example.com TXT x'] });
  beside.cluster('c1', 'us', ['us1']);
  beside.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], ready: false });
  const ttlOf = (type: string): number | undefined =>
    beside.ask('s.n.f.svc.example.com', type).authority[0]?.ttl;
  t.equal(ttlOf('A'), SOON);
  beside.shard('c1', 's.n.f', { addresses: ['192.0.2.1'] });
  t.equal(ttlOf('AAAA'), LASTING, 'but those of one that is up do');
  t.end();
});

t.test(
  'what comes and goes below an empty non-terminal is answered at once, whatever is kept of that',
  (t) => {
    const world = makeFederation();
    world.cluster('c1', 'us', ['us1']);
    world.shard('c1', 'one.n.f', { addresses: ['192.0.2.1'] });
    t.equal(world.ask('n.f.svc.example.com', 'A').rcode, 'NOERROR');
    world.shard('c1', 'two.n.f', { addresses: ['192.0.2.2'] });
    t.equal(
      world.ask('two.n.f.svc.example.com', 'A').answer.length,
      1,
      'a new Service, under a name that is kept as empty',
    );
    for (const service of ['one', 'two'])
      world.builder.removeShard(
        { cluster: 'c1', federation: 'f', namespace: 'n', service },
        { object: 'x', timeMs: 1 },
      );
    const gone = world.ask('n.f.svc.example.com', 'A');
    t.strictSame(
      [gone.rcode, gone.authority[0]!.ttl],
      ['NXDOMAIN', SOON],
      'what has gone with its last Service may come back',
    );
    t.end();
  },
);

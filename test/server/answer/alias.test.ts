/** ALIAS: names that cannot be a CNAME, such as the apex, with the addresses of a Service. */
import t from 'tap';
import type { FederationOptions } from '../../support/federation.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';

const TO_GLOBAL = 'example.com ALIAS web.n.f.svc.example.com';

/** `web.n.f`: healthy in c1 (us1.us), with both families; down in c2 (eu1.eu). */
function make(records: readonly string[], options: FederationOptions = {}): Federation {
  const f = makeFederation({ ...options, records });
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1', '2001:db8::1'] });
  f.shard('c2', 'web.n.f', { addresses: ['192.0.2.2'], ready: false });
  return f;
}

/** The answer section as `name type data`; the code, and the type of what stands in the authority section, where it is empty. */
function ask(f: Federation, name: string, type: string): string[] {
  const { answer, rcode, authority } = f.ask(name, type);
  if (answer.length === 0) return [[rcode, ...authority.map((rr) => rr.type)].join(' ')];
  return answer.map((rr) => `${rr.name} ${rr.type} ${rr.data}`).toSorted();
}

const NODATA = ['NOERROR SOA'];
const NOT_READY = ['SERVFAIL'];

t.test('the apex has the addresses of the level that its ALIAS leads to', async (t) => {
  for (const location of ['', 'us.', 'us1.us.', 'us1.', 'eu.', 'eu1.eu.', 'US.']) {
    const f = make([`example.com ALIAS Web.n.f.svc.${location}example.com`]);
    t.strictSame(ask(f, 'example.com', 'A'), ['example.com A 192.0.2.1'], `${location || 'global'}: A`);
    t.strictSame(ask(f, 'example.com', 'AAAA'), ['example.com AAAA 2001:db8::1'], 'AAAA');
    t.strictSame(ask(f, 'example.com', 'MX'), NODATA, 'no other type');
    t.equal(f.ask('example.com', 'A').answer[0]!.name, 'example.com', 'the name is no alias for anybody');
    t.equal(f.ask('example.com', 'NS').answer.length, 1, 'what else is there stays');
    t.equal(f.ask('example.com', 'SOA').answer.length, 1, 'as does the SOA');
  }
});

t.test('both families are decided together', async (t) => {
  const f = make(['example.com ALIAS web.n.f.svc.eu.example.com']);
  f.shard('c2', 'web.n.f', { addresses: ['192.0.2.2'] });
  t.strictSame(ask(f, 'example.com', 'A'), ['example.com A 192.0.2.2'], 'the region has an address');
  t.strictSame(ask(f, 'example.com', 'AAAA'), NODATA, 'and the other family is not fetched from above');
  f.shard('c2', 'web.n.f', { addresses: ['192.0.2.2'], ready: false });
  t.strictSame(ask(f, 'example.com', 'AAAA'), ['example.com AAAA 2001:db8::1'], 'until the region is down');
});

t.test('ANY is answered with one of the RRsets (RFC 8482)', async (t) => {
  const f = make(
    ['a.example.com ALIAS web.n.f.svc.example.com', 'b.example.com ALIAS web.n.f.svc.example.com'].concat(
      'b.example.com TXT "x"',
    ),
  );
  t.strictSame(ask(f, 'a.example.com', 'ANY'), ['a.example.com A 192.0.2.1']);
  t.strictSame(ask(f, 'b.example.com', 'ANY'), ['b.example.com TXT "x"'], 'the ALIAS itself is never shown');
  t.equal(f.ask('a.example.com', 'TYPE0').rcode, 'FORMERR', 'nor can it be asked for');
});

function ttlOf(f: Federation): number[] {
  return f.ask('example.com', 'A').answer.map(({ ttl }) => ttl);
}

t.test('the TTL is the shorter of the record and the level', async (t) => {
  const f = make([TO_GLOBAL]);
  t.strictSame(ttlOf(f), [180], 'records of the tests have 300');
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 20 });
  t.strictSame(ttlOf(f), [20]);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1', '192.0.2.3'], ttlSeconds: 900 });
  t.strictSame(ttlOf(f), [300, 300], 'of every record');
  t.equal(f.ask('example.com', 'MX').authority[0]!.ttl, 180, 'and negative answers have theirs');
});

t.test('names that lead to an ALIAS, and wildcards', async (t) => {
  const f = make([
    TO_GLOBAL,
    'www.example.com CNAME example.com',
    '*.wild.example.com ALIAS web.n.f.svc.us.example.com',
  ]);
  t.strictSame(ask(f, 'www.example.com', 'A'), [
    'example.com A 192.0.2.1',
    'www.example.com CNAME example.com.',
  ]);
  t.equal(f.ask('www.example.com', 'A').answer[0]!.ttl, 300, 'the alias before it keeps its TTL');
  t.strictSame(ask(f, 'x.wild.example.com', 'AAAA'), ['x.wild.example.com AAAA 2001:db8::1']);
  t.strictSame(ask(f, 'x.wild.example.com', 'TXT'), NODATA);
});

for (const [whenNoneHealthy, expected] of [
  ['nodata', NODATA],
  // The name is the configuration's and exists, whatever becomes of the Service.
  ['nxdomain', NODATA],
  ['lastKnown', ['example.com A 192.0.2.1', 'example.com A 192.0.2.2']],
] as const) {
  t.test(`whenNoneHealthy: ${whenNoneHealthy}`, async (t) => {
    for (const location of ['', 'us.', 'eu1.eu.']) {
      const f = make([`example.com ALIAS web.n.f.svc.${location}example.com`], { whenNoneHealthy });
      f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ready: false });
      t.strictSame(ask(f, 'example.com', 'A'), expected, location || 'global');
    }
  });
}

t.test('a Service that nobody has is NODATA, and nothing is said while somebody may have it', async (t) => {
  const f = make([
    'example.com ALIAS nope.n.f.svc.example.com',
    'b.example.com ALIAS web.n.f.svc.mars.example.com',
  ]);
  t.strictSame(ask(f, 'example.com', 'A'), NODATA);
  t.strictSame(ask(f, 'b.example.com', 'A'), NODATA, 'a location that nobody has');
  f.cluster('c3', undefined, [], 'pending');
  t.strictSame(ask(f, 'example.com', 'A'), NOT_READY);
  t.strictSame(ask(f, 'b.example.com', 'AAAA'), NOT_READY);
  t.strictSame(ask(f, 'example.com', 'MX'), NODATA, 'about other types it is known');
});

t.test('a Service without healthy shard is not denied while a cluster is pending', async (t) => {
  const f = make([TO_GLOBAL]);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ready: false });
  f.cluster('c3', 'us', ['us1'], 'pending');
  t.strictSame(ask(f, 'example.com', 'A'), NOT_READY);
  f.cluster('c3', 'us', ['us1']);
  t.strictSame(ask(f, 'example.com', 'A'), NODATA);
});

t.test('records of the configuration at the name of the Service', async (t) => {
  const beside = make([TO_GLOBAL, 'web.n.f.svc.example.com A 198.51.100.1']);
  t.strictSame(ask(beside, 'example.com', 'A'), ['example.com A 192.0.2.1', 'example.com A 198.51.100.1']);
  beside.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ready: false });
  t.strictSame(
    ask(beside, 'example.com', 'A'),
    ['example.com A 198.51.100.1'],
    'alone where nothing is healthy',
  );
  const alone = make(['example.com ALIAS own.n.f.svc.example.com', 'own.n.f.svc.example.com A 198.51.100.1']);
  t.strictSame(
    ask(alone, 'example.com', 'A'),
    ['example.com A 198.51.100.1'],
    'and where there is no Service',
  );
});

t.test('the limit of addresses holds', async (t) => {
  const f = make([TO_GLOBAL], { maxAddresses: 2 });
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1', '192.0.2.3', '192.0.2.4'] });
  t.equal(f.ask('example.com', 'A').answer.length, 2);
});

import t from 'tap';
import type { ClusterState } from '../../src/zonebuilder/facts.ts';
import { placesOfService } from '../../src/zonebuilder/service-places.ts';
import { makeFederation, type Federation, type FederationOptions } from '../support/federation.ts';

const SERVICE = 'web.shop.myfed';

/** Two regions, one of two zones; `up` are the clusters whose shard is ready. */
function world(
  up: readonly string[],
  options: FederationOptions = {},
  status: Readonly<Record<string, ClusterState['status']>> = {},
): Federation {
  const federation = makeFederation(options);
  const clusters = [
    ['a', 'us', ['us-a'], ['192.0.2.1', '2001:db8::1']],
    ['b', 'us', ['us-b'], ['192.0.2.2']],
    ['c', 'eu', ['eu-a'], ['192.0.2.3']],
  ] as const;
  for (const [name, region, zones, addresses] of clusters) {
    federation.cluster(name, region, zones, status[name]);
    federation.shard(name, SERVICE, { addresses, ready: up.includes(name) });
  }
  return federation;
}

/** What a client is really answered with at a place. */
function asked({ ask }: Federation, name: string): { rcode: string; chain: string[]; addresses: string[] } {
  const [v4, v6] = [ask(name, 'A'), ask(name, 'AAAA')];
  const aliases = v4.answer.filter(({ type }) => type === 'CNAME').map(({ data }) => data);
  const addresses = [...v4.answer, ...v6.answer].filter(({ type }) => type === 'A' || type === 'AAAA');
  return { rcode: v4.rcode, chain: aliases, addresses: addresses.map(({ data }) => data).toSorted() };
}

const CASES = {
  'everything is up': world(['a', 'b', 'c']),
  'a zone is down': world(['b', 'c']),
  'a region is down': world(['c']),
  'flat, and a zone is down': world(['b', 'c'], { flatten: true }),
  'flat, and a region is down': world(['c'], { flatten: true }),
  'flat, and nothing is up': world([], { flatten: true }),
  'nothing is up': world([]),
  'nothing is up, and the last known addresses are answered with': world([], {
    whenNoneHealthy: 'lastKnown',
  }),
  'nothing is up, and a cluster was never read': world([], {}, { c: 'pending' }),
  'a cluster is withdrawn': world(['a', 'b', 'c'], {}, { a: 'withdrawn' }),
  'a static address stands at the name of a zone': world(['c'], {
    records: [`${SERVICE}.svc.us-a.us.example.com A 198.51.100.1`],
  }),
};

for (const [title, federation] of Object.entries(CASES)) {
  t.test(`${title}: each place is told as it is answered`, async (t) => {
    const view = federation.builder.view(SERVICE)!;
    const places = placesOfService(federation.builder, view);
    t.strictSame(
      places.map(({ place }) => place).toSorted(),
      ['', 'eu', 'eu-a.eu', 'us', 'us-a.us', 'us-b.us'],
      'each place once',
    );
    for (const { place, name, answer, chain, addresses, ttlSeconds } of places) {
      const real = asked(federation, name);
      t.strictSame(addresses.toSorted(), real.addresses, `addresses of ${place || 'the globe'}`);
      const names = chain.map((step) => [`${SERVICE}.svc`, step, 'example.com.'].filter(Boolean).join('.'));
      const isFlat = view.isFlat && answer === 'above';
      t.strictSame(
        answer === 'awaited' || isFlat ? [] : names,
        real.chain,
        `aliases of ${place || 'the globe'}`,
      );
      if (isFlat)
        t.equal(ttlSeconds, federation.ask(name, 'A').answer[0]!.ttl, 'the TTL is that of the level above');
      t.equal(answer === 'awaited', real.rcode === 'SERVFAIL', 'SERVFAIL');
      t.equal(answer === 'itself' || isFlat, real.addresses.length > 0 && real.chain.length === 0);
    }
  });
}

t.test('a name that is a CNAME of the configuration, or another server’s, is told as such', async (t) => {
  const federation = world(['a', 'b'], {
    records: [
      `${SERVICE}.svc.eu.example.com CNAME elsewhere.example.org.`,
      'us-b.us.example.com NS ns.example.net.',
    ],
  });
  const places = placesOfService(federation.builder, federation.builder.view(SERVICE)!);
  const answers = Object.fromEntries(places.map(({ place, answer, chain }) => [place, [answer, chain]]));
  t.strictSame(answers['eu'], ['static', []]);
  t.strictSame(answers['eu-a.eu'], ['static', ['eu']], 'an alias leads there');
  t.strictSame(answers['us-b.us'], ['static', []]);
  t.strictSame(answers['us-a.us'], ['itself', []]);
});

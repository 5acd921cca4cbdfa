/** What the global name answers each client with, where its Service's policy is nearest; and what scope that answer has. */
import t from 'tap';
import { ROW_VALUES } from '../../../src/geo/network-tree.ts';
import { Counter } from '../../../src/server/counters.ts';
import { Transport } from '../../../src/server/responder.ts';
import type { ShardState } from '../../../src/zonebuilder/facts.ts';
import type { OrderStep } from '../../../src/zonebuilder/orders.ts';
import { parseAddress } from '../../../src/zonebuilder/ip-text.ts';
import { explain, type Explanation } from '../../../src/zonebuilder/explain.ts';
import { waysTo, type Way } from '../../conformance/fixture.ts';
import { makeFederation, type Federation, type FederationOptions } from '../../support/federation.ts';
import { geoPolicy, makeTables, subnetOption } from '../../support/geo.ts';
import { makeQuery, readMessage, type Message } from '../../support/message.ts';

const NAME = 'web.n.f.svc.example.com';
const PORT = `_http._tcp.${NAME}`;
const HTTP = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
/** A resolver that is believed, and one that is not: in asia and in eu, by addresses that a test may send from. */
const RESOLVER = '127.53.0.53';
const STRANGER = '127.54.0.53';

const region = (name: string): OrderStep => ({ kind: 'region', region: name });
const [US, EU, ASIA] = [0, 1, 2];
const POD = ROW_VALUES;
const ROWS: OrderStep[][] = [
  [region('us'), region('eu'), region('asia')],
  [region('eu'), region('us'), region('asia')],
  [region('asia'), region('us'), region('eu')],
];
ROWS[POD] = [{ kind: 'cluster', cluster: 'us1' }, { kind: 'zone', zone: 'a', region: 'us' }, ...ROWS[US]!];
ROWS[POD + 1] = ROWS[ASIA]!;
ROWS[POD + 2] = ROWS[EU]!;
const TABLES = makeTables(
  [
    ['8.0.0.0/8', US],
    ['9.0.0.0/8', EU],
    ['9.9.9.0/24', ASIA],
    ['11.0.0.0/8', ASIA],
    ['2a00::/16', EU],
    ['2600::/16', US],
  ],
  [
    ['10.1.0.0/16', POD],
    [`${RESOLVER}/32`, POD + 1],
    [`${STRANGER}/32`, POD + 2],
    // What is mapped, or comes over IPv6, is asked of the responder alone.
    ['127.53.0.9/32', POD + 1],
  ],
);

/** Two clusters in zone a of us, one in zone b; eu; asia has IPv4 only. Addresses tell where they are. */
const CLUSTERS = [
  ['us1', 'us', 'a', ['192.0.2.11', '2001:db8::11']],
  ['us2', 'us', 'a', ['192.0.2.12', '2001:db8::12']],
  ['us3', 'us', 'b', ['192.0.2.13']],
  ['eu1', 'eu', 'c', ['192.0.2.21', '2001:db8::21']],
  ['asia1', 'asia', 'd', ['192.0.2.31']],
] as const;

function makeWorld(options: FederationOptions = {}): Federation {
  const policy = geoPolicy(TABLES, ['127.53.0.0/16', '2001:db8:53::/48']);
  const f = makeFederation({ policies: { policy: 'nearest' }, policy, ...options });
  for (const [name, place, zone] of CLUSTERS) f.cluster(name, place, [zone]);
  for (const [name] of CLUSTERS) report(f, name, {});
  f.builder.setOrders({ version: 1, rows: ROWS });
  return f;
}

function report(f: Federation, cluster: string, facts: Partial<ShardState>): void {
  const [, , , addresses] = CLUSTERS.find(([name]) => name === cluster)!;
  f.shard(cluster, 'web.n.f', { addresses, ports: HTTP, ...facts });
}

function down(f: Federation, ...clusters: string[]): void {
  for (const cluster of clusters) report(f, cluster, { ready: false });
}

interface Asked {
  readonly from?: string;
  readonly subnet?: string | undefined;
  readonly type?: string;
  readonly name?: string;
  readonly transport?: Transport;
}

function queryOf({ subnet, type = 'A', name = NAME }: Asked): Buffer {
  const options = subnet === undefined ? {} : { options: [[8, subnetOption(subnet)]] as const };
  return makeQuery(name, type, options);
}

function ask(f: Federation, { from = RESOLVER, transport = Transport.udp, ...asked }: Asked): Message {
  return readMessage(f.askRaw(queryOf(asked), transport, parseAddress(from)!)!);
}

/** The last octets of the addresses, sorted: `11 12`. */
function hosts({ answer }: Message): string {
  const addresses = answer.filter(({ type }) => type === 'A' || type === 'AAAA');
  return addresses
    .map(({ data }) => data.replace(/^.*[.:]/, ''))
    .toSorted()
    .join(' ');
}

/** The scope of the reply; undefined where it has no option. */
function scopeOf({ opt }: Message): number | undefined {
  const option = opt?.options.find(([code]) => code === 8);
  return option?.[1][3];
}

t.test('each client gets what is nearest to it', (t) => {
  const f = makeWorld();
  for (const [from, expected, title] of [
    ['8.1.2.3', '11 12 13', 'a client in us gets the region'],
    ['9.1.2.3', '21', 'a client in eu gets its region'],
    ['9.9.9.9', '31', 'the longest network counts'],
    ['::ffff:9.1.2.3', '21', 'a v4-mapped client is its IPv4 address'],
    ['2a00::1', '21', 'a client over IPv6 gets IPv4 addresses of its region'],
    ['2002:901:203::1', '21', '6to4 is its IPv4 address'],
    ['64:ff9b::9.9.9.9', '31', 'NAT64 is its IPv4 address'],
    ['10.1.2.3', '11', 'a Pod gets its own cluster'],
    ['10.2.2.3', '11 12 13 21 31', 'a private address that nobody has listed is nowhere: all'],
    ['7.1.2.3', '11 12 13 21 31', 'a client that is in no network gets all'],
    ['127.0.0.1', '11 12 13 21 31', 'loopback is nowhere'],
  ] as const) {
    for (const transport of [Transport.udp, Transport.tcp])
      t.equal(hosts(ask(f, { from, transport })), expected, `${title} (${from})`);
  }
  t.equal(
    hosts(ask(f, { from: '9.1.2.3', name: 'web.n.f.svc.us.example.com' })),
    '11 12 13',
    'region names mean what they say',
  );
  t.equal(hosts(ask(f, { from: '9.1.2.3', name: 'web.n.f.svc.b.us.example.com' })), '13', 'zone names, too');
  t.equal(hosts(ask(f, { from: '9.1.2.3', name: `us2.${NAME}` })), '12', 'and names of one cluster');
  t.equal(f.counters[Counter.faults], 0);
  t.end();
});

t.test('what has no healthy shard is stepped over', (t) => {
  const f = makeWorld();
  const pod = { from: '10.1.2.3' };
  down(f, 'us1');
  t.equal(hosts(ask(f, pod)), '12', 'the zone after the own cluster');
  down(f, 'us2');
  t.equal(hosts(ask(f, pod)), '13', 'the region after the zone');
  down(f, 'us3');
  t.equal(hosts(ask(f, pod)), '21', 'the next region');
  t.equal(hosts(ask(f, { from: '11.1.2.3' })), '31', 'others go on as before');
  down(f, 'eu1');
  t.equal(hosts(ask(f, pod)), '31');
  down(f, 'asia1');
  t.equal(ask(f, pod).rcode, 'NOERROR');
  t.equal(hosts(ask(f, pod)), '', 'nothing is healthy anywhere');
  report(f, 'us1', {});
  t.equal(hosts(ask(f, { from: '9.1.2.3' })), '11', 'never empty while any shard is healthy');
  f.builder.removeCluster('us1');
  report(f, 'asia1', {});
  t.equal(hosts(ask(f, pod)), '31', 'a cluster that has left is no step any more');
  t.end();
});

t.test('a place is chosen over both families together', (t) => {
  const f = makeWorld();
  const asia = ask(f, { from: '11.1.2.3', type: 'AAAA' });
  t.strictSame(
    [asia.rcode, hosts(asia), asia.authority.map(({ type }) => type)],
    ['NOERROR', '', []],
    'IPv4 only: NODATA, without a SOA, so that nobody keeps it for other clients',
  );
  t.equal(hosts(ask(f, { from: '9.1.2.3', type: 'AAAA' })), '21');
  t.equal(hosts(ask(f, { from: '7.1.2.3', type: 'AAAA' })), '11 12 21', 'an unknown client gets all');
  t.equal(hosts(ask(f, { from: '11.1.2.3', type: 'ANY' })), '31');
  t.end();
});

t.test('chains that end at the global name end in the choice of the client', (t) => {
  const f = makeWorld({ records: [`www.example.com CNAME ${NAME}`] });
  f.cluster('late', 'africa', ['e']);
  for (const name of [
    'www.example.com',
    'web.n.f.svc.e.africa.example.com',
    'web.n.f.svc.africa.example.com',
  ]) {
    t.equal(hosts(ask(f, { from: '9.1.2.3', name })), '21', name);
    const reply = ask(f, { subnet: '9.1.2.0/24', name });
    t.strictSame([hosts(reply), scopeOf(reply)], ['21', 13], `${name} and its scope`);
  }
  t.end();
});

t.test('SRV targets are true for the chosen place', (t) => {
  const f = makeWorld();
  const alike = ask(f, { from: '9.1.2.3', name: PORT, type: 'SRV' });
  t.strictSame(
    alike.answer.map(({ data }) => data),
    [`0 100 80 ${NAME}.`],
    'the target is chosen in the same way',
  );
  t.strictSame(
    alike.additional,
    [],
    'RFC 7871 section 7.3.1: what depends on the client is in the answer only',
  );
  report(f, 'eu1', { ports: [{ name: 'http', protocol: 'tcp', port: 8080 }] });
  const eu = ask(f, { from: '9.1.2.3', name: PORT, type: 'SRV' });
  t.strictSame(
    eu.answer.map(({ data }) => data),
    ['0 100 8080 web.n.f.svc.eu.example.com.'],
    'another port there',
  );
  t.strictSame(eu.additional.map(({ data }) => data).toSorted(), ['192.0.2.21', '2001:db8::21']);
  const us = ask(f, { from: '8.1.2.3', name: PORT, type: 'SRV' });
  t.strictSame(
    us.answer.map(({ data }) => data),
    ['0 100 80 web.n.f.svc.us.example.com.'],
  );
  report(f, 'eu1', { ports: [] });
  const without = ask(f, { from: '9.1.2.3', name: PORT, type: 'SRV' });
  t.strictSame(
    without.answer.map(({ data }) => data),
    ['0 100 80 web.n.f.svc.us.example.com.'],
    'a place without the port is stepped over',
  );
  t.equal(ask(f, { from: '9.1.2.3', name: PORT, type: 'A' }).rcode, 'NOERROR');
  t.end();
});

t.test('TTL and number of addresses are those of the place', (t) => {
  const f = makeWorld({ maxAddresses: 2 });
  report(f, 'eu1', { ttlSeconds: 20 });
  t.strictSame(
    ask(f, { from: '9.1.2.3' }).answer.map(({ ttl }) => ttl),
    [20],
  );
  t.strictSame(
    ask(f, { from: '8.1.2.3' }).answer.map(({ ttl }) => ttl),
    [180, 180],
  );
  const seen = new Set(Array.from({ length: 60 }, () => hosts(ask(f, { from: '8.1.2.3' }))));
  t.strictSame([...seen].toSorted(), ['11 12', '11 13', '12 13'], 'two of the three of the region');
  t.strictSame(
    ask(f, { from: '10.1.2.3' }).answer.map(({ data }) => data),
    ['192.0.2.11'],
    'of one cluster, its own',
  );
  t.end();
});

t.test('RFC 7871: whose subnet is believed, and with what scope', async (t) => {
  const ways = new Map<string, readonly Way[]>();
  // Other systems have one loopback address.
  for (const from of process.platform === 'linux' ? [RESOLVER, STRANGER] : [])
    ways.set(from, await waysTo(t, makeWorld(), from));
  const f = makeWorld();
  const all = '11 12 13 21 31';
  for (const [from, subnet, expected, scope, title] of [
    [RESOLVER, '8.1.2.0/24', '11 12 13', 8, 'section 7.2.1: the largest network with the same answer'],
    [RESOLVER, '9.9.9.0/24', '31', 24, 'a network of its own'],
    [RESOLVER, '9.9.9.9/32', '31', 24, 'never finer than /24'],
    [RESOLVER, '9.1.0.0/16', '21', 13, 'a source longer than the scope'],
    [
      RESOLVER,
      '8.0.0.0/6',
      all,
      8,
      'a source that is wider than one place: all, and how much more is to be told',
    ],
    [RESOLVER, '7.1.2.0/24', all, 6, 'an unknown subnet gets all, and never scope 0'],
    [RESOLVER, '10.1.2.0/24', '11', 16, 'a network of Pods'],
    [
      RESOLVER,
      '10.77.1.0/24',
      '31',
      10,
      'section 11.3: a private one gets what the resolver would, for all of them',
    ],
    [RESOLVER, '127.0.0.1/32', '31', 11, 'loopback, which stands for an opt-out'],
    [RESOLVER, '0.0.0.0/32', '31', 8, 'an address that is none'],
    [RESOLVER, '0.0.0.0/0', '31', 0, 'section 7.1.2: source 0 is answered with scope 0, for the resolver'],
    [RESOLVER, '::/0', '31', 0, 'of the other family, too'],
    [RESOLVER, '2a00::/48', '21', 16, 'IPv6'],
    [RESOLVER, '2a00:1:2:3400::/64', '21', 16, 'IPv6, longer'],
    [RESOLVER, '2002:808::/32', '11 12 13', 24, '6to4: the scope is in the family of the option'],
    [RESOLVER, '::ffff:9.9.9.0/120', '31', 120, 'v4-mapped'],
    ['2001:db8:53::1', '9.1.2.0/24', '21', 13, 'a resolver that is asked over IPv6'],
    ['::ffff:127.53.0.9', '9.1.2.0/24', '21', 13, 'a trusted IPv4 resolver at a socket for both families'],
    [
      STRANGER,
      '8.1.2.0/24',
      '21',
      undefined,
      'section 7.2.1: a resolver that is not believed gets its own answer, without the option',
    ],
    [STRANGER, '0.0.0.0/0', '21', 0, 'source 0 asks nothing of anybody'],
    [RESOLVER, undefined, '31', undefined, 'no option asked, none told: the packet’s source counts'],
  ] as const) {
    for (const transport of [Transport.udp, Transport.tcp]) {
      const reply = ask(f, { from, subnet, transport });
      t.strictSame([hosts(reply), scopeOf(reply)], [expected, scope], `${title} (${subnet} from ${from})`);
    }
    for (const way of ways.get(from) ?? []) {
      const reply = readMessage((await way.ask(queryOf({ subnet })))!);
      t.strictSame([hosts(reply), scopeOf(reply)], [expected, scope], `${title}, by ${way.name}`);
    }
  }
});

t.test('scope 0 where no client would get anything else', (t) => {
  const f = makeWorld({ records: ['static.example.com A 192.0.2.99'] });
  const subnet = '8.1.2.0/24';
  for (const [asked, rcode, title] of [
    [{ name: 'static.example.com' }, 'NOERROR', 'a static record'],
    [{ name: 'example.com', type: 'SOA' }, 'NOERROR', 'the apex'],
    [{ name: 'nope.example.com' }, 'NXDOMAIN', 'a name that does not exist'],
    [{ name: NAME, type: 'TXT' }, 'NOERROR', 'a type that the Service has nowhere'],
    [{ name: 'web.n.f.svc.us.example.com' }, 'NOERROR', 'a region’s name'],
    [{ name: `_tcp.${NAME}`, type: 'SRV' }, 'NOERROR', 'an empty non-terminal'],
  ] as const) {
    for (const from of [RESOLVER, STRANGER]) {
      const reply = ask(f, { ...asked, subnet, from });
      t.strictSame([reply.rcode, scopeOf(reply)], [rcode, 0], `${title}, from ${from}`);
    }
  }
  t.equal(
    scopeOf(ask(f, { type: 'AAAA', subnet: '11.1.2.0/24' })),
    8,
    'NODATA that another place would not give has a scope',
  );
  for (const policy of ['all', 'weighted', 'failover'] as const) {
    const other = makeWorld({ policies: { policy, failover: ['eu'] } });
    t.equal(scopeOf(ask(other, { subnet })), 0, `policy ${policy}`);
    t.equal(scopeOf(ask(other, { subnet, from: STRANGER })), 0, `policy ${policy}, from a stranger`);
  }
  down(f, 'us1', 'us2', 'us3', 'asia1');
  t.equal(
    scopeOf(ask(f, { subnet })),
    8,
    'nearest counts as dependent while there is one place: another may come back at once',
  );
  down(f, 'eu1');
  t.equal(scopeOf(ask(f, { subnet })), 0, 'but nothing healthy is the same for all');
  t.end();
});

t.test(
  'between new orders and their tables clients are answered by those of before, and by no others',
  (t) => {
    const f = makeWorld();
    f.builder.setOrders({ version: 2, rows: ROWS.toReversed() });
    const between = ask(f, { subnet: '9.1.2.0/24' });
    t.strictSame([hosts(between), scopeOf(between)], ['21', 13], 'the tables before go by the orders before');
    down(f, 'eu1');
    t.equal(hosts(ask(f, { from: '9.1.2.3' })), '11 12 13', 'which know what is healthy now');
    report(f, 'eu1', {});
    f.builder.setOrders({ version: 3, rows: ROWS });
    const reply = ask(f, { subnet: '8.1.2.0/24' });
    t.strictSame([hosts(reply), scopeOf(reply)], ['11 12 13 21 31', 8], 'all, and still not for everybody');
    const none = makeWorld({ policy: { ...geoPolicy(TABLES), geo: { trust: ['0.0.0.0/0'] } } });
    const early = ask(none, { subnet: '8.1.2.3/32' });
    t.strictSame([hosts(early), scopeOf(early)], ['11 12 13 21 31', 24], 'before there are tables');
    t.end();
  },
);

t.test('records beside the global name are hidden from nobody', (t) => {
  const f = makeWorld({ records: [`${NAME} A 192.0.2.77`] });
  t.equal(hosts(ask(f, { from: '9.1.2.3' })), '11 12 13 21 31 77');
  t.match(f.notices.at(-1)?.text, /policy is all/);
  t.end();
});

t.test('an annotation says the policy of a Service', (t) => {
  const f = makeWorld({ policies: { policy: 'all' } });
  const client = { from: '9.1.2.3' };
  t.equal(hosts(ask(f, client)), '11 12 13 21 31');
  report(f, 'us3', { policy: 'nearest' });
  t.equal(hosts(ask(f, client)), '21', 'of one shard that says it');
  t.strictSame(f.notices, [], 'which is no conflict');
  report(f, 'asia1', { policy: 'all' });
  t.equal(hosts(ask(f, client)), '11 12 13 21 31', 'of as many for each, the first cluster by name');
  t.equal(f.notices.at(-1)!.text, 'fedns.io/policy differs: asia1 all; us3 nearest: all counts');
  report(f, 'us2', { policy: 'nearest' });
  t.equal(hosts(ask(f, client)), '21', 'else what most say');
  down(f, 'us2', 'us3');
  report(f, 'us2', { policy: 'nearest', ready: false });
  t.equal(hosts(ask(f, client)), '11 21 31', 'healthy ones only');
  t.end();
});

t.test('without a healthy shard, what was known last is the same for all', (t) => {
  const f = makeWorld({ whenNoneHealthy: 'lastKnown' });
  down(f, 'us1', 'us2', 'us3', 'eu1', 'asia1');
  const reply = ask(f, { from: RESOLVER, subnet: '9.1.2.0/24' });
  t.strictSame([hosts(reply), scopeOf(reply)], ['11 12 13 21 31', 0]);
  t.end();
});

/** What is explained to one client. */
function explained(f: Federation, row: number | undefined, type = 'A', name = NAME): Explanation {
  const soa = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: [''] };
  const subnet = { scope: 13, place: 'client' } as const;
  const client = row === undefined ? undefined : { client: 'x', steps: [], row, version: 1, subnet };
  return explain(f.builder, { name, type }, soa, client);
}

t.test('what is explained to a client is what it is answered with', (t) => {
  const f = makeWorld({ records: [`www.example.com CNAME ${NAME}`] });
  down(f, 'us1');
  for (const [row, from] of [
    [US, '8.1.2.3'],
    [EU, '9.1.2.3'],
    [ASIA, '11.1.2.3'],
    [POD, '10.1.2.3'],
    [255, '7.1.2.3'],
  ] as const) {
    for (const type of ['A', 'AAAA', 'ANY'] as const) {
      for (const name of [NAME, 'www.example.com']) {
        const { answer, rcode } = explained(f, row, type, name);
        const served = ask(f, { from, type, name });
        t.strictSame(
          [rcode, answer.flatMap(({ data }) => data).toSorted()],
          [served.rcode, served.answer.map(({ data }) => data).toSorted()],
          `${type} of ${name} for ${from}`,
        );
      }
    }
  }
  const steps = explained(f, POD).steps.filter(({ rule }) => ['skipped', 'chosen', 'scope'].includes(rule));
  t.strictSame(
    steps.map(({ rule, text }) => `${rule}: ${text}`),
    [
      'skipped: cluster us1 has no healthy shard',
      'chosen: zone a.us: 192.0.2.12 2001:db8::12',
      'scope: a client subnet of a trusted resolver is answered with scope 13',
    ],
  );
  const all = explained(f, undefined);
  t.equal(all.answer[0]!.data.length, 4, 'without a client, all that there is');
  t.equal(all.answer[0]!.policy, 'nearest', 'marked as what a reply has a part of');
  t.equal(explained(f, POD).answer[0]!.policy, undefined, 'which the answer to one client is not');
  t.match(all.steps.find(({ rule }) => rule === 'policy')?.text, /depends on where it is/);
  t.end();
});

t.test('the SRV records that are explained to a client are those that it gets', (t) => {
  const f = makeWorld();
  for (const [title, change] of [
    ['all alike', () => {}],
    ['another number in eu', () => report(f, 'eu1', { ports: [{ ...HTTP[0], port: 8080 }], ttlSeconds: 20 })],
    ['numbers that differ within a zone', () => report(f, 'us2', { ports: [{ ...HTTP[0], port: 8081 }] })],
    ['a region without the port', () => report(f, 'eu1', { ports: [] })],
  ] as const) {
    change();
    for (const [row, from] of [
      [US, '8.1.2.3'],
      [EU, '9.1.2.3'],
      [POD, '10.1.2.3'],
      [255, '7.1.2.3'],
    ] as const) {
      const { answer } = explained(f, row, 'SRV', PORT);
      const served = ask(f, { from, type: 'SRV', name: PORT }).answer;
      t.strictSame(
        answer.flatMap(({ data, ttlSeconds }) => data.map((each) => `${ttlSeconds} ${each}`)).toSorted(),
        served.map(({ ttl, data }) => `${ttl} ${data}`).toSorted(),
        `${title}, for ${from}`,
      );
    }
  }
  const skipped = explained(f, EU, 'SRV', PORT).steps.filter(({ rule }) => rule === 'skipped');
  t.strictSame(
    skipped.map(({ text }) => text),
    ['region eu has no healthy shard with this port'],
  );
  t.end();
});

/** What the global name answers with under the policies weighted and failover. */
import t from 'tap';
import { createResponder } from '../../../src/server/answer/answer.ts';
import { createCounterBlock } from '../../../src/server/counters-sum.ts';
import { Transport, UDP_REPLY_OCTETS } from '../../../src/server/responder.ts';
import type { ShardState } from '../../../src/zonebuilder/facts.ts';
import type { FederationPolicy } from '../../../src/zonebuilder/policy.ts';
import { CAUSE, makeFederation, type Federation, type FederationOptions } from '../../support/federation.ts';
import { makeQuery, readMessage, type Message } from '../../support/message.ts';

const NAME = 'web.n.f.svc.example.com';
/** Two clusters in us, one in eu and one in asia, which has IPv4 only. */
const CLUSTERS = {
  us1: ['us', ['192.0.2.11', '2001:db8::11']],
  us2: ['us', ['192.0.2.12']],
  eu1: ['eu', ['192.0.2.21', '2001:db8::21']],
  asia1: ['asia', ['192.0.2.31']],
} as const;
type Cluster = keyof typeof CLUSTERS;

function makeWorld(policies: Partial<FederationPolicy>, options: FederationOptions = {}): Federation {
  const f = makeFederation({ policies, ...options });
  for (const [name, [region]] of Object.entries(CLUSTERS)) f.cluster(name, region, [`${region}-a`]);
  for (const name of Object.keys(CLUSTERS)) report(f, name as Cluster);
  return f;
}

function report(f: Federation, cluster: Cluster, facts: Partial<ShardState> = {}): void {
  f.shard(cluster, 'web.n.f', { addresses: CLUSTERS[cluster][1], ...facts });
}

function down(f: Federation, ...clusters: Cluster[]): void {
  for (const cluster of clusters) report(f, cluster, { ready: false });
}

function hosts({ answer }: Message): string {
  const addresses = answer.filter(({ type }) => type === 'A' || type === 'AAAA');
  return addresses
    .map(({ data }) => data.replace(/^.*[.:]/, ''))
    .toSorted()
    .join(' ');
}

/** How often each answer came in so many replies. */
function tally(f: Federation, replies: number, ask = () => f.ask(NAME, 'A')): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < replies; i++) {
    const text = hosts(ask());
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

const weights = (entries: Record<string, number>) => new Map(Object.entries(entries));

t.test('weights come out exactly over as many replies as they add up to', (t) => {
  for (const [given, replies, expected, title] of [
    [{ us: 3, eu: 1, asia: 0 }, 4, { '11 12': 3, '21': 1 }, 'regions; 0 takes one out'],
    [{ us: 700, eu: 200, asia: 99 }, 999, { '11 12': 700, '21': 200, '31': 99 }, 'large ones'],
    [{}, 3, { '11 12': 1, '21': 1, '31': 1 }, 'every region alike where nothing is said'],
    [{ eu: 2 }, 4, { '11 12': 1, '21': 2, '31': 1 }, 'what is not said counts 1'],
    [{ us1: 5, us2: 1, eu: 3, asia: 1 }, 10, { '11': 5, '12': 1, '21': 3, '31': 1 }, 'clusters'],
    [{ us: 4, us1: 1, eu: 0, asia: 0 }, 5, { '11': 1, '12': 4 }, 'the rest of a region has its weight'],
    [{ us: 0, eu: 0, asia: 0 }, 3, { '11 12 21 31': 3 }, 'all weights 0: all'],
    [{ us: 0, eu: 0, asia: 0, us2: 7 }, 7, { '12': 7 }, 'one cluster'],
  ] as const) {
    const f = makeWorld({ policy: 'weighted', weights: weights(given) });
    for (let round = 0; round < 3; round++)
      t.strictSame(tally(f, replies), expected, `${title}, round ${round}`);
  }
  t.end();
});

t.test('clients that ask for both families in turn get every place', (t) => {
  const f = makeWorld({ policy: 'weighted', weights: weights({ us: 1, eu: 1, asia: 0 }) });
  const seen = { A: new Set<string>(), AAAA: new Set<string>() };
  for (let i = 0; i < 60; i++)
    for (const type of ['A', 'AAAA'] as const) seen[type].add(hosts(f.ask(NAME, type)));
  t.strictSame([...seen.A].toSorted(), ['11 12', '21']);
  t.strictSame([...seen.AAAA].toSorted(), ['11', '21']);
  const odd = new Set(Array.from({ length: 60 }, () => (f.ask(NAME, 'A'), hosts(f.ask(NAME, 'A')))));
  t.equal(odd.size, 2, 'and so does every second reply');
  t.end();
});

t.test('places without a healthy shard have no weight', (t) => {
  const f = makeWorld({ policy: 'weighted', weights: weights({ us: 3, eu: 1, asia: 0 }) });
  down(f, 'us1');
  t.strictSame(tally(f, 4), { '12': 3, '21': 1 }, 'a region has its weight while one shard is healthy');
  down(f, 'us2');
  t.strictSame(tally(f, 4), { '21': 4 });
  down(f, 'eu1');
  t.strictSame(
    tally(f, 4),
    { '31': 4 },
    'never empty while any shard is healthy, even where all have weight 0',
  );
  down(f, 'asia1');
  t.strictSame(tally(f, 2), { '': 2 });
  t.end();
});

t.test('a weight by annotation is that of the shard’s cluster', (t) => {
  const f = makeWorld({ policy: 'weighted', weights: weights({ us1: 9, eu: 1, asia: 0 }) });
  report(f, 'us1', { weight: 1 });
  report(f, 'us2', { weight: 0 });
  report(f, 'eu1', { weight: 2 });
  t.strictSame(tally(f, 3), { '11': 1, '21': 2 });
  t.strictSame(
    hosts(f.ask('web.n.f.svc.us.example.com', 'A')),
    '11 12',
    'region names answer with all of theirs',
  );
  t.end();
});

t.test('several Services and workers are weighted each by itself', (t) => {
  const f = makeWorld({ policy: 'weighted', weights: weights({ us: 2, eu: 1, asia: 0 }) });
  for (const cluster of ['us1', 'eu1'])
    f.shard(cluster, 'api.n.f', { addresses: [`10.0.0.${cluster === 'us1' ? 1 : 2}`] });
  const counts = { web: {} as Record<string, number>, api: {} as Record<string, number> };
  for (let i = 0; i < 30; i++) {
    for (const service of ['web', 'api'] as const) {
      const text = hosts(f.ask(`${service}.n.f.svc.example.com`, 'A'));
      counts[service][text] = (counts[service][text] ?? 0) + 1;
    }
  }
  t.strictSame(counts, { web: { '11 12': 20, '21': 10 }, api: { '1': 20, '2': 10 } });
  const firsts = Array.from({ length: 40 }, (_, reader) => firstOfWorker(f, reader));
  const us = firsts.filter((text) => text === '11 12').length;
  t.ok(us > 10 && us < 40, `workers do not begin alike: ${us} of 40 with us`);
  t.end();
});

function firstOfWorker(f: Federation, reader: number): string {
  const responder = createResponder({ ...f.settings(), reader, counters: createCounterBlock() });
  const query = makeQuery(NAME, 'A');
  const reply = Buffer.alloc(UDP_REPLY_OCTETS);
  responder.enter();
  const length = responder.answer(
    query,
    0,
    query.length,
    reply,
    0,
    Transport.udp,
    Buffer.of(192, 0, 2, 1),
    0,
    4,
  );
  responder.leave();
  return hosts(readMessage(reply.subarray(0, length)));
}

const ORDER = { policy: 'failover', failover: ['eu', 'asia'] } as const;

t.test('the first region of the list with a healthy shard answers', (t) => {
  const f = makeWorld(ORDER);
  const now = (type = 'A') => hosts(f.ask(NAME, type));
  t.equal(now(), '21');
  t.equal(now('AAAA'), '21');
  t.equal(hosts(f.ask('web.n.f.svc.us.example.com', 'A')), '11 12', 'other regions’ names are as they were');
  down(f, 'eu1');
  t.equal(now(), '31', 'the next of the list');
  t.equal(
    hosts(f.ask('web.n.f.svc.eu.example.com', 'A')),
    '31',
    'to which the names of the region that failed lead',
  );
  const other = f.ask(NAME, 'AAAA');
  t.strictSame([other.rcode, hosts(other)], ['NOERROR', ''], 'both families together');
  down(f, 'asia1');
  t.equal(now(), '11 12', 'every healthy shard where none of the list has one');
  report(f, 'eu1');
  t.equal(now(), '21', 'and back at once');
  t.end();
});

t.test('TTL, ports and number of addresses are those of the region in use', (t) => {
  const f = makeWorld({ ...ORDER, failover: ['us', 'eu'] }, { maxAddresses: 1 });
  report(f, 'eu1', { ttlSeconds: 20, ports: [{ name: 'http', protocol: 'tcp', port: 81 }] });
  report(f, 'us1', { ports: [{ name: 'http', protocol: 'tcp', port: 80 }] });
  report(f, 'us2', { ports: [{ name: 'http', protocol: 'tcp', port: 80 }] });
  const first = f.ask(NAME, 'A').answer;
  t.strictSame(
    first.map(({ ttl }) => ttl),
    [180],
    'one address, with the TTL of us',
  );
  t.equal(f.ask('web.n.f.svc.africa.example.com', 'A').rcode, 'NXDOMAIN');
  const srv = () => f.ask(`_http._tcp.${NAME}`, 'SRV').answer.map(({ data }) => data);
  t.strictSame(srv(), ['0 100 80 web.n.f.svc.us.example.com.']);
  down(f, 'us1', 'us2');
  t.strictSame(
    f.ask(NAME, 'A').answer.map(({ ttl }) => ttl),
    [20],
  );
  t.strictSame(srv(), ['0 100 81 web.n.f.svc.eu.example.com.']);
  t.end();
});

function inUse(g: Federation): string {
  return hosts(g.ask(NAME, 'A'));
}

t.test('failback: manual stays with the region in use until that fails', (t) => {
  const f = makeWorld({ ...ORDER, failback: 'manual' });
  down(f, 'eu1');
  t.equal(inUse(f), '31');
  report(f, 'eu1');
  t.equal(inUse(f), '31', 'the first of the list is back, the second stays');
  const copy = restored(f, { ...ORDER, failback: 'manual' });
  t.equal(inUse(copy), '31', 'over a restart, too');
  t.equal(
    inUse(restored(restored(f, ORDER), { ...ORDER, failback: 'manual' })),
    '21',
    'settings that say auto have gone back for good',
  );
  t.equal(
    inUse(restored(f, { ...ORDER, failover: ['eu', 'us'], failback: 'manual' })),
    '21',
    'a region that is not in the list any more is left',
  );
  down(f, 'asia1');
  t.equal(inUse(f), '21', 'it fails');
  report(f, 'asia1');
  t.equal(inUse(f), '21');
  t.end();
});

t.test('failback: manual does not stay with who was read first', (t) => {
  const f = makeFederation({ policies: { ...ORDER, failback: 'manual' } });
  f.cluster('eu1', 'eu', [], 'pending');
  f.cluster('asia1', 'asia', []);
  report(f, 'asia1');
  t.equal(hosts(f.ask(NAME, 'A')), '31', 'so far there is nobody else');
  f.cluster('eu1', 'eu', []);
  report(f, 'eu1');
  t.equal(hosts(f.ask(NAME, 'A')), '21');
  t.end();
});

/** What comes out of a snapshot under other settings. */
function restored(f: Federation, policies: Partial<FederationPolicy>): Federation {
  const copy = makeFederation({ policies });
  copy.builder.batch(CAUSE, () => {
    for (const cluster of f.builder.clusters()) {
      copy.builder.setCluster({ ...cluster, status: 'held' });
      for (const shard of f.builder.shardsOfCluster(cluster.name)) copy.builder.upsertShard(shard);
    }
  });
  return copy;
}

t.test('an annotation of failover without a list of regions means all, and is told', (t) => {
  const f = makeWorld({});
  report(f, 'us1', { policy: 'failover' });
  t.equal(hosts(f.ask(NAME, 'A')), '11 12 21 31');
  t.match(f.notices.at(-1)?.text, /needs a list/);
  t.end();
});

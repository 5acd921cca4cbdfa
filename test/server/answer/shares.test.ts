/** How many addresses a reply has, whose, and for how long. */
import t from 'tap';
import { makeFederation, type Federation } from '../../support/federation.ts';

const GLOBAL = 'web.n.f.svc.example.com';
const REPLIES = 4000;

/** Clusters in zones of their own, with so many addresses each: `10.CLUSTER.0.N`. */
function make(counts: readonly number[], maxAddresses: number): Federation {
  const f = makeFederation({ maxAddresses });
  counts.forEach((count, cluster) => {
    f.cluster(`c${cluster}`, 'us', [`us${cluster}`]);
    const addresses = Array.from({ length: count }, (_, i) => [
      `10.${cluster}.0.${i}`,
      `2001:db8::${cluster}:${i}`,
    ]);
    f.shard(`c${cluster}`, 'web.n.f', { addresses: addresses.flat() });
  });
  return f;
}

function answer(f: Federation, name = GLOBAL, type = 'A'): string[] {
  return f.ask(name, type, { payloadMax: 1232 }).answer.map((rr) => rr.data);
}

/** How often each address came in many replies, as a share of an even one: 1 for as often as the others. */
function evenness(replies: readonly (readonly string[])[], of: number): { least: number; most: number } {
  const times = new Map<string, number>();
  for (const data of replies.flat()) times.set(data, (times.get(data) ?? 0) + 1);
  const even = replies.flat().length / of;
  const shares = [...times.values()].map((count) => count / even);
  return { least: times.size < of ? 0 : Math.min(...shares), most: Math.max(...shares) };
}

t.test('no reply has more addresses than it may have', (t) => {
  for (const [counts, max, expected] of [
    [[40], 8, 8],
    [[8], 8, 8],
    [[3, 3], 8, 6],
    [[1, 60], 8, 8],
    [Array.from({ length: 30 }, () => 1), 4, 4],
    [[255, 1], 255, 255],
  ] as const) {
    const f = make(counts, max);
    for (const type of ['A', 'AAAA']) {
      const reply = f.ask(GLOBAL, type, { payloadMax: 4096 });
      const isWhole = !reply.flags.includes('TC');
      if (isWhole)
        t.equal(new Set(reply.answer.map((rr) => rr.data)).size, expected, `${type}: ${max} of ${counts}`);
      else t.equal(expected > 40, true, `${type}: ${expected} do not fit`);
    }
  }
  t.equal(answer(make([40], 0)).length, 40, 'all without a limit');
  t.end();
});

t.test('every address is as frequent as the other', (t) => {
  for (const [counts, max] of [
    [[40], 7],
    [[5, 5, 5], 4],
    [Array.from({ length: 13 }, () => 1), 3],
    [[6, 6], 5],
  ] as const) {
    const f = make(counts, max);
    const replies = Array.from({ length: REPLIES }, () => answer(f));
    const { least, most } = evenness(
      replies,
      counts.reduce<number>((sum, count) => sum + count, 0),
    );
    t.ok(least > 0.85 && most < 1.15, `${max} of ${counts}: ${least.toFixed(2)} to ${most.toFixed(2)}`);
    const firsts = evenness(
      replies.map(([first]) => [first!]),
      counts.reduce<number>((sum, count) => sum + count, 0),
    );
    t.ok(
      firsts.least > 0.6 && firsts.most < 1.4,
      `first: ${firsts.least.toFixed(2)} to ${firsts.most.toFixed(2)}`,
    );
  }
  t.end();
});

t.test('a cluster with many addresses takes no room from the others', (t) => {
  const f = make([200, 2, 1], 6);
  const counts = [0, 0, 0];
  for (let i = 0; i < REPLIES; i++) for (const data of answer(f)) counts[Number(data.split('.')[1])]!++;
  t.strictSame(
    counts,
    [REPLIES * 3, REPLIES * 2, REPLIES],
    'each as many as the others, as far as it has them',
  );
  t.end();
});

t.test('an address that two clusters share, and one that is in two zones', (t) => {
  const f = makeFederation({ maxAddresses: 2 });
  f.cluster('c1', 'us', ['us1', 'us2']);
  f.cluster('c2', 'us', ['us1']);
  f.shard('c1', 'web.n.f', { addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] });
  f.shard('c2', 'web.n.f', { addresses: ['10.0.0.3', '10.0.0.4'] });
  const seen = new Set<string>();
  for (const location of ['', '.us', '.us1.us', '.us2'])
    for (let i = 0; i < 200; i++) {
      const data = answer(f, `web.n.f.svc${location}.example.com`);
      t.equal(new Set(data).size, 2, { bail: true });
      for (const address of data) seen.add(address);
    }
  t.equal(seen.size, 4);
  t.end();
});

t.test('who says how many', (t) => {
  const cases: readonly (readonly [string, number, readonly (number | undefined)[], number])[] = [
    ['nobody: all', 0, [undefined, undefined], 20],
    ['the configuration', 4, [undefined, undefined], 4],
    ['the Service', 0, [3, 3], 3],
    ['the Service, though the configuration says less', 2, [5, 5], 5],
    ['the Service, though the configuration says more', 9, [5, 5], 5],
    ['the largest, so that one cluster cannot keep the others out', 0, [1, 6], 6],
    ['one that says nothing says what the configuration does', 4, [1, undefined], 4],
  ];
  for (const [title, configured, annotated, expected] of cases) {
    const f = makeFederation({ maxAddresses: configured });
    annotated.forEach((maxAddresses, cluster) => {
      f.cluster(`c${cluster}`, 'us', []);
      const addresses = Array.from({ length: 10 }, (_, i) => `10.${cluster}.0.${i}`);
      f.shard(`c${cluster}`, 'web.n.f', { addresses, ...(maxAddresses !== undefined && { maxAddresses }) });
    });
    t.equal(answer(f).length, expected, title);
  }
  t.end();
});

/** TTLs of the answer at a name, aliases too. */
function ttls(f: Federation, location: string): number[] {
  return f.ask(`web.n.f.svc${location}.example.com`, 'A').answer.map((rr) => rr.ttl);
}

t.test('TTLs are those of the healthy shards of a level', (t) => {
  const f = makeFederation({ ttlMinSeconds: 5 });
  f.cluster('good', 'us', ['us1']);
  f.cluster('evil', 'eu', ['eu1']);
  f.shard('good', 'web.n.f', { addresses: ['192.0.2.1'] });
  f.shard('evil', 'web.n.f', { addresses: ['192.0.2.2'], ttlSeconds: 0, ready: false });
  t.strictSame(ttls(f, '.us1.us'), [180], 'one that is down has no say');
  t.strictSame(ttls(f, '.eu1.eu'), [180, 180, 180], 'nor for its own aliases');
  f.shard('evil', 'web.n.f', { addresses: ['192.0.2.2'], ttlSeconds: 0 });
  t.strictSame(ttls(f, '.us1.us'), [180], 'one of another level has none');
  t.strictSame(ttls(f, '.eu'), [5], 'its own is not below the least');
  t.strictSame(ttls(f, ''), [5, 5], 'above both the shorter counts');
  f.shard('good', 'web.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 60, addressTtlSeconds: 10 });
  t.strictSame(
    ttls(f, '.us'),
    [10],
    'an address is not served for longer than its host name (ALIAS records elsewhere)',
  );
  f.shard('good', 'web.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 60, addressTtlSeconds: 300 });
  t.strictSame(ttls(f, '.us'), [60], 'nor for longer than is said for it');
  f.shard('good', 'web.n.f', { addresses: ['192.0.2.1'], addressTtlSeconds: 0 });
  t.strictSame(ttls(f, '.us'), [5], 'and not below the least either');
  t.end();
});

t.test("the least TTL is no more than the domain's own", (t) => {
  const f = makeFederation({ ttlMinSeconds: 600 });
  f.cluster('c1', 'us', ['us1']);
  f.shard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 0 });
  t.strictSame(ttls(f, ''), [180]);
  t.end();
});

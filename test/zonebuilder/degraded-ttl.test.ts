/** TTLs while something is degraded: short at its levels and above, full elsewhere, the same within an RRset. */
import t from 'tap';
import type { Federation } from '../support/federation.ts';
import { CAUSE, makeFederation } from '../support/federation.ts';

const SERVICE = 'web.shop.f';
const NAMES = {
  global: `${SERVICE}.svc.example.com`,
  us: `${SERVICE}.svc.us.example.com`,
  usA: `${SERVICE}.svc.a.us.example.com`,
  usB: `${SERVICE}.svc.b.us.example.com`,
  eu: `${SERVICE}.svc.eu.example.com`,
  euC: `${SERVICE}.svc.c.eu.example.com`,
} as const;

/** Clusters one and two in two zones of us, three in eu, each with the Service. */
function world(
  more: { readonly ttlDegradedSeconds?: number | undefined; readonly ttlMinSeconds?: number } = {},
): Federation {
  const f = makeFederation({ ttlDegradedSeconds: 20, ...more });
  f.cluster('one', 'us', ['a']);
  f.cluster('two', 'us', ['b']);
  f.cluster('three', 'eu', ['c']);
  for (const [i, cluster] of ['one', 'two', 'three'].entries())
    f.shard(cluster, SERVICE, { addresses: [`192.0.2.${i + 1}`, `2001:db8::${i + 1}`] });
  return f;
}

/** The TTLs of all records of a reply, by owner; an RRset with two is a fault. */
function ttls(f: Federation, name: string, type = 'A'): Record<string, number> {
  const found: Record<string, number> = {};
  for (const record of f.ask(name, type).answer) {
    const key = `${record.name} ${record.type}`;
    if (found[key] !== undefined && found[key] !== record.ttl) throw new Error(`two TTLs in ${key}`);
    found[key] = record.ttl;
  }
  return found;
}

function first(f: Federation, name: string, type = 'A'): number | undefined {
  return Object.values(ttls(f, name, type))[0];
}

const FULL = 180;
const SHORT = 20;

interface Case {
  readonly title: string;
  readonly happens: (f: Federation) => void;
  readonly short: readonly (keyof typeof NAMES)[];
}

const UNREADY = { ready: false, readyZones: [] };

const CASES: readonly Case[] = [
  { title: 'all is calm', happens: () => {}, short: [] },
  {
    title: 'a shard that is not ready shortens its zone, its region and the globe',
    happens: (f) => f.shard('one', SERVICE, UNREADY),
    short: ['usA', 'us', 'global'],
  },
  {
    title: 'a cluster that is held shortens its levels, though its shards count',
    happens: (f) => f.cluster('three', 'eu', ['c'], 'held'),
    short: ['euC', 'eu', 'global'],
  },
  {
    title: 'a cluster that is withdrawn does',
    happens: (f) => f.cluster('two', 'us', ['b'], 'withdrawn'),
    short: ['usB', 'us', 'global'],
  },
  {
    title: 'a drained zone does',
    happens: (f) => f.builder.setDrains([{ kind: 'zone', name: 'a.us', percent: 0 }], CAUSE),
    short: ['usA', 'us', 'global'],
  },
  {
    title: 'a shard that the guard holds does',
    happens: (f) => f.shard('two', SERVICE, { addresses: ['192.0.2.2', '2001:db8::2'], held: true }),
    short: ['usB', 'us', 'global'],
  },
  {
    title: 'a shard that is gone is not known any more',
    happens: (f) =>
      f.builder.removeShard({ cluster: 'one', federation: 'f', namespace: 'shop', service: 'web' }, CAUSE),
    short: [],
  },
  {
    title: 'what is well again has the full TTL again',
    happens: (f) => {
      f.cluster('three', 'eu', ['c'], 'held');
      f.shard('one', SERVICE, UNREADY);
      f.cluster('three', 'eu', ['c']);
      f.shard('one', SERVICE, { addresses: ['192.0.2.1', '2001:db8::1'] });
    },
    short: [],
  },
];

for (const { title, happens, short } of CASES) {
  t.test(title, async (t) => {
    const f = world();
    happens(f);
    for (const [level, name] of Object.entries(NAMES))
      for (const type of ['A', 'AAAA'])
        t.equal(first(f, name, type), short.some((one) => one === level) ? SHORT : FULL, `${level} ${type}`);
  });

  t.test(`without the option nothing changes: ${title}`, async (t) => {
    const f = world({ ttlDegradedSeconds: undefined });
    happens(f);
    for (const name of Object.values(NAMES)) t.equal(first(f, name), FULL, name);
  });
}

t.test(
  'RFC 2181 5.2: every RRset of a chain has one TTL, and an alias of a degraded zone is short',
  async (t) => {
    const f = world();
    f.shard('one', SERVICE, UNREADY);
    t.same(ttls(f, NAMES.usA), {
      [`${NAMES.usA} CNAME`]: SHORT,
      [`${NAMES.us} A`]: SHORT,
    });
  },
);

t.test("a Service's own TTL stays the longest, and the domain's the longest without one", async (t) => {
  for (const [own, degraded, calm, short] of [
    [600, 20, 600, 20],
    [10, 20, 10, 10],
    [undefined, 20, 180, 20],
    [undefined, 0, 180, 0],
  ] as const) {
    const f = world({ ttlDegradedSeconds: degraded, ttlMinSeconds: 5 });
    const facts = { addresses: ['192.0.2.9'], ...(own !== undefined && { ttlSeconds: own }) };
    for (const cluster of ['one', 'two', 'three']) f.shard(cluster, SERVICE, facts);
    t.equal(first(f, NAMES.global), calm);
    f.cluster('three', 'eu', ['c'], 'held');
    t.equal(first(f, NAMES.global), short);
    t.equal(first(f, NAMES.us), calm, 'not where nothing is degraded');
  }
});

import { POLICIES } from '../../src/zonebuilder/policy.ts';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import {
  hasCluster,
  replaceShard,
  unpackShardOf,
  unpackShards,
  type PackedShard,
} from '../../src/zonebuilder/shard-pack.ts';
import { makeRandom, type Random } from '../support/random.ts';

const PLAIN: PackedShard = {
  cluster: 0,
  ready: true,
  readyZones: [],
  v4: [],
  v6: [],
  ports: [],
  ttlSeconds: undefined,
  addressTtlSeconds: undefined,
  maxAddresses: undefined,
  policy: undefined,
  weight: undefined,
  srv: undefined,
  changedMs: 0,
};

t.test('a shard comes back as it went in', (t) => {
  const cases: readonly (readonly [string, Partial<PackedShard>])[] = [
    ['nothing but a name', {}],
    ['not ready', { ready: false }],
    ['the largest cluster number', { cluster: 65535 }],
    ['ready in every zone', { readyZones: 'every' }],
    ['ready in some', { readyZones: ['us1', 'z'.repeat(63)] }],
    [
      'addresses in one zone each',
      {
        readyZones: ['us1', 'us2'],
        v4: ['\x01\x02\x03\x04', '\x01\x02\x03\x05'],
        v6: ['\xff'.repeat(16)],
        addressZones: ['us2', '', 'us1'],
        addressTtlSeconds: 7,
      },
    ],
    ['no address, each in one zone', { readyZones: ['us1'], addressZones: [] }],
    ['TTL 0', { ttlSeconds: 0 }],
    ['TTL 0 of a host name', { addressTtlSeconds: 0 }],
    ['the largest TTL of a host name', { addressTtlSeconds: 2147483647 }],
    ['a number of addresses for a reply', { maxAddresses: 255 }],
    ['SRV priority and weight', { srv: { priority: 0, weight: 65535 } }],
    ['a policy', { policy: 'failover' }],
    ['a weight', { weight: 0 }],
    ['the largest weight', { policy: 'all', weight: 1000 }],
    ['all of these', { addressTtlSeconds: 60, maxAddresses: 1, srv: { priority: 65535, weight: 0 } }],
    ['the largest TTL (RFC 2181 section 8)', { ttlSeconds: 2147483647 }],
    ['times with fractions', { changedMs: 1795250000123.5 }],
    [
      'addresses with every octet',
      { v4: ['\x00\x7f\x80\xff', '\xff\xff\xff\xff'], v6: ['\x00\xff'.repeat(8)] },
    ],
    [
      'ports of each protocol',
      {
        ports: [
          { name: 'a', protocol: 'tcp', port: 1 },
          { name: 'b', protocol: 'udp', port: 65535 },
          { name: 'c'.repeat(63), protocol: 'sctp', port: 256 },
        ],
      },
    ],
  ];
  for (const [title, facts] of cases) {
    const shard = { ...PLAIN, ...facts };
    t.strictSame(unpackShards(replaceShard('', shard.cluster, shard)), [shard], title);
    const among = [1, shard.cluster, 65534].reduce(
      (packed, cluster) =>
        replaceShard(packed, cluster, cluster === shard.cluster ? shard : { ...PLAIN, cluster }),
      '',
    );
    t.strictSame(unpackShardOf(among, shard.cluster), shard, `${title}, among others`);
    t.equal(unpackShardOf(among, 3), undefined);
  }
  t.end();
});

t.test('lists that are too long lose their ends', (t) => {
  const v4 = Array.from({ length: 5000 }, (_, i) => Buffer.of(1, 2, i >> 8, i & 255).toString('latin1'));
  const v6 = v4.map((address) => address.repeat(4));
  const readyZones = Array.from({ length: 300 }, (_, i) => `zone-${i}`.padEnd(63, 'x'));
  const ports = readyZones.map((name, i) => ({ name, protocol: 'tcp', port: i + 1 }) as const);
  const addressZones = [...v4, ...v6].map((_, i) => readyZones[i % 300]!);
  const [shard] = unpackShards(
    replaceShard('', 7, { ...PLAIN, cluster: 7, v4, v6, readyZones, ports, addressZones }),
  );
  t.strictSame(shard, {
    ...PLAIN,
    cluster: 7,
    v4: v4.slice(0, 4096),
    v6: v6.slice(0, 4096),
    readyZones: readyZones.slice(0, 255),
    ports: ports.slice(0, 255),
    addressZones: [...addressZones.slice(0, 4096), ...addressZones.slice(5000, 9096)].map((zone) =>
      readyZones.indexOf(zone) < 255 ? zone : '',
    ),
  });
  t.end();
});

t.test('a shard whose addresses count in every zone takes no octet for that', (t) => {
  const shard: PackedShard = { ...PLAIN, readyZones: ['us1'], v4: ['\x01\x02\x03\x04'] };
  t.equal(replaceShard('', 0, shard).length, 26 + 4 + 4);
  t.equal(replaceShard('', 0, { ...shard, addressZones: ['us1'] }).length, 26 + 4 + 4 + 1);
  t.end();
});

t.test('shards of several clusters against a plain map', (t) => {
  const random = makeRandom(5);
  const model = new Map<number, PackedShard>();
  let packed = '';
  for (let i = 0; i < 2000; i++) {
    const cluster = random.pick([0, 1, 2, 255, 256, 65535]);
    const shard = random.oneIn(3) ? undefined : randomShard(random, cluster);
    packed = replaceShard(packed, cluster, shard);
    if (shard === undefined) model.delete(cluster);
    else model.set(cluster, shard);
    const expected = [...model.values()].toSorted((a, b) => a.cluster - b.cluster);
    const actual = unpackShards(packed);
    if (!isDeepStrictEqual(actual, expected)) t.strictSame(actual, expected, `step ${i}`);
    for (const number of [0, 1, 2, 3, 255, 256, 65535])
      if (hasCluster(packed, number) !== model.has(number)) t.fail(`cluster ${number}, step ${i}`);
  }
  t.end();
});

t.test('equal facts are equal texts, whatever the order they came in', (t) => {
  const random = makeRandom(6);
  const shards = [4, 1, 3, 2].map((cluster) => randomShard(random, cluster));
  t.equal(pack(shards), pack(shards.toReversed()));
  t.equal(replaceShard(pack(shards), 9, undefined), pack(shards), 'taking out what is not there');
  t.end();
});

function pack(list: readonly PackedShard[]): string {
  return list.reduce((packed, shard) => replaceShard(packed, shard.cluster, shard), '');
}

function randomShard(random: Random, cluster: number): PackedShard {
  const octets = (length: number): string =>
    Buffer.from(Array.from({ length }, () => random.below(256))).toString('latin1');
  const readyZones = random.oneIn(3) ? 'every' : ['us1', 'us2'].filter(() => random.oneIn(2));
  const v4 = Array.from({ length: random.below(4) }, () => octets(4));
  const v6 = Array.from({ length: random.below(4) }, () => octets(16));
  const addressZones = [...v4, ...v6].map(() =>
    random.pick(readyZones === 'every' ? [''] : ['', ...readyZones]),
  );
  return {
    cluster,
    ready: random.oneIn(2),
    readyZones,
    ttlSeconds: random.oneIn(2) ? undefined : random.below(1000),
    addressTtlSeconds: random.oneIn(2) ? undefined : random.below(1000),
    maxAddresses: random.oneIn(2) ? undefined : 1 + random.below(255),
    policy: random.oneIn(2) ? undefined : POLICIES[random.below(4)]!,
    weight: random.oneIn(2) ? undefined : random.below(1001),
    srv: random.oneIn(2) ? undefined : { priority: random.below(65536), weight: random.below(65536) },
    changedMs: random.below(1e9),
    ports: random.oneIn(2) ? [] : [{ name: 'http', protocol: 'tcp', port: 1 + random.below(65535) }],
    v4,
    v6,
    ...(random.oneIn(2) && { addressZones }),
  };
}

import { isDeepStrictEqual } from 'node:util';
import t, { type Test } from 'tap';
import { GLOBAL } from '../../src/zonebuilder/layout.ts';
import {
  layOutFamily,
  LEVEL_ADDRESSES_MAX,
  NO_LEVELS,
  type FamilyLevels,
  type LevelShard,
} from '../../src/zonebuilder/levels.ts';
import { encodeService } from '../../src/zonebuilder/service-blob.ts';
import { makeRandom } from '../support/random.ts';

let nextCluster = 0;

/** Locations: regions 1 to 3, zone `1r` to `4r` of region r. */
function shard(region: number, zones: readonly number[], ...v4: readonly string[]): LevelShard {
  return { cluster: nextCluster++, region, zones, v4, v6: [] };
}

/** A shard whose addresses are in one zone each; undefined for none. */
function placed(
  region: number,
  ...pods: readonly (readonly [zone: number | undefined, v4: string])[]
): LevelShard {
  const addressZones = pods.map(([zone]) => zone);
  const zones = [...new Set(addressZones.filter((zone) => zone !== undefined))].toSorted((a, b) => a - b);
  return { ...shard(region, zones, ...pods.map(([, address]) => address)), addressZones };
}

/** What each location answers with, sorted. */
function levels(family: FamilyLevels): Record<number, string> {
  return Object.fromEntries(
    family.slices.map(({ location, start, count }) => [
      location,
      family.pool
        .slice(start, start + count)
        .toSorted()
        .join(' '),
    ]),
  );
}

t.test('the addresses of each level', (t) => {
  const cases: readonly (readonly [string, readonly LevelShard[], Record<number, string>])[] = [
    ['no shard: no level', [], {}],
    ['a shard without addresses counts nowhere', [shard(1, [11])], {}],
    ['a zone, its region, the globe', [shard(1, [11], 'a')], { 0: 'a', 1: 'a', 11: 'a' }],
    ['a cluster without region', [shard(GLOBAL, [], 'a')], { 0: 'a' }],
    [
      'a shard in no zone is in its region',
      [shard(1, [], 'a'), shard(1, [11], 'b')],
      { 0: 'a b', 1: 'a b', 11: 'b' },
    ],
    [
      'a shard of several zones is in each, and once above',
      [shard(1, [11, 12], 'a')],
      { 0: 'a', 1: 'a', 11: 'a', 12: 'a' },
    ],
    [
      'an address that two shards share is there once',
      [shard(1, [11], 'a', 'b'), shard(1, [11], 'b'), shard(2, [21], 'a')],
      { 0: 'a b', 1: 'a b', 11: 'a b', 2: 'a', 21: 'a' },
    ],
    [
      'the order of shards does not matter',
      [shard(2, [21], 'c'), shard(1, [12], 'b'), shard(1, [11], 'a')],
      { 0: 'a b c', 1: 'a b', 11: 'a', 12: 'b', 2: 'c', 21: 'c' },
    ],
    [
      'an address that is in one zone is in no other, and in all above',
      [placed(1, [12, 'a'], [11, 'b'], [12, 'c'])],
      { 0: 'a b c', 1: 'a b c', 11: 'b', 12: 'a c' },
    ],
    [
      'one that is in no zone is in its region only',
      [placed(1, [undefined, 'a'], [11, 'b'])],
      { 0: 'a b', 1: 'a b', 11: 'b' },
    ],
    [
      'a zone that the shard does not count in leaves its addresses to the region',
      [{ ...placed(1, [11, 'a'], [12, 'b']), zones: [11] }],
      { 0: 'a b', 1: 'a b', 11: 'a' },
    ],
    [
      'beside another cluster in the same zones',
      [placed(1, [11, 'a'], [12, 'b']), placed(1, [11, 'c'], [12, 'd']), shard(1, [11, 12], 'e')],
      { 0: 'a b c d e', 1: 'a b c d e', 11: 'a c e', 12: 'b d e' },
    ],
  ];
  for (const [title, shards, expected] of cases)
    t.strictSame(levels(layOutFamily(shards, 'v4')), expected, title);
  t.end();
});

t.test('levels are slices of one list where they can be', (t) => {
  const { pool } = layOutFamily([shard(1, [11], 'a'), shard(1, [12], 'b'), shard(2, [21], 'c')], 'v4');
  t.equal(pool.length, 3, 'six levels, three addresses');
  const twice = layOutFamily([shard(1, [11, 12], 'a', 'b')], 'v4');
  t.equal(twice.pool.length, 4, 'region and globe start where a zone does');
  t.end();
});

t.test('what is asked of one cluster is all of its addresses, each once', (t) => {
  const cases: readonly (readonly [string, readonly LevelShard[], readonly string[]])[] = [
    ['the same in each zone', [shard(1, [11, 12], 'a', 'b')], ['a b']],
    ['in one zone each', [placed(1, [12, 'a'], [11, 'b'], [undefined, 'c'])], ['b a c']],
    [
      'with another cluster between them',
      [placed(1, [11, 'a'], [12, 'b']), placed(1, [11, 'c'], [12, 'd'])],
      ['a b', 'c d'],
    ],
    [
      'with another cluster that has the same',
      [placed(1, [11, 'a'], [12, 'b']), shard(1, [11, 12], 'b', 'a')],
      ['a b', 'b a'],
    ],
  ];
  for (const [title, shards, expected] of cases)
    t.strictSame([...clusters(layOutFamily(shards, 'v4')).values()], expected, title);
  t.end();
});

function clusters({ pool, clusters: slices }: FamilyLevels): Map<number, string> {
  return new Map(
    slices.map(({ cluster, start, count }) => [cluster, pool.slice(start, start + count).join(' ')]),
  );
}

t.test('where a reply is to have fewer, the addresses of each cluster stand together', (t) => {
  const shards = [placed(1, [11, 'a'], [12, 'b']), placed(1, [11, 'c'], [12, 'd']), shard(2, [], 'b', 'e')];
  const family = layOutFamily(shards, 'v4', 2);
  const at = (location: number): string => {
    const slice = family.slices.find((one) => one.location === location)!;
    return family.pool.slice(slice.start, slice.start + slice.count).join(' ');
  };
  t.equal(at(1), 'a b c d');
  t.equal(at(GLOBAL), 'a b c d e', 'and no address twice');
  t.equal(at(11), 'a c');
  t.strictSame(family.shares, [
    { location: GLOBAL, ends: [2, 4, 5] },
    { location: 1, ends: [2, 4] },
  ]);
  t.end();
});

t.test('random shards against a plain reckoning', (t) => {
  const random = makeRandom(99);
  for (let round = 0; round < 300; round++) {
    const shards = Array.from({ length: random.below(8) }, () => {
      const region = random.below(4);
      const zones =
        region === GLOBAL ? [] : [1, 2, 3, 4].filter(() => random.oneIn(3)).map((zone) => region * 10 + zone);
      const some = new Set(Array.from({ length: random.below(4) }, () => random.pick([...'abcdef'])));
      const one = shard(region, zones, ...some);
      if (zones.length === 0 || random.oneIn(2)) return one;
      return { ...one, addressZones: [...some].map(() => random.pick([...zones, undefined])) };
    });
    const family = layOutFamily(shards, 'v4', random.below(4));
    for (const { cluster, v4 } of shards) {
      const slice = clusters(family).get(cluster) ?? '';
      if (slice.split(' ').toSorted().join(' ') !== v4.toSorted().join(' '))
        t.equal(slice, v4.join(' '), JSON.stringify(shards));
    }
    if (!isDeepStrictEqual(levels(family), reckon(shards)))
      t.strictSame(levels(family), reckon(shards), JSON.stringify(shards));
    if (family.slices.some(({ location }, i) => i > 0 && location <= family.slices[i - 1]!.location))
      t.fail(`not sorted by location: ${JSON.stringify(shards)}`);
  }
  t.end();
});

function reckon(shards: readonly LevelShard[]): Record<number, string> {
  const found = new Map<number, Set<string>>();
  for (const { region, zones, v4, addressZones } of shards) {
    for (const location of new Set([GLOBAL, region, ...zones])) {
      v4.forEach((address, i) => {
        if (addressZones !== undefined && zones.includes(location) && addressZones[i] !== location) return;
        found.set(location, (found.get(location) ?? new Set()).add(address));
      });
    }
  }
  return Object.fromEntries([...found].map(([location, set]) => [location, [...set].toSorted().join(' ')]));
}

/** Addresses as four characters each. */
function distinct(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i).padStart(4, '\0'));
}

t.test('more addresses than the image can number', (t) => {
  const zones = Array.from({ length: 100 }, (_, i) => 100 + i);
  const crowd = [1, 2, 3, 4].map((region) =>
    shard(
      region,
      zones.map((zone) => region * 1000 + zone),
      ...distinct(255, region * 255),
    ),
  );
  checkBounded(t, 'four clusters at their caps', crowd);
  checkBounded(t, 'one region that has more than all', [shard(1, [], ...distinct(9000)), ...crowd]);
  const many = Array.from({ length: 300 }, (_, i) => shard(1 + i, [1000 + i], ...distinct(255, i * 31)));
  checkBounded(t, 'many clusters', many);
  t.end();
});

function checkBounded(t: Test, title: string, shards: readonly LevelShard[]): void {
  const family = layOutFamily(shards, 'v4');
  t.ok(family.pool.length <= 65535, `${title}: every position is a uint16`);
  t.equal(family.slices[0]?.location, GLOBAL, 'the global level is there');
  const all = new Set(shards.flatMap((one) => one.v4)).size;
  t.ok(family.slices[0].count >= Math.min(all, LEVEL_ADDRESSES_MAX), 'and has what a reply can hold');
  const known = new Map(
    Object.entries(reckon(shards)).map(([location, text]) => [location, new Set(text.split(' '))]),
  );
  const strays = family.slices.filter(({ location, start, count }) =>
    family.pool.slice(start, start + count).some((address) => !known.get(String(location))?.has(address)),
  );
  t.strictSame(strays, [], 'no level has an address of another');
  const key = Buffer.from('\x01s\x01n\x01f', 'latin1');
  t.doesNotThrow(() =>
    encodeService({
      key,
      ttlSeconds: 1,
      levelTtls: [],
      maxAddresses: 0,
      policy: { kind: 'all' },
      turn: 0,
      v4: family,
      v6: NO_LEVELS,
      clusters: [],
      ports: [],
      isFlat: false,
    }),
  );
}

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

t.test('random shards against a plain reckoning', (t) => {
  const random = makeRandom(99);
  for (let round = 0; round < 300; round++) {
    const shards = Array.from({ length: random.below(8) }, () => {
      const region = random.below(4);
      const zones =
        region === GLOBAL ? [] : [1, 2, 3, 4].filter(() => random.oneIn(3)).map((zone) => region * 10 + zone);
      const some = new Set(Array.from({ length: random.below(4) }, () => random.pick([...'abcdef'])));
      return shard(region, zones, ...some);
    });
    const family = layOutFamily(shards, 'v4');
    if (!isDeepStrictEqual(levels(family), reckon(shards)))
      t.strictSame(levels(family), reckon(shards), JSON.stringify(shards));
    if (family.slices.some(({ location }, i) => i > 0 && location <= family.slices[i - 1]!.location))
      t.fail(`not sorted by location: ${JSON.stringify(shards)}`);
  }
  t.end();
});

function reckon(shards: readonly LevelShard[]): Record<number, string> {
  const found = new Map<number, Set<string>>();
  for (const { region, zones, v4 } of shards) {
    for (const location of new Set([GLOBAL, region, ...zones]))
      for (const address of v4) found.set(location, (found.get(location) ?? new Set()).add(address));
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
    }),
  );
}

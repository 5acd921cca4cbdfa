/** The shipped table of regions: that it is sound, and where some of them are. */
import t from 'tap';
import { CITIES, type City } from '../../src/geo/cities.ts';
import { distanceKm, isPoint, type Point } from '../../src/geo/great-circle.ts';
import {
  AWS_METROS,
  candidatesOf,
  knownRegion,
  knownZone,
  PROVIDERS,
  SAME_PLACE_KM,
} from '../../src/geo/regions-table.ts';

const pointOf = (city: City): Point => ({ latitude: CITIES[city][0], longitude: CITIES[city][1] });

t.test('each city has a point of its own, and is used', async (t) => {
  const used = new Set<string>([
    ...PROVIDERS.flatMap(({ regions }) => Object.values(regions)),
    ...Object.values(AWS_METROS),
  ]);
  const cities = Object.keys(CITIES) as City[];
  for (const city of cities) {
    const { latitude, longitude } = pointOf(city);
    t.ok(isPoint(latitude, longitude) && latitude !== 0 && longitude !== 0, `${city} is somewhere`);
    t.ok(used.has(city), `${city} is used`);
    const twin = cities.find((other) => other !== city && distanceKm(pointOf(city), pointOf(other)) < 3);
    t.equal(twin, undefined, `${city} is listed once`);
  }
});

/** Great-circle distances as they can be looked up, in kilometres. */
const distances = [
  ['London', 'Paris', 344],
  ['Frankfurt', 'New York', 6204],
  ['Sydney', 'Auckland', 2157],
  ['Tokyo', 'Seattle', 7712],
  ['Cape Town', 'Johannesburg', 1263],
  ['Singapore', 'Jakarta', 891],
  ['São Paulo', 'Santiago', 2586],
  ['Mumbai', 'Hyderabad', 622],
  ['Dubai', 'Riyadh', 871],
  ['Ashburn', 'Boardman', 3530],
] as const;

t.test('cities lie as far from each other as they do', async (t) => {
  for (const [a, b, km] of distances) {
    const measured = distanceKm(pointOf(a), pointOf(b));
    t.ok(Math.abs(measured - km) < km * 0.02 + 5, `${a} to ${b}: ${Math.round(measured)} km, ${km} expected`);
  }
});

t.test('names of regions are labels, and each provider says where it lists them', async (t) => {
  for (const { name, source, regions } of PROVIDERS) {
    t.match(source, /^https:\/\//, name);
    const odd = Object.keys(regions).filter((region) => !/^[a-z0-9-]{2,63}$/.test(region));
    t.same(odd, [], `${name} has no other names`);
  }
});

const places = [
  ['us-central1', 'Council Bluffs', 'Google Cloud'],
  ['asia-east1', 'Changhua', 'Google Cloud'],
  ['us-west-2', 'Boardman', 'AWS'],
  ['eastus', 'Ashburn', 'Azure: the city that it names, and not the point of its list'],
  ['eu-central-1', 'Frankfurt', 'the same at AWS and Alibaba Cloud'],
  ['fra', 'Frankfurt', 'the key of a region of Oracle Cloud'],
  ['fsn1', 'Falkenstein', 'Hetzner'],
  ['eu-west-1', undefined, 'Dublin or London'],
  ['ap-southeast-3', undefined, 'Jakarta or Kuala Lumpur'],
  ['me-central-1', undefined, 'Dubai or Riyadh'],
  ['us-east', undefined, 'Newark or Washington'],
  ['constructor', undefined, 'nobody’s'],
] as const;

t.test('a region is where its provider says; a name with two places has none', async (t) => {
  for (const [region, city, title] of places) t.equal(knownRegion(region)?.city, city, `${region}: ${title}`);
  const ambiguous = [...new Set(PROVIDERS.flatMap(({ regions }) => Object.keys(regions)))].filter(
    (region) => candidatesOf(region).length > 0 && knownRegion(region) === undefined,
  );
  t.same(
    ambiguous.toSorted(),
    ['ap-southeast-3', 'ap-southeast-5', 'ap-southeast-6', 'eu-west-1', 'me-central-1', 'us-east'],
    'no other name is lost',
  );
  for (const region of ambiguous) {
    const [a, b] = candidatesOf(region);
    t.ok(distanceKm(a!.point, b!.point) > SAME_PLACE_KM, region);
  }
});

const zones = [
  ['us-east-1-bos-1a', 'us-east-1', 'Boston', 'a Local Zone'],
  ['us-east-1-scl-1a', 'us-east-1', 'Santiago', 'a Local Zone on another continent'],
  ['us-west-2-lax-1b', 'us-west-2', 'Los Angeles', 'the second zone of a metro'],
  ['us-east-1-wl1-bos-wlz-1', 'us-east-1', 'Boston', 'a Wavelength Zone'],
  ['us-east-1a', 'us-east-1', undefined, 'a zone lies where its region lies'],
  ['us-east-1-xyz-1a', 'us-east-1', undefined, 'a metro that is not known'],
  ['us-east-1-bos-1a', 'us-west-2', undefined, 'a zone of another region'],
  ['us-central1-ai1a', 'us-central1', undefined, 'an AI zone: Google tells only that it is elsewhere'],
] as const;

t.test('zones that lie elsewhere have points of their own', async (t) => {
  for (const [zone, region, city, title] of zones) t.equal(knownZone(zone, region)?.city, city, title);
});

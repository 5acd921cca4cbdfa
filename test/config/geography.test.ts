/** Where regions and clients are, as the configuration says it. */
import { test } from 'tap';
import { parseSettings } from '../../src/config/load.ts';
import { codesOf, example, outcomeOf } from './example.ts';

const regions: readonly { title: string; regions: string; codes: string[] }[] = [
  { title: 'a region by its name alone', regions: '{ name: eu }', codes: [] },
  {
    title: 'all that can be said of a region',
    regions:
      '{ name: eu-central-1, place: [50.11, 8.68], countries: [DE, at], near: [eu-west-3, lab], zones: [{ name: z, place: [0, 0] }] }, { name: lab }',
    codes: [],
  },
  {
    title: 'a place north of the pole',
    regions: '{ name: eu, place: [91, 0] }',
    codes: ['OUT_OF_RANGE regions[0].place[0]'],
  },
  {
    title: 'a place of one number',
    regions: '{ name: eu, place: [50] }',
    codes: ['OUT_OF_RANGE regions[0].place'],
  },
  {
    title: 'a country in full',
    regions: '{ name: eu, countries: [Germany] }',
    codes: ['WRONG_VALUE regions[0].countries[0]'],
  },
  {
    title: 'two regions with one country share it',
    regions: '{ name: eu, countries: [DE, FR] }, { name: us, countries: [US, de] }',
    codes: [],
  },
  {
    title: 'a country twice in one region',
    regions: '{ name: eu, countries: [DE, DE] }',
    codes: ['COUNTRY_TAKEN regions[0].countries[1]'],
  },
  {
    title: 'a region twice',
    regions: '{ name: eu }, { name: EU }',
    codes: ['DUPLICATE_REGION regions[1].name'],
  },
  {
    title: 'a region that is near itself, and one that is twice near',
    regions: '{ name: eu, near: [eu, us, us] }, { name: us }',
    codes: ['NEAR_REPEATED regions[0].near[0]', 'NEAR_REPEATED regions[0].near[2]'],
  },
  {
    title: 'a region that nobody knows of',
    regions: '{ name: eu, near: [eu-west-1, eu-wset-1] }',
    codes: ['UNKNOWN_REGION regions[0].near[1]'],
  },
  {
    title: 'a zone twice',
    regions: '{ name: eu, zones: [{ name: a, place: [1, 1] }, { name: a, place: [2, 2] }] }',
    codes: ['DUPLICATE_ZONE regions[0].zones[1].name'],
  },
  {
    title: 'a zone without a place',
    regions: '{ name: eu, zones: [{ name: a }] }',
    codes: ['MISSING_KEY regions[0].zones[0].place'],
  },
  {
    title: 'a key that is none',
    regions: '{ name: eu, lat: 50 }',
    codes: ['UNKNOWN_KEY regions[0].lat'],
  },
];

test('regions', async (t) => {
  for (const { title, regions: entries, codes } of regions)
    t.same(codesOf(example({ r: `regions: [${entries}]` })), codes, title);
});

function codesOfGeoip(geoip: string): string[] {
  return codesOf(example({ g: `geoip: ${geoip}` }));
}

test('databases', async (t) => {
  t.same(codesOfGeoip('{ database: a.mmdb }'), []);
  t.same(codesOfGeoip('{ databases: [v4.mmdb, v6.mmdb] }'), []);
  t.same(codesOfGeoip('{ databases: [] }'), ['OUT_OF_RANGE geoip.databases']);
  t.same(codesOfGeoip('{ database: a.mmdb, databases: [b.mmdb] }'), ['SEVERAL_DATABASES geoip']);
  const { settings } = outcomeOf(example({ g: 'geoip: { database: a.mmdb }' })).loaded!;
  t.match(settings.geoip?.databases, [/\/a\.mmdb$/], 'one is a list of one, with its whole path');
});

function allButGone(path: string): 'file' | undefined {
  return path === 'gone.mmdb' ? undefined : 'file';
}

test('a database that is not there', async (t) => {
  const text = example({ g: 'geoip: { databases: [there.mmdb, gone.mmdb] }' });
  t.throws(() => parseSettings(text, { file: 'x.yaml', lookAt: allButGone }), {
    message: /geoip\.databases\[1\]: gone\.mmdb is no file that can be read/,
  });
});

function codesOfCluster(cluster: string, more = ''): string[] {
  return codesOf(
    example({
      federations: 'federations: [{ name: f, policy: nearest }]',
      clusters: `clusters: [{ name: a, manifests: ./a, ${cluster} }]`,
      g: 'geoip: { database: a.mmdb }',
      more,
    }),
  ).filter((code) => !code.startsWith('POLICY_UNUSED'));
}

test('clients that get what is nearest need places', async (t) => {
  t.same(codesOfCluster('region: us-central1'), [], 'a region that fedns knows');
  t.same(codesOfCluster('region: lab'), ['PLACE_UNKNOWN clusters[0].region']);
  t.same(codesOfCluster('region: lab', 'regions: [{ name: lab, place: [1, 2] }]'), []);
  t.same(
    codesOfCluster('region: eu-west-1'),
    ['PLACE_UNKNOWN clusters[0].region'],
    'Dublin or London, by provider',
  );
  t.same(codesOfCluster(''), [], 'a region that Nodes will tell');
});

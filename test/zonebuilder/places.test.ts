/** A place that was known keeps its names. */
import t from 'tap';
import { placesOf, PLACES_MAX } from '../../src/zonebuilder/places.ts';
import { makeFederation } from '../support/federation.ts';
import { lines } from '../support/message.ts';

const SHARD = { addresses: ['192.0.2.1'] };
const NAME = 'web.n.f.svc';

/** Code and records of the answer in short, the records sorted; {@link sorted} brings a chain into that order. */
function chain(f: ReturnType<typeof makeFederation>, place: string): string {
  const reply = f.ask(`${NAME}.${place}.example.com`, 'A');
  const records = [reply.rcode, ...lines(reply.answer)].join(' | ');
  return sorted(records.replaceAll('.example.com', '').replaceAll(NAME, '@'));
}

function sorted(text: string): string {
  return text.split(' | ').toSorted().join(' | ');
}

t.test('zones and regions whose Nodes are gone fail over', (t) => {
  const f = makeFederation();
  f.cluster('a', 'r1', ['z1', 'z2']);
  f.cluster('b', 'r2', ['z3']);
  f.shard('a', 'web.n.f', SHARD);
  f.shard('b', 'web.n.f', { addresses: ['198.51.100.1'] });
  t.equal(chain(f, 'z1.r1'), sorted('NOERROR | @.z1.r1 A 192.0.2.1'));
  f.cluster('a', 'r1', ['z2']);
  t.equal(chain(f, 'z1.r1'), sorted('NOERROR | @.z1.r1 CNAME @.r1. | @.r1 A 192.0.2.1'));
  t.equal(chain(f, 'z1'), sorted('NOERROR | @.z1 CNAME @.r1. | @.r1 A 192.0.2.1'), 'by its short name, too');
  f.cluster('a', 'r9', ['z9']);
  const global = '@ A 192.0.2.1 | @ A 198.51.100.1';
  t.equal(chain(f, 'r1'), sorted(`NOERROR | @.r1 CNAME @. | ${global}`));
  t.equal(chain(f, 'z2.r1'), sorted(`NOERROR | @.z2.r1 CNAME @.r1. | @.r1 CNAME @. | ${global}`));
  t.equal(chain(f, 'z9.r9'), sorted('NOERROR | @.z9.r9 A 192.0.2.1'));
  f.builder.removeCluster('a');
  t.equal(chain(f, 'z1.r1'), 'NXDOMAIN', 'until the cluster is removed');
  t.equal(chain(f, 'r9'), 'NXDOMAIN');
  t.end();
});

t.test('a restart keeps the places and who has a short name', (t) => {
  const before = makeFederation();
  before.cluster('a', 'r1', ['z1', 'z2']);
  before.cluster('b', 'r2', ['z1']);
  before.cluster('a', 'r1', ['z2']);
  const saved = JSON.parse(JSON.stringify(before.builder.clusters())) as ReturnType<
    typeof before.builder.clusters
  >;
  for (const order of [saved, saved.toReversed()]) {
    const after = makeFederation();
    after.builder.batch({ object: 'snapshot', timeMs: 1 }, () => {
      for (const state of order) after.builder.setCluster({ ...state, status: 'held' });
    });
    const names = (f: typeof after): string[] =>
      f.builder
        .locationNames()
        .map(({ text }) => text)
        .toSorted();
    t.strictSame(names(after), names(before));
    after.shard('b', 'web.n.f', SHARD);
    t.match(chain(after, 'z1'), /CNAME @\.r1\./, 'the zone that had the name has it');
  }
  t.end();
});

t.test(
  'a name that is answered for stays where it is, also while another cluster is still to be read',
  (t) => {
    for (const isServing of [true, false]) {
      const f = makeFederation();
      for (const name of ['a', 'b', 'late']) f.cluster(name, undefined, [], 'pending');
      f.cluster('a', 'r1', ['z1']);
      if (isServing) f.builder.beginServing();
      f.cluster('b', 'r2', ['z1']);
      const names = f.builder.locationNames().map(({ text }) => text);
      t.equal(names.includes('z1'), isServing, isServing ? 'after the start' : 'before it');
      const losers = f.builder.conflicts.map(({ cluster }) => cluster);
      t.strictSame(losers, isServing ? ['b'] : ['a', 'b']);
    }
    t.end();
  },
);

t.test('what the operator says is final and forgets what was observed', (t) => {
  const state = { name: 'a', region: 'r1', zones: ['z1'], status: 'available' } as const;
  const before = new Map(['r1', 'z1.r1', 'r0', 'z0.r0', 'z7.r1'].map((place) => [place, false]));
  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    ['nothing', {}, ['r0', 'z0.r0', 'z7.r1', 'r1', 'z1.r1']],
    ['the region', { regionConfigured: true }, ['z7.r1', 'r1', 'z1.r1']],
    ['the zones', { zonesConfigured: true }, ['r0', 'r1', 'z1.r1']],
    ['both', { regionConfigured: true, zonesConfigured: true }, ['r1', 'z1.r1']],
  ];
  for (const [title, flags, expected] of cases) {
    t.strictSame([...placesOf({ ...state, ...flags }, before).keys()], expected, title);
  }
  t.end();
});

t.test('the oldest of too many places is forgotten, and a zone with its region', (t) => {
  let places = placesOf({ name: 'a', region: 'r0', zones: ['z0'], status: 'available' }, new Map());
  for (let i = 1; i <= PLACES_MAX; i++) {
    places = placesOf({ name: 'a', region: `r${i}`, zones: [`z${i}`], status: 'available' }, places);
  }
  t.equal(places.size, PLACES_MAX);
  t.ok(places.has(`z${PLACES_MAX}.r${PLACES_MAX}`));
  t.notOk(places.has('r0'));
  for (const place of places.keys()) t.ok(places.has(place.slice(place.indexOf('.') + 1)));
  t.end();
});

t.test('labels as real clouds set them', (t) => {
  const cases: readonly (readonly [
    string,
    readonly (readonly [string, string, readonly string[]])[],
    readonly string[],
  ])[] = [
    [
      'AKS without zones calls fault domains zones, in every region alike: only the long forms',
      [
        ['a', 'eastus', ['0', '1']],
        ['b', 'northeurope', ['0']],
      ],
      ['0.eastus', '0.northeurope', '1', '1.eastus', 'eastus', 'northeurope'],
    ],
    [
      'AKS with zones',
      [['a', 'eastus2', ['eastus2-1', 'eastus2-2']]],
      ['eastus2', 'eastus2-1', 'eastus2-1.eastus2', 'eastus2-2', 'eastus2-2.eastus2'],
    ],
    [
      'EKS with a Local Zone and Wavelength',
      [['a', 'us-east-1', ['us-east-1a', 'us-east-1-bos-1a', 'us-east-1-wl1-bos-wlz-1']]],
      [
        'us-east-1',
        'us-east-1-bos-1a',
        'us-east-1-bos-1a.us-east-1',
        'us-east-1-wl1-bos-wlz-1',
        'us-east-1-wl1-bos-wlz-1.us-east-1',
        'us-east-1a',
        'us-east-1a.us-east-1',
      ],
    ],
    [
      'GKE with an AI zone',
      [['a', 'us-central1', ['us-central1-a', 'us-central1-ai1a']]],
      [
        'us-central1',
        'us-central1-a',
        'us-central1-a.us-central1',
        'us-central1-ai1a',
        'us-central1-ai1a.us-central1',
      ],
    ],
    ['one data centre that is region and zone', [['a', 'dc1', ['dc1']]], ['dc1', 'dc1.dc1']],
  ];
  for (const [title, clusters, expected] of cases) {
    const f = makeFederation();
    for (const [name] of clusters) f.cluster(name, undefined, [], 'pending');
    for (const [name, region, zones] of clusters) f.cluster(name, region, zones);
    t.strictSame(
      f.builder
        .locationNames()
        .map(({ text }) => text)
        .toSorted(),
      expected,
      title,
    );
  }
  t.end();
});

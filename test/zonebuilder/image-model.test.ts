/** What is served after random changes of every kind, held against a plain reckoning of DESIGN's rules 1 to 6. */
import t from 'tap';
import type { ClusterState, ShardState } from '../../src/zonebuilder/facts.ts';
import { CAUSE, makeFederation, type Federation } from '../support/federation.ts';
import { lines } from '../support/message.ts';
import { announce, makeRandom, PLACES, randomShard, SERVICES, type Random } from '../support/random.ts';

/** The facts as they were told. */
interface Model {
  readonly clusters: Map<string, ClusterState>;
  /** By cluster, then Service. */
  readonly shards: Map<string, Map<string, ShardState>>;
}

function makeModel(): Model {
  return { clusters: new Map(), shards: new Map() };
}

function tellCluster(f: Federation, model: Model, state: ClusterState): void {
  f.builder.setCluster(state);
  model.clusters.set(state.name, state);
  if (!model.shards.has(state.name)) model.shards.set(state.name, new Map());
}

function nameOf({ service, namespace, federation }: ShardState): string {
  return `${service}.${namespace}.${federation}`;
}

/** Changes one thing of any kind, in the model and in the federation. */
function changeOne(random: Random, f: Federation, model: Model): void {
  const shard = randomShard(random);
  const place = random.pick(PLACES);
  const own = model.shards.get(shard.cluster);
  switch (random.below(12)) {
    case 0:
      f.builder.removeCluster(place.name);
      model.clusters.delete(place.name);
      model.shards.delete(place.name);
      return;
    case 1:
    case 2:
      tellCluster(f, model, randomState(random, place));
      return;
    case 3:
      if (own === undefined) return;
      f.builder.removeShard(shard, CAUSE);
      own.delete(nameOf(shard));
      return;
    case 4:
      if (own === undefined) return;
      replaceAll(random, f, own, shard.cluster);
      return;
    case 5:
      // Nothing of a batch may be lost, whatever order its parts come in.
      f.builder.batch(CAUSE, () => {
        for (let i = 0; i < 5; i++) upsert(f, model, randomShard(random));
      });
      return;
    default:
      upsert(f, model, shard);
  }
}

function upsert(f: Federation, model: Model, shard: ShardState): void {
  const own = model.shards.get(shard.cluster);
  if (own === undefined) return;
  f.builder.upsertShard(shard);
  own.set(nameOf(shard), shard);
}

function replaceAll(random: Random, f: Federation, own: Map<string, ShardState>, cluster: string): void {
  const shards = SERVICES.filter(() => random.oneIn(2)).map((name) => {
    const [service = '', namespace = '', federation = ''] = name.split('.');
    return { ...randomShard(random), cluster, service, namespace, federation };
  });
  f.builder.replaceShards(cluster, shards, CAUSE);
  own.clear();
  for (const shard of shards) own.set(nameOf(shard), shard);
}

/** Of places that are only observed it counts who was there first, which the reckoning below does not know. */
const CONFIGURED = { regionConfigured: true, zonesConfigured: true };

/** The cluster as it is, or moved to other zones or another region, in any state but `pending`. */
function randomState(random: Random, place: (typeof PLACES)[number]): ClusterState {
  const status = random.pick(['available', 'available', 'held', 'withdrawn'] as const);
  const { name } = place;
  if (!random.oneIn(3)) {
    const { region, zones } = place;
    return { name, zones, status, ...CONFIGURED, ...(region !== undefined && { region }) };
  }
  const region = random.pick(['us', 'eu', 'mars']);
  return {
    name,
    region,
    status,
    ...CONFIGURED,
    zones: ['us1', 'eu1', 'm1', 'nova'].filter(() => random.oneIn(2)),
  };
}

/** A level as the rules see it: the globe, a region, or a zone of a region. */
interface Level {
  readonly region: string | undefined;
  readonly zone: string | undefined;
}

/** The level that the labels behind `svc` name; undefined when they name none. */
function levelOf(model: Model, location: string): Level | undefined {
  const clusters = [...model.clusters.values()];
  if (location === '') return { region: undefined, zone: undefined };
  const isRegion = (label: string): boolean => clusters.some(({ region }) => region === label);
  if (isRegion(location)) return { region: location, zone: undefined };
  const [zone = '', region] = location.split('.');
  const regions = new Set(
    clusters.filter(({ zones }) => zones.includes(zone)).map((cluster) => cluster.region),
  );
  regions.delete(undefined);
  if (region !== undefined) return regions.has(region) ? { region, zone } : undefined;
  return regions.size === 1 ? { region: [...regions][0], zone } : undefined;
}

function isIn(cluster: ClusterState, shard: ShardState, { region, zone }: Level): boolean {
  if (region === undefined) return true;
  if (cluster.region !== region) return false;
  if (zone === undefined) return true;
  if (!cluster.zones.includes(zone)) return false;
  if (shard.readyZones === 'every' || cluster.zones.length === 1) return true;
  return (shard.addressZones ?? shard.readyZones).includes(zone);
}

/** Its addresses there: of Pods in one zone each, those that are in it. */
function addressesAt(
  cluster: ClusterState,
  { addresses, addressZones }: ShardState,
  level: Level,
): readonly string[] {
  if (level.zone === undefined || addressZones === undefined || cluster.zones.length === 1) return addresses;
  return addresses.filter((_, i) => addressZones[i] === level.zone);
}

/** The reply for a Service at a location, in the form of {@link served}. */
function expected(model: Model, service: string, location: string, family: 'A' | 'AAAA'): string {
  const level = levelOf(model, location);
  const shards = [...model.shards].flatMap(([cluster, own]) => {
    const shard = own.get(service);
    return shard === undefined ? [] : [{ cluster: model.clusters.get(cluster)!, shard }];
  });
  if (level === undefined || shards.length === 0) return 'NXDOMAIN';
  const healthy = shards.filter(
    ({ cluster, shard }) => cluster.status !== 'withdrawn' && shard.ready && shard.addresses.length > 0,
  );
  const records: string[] = [];
  let name = `${service}.svc${location === '' ? '' : `.${location}`}.example.com`;
  for (let here: Level = level; ; here = above(here)) {
    const found = healthy.filter(({ cluster, shard }) => isIn(cluster, shard, here));
    if (found.length > 0 || here.region === undefined) {
      const addresses = new Set(found.flatMap(({ cluster, shard }) => addressesAt(cluster, shard, here)));
      const wanted = [...addresses].filter((address) => address.includes(':') === (family === 'AAAA'));
      return [
        'NOERROR',
        ...[...records, ...wanted.map((address) => `${name} ${family} ${address}`)].toSorted(),
      ].join(' | ');
    }
    const up = above(here).region;
    const target = `${service}.svc${up === undefined ? '' : `.${up}`}.example.com`;
    records.push(`${name} CNAME ${target}.`);
    name = target;
  }
}

function above({ region, zone }: Level): Level {
  return { region: zone === undefined ? undefined : region, zone: undefined };
}

function served(f: Federation, name: string, family: 'A' | 'AAAA'): string {
  const reply = f.ask(name, family);
  return [reply.rcode, ...lines(reply.answer)].join(' | ');
}

const LOCATIONS = [
  '',
  'us',
  'eu',
  'asia',
  'mars',
  'us1',
  'us2.us',
  'us1.us',
  'us1.mars',
  'eu1.eu',
  'eu1',
  'm1.mars',
].concat(['m1', 'nova', 'nova.eu', 'nova.asia', 'asia2.asia', 'asia2', 'nope', 'us1.eu']);

t.test('every level of every Service after random changes', (t) => {
  const seed = 20261122;
  const random = makeRandom(seed);
  const f = makeFederation();
  const model = makeModel();
  announce(f);
  for (const { name, region, zones } of PLACES)
    tellCluster(f, model, {
      name,
      zones,
      status: 'available',
      ...CONFIGURED,
      ...(region !== undefined && { region }),
    });
  let compared = 0;
  for (let round = 0; round < 300; round++) {
    for (let i = 0; i < 4; i++) changeOne(random, f, model);
    if (round % 50 === 49) flood(f);
    for (let i = 0; i < 60; i++) {
      const [service, location, family] = [
        random.pick(SERVICES),
        random.pick(LOCATIONS),
        random.pick(['A', 'AAAA'] as const),
      ];
      const name = `${service}.svc${location === '' ? '' : `.${location}`}.example.com`;
      const actual = served(f, name, family);
      const wanted = expected(model, service, location, family);
      if (actual !== wanted) t.equal(actual, wanted, `${name} ${family} in round ${round}, seed ${seed}`);
      compared++;
    }
  }
  t.equal(compared, 18_000);
  t.ok(f.builder.memory.generation > 5, 'the image was replaced several times');
  t.equal(f.counters[7], 0, 'no query met a fault');
  t.end();
});

/** Thousands of other Services that come and go, so that table and arena are replaced and tombstones stay behind. */
function flood(f: Federation): void {
  f.cluster('flood', undefined, []);
  f.builder.batch(CAUSE, () => {
    for (let i = 0; i < 4000; i++)
      f.shard('flood', `s${i}.flood.f`, { addresses: [`10.0.${i >> 8}.${i & 255}`] });
  });
  f.builder.removeCluster('flood');
}

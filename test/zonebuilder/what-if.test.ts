/** What is foretold of drains, held against what is answered before and after they are set. */
import t from 'tap';
import { indexDrains, type DrainRule } from '../../src/zonebuilder/drains.ts';
import {
  changesUnder,
  lossesUnder,
  type NameAnswer,
  unweightedUnder,
} from '../../src/zonebuilder/what-if.ts';
import type { Federation } from '../support/federation.ts';
import { CAUSE, makeFederation } from '../support/federation.ts';
import { makeGuide, NGINX } from '../support/guide.ts';
import { allNames, announce, makeRandom, mutate, PLACES, SERVICES } from '../support/random.ts';

const RECORDS = [
  'www.example.com CNAME web.shop.f.svc.us.example.com',
  'vanity.example.com CNAME www.example.com',
  'example.com ALIAS web.shop.f.svc.example.com',
  'other.example.com CNAME elsewhere.example.net',
  'db.shop.f.svc.eu.example.com TXT "beside it"',
];
const NAMES = [...allNames(), 'www.example.com', 'vanity.example.com', 'other.example.com'];

const rule = (kind: DrainRule['kind'], name: string, percent = 0): DrainRule => ({ kind, name, percent });

/** What a name leads to as it is served: where its chain ends, and the addresses there. */
function served(f: Federation, name: string): string {
  const texts = ['A', 'AAAA', 'SRV'].map((type) => {
    const { answer } = f.ask(name, type);
    const records = answer.filter((record) => record.type === type);
    return records
      .map((record) => `${type} ${record.data}`)
      .toSorted()
      .join(' ');
  });
  return texts
    .join(' ')
    .trim()
    .replaceAll(/\.(?= |$)/g, '');
}

function foretold({ records }: NameAnswer): string {
  const texts = ['A', 'AAAA', 'SRV'].map((type) =>
    records
      .filter((set) => set.type === type)
      .flatMap(({ data }) => data.map((each) => `${type} ${each}`).toSorted())
      .join(' '),
  );
  return texts
    .join(' ')
    .trim()
    .replaceAll(/\.(?= |$)/g, '');
}

for (const whenNoneHealthy of ['nodata', 'nxdomain', 'lastKnown'] as const) {
  t.test(`the names that are told are those whose answers change: ${whenNoneHealthy}`, (t) => {
    const seed = 20261129;
    const random = makeRandom(seed);
    const f = makeFederation({ whenNoneHealthy, records: RECORDS });
    announce(f);
    let changed = 0;
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 8; i++) mutate(random, f);
      const rules = [
        rule('cluster', random.pick(PLACES).name),
        rule('region', random.pick(['us', 'eu', 'asia'])),
        rule('zone', random.pick(['us1.us', 'us2.us', 'nova.eu', 'nova.asia'])),
        rule('service', random.pick(SERVICES)),
      ].filter(() => random.oneIn(3));
      const told = new Map(
        [...changesUnder(f.builder, indexDrains(rules))].flatMap((row) => (row ? [[row.name, row]] : [])),
      );
      const losses = new Map(
        [...lossesUnder(f.builder, indexDrains(rules))].flatMap((loss) =>
          loss ? [[loss.service, loss]] : [],
        ),
      );
      const before = new Map(NAMES.map((name) => [name, served(f, name)]));
      const had = new Map(SERVICES.map((service) => [service, healthyTypes(f, service)]));
      f.builder.setDrains(rules, CAUSE);
      for (const name of NAMES) {
        const [was, is] = [before.get(name)!, served(f, name)];
        const row = told.get(`${name}.`);
        const text = `${name} with ${JSON.stringify(rules)} in round ${round}, seed ${seed}`;
        if (was !== is) changed++;
        if (was !== is && row === undefined) t.fail(`not told: ${text}: ${was} => ${is}`);
        if (row === undefined) continue;
        if (foretold(row.before) !== was) t.equal(foretold(row.before), was, `before ${text}`);
        if (foretold(row.after) !== is) t.equal(foretold(row.after), is, `after ${text}`);
      }
      for (const service of SERVICES) {
        const left = healthyTypes(f, service);
        const lost = had.get(service)!.filter((type) => !left.includes(type));
        t.strictSame(losses.get(service)?.types ?? [], lost, `what ${service} loses in round ${round}`);
      }
    }
    t.ok(changed > 300, `${changed} answers changed`);
    t.end();
  });
}

/** The families of which a healthy shard has an address. */
function healthyTypes(f: Federation, service: string): string[] {
  const view = f.builder.view(service);
  if (view === undefined || !view.verdicts.some(({ counts }) => counts)) return [];
  return [...(view.v4.pool.length > 0 ? ['A'] : []), ...(view.v6.pool.length > 0 ? ['AAAA'] : [])];
}

t.test('of the guide’s zone, its names and those that lead to it are told, with what they lead to', (t) => {
  const f = makeGuide();
  const rows = [...changesUnder(f.builder, indexDrains([rule('zone', 'us-central1-a.us-central1')]))].filter(
    (row) => row !== undefined,
  );
  const zone = rows.find(({ name }) => name === `${NGINX}.svc.us-central1-a.example.com.`)!;
  t.equal(zone.service, NGINX);
  t.equal(zone.before.at, zone.name);
  t.strictSame(zone.before.records, [{ type: 'A', ttlSeconds: 180, data: ['104.197.247.191'] }]);
  t.equal(zone.after.at, `${NGINX}.svc.us-central1.example.com.`);
  t.strictSame(zone.after.records[0]?.data, ['104.197.244.180', '104.197.245.170']);
  const unhealthy = rows.find(({ name }) => name === `${NGINX}.svc.us-central1-f.example.com.`);
  t.ok(unhealthy, 'an alias to the region, whose addresses change');
  t.notOk(
    rows.some(({ name }) => name.includes('us-east1')),
    'what has its own',
  );
  t.strictSame(
    [...changesUnder(f.builder, indexDrains([rule('zone', 'us-central1-f.us-central1')]))].filter(
      (row) => row !== undefined,
    ),
    [],
    'nothing healthy is there',
  );
  t.end();
});

t.test('a drain in part tells the weights, and which Services it does nothing for', (t) => {
  const f = makeFederation({ policies: { policy: 'weighted' } });
  f.cluster('c1', 'r1', []);
  f.cluster('c2', 'r2', []);
  for (const cluster of ['c1', 'c2']) {
    f.shard(cluster, 'a.n.f', { addresses: [`192.0.2.${cluster[1]}`], ready: true });
    f.shard(cluster, 'b.n.f', { addresses: [`192.0.2.${cluster[1]}`], ready: true, policy: 'all' });
  }
  const drains = indexDrains([rule('cluster', 'c1', 10)]);
  const rows = [...changesUnder(f.builder, drains)].filter((row) => row !== undefined);
  t.strictSame(
    rows.map(({ name, before, after }) => [name, before.weights, after.weights]),
    [
      [
        'a.n.f.svc.example.com.',
        'region r1 (1 of 2), region r2 (1 of 2)',
        'region r1 (1 of 11), region r2 (10 of 11)',
      ],
    ],
  );
  const unweighted = [...unweightedUnder(f.builder, drains)].filter((each) => each !== undefined);
  t.strictSame(unweighted, [{ service: 'b.n.f', policy: 'all' }]);
  t.end();
});

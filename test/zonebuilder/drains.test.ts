/** What a drain does to answers, held against a federation whose shards report unready instead. */
import t from 'tap';
import { explain } from '../../src/zonebuilder/explain.ts';
import type { DrainRule } from '../../src/zonebuilder/drains.ts';
import type { ShardState } from '../../src/zonebuilder/facts.ts';
import { WEIGHT_DEFAULT } from '../../src/zonebuilder/policy.ts';
import type { Federation } from '../support/federation.ts';
import { CAUSE, makeFederation, makeShard } from '../support/federation.ts';
import { makeGuide, NGINX } from '../support/guide.ts';
import { lines } from '../support/message.ts';
import {
  allNames,
  announce,
  makeRandom,
  PLACES,
  type Random,
  randomShard,
  SERVICES,
} from '../support/random.ts';

const GLOBAL = `${NGINX}.svc.example.com`;

function whole(text: string): DrainRule {
  const [, kind, name, cluster] = /^(\w+) (\S+)(?: in (\S+))?$/.exec(text)!;
  return { kind: kind as DrainRule['kind'], name: name!, percent: 0, ...(cluster && { cluster }) };
}

function answers(f: Federation, name: string, type: string): string {
  const { rcode, answer } = f.ask(name, type);
  return [rcode, ...lines(answer)].join(' | ');
}

function randomRules(random: Random): DrainRule[] {
  const zones = PLACES.flatMap((place) => place.zones.map((zone) => `${zone}.${place.region}`));
  const texts = [
    () => `cluster ${random.pick(PLACES).name}`,
    () => `region ${random.pick(['us', 'eu', 'asia', 'nowhere'])}`,
    () => `zone ${random.pick([...zones, 'nova.us'])}`,
    () => `zone ${random.pick(zones)}`,
    () => `service ${random.pick(SERVICES)}`,
    () => `service ${random.pick(SERVICES)} in ${random.pick(PLACES).name}`,
  ];
  return Array.from({ length: random.below(5) }, () => whole(random.pick(texts)()));
}

/** What a cluster would report of a shard whose endpoints in drained places were unready. */
function unready(shard: ShardState, rules: readonly DrainRule[]): ShardState {
  const place = PLACES.find(({ name }) => name === shard.cluster)!;
  const text = `${shard.service}.${shard.namespace}.${shard.federation}`;
  const isDrained = (target: string): boolean =>
    rules.some(
      ({ kind, name, cluster }) => target === [kind, name, ...(cluster ? ['in', cluster] : [])].join(' '),
    );
  const isOut =
    isDrained(`cluster ${place.name}`) ||
    isDrained(`region ${place.region}`) ||
    isDrained(`service ${text}`) ||
    isDrained(`service ${text} in ${place.name}`);
  const isEverywhere = shard.readyZones === 'every' || place.zones.length === 1;
  const zones: readonly string[] = isEverywhere ? place.zones : (shard.readyZones as readonly string[]);
  const left = zones.filter((zone) => !isDrained(`zone ${zone}.${place.region}`));
  if (isOut || (left.length === 0 && zones.length > 0)) return { ...shard, ready: false };
  if (left.length === zones.length) return shard;
  const { addressZones: _, ...rest } = shard;
  if (isEverywhere || shard.addressZones === undefined) return { ...rest, readyZones: left };
  const kept = shard.addresses.flatMap((address, i) => {
    const zone = shard.addressZones![i]!;
    return zone === '' || left.includes(zone) ? [[address, zone] as const] : [];
  });
  return {
    ...shard,
    // Without an address it would lose its names' addresses where nothing is healthy: unready says the same.
    ...(kept.length === 0
      ? { ready: false }
      : {
          addresses: kept.map(([address]) => address),
          addressZones: kept.map(([, zone]) => zone),
          readyZones: left,
        }),
  };
}

for (const policy of ['all', 'weighted', 'failover'] as const) {
  t.test(`a drain answers as if the endpoints were unready: policy ${policy}`, (t) => {
    const seed = 20261128;
    const random = makeRandom(seed);
    const policies = { policy, failover: ['eu', 'us'], weights: new Map([['us', 3]]) };
    const whenNoneHealthy = policy === 'all' ? 'nxdomain' : 'nodata';
    const drained = makeFederation({ whenNoneHealthy, policies });
    announce(drained);
    const facts = new Map<string, ShardState>();
    const names = allNames().filter((name) => /shop|blog|^svc/.test(name));
    for (let round = 0; round < 7; round++) {
      for (let i = 0; i < 10; i++) {
        const shard = randomShard(random);
        facts.set(`${shard.cluster} ${shard.service} ${shard.namespace}`, shard);
        drained.builder.upsertShard(shard);
      }
      const rules = randomRules(random);
      drained.builder.setDrains(rules, CAUSE);
      const reported = makeFederation({ whenNoneHealthy, policies });
      announce(reported);
      for (const shard of facts.values()) reported.builder.upsertShard(unready(shard, rules));
      for (const name of names) {
        const type = random.pick(['A', 'A', 'AAAA', 'SRV']);
        const actual = sortedAnswer(drained, name, type, policy);
        const expected = sortedAnswer(reported, name, type, policy);
        if (actual !== expected)
          t.equal(
            actual,
            expected,
            `${name} ${type} with ${JSON.stringify(rules)}, round ${round}, seed ${seed}`,
          );
      }

      t.strictSame(
        countHealthy(drained),
        countHealthy(reported),
        'and no more shards are counted as healthy',
      );
    }
    drained.builder.setDrains([], CAUSE);
    const undrained = makeFederation({ whenNoneHealthy, policies });
    announce(undrained);
    for (const shard of facts.values()) undrained.builder.upsertShard(shard);
    for (const name of names)
      t.equal(sortedAnswer(drained, name, 'A', policy), sortedAnswer(undrained, name, 'A', policy), name);
    t.end();
  });
}

function countHealthy(f: Federation): unknown {
  return [...f.builder.shardCounts()].map(([name, counts]) => [name, counts.healthyShards]);
}

/** Of a weighted Service the whole round, since each reply has one place of it. */
function sortedAnswer(f: Federation, name: string, type: string, policy: string): string {
  if (policy !== 'weighted') return answers(f, name, type);
  return [...new Set(Array.from({ length: 12 }, () => answers(f, name, type)))].toSorted().join(' / ');
}

t.test('the guide’s federation, drained', (t) => {
  const us = 'us-central1';
  const cases: readonly (readonly [string, readonly string[], string, string])[] = [
    ['nothing', [], `${NGINX}.svc.us-central1-a.${us}.example.com`, '104.197.247.191'],
    [
      'its zone: the region answers',
      [`zone us-central1-a.${us}`],
      `${NGINX}.svc.us-central1-a.${us}.example.com`,
      '104.197.244.180 104.197.245.170',
    ],
    [
      'its cluster: the same',
      ['cluster gce-us-central1-a'],
      `${NGINX}.svc.us-central1-a.${us}.example.com`,
      '104.197.244.180 104.197.245.170',
    ],
    [
      'a zone of that name elsewhere: nothing changes',
      ['zone us-central1-a.us-east1'],
      `${NGINX}.svc.us-central1-a.${us}.example.com`,
      '104.197.247.191',
    ],
    [
      'its region: the globe answers',
      [`region ${us}`],
      `${NGINX}.svc.us-central1-a.${us}.example.com`,
      '104.196.14.231 104.196.14.232 104.196.14.233 130.211.56.221 130.211.57.243',
    ],
    [
      'the Service there',
      [`service ${NGINX} in gce-us-central1-a`],
      `${NGINX}.svc.us-central1-a.${us}.example.com`,
      '104.197.244.180 104.197.245.170',
    ],
    [
      'another Service',
      ['service web.mynamespace.myfederation'],
      GLOBAL,
      '104.196.14.231 104.196.14.232 104.196.14.233 104.197.244.180 104.197.245.170 104.197.247.191 130.211.56.221 130.211.57.243',
    ],
    ['the Service as a whole', [`service ${NGINX}`], GLOBAL, ''],
  ];
  for (const [title, rules, name, expected] of cases) {
    const f = makeGuide();
    f.builder.setDrains(rules.map(whole), CAUSE);
    const { rcode, answer } = f.ask(name, 'A');
    t.equal(rcode, 'NOERROR', title);
    const addresses = answer.filter(({ type }) => type === 'A').map(({ data }) => data);
    t.equal(addresses.toSorted().join(' '), expected, title);
  }
  t.end();
});

t.test('with lastKnown a Service that is drained as a whole has the addresses that it had', (t) => {
  const f = makeGuide({ whenNoneHealthy: 'lastKnown' });
  const healthy = f.ask(GLOBAL, 'A').answer.length;
  f.builder.setDrains([whole(`service ${NGINX}`)], CAUSE);
  t.equal(f.ask(GLOBAL, 'A').answer.length, 13);
  t.not(healthy, 13);
  t.end();
});

t.test('only what a drain concerns is published, under one serial, and nothing for the same again', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'r1', ['z1', 'z2']);
  f.cluster('c2', 'r2', ['z3']);
  f.shard('c1', 'a.n.f', { addresses: ['192.0.2.1'], readyZones: ['z1'] });
  f.shard('c1', 'b.n.f', { addresses: ['192.0.2.2'], readyZones: ['z2'], ttlSeconds: 400 });
  f.shard('c2', 'c.n.f', { addresses: ['192.0.2.3'], ready: true, ttlSeconds: 30 });
  f.shard('c2', 'd.n.f', { addresses: ['192.0.2.4'], ready: false });
  const cases: readonly (readonly [readonly string[], readonly string[], number])[] = [
    [['zone z1.r1'], ['a.n.f'], 180],
    [['zone z1.r1'], [], 0],
    [['zone z2.r1'], ['a.n.f', 'b.n.f'], 400],
    [['region r2', 'zone z2.r1'], ['c.n.f'], 180],
    [['cluster c2', 'zone z2.r1'], [], 0],
    [['service b.n.f'], ['c.n.f'], 180],
    [[], ['b.n.f'], 400],
  ];
  for (const [rules, services, ttlSecondsMax] of cases) {
    const before = f.changes.length;
    const effect = f.builder.setDrains(rules.map(whole), CAUSE);
    t.strictSame(
      f.changes.slice(before).map((change) => change.services.toSorted()),
      services.length > 0 ? [services] : [],
      rules.join(),
    );
    t.strictSame(effect, { services: services.length, ttlSecondsMax }, rules.join());
  }
  t.end();
});

t.test('facts that come while something is drained count as they would', (t) => {
  const f = makeFederation();
  f.builder.setDrains([whole('region r1'), whole('zone z3.r2')], CAUSE);
  f.cluster('c1', 'r1', ['z1']);
  f.shard('c1', 'a.n.f', { addresses: ['192.0.2.1'], ready: true });
  const count = (): unknown => [...f.builder.shardCounts()].map(([, { healthyShards }]) => healthyShards);
  const ask = (): string => answers(f, 'a.n.f.svc.example.com', 'A');
  t.equal(ask(), 'NOERROR', 'a cluster that joins a drained region');
  t.strictSame(count(), [0]);
  f.cluster('c1', 'r3', ['z1']);
  t.match(ask(), /192\.0\.2\.1/, 'one that moves out of it');
  t.strictSame(count(), [1]);
  f.cluster('c1', 'r2', ['z3']);
  t.equal(ask(), 'NOERROR', 'one that moves into a drained zone');
  t.strictSame(count(), [0]);
  f.cluster('c1', 'r2', ['z3', 'z4']);
  t.match(ask(), /192\.0\.2\.1/, 'one that gets another zone beside it');
  t.strictSame(count(), [1]);
  f.shard('c1', 'a.n.f', { addresses: ['192.0.2.1'], ready: true, readyZones: ['z3'] });
  t.strictSame(count(), [0]);
  f.builder.removeShard({ cluster: 'c1', service: 'a', namespace: 'n', federation: 'f' }, CAUSE);
  f.builder.setDrains([], CAUSE);
  t.strictSame(count(), [0]);
  t.end();
});

t.test('a drain in part scales weights, and leaves other policies alone', (t) => {
  const partly = (text: string, percent: number): DrainRule => ({ ...whole(text), percent });
  const cases: readonly (readonly [string, readonly DrainRule[], Record<string, number>])[] = [
    ['nothing', [], { r1: 1, r2: 1 }],
    ['a region', [partly('region r1', 10)], { r1: 1, r2: 10 }],
    ['its weight is a third', [partly('region r2', 33)], { r1: 100, r2: 33 }],
    ['both the same', [partly('region r1', 50), partly('region r2', 50)], { r1: 1, r2: 1 }],
    ['one cluster of a region', [partly('cluster c1', 10)], { c1: 1, c3: 10, r2: 20 }],
    ['all clusters of a region', [partly('cluster c1', 10), partly('cluster c3', 10)], { r1: 1, r2: 10 }],
    ['twice', [partly('cluster c2', 50), partly('region r2', 50)], { r1: 4, r2: 1 }],
    ['the only zone of a cluster', [partly('zone z2.r2', 20)], { r1: 5, r2: 1 }],
    ['a zone of a cluster with others', [partly('zone z1.r1', 20)], { r1: 1, r2: 1 }],
    ['the Service in one cluster', [partly('service a.n.f in c2', 25)], { r1: 4, r2: 1 }],
    ['what is drained as a whole', [partly('region r1', 10), whole('region r1')], { r2: 1 }],
  ];
  for (const [title, rules, weights] of cases) {
    const f = makeFederation({ policies: { policy: 'weighted' } });
    f.cluster('c1', 'r1', ['z1', 'z9']);
    f.cluster('c2', 'r2', ['z2']);
    f.cluster('c3', 'r1', ['z1', 'z9']);
    for (const cluster of ['c1', 'c2', 'c3'])
      f.shard(cluster, 'a.n.f', { addresses: [`192.0.2.${cluster[1]}`], ready: true });
    f.builder.setDrains(rules, CAUSE);
    const { policy } = f.builder.view('a.n.f')!;
    t.equal(policy.kind, 'weighted');
    const names = new Map(f.builder.locationNames().map(({ location, text }) => [location.id, text]));
    const actual = (policy.kind === 'weighted' ? policy.places : []).map(({ place, weight }) => [
      place > 0xffff ? f.builder.clusterName(place & 0xffff) : names.get(place),
      weight,
    ]);
    const measure =
      Math.min(...Object.values(weights)) / Math.min(...actual.map(([, weight]) => Number(weight)));
    t.strictSame(
      Object.fromEntries(actual.map(([name, weight]) => [name, Number(weight) * measure])),
      weights,
      title,
    );
  }
  t.equal(WEIGHT_DEFAULT, 1);
  const f = makeGuide();
  const before = answers(f, GLOBAL, 'A');
  f.builder.setDrains([partly('region us-central1', 10)], CAUSE);
  t.equal(lines(f.ask(GLOBAL, 'A').answer).length, before.split(' | ').length - 1);
  t.end();
});

t.test('explain names the drain, and what else is wrong', (t) => {
  const partly: DrainRule = { kind: 'region', name: 'us', percent: 10 };
  const cases: readonly (readonly [readonly DrainRule[], Partial<ShardState>, RegExp])[] = [
    [[whole('zone us1.us')], {}, /c1 \(us us1 us2\): healthy, not in us1 \(zone us1\.us\); addresses/],
    [[whole('zone us1.us'), whole('zone us2.us')], {}, /: drained \(zone us1\.us, zone us2\.us\); addresses/],
    [[whole('cluster c1')], {}, /: drained \(cluster c1\)/],
    [
      [whole('cluster c1')],
      { ready: false },
      /: unhealthy, no endpoint is ready; also drained \(cluster c1\)/,
    ],
    [[whole('cluster c2')], {}, /: healthy; addresses/],
    [[whole('service web.n.f in c1')], {}, /: drained \(service web\.n\.f in c1\)/],
    [[partly], {}, /: healthy, with 10 % of its weight where the policy is weighted \(region us to 10 %\)/],
    [[partly, whole('service web.n.f')], {}, /: drained \(region us to 10 %, service web\.n\.f\)/],
  ];
  for (const [rules, facts, expected] of cases) {
    const f = makeFederation();
    f.cluster('c1', 'us', ['us1', 'us2']);
    f.builder.upsertShard(makeShard('c1', 'web.n.f', { addresses: ['192.0.2.1'], ready: true, ...facts }));
    f.builder.setDrains(rules, CAUSE);
    const soa = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: [] };
    const { steps } = explain(f.builder, { name: 'web.n.f.svc.example.com', type: 'A' }, soa);
    t.match(steps.find(({ rule }) => rule === 'shard')?.text, expected);
  }
  t.end();
});

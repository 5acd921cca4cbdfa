import { test } from 'tap';
import { countingShards, remainingUnder, type Remaining } from '../../src/zonebuilder/remaining.ts';
import type { DrainTarget } from '../../src/zonebuilder/drains.ts';
import { CAUSE, makeFederation, type Federation } from '../support/federation.ts';

/** Two regions: eu with a cluster of two zones and one of one zone, us with one cluster. */
function world(): Federation {
  const f = makeFederation();
  f.cluster('eu-1', 'eu', ['eu-a', 'eu-b']);
  f.cluster('eu-2', 'eu', ['eu-a']);
  f.cluster('us-1', 'us', ['us-a']);
  for (const [i, cluster] of ['eu-1', 'eu-2', 'us-1'].entries()) {
    f.shard(cluster, 'web.shop.f', { addresses: [`192.0.2.${i}`] });
    f.shard(cluster, 'db.shop.f', { addresses: [`192.0.2.1${i}`], ready: cluster !== 'us-1' });
  }
  f.shard('us-1', 'alone.shop.f', { addresses: ['192.0.2.20'] });
  return f;
}

const EVERYTHING = { remaining: 3, missing: [] };

test('what a drain leaves of each Service that it takes something of', async (t) => {
  const cases: readonly (readonly [
    about: string,
    target: DrainTarget,
    left: Readonly<Record<string, Omit<Remaining, 'service'>>>,
  ])[] = [
    [
      'a region',
      { kind: 'region', name: 'eu' },
      { web: { remaining: 1, missing: [] }, db: { remaining: 0, missing: ['us-1 (notReady)'] } },
    ],
    [
      'a region whose shard is down already is not touched there',
      { kind: 'region', name: 'us' },
      { web: { remaining: 2, missing: [] }, alone: { remaining: 0, missing: [] } },
    ],
    [
      'a zone: a cluster of two goes on in the other',
      { kind: 'zone', name: 'eu-a.eu' },
      { web: { remaining: 2, missing: [] }, db: { remaining: 1, missing: ['us-1 (notReady)'] } },
    ],
    [
      'a zone that takes no shard as a whole',
      { kind: 'zone', name: 'eu-b.eu' },
      { web: EVERYTHING, db: { remaining: 2, missing: ['us-1 (notReady)'] } },
    ],
    [
      'a cluster',
      { kind: 'cluster', name: 'us-1' },
      { web: { remaining: 2, missing: [] }, alone: { remaining: 0, missing: [] } },
    ],
    ['a place where nothing is', { kind: 'region', name: 'asia' }, {}],
  ];
  for (const [about, target, left] of cases) {
    const { builder } = world();
    const found = [...remainingUnder(builder, target)].flatMap((one) => one ?? []);
    const texts = Object.fromEntries(
      found.map(({ service, ...rest }) => [service.slice(0, service.indexOf('.')), rest]),
    );
    t.strictSame(texts, left, about);
    builder.setDrains([{ ...target, percent: 0 }], CAUSE);
    for (const { service, remaining } of found)
      t.equal(countingShards(builder, service), remaining, `${about}: ${service} is what was foretold`);
  }
});

test('what others have drained is missing', async (t) => {
  const { builder } = world();
  builder.setDrains([{ kind: 'cluster', name: 'us-1', percent: 0 }], CAUSE);
  const [web] = [...remainingUnder(builder, { kind: 'cluster', name: 'eu-2' })].flatMap((one) => one ?? []);
  t.match(web, { remaining: 1, missing: ['us-1 (drained)'] });
  t.equal(countingShards(builder, 'nothing.of.it'), 0);
});

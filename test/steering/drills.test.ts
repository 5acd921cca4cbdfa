import { test } from 'tap';
import { parseBlocked } from '../../src/config/steering-text.ts';
import type { DrillSettings } from '../../src/config/settings.ts';
import type { DrillKeeper } from '../../src/steering/drills/drill-keeper.ts';
import { dated } from '../support/dated.ts';
import { keepDrills, lookOf, makeWorld, type World } from './drill-world.ts';

const HOUR_MS = 3_600_000;
const NAME = 'web.shop.f.svc.eu.example.com';

const DRILL: DrillSettings = {
  name: 'nightly',
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  what: { kind: 'zone', name: 'eu-a' },
  forSeconds: 1800,
  blocked: [],
};

/** Two days before summer time ends in Berlin, in the evening. */
const EVENING = '2026-10-23T18:00Z';

/** Runs a test of one keeper in time that stands still. */
async function withKeeper(
  work: (world: World, keeper: DrillKeeper) => Promise<void>,
  drills: readonly DrillSettings[] = [DRILL],
  start = EVENING,
): Promise<void> {
  const world = makeWorld(start);
  await dated(world.time.clock, async () => {
    const keeper = await keepDrills(world, drills);
    await work(world, keeper);
    await keeper.stop();
    // The drain of a drill is gone with it, whatever happened.
    const left = [...world.drains.values()].filter(({ by }) => by.startsWith('drill '));
    if (left.length > 0) throw new Error(`left drained: ${JSON.stringify(left)}`);
  });
}

/** What a name is answered with: addresses, or where its alias leads. */
function answer({ f }: World, name = NAME): string[] {
  return f
    .ask(name, 'A')
    .answer.map(({ data }) => data)
    .toSorted();
}

test('a drill runs each night by the clock of its zone, and ends by itself, also where summer time ends', async (t) => {
  await withKeeper(async (world, keeper) => {
    const { time, events } = world;
    const before = answer(world);
    t.equal(new Date(keeper.views()[0]!.nextMs).toISOString(), '2026-10-24T00:30:00.000Z');
    for (const [begin, utc] of [
      ['the last night of summer time', '2026-10-24T00:30Z'],
      ['the night in which 2:30 comes twice', '2026-10-25T01:30Z'],
      ['the first night of winter time', '2026-10-26T01:30Z'],
    ] as const) {
      await time.advance(Date.parse(utc) - time.clock() - 1000);
      t.equal(keeper.running, undefined, `${begin}: not a second before`);
      t.strictSame(answer(world), before);
      await time.advance(2000);
      t.equal(keeper.running, 'nightly', `${begin}: it runs`);
      t.not(answer(world).length, 0);
      t.notMatch(answer(world), before, 'the zone is drained');
      world.queries += 1000;
      await time.advance(HOUR_MS / 2 - 3000);
      t.equal(keeper.running, 'nightly', 'up to its last second');
      await time.advance(3000);
      t.equal(keeper.running, undefined, 'and no longer');
      t.strictSame(answer(world), before, 'what was answered before is answered again');
    }
    t.match(
      events.map(({ what }) => what),
      ['drillBegun', 'drillEnded', 'drillBegun', 'drillEnded', 'drillBegun', 'drillEnded'],
    );
    t.match(events[1], {
      subject: 'nightly',
      by: 'calendar',
      text: /^succeeded after 1800 s: \d+ names of 2 Services/,
    });
    t.match(keeper.views()[0]!.last, {
      outcome: 'succeeded',
      run: { services: 2, queries: 1000, lowest: { shards: 2 } },
    });
  });
});

/** What keeps a drill from beginning: what is done, what it is then refused for, and what is the nearest thing that is fine. */
const obstacles: readonly {
  readonly about: string;
  readonly code: string;
  readonly prepare: (world: World) => void;
  readonly settings?: Partial<DrillSettings>;
}[] = [
  {
    about: 'a place that there is not',
    code: 'unknown',
    prepare: () => {},
    settings: { what: { kind: 'region', name: 'mars' } },
  },
  {
    about: 'a cluster without a Service',
    code: 'nothing',
    prepare: ({ f }) => f.cluster('empty-1', 'empty', []),
    settings: { what: { kind: 'cluster', name: 'empty-1' } },
  },
  {
    about: 'something that the guard holds',
    code: 'guard',
    prepare: ({ held }) => held.push('us-1: 3 shards'),
  },
  {
    about: 'a shard that is down beyond the zone',
    code: 'unhealthy',
    prepare: (world) => world.flip('us-1', 'web.shop.f', false),
  },
  {
    about: 'a cluster that is out of contact beyond the zone',
    code: 'silent',
    prepare: ({ f }) => f.cluster('us-1', 'us', ['us-a'], 'held'),
  },
  {
    about: 'a drain of somebody',
    code: 'drains',
    prepare(world) {
      const target = { kind: 'cluster', name: 'us-1' } as const;
      world.drains.set('cluster us-1', { target, percent: 0, by: 'admin token', sinceMs: 0 });
      world.drained();
    },
  },
  {
    about: 'a Service that is nowhere else',
    code: 'empties',
    prepare: ({ f }) => f.shard('eu-1', 'lonely.shop.f', { addresses: ['192.0.2.99'] }),
  },
  {
    about: 'a refusal by whoever keeps the drains',
    code: 'order',
    prepare: (world) => (world.refusal = 'the disk is full'),
  },
  {
    about: 'a blocked time',
    code: 'blocked',
    prepare: () => {},
    settings: { blocked: [parseBlocked('02:00 - 03:00')] },
  },
];

for (const { about, code, prepare, settings } of obstacles) {
  test(`no drill begins with ${about}`, async (t) => {
    await withKeeper(
      async (world, keeper) => {
        prepare(world);
        const before = answer(world);
        await world.time.advance(Date.parse('2026-10-24T00:31Z') - world.time.clock());
        t.equal(keeper.running, undefined);
        t.strictSame(answer(world), before, 'nothing is drained');
        const { last } = keeper.views()[0]!;
        t.match(last, { code, outcome: code === 'blocked' ? 'skipped' : 'refused' });
        t.equal(last?.run, undefined, 'and nothing has run');
        t.match(world.events, [{ what: 'drillEnded', why: last!.why }], 'the journal says why');
        if (code !== 'order')
          t.match(
            await keeper.begin('nightly', 'somebody', true),
            { kind: 'refused', code },
            'a dry run says the same',
          );
      },
      [{ ...DRILL, ...settings }],
    );
  });
}

test('what is wrong within the zone itself keeps no drill from beginning', async (t) => {
  await withKeeper(async (world, keeper) => {
    world.flip('eu-1', 'db.shop.f', false);
    t.match(await keeper.begin('nightly', 'somebody'), { kind: 'begun' });
    // Of db nothing is taken, so it has no say.
    world.flip('us-1', 'db.shop.f', false);
    await world.time.advance(5000);
    t.equal(keeper.running, 'nightly');
    t.match(keeper.views()[0]!.running, { lowest: { service: 'web.shop.f', shards: 2 } });
  });
});

/** What ends a drill that runs. */
const endings: readonly {
  readonly about: string;
  readonly code: string;
  readonly outcome: string;
  readonly happen: (world: World, keeper: DrillKeeper) => unknown;
  /** Nothing tells of it, so that it is seen at the next look. */
  readonly isSeenLater?: true;
}[] = [
  {
    about: 'a remaining shard that falls',
    code: 'shards',
    outcome: 'failed',
    happen: (world) => world.flip('us-1', 'db.shop.f', false),
  },
  {
    about: 'a cluster beyond the zone that is silent',
    code: 'silent',
    outcome: 'failed',
    happen: ({ f }) => f.cluster('asia-1', 'asia', ['asia-a'], 'held'),
    isSeenLater: true,
  },
  {
    about: 'something that the guard holds',
    code: 'guard',
    outcome: 'failed',
    happen: ({ held }) => held.push('us-1: 3 shards'),
    isSeenLater: true,
  },
  {
    about: 'a drain that somebody orders',
    code: 'drains',
    outcome: 'interrupted',
    happen(world) {
      const target = { kind: 'cluster', name: 'us-1' } as const;
      world.drains.set('cluster us-1', { target, percent: 0, by: 'admin token', sinceMs: 0 });
      world.onChange();
    },
  },
  {
    about: 'the end of its drain by somebody else',
    code: 'undrained',
    outcome: 'interrupted',
    happen(world) {
      world.drains.clear();
      world.drained();
    },
  },
  {
    about: 'an operator',
    code: 'operator',
    outcome: 'interrupted',
    happen: (_world, keeper) => keeper.end('nightly', 'somebody'),
  },
  {
    about: 'a configuration that has no such drill any more',
    code: 'configuration',
    outcome: 'interrupted',
    happen: (_world, keeper) => keeper.adopt([]),
  },
  {
    about: 'a configuration in which it is another',
    code: 'configuration',
    outcome: 'interrupted',
    happen: (_world, keeper) => keeper.adopt([{ ...DRILL, forSeconds: 60 }]),
  },
  {
    about: 'the end of fedns',
    code: 'stopped',
    outcome: 'interrupted',
    happen: (_world, keeper) => keeper.stop(),
  },
];

for (const { about, code, outcome, happen, isSeenLater } of endings) {
  test(`a drill ends at once with ${about}`, async (t) => {
    await withKeeper(async (world, keeper) => {
      const before = answer(world);
      await keeper.begin('nightly', 'somebody');
      await world.time.advance(600_000);
      t.equal(keeper.running, 'nightly');
      await happen(world, keeper);
      await world.time.advance(isSeenLater === true ? 1000 : 0);
      t.equal(keeper.running, undefined);
      t.notOk(
        [...world.drains.values()].some(({ by }) => by === 'drill nightly'),
        'undrained',
      );
      if (code !== 'drains') t.strictSame(answer(world), before, 'the zone answers again');
      const [report] = world.kept.drills!.reports;
      t.match(report, { code, outcome, by: 'somebody', run: { services: 2 } });
      t.equal(world.events.at(-1)?.what, 'drillEnded');
      const ended = world.events.length;
      await world.time.advance(HOUR_MS);
      t.equal(world.events.length, ended, 'and it ends once');
    });
  });
}

test('the report has the fewest shards that were left', async (t) => {
  await withKeeper(async (world, keeper) => {
    await keeper.begin('nightly', 'somebody');
    world.flip('us-1', 'db.shop.f', false);
    await world.time.advance(0);
    t.match(world.kept.drills!.reports[0]!.run, { lowest: { service: 'db.shop.f', shards: 1 } });
    t.match(world.events.at(-1)!.why, /db\.shop\.f: 1 of the 2 shards/);
  });
});

test('another configuration of something else leaves a drill alone', async (t) => {
  const other = { ...DRILL, name: 'other', cron: '0 12 * * *' };
  await withKeeper(async (world, keeper) => {
    await keeper.begin('nightly', 'somebody');
    await keeper.adopt([{ ...DRILL }, other]);
    await world.time.advance(1000);
    t.equal(keeper.running, 'nightly');
    t.match(await keeper.begin('other', 'somebody'), { kind: 'refused', code: 'running' }, 'one at a time');
    t.match(await keeper.begin('nightly', 'somebody'), { kind: 'refused', code: 'running' });
    t.match(await keeper.begin('none', 'somebody'), { kind: 'absent' });
    t.match(await keeper.end('other', 'somebody'), { kind: 'idle' });
    t.match(await keeper.end('none', 'somebody'), { kind: 'absent' });
  });
});

test('a drill that was running when fedns was killed is ended at its start, and reports are kept', async (t) => {
  const world = makeWorld(EVENING);
  await dated(world.time.clock, async () => {
    const before = answer(world);
    const killed = await keepDrills(world, [DRILL]);
    await killed.begin('nightly', 'somebody');
    const kept = structuredClone(world.kept);
    const drains = new Map(world.drains);
    await killed.stop();
    // As it was at the moment of the kill.
    Object.assign(world.kept, kept);
    for (const [key, drain] of drains) world.drains.set(key, drain);
    world.drained();
    t.notMatch(answer(world), before);
    const keeper = await keepDrills(world, [DRILL]);
    t.strictSame(answer(world), before);
    t.match(keeper.views()[0]!.last, {
      code: 'restarted',
      outcome: 'interrupted',
      run: { names: 10, services: 2 },
    });
    await keeper.stop();
    const again = await keepDrills(world, [DRILL]);
    t.match(again.views()[0]!.last, { code: 'restarted' }, 'the report outlives another restart');
    await again.stop();
  });
});

test('of several fedns with the same drains, one runs the drill, and any of them stops it', async (t) => {
  const world = makeWorld(EVENING);
  await dated(world.time.clock, async () => {
    const one = await keepDrills(world, [DRILL]);
    // Each has a state folder of its own.
    world.kept.drills = undefined;
    const other = await keepDrills(world, [DRILL]);
    world.onChange = (services) => {
      lookOf(one, services);
      lookOf(other, services);
    };
    await world.time.advance(Date.parse('2026-10-24T00:31Z') - world.time.clock());
    t.strictSame([one.running, other.running], ['nightly', undefined]);
    t.match(other.views()[0]!.last, { outcome: 'skipped', code: 'elsewhere' });
    t.match(await other.begin('nightly', 'somebody'), { kind: 'refused', code: 'drains' });
    t.match(await other.end('nightly', 'somebody'), { kind: 'ended', report: { code: 'operator' } });
    await world.time.advance(0);
    t.strictSame([one.running, other.running], [undefined, undefined]);
    t.match(one.views()[0]!.last, { code: 'undrained', run: { services: 2 } });
    t.equal(world.drains.size, 0);
    await one.stop();
    await other.stop();
  });
});

test('a shard that falls and nobody tells of is found within ten looks', async (t) => {
  await withKeeper(async (world, keeper) => {
    await keeper.begin('nightly', 'somebody');
    world.onChange = () => {};
    world.flip('asia-1', 'db.shop.f', false);
    t.equal(keeper.running, 'nightly');
    await world.time.advance(10_000);
    t.equal(keeper.running, undefined);
    t.match(world.kept.drills!.reports, [
      { code: 'shards', run: { lowest: { service: 'db.shop.f', shards: 1 } } },
    ]);
  });
});

test('a clock that is put back makes no drill longer', async (t) => {
  await withKeeper(async (world, keeper) => {
    await keeper.begin('nightly', 'somebody');
    world.time.step(-HOUR_MS);
    await world.time.advance(DRILL.forSeconds * 1000 + 1000);
    t.equal(keeper.running, undefined);
    t.match(world.kept.drills!.reports, [{ code: 'elapsed' }]);
  });
});

test('a stop that is taken back has ended the drill, and the next begins', async (t) => {
  await withKeeper(async (world, keeper) => {
    await keeper.begin('nightly', 'somebody');
    await keeper.stop();
    t.match(await keeper.begin('nightly', 'somebody'), { kind: 'absent' });
    t.match(world.kept.drills!.reports, [{ code: 'stopped' }]);
    keeper.resume();
    await keeper.adopt([DRILL]);
    await world.time.advance(Date.parse('2026-10-24T00:31Z') - world.time.clock());
    t.equal(keeper.running, 'nightly');
  });
});

test('a plan that is under way comes before a drill', async (t) => {
  const world = makeWorld(EVENING);
  await dated(world.time.clock, async () => {
    const keeper = await keepDrills(world, [DRILL], () => 'leave-eu');
    t.match(await keeper.begin('nightly', 'somebody'), { kind: 'refused', code: 'plan' });
    await keeper.stop();
  });
});

test('a dry run tells the names that would change, and changes none', async (t) => {
  await withKeeper(async (world, keeper) => {
    const before = answer(world);
    const outcome = await keeper.begin('nightly', 'somebody', true);
    t.equal(outcome.kind, 'would');
    const { forecast } = outcome as Extract<typeof outcome, { kind: 'would' }>;
    t.ok(forecast.changes.some(({ name }) => name === `${NAME}.`));
    t.strictSame(answer(world), before);
    t.equal(world.drains.size + world.events.length, 0);
  });
});

test('a zone that comes back while it is drilled changes nothing, and its own fall ends nothing', async (t) => {
  await withKeeper(async (world, keeper) => {
    await keeper.begin('nightly', 'somebody');
    world.flip('eu-1', 'web.shop.f', false);
    world.flip('eu-1', 'web.shop.f', true);
    world.f.builder.setCluster({ name: 'eu-1', region: 'eu', zones: ['eu-a'], status: 'held' });
    world.onChange();
    await world.time.advance(60_000);
    t.equal(keeper.running, 'nightly');
  });
});

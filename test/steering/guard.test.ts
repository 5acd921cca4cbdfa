import t from 'tap';
import { cause, Guarded, idOf, names, shard, sliceless, unready } from './guarded.ts';

const THREE = ['eu', 'us', 'asia'];

/** What happens, and what is served of it a moment later. */
interface Scenario {
  readonly title: string;
  /** Default: three clusters with 20 Services each. */
  readonly start?: (guarded: Guarded) => void;
  readonly happens: (guarded: Guarded) => void;
  /** Healthy shards in the answers afterwards, of eu, us and asia. */
  readonly served: readonly [number, number, number];
  /** What the guard told. */
  readonly told: readonly string[];
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'a Service deleted in one of three clusters is followed at once',
    happens: (guarded) => guarded.delete('eu', ['a0']),
    served: [19, 20, 20],
    told: [],
  },
  {
    title: 'a Service deleted in one cluster after the other keeps the last one that answers',
    happens: (guarded) => THREE.forEach((cluster) => guarded.delete(cluster, ['a0'])),
    served: [19, 19, 20],
    told: ['hold empty asia 1'],
  },
  {
    title: 'a Service that is there and not published any more is followed at once, in the last cluster too',
    happens: (guarded) => {
      guarded.unpublished.add('a0.web.f');
      THREE.forEach((cluster) => guarded.delete(cluster, ['a0']));
    },
    served: [19, 19, 19],
    told: [],
  },
  {
    title:
      'a list without Services that are there and not published any more is followed, as after a reload with a filter',
    happens: (guarded) => {
      names(20).forEach((name) => guarded.unpublished.add(`${name}.web.f`));
      THREE.forEach((cluster) => guarded.list(cluster, []));
    },
    served: [0, 0, 0],
    told: [],
  },
  {
    title: 'a list that has lost most of a region is held',
    happens: (guarded) => guarded.list('eu', names(4)),
    served: [20, 20, 20],
    told: ['hold fraction eu 16'],
  },
  {
    title: 'a list that has lost half of a region, and not more, is followed',
    happens: (guarded) => guarded.list('eu', names(10)),
    served: [10, 20, 20],
    told: [],
  },
  {
    title: "a cluster's list that comes back empty is held",
    happens: (guarded) => guarded.list('eu', []),
    served: [20, 20, 20],
    told: ['hold fraction eu 20'],
  },
  {
    title: 'a cluster with few Services that loses them all is followed, for the names have others',
    start: (guarded) => guarded.join(...THREE).up(THREE, names(9)),
    happens: (guarded) => guarded.list('eu', []),
    served: [0, 9, 9],
    told: [],
  },
  {
    title: 'a namespace deleted Service by Service is held once it is too much of a region',
    happens: (guarded) => guarded.delete('eu', names(15)),
    served: [10, 20, 20],
    told: ['hold fraction eu 1'],
  },
  {
    title: 'a namespace deleted slowly, half of it within a window, is followed',
    happens: (guarded) => {
      guarded.delete('eu', names(8));
      guarded.time.advance(61_000);
      guarded.delete('eu', names(6, 'b'));
    },
    start: (guarded) => guarded.join(...THREE).up(THREE, [...names(10), ...names(10, 'b')]),
    served: [6, 20, 20],
    told: [],
  },
  {
    title: 'a controller that deletes the slices of all Services is held',
    happens: (guarded) => names(20).forEach((name) => guarded.guard.upsertShard(sliceless('eu', name))),
    served: [10, 20, 20],
    told: ['hold fraction eu 1'],
  },
  {
    title: 'a region whose endpoints all report unready is followed at once: it is an outage',
    happens: (guarded) => names(20).forEach((name) => guarded.guard.upsertShard(unready('eu', name))),
    served: [0, 20, 20],
    told: [],
  },
  {
    title:
      'all endpoints of all clusters that report unready are followed at once, whatever becomes of the names',
    happens: (guarded) =>
      THREE.forEach((cluster) =>
        guarded.guard.replaceShards(
          cluster,
          names(20).map((name) => unready(cluster, name)),
          cause('list'),
        ),
      ),
    served: [0, 0, 0],
    told: [],
  },
  {
    title: 'an older plan that empties a name is held, though the name has other clusters',
    happens: ({ guard }) => guard.upsertShard({ ...unready('eu', 'a0'), older: true }),
    served: [20, 20, 20],
    told: ['hold older eu 1'],
  },
  {
    title: 'an older plan that brings back what was said to be down is held, too',
    start: (guarded) => {
      guarded.join(...THREE).up(THREE, names(20));
      guarded.guard.upsertShard(unready('eu', 'a0'));
    },
    happens: ({ guard }) => guard.upsertShard({ ...shard('eu', 'a0'), older: true }),
    served: [19, 20, 20],
    told: ['hold older eu 1'],
  },
  {
    title: 'a load balancer that loses its address is held where the name has no other',
    start: (guarded) => guarded.join(...THREE).up(['eu'], ['a0']),
    happens: ({ guard }) => guard.upsertShard(shard('eu', 'a0', { addresses: [], missing: 'addresses' })),
    served: [1, 0, 0],
    told: ['hold empty eu 1'],
  },
  {
    title: 'another address is followed at once',
    start: (guarded) => guarded.join(...THREE).up(['eu'], ['a0']),
    happens: ({ guard }) => guard.upsertShard(shard('eu', 'a0', { addresses: ['192.0.2.9'] })),
    served: [1, 0, 0],
    told: [],
  },
  {
    title: 'the only cluster that deletes a Service keeps its name answered',
    start: (guarded) => guarded.join('eu').up(['eu'], names(3)),
    happens: (guarded) => guarded.delete('eu', ['a1']),
    served: [3, 0, 0],
    told: ['hold empty eu 1'],
  },
  {
    title: 'the only cluster that scales a Service to zero is followed: its slice says so',
    start: (guarded) => guarded.join('eu').up(['eu'], names(3)),
    happens: ({ guard }) => guard.upsertShard(unready('eu', 'a1')),
    served: [2, 0, 0],
    told: [],
  },
  {
    title: 'a rolling update whose slices are replaced changes nothing',
    happens: (guarded) => guarded.up(THREE, names(20)),
    served: [20, 20, 20],
    told: [],
  },
  {
    title: 'a cluster removed from the configuration leaves at once, with all that it has',
    happens: ({ guard }) => guard.removeCluster('eu'),
    served: [0, 20, 20],
    told: [],
  },
  {
    title: 'a first list of a cluster, of which nothing was served, is followed',
    start: (guarded) => guarded.join('eu', 'us').up(['us'], names(20)),
    happens: (guarded) => guarded.list('eu', []),
    served: [0, 20, 0],
    told: [],
  },
  {
    title: 'a first list after a restart that lacks most of the snapshot is held',
    start: (guarded) => {
      THREE.forEach((cluster) => guarded.status(cluster, 'held'));
      guarded.up(THREE, names(20));
    },
    happens: (guarded) => {
      guarded.list('eu', names(2));
      guarded.status('eu', 'available');
    },
    served: [20, 20, 20],
    told: ['hold fraction eu 18'],
  },
  {
    title: 'what a cluster loses that was given up is followed: it is in no answer',
    start: (guarded) => {
      guarded.join(...THREE).up(THREE, names(20));
      guarded.status('eu', 'withdrawn');
    },
    happens: (guarded) => guarded.list('eu', []),
    served: [0, 20, 20],
    told: [],
  },
  {
    title: 'three clusters of one region count together',
    start: (guarded) => guarded.join('eu@r', 'us@r', 'asia@r').up(THREE, names(20)),
    happens: (guarded) => guarded.list('eu', []),
    served: [0, 20, 20],
    told: [],
  },
  {
    title: 'two of three clusters that lose their lists are too much of all',
    start: (guarded) => guarded.join('eu@r', 'us@r', 'asia@r').up(THREE, names(20)),
    happens: (guarded) => {
      guarded.list('eu', []);
      guarded.list('us', []);
    },
    served: [0, 20, 20],
    told: ['hold fraction us 20'],
  },
];

for (const { title, start, happens, served, told } of SCENARIOS) {
  t.test(title, async (t) => {
    const guarded = new Guarded();
    if (start === undefined) guarded.join(...THREE).up(THREE, names(20));
    else start(guarded);
    happens(guarded);
    const counts = THREE.map((cluster) => guarded.served(cluster).length);
    t.same(counts, served);
    t.same(guarded.told, told);
    guarded.guard.stop();
    t.equal(guarded.time.timers, 0, 'no timer is left behind');
  });
}

/** How something that is held is let go. `asia` has lost its only Service, which no other cluster has. */
const ENDS: readonly {
  readonly title: string;
  readonly happens: (guarded: Guarded) => unknown;
  readonly served: readonly string[];
  readonly told: string | undefined;
}[] = [
  {
    title: 'a shard that is back is served at once, and no mark is left',
    happens: (guarded) => guarded.up(['asia'], ['only']),
    served: ['only'],
    told: 'end empty asia recovered:1',
  },
  {
    title: 'endpoints that report unready are evidence, at once',
    happens: ({ guard }) => guard.upsertShard(unready('asia', 'only')),
    served: [],
    told: 'end empty asia evidence:1',
  },
  {
    title: 'a list that has the Service, with endpoints that are not ready, is evidence',
    happens: ({ guard }) => guard.replaceShards('asia', [unready('asia', 'only')], cause('list')),
    served: [],
    told: 'end empty asia evidence:1',
  },
  {
    title: 'another way of missing is no evidence',
    happens: ({ guard }) => guard.upsertShard(sliceless('asia', 'only')),
    served: ['only'],
    told: undefined,
  },
  {
    title: 'a list that is still short is no evidence',
    happens: (guarded) => guarded.list('asia', []),
    served: ['only'],
    told: undefined,
  },
  {
    title: 'less than the time is no evidence',
    happens: ({ time }) => time.advance(299_000),
    served: ['only'],
    told: undefined,
  },
  {
    title: 'what stays missing for the time is believed',
    happens: ({ time }) => time.advance(300_000),
    served: [],
    told: 'end empty asia time:1',
  },
  {
    title: 'time out of contact does not count',
    happens: (guarded) => {
      guarded.time.advance(200_000);
      guarded.status('asia', 'held');
      guarded.time.advance(1_000_000);
      guarded.status('asia', 'available');
      guarded.time.advance(99_000);
    },
    served: ['only'],
    told: undefined,
  },
  {
    title: 'time in contact adds up over losses of contact',
    happens: (guarded) => {
      guarded.time.advance(200_000);
      guarded.status('asia', 'held');
      guarded.time.advance(1_000_000);
      guarded.status('asia', 'available');
      guarded.time.advance(100_000);
    },
    served: [],
    told: 'end empty asia time:1',
  },
  {
    title: 'the operator releases a stop by its number',
    happens: ({ guard }) => guard.release('1') ?? 0,
    served: [],
    told: 'end empty asia operator:1',
  },
  {
    title: 'a number that no stop has releases nothing',
    happens: ({ guard }) => guard.release('7') ?? 0,
    served: ['only'],
    told: undefined,
  },
  {
    title: 'a cluster that leaves the configuration takes with it what is held',
    happens: ({ guard }) => guard.removeCluster('asia'),
    served: [],
    told: 'end empty asia removed:1',
  },
  {
    title: 'a guard that is turned off lets go of everything',
    happens: ({ guard }) => guard.configure({ ...guard.settings, enabled: false }),
    served: [],
    told: 'end empty asia off:1',
  },
];

for (const { title, happens, served, told } of ENDS) {
  t.test(title, async (t) => {
    const guarded = new Guarded().join(...THREE).up(['asia'], ['only']);
    guarded.delete('asia', ['only']);
    t.same(guarded.marked(), ['asia/only'], 'held, and marked as such');
    t.equal(guarded.guard.held('asia'), 1);
    happens(guarded);
    t.same(guarded.served('asia'), served);
    t.same(guarded.told.slice(1), told === undefined ? [] : [told]);
    t.same(guarded.marked(), told === undefined ? ['asia/only'] : []);
    t.equal(
      guarded.time.timers,
      told === undefined && guarded.guard.leftMs(guarded.guard.stops()[0]!) > 0 ? 1 : 0,
    );
  });
}

t.test('a guard that is off is no guard', async (t) => {
  const guarded = new Guarded({ enabled: false }).join(...THREE).up(THREE, names(20));
  THREE.forEach((cluster) => guarded.list(cluster, []));
  t.same([...guarded.domain.all()], []);
  t.same(guarded.told, []);
});

t.test('after the operator has let a cluster go, it may go on losing shards for a window', async (t) => {
  const guarded = new Guarded().join(...THREE).up(THREE, names(60));
  guarded.delete('eu', names(32));
  t.equal(guarded.served('eu').length, 30);
  t.equal(guarded.guard.release(), 2);
  guarded.delete('eu', names(40));
  t.equal(guarded.served('eu').length, 20);
  guarded.time.advance(61_000);
  guarded.delete('eu', names(60));
  t.equal(guarded.served('eu').length, 10, 'and then no longer');
});

t.test('what was held before a restart goes on with the time that it had left', async (t) => {
  const before = new Guarded().join('eu').up(['eu'], ['a0']);
  before.delete('eu', ['a0']);
  const [kept] = before.domain.all();
  t.equal(kept?.held, true, 'the snapshot has the mark');

  const after = new Guarded();
  after.time.advance(200_000);
  after.status('eu', 'held');
  after.domain.upsertShard(kept!);
  after.list('eu', []);
  after.status('eu', 'available');
  t.same(after.served('eu'), ['a0']);
  after.time.advance(99_000);
  t.same(after.served('eu'), ['a0']);
  after.time.advance(1_000);
  t.same(after.served('eu'), [], 'not the whole time anew');
});

t.test('of a shard only the newest fact is kept, and that is what is passed on', async (t) => {
  const guarded = new Guarded().join('eu').up(['eu'], ['a0']);
  for (let i = 0; i < 100; i++) guarded.guard.upsertShard(sliceless('eu', 'a0'));
  guarded.guard.upsertShard(shard('eu', 'a0', { addresses: [], ttlSeconds: 7, missing: 'addresses' }));
  t.equal(guarded.guard.held('eu'), 1);
  guarded.guard.release();
  const { state } = guarded.domain.shard(idOf('eu', 'a0'))!;
  t.equal(state.ttlSeconds, 7);
  t.equal(state.cause.settledMs, guarded.time.clock(), 'it was held on purpose until now');
});

/** The journal of random histories, told from an empty state, held against what is answered at the end. */
import t, { type Test } from 'tap';
import { type FederationOptions, makeFederation } from '../support/federation.ts';
import { makeRandom, SERVICES } from '../support/random.ts';
import { replay, replyBy } from './replay.ts';
import { changeOne, DOMAIN, journaled, type JournaledWorld, LOCATIONS, served } from './world.ts';

const HISTORIES = 8;
const CHANGES = 120;

function assertSame(t: Test, { federation, entries }: JournaledWorld, seed: number): void {
  const state = replay(entries());
  const differ: string[] = [];
  for (const service of SERVICES) {
    for (const location of LOCATIONS) {
      for (const type of ['A', 'AAAA'] as const) {
        const told = replyBy(state, service, location, type);
        const real = served(federation, service, location, type);
        if (told !== real) differ.push(`${service} ${location || 'global'} ${type}: ${told}, served ${real}`);
      }
    }
  }
  t.strictSame([...differ, ...state.contradictions], [], `history ${seed}`);
}

const KINDS: readonly (readonly [string, FederationOptions])[] = [
  ['the whole history of a federation tells what every level answers with now', {}],
  ['the same where a Service without a healthy shard is NXDOMAIN', { whenNoneHealthy: 'nxdomain' }],
  ['the same where the last known addresses are served', { whenNoneHealthy: 'lastKnown' }],
  [
    'the same where one region after the other answers at the global name',
    { policies: { policy: 'failover', failover: ['us', 'eu', 'asia'] } },
  ],
];

for (const [title, options] of KINDS) {
  void t.test(title, async (t) => {
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const random = makeRandom(seed);
      const world = journaled(options);
      for (let i = 0; i < CHANGES; i++) changeOne(random, world.federation);
      assertSame(t, world, seed);
    }
  });
}

void t.test(
  'of many addresses an entry holds what differs, and the history is told all the same',
  async (t) => {
    const world = journaled();
    const { federation, entries } = world;
    federation.cluster('c0', 'us', ['us1']);
    const addresses = Array.from({ length: 200 }, (_, i) => `10.0.${i >> 7}.${i & 127}`);
    for (let count = 190; count <= 200; count++)
      federation.shard('c0', 'web.shop.f', { addresses: addresses.slice(count - 150, count) });
    const last = entries().at(-1)!;
    t.match(last, {
      kind: 'change',
      levels: [
        {
          place: '',
          before: { kind: 'addresses', a: ['10.0.0.49'], kept: 149 },
          after: { kind: 'addresses', a: ['10.0.1.71'], kept: 149 },
        },
      ],
    });
    const state = replay(entries());
    t.strictSame(state.contradictions, []);
    const reply = replyBy(state, 'web.shop.f', 'us1', 'A').split(' ').slice(1);
    t.strictSame(
      reply,
      addresses
        .slice(50)
        .map((text) => `${text}/180`)
        .toSorted(),
    );
  },
);

void t.test(
  'a domain that takes the place of another: only what is answered otherwise is written',
  async (t) => {
    const world = journaled();
    const next = world.capture.open({ domain: DOMAIN, isAbsentWithout: false });
    next.isMuted = true;
    const other = journaledBeside(world, next);
    for (const { federation } of [world, other]) {
      // Numbers of places and clusters are others in the second.
      if (federation === other.federation) federation.cluster('c9', 'mars', ['m1']);
      federation.cluster('c0', 'us', ['us1']);
      federation.cluster('c1', 'eu', ['eu1']);
      federation.shard('c0', 'same.shop.f', { addresses: ['192.0.2.1'] });
      federation.shard('c0', 'ttl.shop.f', { addresses: ['192.0.2.2'] });
    }
    world.federation.shard('c1', 'gone.shop.f', { addresses: ['192.0.2.3'] });
    other.federation.shard('c0', 'ttl.shop.f', { addresses: ['192.0.2.2'], ttlSeconds: 60 });
    other.federation.shard('c1', 'new.shop.f', { addresses: ['192.0.2.4'] });
    const count = world.entries().length;
    world.capture.exchange(world.recorder, next, pairs(world, other), {
      serial: 5,
      cluster: '',
      cause: { object: 'configuration', timeMs: 3 },
    });
    const entries = world.entries().slice(count);
    const told = entries.map((entry) => (entry.kind === 'change' ? entry.service : entry.kind));
    t.strictSame(told.toSorted(), ['gone.shop.f', 'new.shop.f', 'places', 'ttl.shop.f']);
    t.match(
      entries.find((entry) => entry.kind === 'change' && entry.service === 'ttl.shop.f'),
      {
        cause: { object: 'configuration' },
        levels: [{ before: { ttlSeconds: 180 }, after: { ttlSeconds: 60 } }],
      },
    );
    other.federation.builder.removeCluster('c0');
    t.match(
      world.entries().at(-1),
      { kind: 'change', levels: [{ place: '' }] },
      'from then on it is listened to',
    );
  },
);

function journaledBeside(world: JournaledWorld, recorder: JournaledWorld['recorder']): JournaledWorld {
  const federation = makeFederation({ recorder });
  return { ...world, federation, recorder };
}

function* pairs(
  world: JournaledWorld,
  other: JournaledWorld,
): Generator<readonly [Buffer | undefined, Buffer | undefined]> {
  const [one, two] = [world.federation.builder, other.federation.builder];
  for (const name of new Set([...one.serviceNames(), ...two.serviceNames()]))
    yield [one.blobOf(name), two.blobOf(name)];
}

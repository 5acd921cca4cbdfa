/** The journal of random histories, told from an empty state, held against what is answered at the end. */
import t, { type Test } from 'tap';
import { Capture } from '../../src/journal/capture.ts';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { Scribe } from '../../src/journal/scribe.ts';
import { CAUSE, type Federation, type FederationOptions, makeFederation } from '../support/federation.ts';
import { makeRandom, mutate, PLACES, randomShard, SERVICES, type Random } from '../support/random.ts';
import { replay, replyBy } from './replay.ts';

const DOMAIN = 'example.com';
const HISTORIES = 12;
const CHANGES = 150;

/** A federation whose changes are written down. */
function journaled(options: FederationOptions = {}): {
  federation: Federation;
  entries: () => readonly JournalEntry[];
} {
  const capture = new Capture({ clock: () => 7, onWaiting: () => {} });
  const isAbsentWithout = options.whenNoneHealthy === 'nxdomain';
  const federation = makeFederation({
    ...options,
    recorder: capture.open({ domain: DOMAIN, isAbsentWithout }),
  });
  const scribe = new Scribe(0);
  const entries: JournalEntry[] = [];
  return {
    federation,
    entries: () => {
      const batch = capture.take();
      if (batch !== undefined) {
        // As it arrives in the other thread.
        const moved = structuredClone(batch, { transfer: batch.chunks.map(({ memory }) => memory) });
        entries.push(...scribe.entriesOf(moved));
        capture.written(Capture.octetsOf(moved));
      }
      return entries;
    },
  };
}

/** A cluster moves, leaves, or brings many things at once. */
function upheaval(random: Random, { builder, cluster }: Federation): void {
  const place = random.pick(PLACES);
  if (random.oneIn(4)) builder.removeCluster(place.name);
  else if (random.oneIn(2)) {
    const region = random.pick(['us', 'eu', 'mars', 'nova']);
    cluster(
      place.name,
      region,
      ['us1', 'eu1', 'nova', 'm1'].filter(() => random.oneIn(2)),
    );
  } else {
    const known = new Set(builder.clusters().map(({ name }) => name));
    builder.batch(CAUSE, () => {
      if (random.oneIn(2)) {
        cluster(place.name, place.region, place.zones);
        known.add(place.name);
      }
      for (let i = 0; i < 6; i++) {
        const shard = randomShard(random);
        if (known.has(shard.cluster)) builder.upsertShard(shard);
      }
    });
  }
}

function changeOne(random: Random, federation: Federation): void {
  const known = new Set(federation.builder.clusters().map(({ name }) => name));
  const missing = PLACES.filter(({ name }) => !known.has(name));
  if (missing.length > 0) {
    const { name, region, zones } = random.pick(missing);
    federation.cluster(name, region, zones);
  } else if (random.oneIn(10)) upheaval(random, federation);
  else mutate(random, federation);
}

/** As the server answers, in the form of `replyBy`. */
function served({ ask }: Federation, service: string, location: string, type: 'A' | 'AAAA'): string {
  const base = `${service}.svc`;
  const { rcode, answer } = ask(`${base}${location === '' ? '' : `.${location}`}.${DOMAIN}`, type, {
    payloadMax: 1232,
  });
  const chain = answer.filter((record) => record.type === 'CNAME').map(({ data }) => targetOf(data, base));
  const addresses = answer.filter((record) => record.type === type);
  const texts = addresses.map(({ data, ttl }) => [data, `${data}/${ttl}`] as const);
  const sorted = texts.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return [rcode, ...chain, ...sorted].join(' ');
}

function targetOf(data: string, base: string): string {
  const name = data.replace(/\.$/, '');
  return `>${name.slice(base.length + 1, -DOMAIN.length - 1)}`;
}

const LOCATIONS = [
  '',
  'us',
  'eu',
  'asia',
  'mars',
  'nova',
  'us1',
  'us1.us',
  'us2.us',
  'us3',
  'eu1.eu',
  'nova.eu',
].concat(['nova.asia', 'asia1', 'asia2.asia', 'm1', 'm1.mars', 'nova.nova', 'nowhere', 'us1.eu', 'eu1.us']);

function assertSame(t: Test, world: ReturnType<typeof journaled>, seed: number): void {
  const state = replay(world.entries());
  const differ: string[] = [];
  for (const service of SERVICES) {
    for (const location of LOCATIONS) {
      for (const type of ['A', 'AAAA'] as const) {
        const told = replyBy(state, service, location, type);
        const real = served(world.federation, service, location, type);
        if (told !== real) differ.push(`${service} ${location || 'global'} ${type}: ${told}, served ${real}`);
      }
    }
  }
  t.strictSame(differ, [], `history ${seed}`);
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
      for (let i = 0; i < CHANGES; i++) {
        changeOne(random, world.federation);
        if (random.oneIn(40)) assertSame(t, world, seed);
      }
      assertSame(t, world, seed);
    }
  });
}

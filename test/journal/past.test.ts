/** What names were answered with at a time, by the journal, held against what was really answered then. */
import t, { type Test } from 'tap';
import { answerAt } from '../../src/journal/compare.ts';
import { policyText, viewBlob } from '../../src/journal/blob.ts';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { explainPast, UNKNOWN } from '../../src/journal/explain-past.ts';
import type { Explanation } from '../../src/zonebuilder/explain.ts';
import { Past, type Present } from '../../src/journal/past.ts';
import { parseServiceName } from '../../src/journal/service-name.ts';
import { isWanted } from '../../src/journal/query.ts';
import { makeRandom, SERVICES } from '../support/random.ts';
import { changeOne, DOMAIN, journaled, type JournaledWorld, LOCATIONS, served } from './world.ts';

const HISTORIES = 12;
const CHANGES = 60;
/** Moments of each history that are looked at. */
const MOMENTS = 5;

function presentOf({ federation, capture, recorder }: JournaledWorld, service: string): Present {
  const blob = federation.builder.blobOf(service);
  const picture = {
    view: blob && viewBlob(Buffer.from(blob)),
    numbers: capture.numbersOf(recorder),
  };
  return {
    answerAt: (place) => answerAt(picture, place),
    placeNamed: (text) => picture.numbers.placeNamed(text),
    policy: () => (picture.view === undefined ? '' : policyText(picture.view, picture.numbers)),
    isFlat: () => picture.view?.isFlat === true,
  };
}

interface Asked {
  readonly service: string;
  readonly location: string;
  readonly type: 'A' | 'AAAA';
  readonly timeMs: number;
}

/** In the form of `served`, or UNKNOWN. */
function told(world: JournaledWorld, entries: readonly JournalEntry[], asked: Asked): string {
  const { service, location, type, timeMs } = asked;
  const past = new Past(timeMs);
  const filter = { service, withContext: true } as const;
  for (const entry of entries) if (isWanted(entry, filter)) past.add(entry);
  const name = `${service}.svc${location === '' ? '' : `.${location}`}.${DOMAIN}`;
  const beginMs = entries[0]!.timeMs;
  const parts = parseServiceName(name, DOMAIN)!;
  const question = { name, parts, domain: DOMAIN, type, timeMs, beginMs };
  const { rcode, answer } = explainPast(question, past, presentOf(world, service));
  if (rcode === UNKNOWN) return UNKNOWN;
  const base = `${service}.svc.`;
  const chain = answer
    .filter((set) => set.type === 'CNAME')
    .map(({ data }) => `>${data[0]!.slice(base.length, -DOMAIN.length - 2)}`);
  const sets = answer.filter((set) => set.type === type);
  const addresses = sets.flatMap(({ data, ttlSeconds }) => data.map((text) => `${text}/${ttlSeconds}`));
  return [rcode, ...chain, ...addresses.toSorted()].join(' ');
}

function explained(world: JournaledWorld, entries: readonly JournalEntry[], timeMs: number): Explanation {
  const past = new Past(timeMs);
  for (const entry of entries) past.add(entry);
  const name = `web.shop.f.svc.us.${DOMAIN}`;
  const parts = parseServiceName(name, DOMAIN)!;
  const question = { name, parts, domain: DOMAIN, type: 'A', timeMs, beginMs: 0 } as const;
  return explainPast(question, past, presentOf(world, 'web.shop.f'));
}

interface Moment {
  readonly timeMs: number;
  readonly answers: ReadonlyMap<string, string>;
}

function momentOf({ federation }: JournaledWorld, timeMs: number): Moment {
  const answers = new Map<string, string>();
  for (const service of SERVICES)
    for (const location of LOCATIONS)
      for (const type of ['A', 'AAAA'] as const)
        answers.set(`${service} ${location} ${type}`, served(federation, service, location, type));
  return { timeMs, answers };
}

/** A history with some of its moments. */
function live(seed: number): { world: JournaledWorld; moments: Moment[] } {
  const random = makeRandom(seed);
  let nowMs = 1000;
  const world = journaled({ flatten: seed % 3 === 0 }, () => nowMs);
  world.capture.note({ what: 'started' });
  const moments: Moment[] = [];
  for (let i = 1; i <= CHANGES; i++) {
    nowMs += 10;
    changeOne(random, world.federation);
    if (i % (CHANGES / MOMENTS) === 0) moments.push(momentOf(world, nowMs + 5));
  }
  return { world, moments };
}

/** @returns how many answers were told, and how many were not known */
function compareAll(
  t: Test,
  world: JournaledWorld,
  entries: readonly JournalEntry[],
  moments: readonly Moment[],
): { told: number; unknown: number } {
  const count = { told: 0, unknown: 0 };
  const differ: string[] = [];
  for (const { timeMs, answers } of moments) {
    for (const [key, real] of answers) {
      const [service = '', location = '', type] = key.split(' ');
      const text = told(world, entries, { service, location, type: type as 'A' | 'AAAA', timeMs });
      if (text === UNKNOWN) count.unknown++;
      else count.told++;
      if (text !== UNKNOWN && text !== real) differ.push(`${timeMs} ${key}: ${text}, was ${real}`);
    }
  }
  t.strictSame(differ, []);
  return count;
}

void t.test('with the whole history every answer of every moment is told', async (t) => {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const { world, moments } = live(seed);
    t.equal(compareAll(t, world, world.entries(), moments).unknown, 0, `history ${seed}`);
  }
});

void t.test('where the begin is gone, nothing wrong is told, and what can be known is', async (t) => {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const { world, moments } = live(seed);
    const entries = world.entries();
    const kept = entries.slice(Math.floor(entries.length / 3));
    const late = moments.filter(({ timeMs }) => timeMs >= kept[0]!.timeMs);
    const early = moments.filter(({ timeMs }) => timeMs < kept[0]!.timeMs);
    t.equal(compareAll(t, world, kept, late).unknown, 0, 'all is known that the journal reaches back to');
    t.equal(compareAll(t, world, kept, early).told, 0, 'and nothing else');
  }
});

void t.test('around a gap, and around a restart, nothing wrong is told', async (t) => {
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const { world, moments } = live(seed);
    const entries = world.entries();
    const [from, to] = [Math.floor(entries.length * 0.4), Math.floor(entries.length * 0.6)];
    const { seq, timeMs } = entries[to - 1]!;
    const gap: JournalEntry = {
      seq,
      timeMs,
      kind: 'gap',
      lost: to - from,
      sinceMs: entries[from]!.timeMs,
      why: '',
    };
    const holed = [...entries.slice(0, from), gap, ...entries.slice(to)];
    const outside = moments.filter((moment) => moment.timeMs < gap.sinceMs || moment.timeMs > timeMs);
    const count = compareAll(t, world, holed, outside);
    t.ok(count.told > count.unknown, 'most of it is known');
  }
});

void t.test('an alias has the TTL of its Service, also while nothing is healthy', (t) => {
  let nowMs = 0;
  const world = journaled({}, () => nowMs);
  world.capture.note({ what: 'started' });
  world.federation.cluster('c0', 'us', ['us1']);
  const ready = { addresses: ['192.0.2.1'], ttlSeconds: 60 };
  for (const facts of [{ ready: false, ...ready }, ready, { ...ready, ready: false }, ready]) {
    nowMs += 10;
    world.federation.shard('c0', 'web.shop.f', facts);
  }
  const entries = world.entries();
  for (const timeMs of [15, 35]) {
    const { answer } = explained(world, entries, timeMs);
    t.match(answer, [{ type: 'CNAME', ttlSeconds: 60 }], `at ${timeMs}`);
    t.equal(answer.length, 1, 'there were no addresses');
  }
  t.end();
});

void t.test(
  'a global name that answers with some of its shards is not said to have answered with all',
  (t) => {
    let nowMs = 0;
    const weights = new Map([
      ['us', 0],
      ['eu', 2],
      ['asia', 1],
    ]);
    const policies = { policy: 'weighted', weights } as const;
    const world = journaled({ policies }, () => nowMs);
    const { federation } = world;
    world.capture.note({ what: 'started' });
    federation.cluster('c2', 'eu', ['eu1']);
    federation.cluster('c4', 'asia', ['asia1']);
    federation.cluster('c0', 'us', ['us1']);
    for (const [cluster, address] of [
      ['c2', '192.0.2.2'],
      ['c4', '192.0.2.4'],
    ] as const) {
      nowMs += 10;
      federation.shard(cluster, 'web.shop.f', { addresses: [address] });
    }
    const entries = world.entries();
    const cases = [
      ['the first shard', entries, 15, 'weighted eu 2: each reply had some of these'],
      ['both', entries, 25, 'weighted eu 2, asia 1: each reply had some of these'],
      [
        'before what the journal still has',
        entries.slice(-1),
        15,
        'weighted eu 2: each reply had some of these',
      ],
      ['nothing has changed since', [], 25, 'weighted eu 2, asia 1: each reply had some of these'],
    ] as const;
    for (const [title, kept, timeMs, text] of cases) {
      const policy = explained(world, kept, timeMs).steps.filter(({ rule }) => rule === 'policy');
      t.strictSame(policy, [{ rule: 'policy', text }], title);
    }
    t.end();
  },
);

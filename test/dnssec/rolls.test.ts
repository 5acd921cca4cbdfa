/**
 * Rolls against every cache that there may be: a timeline of what is served, and at each moment all combinations of DS set, DNSKEY
 * set and signatures that some cache may still hold. The strict validator here insists on each algorithm, as Unbound does with
 * harden-algo-downgrade.
 */
import { test, type Test } from 'tap';
import { ALGORITHMS, type AlgorithmName } from '../../src/dnssec/algorithms.ts';
import { keyTag } from '../../src/dnssec/dnskey.ts';
import { DIGEST_TYPES, dsRdata } from '../../src/dnssec/ds.ts';
import { delegatedKeys, dutiesOf } from '../../src/dnssec/keys-in-force.ts';
import type { KeyEntry, KeyRole, KeyState } from '../../src/dnssec/key-state.ts';
import { ROLLS, stageOf, type RollKind } from '../../src/dnssec/rolls.ts';
import { beginRoll, nextStage, noteParent, refusalOf, type ConfiguredTimes } from '../../src/dnssec/steps.ts';
import { encodeName } from '../../src/zonebuilder/names.ts';

const DOMAIN = 'example.com';
const TIMES: ConfiguredTimes = {
  ttls: { dnskeySeconds: 3600, zoneSeconds: 86_400 },
  propagationSeconds: 300,
  parentDsSeconds: 7200,
};

/** What is served from a moment on; keys by their files. */
interface Version<T> {
  readonly sinceMs: number;
  readonly value: T;
}

interface KeySet {
  readonly published: readonly KeyEntry[];
  readonly signedBy: readonly KeyEntry[];
}

interface Timeline {
  readonly ds: Version<readonly KeyEntry[]>[];
  readonly keys: Version<KeySet>[];
  readonly signatures: Version<readonly KeyEntry[]>[];
}

let made = 0;
function key(role: KeyRole, algorithm: AlgorithmName = 'ECDSAP256SHA256'): KeyEntry {
  const rdata = Buffer.of(1, role === 'zsk' ? 0 : 1, 3, ALGORITHMS[algorithm].number, ++made);
  const tag = keyTag(rdata);
  const dnskey = rdata.toString('base64');
  return { file: `${role}-${tag}.pem`, role, algorithm, tag, dnskey, created: 0 };
}

function settled(keys: KeyEntry[]): KeyState {
  return { version: 1, domain: DOMAIN, keys, ttls: TIMES.ttls };
}

const CSK = (): KeyEntry[] => [key('csk')];
const SPLIT = (): KeyEntry[] => [key('ksk'), key('zsk')];

const ROLLED: readonly (readonly [
  title: string,
  kind: RollKind,
  before: () => KeyEntry[],
  fresh: () => KeyEntry[],
])[] = [
  ['the first key', 'first', () => [], CSK],
  ['the first keys', 'first', () => [], SPLIT],
  ['a ZSK', 'zsk', SPLIT, () => [key('zsk')]],
  ['a KSK', 'ksk', SPLIT, () => [key('ksk')]],
  ['a CSK', 'csk', CSK, CSK],
  ['the algorithm of a CSK', 'algorithm', CSK, () => [key('csk', 'ED25519')]],
  ['the algorithm of two keys', 'algorithm', SPLIT, () => [key('ksk', 'ED25519'), key('zsk', 'ED25519')]],
  [
    'one key into two of another algorithm',
    'algorithm',
    CSK,
    () => [key('ksk', 'ED25519'), key('zsk', 'ED25519')],
  ],
  ['back to an unsigned zone', 'unsigned', CSK, () => []],
];

for (const [title, kind, before, fresh] of ROLLED) {
  test(`${title}: no cache makes an answer bogus at any moment of the roll`, (t) => {
    const timeline = play(t, kind, { before: before(), fresh: fresh() });
    t.strictSame(faults(timeline), []);
    t.end();
  });
}

/** Each wait is there for a reason: a little less of any one, and somewhere an answer is bogus. */
const HURRIED: readonly (readonly [
  kind: RollKind,
  stage: string,
  before: () => KeyEntry[],
  fresh: () => KeyEntry[],
])[] = [
  ['first', 'sign', () => [], CSK],
  ['zsk', 'publish', SPLIT, () => [key('zsk')]],
  ['zsk', 'sign', SPLIT, () => [key('zsk')]],
  ['ksk', 'publish', SPLIT, () => [key('ksk')]],
  ['csk', 'publish', CSK, CSK],
  ['csk', 'sign', CSK, CSK],
  ['algorithm', 'presign', CSK, () => [key('csk', 'ED25519')]],
  ['algorithm', 'publish', CSK, () => [key('csk', 'ED25519')]],
  ['algorithm', 'delegate', CSK, () => [key('csk', 'ED25519')]],
  ['algorithm', 'withdraw', CSK, () => [key('csk', 'ED25519')]],
];

for (const [kind, stage, before, fresh] of HURRIED) {
  test(`a roll of kind ${kind} that leaves ${stage} early makes answers bogus`, (t) => {
    const bogus = faults(play(t, kind, { before: before(), fresh: fresh(), hurried: stage }));
    t.not(bogus.length, 0);
    t.end();
  });
}

test('a stage is not left a millisecond early, and TTLs that were longer before count', (t) => {
  const longer = { ...TIMES, ttls: { dnskeySeconds: 7200, zoneSeconds: 172_800 } };
  const start = { ...settled(SPLIT()), ttls: longer.ttls };
  const state = beginRoll(start, { kind: 'zsk', fresh: [key('zsk')], nowMs: 0, ttls: TIMES.ttls });
  const dueMs = (7200 + 300) * 1000;
  t.match(refusalOf(state, TIMES, { view: undefined, nowMs: dueMs - 1 }), { why: 'early', dueMs });
  t.equal(refusalOf(state, TIMES, { view: undefined, nowMs: dueMs }), undefined);
  const lengthened = { ...TIMES, ttls: { ...TIMES.ttls, dnskeySeconds: 90_000 } };
  t.match(
    refusalOf(state, lengthened, { view: undefined, nowMs: dueMs }),
    { why: 'early' },
    'raised meanwhile',
  );
  t.end();
});

test('the parent must have what the stage needs, at each of its servers, and keep it', (t) => {
  const [old, fresh] = [key('csk'), key('csk')];
  const begun = beginRoll(settled([old]), { kind: 'csk', fresh: [fresh], nowMs: 0, ttls: TIMES.ttls });
  const [was, comes] = [old, fresh].map(dsOf);
  const laterMs = 10 * 86_400_000;
  const refused = (state: KeyState, view: Buffer[][] | undefined): unknown =>
    refusalOf(state, TIMES, { view, nowMs: laterMs });
  t.match(refused(begun, undefined), { why: 'unasked', need: 'new' });
  t.match(refused(noteParent(begun, [[was!], [was!, comes!]], 1), [[was!], [was!, comes!]]), {
    why: 'parent',
    missing: [{ tag: fresh.tag }],
  });
  const seen = noteParent(begun, [[was!, comes!], [comes!]], laterMs);
  t.match(
    refused(seen, [[comes!]]),
    { why: 'early', dueMs: laterMs + 7_500_000 },
    'then its caches are waited for',
  );
  t.equal(noteParent(seen, [[comes!]], laterMs + 5).roll?.dsSeen, laterMs, 'what was seen is not seen anew');
  t.equal(noteParent(seen, [[was!]], laterMs + 5).roll?.dsSeen, undefined, 'and forgotten where it has gone');
  t.equal(noteParent(begun, 'trusted', 7).roll?.dsSeen, 7, 'the operator may know');
  const wrong = Buffer.from(comes!);
  wrong[10]! ^= 1;
  t.equal(noteParent(begun, [[wrong]], 7).roll?.dsSeen, undefined, 'another digest is another key');
  t.end();
});

test('DS records that are to go must be gone in every digest', (t) => {
  const [old, fresh] = [key('csk'), key('csk', 'ED25519')];
  let state = beginRoll(settled([old]), { kind: 'algorithm', fresh: [fresh], nowMs: 0, ttls: TIMES.ttls });
  while (state.roll!.stage !== 'delegate') state = nextStage(state, { nowMs: 0, ttls: TIMES.ttls }).state;
  const sha1 = Buffer.concat([dsOf(old).subarray(0, 3), Buffer.of(1), Buffer.alloc(20)]);
  const view = [[dsOf(fresh), sha1]];
  t.match(refusalOf(noteParent(state, view, 1), TIMES, { view, nowMs: 2 }), {
    why: 'parent',
    left: [{ tag: old.tag }],
  });
  t.equal(noteParent(state, [[dsOf(fresh)]], 1).roll?.dsSeen, 1);
  const unsigned = beginRoll(settled([old]), { kind: 'unsigned', fresh: [], nowMs: 0, ttls: TIMES.ttls });
  t.equal(
    noteParent(unsigned, [[dsOf(fresh)]], 1).roll?.dsSeen,
    undefined,
    'a key that nobody knows keeps the zone signed',
  );
  t.equal(noteParent(unsigned, [[]], 1).roll?.dsSeen, 1);
  t.end();
});

test('every stage has a name of its own in its roll', (t) => {
  for (const [kind, stages] of Object.entries(ROLLS))
    t.equal(new Set(stages.map(({ name }) => name)).size, stages.length, kind);
  t.throws(() => stageOf({ kind: 'zsk', stage: 'retire' }));
  t.end();
});

/**
 * Takes each step at the first moment at which it is allowed. The parent does at once what CDS says.
 *
 * @param hurried - a stage that is left a second after its start, or after the parent has changed
 */
function play(
  t: Test,
  kind: RollKind,
  { before, fresh, hurried }: { before: KeyEntry[]; fresh: KeyEntry[]; hurried?: string },
): Timeline {
  const timeline: Timeline = { ds: [], keys: [], signatures: [] };
  let nowMs = 0;
  let state: KeyState = settled(before);
  serve(timeline, state, nowMs);
  nowMs = 20 * 86_400_000;
  state = beginRoll(state, { kind, fresh, nowMs, ttls: TIMES.ttls });
  for (;;) {
    serve(timeline, state, nowMs);
    const { roll } = state;
    if (roll === undefined || stageOf(roll).isLast === true) return timeline;
    const view = [timeline.ds.at(-1)!.value.map(dsOf)];
    state = noteParent(state, view, nowMs);
    const refusal = refusalOf(state, TIMES, { view, nowMs });
    if (refusal !== undefined && refusal.why !== 'early') t.fail(`${kind} ${roll.stage}: ${refusal.why}`);
    const dueMs = refusal?.why === 'early' ? refusal.dueMs : nowMs;
    nowMs = roll.stage === hurried ? nowMs + 1000 : dueMs;
    state = nextStage(state, { nowMs, ttls: TIMES.ttls }).state;
  }
}

function serve({ ds, keys, signatures }: Timeline, state: KeyState, sinceMs: number): void {
  const having = (what: 'published' | 'signsKeys' | 'signsZone'): KeyEntry[] =>
    state.keys.filter((one) => dutiesOf(state, one)[what]);
  keys.push({ sinceMs, value: { published: having('published'), signedBy: having('signsKeys') } });
  signatures.push({ sinceMs, value: having('signsZone') });
  const delegated = delegatedKeys(state);
  ds.push({ sinceMs, value: delegated === 'delete' ? [] : delegated });
}

/** At the moments when something comes, and shortly before and after something runs out of the last cache. */
function faults({ ds, keys, signatures }: Timeline): string[] {
  const { ttls, propagationSeconds, parentDsSeconds } = TIMES;
  const spans = [0, ttls.dnskeySeconds, ttls.zoneSeconds, parentDsSeconds].map(
    (seconds) => (seconds + propagationSeconds) * 1000,
  );
  const moments = keys.flatMap(({ sinceMs }) =>
    spans.flatMap((ms) => [sinceMs + ms - 1, sinceMs + ms, sinceMs]),
  );
  const found = new Set<string>();
  for (const atMs of moments)
    for (const [parent, key_, sig] of combinations(
      held(ds, atMs, parentDsSeconds + propagationSeconds),
      held(keys, atMs, ttls.dnskeySeconds + propagationSeconds),
      held(signatures, atMs, ttls.zoneSeconds + propagationSeconds),
    )) {
      const fault = bogusBecause(parent, key_, sig);
      if (fault !== undefined) found.add(fault);
    }
  return [...found];
}

/** What some cache may hold: everything that was served within a time. */
function held<T>(versions: readonly Version<T>[], atMs: number, seconds: number): T[] {
  return versions
    .filter(
      ({ sinceMs }, i) => sinceMs <= atMs && (versions[i + 1]?.sinceMs ?? Infinity) > atMs - seconds * 1000,
    )
    .map(({ value }) => value);
}

function* combinations<A, B, C>(as: readonly A[], bs: readonly B[], cs: readonly C[]): Generator<[A, B, C]> {
  for (const a of as) for (const b of bs) for (const c of cs) yield [a, b, c];
}

function bogusBecause(
  ds: readonly KeyEntry[],
  { published, signedBy }: KeySet,
  signers: readonly KeyEntry[],
): string | undefined {
  if (ds.length === 0) return undefined;
  for (const algorithm of algorithms(ds)) {
    const entry = ds.some(
      (one) => one.algorithm === algorithm && published.includes(one) && signedBy.includes(one),
    );
    if (!entry) return `no ${algorithm} key of the DS set signs the keys`;
  }
  for (const algorithm of algorithms(published)) {
    if (!signers.some((one) => one.algorithm === algorithm && published.includes(one)))
      return `answers lack a signature of ${algorithm} by a key that is shown`;
  }
  return undefined;
}

function algorithms(some: readonly KeyEntry[]): Set<string> {
  return new Set(some.map(({ algorithm }) => algorithm));
}

function dsOf(entry: KeyEntry): Buffer {
  return dsRdata(encodeName(DOMAIN), Buffer.from(entry.dnskey, 'base64'), DIGEST_TYPES['SHA-256']);
}

/** Orders of drains, their ends and what is kept of them, on a zone builder of its own and a clock that is moved by hand. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { JournalEvent } from '../../src/journal/entry.ts';
import type { Drain, DrainOrder } from '../../src/steering/drains/drain.ts';
import { drainFile, FORGETFUL, type DrainKeep } from '../../src/steering/drains/drain-file.ts';
import { Drains, type DrainedDomain, type SharedDrains } from '../../src/steering/drains/drains.ts';
import { drainText } from '../../src/zonebuilder/drains.ts';
import { changesUnder, lossesUnder, unweightedUnder } from '../../src/zonebuilder/what-if.ts';
import { type Federation, makeFederation, type FederationOptions } from '../support/federation.ts';
import { ManualTime } from './manual-time.ts';
import { scratch } from '../support/scratch.ts';

const WEB = 'web.team.fed';

/** Two regions with one cluster each that has `web`; `solo` is in one of them only. */
function world(options?: FederationOptions): Federation {
  const f = makeFederation(options);
  f.cluster('c1', 'r1', ['z1']);
  f.cluster('c2', 'r2', ['z1', 'z2']);
  f.shard('c1', WEB, { addresses: ['192.0.2.1'], ttlSeconds: 300 });
  f.shard('c2', WEB, { addresses: ['192.0.2.2'] });
  f.shard('c2', 'solo.team.fed', { addresses: ['192.0.2.3'], readyZones: ['z2'] });
  return f;
}

function domainOf({ builder }: Federation): DrainedDomain {
  return {
    setDrains: (rules, cause) => builder.setDrains(rules, cause),
    changesUnder: (drains) => changesUnder(builder, drains),
    lossesUnder: (drains) => lossesUnder(builder, drains),
    unweightedUnder: (drains) => unweightedUnder(builder, drains),
    clusterStates: () => builder.clusters(),
    hasService: (name) => builder.view(name) !== undefined,
    federations: ['fed', 'other'],
  };
}

interface Desk {
  readonly drains: Drains;
  readonly f: Federation;
  readonly time: ManualTime;
  readonly events: JournalEvent[];
  readonly log: string[];
  /** Lets the workers take up what was published. */
  readonly serve: () => Promise<void>;
}

function desk(
  test: Test,
  { f = world(), keep = FORGETFUL, shared }: { f?: Federation; keep?: DrainKeep; shared?: SharedDrains } = {},
): Desk {
  const time = new ManualTime();
  const events: JournalEvent[] = [];
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const write = (_fields: object, message: string): void => void log.push(message);
  const drains = new Drains({
    domain: () => domainOf(f),
    keep,
    ...(shared !== undefined && { shared }),
    served: () => new Promise<void>((resolve) => waiting.push(resolve)),
    clock: time.clock,
    timers: time,
    log: { info: write, warn: write, error: write },
    journal: { note: (event) => void events.push(event) },
  });
  test.teardown(() => drains.stop());
  const serve = async (): Promise<void> => {
    for (const resolve of waiting.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { drains, f, time, events, log, serve };
}

function addresses({ f }: Pick<Desk, 'f'>, service = WEB): string {
  const { answer } = f.ask(`${service}.svc.example.com`, 'A');
  return answer
    .map(({ data }) => data)
    .toSorted()
    .join(' ');
}

t.test('what is ordered is weighed first', async (t) => {
  const cases: readonly (readonly [string, DrainOrder, string, RegExp, FederationOptions?])[] = [
    ['a cluster', { kind: 'cluster', name: 'c1' }, 'set', /^cluster c1$/],
    ['a region', { kind: 'region', name: 'R1' }, 'set', /^region r1$/],
    [
      'a zone by its short name',
      { kind: 'zone', name: 'z2' },
      'losses',
      /zone z2\.r2 would leave a Service without addresses: solo\.team\.fed \(A\)/,
    ],
    ['a zone that two regions have', { kind: 'zone', name: 'z1' }, 'unknown', /z1\.r1 or z1\.r2: say which/],
    ['a zone with its region', { kind: 'zone', name: 'z1.r2' }, 'set', /^zone z1\.r2$/],
    [
      'a Service without its federation',
      { kind: 'service', name: 'web.team', cluster: 'c2' },
      'set',
      /^service web\.team\.fed in c2$/,
    ],
    [
      'as kubectl has it',
      { kind: 'service', name: 'team/web', cluster: 'c2' },
      'set',
      /^service web\.team\.fed in c2$/,
    ],
    ['a Service as a whole', { kind: 'service', name: WEB }, 'losses', /web\.team\.fed \(A\); force/],
    ['with force', { kind: 'service', name: WEB, force: true }, 'set', /^service web\.team\.fed$/],
    [
      'a cluster that has the last shard of a name',
      { kind: 'cluster', name: 'c2' },
      'losses',
      /cluster c2 would leave a Service/,
    ],
    [
      'an unknown cluster',
      { kind: 'cluster', name: 'c3' },
      'unknown',
      /no cluster c3 is known: there is c1, c2/,
    ],
    [
      'an unknown cluster, with force',
      { kind: 'cluster', name: 'c3', force: true },
      'unknown',
      /no cluster c3/,
    ],
    [
      'an unknown Service',
      { kind: 'service', name: 'mail.team' },
      'unknown',
      /no service mail\.team is known$/,
    ],
    [
      'a Service in an unknown cluster',
      { kind: 'service', name: WEB, cluster: 'c9' },
      'unknown',
      /no cluster c9/,
    ],
    ['a region in a cluster', { kind: 'region', name: 'r1', cluster: 'c1' }, 'unknown', /only a Service/],
    [
      'what is over before it begins',
      { kind: 'cluster', name: 'c1', untilMs: 1 },
      'conflict',
      /end before it begins/,
    ],
    [
      'shared, where nothing is',
      { kind: 'cluster', name: 'c1', scope: 'shared' },
      'conflict',
      /no steering\.configMap/,
    ],
    [
      'in part, of what is not weighted',
      { kind: 'cluster', name: 'c1', percent: 10 },
      'conflict',
      /does nothing for a Service whose policy is not weighted: web\.team\.fed \(all\)/,
    ],
    [
      'in part',
      { kind: 'cluster', name: 'c2', percent: 10 },
      'set',
      /^cluster c2 to 10 %$/,
      { policies: { policy: 'weighted' } },
    ],
    [
      'in part, a zone of one cluster',
      { kind: 'zone', name: 'z1.r1', percent: 10 },
      'set',
      /^zone z1\.r1 to 10 %$/,
      { policies: { policy: 'weighted' } },
    ],
    [
      'in part, a zone beside others',
      { kind: 'zone', name: 'z2', percent: 10 },
      'conflict',
      /no weight of its own .* c2$/,
      { policies: { policy: 'weighted' } },
    ],
  ];
  for (const [title, order, kind, text, options] of cases) {
    const { drains } = desk(t, { f: world(options) });
    const outcome = await drains.order(order);
    t.equal(outcome.kind, kind, `${title}: ${JSON.stringify(outcome)}`);
    t.match(outcome.kind === 'set' ? drainText(outcome.drain) : outcome.message, text, title);
    t.equal(drains.list().length, kind === 'set' ? 1 : 0, title);
  }
});

t.test('two drains that are harmless alone are weighed together', async (t) => {
  const one = desk(t);
  t.match(await one.drains.order({ kind: 'cluster', name: 'c1' }), { kind: 'set', services: 1 });
  t.match(await one.drains.order({ kind: 'service', name: WEB, cluster: 'c2' }), {
    kind: 'losses',
    count: 1,
  });
  // Both at once: the second is weighed against the first.
  const two = desk(t);
  const outcomes = await Promise.all([
    two.drains.order({ kind: 'cluster', name: 'c1' }),
    two.drains.order({ kind: 'service', name: WEB, cluster: 'c2' }),
  ]);
  t.strictSame(
    outcomes.map(({ kind }) => kind),
    ['set', 'losses'],
  );
});

t.test('a drain ends by itself, by undrain, or goes on with another end', async (t) => {
  const d = desk(t);
  const { drains, time, events } = d;
  const untilMs = time.clock() + 90_000;
  await drains.order({ kind: 'cluster', name: 'c1', untilMs, reason: 'racks', by: 'anna' });
  t.equal(addresses(d), '192.0.2.2');
  time.advance(89_000);
  t.equal(addresses(d), '192.0.2.2', 'looked at each minute, and not over yet');
  await drains.order({ kind: 'cluster', name: 'c1', untilMs: untilMs + 60_000 });
  time.advance(2000);
  t.equal(addresses(d), '192.0.2.2', 'the later end counts');
  time.advance(60_000);
  t.equal(addresses(d), '192.0.2.1 192.0.2.2');
  t.strictSame(drains.list(), []);
  await drains.order({ kind: 'zone', name: 'z1.r1' });
  t.match(await drains.end({ kind: 'zone', name: 'z2' }), {
    kind: 'unknown',
    message: 'zone z2 is not drained',
  });
  t.match(
    await drains.end({ kind: 'zone', name: 'z1' }, 'bert'),
    { kind: 'ended', services: 1 },
    'by its short name',
  );
  t.equal(addresses(d), '192.0.2.1 192.0.2.2');
  const told = events
    .filter(({ what }) => what.startsWith('drain'))
    .map(({ what, subject, by, why }) => [what, subject, by, why]);
  t.strictSame(told, [
    ['drainSet', 'cluster c1', 'anna', 'racks'],
    ['drainSet', 'cluster c1', 'the admin address', undefined],
    ['drainExpired', 'cluster c1', undefined, undefined],
    ['drainSet', 'zone z1.r1', 'the admin address', undefined],
    ['drainEnded', 'zone z1.r1', 'bert', undefined],
  ]);
  t.equal(time.timers, 0, 'nothing is left to wait for');
});

t.test('it is told when every worker serves a drain, and when the last old answer has run out', async (t) => {
  const { drains, time, events, serve } = desk(t);
  const told = (): string[] => events.splice(0).map(({ what }) => what);
  await drains.order({ kind: 'cluster', name: 'c1' });
  t.match(
    drains.rollout(),
    { isServed: false, oldAnswersSeconds: 300 },
    'as long as the longest TTL of what changed',
  );
  time.advance(50_000);
  await serve();
  t.match(
    drains.rollout(),
    { isServed: true, oldAnswersSeconds: 300 },
    'counted from when all workers serve it',
  );
  t.strictSame(told(), ['drainSet', 'steered']);
  time.advance(100_000);
  t.equal(drains.rollout().oldAnswersSeconds, 200);
  await drains.end({ kind: 'cluster', name: 'c1' });
  await drains.order({ kind: 'zone', name: 'z1.r2' });
  t.equal(drains.rollout().isServed, false);
  await serve();
  t.match(drains.rollout(), { isServed: true, oldAnswersSeconds: 300 });
  time.advance(299_000);
  t.strictSame(told(), ['drainEnded', 'drainSet', 'steered'], 'of two orders the newest is told of');
  time.advance(1000);
  t.strictSame(told(), ['settled']);
  t.equal(drains.rollout().oldAnswersSeconds, 0);
  await drains.order({ kind: 'zone', name: 'z1.r2', reason: 'why not' });
  t.equal(drains.rollout().isServed, true, 'another reason changes no answer');
});

t.test('replicas with the same rules have the same digest, whatever else they know', async (t) => {
  const [one, two] = [desk(t), desk(t)];
  const empty = one.drains.rollout().digest;
  await one.drains.order({ kind: 'cluster', name: 'c1', by: 'anna' });
  await one.drains.order({ kind: 'zone', name: 'z1.r2' });
  await two.drains.order({ kind: 'zone', name: 'z1.r2', untilMs: two.time.clock() + 1000 });
  t.not(one.drains.rollout().digest, two.drains.rollout().digest);
  await two.drains.order({ kind: 'cluster', name: 'c1' });
  t.equal(one.drains.rollout().digest, two.drains.rollout().digest);
  t.not(one.drains.rollout().digest, empty);
});

t.test('a restart goes on with what is drained, and what has ended meanwhile is over', async (t) => {
  const path = join(scratch(t), 'drains.json');
  const log: string[] = [];
  const keep = (): DrainKeep =>
    drainFile(path, Date.now, { error: (_fields, message) => void log.push(message) });
  const before = desk(t, { keep: keep() });
  await before.drains.restore();
  await before.drains.order({ kind: 'cluster', name: 'c1', reason: 'racks', by: 'anna' });
  await before.drains.order({ kind: 'zone', name: 'z1.r2', untilMs: before.time.clock() + 1000 });
  const after = desk(t, { keep: keep() });
  after.time.advance(2000);
  await after.drains.restore();
  t.match(after.drains.list(), [
    { kind: 'cluster', name: 'c1', percent: 0, reason: 'racks', by: 'anna', scope: 'local' },
  ]);
  t.equal(after.drains.list().length, 1);
  t.equal(addresses(after), '192.0.2.2', 'from the first answer on');
  t.strictSame(after.events, [], 'it is no news');
  t.strictSame(log, []);
});

t.test('a restart goes on counting until the last answer from before has run out', async (t) => {
  const path = join(scratch(t), 'drains.json');
  const keep = (): DrainKeep => drainFile(path, Date.now, { error: () => {} });
  const restarted = async (afterMs: number): Promise<Desk> => {
    const next = desk(t, { keep: keep() });
    next.time.advance(afterMs);
    await next.drains.restore();
    return next;
  };
  const before = desk(t, { keep: keep() });
  await before.drains.restore();
  await before.drains.order({ kind: 'cluster', name: 'c1' });
  t.equal(
    (await restarted(60_000)).drains.rollout().oldAnswersSeconds,
    240,
    'also where it was not served yet',
  );
  await before.serve();
  await before.drains.stop();
  const after = await restarted(100_000);
  t.equal(after.drains.rollout().oldAnswersSeconds, 200);
  t.strictSame(after.events, []);
  after.time.advance(200_000);
  t.equal(after.drains.rollout().oldAnswersSeconds, 0);
  t.match(after.events, [{ what: 'settled', subject: 'cluster c1' }]);
  t.equal((await restarted(-3_600_000)).drains.rollout().oldAnswersSeconds, 300, 'a clock that was set back');
  t.equal((await restarted(3_600_000)).drains.rollout().oldAnswersSeconds, 0, 'long after');
});

t.test(
  'what stands in the place of the file and cannot be read is moved aside, not written over',
  async (t) => {
    const folder = scratch(t, { 'drains.json': { file: 'mine' } });
    const log: string[] = [];
    const file = join(folder, 'drains.json');
    const keep = drainFile(file, () => 7, { error: (fields) => void log.push(JSON.stringify(fields)) });
    const { drains } = desk(t, { keep });
    await drains.restore();
    t.match(log, [/DRAINS_UNREADABLE.*drains\.json\.7\.unread.*EISDIR/]);
    await drains.order({ kind: 'cluster', name: 'c1' });
    t.equal(readFileSync(join(folder, 'drains.json.7.unread', 'file'), 'utf8'), 'mine');
    t.match(readFileSync(file, 'utf8'), /"c1"/);
  },
);

t.test(
  'a file that is torn or of another version is put aside, and what can be read is in force',
  async (t) => {
    const good = { kind: 'cluster', name: 'c1', since: '2026-11-28T00:00:00.000Z' };
    const cases: readonly (readonly [string, string, readonly string[]])[] = [
      ['torn', JSON.stringify({ version: 1, drains: [good], shared: [] }).slice(0, 60), []],
      ['empty', '', []],
      ['no object', '7', []],
      ['a later version', JSON.stringify({ version: 2, drains: [good] }), ['cluster c1']],
      [
        'an entry of a kind that is to come',
        JSON.stringify({ version: 1, drains: [{ kind: 'rack', name: 'x' }, good] }),
        ['cluster c1'],
      ],
      [
        'an entry with a key that is to come',
        JSON.stringify({
          version: 1,
          drains: [
            { ...good, colour: 'blue' },
            { ...good, name: 'c2' },
          ],
        }),
        ['cluster c2'],
      ],
    ];
    for (const [title, text, expected] of cases) {
      const folder = scratch(t, { 'drains.json': text });
      const log: string[] = [];
      const write = (_fields: object, message: string): void => void log.push(message);
      const keep = drainFile(join(folder, 'drains.json'), Date.now, { error: write });
      const { drains } = desk(t, { keep });
      await drains.restore();
      t.strictSame(drains.list().map(drainText), expected, title);
      t.match(log, [/put aside/], title);
      const aside = readdirSync(folder).find((name) => name.endsWith('.unread'))!;
      t.equal(readFileSync(join(folder, aside), 'utf8'), text, `${title}: nothing is lost`);
      const again = desk(t, { keep });
      await again.drains.restore();
      t.strictSame(again.drains.list(), drains.list(), `${title}: the next start knows as much`);
      t.equal(log.length, 1, title);
      await drains.order({ kind: 'region', name: 'r1' });
      t.equal(readFileSync(join(folder, aside), 'utf8'), text, `${title}: nor written over`);
    }
  },
);

t.test('what cannot be written down is in force all the same, and said', async (t) => {
  const keep: DrainKeep = { load: FORGETFUL.load, save: () => Promise.reject(new Error('the disk is full')) };
  const d = desk(t, { keep });
  const outcome = await d.drains.order({ kind: 'cluster', name: 'c1' });
  t.match(outcome, { kind: 'set', warnings: [/a restart would forget it: the disk is full/] });
  t.equal(addresses(d), '192.0.2.2');
});

t.test('what could not be written down is, once the disk takes it, without another order', async (t) => {
  let fault: Error | undefined = new Error('the disk is full');
  const saved: string[][] = [];
  const save: DrainKeep['save'] = async ({ local }) => {
    if (fault !== undefined) throw fault;
    saved.push(local.map(drainText));
  };
  const d = desk(t, { keep: { load: FORGETFUL.load, save } });
  await d.drains.order({ kind: 'cluster', name: 'c1' });
  d.time.advance(60_000);
  await turn();
  t.strictSame(saved, []);
  t.equal(d.log.filter((line) => /cannot be kept/.test(line)).length, 1, 'it is said once');
  fault = undefined;
  d.time.advance(60_000);
  await turn();
  t.strictSame(saved, [['cluster c1']]);
  t.match(d.log, [/a drain was set/, /cannot be kept/, /kept again/]);
  d.time.advance(600_000);
  await turn();
  t.equal(saved.length, 1, 'and not again');
});

/** A shared object as plain data. */
class FakeShared implements SharedDrains {
  drains: readonly Drain[] = [];
  fault: string | undefined;
  #onDrains: (drains: readonly Drain[]) => void = () => {};

  start(onDrains: (drains: readonly Drain[]) => void): void {
    this.#onDrains = onDrains;
  }

  tell(drains: readonly Drain[]): void {
    this.drains = drains;
    this.#onDrains(drains);
  }

  change(edit: (drains: readonly Drain[]) => readonly Drain[]): Promise<readonly Drain[]> {
    if (this.fault !== undefined) return Promise.reject(new Error(this.fault));
    this.drains = edit(this.drains);
    return Promise.resolve(this.drains);
  }

  status(): { readonly where: string } {
    return { where: 'ConfigMap dns/drains' };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

t.test('shared drains come from the shared object, and orders go there', async (t) => {
  const path = join(scratch(t), 'drains.json');
  const keep = drainFile(path, Date.now, { error: (_fields, message) => t.fail(message) });
  const shared = new FakeShared();
  const d = desk(t, { shared, keep });
  const { drains, events } = d;
  drains.start();
  const c1: Drain = { kind: 'cluster', name: 'c1', percent: 0, scope: 'shared', sinceMs: 5 };
  shared.tell([c1]);
  t.equal(addresses(d), '192.0.2.2', 'whoever wrote it');
  t.strictSame(events.splice(0), [{ what: 'drainSet', subject: 'cluster c1', by: 'ConfigMap dns/drains' }]);
  shared.tell([{ ...c1, sinceMs: 6 }]);
  t.strictSame(events, [], 'read again, it is the same');
  await drains.order({ kind: 'zone', name: 'z1.r2' });
  t.strictSame(shared.drains.map(drainText), ['cluster c1', 'zone z1.r2'], 'an order goes there');
  shared.fault = 'ConfigMap dns/drains cannot be written: 403';
  t.match(await drains.end({ kind: 'cluster', name: 'c1' }), { kind: 'unkept', message: /403/ });
  t.equal(addresses(d), '192.0.2.2', 'nothing has changed');
  t.match(
    await drains.order({ kind: 'region', name: 'r1', scope: 'local' }),
    { kind: 'set' },
    'but this server alone can',
  );
  shared.tell([]);
  t.strictSame(drains.list().map(drainText), ['region r1']);
  shared.tell([c1]);
  await drains.stop();
  const next = desk(t, { shared: new FakeShared(), keep });
  await next.drains.restore();
  t.strictSame(
    next.drains.list().map(drainText).toSorted(),
    ['cluster c1', 'region r1'],
    'what was last known outlasts a restart',
  );
});

function rows(steps: ReturnType<Drains['preview']>): string[] {
  if ('message' in steps) return [steps.message];
  return [...steps].flatMap((row) => (row === undefined ? [] : [row.name]));
}

t.test('a preview tells the names that an order would change, and changes nothing', async (t) => {
  const d = desk(t);
  const order: DrainOrder = { kind: 'zone', name: 'z1.r1' };
  const names = rows(d.drains.preview(order));
  t.ok(names.includes(`${WEB}.svc.z1.r1.example.com.`), names.join());
  t.equal(addresses(d), '192.0.2.1 192.0.2.2');
  t.strictSame(rows(d.drains.preview({ kind: 'zone', name: 'z9' })), [
    'no zone z9 is known: there is z1.r1, z1.r2, z2.r2',
  ]);
  t.strictSame(rows(d.drains.previewEnd(order)), ['zone z1.r1 is not drained']);
  await d.drains.order(order);
  t.strictSame(rows(d.drains.preview(order)), [], 'it is so already');
  t.strictSame(rows(d.drains.previewEnd({ kind: 'zone', name: 'z1' })), names, 'the way back');
});

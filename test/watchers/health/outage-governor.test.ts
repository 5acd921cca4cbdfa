import { test } from 'tap';
import { alwaysInContact, OutageGovernor } from '../../../src/watchers/health/outage-governor.ts';
import type { ClusterSource } from '../../../src/watchers/source.ts';
import { FakeTime } from '../fake-time.ts';

const GRACE_MS = 60_000;
const REFUSED_MS = 3_600_000;

interface Governed {
  readonly time: FakeTime;
  readonly governor: OutageGovernor;
  readonly statuses: string[];
  now(): Record<string, string | undefined>;
}

/** Clusters `a`, `b`, … all of them in contact. */
function governed(count: number, failStaticAbove = 0.5): Governed {
  const time = new FakeTime();
  const statuses: string[] = [];
  const governor = new OutageGovernor({
    timers: time,
    graceSeconds: GRACE_MS / 1000,
    refusedGraceSeconds: REFUSED_MS / 1000,
    failStaticAbove,
    onIsolation: (isolated, out, total) =>
      statuses.push(`${isolated ? 'isolated' : 'reunited'} ${out}/${total}`),
  });
  const names = [...'abcdefgh'].slice(0, count);
  for (const name of names) governor.join(name, (status) => statuses.push(`${name} ${status}`));
  for (const name of names) governor.contact(name);
  statuses.length = 0;
  return {
    time,
    governor,
    statuses,
    now: () => Object.fromEntries(names.map((name) => [name, governor.status(name)])),
  };
}

test('a cluster out of contact is held for the grace period and then withdrawn', async (t) => {
  const { time, governor, statuses } = governed(3);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(GRACE_MS - 1);
  t.same(statuses, ['a held']);
  await time.advance(1);
  t.same(statuses, ['a held', 'a withdrawn']);
  governor.contact('a');
  t.equal(statuses.at(-1), 'a available');
  t.equal(time.timers, 0);
});

test('the grace period runs from the first sign, not from the decision', async (t) => {
  const { time, governor, statuses } = governed(3);
  await time.advance(20_000);
  governor.lost('a', { sinceMs: time.now() - 15_000 });
  await time.advance(GRACE_MS - 15_000);
  t.same(statuses, ['a held', 'a withdrawn']);
});

test('a cluster that is back within the grace period was never away', async (t) => {
  const { time, governor, statuses } = governed(3);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(30_000);
  governor.contact('a');
  await time.advance(GRACE_MS * 2);
  t.same(statuses, ['a held', 'a available']);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(GRACE_MS - 1);
  t.equal(governor.status('a'), 'held', 'and has a whole period again');
});

test('a cluster that refuses fedns is held for longer than one that is silent', async (t) => {
  const { time, governor, statuses } = governed(3);
  governor.lost('a', { sinceMs: time.now(), refused: true });
  await time.advance(REFUSED_MS - 1);
  t.same(statuses, ['a held']);
  await time.advance(1);
  t.same(statuses, ['a held', 'a withdrawn']);
});

test('silence after a refusal has a grace period of its own', async (t) => {
  const { time, governor, now } = governed(3);
  governor.lost('a', { sinceMs: time.now(), refused: true });
  await time.advance(GRACE_MS * 10);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(GRACE_MS - 1);
  t.equal(now()['a'], 'held');
  await time.advance(1);
  t.equal(now()['a'], 'withdrawn');
});

test('a refusal after silence is held from the beginning of the silence', async (t) => {
  const { time, governor, now } = governed(3);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(GRACE_MS - 1);
  governor.lost('a', { sinceMs: time.now(), refused: true });
  await time.advance(REFUSED_MS - GRACE_MS);
  t.equal(now()['a'], 'held');
  await time.advance(1);
  t.equal(now()['a'], 'withdrawn');
});

test('what was withdrawn for its silence does not come back by a refusal', async (t) => {
  const { time, governor, now } = governed(3);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(GRACE_MS);
  governor.lost('a', { sinceMs: time.now(), refused: true });
  t.equal(now()['a'], 'withdrawn');
});

// Until it is given up, a cluster that was never read makes the answers about all others short-lived.
for (const [title, joining, lastsMs] of [
  ['a cluster that refuses and was never read is given up after the ordinary grace', 'unread', GRACE_MS],
  ['a cluster that refuses and is known from an earlier run is held for as long', 'known', REFUSED_MS],
] as const) {
  test(title, async (t) => {
    const { time, governor } = governed(2);
    governor.join('new', () => {}, joining);
    governor.lost('new', { sinceMs: time.now(), refused: true });
    await time.advance(lastsMs - 1);
    t.equal(governor.status('new'), 'pending');
    await time.advance(1);
    t.equal(governor.status('new'), 'withdrawn');
  });
}

test('the grace period begins when the cluster is last heard', async (t) => {
  const { time, governor, now } = governed(3);
  let heardMs = time.now();
  governor.lost('a', { sinceMs: time.now(), heardMs: () => heardMs });
  for (let second = 0; second < 90; second++) {
    heardMs = time.now();
    await time.advance(1000);
  }
  t.equal(now()['a'], 'held');
  await time.advance(GRACE_MS - 1001);
  t.equal(now()['a'], 'held');
  await time.advance(1);
  t.equal(now()['a'], 'withdrawn');
});

test('when more than the fraction are out of contact at once, nothing is withdrawn', async (t) => {
  const { time, governor, statuses, now } = governed(4);
  for (const name of ['a', 'b', 'c']) governor.lost(name, { sinceMs: time.now() });
  t.ok(governor.isolated);
  await time.advance(GRACE_MS * 100);
  t.same(now(), { a: 'held', b: 'held', c: 'held', d: 'available' });
  t.same(statuses, ['a held', 'b held', 'c held', 'isolated 3/4']);
});

test('half of the clusters are not more than half', async (t) => {
  const { time, governor, now } = governed(2);
  governor.lost('a', { sinceMs: time.now() });
  t.notOk(governor.isolated);
  await time.advance(GRACE_MS);
  t.same(now(), { a: 'withdrawn', b: 'available' });
});

test('after an isolation, the grace periods of the others run anew', async (t) => {
  const { time, governor, now } = governed(3);
  for (const name of ['a', 'b', 'c']) governor.lost(name, { sinceMs: time.now() });
  await time.advance(GRACE_MS * 10);
  governor.contact('a');
  t.ok(governor.isolated, '2 of 3 are still more than half');
  governor.contact('b');
  t.notOk(governor.isolated);
  await time.advance(GRACE_MS - 1);
  t.same(now(), { a: 'available', b: 'available', c: 'held' });
  await time.advance(1);
  t.same(now(), { a: 'available', b: 'available', c: 'withdrawn' });
});

test('what was withdrawn before an isolation stays withdrawn through it', async (t) => {
  const { time, governor, now } = governed(3);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(GRACE_MS);
  governor.lost('b', { sinceMs: time.now() });
  await time.advance(GRACE_MS * 10);
  t.same(now(), { a: 'withdrawn', b: 'held', c: 'available' });
});

test('a cluster that was never reached is pending, then withdrawn', async (t) => {
  const { time, governor, statuses } = governed(2);
  governor.join('new', (status) => statuses.push(`new ${status}`));
  await time.advance(GRACE_MS - 1);
  t.equal(governor.status('new'), 'pending');
  await time.advance(1);
  t.same(statuses, ['new withdrawn']);
});

test('as long as no cluster has been reached, all are pending', async (t) => {
  const time = new FakeTime();
  const governor = new OutageGovernor({
    timers: time,
    graceSeconds: 60,
    refusedGraceSeconds: 60,
    failStaticAbove: 0.5,
  });
  governor.join('a', () => {});
  governor.join('b', () => {});
  await time.advance(GRACE_MS * 10);
  t.equal(governor.status('a'), 'pending');
  governor.contact('a');
  await time.advance(GRACE_MS);
  t.equal(governor.status('b'), 'withdrawn');
});

test('other settings apply at once', async (t) => {
  const { time, governor, now } = governed(2);
  governor.lost('a', { sinceMs: time.now() });
  await time.advance(10_000);
  governor.configure({ graceSeconds: 5, refusedGraceSeconds: 60, failStaticAbove: 0.5 });
  t.same(now(), { a: 'withdrawn', b: 'available' });
});

test('a cluster that leaves counts no more', async (t) => {
  const { time, governor } = governed(3);
  governor.lost('a', { sinceMs: time.now() });
  governor.leave('b');
  governor.leave('c');
  t.ok(governor.isolated, '1 of 1');
  governor.leave('a');
  governor.lost('a', { sinceMs: time.now() });
  governor.contact('a');
  t.equal(governor.status('a'), undefined);
  governor.stop();
  t.equal(time.timers, 0);
});

test('at a stop, clusters that leave one after the other are no isolation', async (t) => {
  const told: unknown[][] = [];
  const time = new FakeTime();
  const governor = new OutageGovernor({
    timers: time,
    graceSeconds: 60,
    refusedGraceSeconds: 60,
    failStaticAbove: 0.5,
    onIsolation: (...what) => told.push(what),
  });
  for (const name of ['a', 'b', 'c']) governor.join(name, () => {}, 'inContact');
  governor.lost('c', { sinceMs: time.now() });
  governor.stop();
  for (const name of ['a', 'b', 'c']) governor.leave(name);
  t.strictSame(told, []);
});

test('a cluster read from files is always in contact, and counts', async (t) => {
  const { governor, time } = governed(1);
  const calls: string[] = [];
  const source = {
    name: 'files',
    start: async () => void calls.push('start'),
    stop: async () => void calls.push('stop'),
    report: () => ({ name: 'files' }),
  } as unknown as ClusterSource;
  const counted = alwaysInContact(governor, source);
  await counted.start();
  governor.lost('a', { sinceMs: time.now() });
  t.notOk(governor.isolated, '1 of 2');
  t.equal(counted.report().name, 'files');
  await counted.stop();
  t.ok(governor.isolated, '1 of 1');
  t.same(calls, ['start', 'stop']);
});

test('clusters that are still to be read are no isolation to tell of, and those that are lost at the start are', async (t) => {
  const { time, governor, statuses } = governed(0);
  for (const name of ['a', 'b', 'c']) governor.join(name, () => {});
  t.equal(governor.isolated, true);
  t.same(statuses, [], 'nothing is told');
  for (const name of ['a', 'b', 'c']) governor.contact(name);
  t.equal(governor.isolated, false);
  t.same(statuses, []);

  governor.join('d', () => {});
  governor.lost('a', { sinceMs: time.now() });
  governor.lost('b', { sinceMs: time.now() });
  t.equal(governor.isolated, true);
  t.same(statuses, [], 'half are lost, which is not more than half');
  governor.lost('d', { sinceMs: time.now() });
  governor.contact('a');
  governor.contact('b');
  t.same(statuses, ['isolated 3/4', 'reunited 2/4']);
});

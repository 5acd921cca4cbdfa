import { test } from 'tap';
import { FirstCommits } from '../../../src/watchers/objects/first-commits.ts';
import { gateOf, ListGate, type Release } from '../../../src/watchers/api/list-gate.ts';
import type { Cause } from '../../../src/zonebuilder/facts.ts';
import { FakeTime } from '../fake-time.ts';
import { RecordingSink } from '../recording-sink.ts';

const NEVER = new AbortController().signal;

/** Asks for many turns; `entered` holds those that have begun. */
async function crowd(gate: ListGate, count: number): Promise<Release[]> {
  const entered: Release[] = [];
  for (let i = 0; i < count; i++) void gate.enter(NEVER).then((release) => entered.push(release));
  await turn();
  return entered;
}

/** Lets promises go on. */
async function turn(): Promise<void> {
  await new Promise(setImmediate);
}

test('sixteen lists are read at once, and the next when one ends', async (t) => {
  const time = new FakeTime();
  const entered = await crowd(new ListGate(time), 20);
  t.equal(entered.length, 16);
  entered[0]!();
  entered[0]!();
  await turn();
  t.equal(entered.length, 17, 'ending twice is ending once');
  for (const release of entered.slice(0, 17)) release();
  await turn();
  t.equal(entered.length, 20);
  for (const release of entered) release();
  t.equal(time.timers, 0);
});

test('a list that takes for ever keeps the others waiting for a while only', async (t) => {
  const time = new FakeTime();
  const entered = await crowd(new ListGate(time), 40);
  await time.advance(5_000);
  t.equal(entered.length, 32);
  await time.advance(5_000);
  t.equal(entered.length, 40);
});

test('who gives up waiting takes no turn', async (t) => {
  const time = new FakeTime();
  const gate = new ListGate(time);
  const entered = await crowd(gate, 16);
  const abort = new AbortController();
  const waiting = gate.enter(abort.signal);
  abort.abort();
  (await waiting)();
  (await gate.enter(abort.signal))();
  entered[0]!();
  const last = await gate.enter(NEVER);
  last();
  for (const release of entered) release();
  t.equal(time.timers, 0);
});

test('clusters on one clock share a gate', (t) => {
  const time = new FakeTime();
  t.equal(gateOf(time), gateOf(time));
  t.not(gateOf(time), gateOf(new FakeTime()));
  t.end();
});

const CAUSE: Cause = { object: 'test', timeMs: 0 };

class BatchingSink extends RecordingSink {
  batches = 0;

  batch(_cause: Cause, work: () => void): void {
    this.batches++;
    work();
  }
}

test('the first complete list counts at once, those soon after it together', async (t) => {
  const time = new FakeTime();
  const sink = new BatchingSink();
  const commits = new FirstCommits(sink, time);
  const done: string[] = [];
  const add = (name: string): (() => void) => commits.add(() => void done.push(name), CAUSE);
  add('a');
  t.same(done, ['a']);
  add('b');
  await time.advance(500);
  add('c');
  const takeBack = add('d');
  takeBack();
  t.same(done, ['a']);
  await time.advance(500);
  t.same(done, ['a', 'b', 'c']);
  t.equal(sink.batches, 2);
  await time.advance(5000);
  add('e')();
  t.same(done, ['a', 'b', 'c', 'e']);
  add('f')();
  t.equal(time.timers, 0, 'nobody waits, so nothing does');
});

test('one that fails takes no other with it', (t) => {
  const time = new FakeTime();
  const commits = new FirstCommits(new RecordingSink(), time);
  const done: string[] = [];
  commits.add(() => {}, CAUSE);
  commits.add(() => {
    throw new Error('a bug');
  }, CAUSE);
  commits.add(() => void done.push('b'), CAUSE);
  t.rejects(time.advance(1000), /a bug/).then(
    () => {
      t.same(done, ['b']);
      t.end();
    },
    () => t.fail(),
  );
});

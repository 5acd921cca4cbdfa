/** Which removals may be carried out. */

import { test } from 'tap';
import { GATHER_MS, GATHER_MS_MAX, RemovalGate } from '../../../src/federation/sync/removal-gate.ts';

const LIMITS = { maxFraction: 0.5, min: 3, windowSeconds: 60 };

function gateWith(count: number, nowMs = 0): RemovalGate {
  const gate = new RemovalGate(LIMITS);
  for (let i = 0; i < count; i++) gate.ask(`k${i}`, nowMs);
  return gate;
}

test('how many go at once', async (t) => {
  const cases: readonly (readonly [title: string, removals: number, objects: number, goes: boolean])[] = [
    ['one of many', 1, 100, true],
    ['the only one', 1, 1, true],
    ['two of two are few', 2, 2, true],
    ['all of three', 3, 3, false],
    ['half', 5, 10, true],
    ['more than half', 6, 10, false],
  ];
  for (const [title, removals, objects, goes] of cases) {
    const gate = gateWith(removals);
    t.equal(gate.decide(objects, GATHER_MS).length, goes ? removals : 0, title);
    t.same(gate.hold, goes ? undefined : { removals, objects, sinceMs: GATHER_MS });
  }
});

test('removals are gathered before they are counted', async (t) => {
  const gate = gateWith(1);
  t.same(gate.decide(10, GATHER_MS - 1), [], 'not yet');
  t.equal(gate.ask('k0', GATHER_MS - 1), false, 'asked again, it is no news');
  gate.ask('later', GATHER_MS - 1);
  t.same(gate.decide(10, GATHER_MS), [], 'another has come');
  t.same(gate.decide(10, 2 * GATHER_MS), ['k0', 'later']);
  t.equal(gate.ask('later', 2 * GATHER_MS), true, 'and now it may');
  const steady = new RemovalGate(LIMITS);
  for (let ms = 0; ms <= GATHER_MS_MAX; ms += 500) steady.ask(`k${ms}`, ms);
  t.equal(steady.decide(100, GATHER_MS_MAX).length, 21, 'a trickle is not put off for ever');
});

test('what went within the window counts together with what is to go', async (t) => {
  const gate = gateWith(5);
  t.equal(gate.decide(10, GATHER_MS).length, 5);
  for (let i = 0; i < 5; i++) gate.forget(`k${i}`);
  gate.ask('one more', 10_000);
  t.same(gate.decide(5, 20_000), []);
  t.match(gate.hold, { removals: 1, objects: 10 });
  t.same(gate.decide(5, 20_000 + 60_000), ['one more'], 'until the window has passed');
  t.equal(gate.hold, undefined);
});

test('a word lets go what waits, and nothing that comes later', async (t) => {
  const gate = gateWith(10);
  gate.decide(10, GATHER_MS);
  t.match(gate.hold, { removals: 10 });
  t.equal(gate.confirm().length, 10);
  t.equal(gate.hold, undefined);
  t.equal(gate.ask('k3', 5000), true);
  for (let i = 0; i < 6; i++) t.equal(gate.ask(`other${i}`, 5000), false);
  t.same(gate.decide(8, 10_000), [], 'more come: they wait anew');
});

test('removals that are no longer wanted end the wait', async (t) => {
  const gate = gateWith(6);
  gate.decide(10, GATHER_MS);
  for (let i = 0; i < 5; i++) gate.forget(`k${i}`);
  t.same(gate.decide(10, GATHER_MS), ['k5']);
  t.equal(gate.hold, undefined);
});

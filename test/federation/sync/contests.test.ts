/** How often the same is written to an object that somebody else changes back. */

import { test } from 'tap';
import { Contests } from '../../../src/federation/sync/contests.ts';

function written(times: number, everyMs = 0): Contests {
  const contests = new Contests();
  for (let i = 0; i < times; i++) contests.note('k', 1, i * everyMs);
  return contests;
}

test('how long the same is not written again', async (t) => {
  const cases: readonly (readonly [title: string, times: number, afterMs: number, waitMs: number])[] = [
    ['what was never written may be', 0, 0, 0],
    ['a few times are no sign of anything', 7, 0, 0],
    ['then it waits', 8, 0, 1_000],
    ['as long as is left', 8, 400, 600],
    ['and may be', 8, 1_000, 0],
    ['longer each time', 10, 0, 4_000],
    ['but no longer than this', 40, 0, 60_000],
    ['after a while of peace it is over', 40, 300_000, 0],
  ];
  for (const [title, times, afterMs, waitMs] of cases)
    t.equal(written(times).waitMs('k', 1, afterMs), waitMs, title);
});

test('what is no contest', async (t) => {
  const contests = written(20);
  t.equal(contests.waitMs('k', 2, 0), 0, 'something else is to be written');
  t.equal(contests.waitMs('other', 1, 0), 0, 'another object');
  t.equal(written(20, 300_000).waitMs('k', 1, 19 * 300_000), 0, 'now and then');
});

test('what is contested is remembered beside many that are not', async (t) => {
  const contests = new Contests();
  for (let i = 0; i < 20_000; i++) {
    if (i % 1000 === 0) contests.note('k', 1, 0);
    contests.note(`other-${i}`, 1, 0);
  }
  t.ok(contests.waitMs('k', 1, 0) > 0);
});

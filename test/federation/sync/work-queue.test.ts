/** Work for one API server: in parallel, once for each key, with waits after failures. */

import { test } from 'tap';
import { DONE, WorkQueue, type WorkResult } from '../../../src/federation/sync/work-queue.ts';
import { StillTime } from '../../support/still-time.ts';

const RETRY: WorkResult = { kind: 'retry', firstMs: 1000, maxMs: 8000, atLeastMs: 0 };

interface Run {
  readonly key: string;
  readonly end: (result: WorkResult) => void;
}

/** A queue whose work ends when the test says so. */
function queueOf(parallel: number): {
  time: StillTime;
  queue: WorkQueue;
  runs: Run[];
  end: (i: number, result?: WorkResult) => Promise<void>;
} {
  const time = new StillTime(0);
  const runs: Run[] = [];
  const run = (key: string): Promise<WorkResult> =>
    new Promise((resolve) => {
      runs.push({ key, end: resolve });
    });
  const queue = new WorkQueue({ parallel, timers: time, random: () => 1, run });
  queue.open(true);
  const end = async (i: number, result = DONE): Promise<void> => {
    runs[i]!.end(result);
    await time.advance(0);
  };
  return { time, queue, runs, end };
}

const keys = (runs: readonly Run[]): string => runs.map(({ key }) => key).join(' ');

test('so many at a time, first come first served, each key once', async (t) => {
  const { queue, runs, end } = queueOf(2);
  for (const key of ['a', 'b', 'a', 'c', 'd', 'c']) queue.add(key);
  t.equal(keys(runs), 'a b');
  queue.add('a');
  await end(0);
  t.equal(keys(runs), 'a b c', 'what is asked for while it runs comes once more, at the end');
  await end(1);
  await end(2);
  t.equal(keys(runs), 'a b c d a');
  t.equal(queue.size, 2);
});

test('nothing is begun while it is closed', async (t) => {
  const { queue, runs } = queueOf(2);
  queue.open(false);
  queue.add('a');
  t.equal(keys(runs), '');
  queue.open(true);
  t.equal(keys(runs), 'a');
});

test('what fails comes back after waits that double, and holds up nothing else', async (t) => {
  const { queue, runs, end, time } = queueOf(1);
  queue.add('bad');
  queue.add('good');
  await end(0, RETRY);
  t.equal(keys(runs), 'bad good');
  await end(1);
  t.equal(queue.failing, 1);
  queue.add('bad');
  for (const [i, waitMs] of [1000, 2000, 4000, 8000, 8000].entries()) {
    await time.advance(waitMs - 1);
    t.equal(runs.length, 2 + i, `not before ${waitMs} ms`);
    await time.advance(1);
    await end(2 + i, RETRY);
  }
  queue.add('bad', true);
  t.equal(runs.length, 8, 'news of it ends the wait');
  await end(7, RETRY);
  await time.advance(1000);
  t.equal(runs.length, 9, 'and the waits begin anew');
  await end(8, RETRY);
  queue.drop('bad');
  await time.advance(60_000);
  t.equal(runs.length, 9, 'what is no longer to be done is not tried again');
});

test('a server in trouble is left alone as a whole, and nothing is lost', async (t) => {
  const { queue, runs, end, time } = queueOf(2);
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await end(0, { kind: 'serverTrouble', atLeastMs: 3000 });
  await end(1);
  t.equal(keys(runs), 'a b', 'nothing else is begun');
  await time.advance(2999);
  t.equal(keys(runs), 'a b');
  await time.advance(1);
  t.equal(keys(runs), 'a b c a');
});

test('a queue that is stopped leaves no timer', async (t) => {
  const { queue, end, time } = queueOf(1);
  queue.add('a');
  await end(0, RETRY);
  queue.add('b');
  await end(1, { kind: 'serverTrouble', atLeastMs: 0 });
  queue.stop();
  t.equal(time.timers, 0);
});

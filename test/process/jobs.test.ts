import { test } from 'tap';
import { createSchedule, runAtMoments } from '../../src/jobs.ts';
import { breathe, FakeTime } from '../watchers/fake-time.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A job of every full minute, and how often it has run. */
function everyMinute(time: FakeTime, run: () => Promise<void> = () => Promise.resolve()) {
  const job = { runs: 0, moments: 0, stop: (): void => undefined };
  const nextMs = (): number => {
    job.moments++;
    return (Math.floor(time.clock() / MINUTE_MS) + 1) * MINUTE_MS;
  };
  job.stop = runAtMoments({ clock: time.clock, timers: time, nextMs }, () => {
    job.runs++;
    return run();
  });
  return job;
}

test('a job runs at every moment of its calendar, until it is stopped', async (t) => {
  const time = new FakeTime();
  const job = everyMinute(time);
  await time.advance(5 * MINUTE_MS);
  t.equal(job.runs, 5);
  job.stop();
  await time.advance(5 * MINUTE_MS);
  t.equal(job.runs, 5);
  t.equal(time.timers, 0);
});

test('a wall clock that steps costs one look, and the job goes on within a minute', async (t) => {
  for (const days of [1, 365, 56 * 365, -1, -365, -56 * 365]) {
    const time = new FakeTime();
    const job = everyMinute(time);
    await time.advance(MINUTE_MS);
    time.wallOffsetMs += days * DAY_MS;
    await time.advance(3 * MINUTE_MS);
    job.stop();
    t.ok(job.runs >= 3 && job.runs <= 4, `${days} days: ${job.runs} runs`);
    t.ok(job.moments <= 6, `${days} days: ${job.moments} moments looked for`);
  }
});

test('moments during a run are left out', async (t) => {
  const time = new FakeTime();
  const { promise, resolve } = Promise.withResolvers<void>();
  const job = everyMinute(time, () => promise);
  await time.advance(5 * MINUTE_MS);
  t.equal(job.runs, 1);
  resolve();
  await breathe();
  await time.advance(MINUTE_MS);
  t.equal(job.runs, 2);
  job.stop();
});

test('a schedule on the real clock knows cron expressions, and outlives a run that fails', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const lines: string[] = [];
  const note = (_fields: object, message: string): void => void lines.push(message);
  const schedule = createSchedule({ debug: note, info: note, warn: note, error: note });
  let runs = 0;
  const job = schedule('test', '* * * * * *', async () => {
    if (++runs === 2) resolve();
    throw new Error('on purpose');
  });
  // Its timers do not keep the process alive, which a test's own must.
  const alive = setInterval(() => undefined, 1000);
  await promise;
  clearInterval(alive);
  await breathe();
  await job.stop();
  t.strictSame(lines, ['a job failed', 'a job failed']);
  t.throws(() => schedule('test', 'no cron', async () => undefined));
});

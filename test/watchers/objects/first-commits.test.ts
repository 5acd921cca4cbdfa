import t from 'tap';
import { FirstCommits } from '../../../src/watchers/objects/first-commits.ts';
import type { FactSink } from '../../../src/zonebuilder/facts.ts';
import { FakeTime } from '../fake-time.ts';
import { RecordingSink } from '../recording-sink.ts';

const CAUSE = { object: 'list', timeMs: 0 };

/** Commits, and the batches that they were run in. */
function makeCommits(): { commits: FirstCommits; time: FakeTime; batches: string[][] } {
  const batches: string[][] = [];
  const batch = (_cause: unknown, work: () => void): void => {
    batches.push([]);
    work();
  };
  const sink: FactSink = Object.assign(new RecordingSink(), { batch });
  const time = new FakeTime();
  return { commits: new FirstCommits(sink, time), time, batches };
}

t.test('the first complete list is taken in at once', (t) => {
  const { commits, batches } = makeCommits();
  commits.add(() => batches.at(-1)!.push('one'), CAUSE);
  t.strictSame(batches, [['one']]);
  t.end();
});

t.test('lists that follow within a second are taken in together, a few clusters at a time', async (t) => {
  const { commits, time, batches } = makeCommits();
  for (let i = 0; i < 20; i++) commits.add(() => batches.at(-1)!.push(`c${i}`), CAUSE);
  t.strictSame(batches, [['c0']]);
  await time.advance(1_000);
  t.strictSame(
    batches.map((batch) => batch.length),
    [1, 16, 3],
    'each batch is one turn of the event loop',
  );
  t.strictSame(
    batches.flat(),
    Array.from({ length: 20 }, (_, i) => `c${i}`),
    'in the order in which they came',
  );
});

t.test('a commit that is taken back is not run', async (t) => {
  const { commits, time, batches } = makeCommits();
  commits.add(() => batches.at(-1)!.push('one'), CAUSE);
  const takeBack = commits.add(() => batches.at(-1)!.push('two'), CAUSE);
  commits.add(() => batches.at(-1)!.push('three'), CAUSE);
  takeBack();
  await time.advance(1_000);
  t.strictSame(batches, [['one'], ['three']]);
});

t.test('a commit that throws does not cost another its own', async (t) => {
  const { commits, time, batches } = makeCommits();
  commits.add(() => batches.at(-1)!.push('one'), CAUSE);
  commits.add(() => {
    throw new Error('a bug');
  }, CAUSE);
  commits.add(() => batches.at(-1)!.push('three'), CAUSE);
  await t.rejects(async () => time.advance(1_000), { message: 'a bug' });
  t.strictSame(batches, [['one'], ['three']]);
});

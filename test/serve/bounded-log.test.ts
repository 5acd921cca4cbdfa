import t from 'tap';
import { BoundedLog } from '../../src/serve/bounded-log.ts';
import { FakeTime } from '../watchers/fake-time.ts';

t.test('of thousands of lines in a second twenty are written and the others summed', async (t) => {
  const time = new FakeTime();
  const lines: string[] = [];
  const write =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log = new BoundedLog({ info: write('info'), warn: write('warn') }, time);
  for (let i = 0; i < 15; i++) log.info({ i }, 'up');
  for (let i = 0; i < 1000; i++) log.warn({ i }, 'down');
  t.equal(lines.length, 20);
  t.equal(lines[15], 'warn down {"i":0}');
  await time.advance(1000);
  t.equal(lines[20], 'info more of the same within a second, only counted {"leftOut":{"down":995}}');
  log.info({}, 'up');
  t.equal(lines[21], 'info up {}', 'the next second has room again');
  await time.advance(1000);
  t.equal(lines.length, 22, 'nothing was left out, so nothing is summed');
  for (let i = 0; i < 21; i++) log.info({}, 'up');
  log.stop();
  t.match(lines.at(-1), /"leftOut":\{"up":1\}/, 'the end loses nothing');
});

import { existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FileOutput, RETRY_MS } from '../../src/querylog/dnstap/file-output.ts';
import { Tally } from '../../src/querylog/tally.ts';
import { frame, framesOf, keepObserver, ManualTimers, START, STOP } from './outputs.ts';
import { scratch } from '../support/scratch.ts';

function open(t: Test, options: { octetsMax?: number; keep?: number; path?: string } = {}) {
  const path = options.path ?? join(scratch(t), 'x.tap');
  const time = new ManualTimers();
  const observer = keepObserver();
  const output = new FileOutput(
    { path, octetsMax: options.octetsMax ?? 1 << 20, keep: options.keep ?? 2, timers: time },
    observer,
  );
  const framesIn = (suffix = ''): string[] => framesOf(readFileSync(path + suffix));
  return { path, time, observer, output, framesIn, write: (text: string) => output.write(frame(text), 1) };
}

t.test('a file is a stream from START to STOP, and its frames are there at once', async (t) => {
  const { path, output, write, framesIn, observer } = open(t);
  output.start();
  write('one');
  write('two');
  t.strictSame(framesIn(), [START, 'one', 'two']);
  t.equal(observer.tally[Tally.isOpen], 1);
  await output.stop();
  t.strictSame(framesIn(), [START, 'one', 'two', STOP]);
  t.equal(statSync(path).mode & 0o777, 0o640);
  t.equal(observer.tally[Tally.frames], 2);
  t.equal(observer.tally[Tally.isOpen], 0);
});

t.test('what is there already gives way, and the oldest goes', async (t) => {
  const { path, output, write, framesIn } = open(t);
  writeFileSync(path, 'of before');
  writeFileSync(`${path}.1`, 'older');
  writeFileSync(`${path}.2`, 'oldest');
  output.start();
  write('new');
  await output.stop();
  t.strictSame(framesIn(), [START, 'new', STOP]);
  t.equal(readFileSync(`${path}.1`, 'utf8'), 'of before');
  t.equal(readFileSync(`${path}.2`, 'utf8'), 'older');
  t.notOk(existsSync(`${path}.3`));
});

t.test('an empty file is taken, and with keep 0 nothing stays', async (t) => {
  const { path, output, write } = open(t, { keep: 0 });
  writeFileSync(path, '');
  output.start();
  write('x');
  await output.stop();
  output.start();
  t.strictSame(framesOf(readFileSync(path)), [START]);
  t.notOk(existsSync(`${path}.1`));
  await output.stop();
});

t.test(
  'a file that would grow over its limit ends, and the next begins with what does not fit',
  async (t) => {
    const { output, write, framesIn, observer } = open(t, { octetsMax: 100 });
    output.start();
    for (const text of ['a'.repeat(40), 'b'.repeat(40), 'c']) write(text);
    await output.stop();
    t.strictSame(framesIn('.1'), [START, 'a'.repeat(40), STOP]);
    t.strictSame(framesIn(), [START, 'b'.repeat(40), 'c', STOP]);
    t.equal(observer.tally[Tally.opened], 2);
    t.equal(observer.tally[Tally.frames], 3);
  },
);

t.test('a file that has another in its place is written on, and leaves that one there', async (t) => {
  const { path, output, write, framesIn } = open(t, { octetsMax: 100 });
  output.start();
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'of a successor');
  for (const text of ['a'.repeat(40), 'b'.repeat(40)]) write(text);
  await output.stop();
  t.strictSame(framesIn('.1'), [START, 'a'.repeat(40), 'b'.repeat(40), STOP]);
  t.equal(readFileSync(path, 'utf8'), 'of a successor');
});

t.test(
  'a reload begins a new file where another program has moved the old one, and only there',
  async (t) => {
    const { path, output, write, framesIn } = open(t);
    output.start();
    write('one');
    output.look();
    write('two');
    renameSync(path, `${path}-old`);
    write('three');
    output.look();
    write('four');
    await output.stop();
    t.strictSame(framesIn('-old'), [START, 'one', 'two', 'three', STOP]);
    t.strictSame(framesIn(), [START, 'four', STOP]);
  },
);

t.test(
  'a folder that is not there yet: frames are lost and counted, it is said once, and tried again',
  async (t) => {
    const path = join(scratch(t, { there: {} }), 'there', 'x.tap');
    const { output, write, time, observer, framesIn } = open(t, { path });
    rmSync(join(path, '..'), { recursive: true });
    output.start();
    write('lost');
    time.fire(RETRY_MS);
    t.equal(observer.lines.length, 1);
    t.match(observer.lines[0], /^warn dnstap messages are lost: the file cannot be written: ENOENT/);
    scratch(t, { there: {} });
    time.fire(RETRY_MS);
    write('kept');
    await output.stop();
    t.strictSame(framesIn(), [START, 'kept', STOP]);
    t.equal(observer.tally[Tally.framesLostFile], 1);
  },
);

t.test(
  'a full disk: frames are lost and counted until there is room',
  { skip: !existsSync('/dev/full') },
  async (t) => {
    const path = join(scratch(t), 'x.tap');
    symlinkSync('/dev/full', path);
    const { output, write, time, observer, framesIn } = open(t, { path });
    output.start();
    write('lost');
    t.match(observer.lines, [/ENOSPC/]);
    t.equal(observer.tally[Tally.isOpen], 0);
    rmSync(path);
    time.fire(RETRY_MS);
    write('kept');
    t.strictSame(framesIn(), [START, 'kept']);
    t.equal(observer.tally[Tally.framesLostFile], 1);
    await output.stop();
  },
);

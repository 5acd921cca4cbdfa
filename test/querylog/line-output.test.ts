import t from 'tap';
import { LineOutput, type Write } from '../../src/querylog/lines/line-output.ts';
import { createTally, Tally } from '../../src/querylog/tally.ts';

function open(write: Write) {
  const tally = new Float64Array(createTally());
  return { tally, lines: new LineOutput(tally, write) };
}

function again(): never {
  throw Object.assign(new Error('full'), { code: 'EAGAIN' });
}

t.test('lines go out in pieces of whole lines that a pipe takes at once', async (t) => {
  const pieces: string[] = [];
  const { lines, tally } = open((octets, start) => {
    pieces.push(octets.toString('latin1', start));
    return octets.length - start;
  });
  const line = `${'x'.repeat(99)}\n`;
  for (let i = 0; i < 100; i++) lines.add(line);
  lines.flush();
  lines.flush();
  t.equal(pieces.join(''), line.repeat(100));
  t.ok(pieces.every((piece) => piece.length <= 4096 && piece.endsWith('\n')));
  t.equal(tally[Tally.lines], 100);
});

t.test('a line longer than a piece goes out as it is', async (t) => {
  const pieces: number[] = [];
  const { lines } = open((octets) => pieces.push(octets.length) && octets.length);
  lines.add('short\n');
  lines.add(`${'x'.repeat(6000)}\n`);
  lines.flush();
  t.strictSame(pieces, [6, 6001]);
});

t.test('what is taken in parts, or only after a while, is written whole', async (t) => {
  let text = '';
  let calls = 0;
  const { lines, tally } = open((octets, start) => {
    if (calls++ % 2 === 0) again();
    text += octets.toString('latin1', start, start + 4);
    return Math.min(4, octets.length - start);
  });
  lines.add('0123456789\n');
  lines.flush();
  t.equal(text, '0123456789\n');
  t.equal(tally[Tally.lines], 1);
});

t.test('where nobody reads, lines are lost and counted', async (t) => {
  for (const fail of [
    again,
    (): never => {
      throw Object.assign(new Error('gone'), { code: 'EPIPE' });
    },
  ]) {
    const { lines, tally } = open(fail);
    lines.add('one\n');
    lines.add('two\n');
    lines.flush();
    t.equal(tally[Tally.linesLost], 2);
    t.equal(tally[Tally.lines], 0);
  }
});

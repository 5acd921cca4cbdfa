import t from 'tap';
import { formatDrains } from '../../src/cli/drains.ts';
import { formatTable, LongTable } from '../../src/cli/table.ts';

t.test('what others wrote stays in its cell and steers no terminal', (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['words', 'new racks – Anna’s', 'new racks – Anna’s'],
    ['a line feed', 'a\nb', 'a\\u000ab'],
    ['a colour', '\u001b[31mred', '\\u001b[31mred'],
    ['a title of the window', '\u009d0;owned\u009c', '\\u009d0;owned\\u009c'],
    ['another direction', '\u202etxet', '\\u202etxet'],
  ];
  for (const [title, cell, shown] of cases) {
    const text = `NAME${' '.repeat(Math.max(3, shown.length - 1))}N\n${shown}${' '.repeat(Math.max(3, 7 - shown.length))}1\n`;
    t.equal(formatTable(['NAME', 'N'], [[cell, '1']]), text, title);
    const long = new LongTable(['NAME', 'N']);
    t.equal(long.add([[cell, '1']]) + long.end(), text, `${title}, in a table of any length`);
  }
  t.end();
});

t.test('the reason of a drain is one cell, whatever is in it', (t) => {
  const steering = {
    digest: 'd',
    sinceMs: 0,
    isServed: true,
    oldAnswersSeconds: 0,
    isServedByAll: true,
    isSettled: true,
  };
  const drain = { kind: 'cluster', name: 'c1', percent: 0, scope: 'local', sinceMs: 0 } as const;
  const text = formatDrains(
    { drains: [{ ...drain, by: 'x\ty\r\n', reason: 'a\n\u001b[2Jb' }], steering },
    1000,
  );
  t.match(text, 'x\\u0009y\\u000d\\u000a   a\\u000a\\u001b[2Jb\n');
  t.end();
});

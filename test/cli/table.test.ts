import t from 'tap';
import { changeRow, formatDrains } from '../../src/cli/drains.ts';
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

t.test('of a name that changes, the addresses that go or come stand first', (t) => {
  const name = 'n.example.com.';
  const all = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5'];
  const many = { at: name, records: [{ type: 'A', ttlSeconds: 180, data: all }] };
  const fewer = { at: name, records: [{ type: 'A', ttlSeconds: 180, data: all.slice(0, 4) }] };
  const none = { at: name, records: [] };
  const first = '192.0.2.5 192.0.2.1 192.0.2.2 192.0.2.3 and 1 more';
  const others = '192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4';
  t.same(changeRow({ service: 'n.m.f', name, before: many, after: fewer }), [name, first, others]);
  t.same(changeRow({ service: 'n.m.f', name, before: fewer, after: many }), [name, others, first]);
  t.same(changeRow({ service: 'n.m.f', name, before: many, after: none }), [
    name,
    `${others} and 1 more`,
    'nothing',
  ]);
  t.end();
});

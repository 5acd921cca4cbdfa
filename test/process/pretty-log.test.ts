import t from 'tap';
import { chooseForm, createLog } from '../../src/process/pino-log.ts';
import { prettyLine } from '../../src/process/pretty-log.ts';

t.test('people at a terminal get lines, programs JSON, unless the configuration says otherwise', (t) => {
  const cases = [
    ['auto', true, 'pretty'],
    ['auto', false, 'json'],
    ['json', true, 'json'],
    ['pretty', false, 'pretty'],
  ] as const;
  for (const [format, isTerminal, form] of cases) t.equal(chooseForm(format, isTerminal), form);
  t.end();
});

t.test('a line has the time, the level, the message and then the fields', (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [{ level: 'info', msg: 'ready' }, '14:03:07.120 INFO  ready\n'],
    [
      { level: 'info', cluster: 'a', shards: 3, reason: 'no route', zones: ['x'], msg: 'a cluster counts' },
      '14:03:07.120 INFO  a cluster counts  cluster=a shards=3 reason="no route" zones=["x"]\n',
    ],
    [{ level: 'warn', msg: 'held' }, '14:03:07.120 \u001b[33mWARN \u001b[0m held\n'],
    [
      { level: 'info', error: '\u001b]0;x\u0007', zone: 'a\u009b2J', msg: 'a\nb' },
      String.raw`14:03:07.120 INFO  a\u000ab  error=\u001b]0;x\u0007 zone=a\u009b2J` + '\n',
    ],
  ];
  const time = '2026-11-28T14:03:07.120Z';
  for (const [fields, expected] of cases)
    t.equal(prettyLine(`${JSON.stringify({ time, ...fields })}\n`), expected);
  t.equal(prettyLine('no JSON\n'), 'no JSON\n');
  t.end();
});

t.test('level and form change while the log is written', (t) => {
  const lines: string[] = [];
  const log = createLog('warn', 'json', { write: (line) => void lines.push(line) });
  log.info({}, 'one');
  log.warn({ cluster: 'a' }, 'two');
  log.adapt('info', 'pretty');
  log.info({ cluster: 'a' }, 'three');
  t.equal(lines.length, 2);
  t.match(JSON.parse(lines[0]!), { level: 'warn', cluster: 'a', msg: 'two' });
  t.match(lines[1], /INFO {2}three {2}cluster=a\n$/);
  t.end();
});

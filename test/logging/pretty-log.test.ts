import t from 'tap';
import { wantsColour } from '../../src/logging/colours.ts';
import { chooseForm, createLog } from '../../src/logging/pino-log.ts';
import { prettyLine } from '../../src/logging/pretty-log.ts';

/** 19:33:07 in Kolkata. */
const TIME = '2026-11-28T14:03:07.120Z';

t.beforeEach(() => {
  process.env['TZ'] = 'Asia/Kolkata';
});

t.test('people at a terminal get lines, programs JSON, unless the configuration says otherwise', (t) => {
  const cases = [
    ['auto', true, {}, 'coloured'],
    ['auto', false, {}, 'json'],
    ['auto', false, { FORCE_COLOR: '1' }, 'json'],
    ['json', true, { FORCE_COLOR: '1' }, 'json'],
    ['text', false, {}, 'pretty'],
    ['pretty', false, {}, 'pretty'],
    ['text', false, { FORCE_COLOR: '1' }, 'coloured'],
    ['text', true, { NO_COLOR: '1' }, 'pretty'],
  ] as const;
  for (const [format, isTerminal, env, form] of cases) {
    t.equal(chooseForm(format, isTerminal, env), form, JSON.stringify({ format, isTerminal, env }));
  }
  t.end();
});

t.test('colours: FORCE_COLOR comes first, then NO_COLOR, then what the stream is', (t) => {
  const cases: readonly (readonly [Record<string, string>, boolean, boolean])[] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ TERM: 'xterm' }, true, true],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '' }, false, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: 'false' }, true, false],
  ];
  for (const [env, isTerminal, expected] of cases) {
    t.equal(wantsColour(env, isTerminal), expected, JSON.stringify({ env, isTerminal }));
  }
  t.end();
});

t.test('a line has the local time, the level, the message and then the fields', (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [{ level: 'info', msg: 'ready' }, '19:33:07.120 INFO  ready\n'],
    [
      { level: 'info', cluster: 'a', shards: 3, reason: 'no route', zones: ['x'], msg: 'a cluster counts' },
      '19:33:07.120 INFO  a cluster counts  cluster=a shards=3 reason="no route" zones=x\n',
    ],
    [
      {
        level: 'info',
        addresses: [{ address: '::1', port: 53 }],
        admin: { address: '127.0.0.1', port: 9153 },
        cpus: [],
        keys: ['a', 'b'],
        odd: ['a b', 'c,d'],
        place: { address: 'x', port: 1, more: 1 },
        msg: 'listening',
      },
      '19:33:07.120 INFO  listening  addresses=[::1]:53 admin=127.0.0.1:9153 cpus=[] keys=a,b odd=["a b","c,d"] ' +
        'place={"address":"x","port":1,"more":1}\n',
    ],
    [
      { level: 'info', error: '\u001b]0;x\u0007', zone: 'a\u009b2J', msg: 'a\nb' },
      String.raw`19:33:07.120 INFO  a\u000ab  error=\u001b]0;x\u0007 zone=a\u009b2J` + '\n',
    ],
    [
      { level: 'error', error: 'Error: x', stack: 'at f (a.ts:1:1)\nINFO  \u001b[2J', msg: 'a bug' },
      String.raw`19:33:07.120 ERROR a bug  error="Error: x"
    at f (a.ts:1:1)
    INFO  \u001b[2J
`,
    ],
  ];
  for (const [fields, expected] of cases)
    t.equal(prettyLine(`${JSON.stringify({ time: TIME, ...fields })}\n`), expected);
  t.equal(prettyLine('no JSON\n'), 'no JSON\n');
  t.end();
});

t.test('each level has its colour, and without them a line is the same text', (t) => {
  const levels = { debug: '\u001b[2m', info: '\u001b[32m', warn: '\u001b[33m', error: '\u001b[1;31m' };
  for (const [level, sequence] of Object.entries(levels)) {
    const line = JSON.stringify({ time: TIME, level, msg: 'x', a: 1 });
    const coloured = prettyLine(line, true);
    t.ok(coloured.includes(`${sequence}${level.toUpperCase().padEnd(5)}\u001b[0m x`), level);
    // oxlint-disable-next-line no-control-regex
    t.equal(coloured.replace(/\u001b\[[0-9;]*m/g, ''), prettyLine(line), level);
  }
  t.end();
});

t.test('level and form change while the log is written', (t) => {
  const lines: string[] = [];
  const log = createLog('warn', 'json', { write: (line) => void lines.push(line) });
  log.info({}, 'one');
  log.warn({ cluster: 'a' }, 'two');
  log.adapt('info', 'pretty');
  log.info({ cluster: 'a' }, 'three');
  log.adapt('error', 'json');
  log.warn({}, 'four');
  t.equal(lines.length, 2);
  t.match(JSON.parse(lines[0]!), { level: 'warn', cluster: 'a', msg: 'two' });
  t.match(lines[1], /INFO {2}three {2}cluster=a\n$/);
  t.end();
});

t.test('an error is told by its message, with where it was thrown in a field of its own', (t) => {
  const lines: string[] = [];
  const log = createLog('info', 'json', { write: (line) => void lines.push(line) });
  log.error({ error: new TypeError('no such thing') }, 'a bug');
  log.error({ error: 'a text' }, 'none');
  const [bug, text] = lines.map((line) => JSON.parse(line) as Record<string, string>);
  t.equal(bug!['error'], 'TypeError: no such thing');
  t.match(bug!['stack'], /^at .*pretty-log\.test\.ts/);
  t.match(text, { error: 'a text', msg: 'none' });
  t.notOk('stack' in text!);
  t.end();
});

/** The short way through long lists of records means what the long way means, or is not taken. */
import { test } from 'tap';
import { parse } from 'yaml';
import { readDocument } from '../../src/config/document.ts';
import { PLAIN_FROM_CHARACTERS, readPlainRecords } from '../../src/config/plain-records.ts';
import { makeRandom } from '../support/random.ts';

const HEAD = 'domain: example.com\n';

const TAKEN: readonly string[] = [
  '  - { name: www.example.com, type: A, data: 192.0.2.1 }\n',
  '- {name: www.example.com, type: AAAA, ttl: 60, data: 2001:db8::1}\n',
  '  - name: example.com\n    type: TXT\n    data: \'"v=spf1 -all"\'\n',
  '  - { name: a, data: "x: y, # }" }\n  # a remark\n\n  - name: "b"\n\n    # another\n    data: 10 mail.example.com\n',
  '  - { ttl: 0 }\n  - { ttl: 4294967295, name: 0x, data: 1_000 }\n  - { name: nulls, data: 12:30 }\nttl: 5\n',
  '  - { name: a }\nttl: 5\n',
  '  - { name: a }\n---\nx: 1\n',
  '  - { name: a }',
];

const LEFT: readonly string[] = [
  'null',
  'true',
  '1.5',
  '1e3',
  '0x1f',
  '007',
  '~',
  '*a',
  '&a b',
  '!!str a',
  '|',
  '::1',
  'a: b',
  'a #b',
  '"a\\tb"',
  "'it''s'",
  '[a]',
  '{ a: b }',
  '',
  'a,b',
  'ü',
  '-1',
  '.5',
  '@a',
  '`a',
  '%a',
  'a:',
  '"a',
  '?',
].flatMap((data) => [`  - { name: a, data: ${data} }\n`, `  - name: a\n    data: ${data}\n`]);

const ODD: readonly string[] = [
  '  - { name: a, name: b }\n',
  '  - name: a\n    name: b\n',
  '  - { name: a }\n    type: A\n',
  '  - name: a\n     type: A\n',
  '  - name: a\n   type: A\n',
  '  - name: a\n      b\n',
  '  - name: a\n - name: b\n',
  '  - name: a\n   - name: b\n',
  '  - { name: a,\n      type: A }\n',
  '  - <<: a\n',
  '\t- { name: a }\n',
  '  - { name: a }\r\n',
  '  - a\n',
  '  name: a\n',
  '  []\n',
];

test('a list of plain entries is read as YAML reads it', async (t) => {
  for (const body of TAKEN) {
    const text = `${HEAD}records:\n${body}`;
    const expected = parse(text.split('\n---')[0]!) as { records: unknown };
    const plain = readPlainRecords(text);
    t.strictSame(plain?.entries, expected.records, body);
    t.equal(plain?.rest.length, text.length);
  }
});

test('what is not certain is not read, or means the same', async (t) => {
  for (const body of [...LEFT, ...ODD]) {
    const text = `${HEAD}records:\n${body}`;
    const plain = readPlainRecords(text);
    if (plain !== undefined) t.strictSame(plain.entries, (parse(text) as { records: unknown }).records, body);
  }
  for (const body of ODD) t.equal(readPlainRecords(`${HEAD}records:\n${body}`), undefined, body);
  for (const text of [
    HEAD,
    `${HEAD}records: []\n`,
    `${HEAD}records:\n`,
    '{ "records": [] }\n',
    ' records:\n - {}\n',
  ])
    t.equal(readPlainRecords(text), undefined, text);
});

/** Everything that a fault may point at. */
const PATHS = [
  ['records', 1],
  ['records', 1, 'data'],
  ['records', 2, 'name'],
  ['records', 0, 'none'],
  ['ttl'],
  ['domain'],
];

test('faults are at the same place, whichever way was taken', async (t) => {
  const entries = TAKEN[3]! + '  - { name: c.example.com, type: A, data: 192.0.2.1 }\n';
  const after = 'ttl: 5\n';
  const long = `${HEAD}records:\n${entries}${'  # filled up\n'.repeat(PLAIN_FROM_CHARACTERS / 10)}${after}`;
  const short = `${HEAD}records:\n${entries}${after}`;
  t.ok(readPlainRecords(long));
  const [quick, whole] = [readDocument(long, 'f'), readDocument(short, 'f')];
  t.strictSame(quick.value, whole.value);
  for (const path of PATHS.filter(([first]) => first !== 'ttl')) {
    for (const atKey of [false, true]) {
      const at = (document: typeof whole) => document.locate('WRONG_TYPE', path, 'm', undefined, atKey);
      t.strictSame(at(quick), at(whole), `${path.join('.')} ${atKey}`);
    }
  }
  const lines = long.split('\n').length;
  t.equal(quick.locate('WRONG_TYPE', ['ttl'], 'm').line, lines - 1);
  const twice = readDocument(`${long}records:\n  - { name: d }\n`, 'f');
  t.match(twice.faults, [{ code: 'YAML_DUPLICATE_KEY' }]);
});

test('random lists are read as YAML reads them, or not at all', async (t) => {
  const random = makeRandom(7);
  const pieces = [
    ...'ab10.:-_/\'"#,{}[]\\ ',
    ' ',
    ': ',
    ', ',
    '::',
    'null',
    '1.0',
    '\n    type: ',
    ' }',
    '\n  - { name: ',
  ];
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const some = Array.from({ length: 1 + random.below(8) }, () => random.pick(pieces)).join('');
    const text = `records:\n  - ${random.oneIn(2) ? '{ name: ' : 'name: '}${some}${random.oneIn(2) ? ' }' : ''}\n`;
    const plain = readPlainRecords(text);
    if (plain === undefined) continue;
    taken++;
    t.strictSame(plain.entries, (parse(text) as { records: unknown }).records, JSON.stringify(text));
  }
  t.ok(taken > 500, `${taken} were read`);
});

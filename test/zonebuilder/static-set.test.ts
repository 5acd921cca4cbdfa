/** Static records as octets, and their exchange under readers. */
import t from 'tap';
import { encodeName, NameError, parentOf } from '../../src/zonebuilder/names.ts';
import { formatRdata, parseRdata, typeText } from '../../src/zonebuilder/rr-types.ts';
import {
  namesOfStatics,
  namesWith,
  packStatics,
  StaticIndex,
  type StaticRecord,
  type StaticSet,
  walkStatics,
} from '../../src/zonebuilder/static-set.ts';
import { makeFederation } from '../support/federation.ts';
import { lines } from '../support/message.ts';

function record(line: string): StaticRecord {
  const [name = '', type = '', ...data] = line.split(' ');
  return { name, ttlSeconds: 300, ...parseRdata(type, data.join(' ')) };
}

function pack(...records: string[]): StaticSet {
  return packStatics(records.map(record), 'example.com');
}

function show(records: Iterable<StaticRecord>): string[] {
  return [...records].map(({ name, type, rdata }) => `${name} ${typeText(type)} ${formatRdata(type, rdata)}`);
}

const MIXED = [
  'example.com NS ns1.example.com.',
  'a.b.example.com A 192.0.2.1',
  '*.w.example.com CNAME a.b.example.com.',
  'b.example.com TXT "x"',
  'a.b.example.com AAAA 2001:db8::1',
  'a.b.example.com A 192.0.2.2',
  'x\\.y.example.com A 192.0.2.3',
];

t.test('what is packed is read again, name by name and type by type', (t) => {
  t.strictSame(show(walkStatics(pack(...MIXED), 'example.com')), [
    'example.com NS ns1.example.com.',
    'b.example.com TXT "x"',
    'a.b.example.com A 192.0.2.1',
    'a.b.example.com A 192.0.2.2',
    'a.b.example.com AAAA 2001:db8::1',
    '*.w.example.com CNAME a.b.example.com.',
    'x\\.y.example.com A 192.0.2.3',
  ]);
  t.strictSame(show(walkStatics(pack(), 'example.com')), []);
  t.strictSame(namesWith(pack(...MIXED), 1, 'example.com'), ['a.b.example.com', 'x\\.y.example.com']);
  t.strictSame(
    [...namesOfStatics(pack(...MIXED), 'example.com')],
    ['example.com', 'b.example.com', 'a.b.example.com', '*.w.example.com', 'x\\.y.example.com'],
    'without empty non-terminals',
  );
  t.end();
});

t.test('records are found by their name, and empty non-terminals without any', (t) => {
  const index = new StaticIndex(pack(...MIXED), 'example.com');
  const cases: readonly (readonly [string, boolean, number])[] = [
    ['example.com', true, 1],
    ['a.b.example.com', true, 3],
    ['A.b.example.com', true, 3],
    ['w.example.com', true, 0],
    ['x\\.y.example.com', true, 1],
    ['y.example.com', false, 0],
    ['c.example.com', false, 0],
    ['com', false, 0],
    ['aexample.com', false, 0],
    [`${'x.'.repeat(200)}example.com`, false, 0],
    [`${'x'.repeat(64)}.example.com`, false, 0],
    ['a..example.com', false, 0],
  ];
  for (const [name, exists, records] of cases) {
    t.equal(index.has(name), exists, name);
    t.equal(index.at(name).length, records, name);
  }
  t.end();
});

t.test('a set is the same after it moved to another thread', (t) => {
  const set = pack(...MIXED);
  const moved = structuredClone(set, { transfer: [set.octets.buffer, set.offsets.buffer] });
  t.equal(set.octets.length, 0, 'it is moved, not copied');
  t.strictSame(show(walkStatics(moved, 'example.com')), show(walkStatics(pack(...MIXED), 'example.com')));
  t.end();
});

t.test('other static records take the place of the old ones at once, beside Services too', (t) => {
  const f = makeFederation({ records: ['old.example.com A 192.0.2.1', 's.n.f.svc.example.com TXT "old"'] });
  f.cluster('one', 'r1', ['z1']);
  f.shard('one', 's.n.f', { addresses: ['192.0.2.10'] });
  f.shard('one', 't.n.f', { addresses: ['192.0.2.11'] });
  const before = f.builder.memory.generation;
  const published = f.changes.length;
  f.builder.replaceStatics(
    pack(
      'example.com NS ns1.example.com.',
      'new.example.com A 192.0.2.2',
      's.n.f.svc.example.com A 192.0.2.3',
    ),
  );
  const answer = (name: string, type: string): string[] => {
    const reply = f.ask(name, type);
    return [reply.rcode, ...lines(reply.answer)].toSorted();
  };
  t.equal(f.builder.memory.generation, before + 1, 'readers move once');
  t.equal(f.changes.length, published + 1, 'under one serial');
  t.strictSame(answer('old.example.com', 'A'), ['NXDOMAIN']);
  t.strictSame(answer('new.example.com', 'A'), ['NOERROR', 'new.example.com A 192.0.2.2']);
  t.strictSame(answer('s.n.f.svc.example.com', 'TXT'), ['NOERROR'], 'its record left');
  t.strictSame(answer('s.n.f.svc.example.com', 'A'), [
    'NOERROR',
    's.n.f.svc.example.com A 192.0.2.10',
    's.n.f.svc.example.com A 192.0.2.3',
  ]);
  t.strictSame(answer('t.n.f.svc.example.com', 'A'), ['NOERROR', 't.n.f.svc.example.com A 192.0.2.11']);
  t.equal(f.builder.hasStatics('s.n.f.svc.example.com'), true);
  f.builder.replaceStatics(pack('example.com NS ns1.example.com.'));
  t.strictSame(answer('s.n.f.svc.example.com', 'A'), ['NOERROR', 's.n.f.svc.example.com A 192.0.2.10']);
  t.equal(f.builder.hasStatics('s.n.f.svc.example.com'), false);
  t.end();
});

function escaped(name: string): string {
  return name.replaceAll(/[^.]/g, (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`);
}

t.test('names without escapes are written as those with them', (t) => {
  const label = 'x'.repeat(63);
  for (const name of [
    'a',
    'a.',
    'www.Example.com',
    `${label}.a`,
    `${label}.${label}.${label}.${'y'.repeat(61)}`,
  ])
    t.strictSame(encodeName(name), encodeName(escaped(name)), name);
  for (const name of ['.a', 'a..b', 'a..', `${label}x.a`, `${label}.${label}.${label}.${'y'.repeat(62)}`])
    t.throws(() => encodeName(name), NameError, name);
  t.strictSame(encodeName('į.a'), Buffer.from('\x02\xc4\xaf\x01a\0', 'latin1'), 'U+012F is no dot');
  t.end();
});

t.test('the name above', (t) => {
  const cases = [
    ['a.b.c', 'b.c'],
    ['a\\.b.c', 'c'],
    ['a\\046b.c', 'c'],
    ['\\\\.c', 'c'],
    ['com', ''],
  ] as const;
  for (const [name, parent] of cases) t.equal(parentOf(name), parent, name);
  t.end();
});

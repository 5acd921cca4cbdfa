import { test } from 'tap';
import { LineSplitter } from '../../../src/watchers/api/line-splitter.ts';
import { ListScanner } from '../../../src/watchers/api/list-scanner.ts';
import { makeRandom } from '../../support/random.ts';

interface Outcome {
  readonly items: unknown[];
  readonly tooLarge: string[];
  readonly frame: unknown;
}

function scan(text: string, cuts: readonly number[] = [], itemOctetsMax = 1000): Outcome {
  const items: unknown[] = [];
  const tooLarge: string[] = [];
  const scanner = new ListScanner({
    itemOctetsMax,
    onItem: (octets) => items.push(JSON.parse(octets.toString())),
    onTooLarge: (head) => tooLarge.push(head.toString()),
  });
  const octets = Buffer.from(text);
  let from = 0;
  for (const cut of [...cuts, octets.length]) {
    scanner.push(octets.subarray(from, cut));
    from = cut;
  }
  return { items, tooLarge, frame: scanner.finish() };
}

const LISTS: readonly unknown[] = [
  { kind: 'List', metadata: { resourceVersion: '1' }, items: [] },
  { items: [{ a: 1 }, { b: [{ c: '}]{[' }] }], kind: 'List', metadata: { continue: 'items' } },
  { kind: 'items', metadata: { items: [{ not: 'one' }] }, items: [{ text: 'a "quoted\\" \\\\ } text' }, {}] },
  { metadata: { x: 'items', items: 'y' }, items: [{ ü: '€ 😀' }], tail: [1, 2, { items: [{}] }] },
  { kind: 'List', items: null, metadata: {} },
];

test('a list falls apart into the items that it has, however it is cut', (t) => {
  for (const list of LISTS) {
    for (const text of [JSON.stringify(list), JSON.stringify(list, null, 2)]) {
      const { items } = list as { items: unknown };
      const want = {
        items: items ?? [],
        tooLarge: [],
        frame: { ...(list as object), items: items === null ? null : [] },
      };
      t.same(scan(text), want);
      const { length } = Buffer.from(text);
      for (let cut = 1; cut < length; cut++) t.same(scan(text, [cut]), want);
      t.same(
        scan(
          text,
          Array.from({ length: length - 1 }, (_, i) => i + 1),
        ),
        want,
      );
    }
  }
  t.end();
});

test('an item over the limit costs that item', (t) => {
  const items = [{ name: 'a' }, { name: 'b', text: 'x'.repeat(5000) }, { name: 'c' }];
  const text = JSON.stringify({ kind: 'List', items });
  for (const cuts of [[], [20], [100, 200, 300], [4000]]) {
    const outcome = scan(text, cuts, 100);
    t.same(outcome.items, [{ name: 'a' }, { name: 'c' }]);
    t.equal(outcome.tooLarge.length, 1);
    t.match(outcome.tooLarge[0], /^\{"name":"b"/);
    t.ok(outcome.tooLarge[0]!.length <= 2048);
  }
  t.end();
});

test('what is no list is an error', (t) => {
  const cases: [string, string][] = [
    ['nothing', ''],
    ['HTML', '<html>'],
    ['a list without an object', '[{}]'],
    ['half a list', '{"items":[{"a":1}'],
    ['half an item', '{"items":[{"a":'],
    ['a list of something else', '{"items":[1,2]}'],
    ['something behind the list', '{"items":[]} {}'],
    ['a string behind the list', '{"items":[]} "x"'],
    ['a broken frame', '{"items":[],}'],
  ];
  for (const [title, text] of cases)
    t.throws(() => scan(text), { name: 'ApiError', code: 'NOT_JSON' }, title);
  t.throws(() => scan(`{"metadata":"${'x'.repeat(100_000)}","items":[]}`), { code: 'TOO_LARGE' });
  t.end();
});

test('any octets at all end in a list or in an error', (t) => {
  const random = makeRandom(20_261_121);
  const alphabet = '{}[]",:\\ itemskind01\n';
  for (let round = 0; round < 5000; round++) {
    let text = random.oneIn(2) ? '{"items":[' : '';
    for (let i = 0; i < 40; i++) text += alphabet[random.below(alphabet.length)];
    try {
      scan(text, [random.below(text.length)], 20);
    } catch (error) {
      if ((error as Error).name !== 'ApiError' && !(error instanceof SyntaxError)) throw error;
    }
  }
  t.pass('none hung or broke');
  t.end();
});

function split(
  chunks: readonly string[],
  lineOctetsMax = 50,
): { lines: string[]; tooLong: string[]; unfinished: boolean } {
  const lines: string[] = [];
  const tooLong: string[] = [];
  const splitter = new LineSplitter({
    lineOctetsMax,
    onLine: (octets) => lines.push(octets.toString()),
    onTooLong: (head) => tooLong.push(head.toString()),
  });
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  return { lines, tooLong, unfinished: splitter.unfinished };
}

test('a watch falls apart into its lines, however it is cut', (t) => {
  const whole = ['one\ntwo\n\nthree\n'];
  const want = { lines: ['one', 'two', 'three'], tooLong: [], unfinished: false };
  t.same(split(whole), want);
  t.same(split([...whole[0]!]), want);
  t.same(split(['one\ntw', 'o\n', '\nth', 'ree', '\n']), want);
  t.same(split(['one\ntw']), { lines: ['one'], tooLong: [], unfinished: true });
  t.end();
});

test('a line over the limit is skipped to its end', (t) => {
  const long = 'x'.repeat(10_000);
  for (const chunks of [[`a\n${long}\nb\n`], ['a\n', ...long.match(/.{1,99}/g)!, '\n', 'b\n']]) {
    const { lines, tooLong } = split(chunks);
    t.same(lines, ['a', 'b']);
    t.equal(tooLong.length, 1);
    t.ok(tooLong[0]!.length <= 2048);
  }
  t.end();
});

test('a line without end is an error', (t) => {
  const megabyte = 'x'.repeat(1024 * 1024);
  t.throws(() => split(Array.from({ length: 17 }, () => megabyte)), { code: 'TOO_LARGE' });
  t.end();
});

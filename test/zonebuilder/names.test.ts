import t from 'tap';
import { decodeName, encodeName, encodeNameLower, isWithin, NameError } from '../../src/zonebuilder/names.ts';
import { makeRandom } from '../support/random.ts';

t.test('RFC 1035 section 5.1: names in text', (t) => {
  for (const [text, hex, printed] of [
    ['', '00', '.'],
    ['.', '00', '.'],
    ['com', '03636f6d00', 'com'],
    ['com.', '03636f6d00', 'com'],
    ['a.B', '0161014200', 'a.B'],
    ['a\\.b.c', '03612e62016300', 'a\\.b.c'],
    ['\\097', '016100', 'a'],
    ['\\000\\255', '0200ff00', '\\000\\255'],
    ['a b', '0361206200', 'a\\032b'],
    ['\\"\\;\\(\\)\\@\\$\\\\', '07223b282940245c00', '\\"\\;\\(\\)\\@\\$\\\\'],
    ['*._tcp', '012a045f74637000', '*._tcp'],
  ] as const) {
    t.equal(encodeName(text).toString('hex'), hex, `${text} in wire form`);
    t.equal(decodeName(Buffer.from(hex, 'hex')), printed, `${hex} in text`);
  }
  t.end();
});

t.test('RFC 1035 section 2.3.4: what is no name', (t) => {
  const label = 'x'.repeat(63);
  const long = [label, label, label, 'x'.repeat(61)].join('.');
  t.equal(encodeName(long).length, 255, 'the longest name there is');
  for (const [text, code] of [
    [`${long}x`, 'NAME_TOO_LONG'],
    [`${label}x`, 'LABEL_TOO_LONG'],
    ['ä'.repeat(32), 'LABEL_TOO_LONG'],
    ['..', 'EMPTY_LABEL'],
    ['a..b', 'EMPTY_LABEL'],
    ['.a', 'EMPTY_LABEL'],
    ['a\\', 'BAD_ESCAPE'],
    ['a\\1b', 'BAD_ESCAPE'],
    ['\\256', 'BAD_ESCAPE'],
  ] as const) {
    t.throws(() => encodeName(text), { name: 'NameError', code }, `${text.slice(0, 20)} is ${code}`);
  }
  t.ok(new NameError('EMPTY_LABEL', 'x') instanceof Error);
  t.end();
});

t.test('any octets survive the way to text and back', (t) => {
  const random = makeRandom(7);
  for (let i = 0; i < 500; i++) {
    const labels = Array.from({ length: 1 + random.below(4) }, () =>
      Buffer.from(Array.from({ length: 1 + random.below(60) }, () => random.below(256))),
    );
    const wire = Buffer.concat([
      ...labels.flatMap((label) => [Buffer.of(label.length), label]),
      Buffer.of(0),
    ]);
    const text = decodeName(wire);
    if (!encodeName(text).equals(wire)) t.fail(text);
    if (!encodeName(decodeName(Buffer.concat([Buffer.of(9, 9), wire]), 2)).equals(wire))
      t.fail('at an offset');
  }
  t.end();
});

t.test('RFC 4343: A to Z are lowered and nothing else', (t) => {
  t.equal(decodeName(encodeNameLower('AZ[@`\\195\\132.Com')), 'az[\\@`\\195\\132.com');
  const label = 'A'.repeat(0x3f);
  t.equal(encodeNameLower(label)[0], 0x3f, 'a length is no letter');
  t.end();
});

t.test('within a domain', (t) => {
  t.ok(isWithin('example.com', 'example.com'), 'the domain itself');
  t.ok(isWithin('a.b.example.com', 'example.com'), 'below it');
  t.notOk(isWithin('badexample.com', 'example.com'), 'a name that only ends alike');
  t.notOk(isWithin('com', 'example.com'), 'above it');
  t.end();
});

import { test } from 'tap';
import { editDistance, nearestWord } from '../../src/config/nearest.ts';

test('the number of slips between two words', async (t) => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['ttl', 'ttl', 0],
    ['tl', 'ttl', 1],
    ['listne', 'listen', 1],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
  ];
  for (const [a, b, distance] of cases) t.equal(editDistance(a, b), distance, `${a} and ${b}`);
});

test('the known word that was meant', async (t) => {
  const known = ['domain', 'zones', 'listen', 'nameservers', 'ttl'];
  const cases: [string, string | undefined][] = [
    ['domian', 'domain'],
    ['zone', 'zones'],
    ['Listen', 'listen'],
    ['nameserver', 'nameservers'],
    ['port', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [word, nearest] of cases) t.equal(nearestWord(word, known), nearest, word.slice(0, 20));
});

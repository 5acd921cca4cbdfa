/** What a member's object lacks of what is applied. */

import { test } from 'tap';
import { firstDifference } from '../../../src/federation/sync/difference.ts';

const cases: readonly (readonly [
  title: string,
  found: unknown,
  desired: unknown,
  difference: string | undefined,
])[] = [
  ['the same', { a: 1, b: ['x'] }, { a: 1, b: ['x'] }, undefined],
  ['what is there besides', { a: 1, own: true }, { a: 1 }, undefined],
  ['another value', { a: { b: 2 } }, { a: { b: 1 } }, '.a.b is 2'],
  ['what is not there', {}, { a: 1 }, '.a is absent'],
  ['an empty map that the API leaves out', {}, { labels: {} }, undefined],
  ['an empty list that the API leaves out', {}, { list: [] }, undefined],
  ['a list of values is one value', { a: ['x', 'y'] }, { a: ['x'] }, '.a is ["x","y"]'],
  ['an empty list where something is', { a: ['x'] }, { a: [] }, '.a is ["x"]'],
  ['values in another order', { a: ['y', 'x'] }, { a: ['x', 'y'] }, '.a[0] is "y"'],
  [
    'a foreign entry between objects',
    { a: [{ n: 1 }, { n: 9 }, { n: 2 }] },
    { a: [{ n: 1 }, { n: 2 }] },
    undefined,
  ],
  ['objects in another order', { a: [{ n: 2 }, { n: 1 }] }, { a: [{ n: 1 }, { n: 2 }] }, '.a[1] is absent'],
  ['an object that lacks a field', { a: [{ n: 1 }] }, { a: [{ n: 1, m: 2 }] }, '.a[0] is {"n":1}'],
  ['a map where a value should be', { a: {} }, { a: 1 }, '.a is {}'],
  ['a value where a map should be', { a: 'x' }, { a: { b: 1 } }, '.a is "x"'],
  ['a name of Object.prototype', {}, { toString: 'x' }, '.toString is absent'],
];

test('the first difference', async (t) => {
  for (const [title, found, desired, difference] of cases)
    t.equal(firstDifference(found, desired), difference, title);
});

test('an object that nests without end is cut off', async (t) => {
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = { a: deep };
  t.equal(firstDifference(deep, deep), undefined);
});

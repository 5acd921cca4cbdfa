import t from 'tap';
import { changedFirst } from '../../src/admin/page/preview.ts';

function answer(...data: readonly string[]): Parameters<typeof changedFirst>[0] {
  return { at: 'n.example.com.', records: [{ type: 'A', ttlSeconds: 180, data }] };
}

t.test('of an answer that changes, what goes or comes is shown first', (t) => {
  const cases = [
    ['one goes', ['a', 'b', 'c'], ['a', 'b'], ['c', 'a', 'b']],
    ['one comes', ['a', 'b'], ['a', 'b', 'c'], ['a', 'b']],
    ['all go', ['a', 'b'], [], ['a', 'b']],
    ['nothing is there', [], ['a'], []],
  ] as const;
  for (const [title, before, after, shown] of cases) {
    t.same(changedFirst(answer(...before), answer(...after)), shown, title);
  }
  t.end();
});

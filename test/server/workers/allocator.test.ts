import t from 'tap';
import { OWN_PAGES_OCTETS, returnLargePieces } from '../../../src/server/workers/allocator.ts';
import type { Libc } from '../../../src/server/linux/linux.ts';

t.test('large pieces are asked to have pages of their own', async (t) => {
  const calls: number[][] = [];
  const libc = { mallopt: (...call: number[]) => calls.push(call) } as unknown as Libc;
  await returnLargePieces(async () => libc);
  t.strictSame(calls, [[-3, OWN_PAGES_OCTETS]]);
});

t.test('a C library without such a setting, and none at all, are left as they are', async (t) => {
  await t.resolves(returnLargePieces(async () => ({ mallopt: undefined }) as unknown as Libc));
  await t.resolves(returnLargePieces(() => Promise.reject(new Error('no koffi'))));
  await t.resolves(returnLargePieces(), 'and this machine takes it or not');
});

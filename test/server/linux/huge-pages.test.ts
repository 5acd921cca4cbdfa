import t from 'tap';
import { giveBack, Linux, preferHugePages, type Libc } from '../../../src/server/linux/linux.ts';
import { loadMemoryAdvice } from '../../../src/server/workers/udp-transport.ts';

const MIB = 1024 * 1024;

const CASES = [
  { title: 'aligned memory is advised as a whole', at: 4 * MIB, octets: 6 * MIB, want: [4 * MIB, 6 * MIB] },
  {
    title: 'only whole huge pages within the memory are',
    at: 3 * MIB,
    octets: 6 * MIB,
    want: [4 * MIB, 4 * MIB],
  },
  {
    title: 'memory smaller than a huge page is left as it is',
    at: 3 * MIB,
    octets: 2 * MIB,
    want: undefined,
  },
];

for (const { title, at, octets, want } of CASES) {
  t.test(title, (test) => {
    const calls: number[][] = [];
    const libc = {
      addressOf: () => at,
      madvise: (...call: number[]) => calls.push(call),
    } as unknown as Libc;
    preferHugePages(libc, new SharedArrayBuffer(octets));
    test.same(calls, want === undefined ? [] : [[...want, Linux.MADV_HUGEPAGE]]);
    test.end();
  });
}

t.test('memory that is given back is so up to the pages that it shares with others', (test) => {
  const calls: number[][] = [];
  const libc = {
    addressOf: () => 3 * MIB + 16,
    madvise: (...call: number[]) => calls.push(call),
  } as unknown as Libc;
  giveBack(libc, new SharedArrayBuffer(MIB));
  test.same(calls, [[3 * MIB + 64 * 1024, MIB - 64 * 1024, Linux.MADV_DONTNEED]]);
  giveBack(libc, new SharedArrayBuffer(4096));
  test.equal(calls.length, 1, 'less than a page of any kernel stays');
  test.end();
});

t.test('memory is usable after the advice of this machine, and without any', async (test) => {
  const advices = [
    await loadMemoryAdvice(),
    await loadMemoryAdvice(() => Promise.reject(new Error('no koffi'))),
  ];
  for (const advise of advices) {
    const memory = new SharedArrayBuffer(8 * MIB);
    advise(memory);
    const words = new Int32Array(memory);
    for (let i = 0; i < words.length; i += 1024) words[i] = i;
    test.equal(words[1024 * 1024], 1024 * 1024);
  }
});

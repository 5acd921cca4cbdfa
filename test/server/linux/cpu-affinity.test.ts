import t from 'tap';
import { allowedCpus, describeFree, pinThread } from '../../../src/server/linux/cpu-affinity.ts';
import type { Libc, Memory } from '../../../src/server/linux/linux.ts';

const EPERM = 1;
const EINVAL = 22;
const NAMES: Readonly<Record<number, string>> = { [EPERM]: 'EPERM', [EINVAL]: 'EINVAL' };

/** A kernel that lets the thread use CPUs as in `words`, or fails each call so; `masks` has what it was told. */
function pretend(words: readonly number[], errno?: number) {
  const masks: number[][] = [];
  const result = errno === undefined ? 0 : -1;
  const libc = {
    schedGetaffinity: (_thread: number, octets: number, mask: Memory) => {
      if (octets !== mask.byteLength) throw new RangeError('the kernel would write beyond the mask');
      mask.set(words);
      return result;
    },
    schedSetaffinity: (_thread: number, _octets: number, mask: Memory) => {
      masks.push([...mask].flatMap((word, i) => (word === 0 ? [] : [i, word])));
      return result;
    },
    errno: () => errno,
    errnoName: (number: number) => NAMES[number],
  } as unknown as Libc;
  return { libc, masks };
}

const ALLOWED = [
  { title: 'all four CPUs of a machine are allowed', words: [0b1111], cpus: [0, 1, 2, 3] },
  { title: 'a container may use the CPUs of its cpuset only', words: [0b1111_0000], cpus: [4, 5, 6, 7] },
  { title: 'a cpuset may have gaps', words: [0b1000_0010], cpus: [1, 7] },
  {
    title: 'CPUs beyond the first word of the mask count on from it',
    words: [0x80000000, 1, 0, 2],
    cpus: [31, 32, 97],
  },
];

for (const { title, words, cpus } of ALLOWED) {
  t.test(title, async (test) => {
    test.same(allowedCpus(pretend(words).libc), { kind: 'known', cpus });
  });
}

t.test('a system that does not tell the CPUs says why', async (test) => {
  test.same(allowedCpus(pretend([], EPERM).libc), { kind: 'unknown', code: 'EPERM' });
});

const PINNED = [
  { title: 'a thread is kept on the first CPU', cpu: 0, mask: [0, 1] },
  { title: 'a thread is kept on the last CPU of a word', cpu: 31, mask: [0, 0x80000000] },
  { title: 'a thread is kept on the first CPU of the next word', cpu: 32, mask: [1, 1] },
  { title: 'a thread is kept on the last CPU that Linux can have', cpu: 8191, mask: [255, 0x80000000] },
];

for (const { title, cpu, mask } of PINNED) {
  t.test(title, async (test) => {
    const { libc, masks } = pretend([]);
    test.same(pinThread(libc, cpu), { kind: 'kept', cpu });
    test.same(masks, [mask]);
  });
}

t.test('a thread that is refused its CPU stays free, and says why', async (test) => {
  const outcome = pinThread(pretend([], EINVAL).libc, 4);
  test.same(outcome, { kind: 'free', cpu: 4, code: 'EINVAL' });
  test.equal(
    describeFree([
      { kind: 'free', cpu: 4, code: 'EINVAL' },
      { kind: 'free', cpu: 5, code: 'EPERM' },
    ]),
    'pinWorkers: the system refuses CPU 4 (EINVAL), CPU 5 (EPERM); these workers stay free',
  );
});

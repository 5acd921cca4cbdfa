import t from 'tap';
import { Counter } from '../../src/server/counters.ts';
import { createCounterBlock } from '../../src/server/counters-sum.ts';
import { Linux, type Libc } from '../../src/server/linux.ts';
import type { Responder } from '../../src/server/responder.ts';
import { prepareBatch, serveBatch, type BatchSocket } from '../../src/server/udp-batch.ts';

/** What a pretended kernel does at each `sendmmsg`: takes so many messages, or fails so. */
type SendStep = number | { errno: number };

/** The socket's memory starts at this address in the pretended kernel. */
const BASE = 0x7f12_3456_7000;

interface Pretended {
  readonly libc: Libc;
  readonly batch: BatchSocket;
  /** Lengths of the replies that were taken, in order. */
  readonly taken: number[];
}

/** A kernel that delivers queries of 20, 21, … octets from the given ports and then sends as told. */
function pretend(ports: readonly number[], steps: SendStep[]): Pretended {
  const taken: number[] = [];
  let errno = 0;
  const libc = {
    addressOf: () => BASE,
    errno: () => errno,
    recvmmsg: (_fd: number, vector: number): number => {
      for (const [i, port] of ports.entries()) deliver(batch, vector - BASE + i * 64, port, 20 + i);
      return ports.length;
    },
    sendmmsg: (_fd: number, vector: number, count: number): number => {
      const step = steps.shift() ?? count;
      if (typeof step !== 'number') {
        errno = step.errno;
        return -1;
      }
      for (let k = 0; k < step; k++) taken.push(replyLength(batch, vector - BASE + k * 64));
      return step;
    },
  } as unknown as Libc;
  const socket = { fd: 3, family: 4, wildcard: false, listen: { address: '192.0.2.1', port: 53 } } as const;
  const batch = prepareBatch(libc, { ...socket, receiveOctets: 0, sendOctets: 0 });
  return { libc, batch, taken };
}

function pointer(batch: BatchSocket, at: number): number {
  return batch.words[at / 4]! + batch.words[at / 4 + 1]! * 2 ** 32 - BASE;
}

function deliver(batch: BatchSocket, header: number, port: number, length: number): void {
  const name = pointer(batch, header);
  batch.octets[name + 2] = port >>> 8;
  batch.octets[name + 3] = port & 0xff;
  batch.words[header / 4 + 14] = length;
}

function replyLength(batch: BatchSocket, header: number): number {
  return batch.words[pointer(batch, header + 16) / 4 + 2]!;
}

const refresh = (): void => {};
const responder = {
  isStale: false,
  enter() {},
  leave() {},
  adopt() {},
  answer: (_q, _s, length) => length,
} as Responder;

const CASES: { title: string; steps: SendStep[]; taken: number[]; lost: number }[] = [
  { title: 'a kernel that takes all', steps: [], taken: [20, 21, 22, 23], lost: 0 },
  { title: 'a partial send goes on where it stopped', steps: [1, 2], taken: [20, 21, 22, 23], lost: 0 },
  {
    title: 'a signal is no reason to lose a reply',
    steps: [{ errno: Linux.EINTR }, 2, { errno: Linux.EINTR }],
    taken: [20, 21, 22, 23],
    lost: 0,
  },
  {
    title: 'a reply that the kernel refuses costs itself only',
    steps: [1, { errno: 1 }],
    taken: [20, 22, 23],
    lost: 1,
  },
  { title: 'a full device queue costs one reply', steps: [{ errno: 105 }], taken: [21, 22, 23], lost: 1 },
  {
    title: 'a send buffer that stays full costs the rest of the batch',
    steps: [1, { errno: Linux.EAGAIN }],
    taken: [20],
    lost: 3,
  },
];

for (const { title, steps, taken, lost } of CASES) {
  t.test(title, (test) => {
    const kernel = pretend([1001, 1002, 1003, 1004], [...steps]);
    const counters = new Float64Array(createCounterBlock());
    test.equal(serveBatch({ libc: kernel.libc, responder, counters, refresh }, kernel.batch, 0), 4);
    test.same(kernel.taken, taken);
    test.equal(counters[Counter.droppedSend], lost);
    test.equal(counters[Counter.batch + 2], 1, 'a batch of up to 4 packets');
    test.end();
  });
}

t.test('a query from port 0 gets no reply', (test) => {
  const kernel = pretend([1001, 0, 1003], []);
  const counters = new Float64Array(createCounterBlock());
  serveBatch({ libc: kernel.libc, responder, counters, refresh }, kernel.batch, 0);
  test.same(kernel.taken, [20, 22]);
  test.equal(counters[Counter.droppedUnanswerable], 1);
  test.end();
});

t.test('what recvmmsg fails with decides whether the socket is still of use', (test) => {
  const cases = [
    { errno: Linux.EAGAIN, want: 0 },
    { errno: Linux.EINTR, want: 0 },
    { errno: Linux.EBADF, want: -1 },
    { errno: Linux.ENOTSOCK, want: -1 },
  ];
  for (const { errno, want } of cases) {
    const kernel = pretend([], []);
    const counters = new Float64Array(createCounterBlock());
    const libc = { ...kernel.libc, recvmmsg: () => -1, errno: () => errno };
    test.equal(serveBatch({ libc, responder, counters, refresh }, kernel.batch, 0), want);
  }
  test.end();
});

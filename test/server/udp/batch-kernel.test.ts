import assert from 'node:assert/strict';
import t from 'tap';
import { Counter } from '../../../src/server/counters.ts';
import { createCounterBlock } from '../../../src/server/counters-sum.ts';
import { Linux, type Libc } from '../../../src/server/linux/linux.ts';
import type { Responder } from '../../../src/server/responder.ts';
import { prepareBatch, type BatchSocket } from '../../../src/server/udp/batch-layout.ts';
import { serveBatch } from '../../../src/server/udp/batch.ts';

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
  const batch = prepareBatch(libc, { ...socket, canJoin: false, receiveOctets: 0, sendOctets: 0 });
  return { libc, batch, taken };
}

function pointer(batch: BatchSocket, at: number): number {
  return (batch.words[at / 4]! >>> 0) + batch.words[at / 4 + 1]! * 2 ** 32 - BASE;
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

/** As `pretend`, with a kernel that cuts messages into packets; `taken` has the lengths in one message each. */
function pretendJoint(clients: readonly { port: number; length: number }[], steps: SendStep[]) {
  const kernel = pretend(
    clients.map(({ port }) => port),
    [],
  );
  const messages: number[][] = [];
  let errno = 0;
  const libc: Libc = {
    ...kernel.libc,
    errno: () => errno,
    recvmmsg: (fd, vector, count, flags) => {
      kernel.libc.recvmmsg(fd, vector, count, flags);
      for (const [i, { length }] of clients.entries()) kernel.batch.words[i * 16 + 14] = length;
      return clients.length;
    },
    sendmmsg: (_fd, vector, count) => {
      const step = steps.shift() ?? count;
      if (typeof step !== 'number') {
        errno = step.errno;
        return -1;
      }
      for (let m = 0; m < step; m++) messages.push(packetsOf(kernel.batch, vector - BASE + m * 64));
      return step;
    },
  };
  kernel.batch.joint.isPossible = true;
  return { libc, batch: kernel.batch, messages };
}

/** Lengths of the packets that the kernel makes of a message, checked against the size that it is told. */
function packetsOf(batch: BatchSocket, header: number): number[] {
  const count = batch.words[header / 4 + 6]!;
  const vectors = pointer(batch, header + 16);
  const lengths = Array.from({ length: count }, (_, i) => batch.words[vectors / 4 + i * 4 + 2]!);
  const control = pointer(batch, header + 32) / 4;
  if (batch.words[header / 4 + 10] !== 0) assert.equal(batch.words[control + 4], lengths[0]);
  else assert.equal(count, 1);
  return lengths;
}

const A = 1001;
const B = 1002;

const JOINT: {
  title: string;
  clients: [port: number, length: number][];
  steps?: SendStep[];
  want: number[][];
}[] = [
  {
    title: 'replies of one size to one client go as one message',
    clients: [
      [A, 50],
      [A, 50],
      [A, 50],
    ],
    want: [[50, 50, 50]],
  },
  {
    title: 'only the last packet of a message may be shorter',
    clients: [
      [A, 40],
      [A, 60],
      [A, 50],
      [A, 60],
      [A, 30],
    ],
    want: [
      [60, 60, 50],
      [40, 30],
    ],
  },
  {
    title: 'clients do not share a message',
    clients: [
      [A, 50],
      [B, 50],
      [A, 50],
      [B, 40],
    ],
    want: [
      [50, 50],
      [50, 40],
    ],
  },
  {
    title: 'clients that ask once get messages of their own',
    clients: [
      [A, 50],
      [B, 50],
    ],
    want: [[50], [50]],
  },
  {
    title: 'a message does not outgrow what IPv4 can carry',
    clients: Array.from({ length: 20 }, () => [A, 4000]),
    want: [Array.from({ length: 16 }, () => 4000), Array.from({ length: 4 }, () => 4000)],
  },
  {
    title: 'a kernel that cannot cut messages gets every reply by itself',
    clients: [
      [B, 70],
      [A, 50],
      [A, 50],
      [B, 60],
      [A, 40],
    ],
    steps: [1, { errno: Linux.EIO }],
    want: [[70, 60], [50], [50], [40]],
  },
  {
    title: 'an error that is not about cutting costs the message',
    clients: [
      [A, 50],
      [A, 50],
      [B, 60],
      [B, 60],
    ],
    steps: [{ errno: 1 }],
    want: [[60, 60]],
  },
];

for (const { title, clients, steps = [], want } of JOINT) {
  t.test(title, (test) => {
    const kernel = pretendJoint(
      clients.map(([port, length]) => ({ port, length })),
      [...steps],
    );
    const counters = new Float64Array(createCounterBlock());
    serveBatch({ libc: kernel.libc, responder, counters, refresh }, kernel.batch, 0);
    test.same(kernel.messages, want);
    const lost = clients.length - want.flat().length;
    test.equal(counters[Counter.droppedSend], lost);
    test.end();
  });
}

t.test('a refusal to cut messages is remembered', (test) => {
  const clients = Array.from({ length: 3 }, () => ({ port: A, length: 50 }));
  const kernel = pretendJoint(clients, [{ errno: Linux.EINVAL }]);
  const counters = new Float64Array(createCounterBlock());
  for (let i = 0; i < 2; i++)
    serveBatch({ libc: kernel.libc, responder, counters, refresh }, kernel.batch, 0);
  test.equal(kernel.batch.joint.isPossible, false);
  test.same(
    kernel.messages,
    Array.from({ length: 6 }, () => [50]),
  );
  test.end();
});

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

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CONTENT_TYPE, Control, controlFrame } from '../../src/querylog/dnstap/frames.ts';
import {
  ANSWER_MS_MAX,
  FINISH_MS_MAX,
  PAUSE_MS,
  QUEUE_OCTETS_MAX,
  SocketOutput,
  type ReaderAddress,
} from '../../src/querylog/dnstap/socket-output.ts';
import { Tally } from '../../src/querylog/tally.ts';
import { until } from '../watchers/fake-time.ts';
import { frame, framesOf, keepObserver, ManualTimers, READY, START, STOP } from './outputs.ts';

/** A reader that keeps what comes, and answers as it is told. */
class Reader {
  readonly server: Server;
  readonly connections: { socket: Socket; input: Buffer }[] = [];
  /** What it answers READY and STOP with. */
  onReady: Buffer | undefined = controlFrame(Control.accept);
  onStop: Buffer | undefined = controlFrame(Control.finish);

  constructor() {
    this.server = createServer((socket) => this.#accept(socket));
  }

  /** What has come over a connection, by its number. */
  frames(i = this.connections.length - 1): string[] {
    return framesOf(this.connections[i]?.input ?? Buffer.alloc(0));
  }

  #accept(socket: Socket): void {
    const connection = { socket, input: Buffer.alloc(0) };
    this.connections.push(connection);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      const before = framesOf(connection.input).length;
      connection.input = Buffer.concat([connection.input, chunk]);
      for (const text of framesOf(connection.input).slice(before)) {
        if (text === READY && this.onReady) socket.write(this.onReady);
        if (text === STOP && this.onStop) socket.write(this.onStop);
      }
    });
  }
}

async function listen(t: Test, reader: Reader, at: string | { host: string; port: number }): Promise<void> {
  if (typeof at === 'string') reader.server.listen(at);
  else reader.server.listen(at.port, at.host);
  await once(reader.server, 'listening');
  t.teardown(() => {
    reader.server.close();
    for (const { socket } of reader.connections) socket.destroy();
  });
}

function open(t: Test, to?: ReaderAddress) {
  // A path of a socket must be short, and that of tap's folder need not be.
  const path = join('/tmp', `fedns-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  t.teardown(() => rmSync(path, { force: true }));
  const time = new ManualTimers();
  const observer = keepObserver();
  const output = new SocketOutput({ to: to ?? { path }, timers: time, random: () => 1 }, observer);
  t.teardown(() => output.stop());
  return { path, time, observer, output, write: (text: string) => output.write(frame(text), 1) };
}

t.test(
  'a reader gets READY, then START and every frame, what waited for it first, and STOP at the end',
  async (t) => {
    const reader = new Reader();
    const { path, output, write, observer } = open(t);
    await listen(t, reader, path);
    write('early');
    output.start();
    await until(() => reader.frames().length === 3);
    write('one');
    write('two');
    await output.stop();
    await until(() => reader.frames().includes(STOP));
    t.strictSame(reader.frames(), [READY, START, 'early', 'one', 'two', STOP]);
    t.equal(observer.tally[Tally.frames], 3);
    t.equal(observer.tally[Tally.framesLostConnection], 0);
    t.strictSame(observer.lines, ['info a reader takes dnstap messages']);
  },
);

t.test('the same over TCP', async (t) => {
  const reader = new Reader();
  await listen(t, reader, { host: '127.0.0.1', port: 0 });
  const { port } = reader.server.address() as AddressInfo;
  const { output, write } = open(t, { host: '127.0.0.1', port });
  output.start();
  write('one');
  await until(() => reader.frames().length === 3);
  await output.stop();
  t.strictSame(reader.frames().slice(0, 3), [READY, START, 'one']);
});

t.test('a control frame that comes in pieces is one', async (t) => {
  const reader = new Reader();
  const { path, output } = open(t);
  await listen(t, reader, path);
  reader.onReady = undefined;
  output.start();
  await until(() => reader.frames().length === 1);
  for (const octet of controlFrame(Control.accept)) {
    reader.connections[0]!.socket.write(Buffer.of(octet));
    await new Promise(setImmediate);
  }
  await until(() => reader.frames().length === 2);
  t.strictSame(reader.frames(), [READY, START]);
});

const UNFIT: { title: string; answer: Buffer; reason: RegExp }[] = [
  {
    title: 'a reader of another content type',
    answer: Buffer.from(
      controlFrame(Control.accept).toString('latin1').replace(CONTENT_TYPE, 'protobuf:other.Other..'),
      'latin1',
    ),
    reason: /does not take dnstap/,
  },
  {
    title: 'something that speaks otherwise',
    answer: Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
    reason: /does not speak Frame Streams/,
  },
  {
    title: 'a control frame without end',
    answer: Buffer.from('00000000ffffffff00000001', 'hex'),
    reason: /does not speak/,
  },
  {
    title: 'a field that goes beyond its frame',
    answer: Buffer.from('000000000000000c0000000100000001000000ff', 'hex'),
    reason: /goes beyond/,
  },
];
for (const { title, answer, reason } of UNFIT) {
  t.test(`${title} gets no frame, is told of and asked again later`, async (t) => {
    const reader = new Reader();
    const { path, output, write, observer, time } = open(t);
    await listen(t, reader, path);
    reader.onReady = answer;
    output.start();
    write('kept');
    await until(() => observer.lines.length > 0);
    t.match(observer.lines[0], reason);
    reader.onReady = controlFrame(Control.accept);
    time.fire(PAUSE_MS.first);
    await until(() => reader.frames(1).length === 3);
    t.strictSame(reader.frames(0), [READY]);
    t.strictSame(reader.frames(1), [READY, START, 'kept']);
  });
}

t.test('a reader that takes a connection and says nothing is given up', async (t) => {
  const reader = new Reader();
  const { path, output, observer, time } = open(t);
  await listen(t, reader, path);
  reader.onReady = undefined;
  output.start();
  await until(() => reader.frames().length === 1);
  time.fire(ANSWER_MS_MAX);
  await until(() => observer.lines.length > 0);
  t.match(observer.lines[0], /it does not answer/);
});

t.test(
  'a reader that is not there is looked for after pauses that grow to a limit, and told of once',
  async (t) => {
    const { output, observer, time, path, write } = open(t);
    output.start();
    write('kept');
    const pauses: number[] = [];
    const nextPause = async (): Promise<number> => {
      await until(() => time.pending.some(({ ms }) => ms !== ANSWER_MS_MAX));
      return time.pending[0]!.ms;
    };
    for (let i = 0; i < 9; i++) {
      pauses.push(await nextPause());
      time.fire(pauses.at(-1)!);
    }
    await nextPause();
    t.strictSame(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    t.equal(observer.lines.length, 1);
    t.match(observer.lines[0], /^warn no reader takes dnstap messages.*ENOENT/);
    const reader = new Reader();
    await listen(t, reader, path);
    output.look();
    await until(() => reader.frames().length === 3);
    t.strictSame(reader.frames(), [READY, START, 'kept'], 'a reload looks at once');
  },
);

t.test('a reader that goes away is told of, and the next one begins with a whole frame', async (t) => {
  const reader = new Reader();
  const { path, output, write, observer, time } = open(t);
  await listen(t, reader, path);
  output.start();
  write('one');
  await until(() => reader.frames().length === 3);
  reader.connections[0]!.socket.destroy();
  await until(() => observer.lines.length === 2);
  t.equal(observer.tally[Tally.isOpen], 0);
  t.match(observer.lines[1], /^warn no reader takes dnstap messages/);
  write('two');
  time.fire(PAUSE_MS.first);
  await until(() => reader.frames(1).length === 3);
  t.strictSame(reader.frames(1), [READY, START, 'two']);
  t.equal(observer.tally[Tally.opened], 2);
  t.equal(observer.tally[Tally.isOpen], 1);
});

t.test('a reader that ends the stream is one that has gone', async (t) => {
  const reader = new Reader();
  const { path, output, observer } = open(t);
  await listen(t, reader, path);
  output.start();
  await until(() => reader.frames().length === 2);
  reader.connections[0]!.socket.write(controlFrame(Control.finish));
  await until(() => observer.lines.length === 2);
  t.match(observer.lines[1], /it has ended the stream/);
});

t.test('what finds no room in the queue is lost and counted, what has room is kept', async (t) => {
  const { output, observer, path } = open(t);
  const large = frame('x'.repeat(QUEUE_OCTETS_MAX / 4 - 4));
  for (let i = 0; i < 6; i++) output.write(large, 10);
  t.equal(observer.tally[Tally.framesLostQueue], 20);
  const reader = new Reader();
  await listen(t, reader, path);
  output.start();
  await until(() => reader.frames().length === 6);
  await until(() => observer.tally[Tally.frames] === 40);
  t.equal(observer.tally[Tally.framesLostConnection], 0);
});

t.test(
  'a reader that stops to read costs what finds no room, and at the end what it did not take',
  async (t) => {
    const reader = new Reader();
    const { path, output, observer, time } = open(t);
    await listen(t, reader, path);
    output.start();
    await until(() => reader.frames().length === 2);
    reader.connections[0]!.socket.pause();
    const large = frame('x'.repeat(QUEUE_OCTETS_MAX / 4 - 4));
    let sent = 0;
    // Until the kernel's buffer and the queue are full.
    while (observer.tally[Tally.framesLostQueue] === 0) {
      output.write(large, 1);
      sent++;
      await new Promise(setImmediate);
    }
    const stopped = output.stop();
    time.fire(FINISH_MS_MAX);
    await stopped;
    const { tally } = observer;
    t.equal(tally[Tally.frames]! + tally[Tally.framesLostQueue]! + tally[Tally.framesLostConnection]!, sent);
    t.ok(tally[Tally.framesLostConnection]! >= 4);
  },
);

t.test('a reader that does not say good-bye is not waited for', async (t) => {
  const reader = new Reader();
  const { path, output, time } = open(t);
  await listen(t, reader, path);
  reader.onStop = undefined;
  output.start();
  await until(() => reader.frames().length === 2);
  const stopped = output.stop();
  await until(() => reader.frames().includes(STOP));
  time.fire(FINISH_MS_MAX);
  await stopped;
});

t.test('an end while no reader is there loses what waits, and counts it', async (t) => {
  const { output, observer, write, time } = open(t);
  output.start();
  await until(() => observer.lines.length === 1);
  write('one');
  await output.stop();
  t.equal(observer.tally[Tally.framesLostConnection], 1);
  t.strictSame(time.pending, []);
});

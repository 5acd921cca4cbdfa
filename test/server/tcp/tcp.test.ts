import { test, type Test } from 'tap';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Transport } from '../../../src/server/responder.ts';
import { TcpServer } from '../../../src/server/tcp/tcp.ts';
import { idleLimitMs, TCP_LIMITS } from '../../../src/server/tcp-limits.ts';
import { framed, query, TcpClient } from './tcp-client.ts';
import { startFixture, until, type Fixture } from './tcp-fixture.ts';

async function openClient(t: Test, { ports }: Fixture, from = '127.0.0.1'): Promise<TcpClient> {
  const client = await TcpClient.open(ports[0]!, from);
  t.teardown(() => client.close());
  return client;
}

const ids = (messages: readonly Buffer[]) => messages.map((message) => message.readUInt16BE(0));
/** A query that the fixture answers with `octets` octets. */
function queryFor(id: number, octets: number): Buffer {
  const message = query(id);
  message.writeUInt16BE(octets, 2);
  return message;
}

test('RFC 7766 section 6.2.1: every query of a pipeline is answered', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  const sent = Array.from({ length: 500 }, (_, i) => i + 1);
  client.send(Buffer.concat(sent.map((id) => framed(query(id)))));
  t.same(ids(await client.receive(500)), sent);
  t.same(fixture.faults, []);
  t.ok(fixture.asked.every((asked) => asked.transport === Transport.tcp && asked.client === '127.0.0.1'));
});

test('RFC 7766 section 8: length and message leave in one write, also when the query came octet by octet', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  for (const octet of framed(query(7))) {
    client.send(Buffer.of(octet));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.receive(1);
  t.same(
    client.reads.map((read) => read.length),
    [14],
  );
});

test('a stream of queries may be split anywhere', async (t) => {
  const fixture = await startFixture(t);
  const stream = Buffer.concat([
    framed(query(1)),
    framed(query(2)),
    framed(Buffer.concat([query(3), Buffer.alloc(900)])),
  ]);
  for (const size of [1, 2, 3, 5, 7, 18, 19, 20, 21, 40, 500]) {
    const client = await openClient(t, fixture);
    for (let pos = 0; pos < stream.length; pos += size) {
      client.send(stream.subarray(pos, pos + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.same(ids(await client.receive(3)), [1, 2, 3], `pieces of ${size}`);
    client.close();
  }
  t.same(fixture.faults, []);
});

test('a message of 65,535 octets is taken, and a reply of as many is sent', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.send(framed(Buffer.concat([queryFor(1, 65_534), Buffer.alloc(65_535 - 17)])));
  client.send(framed(queryFor(2, 12)));
  const [long, short] = await client.receive(2);
  t.equal(long!.length, 65_534);
  t.equal(short!.length, 12);
});

test('a query that gets no reply does not hold up the next', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.send(Buffer.concat([framed(queryFor(1, 0xffff)), framed(query(2))]));
  t.same(ids(await client.receive(1)), [2]);
});

test('RFC 1035 section 4.2.2: queries before a half-close are answered, then the connection ends', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.send(
    Buffer.concat([framed(query(1)), framed(queryFor(2, 60_000)), framed(query(3)).subarray(0, 9)]),
  );
  client.socket.end();
  t.equal(await client.ended, 'end');
  t.same(ids(client.messages()), [1, 2]);
  await until(() => fixture.server.open === 0);
});

test('a length below the 12 octets of a header ends the connection, after the replies before it', async (t) => {
  const fixture = await startFixture(t);
  for (const length of [0, 5, 11]) {
    const client = await openClient(t, fixture);
    client.send(Buffer.concat([framed(query(1)), framed(Buffer.alloc(length)), framed(query(2))]));
    await client.ended;
    t.same(ids(client.messages()), [1], `length ${length}`);
    const early = await openClient(t, fixture);
    early.send(Buffer.of(0, length));
    await early.ended;
  }
  t.equal(fixture.counter('faults'), 0);
});

test('RFC 7766 section 6.2.3: an idle connection is closed at the limit and not before', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.send(framed(query(1)));
  await client.receive(1);
  fixture.clock.nowMs += TCP_LIMITS.idleMs - 1;
  fixture.server.sweep();
  client.send(framed(query(2)));
  await client.receive(2);
  fixture.clock.nowMs += TCP_LIMITS.idleMs - 1;
  fixture.server.sweep();
  t.equal(fixture.server.open, 1, 'the second query began a new term');
  fixture.clock.nowMs += 1;
  fixture.server.sweep();
  t.equal(await client.ended, 'end');
  await until(() => fixture.server.open === 0);
  t.equal(fixture.counter('tcpClosedIdle'), 1);
});

test('a connection that never sends an octet is closed at the idle limit and gets none', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  await until(() => fixture.server.open === 1);
  fixture.clock.nowMs += TCP_LIMITS.idleMs;
  fixture.server.sweep();
  await client.ended;
  t.same(client.reads, []);
});

test('a message that is begun must be complete in time, however steadily its octets drip', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  const message = framed(query(1));
  for (let i = 0; i < 5; i++) {
    t.equal(fixture.server.open, 1, `after ${i} s`);
    client.send(message.subarray(i, i + 1));
    await until(() => fixture.counter('octetsIn') === i + 1);
    fixture.clock.nowMs += 1000;
    fixture.server.sweep();
  }
  await client.ended;
  t.equal(fixture.counter('tcpClosedSlow'), 1);
  t.same(client.reads, []);
});

test('the idle limit shrinks while connections near their limit, and is shown to the responder', async (t) => {
  const limits = { ...TCP_LIMITS, connections: 100, idleMs: 10_000, idleMinMs: 1000 };
  const expected: readonly [number, number][] = [
    [0, 10_000],
    [50, 10_000],
    [75, 5500],
    [100, 1000],
    [200, 1000],
  ];
  for (const [open, idleMs] of expected) t.equal(idleLimitMs(limits, open), idleMs, `${open} of 100`);

  const fixture = await startFixture(t, { limits: { connections: 4 } });
  t.equal(fixture.counter('tcpIdleLimitMs'), 10_000);
  const clients = [];
  for (let i = 0; i < 4; i++) clients.push(await openClient(t, fixture));
  await until(() => fixture.counter('tcpOpen') === 4);
  t.equal(fixture.counter('tcpIdleLimitMs'), 1000);
  fixture.clock.nowMs += 1000;
  fixture.server.sweep();
  await Promise.all(clients.map((client) => client.ended));
  await until(() => fixture.counter('tcpOpen') === 0);
  t.equal(fixture.counter('tcpIdleLimitMs'), 10_000);
});

test('RFC 9210: at the limit of one client its longest idle connection gives way, others keep theirs', async (t) => {
  const fixture = await startFixture(t, { limits: { connectionsPerClient: 3 } });
  const other = await openClient(t, fixture, '127.0.0.2');
  await until(() => fixture.server.open === 1);
  const clients: TcpClient[] = [];
  for (let i = 0; i < 3; i++) {
    clients.push(await openClient(t, fixture));
    await until(() => fixture.server.open === i + 2);
  }
  clients[0]!.send(framed(query(1)));
  await clients[0]!.receive(1);
  await openClient(t, fixture);
  await clients[1]!.ended;
  t.equal(fixture.server.open, 4);
  t.equal(fixture.counter('tcpClosedLimit'), 1);
  for (const client of [clients[0]!, clients[2]!, other]) {
    const { length } = client.messages();
    client.send(framed(query(9)));
    await client.receive(length + 1);
  }
});

test('RFC 9210: at the limit of all, the longest idle connection gives way to a new client', async (t) => {
  const fixture = await startFixture(t, { limits: { connections: 50, connectionsPerClient: 50 } });
  const crowd = [];
  for (let i = 0; i < 200; i++) crowd.push(await openClient(t, fixture));
  const late = await openClient(t, fixture, '127.0.0.9');
  late.send(framed(query(5)));
  t.same(ids(await late.receive(1)), [5]);
  t.ok(fixture.server.open <= 50);
  t.ok(fixture.counter('tcpClosedLimit') >= 151);
});

test('a client that never reads is held to its share of memory, then cut', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.socket.pause();
  const flood = Buffer.concat(Array.from({ length: 10_000 }, (_, i) => framed(queryFor(i, 4000))));
  client.send(flood);
  await until(() => fixture.server.heldOctets > TCP_LIMITS.outputOctets);
  const answered = fixture.asked.length;
  t.ok(answered < 10_000, 'what would be held for it is not even composed');
  t.ok(fixture.server.heldOctets < 1_000_000, `${fixture.server.heldOctets} octets`);
  const good = await openClient(t, fixture, '127.0.0.2');
  good.send(framed(query(1)));
  await good.receive(1);
  fixture.clock.nowMs += TCP_LIMITS.stalledMs;
  fixture.server.sweep();
  await until(() => fixture.server.open === 1);
  t.equal(fixture.counter('tcpClosedSlow'), 1);
  t.equal(fixture.server.heldOctets, 0);
});

test('a client that reads late gets every reply', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.socket.pause();
  const sent = Array.from({ length: 5000 }, (_, i) => i);
  client.send(Buffer.concat(sent.map((id) => framed(queryFor(id, 4000)))));
  client.socket.end();
  await until(() => fixture.server.heldOctets > TCP_LIMITS.outputOctets);
  client.socket.resume();
  t.same(ids(await client.receive(5000)), sent);
  t.equal(await client.ended, 'end');
  t.equal(fixture.server.heldOctets, 0);
});

test('memory held for all clients is limited: the one that holds most is cut', async (t) => {
  const fixture = await startFixture(t, { limits: { bufferedOctets: 100_000 } });
  const modest = await openClient(t, fixture, '127.0.0.2');
  modest.send(framed(Buffer.alloc(2000)).subarray(0, 1000));
  await until(() => fixture.server.heldOctets > 0);
  const greedy = [];
  for (let i = 0; i < 3; i++) {
    const client = await openClient(t, fixture);
    client.send(framed(Buffer.alloc(65_535)).subarray(0, 60_000));
    greedy.push(client);
  }
  await until(() => fixture.counter('tcpClosedLimit') >= 1);
  modest.send(framed(Buffer.alloc(2000)).subarray(1000));
  await modest.receive(1);
  t.ok(fixture.server.heldOctets <= 100_000);
});

test('a port in use is one clear error, and nothing stays bound', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.teardown(() => holder.close());
  const { port } = holder.address() as { port: number };
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port: first } = free.address() as { port: number };
  await new Promise((resolve) => free.close(resolve));
  const listen = [
    { address: '127.0.0.1', port: first },
    { address: '127.0.0.1', port },
  ];
  await t.rejects(startFixture(t, { listen }), {
    code: 'EADDRINUSE',
    message: `cannot listen on TCP 127.0.0.1:${port}: another program has this port (EADDRINUSE)`,
  });
  const again = createServer().listen(first, '127.0.0.1');
  await once(again, 'listening');
  await new Promise((resolve) => again.close(resolve));
  await t.rejects(startFixture(t, { listen: [{ address: '192.0.2.1', port: 1053 }] }), {
    code: 'EADDRNOTAVAIL',
  });
});

test('IPv6 clients are counted by /56, and IPv4 clients of a dual-stack socket by their IPv4 address', async (t) => {
  const fixture = await startFixture(t, { listen: [{ address: '::', port: 0 }] });
  const v6 = await TcpClient.open(fixture.ports[0]!, '::1', '::1');
  t.teardown(() => v6.close());
  v6.send(framed(query(1)));
  await v6.receive(1);
  const v4 = await openClient(t, fixture);
  v4.send(framed(query(1)));
  await v4.receive(1);
  t.same(
    fixture.asked.map(({ client }) => client),
    ['0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1', '127.0.0.1'],
  );
});

test('0.0.0.0 and :: may both be listened on, on one port', async (t) => {
  const probe = await startFixture(t, { listen: [{ address: '0.0.0.0', port: 0 }] });
  const port = probe.ports[0]!;
  await probe.server.stop();
  const listen = [
    { address: '0.0.0.0', port },
    { address: '::', port },
  ];
  t.same((await startFixture(t, { listen })).ports, [port, port]);
});

test('stop lets clients read their last replies', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.send(framed(queryFor(1, 60_000)));
  await until(() => fixture.asked.length === 1);
  await fixture.server.stop();
  t.equal(await client.ended, 'end');
  t.equal(client.messages().length, 1);
  await until(() => fixture.server.open === 0);
});

test('RFC 7828 section 3.4: a client may go on asking while the server leaves, and is told to go', async (t) => {
  const fixture = await startFixture(t);
  const client = await openClient(t, fixture);
  client.send(framed(query(1)));
  await client.receive(1);
  const stopped = fixture.server.stop(60_000);
  t.equal(fixture.counter('tcpIdleLimitMs'), 0);
  await t.rejects(TcpClient.open(fixture.ports[0]!), { code: 'ECONNREFUSED' }, 'no other gets in');
  client.send(framed(query(2)));
  await client.receive(2);
  fixture.server.sweep();
  t.equal(fixture.server.open, 1);
  fixture.clock.nowMs += 500;
  t.equal(await client.ended, 'end', 'once it has nothing under way');
  await stopped;
  await until(() => fixture.server.open === 0);
});

test('a fault in the responder costs its connection and no other', async (t) => {
  const responder = {
    isStale: false,
    enter() {},
    leave() {},
    adopt() {},
    answer(message: Uint8Array, start: number) {
      if (message[start] === 0xff) throw new Error('bug');
      return 12;
    },
  };
  const counters = new Float64Array(72);
  const server = new TcpServer({ listen: [{ address: '127.0.0.1', port: 0 }], responder, counters });
  const [bound] = await server.start();
  t.teardown(() => server.stop());
  const good = await TcpClient.open(bound!.port);
  const bad = await TcpClient.open(bound!.port);
  t.teardown(() => good.close());
  bad.send(framed(query(0xff00)));
  t.equal(await bad.ended, 'reset');
  good.send(framed(query(1)));
  await good.receive(1);
});

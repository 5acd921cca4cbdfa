import t from 'tap';
import { Counter } from '../../../src/server/counters.ts';
import { sumCounters } from '../../../src/server/counters-sum.ts';
import { chooseTransport } from '../../../src/server/workers/udp-transport.ts';
import { HEADER, Order } from '../echo-responder.ts';
import {
  askUntilAnswered,
  Client,
  createPool,
  keepLog,
  query,
  sharedSettings,
  TRANSPORTS,
} from '../transport-fixture.ts';

for (const kind of TRANSPORTS) {
  t.test(`a worker that dies is followed by another, ${kind}`, async (test) => {
    const log = keepLog();
    const pool = await createPool(kind, { log });
    const [listen] = await pool.start();
    const client = await Client.connect(listen!);
    await client.ask(query(1, Order.echo));
    for (let death = 1; death <= 3; death++) {
      client.send(query(2, Order.die));
      while (pool.report().restarts < death) await new Promise((resolve) => setImmediate(resolve));
      await askUntilAnswered(client);
    }
    test.match(
      log.lines.filter((line) => line.startsWith('error')),
      [/worker udp-0 ended: told to die; another follows/, /another follows/, /another follows/],
    );
    test.ok(sumCounters(pool.counters)[Counter.queriesUdp]! >= 7, 'what the dead have counted stays');
    client.close();
    await pool.stop();
  });

  t.test(`a worker that dies after a long life is followed at once, ${kind}`, async (test) => {
    // Whatever waits for the pause does not come about within the test; every life counts as long.
    const pauses = { firstMs: 3_600_000, maxMs: 3_600_000, forgiveMs: 0 };
    const log = keepLog();
    const pool = await createPool(kind, { log, pauses });
    const [listen] = await pool.start();
    const client = await Client.connect(listen!);
    await client.ask(query(1, Order.echo));
    for (let death = 1; death <= 2; death++) {
      client.send(query(2, Order.die));
      while (pool.report().restarts < death) await new Promise((resolve) => setImmediate(resolve));
      await askUntilAnswered(client);
    }
    test.equal(log.lines.filter((line) => line.startsWith('error')).length, 2);
    client.close();
    await pool.stop();
  });

  t.test(`the others serve while a worker is dead, ${kind}`, async (test) => {
    // A pause that does not end within the test.
    const pauses = { firstMs: 3_600_000, maxMs: 3_600_000, forgiveMs: 60_000 };
    const pool = await createPool(kind, { workers: 2, pauses });
    const [listen] = await pool.start();
    const clients = await Promise.all(Array.from({ length: 16 }, () => Client.connect(listen!)));
    const readers = await Promise.all(
      clients.map(async (client) => (await client.ask(query(1, Order.settings)))[HEADER + 1]),
    );
    const [victim, other] = [clients[readers.indexOf(0)]!, clients[readers.indexOf(1)]!];
    victim.send(query(2, Order.die));
    for (let id = 0; id < 100; id++) await other.ask(query(id, Order.echo));
    test.equal(other.replies.length, 101);
    await pool.adopt(sharedSettings(1300));
    test.pass('new settings do not wait for the dead');
    for (const client of clients) client.close();
    await pool.stop();
  });
}

if (TRANSPORTS[0] === 'batch') {
  t.test('queries that wait at a dead worker are answered by the next, batch', async (test) => {
    const pool = await createPool('batch', { pauses: { firstMs: 50, maxMs: 50, forgiveMs: 60_000 } });
    const [listen] = await pool.start();
    const client = await Client.connect(listen!);
    await client.sent(query(1, Order.busy));
    await client.received(1);
    await client.sent(query(2, Order.die));
    // The one that kills may take a few of its batch along; those sent after its death wait in the socket.
    while (pool.report().alive > 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(Array.from({ length: 100 }, (_, id) => client.sent(query(100 + id, Order.echo))));
    const replies = await client.received(101);
    test.same(new Set(replies.slice(1).map((reply) => reply.readUInt16BE())).size, 100);
    client.close();
    await pool.stop();
  });
}

t.test('a worker killed in mid-load costs its clients a retry and the others nothing', async (test) => {
  for (const kind of TRANSPORTS) {
    const pool = await createPool(kind, { workers: 2 });
    const [listen] = await pool.start();
    const clients = await Promise.all(Array.from({ length: 8 }, () => Client.connect(listen!)));
    const killer = await Client.connect(listen!);
    await Promise.all(
      clients.map(async (client, n) => {
        for (let i = 0; i < 100; i++) {
          if (n === 0 && i % 30 === 15) killer.send(query(0, Order.die));
          await askUntilAnswered(client);
        }
      }),
    );
    test.ok(pool.report().restarts > 0, kind);
    for (const client of [...clients, killer]) client.close();
    await pool.stop();
  }
});

t.test('a pool whose responder does not load says so', async (test) => {
  const pool = await createPool('portable', { responderUrl: new URL('./absent.ts', import.meta.url).href });
  await test.rejects(pool.start(), { code: 'WORKER_DIED', message: /absent\.ts/ });
  test.equal(pool.report().alive, 0);
});

t.test('the transport falls back where the batch calls do not load, and says why', async (test) => {
  test.same(await chooseTransport('auto', fail), {
    kind: 'portable',
    why: 'the batch socket calls do not load: Cannot find the native Koffi module',
  });
  await test.rejects(chooseTransport('batch', fail), {
    message: /^transport batch cannot be had: Cannot find/,
  });
  test.match(await chooseTransport('portable', fail), { kind: 'portable', why: 'it is configured' });
});

function fail(): Promise<never> {
  return Promise.reject(new Error('Cannot find the native Koffi module\nTried …'));
}

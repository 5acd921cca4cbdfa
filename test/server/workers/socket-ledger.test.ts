/** Sockets that go from one pool to the next, as from process to process: each side has descriptors of its own. */

import t, { type Test } from 'tap';
import type { ListenAddress } from '../../../src/config/settings.ts';
import { loadLibc } from '../../../src/server/linux/libc.ts';
import { SocketLedger, type PassedSocket } from '../../../src/server/workers/socket-ledger.ts';
import type { WorkerPool } from '../../../src/server/workers/worker-pool.ts';
import { Order } from '../echo-responder.ts';
import { framed, TcpClient } from '../tcp/tcp-client.ts';
import { Client, createPool, query, type PoolChanges } from '../transport-fixture.ts';

if (process.platform !== 'linux') {
  t.plan(0, 'sockets are passed on by the batch transport, which is Linux’s');
  process.exit();
}

const libc = loadLibc();
const ANY: ListenAddress = { address: '127.0.0.1', port: 0 };

interface Holder {
  readonly ledger: SocketLedger;
  readonly pool: WorkerPool;
  readonly listen: readonly ListenAddress[];
}

/** What another process would find: descriptors of its own for the same sockets. */
function passedOn(ledger: SocketLedger): PassedSocket[] {
  return ledger.held.map((socket) => ({ ...socket, fd: ledger.duplicate(socket.fd) }));
}

async function hold(
  t: Test,
  passed: readonly PassedSocket[] = [],
  changes: PoolChanges = {},
): Promise<Holder> {
  const ledger = new SocketLedger(libc, passed);
  const pool = await createPool('batch', { ledger, listen: [ANY], tcp: {}, ...changes });
  t.teardown(() => ledger.close());
  t.teardown(() => pool.stop());
  const listen = await pool.start();
  ledger.leaveUnclaimed();
  return { ledger, pool, listen };
}

t.test('queries that nobody has read yet are answered by the next', async (t) => {
  const first = await hold(t);
  const passed = passedOn(first.ledger);
  await first.pool.stop();
  first.ledger.close();
  const client = await Client.connect(first.listen[0]!);
  for (let i = 0; i < 100; i++) await client.sent(query(i, Order.echo));
  const second = await hold(t, passed);
  t.strictSame(second.listen, first.listen);
  t.equal((await client.received(100)).length, 100);
  client.close();
});

t.test('a connection that nobody has accepted yet is accepted by the next', async (t) => {
  const first = await hold(t);
  const passed = passedOn(first.ledger);
  await first.pool.stop();
  first.ledger.close();
  const client = await TcpClient.open(first.listen[0]!.port);
  client.send(framed(query(7, Order.echo)));
  await hold(t, passed);
  t.equal((await client.receive(1))[0]!.readUInt16BE(), 7);
  client.socket.destroy();
});

t.test(
  'a socket too many gets no new client, and what waits in it is answered by the one before',
  async (t) => {
    const first = await hold(t, [], { workers: 2 });
    const passed = passedOn(first.ledger);
    // Both sockets have queries by now, whichever the kernel picks for a client.
    const clients: Client[] = [];
    for (let i = 0; i < 32; i++) clients.push(await Client.connect(first.listen[0]!));
    for (const client of clients) for (let i = 0; i < 8; i++) client.send(query(i, Order.echo));
    const second = await hold(t, passed, { workers: 1 });
    await first.pool.stop();
    first.ledger.close();
    for (const client of clients) await client.received(8);
    for (const client of clients) await client.ask(query(9, Order.echo));
    t.equal(second.ledger.held.filter(({ use }) => use === 'udp').length, 1);
    for (const client of clients) client.close();
  },
);

t.test('a socket that is missing is opened beside those that are passed on', async (t) => {
  const first = await hold(t);
  const second = await hold(t, passedOn(first.ledger), { workers: 2 });
  await first.pool.stop();
  first.ledger.close();
  t.strictSame(second.listen, first.listen);
  t.equal(second.ledger.held.filter(({ use }) => use === 'udp').length, 2);
});

t.test('without what is passed on, the port is another program’s', async (t) => {
  const first = await hold(t);
  const ledger = new SocketLedger(libc, []);
  const pool = await createPool('batch', { ledger, listen: first.listen });
  await t.rejects(pool.start(), { code: 'EADDRINUSE', message: /another program has this port/ });
  t.throws(() => ledger.tcp('tcp', first.listen[0]!, false), { code: 'EADDRINUSE' });
  ledger.close();
});

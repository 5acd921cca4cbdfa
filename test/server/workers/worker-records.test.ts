import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import t from 'tap';
import { readRecord } from '../../../src/querylog/record.ts';
import { takeRecords, viewRing } from '../../../src/server/query-ring.ts';
import { formatAddress } from '../../../src/zonebuilder/ip-text.ts';
import type { WorkerPool } from '../../../src/server/workers/worker-pool.ts';
import { Order } from '../echo-responder.ts';
import { framed, TcpClient } from '../tcp/tcp-client.ts';
import { createPool, query, sharedSettings, TRANSPORTS } from '../transport-fixture.ts';

const ALL = { log: 0, dnstap: 1 };

/** What was written down, by all workers. */
function recordsOf(pool: WorkerPool): unknown[] {
  const found: unknown[] = [];
  for (const view of pool.rings.map(viewRing)) {
    takeRecords(view, Infinity, (at) => {
      const { octets, ...record } = readRecord(view, at);
      const message = (start: number, length: number): string =>
        Buffer.from(octets.slice(start, start + length)).toString('hex');
      found.push({
        transport: record.transport,
        client: `${formatAddress(record.client)} ${record.clientPort}`,
        server: record.server.length === 0 ? '' : `${formatAddress(record.server)} ${record.serverPort}`,
        query: message(record.queryAt, record.queryOctets),
        reply: message(record.replyAt, record.replyOctets),
      });
    });
  }
  return found;
}

interface Asked {
  readonly from: string;
  readonly reply: Buffer;
}

async function askUdp(address: string, port: number, packet: Buffer): Promise<Asked> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  // Not connected: where the address that was asked is not known, the reply comes from another.
  socket.bind(0, isIPv6(address) ? '::1' : '127.0.0.1');
  await once(socket, 'listening');
  socket.send(packet, port, address);
  const [reply] = (await once(socket, 'message')) as [Buffer];
  const local = socket.address();
  socket.close();
  return { from: `${local.address} ${local.port}`, reply };
}

/** A reply that is what the query was, but for the flag of a reply. */
function echoed(packet: Buffer): string {
  const reply = Buffer.from(packet);
  reply[2]! |= 0x80;
  return reply.toString('hex');
}

const CASES = [
  { listen: '127.0.0.1', ask: ['127.0.0.1'] },
  { listen: '0.0.0.0', ask: ['127.0.0.1', '127.0.0.2'] },
  { listen: '::', ask: ['::1', '127.0.0.1', '127.8.9.10'] },
] as const;

for (const kind of TRANSPORTS) {
  for (const { listen, ask } of CASES) {
    t.test(`${kind}: a query is written down with both its ends, listening on ${listen}`, async (t) => {
      const pool = await createPool(kind, {
        listen: [{ address: listen, port: 0 }],
        settings: { ...sharedSettings(), shares: ALL },
      });
      const [bound] = await pool.start();
      for (const [i, address] of ask.entries()) {
        const packet = query(i, Order.echo, 40 + i);
        const { from, reply } = await askUdp(address, bound!.port, packet);
        t.equal(reply.toString('hex'), echoed(packet));
        // Besides its wildcard's socket the portable transport has one for each address of the machine, not for all of 127/8.
        const isKnown =
          kind === 'batch' || listen === '127.0.0.1' || address === '127.0.0.1' || address === '::1';
        t.strictSame(recordsOf(pool), [
          {
            transport: 0,
            client: from,
            server: isKnown ? `${address} ${bound!.port}` : '',
            query: packet.toString('hex'),
            reply: echoed(packet),
          },
        ]);
      }
      await pool.stop();
    });
  }

  t.test(`${kind}: a query without a reply is written down, one of no share is not`, async (t) => {
    const pool = await createPool(kind, { settings: { ...sharedSettings(), shares: ALL } });
    const [bound] = await pool.start();
    const silent = query(1, Order.silence);
    const socket = createSocket('udp4');
    await new Promise((sent) => socket.send(silent, bound!.port, '127.0.0.1', sent));
    await askUdp('127.0.0.1', bound!.port, query(2, Order.echo));
    socket.close();
    const replies = recordsOf(pool).map((record) => (record as { reply: string }).reply);
    t.strictSame(replies.toSorted(), ['', echoed(query(2, Order.echo))]);
    await pool.adopt(sharedSettings());
    await askUdp('127.0.0.1', bound!.port, query(3, Order.echo));
    t.strictSame(recordsOf(pool), []);
    await pool.adopt({ ...sharedSettings(), shares: ALL });
    await askUdp('127.0.0.1', bound!.port, query(4, Order.echo));
    t.equal(recordsOf(pool).length, 1);
    await pool.stop();
  });
}

t.test('without shares there is no ring', async (t) => {
  const pool = await createPool('portable');
  await pool.start();
  t.strictSame(pool.rings, []);
  await pool.stop();
});

t.test('a worker that follows a dead one goes on with its ring', async (t) => {
  const pool = await createPool('portable', { settings: { ...sharedSettings(), shares: ALL } });
  const [bound] = await pool.start();
  await askUdp('127.0.0.1', bound!.port, query(1, Order.echo));
  const socket = createSocket('udp4');
  socket.send(query(2, Order.die), bound!.port, '127.0.0.1');
  const asking = setInterval(() => socket.send(query(3, Order.echo), bound!.port, '127.0.0.1'), 20);
  await once(socket, 'message');
  clearInterval(asking);
  socket.close();
  const queries = recordsOf(pool).map((record) => (record as { query: string }).query);
  t.equal(queries[0], query(1, Order.echo).toString('hex'));
  t.equal(queries.at(-1), query(3, Order.echo).toString('hex'));
  await pool.stop();
});

t.test(
  'RFC 7766: each message of a connection is written down with the ends of the connection',
  async (t) => {
    const pool = await createPool('portable', { tcp: {}, settings: { ...sharedSettings(), shares: ALL } });
    const [bound] = await pool.start();
    const client = await TcpClient.open(bound!.port);
    const { localAddress, localPort } = client.socket;
    const packets = [query(1, Order.echo), query(2, Order.silence), query(3, Order.echo, 3000)];
    client.send(Buffer.concat(packets.map(framed)));
    while (client.messages().length < 2) await once(client.socket, 'data');
    const ends = { transport: 1, client: `${localAddress} ${localPort}`, server: `127.0.0.1 ${bound!.port}` };
    t.strictSame(
      recordsOf(pool),
      packets.map((packet, i) => ({
        ...ends,
        query: packet.toString('hex'),
        reply: i === 1 ? '' : echoed(packet),
      })),
    );
    client.socket.destroy();
    await pool.stop();
  },
);

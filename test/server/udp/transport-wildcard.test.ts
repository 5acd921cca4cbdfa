import t from 'tap';
import { HEADER, Order } from '../echo-responder.ts';
import { Client, createPool, query, TRANSPORTS } from '../transport-fixture.ts';

const CASES = [
  { listen: '0.0.0.0', ask: ['127.0.0.1', '127.0.0.2', '127.8.9.10'] },
  { listen: '::', ask: ['::1', '127.0.0.1', '127.0.0.2'] },
];

// The portable transport leaves the source of a reply to the kernel.
if (TRANSPORTS[0] === 'batch') {
  for (const { listen, ask } of CASES) {
    t.test(`replies come from the address that was asked, listening on ${listen}`, async (test) => {
      const pool = await createPool('batch', { listen: [{ address: listen, port: 0 }] });
      const [bound] = await pool.start();
      const clients = await Promise.all(ask.map((address) => Client.connect({ address, port: bound!.port })));
      // The worker is kept busy, so that the queries are answered in one batch; one without a reply shifts the rest.
      clients[0]!.send(query(1000, Order.busy));
      clients[0]!.send(query(1001, Order.silence));
      for (let id = 0; id < 30; id++) clients[id % ask.length]!.send(query(id, Order.echo));
      for (const [i, client] of clients.entries()) {
        const replies = await client.received(30 / ask.length + (i === 0 ? 1 : 0));
        test.ok(
          replies.every((reply) => reply.length > HEADER),
          `from ${ask[i]}`,
        );
        client.close();
      }
      await pool.stop();
    });
  }
}

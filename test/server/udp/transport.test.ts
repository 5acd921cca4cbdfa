import t from 'tap';
import type { ListenAddress } from '../../../src/config/settings.ts';
import { Counter } from '../../../src/server/counters.ts';
import { sumCounters } from '../../../src/server/counters-sum.ts';
import { COLLECT_ALWAYS, HEADER, Order } from '../echo-responder.ts';
import {
  Client,
  createPool,
  keepLog,
  query,
  sharedSettings,
  TRANSPORTS,
  type PoolChanges,
} from '../transport-fixture.ts';

const LOCAL4: ListenAddress = { address: '127.0.0.1', port: 0 };
const LOCAL6: ListenAddress = { address: '::1', port: 0 };

type Kind = (typeof TRANSPORTS)[number];

/** Starts a pool, runs `use` with it and stops it. */
async function withPool(
  kind: Kind,
  changes: PoolChanges,
  use: (listen: readonly ListenAddress[], pool: Awaited<ReturnType<typeof createPool>>) => Promise<void>,
): Promise<void> {
  const pool = await createPool(kind, changes);
  try {
    await use(await pool.start(), pool);
  } finally {
    await pool.stop();
  }
}

async function withClient<T>(to: ListenAddress, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await Client.connect(to);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Clients that ask at once, and how often each does; less often where each packet costs two collections of garbage. */
const CLIENTS = 20;
const ROUNDS = process.env[COLLECT_ALWAYS] === undefined ? 30 : 5;

const MAPPED = '00000000000000000000ffff7f000001';

for (const kind of TRANSPORTS) {
  t.test(`each client gets the replies to its own queries, ${kind}`, async (test) => {
    await withPool(kind, { workers: 2 }, async ([listen]) => {
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.connect(listen!)));
      // In waves that fit into the smallest default receive buffer.
      for (let id = 0; id < CLIENTS * ROUNDS; id++) {
        clients[id % CLIENTS]!.send(query(id, Order.echo, 20 + (id % 300)));
        if (id % 100 === 99) await Promise.all(clients.map((client) => client.received((id + 1) / CLIENTS)));
      }
      const replies = clients.map((client) => client.replies);
      for (const [i, packets] of replies.entries()) {
        const ids = packets.map((packet) => packet.readUInt16BE()).toSorted((a, b) => a - b);
        test.same(
          ids,
          Array.from({ length: ROUNDS }, (_, n) => n * CLIENTS + i),
        );
        test.ok(
          packets.every(
            (packet) => packet.length === 20 + (packet.readUInt16BE() % 300) && packet[2] === 0x80,
          ),
        );
      }
      for (const client of clients) client.close();
    });
  });

  t.test(`a client is handed to the responder as the octets of its address, ${kind}`, async (test) => {
    const cases = [
      { listen: LOCAL4, ask: '127.0.0.1', want: '7f000001' },
      { listen: LOCAL6, ask: '::1', want: '00000000000000000000000000000001' },
      { listen: { address: '0.0.0.0', port: 0 }, ask: '127.0.0.1', want: '7f000001' },
      { listen: { address: '::', port: 0 }, ask: '::1', want: '00000000000000000000000000000001' },
      // Each address has a socket of its own in the portable transport, and of its own family.
      { listen: { address: '::', port: 0 }, ask: '127.0.0.1', want: kind === 'batch' ? MAPPED : '7f000001' },
    ];
    for (const { listen, ask, want } of cases) {
      await withPool(kind, { listen: [listen] }, async ([bound]) => {
        const reply = await withClient({ address: ask, port: bound!.port }, (client) =>
          client.ask(query(1, Order.client)),
        );
        test.equal(reply.subarray(HEADER).toString('hex'), want, `${listen.address} asked at ${ask}`);
      });
    }
  });

  t.test(`one worker serves several addresses of both families, ${kind}`, async (test) => {
    await withPool(kind, { listen: [LOCAL4, LOCAL6, { address: '127.0.0.2', port: 0 }] }, async (listen) => {
      for (const bound of listen) {
        await withClient(bound, async (client) => {
          for (let id = 0; id < 100; id++) client.send(query(id, Order.echo));
          test.equal((await client.received(100)).length, 100, bound.address);
        });
      }
    });
  });

  t.test(`IPv4 and IPv6 wildcards share a port, ${kind}`, async (test) => {
    const port = await withFreePort();
    const both = [
      { address: '0.0.0.0', port },
      { address: '::', port },
    ];
    await withPool(kind, { listen: both, workers: 2 }, async () => {
      for (const address of ['127.0.0.1', '::1']) {
        const reply = await withClient({ address, port }, (client) => client.ask(query(1, Order.client)));
        test.equal(reply.length - HEADER, address === '::1' ? 16 : 4);
      }
    });
  });

  t.test(`a query that gets no reply leaves those around it their own, ${kind}`, async (test) => {
    await withPool(kind, {}, async ([listen]) => {
      await withClient(listen!, async (client) => {
        // The first keeps the worker until the others wait together.
        client.send(query(1000, Order.busy));
        for (let id = 0; id < 60; id++)
          client.send(query(id, id % 3 === 0 ? Order.silence : Order.echo, 20 + id));
        const ids = (await client.received(41)).map((packet) => packet.readUInt16BE());
        const want = Array.from({ length: 60 }, (_, id) => id).filter((id) => id % 3 !== 0);
        test.same(new Set(ids), new Set([1000, ...want]));
        test.ok(
          client.replies.every(
            (packet) => packet.readUInt16BE() === 1000 || packet.length === 20 + packet.readUInt16BE(),
          ),
        );
      });
    });
  });

  t.test(`the largest replies come whole, ${kind}`, async (test) => {
    await withPool(kind, {}, async ([listen]) => {
      await withClient(listen!, async (client) => {
        for (let id = 0; id < 20; id++) client.send(query(id, Order.large));
        const replies = await client.received(20);
        test.ok(replies.every((packet) => packet.length === 4096));
      });
    });
  });

  t.test(`a query longer than any that was offered to be taken does no harm, ${kind}`, async (test) => {
    await withPool(kind, {}, async ([listen]) => {
      await withClient(listen!, async (client) => {
        const reply = await client.ask(query(1, Order.measure, 9000));
        const length = reply.readUInt32BE(HEADER);
        test.ok(length === 4096 || length === 9000, `cut or whole, it has ${length} octets`);
        test.equal((await client.ask(query(2, Order.measure, 100))).readUInt32BE(HEADER), 100);
      });
    });
  });

  t.test(`an empty packet does no harm, ${kind}`, async (test) => {
    await withPool(kind, {}, async ([listen]) => {
      await withClient(listen!, async (client) => {
        client.send(Buffer.alloc(0));
        const reply = await client.ask(query(7, Order.measure));
        test.equal(reply.readUInt32BE(HEADER), 40);
      });
    });
  });

  t.test(`new settings reach every worker, also an idle one, ${kind}`, async (test) => {
    await withPool(kind, { workers: 3 }, async ([listen], pool) => {
      const settings = sharedSettings(1400);
      await pool.adopt(settings);
      await pool.adopt({ ...settings, udpPayloadMax: 1500 });
      const readers = new Set<number>();
      for (let i = 0; i < 200 && readers.size < 3; i++) {
        const reply = await withClient(listen!, (client) => client.ask(query(i, Order.settings)));
        readers.add(reply.readUInt16BE(HEADER));
        test.equal(reply.readUInt16BE(HEADER + 2), 1500);
      }
      test.same([...readers].toSorted(), [0, 1, 2], 'each worker is a reader of its own');
    });
  });

  t.test(`packets are counted in octets and batches, ${kind}`, async (test) => {
    await withPool(kind, {}, async ([listen], pool) => {
      await withClient(listen!, (client) => client.ask(query(1, Order.echo, 50)));
      await withClient(listen!, (client) => client.ask(query(1, Order.client, 50)));
      const sum = sumCounters(pool.counters);
      test.equal(sum[Counter.queriesUdp], 2);
      test.equal(sum[Counter.octetsIn], 100);
      test.equal(sum[Counter.octetsOut], 50 + HEADER + 4);
      test.equal(sum[Counter.batch], 2, 'two batches of one packet');
    });
  });

  t.test(`stopping answers what waits, ${kind}`, async (test) => {
    const pool = await createPool(kind);
    const [listen] = await pool.start();
    await withClient(listen!, async (client) => {
      await client.sent(query(1000, Order.busy));
      await Promise.all(Array.from({ length: 150 }, (_, id) => client.sent(query(id, Order.echo))));
      await pool.stop();
      test.equal((await client.received(151)).length, 151);
    });
    test.equal(pool.report().alive, 0);
  });

  t.test(`a port that another program serves is an error naming it, ${kind}`, async (test) => {
    await withPool(kind, {}, async ([taken]) => {
      const pool = await createPool(kind, { listen: [LOCAL6, taken!], workers: 2 });
      await test.rejects(pool.start(), {
        code: 'EADDRINUSE',
        message: `cannot listen on UDP 127.0.0.1:${taken!.port}: another program has this port (EADDRINUSE)`,
      });
      test.equal(pool.report().alive, 0, 'nothing is left running');
    });
  });

  t.test(`an address that the machine does not have is an error naming it, ${kind}`, async (test) => {
    const pool = await createPool(kind, { listen: [{ address: '192.0.2.1', port: 5353 }] });
    await test.rejects(pool.start(), {
      code: 'EADDRNOTAVAIL',
      message: /192\.0\.2\.1:5353: this machine has no such address/,
    });
  });

  t.test(`one line says which transport runs and why, ${kind}`, async (test) => {
    const log = keepLog();
    await withPool(kind, { log, workers: 2 }, async () => {
      test.same(log.lines, [`info UDP transport is ${kind}: it is configured`]);
    });
  });
}

/** A port that both families have free at this moment. */
async function withFreePort(): Promise<number> {
  const pool = await createPool('portable', { listen: [{ address: '::', port: 0 }] });
  const [listen] = await pool.start();
  await pool.stop();
  return listen!.port;
}

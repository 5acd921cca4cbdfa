import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { COLLECT_ALWAYS, Order } from '../echo-responder.ts';
import { Client, createPool, query, TRANSPORTS } from '../transport-fixture.ts';

const suiteFile = fileURLToPath(new URL('./transport.test.ts', import.meta.url));
const serverFile = fileURLToPath(new URL('./memory-child.ts', import.meta.url));

t.test('the tests of the transports hold with collections around every batch', async (test) => {
  const env = { ...process.env, [COLLECT_ALWAYS]: '1' };
  const child = fork(suiteFile, { env, execArgv: ['--expose-gc'], silent: true });
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  test.equal(code, 0, output.split('\n').find((line) => /^\s*not ok/.test(line)) ?? 'every test passed');
  test.match(output, /^ok \d+ - each client gets the replies to its own queries, /m);
});

for (const kind of TRANSPORTS) {
  t.test(`memory that the kernel holds outlives forced collections, ${kind}`, async (test) => {
    const pool = await createPool(kind, { listen: [{ address: '0.0.0.0', port: 0 }], workers: 2 });
    const [listen] = await pool.start();
    const clients = await connectMany({ address: '127.0.0.1', port: listen!.port }, 8);
    for (let round = 0; round < 10; round++) {
      // A collection in the middle of a batch, and one with the worker about to block.
      for (const client of clients) client.send(query(round, Order.collect));
      for (const client of clients) client.send(query(round, Order.echo, 20 + round));
      await Promise.all(clients.map((client) => client.received(round * 2 + 2)));
    }
    for (const client of clients) {
      const rounds = client.replies.map((reply) => reply.readUInt16BE());
      test.same(
        rounds.toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i >> 1),
      );
      client.close();
    }
    await pool.stop();
  });

  t.test(`serving does not grow the process, ${kind}`, async (test) => {
    const server = fork(serverFile, [kind], { execArgv: [] });
    const [port] = (await once(server, 'message')) as [number];
    const client = await Client.connect({ address: '127.0.0.1', port });
    await serve(client, 30_000);
    const before = await residentOctets(server);
    await serve(client, 60_000);
    const grown = (await residentOctets(server)) - before;
    // One kept reply buffer per query would be 240 MB; what a collection has not come to yet stays far below this.
    test.ok(grown < 24 * 1024 * 1024, `${grown} octets for 60,000 queries`);
    client.close();
    server.disconnect();
    await once(server, 'exit');
  });
}

async function residentOctets(server: ChildProcess): Promise<number> {
  server.send('rss');
  return ((await once(server, 'message')) as [number])[0];
}

async function connectMany(to: { address: string; port: number }, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => Client.connect(to)));
}

/** Sends in waves and forgets the replies. */
async function serve(client: Client, queries: number): Promise<void> {
  for (let sent = 0; sent < queries; sent += 100) {
    for (let i = 0; i < 100; i++) client.send(query(i, Order.echo));
    await client.received(100);
    client.replies.length = 0;
  }
}

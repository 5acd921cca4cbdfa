/** Run with few descriptors: starts a pool with as many addresses as told, and says what became of it. */

import { Order } from '../echo-responder.ts';
import { Client, createPool, query } from '../transport-fixture.ts';

const [kind, addresses] = process.argv.slice(2) as ['batch' | 'portable', string];
const listen = Array.from({ length: Number(addresses) }, (_, i) => ({
  address: `127.0.1.${i + 1}`,
  port: 0,
}));
const pool = await createPool(kind, { listen });
try {
  const [first] = await pool.start();
  const client = await Client.connect(first!);
  await client.ask(query(1, Order.echo));
  client.close();
  console.log('served');
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
await pool.stop();

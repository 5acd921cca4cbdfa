/** Run with few CPUs: starts a pool with pinned workers, and prints what it reports and how many CPUs Node counts. */

import { availableParallelism } from 'node:os';
import { Order } from '../echo-responder.ts';
import { Client, createPool, query } from '../transport-fixture.ts';

const [, , workers] = process.argv;
const pool = await createPool('batch', {
  workers: workers === 'auto' ? workers : Number(workers),
  pinWorkers: true,
});
const [listen] = await pool.start();
const client = await Client.connect(listen!);
await client.ask(query(1, Order.echo));
client.close();
console.log(JSON.stringify({ parallelism: availableParallelism(), cpus: pool.report().cpus }));
await pool.stop();

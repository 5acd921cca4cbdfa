import { getPriority, setPriority } from 'node:os';
import t from 'tap';
import {
  CONTROL_PLANE_NICENESS,
  listThreads,
  niceness,
  yieldToOthers,
} from '../../../src/server/linux/thread-priority.ts';
import { Order } from '../echo-responder.ts';
import { askUntilAnswered, Client, createPool, query } from '../transport-fixture.ts';

const isLinux = process.platform === 'linux';
const niceBefore = niceness();

t.test('threads that answer go before the control plane, also those that follow dead ones', async (test) => {
  const controlPlane = listThreads();
  test.equal(controlPlane.includes(process.pid), isLinux, 'only Linux has priorities of threads');
  const pool = await createPool('portable');
  const [listen] = await pool.start();
  yieldToOthers(controlPlane);
  if (isLinux) {
    test.equal(niceness(), niceBefore + CONTROL_PLANE_NICENESS);
    test.same(answering(controlPlane), [niceBefore]);
  }
  const client = await Client.connect(listen!);
  client.send(query(1, Order.die));
  while (pool.report().restarts < 1) await new Promise((resolve) => setImmediate(resolve));
  await askUntilAnswered(client);
  if (isLinux) test.same(answering(controlPlane), [mayReturn() ? niceBefore : niceness()]);
  client.close();
  await pool.stop();
});

t.test('a thread that has ended meanwhile is no error', async (test) => {
  yieldToOthers([2 ** 22]);
  test.pass();
});

/** What niceness the threads have that came after the control plane, each once. */
function answering(controlPlane: readonly number[]): number[] {
  const others = listThreads().filter((thread) => !controlPlane.includes(thread));
  return [...new Set(others.map((thread) => getPriority(thread)))];
}

/** Whether this process may make its threads less nice. */
function mayReturn(): boolean {
  const nice = niceness();
  try {
    setPriority(0, nice - 1);
    setPriority(0, nice);
    return true;
  } catch {
    return false;
  }
}

/** A proxy that takes connections and says nothing is an outage like any other: told, retried, left in good order. */

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import tap, { type Test } from 'tap';
import { FakeTime, until } from '../fake-time.ts';
import { isServed, serverAccess, startServer, statusOf, synced, watchCluster } from '../watched-cluster.ts';

class SilentProxy {
  readonly open = new Set<Socket>();
  /** Connections ever. */
  count = 0;
  readonly #server: Server = createServer((socket) => {
    this.count++;
    this.open.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => this.open.delete(socket));
  });

  async start(t: Test): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => this.#server.close());
  }

  url(scheme: string): URL {
    return new URL(`${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }
}

for (const scheme of ['http', 'https', 'socks5']) {
  tap.test(`behind a silent ${scheme} proxy a new cluster is Offline, and reached without it`, async (t) => {
    const proxy = new SilentProxy();
    await proxy.start(t);
    const server = await startServer();
    let isThrough = true;
    const load = async () => serverAccess(server, isThrough ? { proxy: proxy.url(scheme) } : {});
    const cluster = await watchCluster({ server, load });
    t.teardown(() => cluster.stop());
    const { source, time } = cluster;
    await time.advanceUntil(() => source.report().condition === 'Offline', 40_000);
    t.match(source.report().lastError, /no reply within \d+ s through the proxy .*127\.0\.0\.1/);
    isThrough = false;
    await time.advanceUntil(() => statusOf(cluster) === 'available', 60_000);
    t.ok(isServed(cluster));
  });
}

tap.test('a cluster that comes behind a silent proxy is held, tried again and again, and left', async (t) => {
  const proxy = new SilentProxy();
  await proxy.start(t);
  const server = await startServer();
  let isThrough = false;
  const load = async () => serverAccess(server, isThrough ? { proxy: proxy.url('http') } : {});
  const time = new FakeTime();
  const cluster = await watchCluster({ server, load, time });
  await synced(cluster);
  isThrough = true;
  server.reset();
  await time.advanceUntil(() => statusOf(cluster) === 'held', 40_000);
  t.ok(isServed(cluster));
  const before = proxy.count;
  await time.advanceUntil(() => proxy.count > before + 3, 60_000);
  t.match(await cluster.stop(), { timers: 0, connections: 0 });
  await until(() => proxy.open.size === 0);
});

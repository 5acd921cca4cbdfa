/** A TCP server for tests whose replies are simple to tell apart, with a clock that the test moves. */
import type { Test } from 'tap';
import { Counter, COUNTERS_PER_WORKER } from '../../../src/server/counters.ts';
import type { Responder, Transport } from '../../../src/server/responder.ts';
import { TcpServer, type TcpOptions } from '../../../src/server/tcp/tcp.ts';

export interface Fixture {
  readonly server: TcpServer;
  readonly ports: readonly number[];
  readonly counters: Float64Array;
  readonly counter: (name: keyof typeof Counter) => number;
  readonly clock: { nowMs: number };
  /** What the responder was asked. */
  readonly asked: { transport: Transport; client: string }[];
  /** enter() without leave(), and answers outside the two. */
  readonly faults: string[];
}

/**
 * Replies with the query's ID, QR set and as many octets as the query's octets 2 and 3 say (at least 12);
 * a query with 0xffff there gets none.
 */
class EchoResponder implements Responder {
  readonly asked: Fixture['asked'] = [];
  readonly faults: string[] = [];
  readonly isStale = false;
  #entered = false;

  enter(): void {
    if (this.#entered) this.faults.push('entered twice');
    this.#entered = true;
  }

  leave(): void {
    if (!this.#entered) this.faults.push('left twice');
    this.#entered = false;
  }

  adopt(): void {}

  answer(
    query: Uint8Array,
    start: number,
    _length: number,
    reply: Uint8Array,
    replyStart: number,
    transport: Transport,
    client: Uint8Array,
    clientStart: number,
    clientLength: number,
  ): number {
    if (!this.#entered) this.faults.push('answered outside of enter and leave');
    this.asked.push({ transport, client: client.slice(clientStart, clientStart + clientLength).join('.') });
    const wanted = (query[start + 2]! << 8) | query[start + 3]!;
    if (wanted === 0xffff) return 0;
    const length = Math.max(wanted, 12);
    reply.fill(0, replyStart, replyStart + length);
    reply[replyStart] = query[start]!;
    reply[replyStart + 1] = query[start + 1]!;
    reply[replyStart + 2] = 0x80;
    return length;
  }
}

/** Starts a server on a free loopback port and stops it when the test is over. */
export async function startFixture(t: Test, options: Partial<TcpOptions> = {}): Promise<Fixture> {
  const clock = { nowMs: 1000 };
  const responder = new EchoResponder();
  const counters = new Float64Array(COUNTERS_PER_WORKER);
  const server = new TcpServer({
    listen: options.tls ? [] : [{ address: '127.0.0.1', port: 0 }],
    responder,
    counters,
    nowMs: () => clock.nowMs,
    ...options,
  });
  const bound = await server.start();
  t.teardown(() => server.stop());
  return {
    server,
    ports: bound.map(({ port }) => port),
    counters,
    counter: (name) => counters[Counter[name]]!,
    clock,
    asked: responder.asked,
    faults: responder.faults,
  };
}

/** Lets sockets move until something is the case. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Pools and clients for the tests of the UDP transports. */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../../src/config/settings.ts';
import type { Log } from '../../src/log.ts';
import { chooseTransport } from '../../src/server/workers/udp-transport.ts';
import {
  WorkerPool,
  type SharedSettings,
  type WorkerPoolOptions,
} from '../../src/server/workers/worker-pool.ts';
import { CONTROL_OCTETS } from '../../src/zonebuilder/layout.ts';
import { HEADER, Order } from './echo-responder.ts';

export const TRANSPORTS =
  process.platform === 'linux' ? (['batch', 'portable'] as const) : (['portable'] as const);

/** A log that keeps its lines. */
export function keepLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`);
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** Settings for the echo responder, which reads no image. */
export function sharedSettings(udpPayloadMax = 1232): SharedSettings {
  const memory = new SharedArrayBuffer(CONTROL_OCTETS);
  return { image: { control: memory, arena: memory, generation: 1 }, udpPayloadMax } as SharedSettings;
}

export type PoolChanges = Partial<WorkerPoolOptions>;

/** A pool on 127.0.0.1 with one worker, unless told otherwise. Not started. */
export async function createPool(kind: 'batch' | 'portable', changes: PoolChanges = {}): Promise<WorkerPool> {
  return new WorkerPool({
    transport: await chooseTransport(kind),
    listen: [{ address: '127.0.0.1', port: 0 }],
    workers: 1,
    settings: sharedSettings(),
    firstReader: 0,
    responderUrl: new URL('./echo-responder.ts', import.meta.url).href,
    pauses: { firstMs: 1, maxMs: 10, forgiveMs: 60_000 },
    log: keepLog(),
    ...changes,
  });
}

/** A query for the echo responder: `id` in the header, `order` and `size` octets in all. */
export function query(id: number, order: number, size = 40): Buffer {
  const packet = Buffer.alloc(size, 0x2e);
  packet.fill(0, 0, HEADER);
  packet.writeUInt16BE(id);
  packet[HEADER] = order;
  return packet;
}

/** A client socket that keeps what it receives. Connected, so it hears only the address that it asks. */
export class Client {
  readonly replies: Buffer[] = [];
  readonly #socket: Socket;
  #onReply: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (reply) => {
      this.replies.push(reply);
      this.#onReply?.();
    });
    socket.on('error', () => {});
  }

  /** @param from - the address that it asks from; default: what the system takes */
  static async connect({ address, port }: ListenAddress, from?: string): Promise<Client> {
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    if (from !== undefined) {
      socket.bind(0, from);
      await once(socket, 'listening');
    }
    socket.connect(port, address);
    await once(socket, 'connect');
    return new Client(socket);
  }

  send(packet: Buffer): void {
    this.#socket.send(packet);
  }

  /** Sends, and resolves once the kernel has it. */
  sent(packet: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.send(packet, () => resolve()));
  }

  /** Resolves when `count` replies have come in all. */
  async received(count: number): Promise<Buffer[]> {
    while (this.replies.length < count) await new Promise<void>((resolve) => (this.#onReply = resolve));
    return this.replies;
  }

  async ask(packet: Buffer): Promise<Buffer> {
    const before = this.replies.length;
    this.send(packet);
    return (await this.received(before + 1))[before]!;
  }

  close(): void {
    this.#socket.close();
  }
}

/** Asks again and again, as a resolver does. */
export async function askUntilAnswered(client: Client): Promise<void> {
  const want = client.replies.length + 1;
  while (client.replies.length < want) {
    client.send(query(9, Order.echo));
    await Promise.race([client.received(want), new Promise((resolve) => setTimeout(resolve, 20))]);
  }
}

/**
 * The packet path where there are no batch calls: `node:dgram` on the event loop of its worker thread. Whole, not
 * fast. It knows one thing less than the batch transport: on a wildcard address the kernel picks the source of a
 * reply, which on a machine with several addresses may not be the one that was asked.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { ListenAddress } from '../../config/settings.ts';
import { Counter } from '../counters.ts';
import { Transport, UDP_REPLY_OCTETS, type Responder } from '../responder.ts';
import { isDualStack, ListenError, addressOctets } from '../socket-address.ts';

/** Octets asked for as receive buffer; the system may allow less. */
const RECEIVE_BUFFER_OCTETS = 256 * 1024;
/** Replies that may wait for the kernel on one socket; further ones are dropped, as the kernel itself would. */
const WAITING_REPLIES_MAX = 1024;
/** Turns of the event loop that a stopping transport spends on queries that still come in. */
const DRAIN_TURNS_MAX = 1000;

/** What a portable transport works with. */
export interface PortableOptions {
  readonly listen: readonly ListenAddress[];
  /** Whether other threads listen on the same port; not every system can. */
  readonly reusePort: boolean;
  readonly responder: Responder;
  /** Called when the responder's image has moved, before a query is answered. */
  readonly refresh: () => void;
  readonly counters: Float64Array;
}

/** A running portable transport: the sockets of one worker. */
export class PortableUdp {
  readonly #options: PortableOptions;
  readonly #sockets: Socket[] = [];
  #received = 0;

  constructor(options: PortableOptions) {
    this.#options = options;
  }

  /**
   * Binds all sockets.
   *
   * @returns the addresses with their real ports
   * @throws ListenError naming address and port; nothing is left open then
   */
  async start(): Promise<ListenAddress[]> {
    const bound: ListenAddress[] = [];
    try {
      for (const listen of this.#options.listen) {
        const socket = await this.#open(listen);
        bound.push({ address: listen.address, port: socket.address().port });
      }
    } catch (error) {
      this.#close();
      throw error;
    }
    return bound;
  }

  /** Answers what has already come in, then closes. */
  async stop(): Promise<void> {
    let seen = -1;
    for (let turn = 0; turn < DRAIN_TURNS_MAX && (seen !== this.#received || this.#waiting() > 0); turn++) {
      seen = this.#received;
      // A turn of the loop polls the sockets once; the second leaves room for what the first one started.
      await setImmediate();
      await setImmediate();
    }
    this.#close();
  }

  #close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  async #open(listen: ListenAddress): Promise<Socket> {
    const { reusePort } = this.#options;
    const ipv6Only = isIPv6(listen.address) && !isDualStack(listen, this.#options.listen);
    const type = isIPv6(listen.address) ? 'udp6' : 'udp4';
    const socket = createSocket({ type, reusePort, ipv6Only, recvBufferSize: RECEIVE_BUFFER_OCTETS });
    this.#sockets.push(socket);
    socket.on('message', (query, client) => this.#answer(socket, query, client));
    await bindSocket(socket, listen);
    // An error that is not about one reply ends the worker, and a new one takes over.
    return socket;
  }

  #answer(socket: Socket, query: Buffer, client: RemoteInfo): void {
    const { responder, counters, refresh } = this.#options;
    this.#received++;
    counters[Counter.batch]!++;
    counters[Counter.octetsIn]! += query.length;
    // A reply to port 0 reaches nobody, and such a packet is forged.
    if (client.port === 0) return void counters[Counter.droppedUnanswerable]!++;
    const address = addressOctets(client.address);
    const reply = Buffer.allocUnsafe(UDP_REPLY_OCTETS);
    if (responder.isStale) refresh();
    responder.enter();
    const length = responder.answer(
      query,
      0,
      query.length,
      reply,
      0,
      Transport.udp,
      address,
      0,
      address.length,
    );
    responder.leave();
    if (length > 0) this.#send(socket, reply, length, client);
  }

  #send(socket: Socket, reply: Buffer, length: number, client: RemoteInfo): void {
    const { counters } = this.#options;
    if (socket.getSendQueueCount() >= WAITING_REPLIES_MAX) return void counters[Counter.droppedSend]!++;
    counters[Counter.octetsOut]! += length;
    socket.send(reply, 0, length, client.port, client.address, (error) => {
      if (error !== null) counters[Counter.droppedSend]!++;
    });
  }

  #waiting(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.getSendQueueCount(), 0);
  }
}

/**
 * Sockets that share their port also share it with another program's: looks first whether one is there.
 *
 * @throws ListenError when the port is taken
 */
export async function assertPortFree(listen: ListenAddress): Promise<void> {
  const socket = createSocket(isIPv6(listen.address) ? 'udp6' : 'udp4');
  try {
    await bindSocket(socket, listen);
  } finally {
    socket.close();
  }
}

async function bindSocket(socket: Socket, listen: ListenAddress): Promise<void> {
  socket.bind({ ...listen, exclusive: true });
  await once(socket, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new ListenError(error.code ?? error.message, 'UDP', listen);
  });
}

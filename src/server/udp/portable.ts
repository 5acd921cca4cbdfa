/**
 * The packet path where there are no batch calls: `node:dgram` on the event loop of its worker thread. Whole, not
 * fast.
 *
 * `node:dgram` tells nothing of the address that a packet came to, and replies must come from it (RFC 2181 section 4.1).
 * So on a wildcard address every address of the machine has a socket of its own, which the kernel prefers to the
 * wildcard's; that one stays for what is not known yet. Addresses come and go: they are looked at again regularly, and as
 * soon as the wildcard's socket receives something.
 */

import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { ListenAddress } from '../../config/settings.ts';
import { Counter } from '../counters.ts';
import type { Recorder } from '../recorder.ts';
import { Transport, UDP_REPLY_OCTETS, type Responder } from '../responder.ts';
import { SignedReplies } from '../signed-replies.ts';
import { admit, Slot } from '../signing/waiting.ts';
import { isDualStack, isWildcard, ListenError, addressOctets } from '../socket-address.ts';
import { localAddresses } from './local-addresses.ts';

/** Octets asked for as receive buffer; the system may allow less. */
const RECEIVE_BUFFER_OCTETS = 256 * 1024;
/** Replies that may wait for the kernel on one socket; further ones are dropped, as the kernel itself would. */
const WAITING_REPLIES_MAX = 1024;
/** Turns of the event loop that a stopping transport spends on queries that still come in. */
const DRAIN_TURNS_MAX = 1000;

/** How often the machine's addresses are looked at, in milliseconds: an address that moves here is answered from by then. */
const LOOK_MS = 5000;
/** Looks that packets bring about are at least so far apart, in milliseconds. */
const LOOK_MS_MIN = 500;

const NO_ADDRESS = new Uint8Array(0);

/** What a portable transport works with. */
export interface PortableOptions {
  readonly listen: readonly ListenAddress[];
  /** Whether several sockets may have one port, of other threads, too; not every system can. */
  readonly reusePort: boolean;
  readonly responder: Responder;
  /** Called when the responder's image has moved, before a query is answered. */
  readonly refresh: () => void;
  readonly counters: Float64Array;
  /** Writes queries down. Absent: none is. */
  readonly recorder?: Recorder;
  /** Default: those of this machine. */
  readonly addresses?: () => readonly string[];
}

/** A wildcard address, and the sockets of the addresses that it stands for. */
interface Wildcard {
  readonly listen: ListenAddress;
  readonly dualStack: boolean;
  readonly sockets: Map<string, Socket>;
}

/** A running portable transport: the sockets of one worker. */
export class PortableUdp {
  readonly #options: PortableOptions;
  readonly #sockets = new Set<Socket>();
  readonly #wildcards: Wildcard[] = [];
  #looker: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #lookedMs = -Infinity;
  #received = 0;
  #stopped = false;
  #signed: SignedReplies | undefined;

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
        const { port } = (await this.#open(listen)).address();
        bound.push({ address: listen.address, port });
        if (isWildcard(listen.address)) this.#standFor({ ...listen, port });
      }
      await this.look();
    } catch (error) {
      this.#close();
      throw error;
    }
    if (this.#wildcards.length > 0) this.#looker = setInterval(() => void this.look(), LOOK_MS).unref();
    return bound;
  }

  /** Has a socket at each address that a wildcard stands for, and at none that is gone. Called every few seconds. */
  look(): Promise<void> {
    this.#lookedMs = performance.now();
    this.#looking = this.#looking.then(() => this.#follow());
    return this.#looking;
  }

  /** Answers what has already come in, then closes. */
  async stop(): Promise<void> {
    clearInterval(this.#looker);
    this.#stopped = true;
    await this.#looking;
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
    clearInterval(this.#looker);
    this.#stopped = true;
    this.#signed?.stop();
    for (const socket of this.#sockets) socket.close();
  }

  #standFor(listen: ListenAddress): void {
    this.#wildcards.push({
      listen,
      dualStack: isDualStack(listen, this.#options.listen),
      sockets: new Map(),
    });
  }

  async #follow(): Promise<void> {
    if (this.#stopped || this.#wildcards.length === 0) return;
    const present = (this.#options.addresses ?? localAddresses)();
    for (const wildcard of this.#wildcards) await this.#followFor(wildcard, present);
  }

  async #followFor(wildcard: Wildcard, present: readonly string[]): Promise<void> {
    const { sockets, listen } = wildcard;
    const wanted = new Set(present.filter((address) => this.#isMeant(wildcard, address)));
    for (const [address, socket] of sockets) {
      if (wanted.has(address)) continue;
      sockets.delete(address);
      this.#sockets.delete(socket);
      socket.close();
    }
    for (const address of wanted) {
      if (sockets.has(address) || this.#stopped) continue;
      const socket = await this.#openIfThere({ address, port: listen.port });
      if (socket !== undefined) sockets.set(address, socket);
    }
  }

  /** Addresses that are listened on by themselves have their socket. */
  #isMeant({ listen, dualStack }: Wildcard, address: string): boolean {
    if (!isIPv6(address) && isIPv6(listen.address) && !dualStack) return false;
    if (isIPv6(address) && !isIPv6(listen.address)) return false;
    return !this.#options.listen.some((other) => other.address === address && other.port === listen.port);
  }

  /** An address may be gone again, or not usable yet (RFC 4862 section 5.4): the wildcard's socket stands in until the next look. */
  async #openIfThere(listen: ListenAddress): Promise<Socket | undefined> {
    try {
      return await this.#open(listen);
    } catch {
      return undefined;
    }
  }

  async #open(listen: ListenAddress): Promise<Socket> {
    const socket = createSocket(this.#socketOptions(listen));
    const isStandIn = isWildcard(listen.address);
    // Of the wildcard's own socket it is not known which address was asked.
    const own = isStandIn ? NO_ADDRESS : addressOctets(listen.address);
    socket.on('message', (query, client) => {
      if (isStandIn && performance.now() - this.#lookedMs >= LOOK_MS_MIN) void this.look();
      this.#answer(socket, own, query, client);
    });
    try {
      await bindSocket(socket, listen);
    } catch (error) {
      socket.close();
      throw error;
    }
    // From here on an error that is not about one reply ends the worker, and a new one takes over.
    this.#sockets.add(socket);
    return socket;
  }

  #socketOptions({ address, port }: ListenAddress): SocketOptions {
    const { reusePort, listen } = this.#options;
    const isSix = isIPv6(address);
    return {
      type: isSix ? 'udp6' : 'udp4',
      reusePort,
      // Beside a wildcard's socket there are others at its port; systems without the one option have the other.
      reuseAddr: !reusePort && listen.some((other) => isWildcard(other.address)),
      ipv6Only: isSix && !isDualStack({ address, port }, listen),
      recvBufferSize: RECEIVE_BUFFER_OCTETS,
    };
  }

  #answer(socket: Socket, own: Uint8Array, query: Buffer, client: RemoteInfo): void {
    const { responder, counters, recorder, refresh } = this.#options;
    this.#received++;
    counters[Counter.batch]!++;
    counters[Counter.octetsIn]! += query.length;
    // A reply to port 0 reaches nobody, and such a packet is forged.
    if (client.port === 0) return void counters[Counter.droppedUnanswerable]!++;
    const address = addressOctets(client.address);
    const reply = Buffer.allocUnsafe(UDP_REPLY_OCTETS);
    if (responder.isStale) refresh();
    const readers = recorder?.isOn === true ? recorder.draw() : 0;
    if (readers !== 0) recorder!.begin(readers, Transport.udp, query, 0, query.length);
    responder.enter();
    let length = responder.answer(
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
    if (length < 0) {
      if (readers !== 0) recorder!.cancel();
      length = this.#park(socket, client);
    } else if (readers !== 0) {
      recorder!.client(address, 0, address.length, client.port);
      recorder!.server(own, 0, own.length, socket.address().port);
      recorder!.end(reply, 0, length);
    }
    responder.leave();
    if (length > 0) this.#send(socket, reply, length, client);
  }

  /** Has a query wait for a signature. @returns octets of a reply that is sent at once, because there is no room; 0: none is */
  #park(socket: Socket, client: RemoteInfo): number {
    const { room, worker, channel, claim, turnAway } = this.#options.responder.parking!;
    const slot = claim();
    if (slot === 0) return turnAway();
    this.#signed ??= new SignedReplies(channel);
    const token = this.#signed.expect((reply) => this.#sendSigned(socket, reply, client));
    room.words[(slot + Slot.worker) / 4] = worker;
    room.words[(slot + Slot.token) / 4] = token;
    room.words[(slot + Slot.clientPort) / 4] = client.port;
    admit(room, slot);
    return 0;
  }

  #sendSigned(socket: Socket, reply: Uint8Array, client: RemoteInfo): void {
    // The socket of an address that went away is closed.
    if (this.#sockets.has(socket)) this.#send(socket, reply, reply.length, client);
  }

  #send(socket: Socket, reply: Uint8Array, length: number, client: RemoteInfo): void {
    const { counters } = this.#options;
    if (socket.getSendQueueCount() >= WAITING_REPLIES_MAX) return void counters[Counter.droppedSend]!++;
    counters[Counter.octetsOut]! += length;
    socket.send(reply, 0, length, client.port, client.address, (error) => {
      if (error !== null) counters[Counter.droppedSend]!++;
    });
  }

  #waiting(): number {
    let sum = 0;
    for (const socket of this.#sockets) sum += socket.getSendQueueCount();
    return sum;
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

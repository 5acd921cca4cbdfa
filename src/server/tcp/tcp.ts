/**
 * DNS over TCP (RFC 7766) and over TLS (RFC 7858): listens, lets connections in, sends away those that stay too long.
 * Messages and replies are connection.ts, certificates tls-certificate.ts, figures tcp-limits.ts. It runs on a thread
 * of its own and keeps nothing outside the instance.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ListenAddress } from '../../config/settings.ts';
import { Counter } from '../counters.ts';
import type { Recorder } from '../recorder.ts';
import { Transport, type Responder } from '../responder.ts';
import { SignedReplies } from '../signed-replies.ts';
import { addressOctets, isDualStack, ListenError } from '../socket-address.ts';
import { TCP_OUTPUT_OCTETS, TcpConnection, type TcpClient, type TcpContext } from './connection.ts';
import { idleLimitMs, TCP_LIMITS, type TcpLimits } from '../tcp-limits.ts';
import type { TransferRelay } from './transfer-relay.ts';
import { TLS_ALPN, type TlsCertificate } from './tls-certificate.ts';

export interface TcpOptions {
  /** Where DNS over TCP is listened for. */
  readonly listen: readonly ListenAddress[];
  /** Where DNS over TLS is, and with which certificate; absent: nowhere. Started and stopped by the caller. */
  readonly tls?: { readonly listen: readonly ListenAddress[]; readonly certificate: TlsCertificate };
  /**
   * Sockets that listen already, in the order of the addresses, those of TLS last; closed at the end. Absent: they are opened.
   */
  readonly fds?: readonly number[];
  readonly responder: Responder;
  /** This worker's counters. {@link Counter.tcpIdleLimitMs} in it is what the responder tells clients (RFC 7828). */
  readonly counters: Float64Array;
  /** Writes queries down. Absent: none is. */
  readonly recorder?: Recorder;
  readonly limits?: Partial<TcpLimits>;
  /** Where requests for transfers are handed on to. Absent: they are answered as any query. */
  readonly transfers?: TransferRelay;
  /** A clock that never goes back, in milliseconds. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

/** How often connections are looked through for those that have stayed too long. */
const SWEEP_MS = 250;
/** How long `stop` waits for clients to read their last replies. */
const STOP_MS = 1000;
/** How long a client may be silent that goes on asking after `stop`, in milliseconds: what is under way comes within it. */
const LINGER_IDLE_MS = 500;

export class TcpServer {
  readonly #options: TcpOptions;
  readonly #limits: TcpLimits;
  readonly #context: TcpContext;
  readonly #servers: Server[] = [];
  /** In the order of their last complete message: the longest idle first. */
  readonly #connections = new Set<TcpConnection>();
  readonly #perClient = new Map<string, number>();
  #heldOctets = 0;
  #isLeaving = false;
  #signed: SignedReplies | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: TcpOptions) {
    this.#options = options;
    this.#limits = { ...TCP_LIMITS, ...options.limits };
    this.#context = {
      responder: options.responder,
      counters: options.counters,
      ...(options.recorder && { recorder: options.recorder }),
      limits: this.#limits,
      ...(options.transfers && { transfers: options.transfers }),
      nowMs: options.nowMs ?? (() => performance.now()),
      replies: Buffer.allocUnsafeSlow(TCP_OUTPUT_OCTETS),
      signed: (channel) => (this.#signed ??= new SignedReplies(channel)),
    };
  }

  /**
   * Listens on every address.
   *
   * @returns the addresses with their real ports, those of TLS last
   * @throws ListenError when one cannot be listened on; then none is
   */
  async start(): Promise<ListenAddress[]> {
    const { listen, tls } = this.#options;
    this.#announceIdleLimit();
    try {
      const bound = [];
      for (const at of listen) bound.push(await this.#listenOn(at, listen, Transport.tcp));
      for (const at of tls?.listen ?? []) bound.push(await this.#listenOn(at, tls!.listen, Transport.tls));
      this.#sweeper = setInterval(() => this.sweep(), SWEEP_MS);
      return bound;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Takes no more connections, lets those that exist read their last replies, and closes them.
   *
   * @param lingerMs - how long clients may go on asking over the connections that exist, in milliseconds. Default: 0
   */
  async stop(lingerMs = 0): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    if (lingerMs > 0) await this.#linger(lingerMs, Promise.all(closed));
    clearInterval(this.#sweeper);
    for (const connection of this.#connections) connection.close();
    const impatient = setTimeout(() => this.#connections.forEach((connection) => connection.cut()), STOP_MS);
    await Promise.all(closed);
    clearTimeout(impatient);
    this.#signed?.stop();
    this.#servers.length = 0;
  }

  /** Clients are told to leave (RFC 7828 section 3.4), and those that have nothing under way are closed. */
  async #linger(lingerMs: number, closed: Promise<unknown>): Promise<void> {
    this.#isLeaving = true;
    this.#announceIdleLimit();
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, lingerMs)));
    await Promise.race([closed, over]);
    clearTimeout(timer);
  }

  /** Connections at this moment. */
  get open(): number {
    return this.#connections.size;
  }

  /** Octets held for clients at this moment. */
  get heldOctets(): number {
    return this.#heldOctets;
  }

  /** Closes the connections whose time is over. Called every quarter of a second. */
  sweep(): void {
    const now = this.#context.nowMs();
    const idleMs = this.#isLeaving ? LINGER_IDLE_MS : idleLimitMs(this.#limits, this.#connections.size);
    for (const connection of this.#connections) this.#sweepOne(connection, now, idleMs);
  }

  #sweepOne(connection: TcpConnection, now: number, idleMs: number): void {
    const { messageMs, stalledMs, activeMs, isTransferring } = connection;
    if (stalledMs !== undefined) {
      const limitMs = isTransferring ? this.#limits.transferStalledMs : this.#limits.stalledMs;
      if (now - stalledMs >= limitMs) this.#cut(connection, Counter.tcpClosedSlow);
    } else if (isTransferring) {
      // It is we who are waited for.
    } else if (messageMs !== undefined && now - messageMs >= this.#limits.messageMs) {
      this.#cut(connection, Counter.tcpClosedSlow);
    } else if (now - activeMs >= idleMs) {
      this.#options.counters[Counter.tcpClosedIdle]!++;
      connection.close();
    }
  }

  async #listenOn(
    at: ListenAddress,
    all: readonly ListenAddress[],
    transport: Transport,
  ): Promise<ListenAddress> {
    // Without it Node would close its end as soon as the client has, and lose replies (RFC 1035 section 4.2.2).
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket, transport),
    );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    const fd = this.#options.fds?.[this.#servers.length];
    if (fd !== undefined) server.listen({ fd }, resolve);
    else server.listen({ host: at.address, port: at.port, ipv6Only: !isDualStack(at, all) }, resolve);
    try {
      await promise;
    } catch (error) {
      throw new ListenError((error as NodeJS.ErrnoException).code ?? String(error), 'TCP', at);
    }
    // Accepting fails while descriptors are short; the listener lives on.
    server
      .removeListener('error', reject)
      .on('error', () => this.#options.counters[Counter.tcpClosedLimit]!++);
    this.#servers.push(server);
    return server.address() as ListenAddress;
  }

  #accept(raw: Socket, transport: Transport): void {
    // The client may be gone already.
    if (raw.remoteAddress === undefined) return void raw.destroy();
    const client = clientOf(raw, raw.remoteAddress);
    const { key } = client;
    this.#makeRoom(key);
    const plain = transport === Transport.tls ? this.#startTls(raw) : raw;
    const connection = new TcpConnection({ plain, raw }, transport, client, this.#context, this);
    this.#connections.add(connection);
    this.#perClient.set(key, (this.#perClient.get(key) ?? 0) + 1);
    this.#options.counters[Counter.tcpConnections]!++;
    this.#announceIdleLimit();
  }

  #startTls(raw: Socket): TLSSocket {
    const { certificate } = this.#options.tls!;
    return new TLSSocket(raw, {
      isServer: true,
      secureContext: certificate.context,
      ALPNProtocols: TLS_ALPN,
    });
  }

  /** Closes the connection that has been idle longest, of this client or of all, where a limit is reached. */
  #makeRoom(key: string): void {
    if ((this.#perClient.get(key) ?? 0) >= this.#limits.connectionsPerClient) {
      for (const connection of this.#connections) {
        if (connection.client === key) return this.#evict(connection);
      }
    }
    if (this.#connections.size >= this.#limits.connections)
      this.#evict(this.#connections.values().next().value!);
  }

  #evict(connection: TcpConnection): void {
    this.#cut(connection, Counter.tcpClosedLimit);
    // Its place is free at once, not when the socket reports that it is closed.
    this.closed(connection);
  }

  #cut(connection: TcpConnection, counter: number): void {
    this.#options.counters[counter]!++;
    connection.cut();
  }

  /** A connection had a complete message. For {@link TcpConnection}. */
  active(connection: TcpConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#connections.add(connection);
  }

  /** A connection holds more or less memory than before. For {@link TcpConnection}. */
  held(change: number): void {
    this.#heldOctets += change;
    if (change <= 0 || this.#heldOctets <= this.#limits.bufferedOctets) return;
    let greediest: TcpConnection | undefined;
    for (const connection of this.#connections) {
      if (connection.heldOctets > (greediest?.heldOctets ?? 0)) greediest = connection;
    }
    if (greediest) this.#cut(greediest, Counter.tcpClosedLimit);
  }

  /** A connection is gone. For {@link TcpConnection}. */
  closed(connection: TcpConnection): void {
    if (!this.#connections.delete(connection)) return;
    const left = this.#perClient.get(connection.client)! - 1;
    if (left > 0) this.#perClient.set(connection.client, left);
    else this.#perClient.delete(connection.client);
    this.#announceIdleLimit();
  }

  #announceIdleLimit(): void {
    this.#options.counters[Counter.tcpOpen] = this.#connections.size;
    const idleMs = this.#isLeaving ? 0 : idleLimitMs(this.#limits, this.#connections.size);
    this.#options.counters[Counter.tcpIdleLimitMs] = idleMs;
  }
}

function clientOf(raw: Socket, remoteAddress: string): TcpClient {
  const address = clientAddress(remoteAddress);
  const server = { address: clientAddress(raw.localAddress ?? '::'), port: raw.localPort ?? 0 };
  return { address, port: raw.remotePort ?? 0, key: clientKey(address), server };
}

/** The address as the responder takes it: IPv4 in 4 octets also where the socket is dual-stack. */
function clientAddress(text: string): Uint8Array {
  const octets = addressOctets(text);
  return text.startsWith('::ffff:') ? octets.subarray(12) : octets;
}

/** What counts as one client: an IPv4 address, an IPv6 /56, as large as one customer gets (RFC 6177). */
function clientKey(address: Uint8Array): string {
  return Buffer.from(address.subarray(0, address.length === 4 ? 4 : 7)).toString('hex');
}

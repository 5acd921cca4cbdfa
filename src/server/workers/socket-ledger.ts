/**
 * The sockets of a process, by what they are for: opened here, or given by the process before, and passed on to the next.
 * A socket that two processes hold is one socket with one queue, so nothing that waits in it is lost when one of them
 * closes its end. Linux with the C library only; who reads and writes the sockets are the transports.
 */

import type { ListenAddress } from '../../config/settings.ts';
import { Linux, type Libc } from '../linux/linux.ts';
import { encodeSocketAddress } from '../socket-address.ts';
import {
  adoptUdpSocket,
  HANDOVER_BUFFER_OCTETS,
  openUdpSocket,
  RECEIVE_BUFFER_OCTETS,
  resizeReceiveBuffer,
  type UdpSocket,
  type UdpSocketOptions,
} from '../udp/socket.ts';
import { openTcpListener } from './tcp-listener.ts';

/** What a socket is for. */
export type SocketUse = 'udp' | 'tcp' | 'tls' | 'admin';

/** A bound socket as it goes from process to process; the descriptor is that of whoever has this. */
export interface PassedSocket {
  readonly use: SocketUse;
  /** With the real port. */
  readonly listen: ListenAddress;
  /** Whether it takes IPv4 on the IPv6 wildcard address. */
  readonly dualStack: boolean;
  readonly fd: number;
}

/** The port that a socket is tied to in place of its clients': discard (RFC 863), where nothing is sent from. */
const NOBODY_PORT = 9;

export class SocketLedger {
  readonly #libc: Libc;
  readonly #unclaimed: PassedSocket[];
  readonly #held: PassedSocket[] = [];

  /** @param passed - sockets of the process before */
  constructor(libc: Libc, passed: readonly PassedSocket[] = []) {
    this.#libc = libc;
    this.#unclaimed = [...passed];
  }

  /** Everything in use here. */
  get held(): readonly PassedSocket[] {
    return this.#held;
  }

  /** @throws ListenError when it has to be opened and cannot be had */
  udp(options: UdpSocketOptions): UdpSocket {
    const { dualStack } = options;
    const passed = this.#claim('udp', options.listen, dualStack);
    const socket =
      passed === undefined
        ? openUdpSocket(this.#libc, options)
        : adoptUdpSocket(this.#libc, passed.fd, options);
    this.#held.push({ use: 'udp', listen: socket.listen, dualStack, fd: socket.fd });
    return socket;
  }

  /** A listening socket. @throws ListenError when it has to be opened and cannot be had */
  tcp(use: Exclude<SocketUse, 'udp'>, listen: ListenAddress, dualStack: boolean): PassedSocket {
    const socket =
      this.#claim(use, listen, dualStack) ??
      ({ use, dualStack, ...openTcpListener(this.#libc, listen, dualStack) } satisfies PassedSocket);
    this.#held.push(socket);
    return socket;
  }

  /**
   * Another descriptor of a socket, for a user that closes what it was given.
   *
   * @throws Error when there is no descriptor left
   */
  duplicate(fd: number): number {
    return duplicate(this.#libc, fd);
  }

  /**
   * Leaves what nobody has asked for to the process before: no new packet reaches it, so that what waits in it can be
   * answered there to the end.
   */
  leaveUnclaimed(): void {
    for (const { use, listen, fd } of this.#unclaimed.splice(0)) {
      if (use === 'udp') tieToNobody(this.#libc, fd, listen);
      this.#libc.close(fd);
    }
  }

  /** Lets more queries wait while another process starts to take the sockets over; `false`: as many as ever. */
  widen(isWide: boolean): void {
    const octets = isWide ? HANDOVER_BUFFER_OCTETS : RECEIVE_BUFFER_OCTETS;
    for (const { use, fd } of this.#held) if (use === 'udp') resizeReceiveBuffer(this.#libc, fd, octets);
  }

  /** Closes this process' ends. */
  close(): void {
    for (const { fd } of [...this.#held.splice(0), ...this.#unclaimed.splice(0)]) this.#libc.close(fd);
  }

  #claim(use: SocketUse, listen: ListenAddress, dualStack: boolean): PassedSocket | undefined {
    const at = this.#unclaimed.findIndex(
      (passed) =>
        passed.use === use &&
        passed.dualStack === dualStack &&
        passed.listen.address === listen.address &&
        (listen.port === 0 || passed.listen.port === listen.port),
    );
    return at < 0 ? undefined : this.#unclaimed.splice(at, 1)[0];
  }
}

/** @throws Error when there is no descriptor left */
export function duplicate(libc: Libc, fd: number): number {
  const copy = libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw new Error(`no second descriptor of a socket: ${libc.errnoName(libc.errno())}`);
  return copy;
}

/** A connected socket takes packets of its peer only, and the kernel passes it over where several share a port. */
function tieToNobody(libc: Libc, fd: number, { address }: ListenAddress): void {
  const peer = address.includes(':') ? '::1' : '127.0.0.1';
  const octets = encodeSocketAddress({ address: peer, port: NOBODY_PORT });
  libc.connect(fd, octets, octets.length);
}

/**
 * Listening TCP sockets, opened through libc by the thread that owns the workers: connections that wait outlive the thread
 * that accepts them, and may go on to another process. Accepting is the business of tcp.ts and of the admin server.
 */

import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../../config/settings.ts';
import { Linux, type Libc } from '../linux/linux.ts';
import { encodeSocketAddress, ListenError } from '../socket-address.ts';

/** Connections that may wait to be accepted; the same as Node asks for. The kernel bounds it by net.core.somaxconn. */
const BACKLOG = 511;

/** A socket that listens; `listen` has the real port. */
export interface TcpListener {
  readonly fd: number;
  readonly listen: ListenAddress;
}

/**
 * Opens a listening socket.
 *
 * @param dualStack - whether the IPv6 wildcard takes IPv4 too
 * @throws ListenError naming address and port
 */
export function openTcpListener(libc: Libc, listen: ListenAddress, dualStack: boolean): TcpListener {
  const six = isIPv6(listen.address);
  const type = Linux.SOCK_STREAM | Linux.SOCK_CLOEXEC;
  const fd = libc.socket(six ? Linux.AF_INET6 : Linux.AF_INET, type, 0);
  if (fd < 0) throw listenError(libc, listen);
  // As every listener: otherwise connections of a process that ended a minute ago keep the port from the next.
  setInt(libc, fd, Linux.SOL_SOCKET, Linux.SO_REUSEADDR, 1);
  if (six) setInt(libc, fd, Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY, dualStack ? 0 : 1);
  const octets = encodeSocketAddress(listen);
  const length = Uint32Array.of(octets.length);
  const isBound = libc.bind(fd, octets, octets.length) === 0 && libc.listen(fd, BACKLOG) === 0;
  if (!isBound || libc.getsockname(fd, octets, length) < 0) {
    const error = listenError(libc, listen);
    libc.close(fd);
    throw error;
  }
  return { fd, listen: { address: listen.address, port: (octets[2]! << 8) | octets[3]! } };
}

function setInt(libc: Libc, fd: number, level: number, name: number, value: number): void {
  libc.setsockopt(fd, level, name, Int32Array.of(value), 4);
}

function listenError(libc: Libc, listen: ListenAddress): ListenError {
  return new ListenError(libc.errnoName(libc.errno()), 'TCP', listen);
}

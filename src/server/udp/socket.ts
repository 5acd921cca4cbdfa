/**
 * UDP sockets of the batch transport: opened, sized and bound through libc by the thread that owns the workers, so
 * that a worker may die and its socket, with the queries that wait in it, goes on to the next. What is read from
 * and written to them is in batch.ts.
 */

import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../../config/settings.ts';
import { Linux, type Libc } from '../linux/linux.ts';
import { encodeSocketAddress, isWildcard, ListenError } from '../socket-address.ts';

/** A bound socket. Plain data, so that it can be handed to a worker thread. */
export interface UdpSocket {
  readonly fd: number;
  readonly family: 4 | 6;
  /** Bound to all addresses, so the address that was asked has to be read from each packet. */
  readonly wildcard: boolean;
  /** Whether the kernel knows how to cut one message into packets (UDP_SEGMENT, Linux 4.18). */
  readonly canJoin: boolean;
  /** With the port that the kernel chose, where 0 was asked for. */
  readonly listen: ListenAddress;
  /** Octets of packets and their bookkeeping that the kernel lets wait, as it reports them. */
  readonly receiveOctets: number;
  readonly sendOctets: number;
}

/** How a socket is opened. */
export interface UdpSocketOptions {
  readonly listen: ListenAddress;
  /** Whether the IPv6 wildcard takes IPv4 packets too. */
  readonly dualStack: boolean;
  /** Octets of the largest reply. */
  readonly payloadMax: number;
  /** `first`: the port must be free; `further`: shares it with the first, the kernel spreads clients over both. */
  readonly order: 'first' | 'further';
}

/** Replies up to this size go unfragmented: with headers they fit into every path that IPv6 can take. */
const UNFRAGMENTED_OCTETS_MAX = 1232;
/**
 * Octets asked for as receive buffer; the kernel doubles it, for some 1,600 small queries: at half of what a core can answer they
 * last the 20 ms for which another program's start keeps a thread waiting, and 400 did not. Under overload the queue is
 * always full, and there more gave fewer answers on one machine (bench/NOTES.md, with how firm that is).
 */
export const RECEIVE_BUFFER_OCTETS = 1024 * 1024;
/**
 * The same while another process starts to take the sockets over: for half a second it needs the CPUs that queries are
 * answered on. Some 6,000 small queries, where the kernel grants it (CAP_NET_ADMIN, or net.core.rmem_max).
 */
export const HANDOVER_BUFFER_OCTETS = 4 * 1024 * 1024;
/** Octets asked for as send buffer: some batches of the largest replies. */
export const SEND_BUFFER_OCTETS = 1024 * 1024;
/** How long a thread blocks in the kernel before it looks at its flags again, in milliseconds. */
export const WAIT_MS = 100;

/**
 * Opens and binds a socket.
 *
 * @throws ListenError naming address and port
 */
export function openUdpSocket(libc: Libc, options: UdpSocketOptions): UdpSocket {
  const { listen } = options;
  const type = Linux.SOCK_DGRAM | Linux.SOCK_CLOEXEC;
  const fd = libc.socket(isIPv6(listen.address) ? Linux.AF_INET6 : Linux.AF_INET, type, 0);
  if (fd < 0) throw listenError(libc, listen);
  try {
    return prepare(libc, fd, options, () => bindTo(libc, fd, options));
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Asks for another receive buffer; what waits stays. */
export function resizeReceiveBuffer(libc: Libc, fd: number, octets: number): void {
  sizeBuffer(libc, fd, Linux.SO_RCVBUF, Linux.SO_RCVBUFFORCE, octets);
}

/**
 * Takes on a socket that another process has bound. What waits in it stays there, and its receive buffer is left as it is.
 *
 * @throws ListenError when the descriptor is of no use
 */
export function adoptUdpSocket(libc: Libc, fd: number, options: UdpSocketOptions): UdpSocket {
  return prepare(libc, fd, options);
}

function prepare(libc: Libc, fd: number, options: UdpSocketOptions, bind?: () => void): UdpSocket {
  const { listen } = options;
  const family = isIPv6(listen.address) ? 6 : 4;
  const wildcard = isWildcard(listen.address);
  setOptions(libc, fd, family, wildcard, options.payloadMax);
  bind?.();
  const port = portOf(libc, fd, listen);
  if (bind !== undefined) resizeReceiveBuffer(libc, fd, RECEIVE_BUFFER_OCTETS);
  const receiveOctets = bufferSize(libc, fd, Linux.SO_RCVBUF);
  const sendOctets = sizeBuffer(libc, fd, Linux.SO_SNDBUF, Linux.SO_SNDBUFFORCE, SEND_BUFFER_OCTETS);
  const canJoin = setInt(libc, fd, Linux.SOL_UDP, Linux.UDP_SEGMENT, 0);
  const bound = { address: listen.address, port };
  return { fd, family, wildcard, canJoin, listen: bound, receiveOctets, sendOctets };
}

function setOptions(libc: Libc, fd: number, family: 4 | 6, wildcard: boolean, payloadMax: number): void {
  setTime(libc, fd, Linux.SO_RCVTIMEO, WAIT_MS);
  setTime(libc, fd, Linux.SO_SNDTIMEO, WAIT_MS);
  // A forged ICMP "too big" must have no say in what is sent (RFC 9715 appendix C). Without fragments the kernel also
  // need not number the packets (RFC 6864 section 4.1), which costs it 4 % of a query.
  const fragments = payloadMax > UNFRAGMENTED_OCTETS_MAX;
  const discovery = fragments ? Linux.PMTUDISC_OMIT : Linux.PMTUDISC_PROBE;
  setInt(libc, fd, Linux.IPPROTO_IP, Linux.IP_MTU_DISCOVER, discovery);
  if (family === 6) setInt(libc, fd, Linux.IPPROTO_IPV6, Linux.IPV6_MTU_DISCOVER, Linux.PMTUDISC_OMIT);
  // A dual-stack socket reports the address of an IPv4 packet as a v4-mapped one, also by the IPv6 option.
  if (wildcard && family === 6) setInt(libc, fd, Linux.IPPROTO_IPV6, Linux.IPV6_RECVPKTINFO, 1);
  if (wildcard && family === 4) setInt(libc, fd, Linux.IPPROTO_IP, Linux.IP_PKTINFO, 1);
}

/**
 * The first socket of a port is bound before it agrees to share, so that a port which another program, or another
 * fedns, serves is an error and not a silent half of the queries.
 */
function bindTo(libc: Libc, fd: number, { listen, dualStack, order }: UdpSocketOptions): void {
  if (isIPv6(listen.address)) setInt(libc, fd, Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY, dualStack ? 0 : 1);
  if (order === 'further') setInt(libc, fd, Linux.SOL_SOCKET, Linux.SO_REUSEPORT, 1);
  const octets = encodeSocketAddress(listen);
  if (libc.bind(fd, octets, octets.length) < 0) throw listenError(libc, listen);
  if (order === 'first') setInt(libc, fd, Linux.SOL_SOCKET, Linux.SO_REUSEPORT, 1);
}

function portOf(libc: Libc, fd: number, listen: ListenAddress): number {
  const octets = encodeSocketAddress(listen);
  const length = Uint32Array.of(octets.length);
  if (libc.getsockname(fd, octets, length) < 0) throw listenError(libc, listen);
  return (octets[2]! << 8) | octets[3]!;
}

/**
 * Above net.core.rmem_max only a process with CAP_NET_ADMIN may go; without, the kernel takes what is allowed.
 *
 * @returns what the kernel reports, which counts its bookkeeping: about twice the octets of packets
 */
function sizeBuffer(libc: Libc, fd: number, option: number, force: number, octets: number): number {
  const value = Int32Array.of(octets);
  if (libc.setsockopt(fd, Linux.SOL_SOCKET, force, value, 4) < 0) {
    libc.setsockopt(fd, Linux.SOL_SOCKET, option, value, 4);
  }
  return bufferSize(libc, fd, option);
}

function bufferSize(libc: Libc, fd: number, option: number): number {
  const value = new Int32Array(1);
  libc.getsockopt(fd, Linux.SOL_SOCKET, option, value, Int32Array.of(4));
  return value[0]!;
}

/** Best effort: an option that an old kernel does not know costs its feature only. */
function setInt(libc: Libc, fd: number, level: number, name: number, value: number): boolean {
  return libc.setsockopt(fd, level, name, Int32Array.of(value), 4) === 0;
}

/** `struct timeval` of a 64-bit system. */
function setTime(libc: Libc, fd: number, name: number, ms: number): void {
  const octets = new Int32Array(4);
  octets[0] = Math.floor(ms / 1000);
  octets[2] = (ms % 1000) * 1000;
  libc.setsockopt(fd, Linux.SOL_SOCKET, name, octets, 16);
}

function listenError(libc: Libc, listen: ListenAddress): ListenError {
  return new ListenError(libc.errnoName(libc.errno()), 'UDP', listen);
}

/**
 * Listen addresses as sockets take them: in text, in octets, and in the one error that says why an address and port
 * cannot be had. Used by both UDP transports; opens nothing.
 */

import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../config/settings.ts';
import { parseAddress } from '../zonebuilder/ip-text.ts';

const AF_INET = 2;
/** Linux's number; only the batch transport, which is Linux's, encodes addresses. */
const AF_INET6 = 10;

/** Why a socket could not be had; `code` is the errno's name. */
export class ListenError extends Error {
  readonly code: string;

  constructor(code: string, protocol: 'UDP' | 'TCP', listen: ListenAddress) {
    super(`cannot listen on ${protocol} ${formatListen(listen)}: ${explain(code)}`);
    this.name = 'ListenError';
    this.code = code;
  }
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has this port',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE, or a lower net.ipv4.ip_unprivileged_port_start',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such address family',
  EMFILE: 'the process has no file descriptor left (ulimit -n)',
  ENFILE: 'the system has no file descriptor left',
};

function explain(code: string): string {
  const text = EXPLANATIONS[code];
  return text === undefined ? code : `${text} (${code})`;
}

/** `address:port`, IPv6 addresses in brackets. */
export function formatListen(listen: ListenAddress): string {
  return isIPv6(listen.address) ? `[${listen.address}]:${listen.port}` : `${listen.address}:${listen.port}`;
}

/** Whether an address stands for all addresses of its family. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || (isIPv6(address) && addressOctets(address).every((octet) => octet === 0));
}

/** Whether the IPv6 wildcard may take IPv4 too: not where IPv4 is listened on by itself at the same port. */
export function isDualStack(listen: ListenAddress, all: readonly ListenAddress[]): boolean {
  if (!isIPv6(listen.address) || !isWildcard(listen.address)) return false;
  return !all.some((other) => !isIPv6(other.address) && other.port === listen.port);
}

/** The 4 or 16 octets of an address that is known to be one. A scope (`%eth0`) is cut off. */
export function addressOctets(address: string): Uint8Array {
  return parseAddress(address.replace(/%.*$/, '')) ?? assert.fail(`${address} is no address`);
}

/** `struct sockaddr_in` or `struct sockaddr_in6` of Linux. */
export function encodeSocketAddress(listen: ListenAddress): Uint8Array {
  const six = isIPv6(listen.address);
  const octets = new Uint8Array(six ? 28 : 16);
  octets[0] = six ? AF_INET6 : AF_INET;
  octets[2] = listen.port >>> 8;
  octets[3] = listen.port & 0xff;
  octets.set(addressOctets(listen.address), six ? 8 : 4);
  return octets;
}

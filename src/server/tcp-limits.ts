/**
 * What a client may hold of this server over TCP and TLS: connections, time and memory (RFC 7766 section 6.2,
 * RFC 9210 section 4). Enforced in tcp.ts and connection.ts.
 */

export interface TcpLimits {
  /** Connections at a time. Each takes a file descriptor and some 10 KiB, over TLS some 60 KiB. */
  readonly connections: number;
  /**
   * Connections at a time of one client: one IPv4 address, one IPv6 /56. A resolver needs a handful; many may share one
   * address behind NAT.
   */
  readonly connectionsPerClient: number;
  /** How long a connection may stay without a complete query, in milliseconds, while there are few of them. */
  readonly idleMs: number;
  /** The same while connections are at their limit. */
  readonly idleMinMs: number;
  /** From the first octet of a message to its last, in milliseconds. */
  readonly messageMs: number;
  /** How long replies may wait for the client to read them, in milliseconds. */
  readonly stalledMs: number;
  /** The same for transfers, in milliseconds: a secondary writes what it gets to a disk. */
  readonly transferStalledMs: number;
  /** Octets of replies that may wait on one connection before further queries of it are left unanswered until it reads. */
  readonly outputOctets: number;
  /** Octets of unfinished queries and unread replies on all connections; beyond it, the one that holds most is cut. */
  readonly bufferedOctets: number;
}

export const TCP_LIMITS: TcpLimits = {
  connections: 1000,
  connectionsPerClient: 100,
  idleMs: 10_000,
  idleMinMs: 1000,
  messageMs: 5000,
  stalledMs: 5000,
  transferStalledMs: 60_000,
  outputOctets: 65_536,
  bufferedOctets: 32 * 1024 * 1024,
};

/**
 * How long an idle connection is kept while `open` are: in full up to half of the limit, then less and less, so that a
 * crowd of idle clients shortens its own stay before anybody is turned away (RFC 7766 section 6.2.3).
 *
 * @returns milliseconds
 */
export function idleLimitMs(limits: TcpLimits, open: number): number {
  const crowding = Math.min(Math.max(open / limits.connections - 0.5, 0) * 2, 1);
  return Math.round(limits.idleMs - (limits.idleMs - limits.idleMinMs) * crowding);
}

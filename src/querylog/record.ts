/** A record of a ring as the thread reads it that writes it down: the ring's memory, and where in it everything is. */

import { At, RECORD_OCTETS, type RingView } from '../server/query-ring.ts';

/** Good until the room of the record is given back. */
export interface QueryRecord {
  readonly octets: Uint8Array;
  readonly readers: number;
  readonly transport: number;
  /** Milliseconds since 1970, with fractions. */
  readonly queryMs: number;
  readonly replyMs: number;
  readonly client: Uint8Array;
  readonly clientPort: number;
  /** Empty: not known. */
  readonly server: Uint8Array;
  readonly serverPort: number;
  readonly queryAt: number;
  readonly queryOctets: number;
  readonly replyAt: number;
  /** 0: there is no reply. */
  readonly replyOctets: number;
}

/** @param at - where the record starts, as takeRecords gives it */
export function readRecord({ octets, shorts, doubles }: RingView, at: number): QueryRecord {
  const address = (start: number, length: number): Uint8Array => octets.subarray(start, start + length);
  const queryOctets = shorts[(at + At.queryOctets) >> 1]!;
  return {
    octets,
    readers: octets[at + At.readers]!,
    transport: octets[at + At.transport]!,
    queryMs: doubles[(at + At.queryMs) >> 3]!,
    replyMs: doubles[(at + At.replyMs) >> 3]!,
    client: address(at + At.client, octets[at + At.clientOctets]!),
    clientPort: shorts[(at + At.clientPort) >> 1]!,
    server: address(at + At.server, octets[at + At.serverOctets]!),
    serverPort: shorts[(at + At.serverPort) >> 1]!,
    queryAt: at + RECORD_OCTETS,
    queryOctets,
    replyAt: at + RECORD_OCTETS + queryOctets,
    replyOctets: shorts[(at + At.replyOctets) >> 1]!,
  };
}

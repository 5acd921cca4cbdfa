/** A ring with one record, for tests of what is made of it. */

import { Recorder, type RecorderClock } from '../../src/server/recorder.ts';
import { createQueryRing, Reader, takeRecords, viewRing } from '../../src/server/query-ring.ts';
import { Transport } from '../../src/server/responder.ts';
import { readRecord, type QueryRecord } from '../../src/querylog/record.ts';
import { addressOctets } from '../../src/server/socket-address.ts';
import { encodeNameLower } from '../../src/zonebuilder/names.ts';

export const DOMAIN = encodeNameLower('example.com');
/** 2026-11-28T03:06:30.299Z, and a quarter of a millisecond. */
export const WALL_MS = 1_795_835_190_299;
const CLOCK: RecorderClock = { wallMs: () => WALL_MS, steadyMs: () => WALL_MS + 0.25 };

export interface Exchange {
  readonly query: Uint8Array;
  readonly reply?: Uint8Array;
  readonly transport?: Transport;
  readonly client?: string;
  /** Empty: not known. */
  readonly server?: string;
  readonly readers?: number;
}

/** Writes an exchange into a ring as a worker would. */
export function write(into: SharedArrayBuffer, exchange: Exchange): void {
  const { query, reply = new Uint8Array(0), transport = Transport.udp } = exchange;
  const client = addressOctets(exchange.client ?? '192.0.2.53');
  const server = exchange.server === '' ? new Uint8Array(0) : addressOctets(exchange.server ?? '192.0.2.1');
  const recorder = new Recorder(Math.random, CLOCK);
  recorder.adopt({ ring: into, shares: { log: 1, dnstap: 1 } });
  recorder.begin(exchange.readers ?? Reader.log | Reader.dnstap, transport, query, 0, query.length);
  recorder.client(client, 0, client.length, 40397);
  recorder.server(server, 0, server.length, transport === Transport.tls ? 853 : 53);
  recorder.end(reply, 0, reply.length);
}

const ring = createQueryRing();

/** What the thread gets to see of an exchange. Good until the next one. */
export function recordOf(exchange: Exchange): QueryRecord {
  write(ring, exchange);
  const view = viewRing(ring);
  const records: QueryRecord[] = [];
  takeRecords(view, 1, (at) => records.push(readRecord(view, at)));
  return records[0]!;
}

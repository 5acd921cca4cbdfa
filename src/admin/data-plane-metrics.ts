/**
 * Owns how the workers' counters become metrics: one table of names, and the sums over all blocks. The layout of a
 * block belongs to server/counters.ts.
 */

import { Counter as Metric } from 'prom-client';
import type { Registry } from 'prom-client';
import { BATCH_BOUNDS, COUNTED_TYPES, Counter } from '../server/counters.ts';
import { sumCounters } from '../server/counters-sum.ts';
import { Rcode } from '../zonebuilder/dns.ts';

interface Row {
  readonly at: number;
  readonly labels: Readonly<Record<string, string>>;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly rows: readonly Row[];
}

const at = (position: number, labels: Readonly<Record<string, string>> = {}): Row => ({
  at: position,
  labels,
});

/** RCODEs of a block: 0 to 23. */
const RCODES = 24;

const FAMILIES: readonly Family[] = [
  {
    name: 'fedns_queries_total',
    help: 'Queries by transport.',
    rows: [
      at(Counter.queriesUdp, { transport: 'udp' }),
      at(Counter.queriesTcp, { transport: 'tcp' }),
      at(Counter.queriesTls, { transport: 'tls' }),
    ],
  },
  {
    name: 'fedns_queries_by_type_total',
    help: 'Queries by type; types that are rarely asked count as other.',
    rows: [...COUNTED_TYPES, 'other'].map((type, index) => at(Counter.type + index, { type })),
  },
  { name: 'fedns_replies_total', help: 'Replies by RCODE.', rows: rcodeRows() },
  {
    name: 'fedns_dropped_total',
    help: 'Queries without a reply, by reason.',
    rows: [
      at(Counter.droppedUnanswerable, { reason: 'unanswerable' }),
      at(Counter.droppedRateLimited, { reason: 'rate_limited' }),
      at(Counter.droppedSend, { reason: 'send' }),
    ],
  },
  {
    name: 'fedns_replies_truncated_total',
    help: 'Replies with TC set, that did not fit.',
    rows: [at(Counter.repliesTruncated)],
  },
  {
    name: 'fedns_rate_limited_slips_total',
    help: 'Truncated replies that rate limiting let through.',
    rows: [at(Counter.rateLimitedSlip)],
  },
  {
    name: 'fedns_access_refused_total',
    help: 'Queries refused by an access list.',
    rows: [at(Counter.refusedAccess)],
  },
  {
    name: 'fedns_query_faults_total',
    help: 'Queries that ended in a caught exception. Each one is a bug.',
    rows: [at(Counter.faults)],
  },
  {
    name: 'fedns_signatures_total',
    help: 'Signatures made: when they were needed, and anew before it was time.',
    rows: [at(Counter.signaturesMade, { when: 'needed' }), at(Counter.signaturesRefreshed, { when: 'due' })],
  },
  {
    name: 'fedns_signatures_awaited_total',
    help: 'Queries whose reply had to wait for a signature, and those that found no room to wait.',
    rows: [
      at(Counter.signaturesAwaited, { outcome: 'waited' }),
      at(Counter.signaturesRefused, { outcome: 'turned_away' }),
    ],
  },
  { name: 'fedns_edns_queries_total', help: 'Queries with an OPT record.', rows: [at(Counter.ednsQueries)] },
  {
    name: 'fedns_cookies_valid_total',
    help: 'Queries with a valid server cookie.',
    rows: [at(Counter.cookiesValid)],
  },
  {
    name: 'fedns_octets_total',
    help: 'Octets of DNS messages by direction.',
    rows: [at(Counter.octetsIn, { direction: 'in' }), at(Counter.octetsOut, { direction: 'out' })],
  },
  {
    name: 'fedns_tcp_connections_total',
    help: 'TCP connections accepted.',
    rows: [at(Counter.tcpConnections)],
  },
  {
    name: 'fedns_tcp_closed_total',
    help: 'TCP connections that the server closed, by reason.',
    rows: [
      at(Counter.tcpClosedIdle, { reason: 'idle' }),
      at(Counter.tcpClosedLimit, { reason: 'limit' }),
      at(Counter.tcpClosedSlow, { reason: 'slow' }),
    ],
  },
  {
    name: 'fedns_udp_batches_total',
    help: 'Batches of packets taken from the kernel, by the most packets that such a batch holds.',
    rows: BATCH_BOUNDS.map((bound, index) => at(Counter.batch + index, { packets: String(bound) })),
  },
];

/** Registers one metric per family; the blocks are read when the page is asked for. */
export function collectDataPlane(blocks: () => readonly SharedArrayBuffer[], registers: Registry[]): void {
  for (const { name, help, rows } of FAMILIES) {
    const metric: Metric<string> = new Metric({
      name,
      help,
      labelNames: Object.keys(rows[0]!.labels),
      registers,
      collect: () => {
        const sums = sumCounters(blocks());
        metric.reset();
        for (const row of rows) metric.inc(row.labels, sums[row.at]!);
      },
    });
  }
}

function rcodeRows(): readonly Row[] {
  const names = new Map<number, string>(Object.entries(Rcode).map(([name, code]) => [code, name]));
  return Array.from({ length: RCODES }, (_, code) =>
    at(Counter.rcode + code, { rcode: names.get(code) ?? `RCODE${code}` }),
  ).filter((_, code) => names.has(code));
}

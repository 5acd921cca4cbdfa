/** Owns the metrics of transfers and secondaries. */

import type { Registry } from 'prom-client';
import { OUTCOMES, type TransferStatus } from '../transfer/protocol.ts';
import { type Put, scrapedCounter, scrapedGauge, type ScrapedMetric } from './scraped.ts';

interface Family extends ScrapedMetric {
  readonly isCounter?: true;
  readonly each: (status: TransferStatus, put: Put) => void;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'fedns_transfers_total',
    help: 'Requests for the zone, by what they were answered: axfr and ixfr were sent, current had the newest version already.',
    labelNames: ['outcome'],
    isCounter: true,
    each: ({ transfers }, put) => {
      for (const outcome of OUTCOMES) put({ outcome }, transfers[outcome]);
    },
  },
  {
    name: 'fedns_transfer_octets_total',
    help: 'Octets of transfers handed to clients.',
    labelNames: [],
    isCounter: true,
    each: ({ octets }, put) => put({}, octets),
  },
  {
    name: 'fedns_transfers_active',
    help: 'Transfers under way.',
    labelNames: [],
    each: ({ active }, put) => put({}, active),
  },
  {
    name: 'fedns_transfer_withheld',
    help: '1 while nobody gets the zone, by why.',
    labelNames: ['why'],
    each: ({ refusal }, put) => {
      if (refusal !== undefined) put({ why: refusal }, 1);
    },
  },
  {
    name: 'fedns_transfer_journal_octets',
    help: 'Octets of differences kept for IXFR.',
    labelNames: [],
    each: ({ journalOctets }, put) => put({}, journalOctets),
  },
  {
    name: 'fedns_transfer_serial',
    help: 'Serial of the newest version that secondaries can have.',
    labelNames: [],
    each: ({ serial }, put) => put({}, serial),
  },
  {
    name: 'fedns_notify_sent_total',
    help: 'NOTIFY messages sent, tries included.',
    labelNames: ['secondary'],
    isCounter: true,
    each: ({ secondaries }, put) => {
      for (const { name, sent } of secondaries) put({ secondary: name }, sent);
    },
  },
  {
    name: 'fedns_notify_answered_serial',
    help: 'Serial of the newest NOTIFY that a secondary has answered; behind fedns_transfer_serial it was not heard.',
    labelNames: ['secondary'],
    each: ({ secondaries }, put) => {
      for (const { name, answeredSerial } of secondaries) put({ secondary: name }, answeredSerial);
    },
  },
  {
    name: 'fedns_zone_digest',
    help: 'Always 1; the label is a digest of all served records but the SOA. Replicas that serve the same have the same.',
    labelNames: ['digest'],
    each: ({ digest }, put) => {
      if (digest !== undefined) put({ digest }, 1);
    },
  },
  {
    name: 'fedns_zone_records',
    help: 'Records in the digest.',
    labelNames: [],
    each: ({ records }, put) => {
      if (records !== undefined) put({}, records);
    },
  },
];

/** @param status - undefined: there are no transfers */
export function collectTransfers(status: () => TransferStatus | undefined, registers: Registry[]): void {
  for (const { each, isCounter = false, ...metric } of FAMILIES) {
    const scraped = isCounter ? scrapedCounter : scrapedGauge;
    scraped(metric, registers, (put) => {
      const now = status();
      if (now !== undefined) each(now, put);
    });
  }
}

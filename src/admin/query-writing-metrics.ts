/** Owns how what became of queries that were to be written down becomes metrics: the query log, and dnstap. */

import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { WritingStatus } from '../querylog/tally.ts';
import { scrapedCounter } from './scraped.ts';

/** Registers the metrics; without dnstap in the configuration those of it have no series. */
export function collectQueryWriting(status: () => WritingStatus | undefined, registers: Registry[]): void {
  const count = (
    name: string,
    help: string,
    read: (status: WritingStatus) => Readonly<Record<string, number>> | number | undefined,
  ): void =>
    scrapedCounter({ name, help, labelNames: ['reason'] }, registers, (put) => {
      const now = status();
      const value = now && read(now);
      if (typeof value === 'number') put({}, value);
      else for (const [reason, number] of Object.entries(value ?? {})) put({ reason }, number);
    });
  count('fedns_query_log_lines_total', 'Queries that have a line in the log.', ({ lines }) => lines);
  count(
    'fedns_query_log_lost_total',
    'Queries that were to have a line and have none, by where they found no room: a ring between threads, standard error.',
    ({ linesLost }) => linesLost,
  );
  count(
    'fedns_query_writing_faults_total',
    'Queries that could not be written down. Each one is a bug.',
    (now) => now.faults,
  );
  count(
    'fedns_dnstap_messages_total',
    'Messages of dnstap that were handed over.',
    (now) => now.dnstap?.frames,
  );
  count(
    'fedns_dnstap_lost_total',
    'Messages of dnstap that were lost: no room in a ring between threads or in the queue, a connection that broke off, a file.',
    (now) => now.dnstap?.framesLost,
  );
  count(
    'fedns_dnstap_opened_total',
    'Connections to a reader of dnstap, or files, that were opened.',
    (now) => now.dnstap?.opened,
  );
  const isOpen: Gauge = new Gauge({
    name: 'fedns_dnstap_open',
    help: '1 while a reader of dnstap is connected, or the file can be written.',
    registers,
    collect: () => {
      isOpen.reset();
      const dnstap = status()?.dnstap;
      if (dnstap === undefined) isOpen.remove();
      else isOpen.set(dnstap.isOpen ? 1 : 0);
    },
  });
}

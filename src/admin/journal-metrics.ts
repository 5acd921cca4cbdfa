/** Owns the metrics of the journal: whether it is written, how much there is of it, and what it lacks. */

import type { Registry } from 'prom-client';
import type { JournalStatus } from '../journal/live-journal.ts';
import { type Put, scrapedCounter, scrapedGauge } from './scraped.ts';

/** @param status - as it is at the moment; undefined: there is no journal */
export function collectJournal(status: () => JournalStatus | undefined, registers: Registry[]): void {
  counter('fedns_journal_entries_total', 'Entries written to the journal.', ({ entries }) => entries);
  counter(
    'fedns_journal_lost_total',
    'Changes and events that the journal lacks: too many at once, or the disk refused.',
    ({ lost }) => lost,
  );
  gauge('fedns_journal_octets', 'Octets of the journal on the disk.', ({ octets }) => octets);
  gauge(
    'fedns_journal_waiting_octets',
    'Octets of changes that wait to be written to the journal.',
    ({ waitingOctets }) => waitingOctets,
  );
  gauge('fedns_journal_writable', '0 while the disk refuses the journal.', ({ trouble }) =>
    trouble === undefined ? 1 : 0,
  );

  function counter(name: string, help: string, read: (status: JournalStatus) => number): void {
    scrapedCounter({ name, help }, registers, (put) => putOf(put, read));
  }

  function gauge(name: string, help: string, read: (status: JournalStatus) => number): void {
    scrapedGauge({ name, help }, registers, (put) => putOf(put, read));
  }

  function putOf(put: Put, read: (status: JournalStatus) => number): void {
    const now = status();
    if (now !== undefined) put({}, read(now));
  }
}

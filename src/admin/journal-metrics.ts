/** Owns the metrics of the journal: whether it is written, how much there is of it, and what it lacks. */

import { Counter, Gauge, type Registry } from 'prom-client';
import type { JournalStatus } from '../journal/live-journal.ts';

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
    const made: Counter = new Counter({
      name,
      help,
      registers,
      collect: () => {
        const now = status();
        made.reset();
        if (now !== undefined) made.inc(read(now));
      },
    });
  }

  function gauge(name: string, help: string, read: (status: JournalStatus) => number): void {
    const made: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => {
        const now = status();
        if (now !== undefined) made.set(read(now));
      },
    });
  }
}

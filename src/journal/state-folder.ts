/** The journal in a state folder, for whoever reads it while no fedns runs there. */
import { layoutOf } from '../state/layout.ts';
import type { JournalEntry } from './entry.ts';
import { type JournalFilter, readJournal } from './query.ts';

/** @param stateDir - the state folder, not that of the journal */
export function readStateFolder(
  stateDir: string,
  filter: JournalFilter,
): Generator<JournalEntry | undefined> {
  return readJournal(layoutOf(stateDir).journal, filter);
}

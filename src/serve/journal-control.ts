/** Owns the view of the journal that the admin server shows: names in any form are brought to what entries call them. */

import { QuestionError } from '../admin/control-plane.ts';
import type { JournalControl, JournalQuestion } from '../admin/journal-control.ts';
import { followJournal } from '../journal/follow.ts';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { JournalFilter } from '../journal/query.ts';
import { parseServiceName } from '../journal/service-name.ts';
import { systemTimers } from '../timers.ts';
import { readName } from './question-name.ts';

/** @param domain - the served domain's name, as it is at the moment */
export function journalControl(live: LiveJournal, domain: () => string): JournalControl {
  return {
    read: (question) => linesOf(live, filterOf(question, domain())),
    follow: (question, signal) =>
      followJournal(live, filterOf(question, domain()), { signal, timers: systemTimers }),
    explainAt: () => Promise.reject(new QuestionError('not yet')),
    status: () => live.status,
  };
}

async function* linesOf(live: LiveJournal, filter: JournalFilter): AsyncGenerator<string> {
  for await (const { lines } of live.read(filter)) if (lines !== '') yield lines;
}

/** @throws QuestionError */
export function filterOf({ name, ...rest }: JournalQuestion, domain: string): JournalFilter {
  if (name === undefined) return rest;
  const text = readName(name);
  const service = parseServiceName(text, domain)?.service;
  return { ...rest, name: text, ...(service !== undefined && { service }) };
}

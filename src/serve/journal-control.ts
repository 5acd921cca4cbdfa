/** Owns the view of the journal that the admin server shows: names in any form are brought to what entries call them. */

import { type Explanation, QuestionError } from '../admin/control-plane.ts';
import type { JournalControl, JournalQuestion } from '../admin/journal-control.ts';
import { followJournal } from '../journal/follow.ts';
import { policyText } from '../journal/blob.ts';
import { answerAt, type Picture } from '../journal/compare.ts';
import type { JournalEntry } from '../journal/entry.ts';
import { explainPast, type PastQuestion } from '../journal/explain-past.ts';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { JournalFilter } from '../journal/query.ts';
import { Past } from '../journal/past.ts';
import { parseServiceName, type ServiceName } from '../journal/service-name.ts';
import type { Clock } from '../log.ts';
import { systemTimers } from '../timers.ts';
import { readName } from './question-name.ts';

/** What is asked of the server. */
export interface JournalSources {
  readonly live: LiveJournal;
  /** The name of the served domain, as it is at the moment. */
  readonly domain: () => string;
  /** A Service as it is answered for now. */
  readonly picture: (service: string) => Picture | undefined;
  readonly clock: Clock;
}

export function journalControl(sources: JournalSources): JournalControl {
  const { live, domain } = sources;
  return {
    read: (question) => linesOf(live, filterOf(question, domain())),
    follow: (question, signal) =>
      followJournal(live, filterOf(question, domain()), { signal, timers: systemTimers }),
    explainAt: (question) => explainAt(question, sources),
    status: () => live.status,
  };
}

async function explainAt(
  { name, type, timeMs }: { readonly name: string; readonly type: string; readonly timeMs: number },
  { live, domain, picture, clock }: JournalSources,
): Promise<Explanation> {
  const text = readName(name);
  const parts = parseServiceName(text, domain());
  if (timeMs > clock()) throw new QuestionError('at: a time that has been is needed');
  if (type !== 'A' && type !== 'AAAA') throw new QuestionError('of the past, A and AAAA can be explained');
  if (parts === undefined || parts.prefix.startsWith('_'))
    throw new QuestionError(
      `${text} is no name of a Service with addresses: of others the past is not explained`,
    );
  const now = picture(parts.service);
  if (now === undefined) throw new QuestionError('no journal is kept');
  const past = new Past(timeMs);
  let beginMs: number | undefined;
  for await (const slice of live.read({ service: parts.service, withContext: true })) {
    beginMs = slice.beginMs;
    for (const line of slice.lines.split('\n')) if (line !== '') past.add(JSON.parse(line) as JournalEntry);
  }
  const present = {
    answerAt: (place: string) => answerAt(now, place),
    placeNamed: (location: string) => now.numbers.placeNamed(location),
    policy: () => (now.view === undefined ? '' : policyText(now.view, now.numbers)),
    isFlat: () => now.view?.isFlat === true,
  };
  const question: PastQuestion = {
    name: nameOf(text, parts, domain()),
    parts,
    domain: domain(),
    type,
    timeMs,
  };
  return explainPast({ ...question, ...(beginMs !== undefined && { beginMs }) }, past, present);
}

/** `S.N.F` alone stands for the global name. */
function nameOf(text: string, { service }: ServiceName, domain: string): string {
  return text === service ? `${service}.svc.${domain}` : text;
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

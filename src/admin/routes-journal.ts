/** Owns the path of the journal: which entries are asked for, and how they are sent. */

import { z } from 'zod';
import { LAST_MAX } from '../journal/query.ts';
import { QuestionError } from './control-plane.ts';
import type { JournalControl, JournalQuestion } from './journal-control.ts';
import { JSON_LIST, type ListingForm, NDJSON } from './listing.ts';
import { sendError, sendSlices } from './reply.ts';
import { TIME_FORM, timeOf } from './time.ts';
import type { Call, Parameter, Routes } from './route.ts';
import { journalEntrySchema } from './schemas-journal.ts';
import { listingLine } from './schemas-views.ts';

/** Those who read or follow at a time: connections are left for scrapers and the kubelet. */
const READERS_MAX = 16;
/** A longer name cannot be one: 255 octets, each written as `\DDD` (RFC 1035 section 5.1). */
const NAME_CHARACTERS_MAX = 1024;

const PARAMETERS: readonly Parameter[] = [
  { name: 'since', about: `only from then on: ${TIME_FORM}`, example: '2026-11-28T02:00:00Z' },
  { name: 'until', about: `only up to then: ${TIME_FORM}` },
  { name: 'name', about: 'only what concerns this name: any of a Service, or one of the configuration' },
  { name: 'cluster', about: 'only what this cluster has a part in' },
  {
    name: 'last',
    about: `only the newest so many, 1 to ${LAST_MAX}`,
    schema: { type: 'integer' },
    example: '10',
  },
  {
    name: 'follow',
    about: 'true: go on with every entry that comes; needs NDJSON, an empty line says that nothing has come',
    schema: { type: 'boolean' },
  },
];

/** How many read or follow each journal at the moment. */
const readers = new WeakMap<JournalControl, number>();

export const JOURNAL_ROUTES: Routes = new Map([
  [
    '/api/v1/journal',
    {
      GET: {
        about: `what happened (${PARAMETERS.map(({ name }) => name).join(', ')}); as NDJSON with "Accept: ${NDJSON.mediaType}"`,
        parameters: PARAMETERS,
        replies: {
          [JSON_LIST.mediaType]: z.array(journalEntrySchema),
          [NDJSON.mediaType]: listingLine(journalEntrySchema),
        },
        otherReplies: { 503: { about: 'Too many read or follow already, or no journal is kept.' } },
        serve: sendJournal,
      },
    },
  ],
]);

async function sendJournal(call: Call): Promise<void> {
  const { control, query, request, response } = call;
  const question = questionOf(query);
  if (typeof question === 'string') return sendError(response, 400, question);
  const { journal } = control;
  if (journal === undefined) return sendError(response, 503, 'no journal is kept');
  const reading = readers.get(journal) ?? 0;
  if (reading >= READERS_MAX) return sendError(response, 503, `${reading} read the journal already`);
  const isNdjson = request.headers.accept?.includes(NDJSON.mediaType) === true;
  const follows = query.get('follow') === 'true';
  if (follows && !isNdjson) return sendError(response, 400, `follow: needs "Accept: ${NDJSON.mediaType}"`);
  readers.set(journal, reading + 1);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const lines = follows ? journal.follow(question, gone.signal) : journal.read(question);
    const form = isNdjson ? NDJSON : JSON_LIST;
    await sendSlices(
      response,
      form.mediaType,
      piecesOf(lines, form, () => control.vitals().serial),
    );
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    sendError(response, 400, error.message);
  } finally {
    gone.abort();
    readers.set(journal, readers.get(journal)! - 1);
  }
}

/** Lines in the form that is asked for; a line is a JSON document already. */
async function* piecesOf(
  lines: AsyncIterable<string>,
  form: ListingForm,
  serial: () => number,
): AsyncGenerator<string> {
  yield form.begin('journal', serial());
  let rows = 0;
  for await (const text of lines) {
    const own = text === '\n' ? 0 : text.split('\n').length - 1;
    const separator = rows === 0 ? '\n' : ',\n';
    if (form === NDJSON) yield text;
    else if (own > 0) yield separator + text.slice(0, -1).replaceAll('\n', ',\n');
    rows += own;
  }
  yield form.end('journal', serial(), rows);
}

/** @returns the question, or what is wrong with it */
function questionOf(query: URLSearchParams): JournalQuestion | string {
  const [since, until, name] = [query.get('since'), query.get('until'), query.get('name')];
  const [cluster, last] = [query.get('cluster'), query.get('last')];
  const sinceMs = since === null ? undefined : timeOf(since);
  const untilMs = until === null ? undefined : timeOf(until);
  if (Number.isNaN(sinceMs)) return `since: ${TIME_FORM}`;
  if (Number.isNaN(untilMs)) return `until: ${TIME_FORM}`;
  if (name !== null && (name === '' || name.length > NAME_CHARACTERS_MAX)) return 'name: one name is needed';
  const newest = last === null ? undefined : Number(last);
  if (newest !== undefined && !(Number.isInteger(newest) && newest >= 1 && newest <= LAST_MAX))
    return `last: 1 to ${LAST_MAX}`;
  return {
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
    ...(name !== null && { name }),
    ...(cluster !== null && { cluster }),
    ...(newest !== undefined && { last: newest }),
  };
}

/**
 * Owns `fedns journal`: what happened, as a table or as data. The running server is asked; where none runs, the state folder
 * is read.
 */

import type { JournalEntry } from '../journal/entry.ts';
import type { JournalFilter } from '../journal/query.ts';
import { parseServiceName } from '../journal/service-name.ts';
import { readStateFolder } from '../journal/state-folder.ts';
import { type AdminTarget, NoServerError, openAdminClient } from './admin-client.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';
import { JOURNAL_HEAD, JournalRows } from './journal-table.ts';
import { parseMoment } from './moment.ts';
import { DATA_WRITERS, type RowWriter } from './row-writer.ts';
import { LongTable } from './table.ts';

export const JOURNAL_OUTPUTS = ['table', 'json', 'ndjson', 'yaml'] as const;
export type JournalOutput = (typeof JOURNAL_OUTPUTS)[number];

/** What is shown where nothing is said. */
const DEFAULT_SINCE = '1h';

/** As typed. */
export interface JournalChoice {
  readonly since?: string;
  readonly until?: string;
  readonly name?: string;
  readonly cluster?: string;
  readonly last?: string;
  readonly follow?: boolean;
}

/** Entries that are read from a folder before what was found is printed. */
const ROWS_AT_ONCE = 1000;

export async function runJournal(
  environment: Environment,
  target: AdminTarget,
  { output, choice }: { readonly output: JournalOutput; readonly choice: JournalChoice },
): Promise<void> {
  const query = queryOf(choice, environment.clock());
  const follows = choice.follow === true;
  // A list of JSON has no end while it is followed.
  const writer = writerOf(follows && output === 'json' ? 'ndjson' : output, follows);
  let count = 0;
  for await (const entries of entriesOf(environment, target, query, follows)) {
    count += entries.length;
    await environment.out(writer.add(entries));
  }
  await environment.out(writer.end());
  if (count === 0) environment.err('fedns: the journal has nothing of the kind in that time\n');
}

function queryOf(
  { since, until, name, cluster, last }: JournalChoice,
  nowMs: number,
): Record<string, string> {
  const from = since ?? (last === undefined ? DEFAULT_SINCE : undefined);
  return {
    ...(from !== undefined && { since: String(parseMoment(from, nowMs, '--since')) }),
    ...(until !== undefined && { until: String(parseMoment(until, nowMs, '--until')) }),
    ...(name !== undefined && { name }),
    ...(cluster !== undefined && { cluster }),
    ...(last !== undefined && { last }),
  };
}

async function* entriesOf(
  environment: Environment,
  target: AdminTarget,
  query: Record<string, string>,
  follows: boolean,
): AsyncGenerator<readonly JournalEntry[]> {
  try {
    const client = await openAdminClient(environment, target);
    if (follows) yield* client.follow<JournalEntry>('/api/v1/journal', { ...query, follow: 'true' });
    else yield* client.rows<JournalEntry>('/api/v1/journal', query, () => {});
  } catch (error) {
    if (!(error instanceof NoServerError) || follows) throw error;
    yield* entriesOfFolder(environment, target, query, error);
  }
}

/** No fedns runs, so that nothing is written meanwhile. */
async function* entriesOfFolder(
  environment: Environment,
  { config, admin }: AdminTarget,
  query: Record<string, string>,
  why: CommandError,
): AsyncGenerator<readonly JournalEntry[]> {
  const loaded = admin === undefined ? await environment.load(config) : undefined;
  if (loaded?.kind !== 'loaded' || loaded.settings.stateDir === undefined) throw why;
  const { stateDir, domain } = loaded.settings;
  environment.err(`fedns: ${why.message}; reading ${stateDir}\n`);
  let entries: JournalEntry[] = [];
  for (const entry of readStateFolder(stateDir, filterOf(query, domain))) {
    if (entry !== undefined) entries.push(entry);
    if (entries.length < ROWS_AT_ONCE) continue;
    yield entries;
    entries = [];
  }
  if (entries.length > 0) yield entries;
}

function filterOf(query: Record<string, string>, domain: string): JournalFilter {
  const name = query['name']?.toLowerCase().replace(/\.$/, '');
  const service = name === undefined ? undefined : parseServiceName(name, domain)?.service;
  return {
    ...(query['since'] !== undefined && { sinceMs: Number(query['since']) }),
    ...(query['until'] !== undefined && { untilMs: Number(query['until']) }),
    ...(name !== undefined && { name }),
    ...(service !== undefined && { service }),
    ...(query['cluster'] !== undefined && { cluster: query['cluster'] }),
    ...(query['last'] !== undefined && { last: Number(query['last']) }),
  };
}

function writerOf(output: JournalOutput, follows: boolean): RowWriter<JournalEntry> {
  if (output !== 'table') return DATA_WRITERS[output]();
  const rows = new JournalRows();
  const table = new LongTable(JOURNAL_HEAD);
  return {
    // Whoever follows wants to see it now, and not once the columns are known.
    add: (entries) => table.add(rows.rowsOf(entries)) + (follows ? table.end() : ''),
    end: () => table.add(rows.end()) + table.end(),
  };
}

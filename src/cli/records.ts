/** Owns `fedns records`: what is served, as a table, a zone file (RFC 1035 section 5) or JSON. */

import type { RecordSet } from '../admin/control-plane.ts';
import { PLACEHOLDER_TYPE } from '../zonebuilder/records.ts';
import { zoneLines } from '../zonebuilder/zone-file.ts';
import { openAdminClient, readJson } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { formatTable } from './table.ts';

export const RECORD_FORMATS = ['table', 'zone', 'json'] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

/** Widths of TYPE and TTL as `gcloud dns record-sets list` prints them. */
const COLUMN_WIDTHS = [0, 10, 8, 0];

/** Lines handed to standard output at once. */
const LINES_PER_WRITE = 1000;

export async function runRecords(
  environment: Environment,
  file: string,
  format: RecordFormat,
): Promise<void> {
  const client = await openAdminClient(environment, file);
  const sets = (await readJson(await client.get('/api/v1/records'))) as readonly RecordSet[];
  for (const text of formatRecords(sets, format)) environment.out(text);
}

/**
 * The listing in pieces. Names that exist without a record need one in a zone file only; tables and JSON show what is
 * answered.
 */
export function* formatRecords(sets: readonly RecordSet[], format: RecordFormat): Generator<string> {
  if (format === 'zone') return yield* gather(zoneLines(sets));
  const answered = sets.filter((set) => set.type !== PLACEHOLDER_TYPE);
  if (format === 'json') yield `${JSON.stringify(answered, undefined, 2)}\n`;
  else yield formatTable(['NAME', 'TYPE', 'TTL', 'DATA'], answered.map(rowOf), COLUMN_WIDTHS);
}

function rowOf(set: RecordSet): readonly string[] {
  return [set.name, set.type, String(set.ttlSeconds), set.data.join(', ')];
}

function* gather(lines: Iterable<string>): Generator<string> {
  let text = '';
  let count = 0;
  for (const line of lines) {
    text += line;
    if (++count % LINES_PER_WRITE !== 0) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

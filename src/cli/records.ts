/**
 * Owns `fedns records`: what is served, as a table, a zone file (RFC 1035 section 5), JSON or YAML. Records are printed
 * as they come, so that a listing may be longer than any memory.
 */

import type { RecordSet } from '../admin/control-plane.ts';
import { PLACEHOLDER_TYPE } from '../zonebuilder/records.ts';
import { zoneLines } from '../zonebuilder/zone-file.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import type { ListingSerials } from './listing.ts';
import { ListingDigest } from './records-digest.ts';
import { DATA_WRITERS, type RowWriter } from './row-writer.ts';
import { LongTable } from './table.ts';

export const RECORD_OUTPUTS = ['table', 'zone', 'json', 'ndjson', 'yaml'] as const;
export type RecordOutput = (typeof RECORD_OUTPUTS)[number];

/** By what a listing can be narrowed; each is a query parameter of the admin server. */
export interface RecordChoice {
  readonly federation?: string;
  readonly namespace?: string;
  readonly service?: string;
  readonly name?: string;
  readonly type?: string;
}

/** Widths of TYPE and TTL as `gcloud dns record-sets list` prints them. */
const COLUMN_WIDTHS = [0, 10, 8, 0];

export async function runRecords(
  environment: Environment,
  target: AdminTarget,
  {
    output,
    choice,
    isDigest = false,
  }: { readonly output: RecordOutput; readonly choice: RecordChoice; readonly isDigest?: boolean },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  let serials: ListingSerials | undefined;
  const batches = client.rows<RecordSet>('/api/v1/records', { ...choice }, (reached) => (serials = reached));
  const writer = recordWriter(output);
  const digest = isDigest ? new ListingDigest() : undefined;
  let listed = 0;
  // Standard output says when it takes more: the reader of a pipe sets the pace of the server.
  for await (const sets of batches) {
    listed += sets.filter((set) => output === 'zone' || set.type !== PLACEHOLDER_TYPE).length;
    if (digest === undefined) await environment.out(writer.add(sets));
    else digest.add(sets);
  }
  await environment.out(digest?.format(output, serials!) ?? writer.end());
  if (listed === 0) environment.err(`fedns: no record matches ${describeChoice(choice)}\n`);
  if (serials !== undefined && serials.begin !== serials.end)
    environment.err(
      `fedns: the records changed while they were listed, from serial ${serials.begin} to ${serials.end}\n`,
    );
}

/** As it was typed; without a choice the SOA is always listed. */
function describeChoice(choice: RecordChoice): string {
  return Object.entries(choice)
    .map(([key, value]) => `--${key} ${value}`)
    .join(' ');
}

export type RecordWriter = RowWriter<RecordSet>;

/**
 * Names that exist without a record need one in a zone file only; the other forms show what is answered.
 */
export function recordWriter(output: RecordOutput): RecordWriter {
  if (output === 'zone') return { add: (sets) => [...zoneLines(sets)].join(''), end: () => '' };
  const writer = ANSWERED_WRITERS[output]();
  return {
    add: (sets) => writer.add(sets.filter((set) => set.type !== PLACEHOLDER_TYPE)),
    end: () => writer.end(),
  };
}

const ANSWERED_WRITERS: Readonly<Record<Exclude<RecordOutput, 'zone'>, () => RecordWriter>> = {
  table() {
    const table = new LongTable(['NAME', 'TYPE', 'TTL', 'DATA'], COLUMN_WIDTHS);
    return { add: (sets) => table.add(sets.map(rowOf)), end: () => table.end() };
  },
  ...DATA_WRITERS,
};

function rowOf(set: RecordSet): readonly string[] {
  const mark = set.policy === undefined ? '' : ` (${set.policy})`;
  return [set.name, set.type, String(set.ttlSeconds), `${set.data.join(', ')}${mark}`];
}

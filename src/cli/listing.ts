/**
 * Owns how a listing is read, as the admin server writes it (admin/listing.ts): a line at a time, and only one that
 * has its end counts as whole. Connections are admin-client.ts.
 */

import type { ListingBegin, ListingEnd } from '../admin/listing.ts';
import { CommandError } from './environment.ts';

/** The state of what was listed: before its first row, and after its last. */
export interface ListingSerials {
  readonly begin: number;
  readonly end: number;
}

/** Characters of one row: an RRset fills a DNS message of 64 KiB at most, and octets are written as `\DDD`. */
const ROW_CHARACTERS_MAX = 1024 * 1024;

/**
 * The rows of a listing, as many at a time as have come.
 *
 * @param onEnd - called once the last row has been handed out
 * @throws CommandError when it is no listing, or has no end
 */
export async function* rowsOf<Row>(
  pieces: AsyncIterable<Uint8Array>,
  onEnd: (serials: ListingSerials) => void,
): AsyncGenerator<readonly Row[]> {
  let begin: ListingBegin | undefined;
  let rows = 0;
  for await (const lines of linesOf(pieces)) {
    const values = lines.map(parseLine);
    begin ??= values.shift() as ListingBegin | undefined;
    const end = endOf(values.at(-1));
    if (end !== undefined) values.pop();
    rows += values.length;
    if (values.length > 0) yield values as Row[];
    if (end !== undefined && end.rows === rows && begin !== undefined)
      return onEnd({ begin: begin.serial, end: end.serial });
  }
  throw new CommandError(`the listing broke off after ${rows} rows`);
}

/**
 * The rows of a listing that goes on, as they come. Empty lines say that there is none for the moment.
 *
 * @throws CommandError when it is no listing, or has ended: the server goes, or this reader was too slow
 */
export async function* followedRows<Row>(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Row[]> {
  let isBegun = false;
  for await (const lines of linesOf(pieces)) {
    const values = lines.filter((line) => line !== '').map(parseLine);
    if (!isBegun) values.shift();
    isBegun = true;
    const rows = endOf(values.at(-1)) === undefined ? values : values.slice(0, -1);
    if (rows.length > 0) yield rows as Row[];
  }
  throw new CommandError('the server has ended the listing');
}

/** Complete lines, as many at a time as have come. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (rest.length > ROW_CHARACTERS_MAX) throw new CommandError('the listing has a row that does not end');
    if (lines.length > 0) yield lines;
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError('the listing has a row that is no JSON');
  }
}

function endOf(value: unknown): ListingEnd | undefined {
  return typeof value === 'object' && value !== null && 'end' in value ? (value as ListingEnd) : undefined;
}

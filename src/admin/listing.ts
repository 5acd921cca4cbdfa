/**
 * Owns how something long is read out: rows in, slices of text out, each small enough to be built between two looks at
 * the event loop. Nothing of a listing is kept, neither here nor by the reader; what is sent where is reply.ts.
 *
 * A listing is read while changes go on. Each row is whole; two rows may show two states. The serial at the begin and
 * the one at the end tell: where they are equal, the listing is one state.
 */

/** Something long that can be read out once. */
export interface Listing<Row> {
  /** What is listed, as the begin and the end of the listing call it. */
  readonly of: string;
  /** Steps of bounded cost; undefined is a step that found nothing to list. */
  readonly rows: Iterable<Row | undefined>;
  /** The serial of what is listed, as it is at the moment. */
  readonly serial: () => number;
}

/** The first line of a listing as NDJSON. */
export interface ListingBegin {
  readonly begin: string;
  readonly serial: number;
}

/** The last line of a listing as NDJSON; without it the listing was cut off. */
export interface ListingEnd {
  readonly end: string;
  readonly serial: number;
  readonly rows: number;
}

/** A way to write a listing down. */
export interface ListingForm {
  readonly mediaType: string;
  begin(of: string, serial: number): string;
  row(row: unknown, index: number): string;
  end(of: string, serial: number, rows: number): string;
}

/** One JSON list, an element a line. */
export const JSON_LIST: ListingForm = {
  mediaType: 'application/json',
  begin: () => '[',
  row: (row, index) => `${index === 0 ? '' : ','}\n${JSON.stringify(row)}`,
  end: () => '\n]\n',
};

/** A JSON document a line: {@link ListingBegin}, the rows, {@link ListingEnd}. */
export const NDJSON: ListingForm = {
  mediaType: 'application/x-ndjson',
  begin: (of, serial) => `${JSON.stringify({ begin: of, serial } satisfies ListingBegin)}\n`,
  row: (row) => `${JSON.stringify(row)}\n`,
  end: (of, serial, rows) => `${JSON.stringify({ end: of, serial, rows } satisfies ListingEnd)}\n`,
};

/** Characters of a slice, about: what a socket takes at once. */
const SLICE_CHARACTERS = 32 * 1024;
/** Steps of a slice, also of those that list nothing: about two milliseconds of work. */
const SLICE_STEPS = 256;

/** The text of a listing, slice by slice; empty where {@link SLICE_STEPS} steps had nothing to list. */
export function* slicesOf<Row>(listing: Listing<Row>, form: ListingForm): Generator<string> {
  let slice = form.begin(listing.of, listing.serial());
  let count = 0;
  let steps = 0;
  for (const row of listing.rows) {
    if (row !== undefined) slice += form.row(row, count++);
    if (++steps < SLICE_STEPS && slice.length < SLICE_CHARACTERS) continue;
    yield slice;
    slice = '';
    steps = 0;
  }
  yield slice + form.end(listing.of, listing.serial(), count);
}

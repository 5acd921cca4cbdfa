/** Owns plain tables for the terminal: columns as wide as their widest cell. */

/** Spaces between columns. */
const GAP = 3;

/**
 * Rows under a head; every line ends in a line feed, none in a space.
 *
 * @param widths - least width of each column, gap included
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[] = [],
): string {
  const shown = rows.map((row) => row.map(printable));
  const columns = head.map((_, column) => widthOf(column, head, shown, widths));
  return [head, ...shown].map((row) => `${formatRow(row, columns)}\n`).join('');
}

/** Control characters, and those that turn the direction of what follows. */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** What others wrote, such as the reason of a drain, stays in its cell and must not steer the terminal. */
export function printable(cell: string): string {
  return cell.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Rows that are seen before the first is printed: a listing of a small domain is a table like any other. */
const ROWS_SEEN = 1000;

/** A table of any length: columns are as wide as the widest cell so far, from the first thousand rows on. */
export class LongTable {
  readonly #head: readonly string[];
  #widths: number[];
  /** Rows held back until the widths are known; undefined after that. */
  #held: (readonly string[])[] | undefined = [];

  /** @param widths - least width of each column, gap included */
  constructor(head: readonly string[], widths: readonly number[] = []) {
    this.#head = head;
    this.#widths = head.map((_, column) => widthOf(column, head, [], widths));
  }

  /** @returns what can be printed by now */
  add(rows: readonly (readonly string[])[]): string {
    const shown = rows.map((row) => row.map(printable));
    this.#widths = this.#head.map((_, column) => widthOf(column, this.#head, shown, this.#widths));
    if (this.#held === undefined) return this.#format(shown);
    for (const row of shown) this.#held.push(row);
    return this.#held.length < ROWS_SEEN ? '' : this.end();
  }

  /** @returns what is left */
  end(): string {
    if (this.#held === undefined) return '';
    const rows = [this.#head, ...this.#held];
    this.#held = undefined;
    return this.#format(rows);
  }

  #format(rows: readonly (readonly string[])[]): string {
    return rows.map((row) => `${formatRow(row, this.#widths)}\n`).join('');
  }
}

function widthOf(
  column: number,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): number {
  let width = head[column]!.length;
  for (const row of rows) width = Math.max(width, row[column]!.length);
  return Math.max(width + GAP, widths[column] ?? 0);
}

function formatRow(row: readonly string[], columns: readonly number[]): string {
  return row
    .map((cell, column) => cell.padEnd(columns[column]!))
    .join('')
    .trimEnd();
}

/** A span of time as kubectl shows it: `45s`, `12m`, `3h`, `10d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Owns how rows are written as JSON, as NDJSON and as YAML, piece by piece, so that a listing may be longer than any memory. */

import { JSON_LIST } from '../admin/listing.ts';
import { formatYaml } from './output.ts';

/** Writes rows piece by piece. */
export interface RowWriter<Row> {
  add(rows: readonly Row[]): string;
  end(): string;
}

/** Rows as data. */
export const DATA_WRITERS = { json: jsonWriter, ndjson: ndjsonWriter, yaml: yamlWriter } as const;

function jsonWriter<Row>(): RowWriter<Row> {
  let [text, count] = [JSON_LIST.begin('', 0), 0];
  return {
    add(rows) {
      for (const row of rows) text += JSON_LIST.row(row, count++);
      const piece = text;
      text = '';
      return piece;
    },
    end: () => text + JSON_LIST.end('', 0, count),
  };
}

function ndjsonWriter<Row>(): RowWriter<Row> {
  return { add: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(''), end: () => '' };
}

function yamlWriter<Row>(): RowWriter<Row> {
  let isEmpty = true;
  return {
    add(rows) {
      if (rows.length > 0) isEmpty = false;
      return rows.length === 0 ? '' : formatYaml(rows);
    },
    end: () => (isEmpty ? formatYaml([]) : ''),
  };
}

/** Owns the examples of dig in the documents: `$ dig …` and what it printed, run again and compared. */

import { spawnSync } from 'node:child_process';
import { untapped } from '../process/serving.ts';
import { blocksOf } from './markdown.ts';

/** An example as it stands in a block of code. */
export interface DigExample {
  readonly options: readonly string[];
  /** The records that the document shows, one a line. */
  readonly records: readonly string[];
}

const EXAMPLE = /^\$ dig (.*)\n((?:[^$\n].*\n)*)/gm;

/** The examples in the blocks of a page, or of a part of one. */
export function digExamples(markdown: string): DigExample[] {
  return blocksOf(markdown).flatMap(({ text }) =>
    [...text.matchAll(EXAMPLE)].map(([, options = '', output = '']) => ({
      options: options.split(' '),
      records: recordsOf(output),
    })),
  );
}

/** What dig says now, asked at another port than the document's; comparable with the example's records. */
export function digAgain({ options }: DigExample, port: number): string[] {
  const args = options.with(options.indexOf('-p') + 1, String(port));
  return recordsOf(spawnSync(...untapped('dig', args), { encoding: 'utf8' }).stdout);
}

/** Without what differs from reply to reply: blanks, the order of records, the serial. */
function recordsOf(output: string): string[] {
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  return lines
    .map((line) => line.replaceAll(/\s+/g, ' ').replace(/( SOA \S+ \S+) \d+/, '$1 SERIAL'))
    .toSorted();
}

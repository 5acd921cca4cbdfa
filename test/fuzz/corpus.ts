/**
 * The inputs that are kept in corpus.txt, one a line in hex: those that once were answered wrongly, with a note behind
 * `#`, and for every kind of reply the shortest query that was seen to lead to it.
 */
import { readFileSync } from 'node:fs';
import { decodeStrictly } from './strict-decoder.ts';

export const CORPUS_FILE = new URL('./corpus.txt', import.meta.url);

/** Reads the inputs, each with its note. */
export function readCorpus(): { query: Buffer; note: string }[] {
  const lines = readFileSync(CORPUS_FILE, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [hex = '', note = ''] = line.split('#');
      return { query: Buffer.from(hex.trim(), 'hex'), note: note.trim() };
    });
}

/** What kind a reply is of: queries that lead to the same are likely to have taken the same way. */
export function kindOf(reply: Buffer | undefined): string {
  if (!reply) return 'none';
  const { flags, rcode, question, answers, authorities, additionals, opt } = decodeStrictly(reply);
  const sections = [answers, authorities, additionals].map((section) => section[0]?.type);
  const codes = opt?.options.map(({ code }) => code) ?? [];
  // AA and TC; of the options how many, and each alone.
  const options = codes.length > 1 ? codes.length : codes;
  return JSON.stringify([
    flags & 0x0600,
    rcode,
    question !== undefined,
    sections,
    opt !== undefined,
    options,
  ]);
}

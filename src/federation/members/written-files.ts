/** Files that commands write for people: never over what is another's, and whole or not at all. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import { FederationError } from './federation-error.ts';

export interface WrittenFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** @throws FederationError `FILE_EXISTS` before any is written */
export async function placeFiles(files: readonly WrittenFile[], say: (line: string) => void): Promise<void> {
  const before = await Promise.all(files.map(({ path }) => readFile(path, 'utf8').catch(absent)));
  for (const [i, { path, text }] of files.entries()) {
    if (before[i] !== undefined && before[i] !== text)
      throw new FederationError(
        'FILE_EXISTS',
        `${path} is there already, and says something else: move it away first`,
      );
  }
  for (const [i, file] of files.entries()) {
    if (before[i] === undefined) await place(file);
    say(`${file.path} ${before[i] === undefined ? 'written' : 'is there'}`);
  }
}

/** Aside, then renamed: nobody reads half of it. */
async function place({ path, text, mode }: WrittenFile): Promise<void> {
  const aside = `${path}.new`;
  await writeFile(aside, text, { mode });
  await rename(aside, path);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Owns the replacement of a file as a whole: a reader, and a process that starts after a crash, sees the old content
 * or the new one and never a part. What is written is the caller's.
 */

import { open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { STATE_FILE_MODE, writeError } from './layout.ts';

/**
 * Writes `chunks` beside `path`, forces them to the disk and renames the file into place.
 * Between chunks other work goes on, so a long content should come in many of them.
 *
 * @throws StateError naming the path and the reason, and whatever `chunks` throw; the old file then still stands
 */
export async function replaceFile(
  path: string,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const aside = `${path}.${process.pid}.new`;
  try {
    const file = await open(aside, 'w', STATE_FILE_MODE);
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await unlink(aside).catch(ignore);
    throw error instanceof Error && 'syscall' in error ? writeError(path, error) : error;
  }
  await syncDirectory(dirname(path));
}

/** The rename itself lasts only once the folder is on the disk; where folders cannot be synced it is not needed. */
async function syncDirectory(directory: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(directory, 'r');
    await handle.sync();
  } catch {
    // Some file systems refuse to sync a folder. The content is safe, only the rename may be lost with the power.
  } finally {
    await handle?.close();
  }
}

function ignore(): void {
  // The file aside may never have come to be.
}

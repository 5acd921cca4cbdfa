/**
 * Owns the removal of what a crash, or a full disk, has left beside the files of the state folder: those that were being written
 * aside, named after the process that did. Only for whoever holds the folder.
 */

import { readdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { StateLayout } from './layout.ts';

/** `snapshot.ndjson.4711.new`; `lock.4711.stale` is a claim on its way out. */
const ASIDE = /^(.+)\.[0-9]+\.(?:new|stale)$/;

/**
 * Removes left-over files. What cannot be removed stays: it costs room and nothing else.
 *
 * @returns the names of those that are gone
 */
export async function removeLeftovers(layout: StateLayout): Promise<readonly string[]> {
  const { lock, serial, snapshot, adminToken, drains, drills, plans } = layout;
  const files = [lock, serial, snapshot, adminToken, drains, drills, plans];
  const ours = new Set(files.map((path) => basename(path)));
  const removed: string[] = [];
  for (const name of await namesIn(layout.directory)) {
    const owner = ASIDE.exec(name)?.[1];
    if (owner !== undefined && ours.has(owner) && (await isRemoved(join(layout.directory, name))))
      removed.push(name);
  }
  return removed;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}

async function isRemoved(path: string): Promise<boolean> {
  return unlink(path).then(
    () => true,
    () => false,
  );
}

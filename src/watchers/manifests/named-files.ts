/**
 * Which manifest files a notice of the file system is about, so that one change in a folder of thousands costs one look.
 * Owns when the names do not tell enough: then everything is listed.
 */

import { basename, dirname, sep } from 'node:path';
import type { FileState } from './file-state.ts';
import { describePath, isManifestName, type ManifestFile } from './manifest-files.ts';

/** Named paths above which listing is as cheap. */
const NAMED_MAX = 5_000;

/**
 * @param paths - paths that changed
 * @param root - the cluster's manifest path, a file or a folder
 * @param known - the files known, by name
 * @param folders - the folders known
 * @returns the files that are to be read again, or undefined where only a listing can tell
 */
export async function namedFiles(
  paths: ReadonlySet<string>,
  root: string,
  known: ReadonlyMap<string, FileState>,
  folders: readonly string[],
): Promise<readonly ManifestFile[] | undefined> {
  if (paths.size > NAMED_MAX) return undefined;
  const found = await Promise.all([...paths].map((path) => nameOne(path, root, known, folders)));
  if (found.includes('unclear')) return undefined;
  return found.filter((file) => typeof file === 'object');
}

async function nameOne(
  path: string,
  root: string,
  known: ReadonlyMap<string, FileState>,
  folders: readonly string[],
): Promise<ManifestFile | 'other' | 'unclear'> {
  const name = nameWithin(path, root);
  const isKnown = name !== undefined && known.has(name);
  // In the folder of a single file others are nobody's business, but a link beside it may have been turned.
  const isOurs = isKnown || (name !== undefined && path !== root && isManifestName(basename(path)));
  const seen = await describePath(path);
  if (isOurs && seen.kind === 'file') return { name: name!, path, signature: seen.signature };
  if (isOurs) return seen.kind === 'gone' && !isKnown ? 'other' : 'unclear';
  // A folder, a link to one such as the `..data` of a ConfigMap, or a watched folder itself.
  if (seen.kind === 'folder' || folders.includes(path)) return 'unclear';
  return basename(path) === basename(dirname(path)) ? 'unclear' : 'other';
}

/** @returns undefined for a path that is not within the root */
function nameWithin(path: string, root: string): string | undefined {
  if (path === root) return basename(root);
  return path.startsWith(root + sep)
    ? path
        .slice(root.length + 1)
        .split(sep)
        .join('/')
    : undefined;
}

/**
 * The files of a manifest path: which there are, whether one changed, and what it holds. Owns the file system;
 * reports trouble as values.
 */

import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file that may hold manifests. */
export interface ManifestFile {
  /** Name within the folder, by which the operator knows it. */
  readonly name: string;
  readonly path: string;
  /** Differs whenever the file was written or replaced, as far as the file system can tell. */
  readonly signature: string;
}

export type FileListing =
  | {
      readonly ok: true;
      readonly files: readonly ManifestFile[];
      /** The folder to watch for changes. */
      readonly folder: string;
      /** Files left out because there are too many. */
      readonly leftOut: number;
    }
  | { readonly ok: false; readonly message: string };

export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  /** Gone since it was listed, or being written: what there was stands until the next look. */
  | { readonly kind: 'inMotion' }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string };

/** Files of one cluster. */
const FILES_MAX = 10_000;
/** Octets of one file: all objects of a large cluster as JSON; more would stall the control plane while parsing. */
const FILE_OCTETS_MAX = 64 * 1024 * 1024;

/**
 * Lists the manifest files of a path in the order in which they count: a file itself, or the `.yaml`, `.yml` and
 * `.json` files of a folder, sorted by name. Subfolders and names that start with a dot are left out; the latter is
 * what makes a mounted ConfigMap work, whose files are links through `..data` into a `..timestamp` folder.
 */
export async function listManifestFiles(path: string): Promise<FileListing> {
  try {
    const stats = await stat(path);
    if (!stats.isDirectory() && !stats.isFile()) {
      return { ok: false, message: `${path} is neither a file nor a folder` };
    }
    if (stats.isFile()) {
      const file = { name: basename(path), path, signature: signatureOf(stats) };
      return { ok: true, files: [file], folder: dirname(path), leftOut: 0 };
    }
    const names = (await readdir(path)).filter(isManifestName).toSorted();
    const files = await Promise.all(names.slice(0, FILES_MAX).map((name) => describeFile(path, name)));
    const found = files.filter((file) => file !== undefined);
    return { ok: true, files: found, folder: path, leftOut: Math.max(0, names.length - FILES_MAX) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/** Reads a file of at most FILE_OCTETS_MAX. */
export async function readManifestFile(path: string): Promise<FileText> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const before = await handle.stat();
    if (before.size > FILE_OCTETS_MAX) return tooLarge(before.size);
    const octets = await handle.readFile();
    if (signatureOf(await handle.stat()) !== signatureOf(before)) return { kind: 'inMotion' };
    return { kind: 'text', text: octets.toString('utf8').replace(/^\uFEFF/, '') };
  } catch (error) {
    if (isMissing(error)) return { kind: 'inMotion' };
    return { kind: 'fault', code: 'FILE_UNREADABLE', message: messageOf(error) };
  } finally {
    await handle?.close();
  }
}

function isManifestName(name: string): boolean {
  return !name.startsWith('.') && /\.(?:ya?ml|json)$/i.test(name);
}

/** @returns undefined for what is no file, or has gone since the folder was read */
async function describeFile(folder: string, name: string): Promise<ManifestFile | undefined> {
  const path = join(folder, name);
  try {
    const stats = await stat(path);
    return stats.isFile() ? { name, path, signature: signatureOf(stats) } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    // Listed, but not to be looked at: reading it will say why.
    return { name, path, signature: messageOf(error) };
  }
}

function signatureOf(stats: {
  dev: number;
  ino: number;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
}): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' ');
}

function tooLarge(octets: number): FileText {
  const message = `the file has ${octets} octets, the limit is ${FILE_OCTETS_MAX}`;
  return { kind: 'fault', code: 'FILE_TOO_LARGE', message };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

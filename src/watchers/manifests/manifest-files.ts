/**
 * The files of a manifest path: which there are, whether one changed, and what it holds. Owns the file system;
 * reports trouble as values.
 */

import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { decodeManifest } from './manifest-text.ts';

/** A file that may hold manifests. */
export interface ManifestFile {
  /** Name within the folder, by which the operator knows it: `nginx.yaml`, `shop/nginx.yaml`. */
  readonly name: string;
  readonly path: string;
  /** Differs whenever the file was written or replaced, as far as the file system can tell. */
  readonly signature: string;
}

export interface FoundFiles {
  readonly ok: true;
  /** In the order in which they count. */
  readonly files: readonly ManifestFile[];
  /** The folders to watch for changes. */
  readonly folders: readonly string[];
  /** Files left out because there are too many, or lie too deep. */
  readonly leftOut: number;
  /** Files whose names are not those of manifests. */
  readonly otherNames: readonly string[];
}

export type FileListing = FoundFiles | { readonly ok: false; readonly message: string };

export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  /** Gone since it was listed, or being written: what there was stands until the next look. */
  | { readonly kind: 'inMotion' }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string };

/** Files of one cluster. */
const FILES_MAX = 10_000;
/** Folders of one cluster, and how deep they lie: more than anyone sorts manifests by, and an end for links in circles. */
const FOLDERS_MAX = 1_000;
const DEPTH_MAX = 8;
/** Octets of one file: all objects of a large cluster as JSON; more would stall the control plane while parsing. */
const FILE_OCTETS_MAX = 64 * 1024 * 1024;
/** Other names that are remembered, to be told. */
const OTHER_NAMES_MAX = 100;

/**
 * Lists the manifest files of a path in the order in which they count: a file itself, or the `.yaml`, `.yml` and
 * `.json` files of a folder and the folders in it, sorted by name. Names that start with a dot are left out, which is
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
      return { ok: true, files: [file], folders: [dirname(path)], leftOut: 0, otherNames: [] };
    }
    const walk: Walk = { files: [], folders: [], seen: new Set([idOf(stats)]), otherNames: [], leftOut: 0 };
    await walkFolder(walk, path, '', 0);
    return { ok: true, ...walk, files: walk.files.toSorted((a, b) => compareNames(a.name, b.name)) };
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
    const decoded = decodeManifest(octets);
    if (!decoded.ok) return { kind: 'fault', code: 'FILE_FOREIGN', message: decoded.message };
    return { kind: 'text', text: decoded.text };
  } catch (error) {
    if (isMissing(error)) return { kind: 'inMotion' };
    return { kind: 'fault', code: 'FILE_UNREADABLE', message: messageOf(error) };
  } finally {
    await handle?.close();
  }
}

/** Looks at one path that was noticed. */
export async function describePath(
  path: string,
): Promise<
  { readonly kind: 'file'; readonly signature: string } | { readonly kind: 'folder' | 'gone' | 'other' }
> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return { kind: 'file', signature: signatureOf(stats) };
    return { kind: stats.isDirectory() ? 'folder' : 'other' };
  } catch {
    return { kind: 'gone' };
  }
}

/** Whether a file of this name holds manifests. */
export function isManifestName(name: string): boolean {
  return !name.startsWith('.') && /\.(?:ya?ml|json)$/i.test(name);
}

/** The order in which files count. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

interface Walk {
  readonly files: ManifestFile[];
  readonly folders: string[];
  /** Folders that were walked, by device and inode: links may lead back. */
  readonly seen: Set<string>;
  readonly otherNames: string[];
  leftOut: number;
}

async function walkFolder(walk: Walk, folder: string, prefix: string, depth: number): Promise<void> {
  walk.folders.push(folder);
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  const entries = await Promise.all(names.map((name) => describeEntry(folder, name)));
  for (const [i, entry] of entries.entries()) {
    if (entry === undefined) continue;
    const name = prefix + names[i]!;
    if (entry.stats?.isDirectory() === true) await walkInto(walk, entry, name, depth);
    else if (entry.stats?.isFile() !== false) addFile(walk, entry, name);
  }
}

interface Entry {
  readonly path: string;
  /** Undefined: listed, but not to be looked at. */
  readonly stats: Stats | undefined;
  readonly message: string;
}

async function walkInto(walk: Walk, { path, stats }: Entry, name: string, depth: number): Promise<void> {
  const id = idOf(stats!);
  if (walk.seen.has(id)) return;
  walk.seen.add(id);
  if (depth >= DEPTH_MAX || walk.folders.length >= FOLDERS_MAX) walk.leftOut++;
  else await walkFolder(walk, path, `${name}/`, depth + 1);
}

function addFile(walk: Walk, { path, stats, message }: Entry, name: string): void {
  if (!isManifestName(basename(path))) {
    if (stats !== undefined && walk.otherNames.length < OTHER_NAMES_MAX) walk.otherNames.push(name);
  } else if (walk.files.length >= FILES_MAX) walk.leftOut++;
  else walk.files.push({ name, path, signature: stats === undefined ? message : signatureOf(stats) });
}

/** @returns undefined for what has gone since the folder was read */
async function describeEntry(folder: string, name: string): Promise<Entry | undefined> {
  const path = join(folder, name);
  try {
    return { path, stats: await stat(path), message: '' };
  } catch (error) {
    if (isMissing(error)) return undefined;
    // Listed, but not to be looked at: reading it will say why.
    return { path, stats: undefined, message: messageOf(error) };
  }
}

function idOf({ dev, ino }: Stats): string {
  return `${dev} ${ino}`;
}

function signatureOf(stats: Stats): string {
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

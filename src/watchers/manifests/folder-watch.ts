/**
 * Tells when something in a cluster's folders may have changed. Owns the watchers and the timers: quick notice from the
 * file system where it gives one, polling where it does not (network file systems, a replaced mount), and one call for
 * a burst of events.
 */

import { statSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

/** Quiet time after the last event, so that a file being written is read once and whole. */
const QUIET_MS = 100;
/** A folder that never becomes quiet is looked at after this time all the same. */
const QUIET_MAX_MS = 1000;
/** Folders of one cluster that are watched; changes in others are found by polling. */
const WATCHED_MAX = 256;

/** How much there is to look at: the named paths, the list of files with their times, or everything. */
export const SCOPES = ['named', 'list', 'read'] as const;

/** What the file system told, or that it is only time to look. */
export interface Notice {
  /** Paths that changed, whatever their times say. */
  readonly paths: ReadonlySet<string>;
  readonly scope: (typeof SCOPES)[number];
}

interface Watched {
  readonly inode: string | undefined;
  readonly watcher: FSWatcher;
}

export class FolderWatch {
  readonly #onChange: (notice: Notice) => void;
  readonly #pollMs: number;
  readonly #watched = new Map<string, Watched>();
  #paths = new Set<string>();
  #scope: Notice['scope'] = 'named';
  #poll: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: { readonly pollMs: number; readonly onChange: (notice: Notice) => void }) {
    this.#pollMs = options.pollMs;
    this.#onChange = options.onChange;
  }

  /** Whether something was noticed that has not been reported yet. */
  get isInMotion(): boolean {
    return this.#deadline !== undefined;
  }

  start(): void {
    this.#poll ??= setInterval(
      () => this.#onChange({ paths: new Set(), scope: 'list' }),
      this.#pollMs,
    ).unref();
  }

  stop(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
    this.#settle();
    for (const folder of this.#watched.keys()) this.#unwatch(folder);
  }

  /** Watches these folders from now on; called after each look, because a folder can be replaced by another. */
  follow(folders: readonly string[]): void {
    if (this.#poll === undefined) return;
    const wanted = new Set(folders.slice(0, WATCHED_MAX));
    for (const folder of this.#watched.keys()) if (!wanted.has(folder)) this.#unwatch(folder);
    for (const folder of wanted) this.#follow(folder);
  }

  /** Something is known to be in motion: looks again soon. */
  lookSoon(path: string): void {
    this.#notice(path);
  }

  #follow(folder: string): void {
    const inode = inodeOf(folder);
    const known = this.#watched.get(folder);
    if (known !== undefined && known.inode === inode) return;
    this.#unwatch(folder);
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) =>
        this.#notice(name === null ? undefined : join(folder, name)),
      );
      watcher.on('error', () => this.#unwatch(folder));
      this.#watched.set(folder, { inode, watcher });
    } catch {
      // Out of watches, or the folder has gone: the next poll tries again.
    }
  }

  #unwatch(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }

  #notice(path: string | undefined): void {
    if (path === undefined) this.#scope = 'read';
    else this.#paths.add(path);
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#report(), QUIET_MS).unref();
    this.#deadline ??= setTimeout(() => this.#report(), QUIET_MAX_MS).unref();
  }

  #report(): void {
    const notice = { paths: this.#paths, scope: this.#scope };
    this.#settle();
    this.#onChange(notice);
  }

  #settle(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#deadline);
    this.#paths = new Set();
    this.#scope = 'named';
    this.#quiet = undefined;
    this.#deadline = undefined;
  }
}

function inodeOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder);
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

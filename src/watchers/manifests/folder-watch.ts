/**
 * Tells when something in a folder may have changed. Owns the watcher and the timers: quick notice from the file
 * system where it gives one, polling where it does not (network file systems, a replaced mount), and one call for a
 * burst of events.
 */

import { statSync, watch, type FSWatcher } from 'node:fs';

/** Quiet time after the last event, so that a file being written is read once and whole. */
const QUIET_MS = 100;
/** A folder that never becomes quiet is looked at after this time all the same. */
const QUIET_MAX_MS = 1000;

export class FolderWatch {
  readonly #onChange: (noticed: boolean) => void;
  readonly #pollMs: number;
  #folder: string | undefined;
  #inode: string | undefined;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  /** @param onChange - `noticed`: the file system reported something; else it is only time to look */
  constructor(options: { readonly pollMs: number; readonly onChange: (noticed: boolean) => void }) {
    this.#pollMs = options.pollMs;
    this.#onChange = options.onChange;
  }

  start(): void {
    this.#poll ??= setInterval(() => this.#onChange(false), this.#pollMs).unref();
  }

  stop(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
    this.#settle();
    this.#unwatch();
  }

  /** Watches this folder from now on; called after each look, because a folder can be replaced by another. */
  follow(folder: string): void {
    const inode = inodeOf(folder);
    if (this.#poll === undefined || (this.#watcher && folder === this.#folder && inode === this.#inode))
      return;
    this.#unwatch();
    this.#folder = folder;
    this.#inode = inode;
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#notice());
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // Out of watches, or the folder has gone: the next poll tries again.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #notice(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#report(), QUIET_MS).unref();
    this.#deadline ??= setTimeout(() => this.#report(), QUIET_MAX_MS).unref();
  }

  #report(): void {
    this.#settle();
    this.#onChange(true);
  }

  #settle(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#deadline);
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

/**
 * Notices that databases have other content: by the folders that they are in, and at times of a calendar where a folder cannot be
 * watched. What is done about it is the caller's.
 */
import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Timer, Timers } from '../../timers.ts';

/** Quiet time before files are looked at, in milliseconds: a database is written for seconds. */
const SETTLE_MS = 2000;

/** What tells a file's content from another without reading it; empty: it cannot be read. */
export async function fingerprintOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [ino, size, mtimeMs, ctimeMs].join();
  } catch {
    return '';
  }
}

export class DatabaseWatch {
  readonly #timers: Timers;
  readonly #onChange: () => void;
  readonly #watchers: FSWatcher[] = [];
  #timer: Timer | undefined;

  /** @param onChange - called when the files have been quiet for a while; they may be as they were */
  constructor(timers: Timers, onChange: () => void) {
    this.#timers = timers;
    this.#onChange = onChange;
  }

  /** Watches these files and no others. A folder that cannot be watched is left to the calendar. */
  follow(paths: readonly string[]): void {
    this.#end();
    for (const folder of new Set(paths.map((path) => dirname(path)))) {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#settle());
        watcher.on('error', () => watcher.close());
        this.#watchers.push(watcher);
      } catch {
        // The calendar looks there, too.
      }
    }
  }

  stop(): void {
    this.#end();
  }

  #settle(): void {
    this.#timer?.cancel();
    this.#timer = this.#timers.after(SETTLE_MS, this.#onChange);
  }

  #end(): void {
    this.#timer?.cancel();
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }
}

/**
 * Owns noticing that the configuration file has other content: written in place, renamed over, or exchanged by the
 * symbolic link of a mounted ConfigMap. What is done about it is the caller's.
 */

import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../log.ts';

/** Quiet time before the file is looked at, in milliseconds: an editor writes in several steps. */
const SETTLE_MS = 200;

/** What the watch compares by; undefined when the file cannot be read. */
export async function digestOf(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  } catch {
    return undefined;
  }
}

export class ConfigWatch {
  readonly #file: string;
  readonly #onChange: () => void;
  readonly #log: Log;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #digest: string | undefined;
  #comparing: Promise<void> = Promise.resolve();

  /** @param digest - of the content that is in force, taken before it was read */
  constructor(
    file: string,
    digest: string | undefined,
    options: { readonly onChange: () => void; readonly log: Log },
  ) {
    this.#file = file;
    this.#digest = digest;
    this.#onChange = options.onChange;
    this.#log = options.log;
  }

  /** Watches the folder, because a watch on the file itself ends with the file that is renamed away. */
  start(): void {
    try {
      this.#watcher = watch(dirname(this.#file), { persistent: false }, () => this.#settle());
      this.#watcher.on('error', (error) => this.#giveUp(error));
    } catch (error) {
      this.#giveUp(error as Error);
    }
    // The file may have changed since it was read.
    this.#settle();
  }

  stop(): void {
    this.#watcher?.close();
    clearTimeout(this.#timer);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#comparing = this.#comparing.then(() => this.#compare());
    }, SETTLE_MS);
    this.#timer.unref();
  }

  async #compare(): Promise<void> {
    const digest = await digestOf(this.#file);
    // A file that is missing is being replaced; its successor brings another event.
    if (digest === undefined || digest === this.#digest) return;
    this.#digest = digest;
    this.#onChange();
  }

  #giveUp(error: Error): void {
    this.#watcher?.close();
    this.#log.warn(
      { file: this.#file, reason: error.message },
      'changes are not noticed; send SIGHUP to reload',
    );
  }
}

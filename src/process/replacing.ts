/** Owns the wish to have this process replaced: one handover at a time, and what became of the newest. */

import { rm, writeFile } from 'node:fs/promises';
import type { Log } from '../log.ts';
import type { RunningServer } from '../serve/server.ts';
import { reasonOf } from '../state/layout.ts';
import { handOver, ownCommand, type Handover } from './predecessor.ts';

export interface ReplacingOptions {
  readonly server: RunningServer;
  readonly log: Log;
  /** Default: the command line of this process. */
  readonly command?: Handover['command'];
  /** Called when it came to nothing: what was put off meanwhile can be done. */
  readonly onFailure: () => void;
  /** The niceness of the threads that answer. */
  readonly nice: number;
}

export class Replacing {
  readonly #options: ReplacingOptions;
  readonly #abort = new AbortController();
  readonly #done = Promise.withResolvers<number>();
  #running: Promise<void> | undefined;

  constructor(options: ReplacingOptions) {
    this.#options = options;
  }

  /** Resolves with the process id of the one that answers now. */
  get done(): Promise<number> {
    return this.#done.promise;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Begins a handover, unless one is under way. */
  begin(): void {
    this.#running ??= this.#run();
  }

  /** Ends what is under way; resolves once nothing is. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { server, log, command = ownCommand(), nice, onFailure } = this.#options;
    const { succession } = server;
    const file = succession.outcomeFile;
    try {
      if (file !== undefined) await rm(file, { force: true });
      log.info({}, 'another process is to follow this one');
      // From here on this process never replaces anything again, so `running` stays set.
      this.#done.resolve(await handOver({ succession, log, command, nice, signal: this.#abort.signal }));
    } catch (error) {
      const reason = reasonOf(error);
      if (file !== undefined)
        await writeFile(file, `${JSON.stringify({ reason, atMs: Date.now() })}\n`).catch(() => undefined);
      log.error({ code: 'NOT_REPLACED', reason }, 'no other process follows, this one goes on');
      this.#running = undefined;
      onFailure();
    }
  }
}

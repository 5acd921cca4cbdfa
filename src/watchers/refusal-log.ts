/**
 * Tells the log what was refused of a cluster: once per object and reason, and not more than anyone reads. Owns the
 * bound; that a refusal is new is known to refusals.ts.
 */

import type { Clock, Log } from '../log.ts';
import type { Finding } from './refusals.ts';

/** Lines of one cluster within {@link WINDOW_MS}: a tool that writes a thousand bad objects says little more than one. */
const LINES_MAX = 20;
const WINDOW_MS = 60_000;

/** What is told because somebody may wonder, and is no fault. */
const NOTES: ReadonlySet<string> = new Set([
  'NAME_NOT_READ',
  'FILE_OF_OTHER_KINDS',
  'NAMESPACE_LIKE_FEDERATION',
]);

export class RefusalLog {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #clock: Clock;
  readonly #cluster: string;
  #windowMs = -Infinity;
  #lines = 0;

  constructor(options: {
    readonly log: Pick<Log, 'info' | 'warn'>;
    readonly clock: Clock;
    readonly cluster: string;
  }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#cluster = options.cluster;
  }

  readonly say = (object: string, { code, message }: Finding): void => {
    if (!this.#mayWrite()) return;
    const fields = { cluster: this.#cluster, object, code, reason: message };
    if (NOTES.has(code)) this.#log.info(fields, 'passed over');
    else this.#log.warn(fields, 'not taken');
  };

  #mayWrite(): boolean {
    const nowMs = this.#clock();
    // Also when the wall clock went back.
    if (Math.abs(nowMs - this.#windowMs) >= WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines++ === LINES_MAX) {
      const message = 'more was not taken than is logged within a minute: see fedns clusters -o wide';
      this.#log.warn({ cluster: this.#cluster }, message);
    }
    return this.#lines <= LINES_MAX;
  }
}

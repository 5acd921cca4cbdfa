/**
 * What the operator is told of watches that do not get through: once in the log, and in reports for as long as lists
 * take their place. Noticing it is left to watch-bar.ts.
 */

import type { Clock, Log } from '../../log.ts';
import type { Refusal } from '../source.ts';

export interface PolledOptions {
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

interface Polled {
  readonly reason: string;
  readonly sinceMs: number;
}

export class PolledKinds {
  readonly #options: PolledOptions;
  readonly #polled = new Map<string, Polled>();

  constructor(options: PolledOptions) {
    this.#options = options;
  }

  /** @param reason - why watches of the kind do not get through; undefined: they do */
  note(kind: string, reason: string | undefined): void {
    const { cluster, clock, log } = this.#options;
    const known = this.#polled.get(kind);
    if (reason === undefined) {
      if (this.#polled.delete(kind)) log.info({ cluster, kind }, 'a cluster is watched again');
      return;
    }
    if (known === undefined)
      log.warn({ cluster, kind, reason }, 'watches do not get through: the cluster is listed at an interval');
    this.#polled.set(kind, { reason, sinceMs: known?.sinceMs ?? clock() });
  }

  kinds(): string[] {
    return [...this.#polled.keys()];
  }

  refusals(): Refusal[] {
    return [...this.#polled].map(([kind, { reason, sinceMs }]) => ({
      code: 'WATCH_BARRED',
      object: `Cluster ${this.#options.cluster}`,
      message: `${kind}: watches do not get through (${reason}); lists at an interval take their place`,
      sinceMs,
    }));
  }
}

/** Counts what is imported into one cluster, by tool, and how that is told to the operator. */

import type { Clock } from '../../log.ts';
import type { Refusal } from '../source.ts';

export class ImportTally {
  readonly #clock: Clock;
  readonly #byTool = new Map<string, { slices: number; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param importer - undefined: the slice is the cluster's own and does not count here */
  count(importer: string | undefined, by: 1 | -1): void {
    if (importer === undefined) return;
    const known = this.#byTool.get(importer) ?? { slices: 0, sinceMs: this.#clock() };
    known.slices += by;
    if (known.slices === 0) this.#byTool.delete(importer);
    else this.#byTool.set(importer, known);
  }

  /** One line per tool: single slices would crowd out what is wrong. */
  refusals(cluster: string): Refusal[] {
    return [...this.#byTool].map(([tool, { slices, sinceMs }]) => ({
      code: 'SLICES_IMPORTED',
      object: `Cluster ${cluster}`,
      message: `${slices} EndpointSlices were brought from other clusters by ${tool}; they count where their Pods run`,
      sinceMs,
    }));
  }
}

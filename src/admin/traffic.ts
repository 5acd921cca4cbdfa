/**
 * Owns the short memory of what was answered and how long changes took: a sample a second, for the page and `fedns status`.
 * What lasts longer is a scraper's business (metrics.ts).
 */

import { Counter } from '../server/counters.ts';
import { sumCounters } from '../server/counters-sum.ts';

/** Time between two samples, in milliseconds. */
export const SAMPLE_MS = 1000;
/** Samples kept: five minutes show a turn, and are read at once. */
export const SAMPLES_MAX = 300;

/** RCODEs with a line of their own, and where each is counted; every other one is `other`. */
const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
export const SHOWN_RCODES: readonly string[] = [...Object.keys(RCODES), 'other'];
const RCODES_MAX = 24;

/** Upper bounds in seconds: the goal is 10 ms, the worst worth telling apart 10 s. The metric has the same. */
export const PROPAGATION_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 10,
];

/** One second, or as long as it took. */
export interface TrafficSample {
  /** End of the sample, in milliseconds since the epoch. */
  readonly atMs: number;
  /** Replies a second, in the order of {@link SHOWN_RCODES}. */
  readonly replies: readonly number[];
  /** Queries a second that got no reply. */
  readonly dropped: number;
  /** Changes that took effect, by {@link PROPAGATION_BOUNDS}; the last is beyond all of them. */
  readonly changes: readonly number[];
}

/** What `/api/v1/traffic` answers. */
export interface TrafficView {
  readonly rcodes: readonly string[];
  readonly boundsSeconds: readonly number[];
  /** The oldest first. */
  readonly samples: readonly TrafficSample[];
  /** Changes by their bounds since the start. */
  readonly changesSinceStart: readonly number[];
}

/** Takes samples and keeps the newest. */
export class TrafficMeter {
  readonly #blocks: () => readonly SharedArrayBuffer[];
  readonly #samples: TrafficSample[] = [];
  readonly #sinceStart = PROPAGATION_BOUNDS.map(() => 0).concat(0);
  #changes = PROPAGATION_BOUNDS.map(() => 0).concat(0);
  #before: { readonly atMs: number; readonly sums: Float64Array } | undefined;

  /** @param blocks - of the workers, see server/counters.ts */
  constructor(blocks: () => readonly SharedArrayBuffer[]) {
    this.#blocks = blocks;
  }

  /** A change took so long from its arrival to its first possible answer. */
  changed(seconds: number): void {
    const found = PROPAGATION_BOUNDS.findIndex((bound) => seconds <= bound);
    const bucket = found === -1 ? PROPAGATION_BOUNDS.length : found;
    this.#changes[bucket]!++;
    this.#sinceStart[bucket]!++;
  }

  /** Takes a sample of the time since the last. @returns undefined for the first, which has no time */
  sample(atMs: number): TrafficSample | undefined {
    const before = this.#before;
    const sums = sumCounters(this.#blocks());
    this.#before = { atMs, sums };
    // Where the wall clock stood still or went back there is no time to divide by.
    if (before === undefined || atMs <= before.atMs) return undefined;
    const sample = {
      atMs,
      ...ratesOf(before.sums, sums, (atMs - before.atMs) / 1000),
      changes: this.#changes,
    };
    this.#changes = this.#changes.map(() => 0);
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    return sample;
  }

  view(): TrafficView {
    return {
      rcodes: SHOWN_RCODES,
      boundsSeconds: PROPAGATION_BOUNDS,
      samples: this.#samples,
      changesSinceStart: this.#sinceStart,
    };
  }
}

function ratesOf(
  before: Float64Array,
  after: Float64Array,
  seconds: number,
): Pick<TrafficSample, 'replies' | 'dropped'> {
  // Counters of a data plane that is not there any more are not missed.
  const rate = (at: number): number => Math.max(0, after[at]! - before[at]!) / seconds;
  const shown = Object.values(RCODES).map((code) => rate(Counter.rcode + code));
  const all = Array.from({ length: RCODES_MAX }, (_, code) => rate(Counter.rcode + code));
  const other = sum(all) - sum(shown);
  const dropped = [Counter.droppedUnanswerable, Counter.droppedRateLimited, Counter.droppedSend].map(rate);
  return { replies: [...shown, other].map(round), dropped: round(sum(dropped)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** To a tenth: more digits cost octets and tell nobody anything. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}

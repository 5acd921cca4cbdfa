/**
 * The journal of differences: what IXFR is answered from (RFC 1995). Held in memory, bounded by octets, the oldest step goes first; a
 * secondary that is further behind gets the whole zone.
 */
import { octetsOf, unpackRecords } from './wire-record.ts';
import type { Difference } from './difference.ts';

/** From one version of the zone to the next. */
export interface Step extends Difference {
  readonly from: number;
  readonly to: number;
}

/** What a step takes beside its records, in octets, about: two SOA records and the entry itself. */
const STEP_OCTETS = 256;
/**
 * Octets of steps that are condensed into one (section 5): beyond, the work of it would keep other requests waiting, and the
 * secondary applies them one after the other.
 */
export const CONDENSED_OCTETS_MAX = 8 * 1024 * 1024;

export class DifferenceJournal {
  #octetsMax: number;
  #steps: Step[] = [];
  #octets = 0;

  constructor(octetsMax: number) {
    this.#octetsMax = octetsMax;
  }

  /** Octets held. */
  get octets(): number {
    return this.#octets;
  }

  get steps(): number {
    return this.#steps.length;
  }

  limit(octetsMax: number): void {
    this.#octetsMax = octetsMax;
    this.#shrink();
  }

  /** Adds the newest step; where it does not fit by itself, the journal begins behind it. */
  add(step: Step): void {
    this.#steps.push(step);
    this.#octets += stepOctets(step);
    this.#shrink();
  }

  /** The states before are not to be had any more. */
  clear(): void {
    this.#steps = [];
    this.#octets = 0;
  }

  /**
   * What leads from a version to the newest; condensed to one step where that is shorter. Undefined: that version is not known.
   */
  since(serial: number): readonly Step[] | undefined {
    const index = this.#steps.findIndex(({ from }) => from === serial);
    if (index === -1) return undefined;
    const steps = this.#steps.slice(index);
    if (steps.length === 1) return steps;
    const octets = sumOf(steps);
    if (octets > CONDENSED_OCTETS_MAX) return steps;
    const condensed = condense(steps);
    return stepOctets(condensed) < octets ? [condensed] : steps;
  }

  #shrink(): void {
    let first = 0;
    for (; this.#octets > this.#octetsMax; first++) this.#octets -= stepOctets(this.#steps[first]!);
    if (first > 0) this.#steps = this.#steps.slice(first);
  }
}

/** Octets that steps come to. */
export function sumOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + stepOctets(step), 0);
}

function stepOctets({ removed, added }: Step): number {
  return STEP_OCTETS + removed.length + added.length;
}

/** One step in place of several: what came and went again between is in neither list. */
export function condense(steps: readonly Step[]): Step {
  const removed = new Map<string, Buffer>();
  const added = new Map<string, Buffer>();
  for (const step of steps) {
    for (const octets of packedIn(step.removed)) move(octets, added, removed);
    for (const octets of packedIn(step.added)) move(octets, removed, added);
  }
  return {
    from: steps[0]!.from,
    to: steps.at(-1)!.to,
    removed: Buffer.concat([...removed.values()]),
    added: Buffer.concat([...added.values()]),
  };
}

/** A record that was on the other list was not there before, or is there again: it is on neither. */
function move(octets: Buffer, other: Map<string, Buffer>, own: Map<string, Buffer>): void {
  const key = octets.toString('latin1');
  if (!other.delete(key)) own.set(key, octets);
}

function* packedIn(records: Buffer): Generator<Buffer> {
  let at = 0;
  for (const record of unpackRecords(records)) {
    const end = at + octetsOf(record);
    yield records.subarray(at, end);
    at = end;
  }
}

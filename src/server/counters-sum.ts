/**
 * The counters of all workers in one: makes blocks and adds them up for the admin thread. The blocks belong to the
 * pool and not to a worker, so that what a dead worker has counted stays counted.
 */

import { COUNTER_BLOCK_OCTETS, COUNTERS_PER_WORKER } from './counters.ts';

/** A block of zeros for one worker. */
export function createCounterBlock(): SharedArrayBuffer {
  return new SharedArrayBuffer(COUNTER_BLOCK_OCTETS);
}

/** The sum of all blocks, position by position as `Counter` names them. */
export function sumCounters(blocks: readonly SharedArrayBuffer[]): Float64Array {
  const sum = new Float64Array(COUNTERS_PER_WORKER);
  for (const block of blocks) {
    const counters = new Float64Array(block);
    for (let i = 0; i < COUNTERS_PER_WORKER; i++) sum[i]! += counters[i]!;
  }
  return sum;
}

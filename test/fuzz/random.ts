/** Random numbers that a seed repeats, so that a failing run can be run again. */

/** An integer from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** Mulberry32: fast, and random enough to build packets with. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

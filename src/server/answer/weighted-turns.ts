/**
 * Whose turn it is among the weighted places of a Service: one worker's counters. As many replies as the weights add up to are
 * one round, in which each place comes as often as its weight says. Every round begins anywhere, so that no client that
 * asks in step with others gets one place for ever.
 *
 * A, AAAA and everything else have rounds of their own: clients ask for both families in turn, and would each see half of the
 * places.
 */
import { TURNS_MAX } from '../../zonebuilder/layout.ts';

/** Rounds of each Service. */
export const Round = { a: 0, aaaa: 1, other: 2 } as const;
const ROUNDS = 4;

export class WeightedTurns {
  /** Two words each: the unit that was taken last, and how many replies are left of the round. */
  readonly #words = new Uint32Array(TURNS_MAX * ROUNDS * 2);
  #random: number;

  /** @param seed - differs from worker to worker, so that they are not in step */
  constructor(seed: number) {
    this.#random = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }

  /**
   * Takes the next unit of weight.
   *
   * @param turn - below TURNS_MAX
   * @param sum - of the weights; other weights begin a new round
   * @param stride - without a divisor in common with the sum
   * @returns 0 to `sum - 1`
   */
  next(turn: number, round: number, sum: number, stride: number): number {
    const at = (turn * ROUNDS + round) * 2;
    const words = this.#words;
    const left = words[at + 1]!;
    if (left === 0 || left >= sum || words[at]! >= sum) {
      words[at] = this.#draw(sum);
      words[at + 1] = sum - 1;
    } else {
      words[at] = (words[at]! + stride) % sum;
      words[at + 1] = left - 1;
    }
    return words[at]!;
  }

  /** Any unit (xorshift32). */
  #draw(sum: number): number {
    let bits = this.#random;
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    this.#random = bits;
    return Math.floor(((bits >>> 0) / 0x1_0000_0000) * sum);
  }
}

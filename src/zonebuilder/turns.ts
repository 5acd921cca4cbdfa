/**
 * Numbers of weighted Services: a reader counts the replies of each by itself, so that the weights come out exactly. A number
 * that is given back is used again.
 */
import { TURNS_MAX } from './layout.ts';

export class Turns {
  readonly #numbers = new Map<string, number>();
  readonly #free: number[] = [];
  #next = 0;

  /** The number of a Service that is weighted; one that is not gives its number back. Below {@link TURNS_MAX}. */
  of(service: string, isWeighted: boolean): number {
    const known = this.#numbers.get(service);
    if (isWeighted) return (known ?? this.#take(service)) % TURNS_MAX;
    if (known === undefined) return 0;
    this.#numbers.delete(service);
    this.#free.push(known);
    return 0;
  }

  #take(service: string): number {
    const number = this.#free.pop() ?? this.#next++;
    this.#numbers.set(service, number);
    return number;
  }
}

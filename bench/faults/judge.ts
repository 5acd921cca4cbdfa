/**
 * Owns what is right: the answers that a name may have at a time, a load of good queries, and a verdict on every reply. A reply is
 * wrong where it has an address that was not right at any time between the query, less the allowance of the fault, and the reply, or
 * lacks one that was right all that time.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { makeQuery, readMessage } from '../../test/support/message.ts';

/** Milliseconds from one query to the next: a load that no machine loses for want of time. */
const QUERY_MS = 4;
/** Time after the end in which replies still come, in milliseconds. */
const LOST_MS = 10_000;
/** Wrong replies that are shown; all are counted. */
const SHOWN_MAX = 3;

/** An answer that was right: its addresses, sorted and joined, or an RCODE. */
interface Truth {
  readonly answer: string;
  readonly fromMs: number;
  untilMs: number;
}

interface Query {
  readonly name: string;
  readonly sentMs: number;
}

/** What came of the load. */
export interface Tally {
  readonly asked: number;
  readonly wrong: number;
  readonly lost: number;
  /** Some of the wrong ones, in a line each. */
  readonly shown: readonly string[];
}

export class Judge {
  readonly #socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  readonly #port: number;
  readonly #truths = new Map<string, Truth[]>();
  readonly #open = new Map<number, Query>();
  readonly #newest = new Map<string, string>();
  readonly #watchers = new Set<() => void>();
  readonly #shown: string[] = [];
  #allowanceMs: number;
  #names: string[] = [];
  #next = 0;
  #wrong = 0;
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param allowanceMs - how long an answer may be given that was right before */
  constructor(port: number, allowanceMs: number) {
    this.#port = port;
    this.#allowanceMs = allowanceMs;
    this.#socket.on('message', (reply) => this.#take(reply));
    this.#socket.on('error', () => {});
  }

  /** Says what is right from now on; what was right before stays so for the allowance. */
  expect(name: string, answer: readonly string[]): void {
    const nowMs = performance.now();
    const truths = this.#truths.get(name) ?? [];
    for (const truth of truths) truth.untilMs = Math.min(truth.untilMs, nowMs);
    truths.push({ answer: answer.toSorted().join(' '), fromMs: nowMs, untilMs: Infinity });
    this.#truths.set(name, truths);
    this.#names = [...this.#truths.keys()];
  }

  begin(): void {
    this.#timer = setInterval(() => this.#ask(), QUERY_MS);
  }

  /** Resolves when the name is answered so; how long that took, in milliseconds. */
  async until(name: string, answer: readonly string[]): Promise<number> {
    const startMs = performance.now();
    const wanted = answer.toSorted().join(' ');
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => void (this.#newest.get(name) === wanted && resolve());
    this.#newest.delete(name);
    this.#watchers.add(look);
    await promise;
    this.#watchers.delete(look);
    return performance.now() - startMs;
  }

  /** Asks no more, waits for what is under way, and counts. */
  async end(lostMs = LOST_MS): Promise<Tally> {
    clearInterval(this.#timer);
    const asked = this.#next;
    const giveUpMs = performance.now() + lostMs;
    while (this.#open.size > 0 && performance.now() < giveUpMs)
      await new Promise((resolve) => setTimeout(resolve, 10));
    this.#lost += this.#open.size;
    this.#socket.close();
    await once(this.#socket, 'close');
    return { asked, wrong: this.#wrong, lost: this.#lost, shown: this.#shown };
  }

  #ask(): void {
    const name = this.#names[this.#next % this.#names.length];
    if (name === undefined) return;
    const id = this.#next++ & 0xffff;
    if (this.#open.has(id)) this.#lost++;
    this.#open.set(id, { name, sentMs: performance.now() });
    this.#socket.send(makeQuery(name, 'A', { id }), this.#port, '127.0.0.1');
  }

  #take(reply: Buffer): void {
    const query = this.#open.get(reply.readUInt16BE());
    if (query === undefined || !this.#open.delete(reply.readUInt16BE())) return;
    const answer = answerOf(reply);
    this.#newest.set(query.name, answer);
    if (!this.#isRight(query, answer)) this.#blame(query, answer);
    for (const look of this.#watchers) look();
  }

  #isRight({ name, sentMs }: Query, answer: string): boolean {
    const nowMs = performance.now();
    const truths = this.#truths
      .get(name)!
      .filter(({ fromMs, untilMs }) => fromMs <= nowMs && untilMs + this.#allowanceMs >= sentMs)
      .map((truth) => new Set(truth.answer.split(' ')));
    // Changes of several clusters arrive in any order: what was right at some time may be there, what always was must be.
    const given = new Set(answer.split(' '));
    const isAllowed = [...given].every((one) => truths.some((truth) => truth.has(one)));
    const [first = new Set<string>()] = truths;
    return isAllowed && [...first].every((one) => given.has(one) || truths.some((truth) => !truth.has(one)));
  }

  #blame({ name }: Query, answer: string): void {
    this.#wrong++;
    const right = this.#truths.get(name)!.at(-1)!.answer;
    if (this.#shown.length < SHOWN_MAX)
      this.#shown.push(`${name} was answered with "${answer}", right is "${right}"`);
  }
}

/** The addresses at the end of the chain, or what there is in place of them. */
function answerOf(reply: Buffer): string {
  const { rcode, answer } = readMessage(reply);
  if (rcode !== 'NOERROR') return rcode;
  return answer
    .filter(({ type }) => type === 'A')
    .map(({ data }) => data)
    .toSorted()
    .join(' ');
}

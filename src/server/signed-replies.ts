/**
 * Replies that a signer has made for queries of this thread: what each is for, until it comes. For transports with an event loop;
 * from the sockets of the batch transport signers send themselves.
 */
import { BroadcastChannel } from 'node:worker_threads';

/** What comes over the channel. */
export interface SignedReply {
  readonly token: number;
  readonly reply: Uint8Array;
}

/** Replies that may be awaited: more than fit into all rows of the waiting room, so that only lost ones give way. */
const AWAITED_MAX = 8192;

export class SignedReplies {
  readonly #channel: BroadcastChannel;
  /** In the order in which they were asked for. */
  readonly #awaited = new Map<number, (reply: Uint8Array) => void>();
  #token = 0;

  /** @param channel - the name that signers know this thread's channel by */
  constructor(channel: string) {
    this.#channel = new BroadcastChannel(channel);
    this.#channel.unref();
    this.#channel.addEventListener('message', ({ data }) => this.#deliver(data as SignedReply));
  }

  /** Awaits a reply, until too many others are awaited. @returns what the signer is to call it */
  expect(take: (reply: Uint8Array) => void): number {
    this.#token = (this.#token + 1) & 0x7fff_ffff;
    this.#awaited.set(this.#token, take);
    if (this.#awaited.size > AWAITED_MAX) this.#awaited.delete(this.#awaited.keys().next().value!);
    return this.#token;
  }

  stop(): void {
    this.#channel.close();
    this.#awaited.clear();
  }

  #deliver({ token, reply }: SignedReply): void {
    const take = this.#awaited.get(token);
    this.#awaited.delete(token);
    take?.(reply);
  }
}

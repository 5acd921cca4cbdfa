/** A signer without a thread: what it does with one query that waits, at once. */
import { createResponder } from '../../src/server/answer/answer.ts';
import { createCounterBlock } from '../../src/server/counters-sum.ts';
import { TCP_REPLY_OCTETS, type Responder, type SigningResponder } from '../../src/server/responder.ts';
import { admit, slotCopy, take, Waiting } from '../../src/server/signing/waiting.ts';
import type { SharedSettings } from '../../src/server/workers/worker-pool.ts';

/** The last reader of the image. */
const READER = 239;
const CLASSES = [Waiting.data, Waiting.provenDenial, Waiting.denial, Waiting.refresh];

export class InlineSigner {
  readonly counters = createCounterBlock();
  /** What the queries served so far waited for. */
  readonly served: Waiting[] = [];
  readonly #responder: SigningResponder;
  readonly #slot = slotCopy();
  readonly #reply = Buffer.alloc(TCP_REPLY_OCTETS);

  constructor(settings: SharedSettings, clock?: () => number) {
    this.#responder = createResponder({ ...settings, reader: READER, counters: this.counters }, clock);
  }

  adopt(settings: SharedSettings): void {
    this.#responder.adopt({ ...settings, reader: READER, counters: this.counters });
  }

  /** Parks the last query of a responder and serves what waits. */
  serve(responder: Responder): Buffer | undefined {
    const { claim, turnAway, room } = responder.parking!;
    const slot = claim();
    if (slot === 0) throw new Error(`no room: ${turnAway()} octets`);
    admit(room, slot);
    return this.serveNext();
  }

  /** Serves one query that waits. @returns its reply; undefined: none waited, or nobody waits for the reply */
  serveNext(): Buffer | undefined {
    const { room } = this.#responder.parking!;
    for (const waiting of CLASSES) {
      if (!take(room, waiting, new DataView(this.#slot.buffer))) continue;
      this.served.push(waiting);
      this.#responder.enter();
      this.#responder.keepSoaSigned();
      const octets = this.#responder.answerWaiting(waiting, this.#slot, this.#reply);
      this.#responder.leave();
      return octets <= 0 || waiting === Waiting.refresh
        ? undefined
        : Buffer.from(this.#reply.subarray(0, octets));
    }
    return undefined;
  }
}

/**
 * The way from connections to the thread that makes transfers, of one thread of TCP. A thread that ends takes what it had under way with
 * it; the next one is connected when it is there.
 */
import type { MessagePort } from 'node:worker_threads';
import type { FromServer, ToServer } from '../transfer-seam.ts';

/** A transfer under way, as its connection has it. */
export interface RelayedTransfer {
  /** The client can take the next message. */
  more(): void;
  /** The client is gone. */
  cancel(): void;
}

export class TransferRelay {
  #port: MessagePort | undefined;
  #nextId = 1;
  readonly #underWay = new Map<number, (reply: ToServer) => void>();

  /** Whether there is a thread to ask. */
  get isOn(): boolean {
    return this.#port !== undefined;
  }

  /** A thread is there, instead of the one before. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    port.on('message', (reply: ToServer) => {
      const hear = this.#underWay.get(reply.id);
      if (reply.isLast) this.#underWay.delete(reply.id);
      hear?.(reply);
    });
    port.on('close', () => {
      if (this.#port === port) this.#port = undefined;
      this.#breakAll();
    });
  }

  stop(): void {
    this.#port?.close();
  }

  /**
   * Hands a request on.
   *
   * @param message - copied by whoever sends it
   * @param hear - called for each part of the reply; `isBroken` ends it without a proper end
   */
  ask(
    request: Pick<Extract<FromServer, { kind: 'request' }>, 'message' | 'client' | 'isTls'>,
    hear: (reply: ToServer) => void,
  ): RelayedTransfer {
    const id = this.#nextId++;
    this.#underWay.set(id, hear);
    this.#post({ kind: 'request', id, ...request });
    return {
      more: () => this.#post({ kind: 'more', id }),
      cancel: () => {
        if (this.#underWay.delete(id)) this.#post({ kind: 'cancel', id });
      },
    };
  }

  #post(message: FromServer): void {
    this.#port?.postMessage(message);
  }

  #breakAll(): void {
    const all = [...this.#underWay];
    this.#underWay.clear();
    for (const [id, hear] of all) hear({ id, octets: NOTHING, isLast: true, isBroken: true });
  }
}

const NOTHING = new Uint8Array(0);

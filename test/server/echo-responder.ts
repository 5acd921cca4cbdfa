/**
 * A responder that answers nothing about DNS: it sends queries back with the QR bit set, and obeys the first octet
 * after the header, so that tests of the transports can tell what came to it. Loaded by workers through its URL.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { COUNTERS_PER_WORKER, Counter } from '../../src/server/counters.ts';
import type { Responder, ResponderSettings, Transport } from '../../src/server/responder.ts';

/** What the octet behind the header asks for. */
export const Order = {
  echo: 0x65,
  /** No reply. */
  silence: 0x73,
  /** An exception that no responder should throw: the worker dies of it. */
  die: 0x64,
  /** The client's address instead of the rest. */
  client: 0x63,
  /** `reader` and `udpPayloadMax`, 2 octets each, instead of the rest. */
  settings: 0x67,
  /** The query's length in 4 octets instead of the rest. */
  measure: 0x6d,
  /** Keeps the worker for {@link BUSY_MS}, then echoes. */
  busy: 0x62,
  /** A collection of garbage before the echo. */
  collect: 0x6f,
  /** A reply of 4,096 octets. */
  large: 0x6c,
} as const;

/** Set: garbage is collected before and after each batch, whatever the queries say. */
export const COLLECT_ALWAYS = 'FEDNS_TEST_COLLECT_ALWAYS';
const collectsAlways = process.env[COLLECT_ALWAYS] !== undefined;

export const HEADER = 12;
export const BUSY_MS = 300;

class EchoResponder implements Responder {
  #settings: ResponderSettings;
  readonly #counters: Float64Array;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #entered = false;

  constructor(settings: ResponderSettings) {
    this.#settings = settings;
    this.#counters = new Float64Array(settings.counters, 0, COUNTERS_PER_WORKER);
  }

  answer(
    query: Uint8Array,
    queryStart: number,
    queryLength: number,
    reply: Uint8Array,
    replyStart: number,
    _transport: Transport,
    client: Uint8Array,
    clientStart: number,
    clientLength: number,
  ): number {
    if (!this.#entered) throw new Error('asked outside of a batch');
    this.#counters[Counter.queriesUdp]!++;
    if (queryLength <= HEADER) return 0;
    const order = query[queryStart + HEADER];
    const length = Math.min(queryLength, 4096);
    reply.set(query.subarray(queryStart, queryStart + length), replyStart);
    reply[replyStart + 2]! |= 0x80;
    const body = replyStart + HEADER;
    switch (order) {
      case Order.silence:
        return 0;
      case Order.die:
        throw new Error('told to die');
      case Order.client:
        reply.set(client.subarray(clientStart, clientStart + clientLength), body);
        return HEADER + clientLength;
      case Order.settings:
        return HEADER + writeWords(reply, body, [this.#settings.reader, this.#settings.udpPayloadMax]);
      case Order.measure:
        return HEADER + writeWords(reply, body, [queryLength >>> 16, queryLength & 0xffff]);
      case Order.busy:
        Atomics.wait(this.#sleeper, 0, 0, BUSY_MS);
        return length;
      case Order.collect:
        collectGarbage();
        return length;
      case Order.large:
        return 4096;
      default:
        return length;
    }
  }

  get isStale(): boolean {
    return false;
  }

  enter(): void {
    if (this.#entered) throw new Error('entered twice');
    this.#entered = true;
    if (collectsAlways) collectGarbage();
  }

  leave(): void {
    this.#entered = false;
    if (collectsAlways) collectGarbage();
  }

  adopt(settings: ResponderSettings): void {
    if (this.#entered) throw new Error('new settings within a batch');
    this.#settings = settings;
  }
}

function writeWords(reply: Uint8Array, start: number, words: readonly number[]): number {
  for (const [i, word] of words.entries()) {
    reply[start + i * 2] = word >>> 8;
    reply[start + i * 2 + 1] = word & 0xff;
  }
  return words.length * 2;
}

let gc: (() => void) | undefined;

/** A full collection, also where the process runs without --expose-gc. */
function collectGarbage(): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  gc();
}

export function createResponder(settings: ResponderSettings): Responder {
  return new EchoResponder(settings);
}

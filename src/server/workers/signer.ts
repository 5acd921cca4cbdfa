/**
 * The life of a signer: takes queries that wait for a signature, those first that ask for what exists, has each answered once
 * more, now with signatures, and sends the reply or hands it to the thread whose client it is. Blocks the thread meanwhile.
 */
import { BroadcastChannel } from 'node:worker_threads';
import type { Recorder } from '../recorder.ts';
import { TCP_REPLY_OCTETS, type SigningResponder, type Transport } from '../responder.ts';
import type { SignedReply } from '../signed-replies.ts';
import { channelOf } from '../signing/channel.ts';
import { bellOf, NOBODY, sleep, Slot, slotCopy, take, Waiting } from '../signing/waiting.ts';
import type { PacketSender } from './packet-sender.ts';

export interface SignerService {
  readonly responder: SigningResponder;
  /** Called when the responder's image has moved. */
  readonly refresh: () => void;
  /** Called between queries and at least every {@link WAIT_MS}; false ends the loop. */
  readonly goOn: () => boolean;
  /** For the batch transport's sockets. */
  readonly send?: PacketSender;
  readonly recorder: Recorder;
}

/** How long a signer sleeps before it looks at its flags again, in milliseconds. */
const WAIT_MS = 100;
/** Queries that a stopping signer still serves: a full row of data. */
const DRAINED_MAX = 2048;
/** Denials that may be signed at once after a while without: what a tenth of a second allows. */
const BURST_SECONDS = 0.1;
/** The classes in their order, without denials for clients that may be anybody. */
const FIRST = [Waiting.data, Waiting.provenDenial, Waiting.refresh] as const;

/** Serves until `goOn` says no, then what waits still. */
export function serveSigning(service: SignerService): void {
  const work = new SignerWork(service);
  while (service.goOn()) work.turn();
  for (let i = 0; i < DRAINED_MAX && work.serveNext(); i++);
  work.stop();
}

class SignerWork {
  readonly #service: SignerService;
  readonly #slot = slotCopy();
  readonly #data = new DataView(this.#slot.buffer);
  readonly #words = new Int32Array(this.#slot.buffer);
  readonly #reply = new Uint8Array(TCP_REPLY_OCTETS);
  readonly #replyData = new DataView(this.#reply.buffer);
  /** By the worker's number. */
  readonly #channels = new Map<number, BroadcastChannel>();
  readonly #asleep = new Int32Array(new SharedArrayBuffer(4));
  #allowed = 0;
  #allowedMs = performance.now();

  constructor(service: SignerService) {
    this.#service = service;
  }

  stop(): void {
    this.#service.send?.flush();
    for (const channel of this.#channels.values()) channel.close();
  }

  /** Serves one query, or sleeps until there is one. */
  turn(): void {
    const { responder, refresh } = this.#service;
    if (responder.isStale) refresh();
    const room = responder.parking?.room;
    if (room === undefined) return void Atomics.wait(this.#asleep, 0, 0, WAIT_MS);
    const bell = bellOf(room);
    if (this.serveNext()) return;
    this.#service.send?.flush();
    sleep(room, bell, this.#allowed < 1 ? 1 : WAIT_MS);
  }

  /** Serves one query. @returns whether there was one that may be served now */
  serveNext(): boolean {
    const { responder } = this.#service;
    if (responder.parking === undefined) return false;
    responder.enter();
    responder.keepSoaSigned();
    const waiting = this.#take();
    if (waiting !== Waiting.none) this.#serve(waiting);
    responder.leave();
    return waiting !== Waiting.none;
  }

  #take(): Waiting {
    const { room } = this.#service.responder.parking!;
    for (const waiting of FIRST) if (take(room, waiting, this.#data)) return waiting;
    if (!this.#mayDeny() || !take(room, Waiting.denial, this.#data)) return Waiting.none;
    this.#allowed--;
    return Waiting.denial;
  }

  /** Whether the budget has one more denial for a client that may be anybody. */
  #mayDeny(): boolean {
    const { denialsPerSecond } = this.#service.responder;
    const nowMs = performance.now();
    const most = Math.max(1, denialsPerSecond * BURST_SECONDS);
    this.#allowed = Math.min(most, this.#allowed + ((nowMs - this.#allowedMs) / 1000) * denialsPerSecond);
    this.#allowedMs = nowMs;
    return this.#allowed >= 1;
  }

  #serve(waiting: Waiting): void {
    const { responder, send, recorder } = this.#service;
    const reply = this.#reply;
    const readers = waiting === Waiting.refresh || !recorder.isOn ? 0 : recorder.draw();
    if (readers !== 0) this.#beginRecord(readers);
    const octets = responder.answerWaiting(waiting, this.#slot, reply);
    if (readers !== 0) recorder.end(reply, 0, Math.max(octets, 0));
    if (octets <= 0 || waiting === Waiting.refresh) return;
    if (this.#words[Slot.worker / 4] !== NOBODY) this.#handOver(reply, octets);
    else if (send !== undefined) {
      send.add(this.#data, this.#replyData, octets);
      // Denials wait for each other; what exists waits for none of them.
      if (waiting === Waiting.data) send.flush();
    }
  }

  #beginRecord(readers: number): void {
    const { recorder } = this.#service;
    const slot = this.#slot;
    const words = this.#words;
    const transport = words[Slot.transport / 4] as Transport;
    recorder.begin(readers, transport, slot, Slot.query, words[Slot.queryOctets / 4]!);
    recorder.client(slot, Slot.client, words[Slot.clientOctets / 4]!, words[Slot.clientPort / 4]!);
  }

  #handOver(reply: Uint8Array, octets: number): void {
    const worker = this.#words[Slot.worker / 4]!;
    const message: SignedReply = { token: this.#words[Slot.token / 4]!, reply: reply.slice(0, octets) };
    let channel = this.#channels.get(worker);
    if (channel === undefined) {
      channel = new BroadcastChannel(channelOf(this.#service.responder.channel, worker));
      this.#channels.set(worker, channel);
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel between threads, not a window
    channel.postMessage(message);
  }
}

/**
 * One client's connection, plain or TLS: takes messages out of the stream (RFC 1035 section 4.2.2, RFC 7766 section 8),
 * has each answered, writes the replies. Which connections are let in and how long they stay is decided in tcp.ts.
 */
import type { Socket } from 'node:net';
import { Counter } from '../counters.ts';
import type { Recorder } from '../recorder.ts';
import { TCP_REPLY_OCTETS, Transport, type Responder } from '../responder.ts';
import type { SignedReplies } from '../signed-replies.ts';
import { admit, Slot } from '../signing/waiting.ts';
import type { TcpLimits } from '../tcp-limits.ts';
import { asksForTransfer, type ToServer } from '../transfer-seam.ts';
import type { RelayedTransfer, TransferRelay } from './transfer-relay.ts';

/** What all connections of a server share. */
export interface TcpContext {
  readonly responder: Responder;
  readonly counters: Float64Array;
  /** Writes queries down. Absent: none is. */
  readonly recorder?: Recorder;
  readonly limits: TcpLimits;
  /** Where requests for transfers are handed on to. Absent: the responder has them, as any query. */
  readonly transfers?: TransferRelay;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
  /** Where replies are composed: {@link TCP_OUTPUT_OCTETS}. */
  readonly replies: Buffer;
  /** Replies that signers make, over the channel of that name. */
  readonly signed: (channel: string) => SignedReplies;
}

/** Who is connected, and to what. */
export interface TcpClient {
  /** As the responder takes it. */
  readonly address: Uint8Array;
  readonly port: number;
  /** What the limit per client counts by. */
  readonly key: string;
  readonly server: { readonly address: Uint8Array; readonly port: number };
}

/** What a connection tells its server. */
export interface TcpObserver {
  /** A complete message came. */
  active(connection: TcpConnection): void;
  /** The connection holds `change` more octets than before. */
  held(change: number): void;
  closed(connection: TcpConnection): void;
}

/** The replies of one read, up to here, leave in one write; a maximal reply always fits. */
export const TCP_OUTPUT_OCTETS = 4 * 65_536;
/** Messages of one connection that may wait for a signature before it is read on. */
const AWAITED_MAX = 64;
const LENGTH_OCTETS = 2;
const HEADER_OCTETS = 12;

export class TcpConnection {
  /** Which client it belongs to, for the limit per client. */
  readonly client: string;
  /** When the last complete message came, or the connection itself. */
  activeMs: number;
  /** When the message began that is not complete yet; undefined: none. */
  messageMs: number | undefined;
  /** Since when replies wait for the client to read; undefined: none do. */
  stalledMs: number | undefined;
  /** Octets of input and output held for it. */
  heldOctets = 0;

  readonly #socket: Socket;
  readonly #raw: Socket;
  readonly #transport: Transport;
  readonly #client: TcpClient;
  readonly #context: TcpContext;
  readonly #observer: TcpObserver;
  /** Input that is not answered yet: the start of a message, or all that follows it while the client does not read. */
  #input: Buffer | undefined;
  #inputLength = 0;
  #ended = false;
  /** What goes out at the moment; queries behind it wait until it is through. */
  #transfer: RelayedTransfer | undefined;
  /** The next message is asked for once what is there is written. */
  #owesMore = false;
  #closing = false;
  /** Messages that wait for a signature. */
  #awaited = 0;

  /**
   * @param sockets - `plain` carries the messages, `raw` is the TCP connection below it; the same without TLS
   */
  constructor(
    sockets: { plain: Socket; raw: Socket },
    transport: Transport,
    client: TcpClient,
    context: TcpContext,
    observer: TcpObserver,
  ) {
    this.#socket = sockets.plain;
    this.#raw = sockets.raw;
    this.#transport = transport;
    this.#client = client;
    this.client = client.key;
    this.#context = context;
    this.#observer = observer;
    this.activeMs = context.nowMs();
    this.#listen();
  }

  /** Whether a transfer is under way: the client need not ask, and may be slower than others. */
  get isTransferring(): boolean {
    return this.#transfer !== undefined;
  }

  /** Closes it once the replies that wait are written. */
  close(): void {
    this.#closing = true;
    this.#socket.destroySoon();
  }

  /** Closes it at once, and has the kernel forget what the client did not read. */
  cut(): void {
    this.#closing = true;
    this.#raw.resetAndDestroy();
    this.#socket.destroy();
    this.#release();
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#guard(() => this.#take(chunk)));
    this.#socket.on('end', () => this.#guard(() => this.#finish()));
    // A reset or a failed handshake is the client's affair; 'close' follows.
    this.#socket.on('error', () => this.#raw.destroy());
    this.#raw.on('error', () => this.#socket.destroy());
    this.#raw.on('close', () => this.#forget());
  }

  /** A bug must cost this connection at most. */
  #guard(step: () => void): void {
    try {
      step();
    } catch {
      this.#context.counters[Counter.faults]!++;
      this.cut();
    }
  }

  #take(chunk: Buffer): void {
    if (this.#closing) return;
    this.#context.counters[Counter.octetsIn]! += chunk.length;
    if (this.#input) {
      this.#append(chunk);
      this.#answerInput();
    } else {
      const used = this.#answer(chunk, chunk.length);
      if (used < chunk.length && !this.#closing) this.#append(chunk.subarray(used));
      this.#trackMessage(used > 0);
    }
    this.#account();
  }

  /** Adds to the input, whose room doubles, so that a message that comes octet by octet is not copied each time. */
  #append(chunk: Buffer): void {
    const needed = this.#inputLength + chunk.length;
    if (!this.#input || needed > this.#input.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * (this.#input?.length ?? 0), 64));
      this.#input?.copy(grown, 0, 0, this.#inputLength);
      this.#input = grown;
    }
    chunk.copy(this.#input, this.#inputLength);
    this.#inputLength = needed;
  }

  /** Answers what is complete in the input. */
  #answerInput(): void {
    if (!this.#input) return;
    const used = this.#answer(this.#input, this.#inputLength);
    this.#inputLength -= used;
    if (this.#inputLength === 0 || this.#closing) this.#input = undefined;
    else this.#input.copyWithin(0, used, used + this.#inputLength);
    this.#trackMessage(used > 0);
  }

  /** A message that has begun runs against its own clock; it is no fault of the client's while we do not read. */
  #trackMessage(progress: boolean): void {
    if (!this.#input || this.stalledMs !== undefined) this.messageMs = undefined;
    else if (progress || this.messageMs === undefined) this.messageMs = this.#context.nowMs();
  }

  /**
   * Answers the complete messages in `input`, until the client leaves too many replies unread.
   *
   * @returns the octets of `input` that are done with
   */
  #answer(input: Buffer, length: number): number {
    const { responder, replies } = this.#context;
    let used = 0;
    let output = 0;
    responder.enter();
    try {
      while (!this.#mustWait()) {
        const messageLength = readLength(input, used, length);
        if (messageLength < 0) break;
        // RFC 1035 section 4.1.1: what has no header has no reply, and what follows it is no DNS.
        if (messageLength < HEADER_OCTETS) {
          this.#closing = true;
          break;
        }
        const start = used + LENGTH_OCTETS;
        used = start + messageLength;
        if (this.#isTransfer(input, start, messageLength)) {
          output = this.#write(output);
          this.#beginTransfer(input, start, messageLength);
          break;
        }
        output = this.#reply(input, start, messageLength, output);
        if (output > replies.length - LENGTH_OCTETS - TCP_REPLY_OCTETS) output = this.#write(output);
      }
    } finally {
      responder.leave();
    }
    this.#write(output);
    if (used > 0) this.#noteActive();
    if (this.#closing) this.close();
    else if (this.stalledMs !== undefined || this.#mustWait()) this.#socket.pause();
    return used;
  }

  #isTransfer(input: Buffer, start: number, length: number): boolean {
    return this.#context.transfers?.isOn === true && asksForTransfer(input, start, length);
  }

  /** Hands a request on; what it is answered comes by and by. */
  #beginTransfer(input: Buffer, start: number, length: number): void {
    const message = Uint8Array.prototype.slice.call(input, start, start + length);
    const { address } = this.#client;
    const isTls = this.#transport === Transport.tls;
    this.#transfer = this.#context.transfers!.ask({ message, client: address, isTls }, (reply) =>
      this.#guard(() => this.#takeTransfer(reply)),
    );
  }

  #takeTransfer({ octets, isLast, isBroken = false }: ToServer): void {
    if (this.#closing) return;
    this.activeMs = this.#context.nowMs();
    if (isBroken) {
      this.#transfer = undefined;
      return this.cut();
    }
    if (octets.length > 0) {
      this.#context.counters[Counter.octetsOut]! += octets.length;
      this.#socket.write(octets, this.#written);
      if (this.#socket.writableLength > 0) this.stalledMs ??= this.activeMs;
    }
    if (isLast) this.#endTransfer();
    else if (this.#mustDrain()) this.#owesMore = true;
    else this.#transfer?.more();
    this.#account();
  }

  #endTransfer(): void {
    this.#transfer = undefined;
    this.#noteActive();
    if (this.stalledMs === undefined) this.#resume();
  }

  #mustDrain(): boolean {
    return this.#socket.writableLength > this.#context.limits.outputOctets;
  }

  /** Composes the reply to one message at `output`. @returns where the next one goes */
  #reply(input: Buffer, start: number, length: number, output: number): number {
    const { responder, replies, recorder } = this.#context;
    const { address } = this.#client;
    const at = output + LENGTH_OCTETS;
    const transport = this.#transport;
    const readers = recorder?.isOn === true ? recorder.draw() : 0;
    if (readers !== 0) recorder!.begin(readers, transport, input, start, length);
    const octets = responder.answer(input, start, length, replies, at, transport, address, 0, address.length);
    if (octets < 0) {
      if (readers !== 0) recorder!.cancel();
      return this.#park(output);
    }
    if (readers !== 0) this.#endRecord(recorder!, at, octets);
    if (octets === 0) return output;
    // RFC 7766 section 8: the length goes out together with the message.
    replies.writeUInt16BE(octets, output);
    return at + octets;
  }

  /** Has a message wait for a signature. @returns where the next reply goes */
  #park(output: number): number {
    const { responder, replies, signed } = this.#context;
    const { room, worker, channel, claim, turnAway } = responder.parking!;
    const slot = claim();
    if (slot === 0) {
      const octets = turnAway();
      replies.writeUInt16BE(octets, output);
      return output + LENGTH_OCTETS + octets;
    }
    this.#awaited++;
    const token = signed(channel).expect((reply) => this.#guard(() => this.#takeSigned(reply)));
    room.words[(slot + Slot.worker) / 4] = worker;
    room.words[(slot + Slot.token) / 4] = token;
    room.words[(slot + Slot.clientPort) / 4] = this.#client.port;
    admit(room, slot);
    return output;
  }

  /** Replies may leave in another order than their queries came in (RFC 7766 section 6.2.1.1). */
  #takeSigned(reply: Uint8Array): void {
    this.#awaited--;
    if (this.#closing) return;
    const { replies } = this.#context;
    replies.writeUInt16BE(reply.length, 0);
    replies.set(reply, LENGTH_OCTETS);
    this.#write(LENGTH_OCTETS + reply.length);
    this.#resume();
  }

  #endRecord(recorder: Recorder, at: number, octets: number): void {
    const { address, port, server } = this.#client;
    recorder.client(address, 0, address.length, port);
    recorder.server(server.address, 0, server.address.length, server.port);
    recorder.end(this.#context.replies, at, octets);
  }

  /** Hands the composed replies to the socket. @returns where the next one goes: the start */
  #write(length: number): number {
    if (length === 0) return 0;
    this.#context.counters[Counter.octetsOut]! += length;
    // Copied: what the kernel does not take at once is read from this memory later.
    this.#socket.write(Buffer.from(this.#context.replies.subarray(0, length)), this.#written);
    if (this.#socket.writableLength > 0) this.stalledMs ??= this.#context.nowMs();
    return 0;
  }

  #mustWait(): boolean {
    if (this.#awaited >= AWAITED_MAX || this.#transfer !== undefined) return true;
    return this.#closing || this.#mustDrain();
  }

  /** Goes on once the client has read everything. */
  readonly #written = (): void => {
    if (this.stalledMs === undefined || this.#socket.writableLength > 0) return;
    this.stalledMs = undefined;
    if (this.#closing) return;
    if (this.#transfer === undefined) return this.#resume();
    this.#account();
    if (this.#owesMore) this.#transfer.more();
    this.#owesMore = false;
  };

  /** Answers what has come meanwhile, and reads on. */
  #resume(): void {
    this.#guard(() => {
      this.#answerInput();
      this.#account();
      if (this.stalledMs !== undefined || this.#isBusy()) return;
      if (this.#ended) this.close();
      else this.#socket.resume();
    });
  }

  /** Whether something is still to come that was asked for. */
  #isBusy(): boolean {
    return this.#awaited > 0 || this.#transfer !== undefined;
  }

  /** The client has sent its last: what is complete is still answered (RFC 1035 section 4.2.2). */
  #finish(): void {
    this.#ended = true;
    if (this.stalledMs === undefined && !this.#isBusy()) this.close();
  }

  #noteActive(): void {
    this.activeMs = this.#context.nowMs();
    this.#observer.active(this);
  }

  #account(): void {
    if (this.#closing) return;
    const held = (this.#input?.length ?? 0) + this.#socket.writableLength;
    const change = held - this.heldOctets;
    this.heldOctets = held;
    if (change !== 0) this.#observer.held(change);
  }

  #forget(): void {
    this.#closing = true;
    this.#socket.destroy();
    this.#release();
    this.#observer.closed(this);
  }

  #release(): void {
    this.#transfer?.cancel();
    this.#transfer = undefined;
    this.#input = undefined;
    this.#observer.held(-this.heldOctets);
    this.heldOctets = 0;
  }
}

/** The length of the message at `pos`; -1: it is not complete. */
function readLength(input: Buffer, pos: number, end: number): number {
  if (end - pos < LENGTH_OCTETS) return -1;
  const length = input.readUInt16BE(pos);
  // One that is too short to be DNS need not be waited for.
  return length < HEADER_OCTETS || end - pos - LENGTH_OCTETS >= length ? length : -1;
}

/**
 * dnstap frames to a reader that listens on a Unix socket or a TCP port (Frame Streams, both ways):
 *
 *   we     READY                  START, frame, frame, …    STOP
 *   it             ACCEPT                                          FINISH
 *
 * Frames wait in a queue with a limit. Where the reader is not there, goes away or does not read, those that find no room are
 * counted as lost; it is connected to again, after a pause that grows.
 */

import { createConnection, type Socket } from 'node:net';
import type { Random, Timer, Timers } from '../../timers.ts';
import { Tally } from '../tally.ts';
import { CONTENT_TYPE, Control, controlFrame, FrameError, readControl } from './frames.ts';
import type { FrameOutput, OutputObserver } from './output.ts';

/** Where the reader listens. */
export type ReaderAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export interface SocketOutputOptions {
  readonly to: ReaderAddress;
  readonly timers: Timers;
  readonly random: Random;
}

/** Octets that may wait for the reader: some ten thousand messages. */
export const QUEUE_OCTETS_MAX = 4 * 1024 * 1024;
/** Pauses before it is connected to again, in milliseconds: the first, and the longest. */
export const PAUSE_MS = { first: 500, max: 30_000 } as const;
/** How long a reader may take for its part of the handshake, and for its good-bye, in milliseconds. */
export const ANSWER_MS_MAX = 5000;
export const FINISH_MS_MAX = 1000;

interface Waiting {
  readonly octets: Buffer;
  readonly frames: number;
}

/** `ready`: frames may be sent. */
type State = 'closed' | 'connecting' | 'ready' | 'finishing';

export class SocketOutput implements FrameOutput {
  readonly #options: SocketOutputOptions;
  readonly #observer: OutputObserver;
  readonly #queue: Waiting[] = [];
  #queuedOctets = 0;
  /** What the kernel has not taken yet. */
  #sending: Waiting | undefined;
  #state: State = 'closed';
  #socket: Socket | undefined;
  #input = Buffer.alloc(0);
  #timer: Timer | undefined;
  #failures = 0;
  #isStopped = false;
  #reason = '';
  #onFinished: () => void = () => undefined;

  constructor(options: SocketOutputOptions, observer: OutputObserver) {
    this.#options = options;
    this.#observer = observer;
  }

  start(): void {
    this.#timer?.cancel();
    this.#state = 'connecting';
    this.#input = Buffer.alloc(0);
    this.#reason = '';
    const socket = createConnection(this.#options.to);
    this.#socket = socket;
    socket.on('connect', () => socket.write(controlFrame(Control.ready)));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => (this.#reason = error.message));
    socket.on('close', () => this.#closed());
    this.#timer = this.#options.timers.after(ANSWER_MS_MAX, () => this.#giveUp('it does not answer'));
  }

  write(octets: Buffer, frames: number): void {
    if (this.#queuedOctets + octets.length > QUEUE_OCTETS_MAX) {
      this.#observer.tally[Tally.framesLostQueue]! += frames;
      return;
    }
    // The caller's octets are used again.
    this.#queue.push({ octets: Buffer.from(octets), frames });
    this.#queuedOctets += octets.length;
    this.#send();
  }

  /** A reader that was put in place with the configuration need not be waited for. */
  look(): void {
    if (this.#state !== 'closed' || this.#isStopped) return;
    this.#failures = 0;
    this.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    // Another output may follow, whose figure it is by the time that this one has closed.
    this.#observer.tally[Tally.isOpen] = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onFinished = resolve;
    this.#timer?.cancel();
    if (this.#state !== 'ready') return this.#end();
    this.#timer = this.#options.timers.after(FINISH_MS_MAX, () => this.#end());
    this.#state = 'finishing';
    this.#send();
    await promise;
  }

  /** Everything that waits goes first, and the good-bye behind it. */
  #send(): void {
    const isOpen = this.#state === 'ready' || this.#state === 'finishing';
    if (!isOpen || this.#sending !== undefined) return;
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#sending = next;
      this.#queuedOctets -= next.octets.length;
      this.#socket!.write(next.octets, (error) => this.#sent(next, error));
    } else if (this.#state === 'finishing') {
      this.#socket!.write(controlFrame(Control.stop));
    }
  }

  #sent(what: Waiting, error: Error | null | undefined): void {
    if (this.#sending !== what || error) return;
    this.#sending = undefined;
    this.#observer.tally[Tally.frames]! += what.frames;
    this.#send();
  }

  #read(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    try {
      for (
        let control = readControl(this.#input);
        control !== undefined;
        control = readControl(this.#input)
      ) {
        this.#input = this.#input.subarray(control.octets);
        this.#obey(control.type, control.contentTypes);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#giveUp(error.message);
    }
  }

  #obey(type: number, contentTypes: readonly string[]): void {
    if (type === Control.accept && this.#state === 'connecting') {
      if (!contentTypes.includes(CONTENT_TYPE)) return this.#giveUp('it does not take dnstap');
      this.#begin();
    } else if (type === Control.finish) {
      if (this.#state === 'finishing') this.#end();
      else this.#giveUp('it has ended the stream');
    }
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#state = 'ready';
    this.#failures = 0;
    const { tally, say } = this.#observer;
    tally[Tally.opened]!++;
    tally[Tally.isOpen] = 1;
    say('info', { to: this.#toText() }, 'a reader takes dnstap messages');
    this.#socket!.write(controlFrame(Control.start));
    this.#send();
  }

  #giveUp(reason: string): void {
    this.#reason = reason;
    this.#socket?.destroy();
  }

  /** Frames that the kernel had not taken as a whole are lost: the next connection starts with a whole one. */
  #closed(): void {
    const { tally, say } = this.#observer;
    const wasOpen = this.#state === 'ready';
    this.#state = 'closed';
    this.#timer?.cancel();
    tally[Tally.framesLostConnection]! += this.#sending?.frames ?? 0;
    this.#sending = undefined;
    if (this.#isStopped) {
      this.#dropQueue();
      return this.#onFinished();
    }
    tally[Tally.isOpen] = 0;
    const pauseMs = this.#pauseMs();
    // Once for each time that it was there; at its absence nothing changes.
    if (wasOpen || this.#failures === 0) {
      const fields = { to: this.#toText(), reason: this.#reason || 'it has closed the connection' };
      say(
        'warn',
        fields,
        'no reader takes dnstap messages: they wait while there is room, and fedns goes on asking',
      );
    }
    this.#failures++;
    this.#timer = this.#options.timers.after(pauseMs, () => this.start());
  }

  /** With a part left to chance, so that many servers do not come back at once. */
  #pauseMs(): number {
    const full = Math.min(PAUSE_MS.max, PAUSE_MS.first * 2 ** this.#failures);
    return Math.round(full * (0.5 + this.#options.random() / 2));
  }

  /** What has not been sent by now never will be. */
  #end(): void {
    this.#timer?.cancel();
    this.#dropQueue();
    this.#socket?.destroy();
    if (this.#state === 'closed') this.#onFinished();
  }

  #dropQueue(): void {
    const { tally } = this.#observer;
    for (const { frames } of this.#queue.splice(0)) tally[Tally.framesLostConnection]! += frames;
    this.#queuedOctets = 0;
  }

  #toText(): string {
    const { to } = this.#options;
    return 'path' in to ? to.path : `${to.host}:${to.port}`;
  }
}

/**
 * Transfers as the control plane has them: starts the thread, hands over what is published, brings it settings and askers, and keeps its
 * figures. A thread that dies is replaced; secondaries then get the whole zone once.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Log } from '../log.ts';
import type { Timer, Timers } from '../timers.ts';
import {
  type FromThread,
  OUTCOMES,
  type Refusal,
  type ThreadSettings,
  type ToThread,
  type TransferOutcome,
  type TransferStatus,
  type ZoneUpdate,
} from './protocol.ts';

/** How long what was published waits to be handed over, in milliseconds; requests do not wait for it. */
const HAND_OVER_MS = 50;
/** How long a dead thread is waited with before another is started, in milliseconds. */
const RESTART_MS = 1000;
/** MiB of the thread's heap beside the blobs: lists of Services, differences in the making. */
const HEAP_MIB_MAX = 1024;
/** How long the thread may take to end by itself, in milliseconds. */
const STOP_MS = 2000;

/** Where the zone comes from. */
export interface ZoneOrigin {
  /** All of it, for a thread that knows nothing. */
  everything(): ZoneUpdate;
  /** What was published since; undefined: nothing. */
  take(): ZoneUpdate | undefined;
  /** Goes on behind a serial, unless it is there already. */
  raise(serial: number): void;
  /** Why it is not handed out at the moment; undefined: it is. */
  refusal(): Refusal | undefined;
}

export interface TransfersOptions {
  readonly settings: ThreadSettings;
  readonly origin: ZoneOrigin;
  readonly timers: Timers;
  readonly log: Log;
}

const NO_STATUS: TransferStatus = {
  serial: 0,
  isReady: false,
  transfers: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<TransferOutcome, number>,
  octets: 0,
  active: 0,
  journalOctets: 0,
  journalSteps: 0,
  secondaries: [],
};

/** How often it is looked whether the zone may be handed out, in milliseconds. */
const LOOK_MS = 200;

export class Transfers {
  readonly #options: TransfersOptions;
  #settings: ThreadSettings;
  #thread: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #looker: Timer | undefined;
  #restart: Timer | undefined;
  #refusal: Refusal | undefined = 'incomplete';
  #status: TransferStatus = NO_STATUS;
  /** Of the threads before this one. */
  #earlier: TransferStatus = NO_STATUS;
  #wantsDigest = false;
  #isStopped = false;
  /** Called with each new thread, to have askers connected to it. */
  #onThread: () => void = () => {};

  constructor(options: TransfersOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** @param onThread - called now and with each later thread: whoever asks is to be connected anew */
  start(onThread: () => void): void {
    this.#isStopped = false;
    this.#onThread = onThread;
    this.#startThread();
    this.#look();
  }

  /** Figures of this thread and those before it. Whoever asks for them wants the digest, too. */
  get status(): TransferStatus {
    if (!this.#wantsDigest) {
      this.#wantsDigest = true;
      this.#post({ kind: 'digest' });
    }
    const { transfers, octets } = this.#earlier;
    const sums = OUTCOMES.map(
      (outcome) => [outcome, transfers[outcome] + this.#status.transfers[outcome]] as const,
    );
    return {
      ...this.#status,
      transfers: Object.fromEntries(sums) as Record<TransferOutcome, number>,
      octets: octets + this.#status.octets,
    };
  }

  adopt(settings: ThreadSettings): void {
    this.#settings = settings;
    this.#post({ kind: 'settings', settings });
  }

  /** Another domain is served. */
  renew(): void {
    this.#post({ kind: 'update', update: this.#options.origin.everything() });
  }

  /** A way to ask for transfers; undefined while there is no thread. */
  connect(): MessagePort | undefined {
    if (this.#thread === undefined) return undefined;
    const { port1, port2 } = new MessageChannel();
    this.#thread.postMessage({ kind: 'connect', port: port2 } satisfies ToThread, [port2]);
    return port1;
  }

  /** Something was published. */
  news(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = this.#options.timers.after(HAND_OVER_MS, () => this.#handOver());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of [this.#timer, this.#looker, this.#restart]) timer?.cancel();
    const thread = this.#thread;
    if (thread === undefined) return;
    this.#post({ kind: 'stop' });
    const limit = this.#options.timers.after(STOP_MS, () => void thread.terminate());
    await this.#exited;
    limit.cancel();
  }

  #handOver(flush?: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const update = this.#thread && this.#options.origin.take();
    if (update === undefined && flush === undefined) return;
    const message = {
      kind: 'update',
      ...(update && { update }),
      ...(flush !== undefined && { flush }),
    } as const;
    this.#thread?.postMessage(message satisfies ToThread, update ? [update.blobs.buffer] : []);
  }

  /** Clusters are read, or lost, without anything being published. */
  #look(): void {
    const refusal = this.#options.origin.refusal();
    if (refusal !== this.#refusal) {
      this.#refusal = refusal;
      this.#handOver();
      this.#post({ kind: 'state', refusal });
      if (this.#wantsDigest) this.#post({ kind: 'digest' });
    }
    this.#looker = this.#options.timers.after(LOOK_MS, () => this.#look());
  }

  #post(message: ToThread): void {
    this.#thread?.postMessage(message);
  }

  #startThread(): void {
    const thread = new Worker(threadUrl(), {
      name: 'transfer',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    let cause: unknown;
    this.#thread = thread;
    thread.on('message', (message: FromThread) => this.#hear(message));
    thread.on('error', (error) => (cause = error));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    thread.on('exit', () => {
      this.#ended(cause);
      resolve();
    });
    this.#post({ kind: 'settings', settings: this.#settings });
    const update = this.#options.origin.everything();
    thread.postMessage({ kind: 'update', update } satisfies ToThread, [update.blobs.buffer]);
    this.#post({ kind: 'state', refusal: this.#refusal });
    if (this.#wantsDigest) this.#post({ kind: 'digest' });
    this.#onThread();
  }

  #ended(cause: unknown): void {
    this.#thread = undefined;
    if (this.#isStopped) return;
    const { log, timers } = this.#options;
    log.error({ code: 'TRANSFER_THREAD', error: cause }, 'the thread of transfers ended; another follows');
    this.#earlier = this.status;
    this.#status = NO_STATUS;
    this.#restart = timers.after(RESTART_MS, () => this.#startThread());
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case 'flush':
        return this.#handOver(message.number);
      case 'ahead':
        return this.#options.origin.raise(message.serial);
      case 'status':
        this.#status = message.status;
        return;
      case 'log':
        return this.#options.log[message.level](message.fields, message.message);
      // Whatever else comes is not ours: `node --watch` has each thread tell here which files it loads.
    }
  }
}

/** This module is TypeScript in the repository and JavaScript in the package. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
}

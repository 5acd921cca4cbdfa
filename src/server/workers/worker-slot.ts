/**
 * One worker's place: starts its thread, starts another with back-off when it dies, brings it new settings and ends
 * it. Sockets of the batch transport and the counters outlive the thread; who they belong to is the pool.
 */

import { type MessagePort, Worker } from 'node:worker_threads';
import type { ListenAddress } from '../../config/settings.ts';
import type { Log } from '../../log.ts';
import { releaseReader } from '../../zonebuilder/arena.ts';
import { describeFree, type Pinning } from '../linux/cpu-affinity.ts';
import type { ResponderSettings } from '../responder.ts';
import { niceness } from '../linux/thread-priority.ts';
import { Control, CONTROL_OCTETS, type FromWorker, type ToWorker } from './worker-protocol.ts';
import type { WorkerRole, WorkerStart } from './worker-protocol.ts';

/**
 * How soon a dead worker is followed by another: at once where it had lived long, for then it is no fault that comes with
 * every start; otherwise after a pause that doubles with every death.
 */
export interface RestartPauses {
  readonly firstMs: number;
  readonly maxMs: number;
  /** A worker that lived this long is replaced at once, and the deaths before it are forgotten. */
  readonly forgiveMs: number;
}

export const RESTART_PAUSES: RestartPauses = { firstMs: 100, maxMs: 10_000, forgiveMs: 60_000 };

/** How long a worker may take to drain before it is ended without, in milliseconds. */
const STOP_MS = 5000;

export interface WorkerSlotOptions {
  /** For log lines and debuggers, `udp-0`. */
  readonly name: string;
  readonly role: WorkerRole;
  readonly responderUrl: string | undefined;
  readonly settings: ResponderSettings;
  readonly pauses: RestartPauses;
  /** Called with each thread that has begun to serve, the first and those that follow it. */
  readonly onServing?: () => void;
  readonly log: Log;
}

/** Why a worker does not serve; `code` is an errno's name or `WORKER_DIED`. */
export class WorkerError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}

export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  readonly #control = new SharedArrayBuffer(CONTROL_OCTETS);
  readonly #words = new Int32Array(this.#control);
  /** Resolvers by number of the settings that they wait for. */
  readonly #adoptions = new Map<number, () => void>();
  /** Of the thread that makes the slot, before it yields to those that answer. */
  readonly #nice = niceness();
  #role: WorkerRole;
  #settings: ResponderSettings;
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #startedMs = 0;
  #deaths = 0;
  #restarts = 0;
  #pinning: Pinning | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
    this.#role = options.role;
    this.#settings = options.settings;
  }

  /** How often a thread was started in place of a dead one. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether a thread is there, serving or about to. */
  get isAlive(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether the newest thread keeps to the CPU of its role; undefined: it was given none. */
  get pinning(): Pinning | undefined {
    return this.#pinning;
  }

  /**
   * Starts the thread.
   *
   * @returns the addresses that it serves, with their real ports
   * @throws WorkerError when it dies or is refused an address before it serves
   */
  start(): Promise<ListenAddress[]> {
    const { name, responderUrl } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<ListenAddress[]>();
    const workerData: WorkerStart = {
      role: this.#role,
      ...(responderUrl !== undefined && { responderUrl }),
      control: this.#control,
      settings: this.#settings,
      nice: this.#nice,
    };
    const worker = new Worker(workerUrl(), { name, workerData, execArgv: [] });
    let cause: unknown;
    this.#worker = worker;
    this.#startedMs = performance.now();
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'serving') {
        resolve(this.#serving(message));
        this.#options.onServing?.();
      } else if (message.kind === 'refused') cause = new WorkerError(message.code, message.message);
      else if (message.kind === 'adopted') this.#adopted(message.number);
      else if (message.kind === 'fault') this.#options.log.warn({ worker: name }, message.message);
      else if (message.kind === 'notice') this.#options.log.info({ worker: name }, message.message);
      // Whatever else comes is not ours: `node --watch` has each thread tell here which files it loads.
    });
    worker.on('error', (error) => (cause = error));
    this.#exited = new Promise((ended) => {
      worker.once('exit', () => {
        this.#ended(cause, promise);
        reject(cause instanceof WorkerError ? cause : new WorkerError('WORKER_DIED', describe(name, cause)));
        ended();
      });
    });
    return promise;
  }

  /** Resolves once the thread reads these settings and no older ones. A dead thread reads none. */
  adopt(settings: ResponderSettings): Promise<void> {
    this.#settings = settings;
    if (this.#worker === undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const number = this.#words[Control.posted]! + 1;
    this.#adoptions.set(number, resolve);
    this.#post({ kind: 'adopt', number, settings });
    Atomics.store(this.#words, Control.posted, number);
    return promise;
  }

  /** Tells the thread of TCP where transfers are made. */
  connectTransfers(port: MessagePort): void {
    this.#worker?.postMessage({ kind: 'transfers', port } satisfies ToWorker, [port]);
  }

  /** Resolves once there is no thread; one that dies is followed by another, so only of use after {@link stop}. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** Lets the thread answer what waits, then ends it. */
  async stop(lingerMs = 0): Promise<void> {
    clearTimeout(this.#timer);
    Atomics.store(this.#words, Control.stop, 1);
    if (this.#worker === undefined) return;
    const worker = this.#worker;
    this.#post({ kind: 'stop', lingerMs });
    const timer = setTimeout(() => void worker.terminate(), STOP_MS + lingerMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** The next thread binds the ports that this one was given. */
  #serving({ listen, pinning }: FromWorker & { kind: 'serving' }): ListenAddress[] {
    this.#pinning = pinning;
    if (this.#role.kind === 'portable') this.#role = { ...this.#role, listen };
    if (this.#role.kind === 'tcp')
      this.#role = { ...this.#role, listen: listen.slice(0, this.#role.listen.length) };
    return [...listen];
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #adopted(upTo: number): void {
    for (const [number, resolve] of this.#adoptions) {
      if (number > upTo) continue;
      this.#adoptions.delete(number);
      resolve();
    }
  }

  #ended(cause: unknown, served: Promise<unknown>): void {
    this.#worker = undefined;
    releaseReader(this.#settings.image.control, this.#settings.reader);
    this.#adopted(Infinity);
    if (Atomics.load(this.#words, Control.stop) === 1) return;
    // Before it has served for the first time, whoever called start() decides.
    void served.then(
      () => this.#restartLater(cause),
      () => {},
    );
  }

  #restartLater(cause: unknown): void {
    const { pauses, log, name } = this.#options;
    const livedLong = performance.now() - this.#startedMs >= pauses.forgiveMs;
    const pauseMs = livedLong ? 0 : Math.min(pauses.maxMs, pauses.firstMs * 2 ** this.#deaths);
    this.#deaths = livedLong ? 0 : this.#deaths + 1;
    log.error({ worker: name, pauseMs, error: cause }, `${describe(name, cause)}; another follows`);
    this.#timer = setTimeout(() => this.#restart(), pauseMs);
  }

  #restart(): void {
    this.#restarts++;
    this.start().then(
      () => this.#warnWhenFree(),
      // A thread that fails to start counts as one more death.
      (error: unknown) => {
        if (Atomics.load(this.#words, Control.stop) === 0) this.#restartLater(error);
      },
    );
  }

  /** Of a first thread the pool says it, in one line for all workers. */
  #warnWhenFree(): void {
    const { log, name } = this.#options;
    if (this.#pinning?.kind === 'free') log.warn({ worker: name }, describeFree([this.#pinning]));
  }
}

function describe(name: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : 'no reason given';
  return `worker ${name} ended: ${reason}`;
}

/** The entry of a worker, beside this file, as source or as built. */
function workerUrl(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? './worker.ts' : './worker.js', here);
}

/**
 * The threads that answer over UDP: how many, on which sockets, with which settings. Owns sockets and counters, so
 * that both outlive a worker; a single worker's life is worker-slot.ts.
 *
 *   pool ─┬─ slot ── thread ── transport ── responder       sockets of one address share its port
 *         ├─ slot ── thread ── …                            (SO_REUSEPORT): a client stays with one
 */

import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { ListenAddress } from '../../config/settings.ts';
import type { Log } from '../../log.ts';
import { createCounterBlock } from '../counters-sum.ts';
import { allowedCpus, describeFree, type Pinning } from '../linux/cpu-affinity.ts';
import { createQueryRing, type RecordShares } from '../query-ring.ts';
import type { ResponderSettings } from '../responder.ts';
import { giveBack } from '../linux/linux.ts';
import { isDualStack, isWildcard } from '../socket-address.ts';
import { assertPortFree } from '../udp/portable.ts';
import { withoutSecrets } from '../signing/keys.ts';
import type { UdpSocket } from '../udp/socket.ts';
import { SocketLedger } from './socket-ledger.ts';
import type { UdpTransport } from './udp-transport.ts';
import type { TcpRole, WorkerRole } from './worker-protocol.ts';
import { RESTART_PAUSES, WorkerSlot, type RestartPauses } from './worker-slot.ts';

/** Workers at most: far more than a network card has queues, and within the readers that the image knows. */
export const WORKERS_MAX = 128;

/** Systems on which several sockets share a port and the kernel spreads clients over them. */
const REUSE_PORT_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'freebsd', 'sunos', 'aix']);

/** What all workers' settings have in common. */
export type SharedSettings = Omit<ResponderSettings, 'reader' | 'counters' | 'record'> & {
  /** Which queries are written down. Absent: none. */
  readonly shares?: RecordShares;
};

export interface WorkerPoolOptions {
  readonly transport: UdpTransport;
  readonly listen: readonly ListenAddress[];
  /** `auto`: as many as CPUs that the process may use. */
  readonly workers: number | 'auto';
  readonly settings: SharedSettings;
  /** Reader of the image that the first worker is; the others follow it. */
  readonly firstReader: number;
  /** Also answer over TCP on the same addresses, on a thread of its own. */
  readonly tcp?: TcpRole;
  /** URL of another module than ./answer.ts that exports `createResponder`; for tests. */
  readonly responderUrl?: string;
  /** Keep worker i on the i-th CPU that the process may use, from the first again when they run out. Default: false. */
  readonly pinWorkers?: boolean;
  readonly pauses?: RestartPauses;
  /** Where the batch transport has its sockets from, closed by whoever made it. Absent: one of the pool's own. */
  readonly ledger?: SocketLedger;
  readonly log: Log;
}

/** What the operator is shown of the pool. */
export interface PoolReport {
  readonly transport: 'batch' | 'portable';
  readonly why: string;
  readonly workers: number;
  readonly alive: number;
  readonly restarts: number;
  readonly listen: readonly ListenAddress[];
  /** Of each socket, as the kernel reports it; empty for the portable transport. */
  readonly receiveOctets: readonly number[];
  /** The CPU that each UDP worker keeps to, null where the system refused it; empty when they are not pinned. */
  readonly cpus: readonly (number | null)[];
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: WorkerSlot[] = [];
  readonly #counters: SharedArrayBuffer[] = [];
  /** Of each worker, once any query is to be written down. */
  readonly #rings: SharedArrayBuffer[] = [];
  readonly #sockets: UdpSocket[] = [];
  readonly #ledger: SocketLedger | undefined;
  #listen: readonly ListenAddress[];
  /** What the workers are spread over; empty: the scheduler decides. */
  #cpus: readonly number[] = [];
  #shared: SharedSettings;
  #tcp: WorkerSlot | undefined;
  #openTransfers: () => MessagePort | undefined = () => undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#shared = options.settings;
    this.#listen = options.listen;
    const { transport, ledger } = options;
    this.#ledger = transport.kind === 'batch' ? (ledger ?? new SocketLedger(transport.libc)) : undefined;
  }

  /** One block for each worker, as counters.ts lays it out. */
  get counters(): readonly SharedArrayBuffer[] {
    // Workers start side by side: one may have its block while another before it has none yet.
    return this.#counters.filter((block) => block !== undefined);
  }

  /** Where the workers leave the queries that are to be written down, see query-ring.ts. */
  get rings(): readonly SharedArrayBuffer[] {
    return this.#rings;
  }

  /**
   * Binds every address and starts the workers.
   *
   * @returns the addresses with their real ports
   * @throws ListenError or WorkerError naming the address that cannot be had; nothing is left running then
   */
  async start(): Promise<readonly ListenAddress[]> {
    const { transport } = this.#options;
    this.#cpus = this.#cpusToKeepTo();
    try {
      // The first one finds out the ports that the others share.
      this.#listen = await this.#startWorker(0);
      const { tcp } = this.#options;
      if (tcp !== undefined) await this.#startSlot(this.#workerCount(), this.#tcpRole(tcp));
      await this.#startSigners();
      const further = Array.from({ length: this.#workerCount() - 1 }, (_, i) => this.#startWorker(i + 1));
      for (const outcome of await Promise.allSettled(further)) {
        if (outcome.status === 'rejected') throw outcome.reason;
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#warnOfFree();
    const { transport: _t, why: _w, listen: _l, ...fields } = this.report();
    this.#options.log.info(fields, `UDP transport is ${transport.kind}: ${transport.why}`);
    return this.#listen;
  }

  /**
   * Resolves once every worker has switched to these settings. Where they bring an image in other memory, the pages of
   * the memory before it are given back then: its writer has left it too.
   */
  async adopt(settings: SharedSettings): Promise<void> {
    const before = this.#shared.image.arena;
    this.#shared = settings;
    // Told before anything is waited for: whoever finds the image before marked as left finds this one waiting.
    const adopted = this.#slots.map((slot, i) => slot.adopt(this.#settingsOf(i)));
    await Promise.all([this.#startSigners(), ...adopted]);
    const { transport } = this.#options;
    if (transport.kind === 'batch' && this.#shared.image.arena !== before) giveBack(transport.libc, before);
  }

  /**
   * Has what waits answered, ends the workers and closes the sockets.
   *
   * @param lingerMs - how long clients with a connection may go on asking, in milliseconds. Default: 0
   */
  async stop(lingerMs = 0): Promise<void> {
    const signers = this.#workerCount() + 1;
    await Promise.all(this.#slots.slice(0, signers).map((slot) => slot.stop(lingerMs)));
    // Behind those that answer, whose last queries may wait for a signature.
    await Promise.all(this.#slots.slice(signers).map((slot) => slot.stop()));
    if (this.#options.ledger === undefined) this.#ledger?.close();
  }

  /** Resolves once no UDP worker is left; those for connections may be. Begins nothing. */
  async udpStopped(): Promise<void> {
    await Promise.all(this.#slots.slice(0, this.#workerCount()).map((slot) => slot.exited));
  }

  report(): PoolReport {
    const { kind, why } = this.#options.transport;
    return {
      transport: kind,
      why,
      workers: this.#slots.length,
      alive: this.#slots.filter((slot) => slot.isAlive).length,
      restarts: this.#slots.reduce((sum, slot) => sum + slot.restarts, 0),
      listen: this.#listen,
      receiveOctets: this.#sockets.map((socket) => socket.receiveOctets),
      cpus: this.#pinnings().map((pinning) => (pinning.kind === 'kept' ? pinning.cpu : null)),
    };
  }

  /** Once there are keys to sign with, which a reload may bring. */
  async #startSigners(): Promise<void> {
    const { signing } = this.#shared;
    const first = this.#workerCount() + 1;
    if (signing === undefined || this.#slots.length > first) return;
    const sendsPackets = this.#options.transport.kind === 'batch';
    for (let i = 0; i < signing.signers; i++)
      await this.#startSlot(first + i, { kind: 'signer', sendsPackets });
  }

  /**
   * Says where transfers are made from now on.
   *
   * @param open - a way there for each thread of TCP; undefined: there is none at the moment
   */
  serveTransfers(open: () => MessagePort | undefined): void {
    this.#openTransfers = open;
    this.#connectTransfers();
  }

  #connectTransfers(): void {
    if (this.#tcp?.isAlive !== true) return;
    const port = this.#openTransfers();
    if (port !== undefined) this.#tcp.connectTransfers(port);
  }

  async #startWorker(i: number): Promise<ListenAddress[]> {
    return this.#startSlot(i, await this.#role(i));
  }

  #startSlot(i: number, role: WorkerRole): Promise<ListenAddress[]> {
    const { responderUrl, log, pauses = RESTART_PAUSES } = this.#options;
    this.#counters[i] = createCounterBlock();
    const slot = new WorkerSlot({
      name:
        role.kind === 'tcp'
          ? 'tcp'
          : role.kind === 'signer'
            ? `signer-${i - this.#workerCount()}`
            : `udp-${i}`,
      role,
      responderUrl,
      settings: this.#settingsOf(i),
      pauses,
      log,
      ...(role.kind === 'tcp' && { onServing: () => this.#connectTransfers() }),
    });
    if (role.kind === 'tcp') this.#tcp = slot;
    this.#slots[i] = slot;
    return slot.start();
  }

  #settingsOf(i: number): ResponderSettings {
    const { shares, signing, ...shared } = this.#shared;
    const isSigner = i > this.#workerCount();
    const record = shares && { shares, ring: (this.#rings[i] ??= createQueryRing()) };
    const reader = this.#options.firstReader + i;
    return {
      ...shared,
      ...(signing && { signing: isSigner ? signing : withoutSecrets(signing) }),
      reader,
      counters: this.#counters[i]!,
      ...(record && { record }),
    };
  }

  #workerCount(): number {
    const { workers, transport } = this.#options;
    if (transport.kind === 'portable' && !REUSE_PORT_PLATFORMS.has(process.platform)) return 1;
    return Math.min(WORKERS_MAX, workers === 'auto' ? availableParallelism() : workers);
  }

  async #role(i: number): Promise<WorkerRole> {
    const { transport } = this.#options;
    if (transport.kind === 'portable') return this.#portableRole(i);
    const sockets = this.#listen.map((listen) => this.#open(listen, i));
    // Of an empty list there is none.
    const cpu = this.#cpus[i % this.#cpus.length];
    return { kind: 'batch', sockets, ...(cpu !== undefined && { cpu }) };
  }

  #cpusToKeepTo(): readonly number[] {
    const { transport, pinWorkers = false, log } = this.#options;
    if (!pinWorkers) return [];
    if (transport.kind === 'portable') {
      log.warn({}, 'pinWorkers has no effect with the portable transport');
      return [];
    }
    const allowed = allowedCpus(transport.libc);
    if (allowed.kind === 'known') return allowed.cpus;
    const { code } = allowed;
    log.warn({ code }, `pinWorkers has no effect: the CPUs that the process may use are not known (${code})`);
    return [];
  }

  #pinnings(): readonly Pinning[] {
    return this.#slots.flatMap((slot) => slot.pinning ?? []);
  }

  /** In one line for all, since what keeps one worker from its CPU mostly keeps the others, too. */
  #warnOfFree(): void {
    const free = this.#pinnings().filter((pinning) => pinning.kind === 'free');
    if (free.length > 0) this.#options.log.warn({ cpus: free.map(({ cpu }) => cpu) }, describeFree(free));
  }

  async #portableRole(i: number): Promise<WorkerRole> {
    if (i === 0) for (const listen of this.#listen) await assertPortFree(listen);
    // Beside the socket of a wildcard address there is one for each address that it stands for.
    const isShared = this.#workerCount() > 1 || this.#listen.some(({ address }) => isWildcard(address));
    const reusePort = isShared && REUSE_PORT_PLATFORMS.has(process.platform);
    return { kind: 'portable', listen: this.#listen, reusePort };
  }

  #open(listen: ListenAddress, i: number): UdpSocket {
    const socket = this.#ledger!.udp({
      listen,
      dualStack: isDualStack(listen, this.#listen),
      payloadMax: this.#options.settings.udpPayloadMax,
      order: i === 0 ? 'first' : 'further',
    });
    this.#sockets.push(socket);
    return socket;
  }

  /** With sockets of the ledger, connections that wait outlive the thread. */
  #tcpRole(tcp: TcpRole): WorkerRole {
    const { tls } = tcp;
    const role = { kind: 'tcp', listen: this.#listen, ...tcp } as const;
    const ledger = this.#ledger;
    if (ledger === undefined) return role;
    const open = (use: 'tcp' | 'tls', all: readonly ListenAddress[]): number[] =>
      all.map((listen) => ledger.tcp(use, listen, isDualStack(listen, all)).fd);
    return { ...role, fds: [...open('tcp', this.#listen), ...open('tls', tls?.listen ?? [])] };
  }
}

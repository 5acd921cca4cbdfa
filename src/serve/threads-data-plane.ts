/** Owns how the data plane follows from the settings: which transport, how many threads, what they are told. */

import { hostname } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { Settings } from '../config/settings.ts';
import { EMPTY_POLICY, type QueryPolicy } from '../server/policy/policy.ts';
import { PolicyKeeper } from '../server/policy/policy-keeper.ts';
import type { ImageHandle } from '../server/responder.ts';
import { canLowerNiceness, listThreads, niceness, yieldToOthers } from '../server/linux/thread-priority.ts';
import { chooseTransport } from '../server/workers/udp-transport.ts';
import type { SocketLedger } from '../server/workers/socket-ledger.ts';
import { WorkerPool } from '../server/workers/worker-pool.ts';
import type { SigningSettings } from '../server/signing/settings.ts';
import type { SharedSettings } from '../server/workers/worker-pool.ts';
import type { TcpRole } from '../server/workers/worker-protocol.ts';
import type { SigningStatus } from '../admin/signing.ts';
import type { KeysInForce } from '../dnssec/keys-in-force.ts';
import type { Log } from '../log.ts';
import type { WritingStatus } from '../querylog/tally.ts';
import { QueryWriter } from '../querylog/writer/query-writer.ts';
import { systemTimers } from '../timers.ts';
import type { DataPlane, Listening } from './parts.ts';
import { apexOf } from './apex.ts';
import { SigningKeeper } from './signing-keeper.ts';
import { sharesOf, writingOrder } from './query-writing.ts';

/** The image's first reader is the first worker. */
const FIRST_READER = 0;

/** How long clients with a connection may go on asking a process that another one follows, in milliseconds. */
const CONNECTIONS_LINGER_MS = 3000;

export class ThreadsDataPlane implements DataPlane {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #policies: PolicyKeeper;
  readonly #queries: QueryWriter;
  readonly #version: string;
  readonly #ledger: SocketLedger | undefined;
  #image: ImageHandle;
  #shared: SharedSettings | undefined;
  #pool: WorkerPool | undefined;
  /** Where clients are, as far as anybody has found out. */
  #tables: SharedArrayBuffer | undefined;
  readonly #signers = new SigningKeeper();
  #signing: SigningSettings | undefined;
  #leaving: Promise<void> | undefined;

  /**
   * @param version - of fedns, as dnstap messages tell it
   * @param ledger - where sockets are had from; absent: they are opened and closed here
   */
  constructor(settings: Settings, image: ImageHandle, log: Log, version: string, ledger?: SocketLedger) {
    this.#settings = settings;
    this.#ledger = ledger;
    this.#image = image;
    this.#log = log;
    this.#version = version;
    this.#queries = new QueryWriter({ log, timers: systemTimers });
    this.#policies = new PolicyKeeper({
      hostName: hostname(),
      onFault: (error) => log.error({ code: error.code }, error.message),
    });
  }

  async start(): Promise<Listening> {
    const { listen, workers, pinWorkers } = this.#settings;
    const transport = await chooseTransport(this.#settings.transport);
    const policy = await this.#policies.adopt(this.#settings);
    this.#shared = this.#sharedSettings(this.#settings, policy);
    const controlPlane = listThreads();
    this.#pool = new WorkerPool({
      transport,
      listen,
      workers,
      pinWorkers,
      settings: this.#shared,
      firstReader: FIRST_READER,
      tcp: tcpRole(this.#settings),
      ...(this.#ledger && { ledger: this.#ledger }),
      log: this.#log,
    });
    const addresses = await this.#pool.start();
    this.#ledger?.leaveUnclaimed();
    // A process that was started by one that lets others go first would go back ever further from one to the next.
    if (canLowerNiceness() || niceness() <= 0) yieldToOthers(controlPlane);
    await this.#writeQueries(this.#settings);
    const { transport: kind, why, workers: threads } = this.#pool.report();
    return { addresses, transport: kind, reason: why, threads };
  }

  follow(image: ImageHandle): void {
    this.#image = image;
    if (this.#shared !== undefined) void this.#share({ ...this.#shared, image });
  }

  /** Workers that take up the same again have done with the batch before. */
  async settled(): Promise<void> {
    if (this.#shared !== undefined) await this.#share(this.#shared);
  }

  async locate(tables: SharedArrayBuffer): Promise<void> {
    this.#tables = tables;
    const shared = this.#shared;
    if (shared === undefined) return;
    const policy = shared.policy ?? EMPTY_POLICY;
    const geo = { trust: policy.geo?.trust ?? [], memory: tables };
    await this.#share({ ...shared, policy: { ...policy, geo } });
  }

  async prepare(settings: Settings): Promise<(image: ImageHandle) => Promise<void>> {
    const policy = await this.#policies.adopt(settings);
    return async (image) => {
      this.#image = image;
      await this.#share(this.#sharedSettings(settings, policy));
      await this.#writeQueries(settings);
    };
  }

  async sign(keys: KeysInForce | undefined, { dnssec }: Settings, notBeforeMs: number): Promise<void> {
    this.#signing = this.#signers.adopt(keys, dnssec, notBeforeMs);
    if (this.#shared === undefined) return;
    const { signing: _, ...shared } = this.#shared;
    await this.#share({ ...shared, ...(this.#signing && { signing: this.#signing }) });
  }

  signing(): SigningStatus | undefined {
    return this.#signers.status();
  }

  serveTransfers(open: () => MessagePort | undefined): void {
    this.#pool?.serveTransfers(open);
  }

  counters(): readonly SharedArrayBuffer[] {
    return this.#pool?.counters ?? [];
  }

  queries(): WritingStatus {
    return this.#queries.status();
  }

  async leave(): Promise<void> {
    this.#leaving ??= this.#pool?.stop(CONNECTIONS_LINGER_MS);
    await this.#pool?.udpStopped();
  }

  async stop(): Promise<void> {
    await (this.#leaving ?? this.#pool?.stop());
    await this.#queries.stop();
    this.#policies.stop();
  }

  #sharedSettings(settings: Settings, policy: QueryPolicy): SharedSettings {
    const { udpPayloadMax, ecs } = settings;
    const memory = this.#tables;
    const geo = { trust: ecs.trust, ...(memory !== undefined && { memory }) };
    const shares = sharesOf(settings);
    return {
      image: this.#image,
      apex: apexOf(settings),
      udpPayloadMax,
      policy: { ...policy, geo },
      ...(shares && { shares }),
      ...(this.#signing && { signing: this.#signing }),
    };
  }

  /** To be called once the workers have their rings. */
  #writeQueries(settings: Settings): Promise<void> {
    return this.#queries.adopt(this.#pool!.rings, writingOrder(settings, this.#version));
  }

  /** Workers adopt between two batches; a dead one gets the newest settings when it is replaced. */
  async #share(shared: SharedSettings): Promise<void> {
    this.#shared = shared;
    await this.#pool?.adopt(shared);
  }
}

function tcpRole({ tcp, tls }: Settings): TcpRole {
  const { connections, connectionsPerClient, idleSeconds } = tcp;
  return {
    limits: { connections, connectionsPerClient, idleMs: idleSeconds * 1000 },
    ...(tls && { tls: { listen: tls.listen, files: { certificate: tls.certificate, key: tls.key } } }),
  };
}

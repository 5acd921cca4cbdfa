/** Owns how the data plane follows from the settings: which transport, how many threads, what they are told. */

import { hostname } from 'node:os';
import type { Settings } from '../config/settings.ts';
import { EMPTY_POLICY, type QueryPolicy } from '../server/policy/policy.ts';
import { PolicyKeeper } from '../server/policy/policy-keeper.ts';
import type { ImageHandle } from '../server/responder.ts';
import { listThreads, yieldToOthers } from '../server/linux/thread-priority.ts';
import { chooseTransport } from '../server/workers/udp-transport.ts';
import { WorkerPool } from '../server/workers/worker-pool.ts';
import type { SharedSettings } from '../server/workers/worker-pool.ts';
import type { TcpRole } from '../server/workers/worker-protocol.ts';
import type { Log } from '../log.ts';
import type { DataPlane, Listening } from './parts.ts';
import { apexOf } from './apex.ts';

/** The image's first reader is the first worker. */
const FIRST_READER = 0;

export class ThreadsDataPlane implements DataPlane {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #policies: PolicyKeeper;
  #image: ImageHandle;
  #shared: SharedSettings | undefined;
  #pool: WorkerPool | undefined;
  /** Where clients are, as far as anybody has found out. */
  #tables: SharedArrayBuffer | undefined;

  constructor(settings: Settings, image: ImageHandle, log: Log) {
    this.#settings = settings;
    this.#image = image;
    this.#log = log;
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
      log: this.#log,
    });
    const addresses = await this.#pool.start();
    yieldToOthers(controlPlane);
    const { transport: kind, why, workers: threads } = this.#pool.report();
    return { addresses, transport: kind, reason: why, threads };
  }

  follow(image: ImageHandle): void {
    this.#image = image;
    if (this.#shared !== undefined) void this.#share({ ...this.#shared, image });
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
    return (image) => {
      this.#image = image;
      return this.#share(this.#sharedSettings(settings, policy));
    };
  }

  counters(): readonly SharedArrayBuffer[] {
    return this.#pool?.counters ?? [];
  }

  async stop(): Promise<void> {
    await this.#pool?.stop();
    this.#policies.stop();
  }

  #sharedSettings(settings: Settings, policy: QueryPolicy): SharedSettings {
    const { udpPayloadMax, ecs } = settings;
    const memory = this.#tables;
    const geo = { trust: ecs.trust, ...(memory !== undefined && { memory }) };
    return { image: this.#image, apex: apexOf(settings), udpPayloadMax, policy: { ...policy, geo } };
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

/**
 * The drains that all replicas share: one ConfigMap, watched for ever and changed with its resource version, so that two orders
 * at a time do not undo each other. While it cannot be read, or is not understood, what it said last is in force. A ConfigMap that
 * is not there says that nothing is drained.
 */

import type { Clock, Log } from '../../log.ts';
import type { Random, Timers } from '../../timers.ts';
import { ApiClient, type RequestLimits } from '../../watchers/api/api-client.ts';
import { ListWatch } from '../../watchers/api/list-watch.ts';
import { ApiError } from '../../watchers/api-error.ts';
import type { Credentials } from '../../watchers/credentials/credentials.ts';
import type { Drain } from '../drains/drain.ts';
import type { SharedDrains, SharedStatus } from '../drains/drains.ts';
import { type ConfigMap, drainResource, type DrainObject, readObject, withDrains } from './drain-object.ts';

/** Kubernetes refuses ConfigMaps of more than a megabyte; in JSON they grow. */
const OCTETS_MAX = 4 * 1024 * 1024;
/** Time for one exchange: somebody waits for their order. */
const LIMITS: RequestLimits = { headersMs: 10_000, idleMs: 10_000 };
/** Times that a change is tried where others change the object, too: people, and as many replicas as there are. */
const ATTEMPTS_MAX = 8;

export interface SharedDrainsOptions {
  readonly namespace: string;
  readonly name: string;
  /** Closed by {@link ConfigMapDrains.stop}. */
  readonly credentials: Credentials;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

export class ConfigMapDrains implements SharedDrains {
  readonly #options: SharedDrainsOptions;
  readonly #client: ApiClient;
  readonly #loop: ListWatch<DrainObject>;
  readonly #stopped = new AbortController();
  #onDrains: (drains: readonly Drain[]) => void = () => {};
  /** What was taken in last. */
  #seen: Pick<DrainObject, 'uid' | 'resourceVersion'> | undefined;
  #fault: string | undefined;
  #trouble: string | undefined;
  #sinceMs: number | undefined;

  constructor(options: SharedDrainsOptions) {
    const { namespace, name, credentials, timers, clock, random } = options;
    this.#options = options;
    this.#client = new ApiClient({
      credentials,
      timers,
      userAgent: 'fedns',
      onServer: () => this.#loop.resync(),
    });
    this.#loop = new ListWatch({
      resource: drainResource(namespace, name, clock),
      client: this.#client,
      objectOctetsMax: OCTETS_MAX,
      objectsMax: 1,
      timers,
      clock,
      random,
      onList: ({ objects }) => this.#replace(objects[0]),
      onChange: (type, object) => this.#change(type === 'DELETED' ? undefined : object),
      onState: () => this.#noteTrouble(),
    });
  }

  get #where(): string {
    return `ConfigMap ${this.#options.namespace}/${this.#options.name}`;
  }

  start(onDrains: (drains: readonly Drain[]) => void): void {
    this.#onDrains = onDrains;
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#options.credentials.close();
    this.#client.close();
    await this.#loop.stop();
  }

  status(): SharedStatus {
    const [trouble, fault, sinceMs] = [this.#trouble, this.#fault, this.#sinceMs];
    return {
      where: this.#where,
      ...(trouble !== undefined && { trouble }),
      ...(fault !== undefined && { fault }),
      ...(sinceMs !== undefined && { sinceMs }),
    };
  }

  async change(edit: (drains: readonly Drain[]) => readonly Drain[]): Promise<readonly Drain[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#changeOnce(edit);
      } catch (error) {
        const isConflict = error instanceof ApiError && error.status === 409;
        if (!isConflict || attempt === ATTEMPTS_MAX)
          throw new Error(`${this.#where} cannot be written: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async #changeOnce(edit: (drains: readonly Drain[]) => readonly Drain[]): Promise<readonly Drain[]> {
    const { namespace, name, clock } = this.#options;
    const folder = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
    const path = `${folder}/${encodeURIComponent(name)}`;
    const before = await this.#read(path);
    const content = before === undefined ? { drains: [] } : readObject(before, clock()).content;
    if ('fault' in content) throw new Error(`what it says is not understood: ${content.fault}`);
    const body = JSON.stringify(withDrains(before, { namespace, name }, edit(content.drains)));
    const { signal } = this.#stopped;
    const text =
      before === undefined
        ? await this.#client.write({ method: 'POST', body }, folder, LIMITS, signal, OCTETS_MAX)
        : await this.#client.write({ method: 'PUT', body }, path, LIMITS, signal, OCTETS_MAX);
    const after = readObject(JSON.parse(text), clock());
    if ('fault' in after.content)
      throw new Error(`what was written is not understood: ${after.content.fault}`);
    this.#seen = after;
    this.#setFault(undefined);
    return after.content.drains;
  }

  async #read(path: string): Promise<ConfigMap | undefined> {
    try {
      const { signal } = this.#stopped;
      const text = await this.#client.getText(path, 'application/json', LIMITS, signal, OCTETS_MAX);
      return JSON.parse(text) as ConfigMap;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** A list is the truth, also after the server has gone back in time. */
  #replace(object: DrainObject | undefined): void {
    this.#seen = object;
    this.#take(object);
  }

  /** A watch may tell of what was before an order that this server has given meanwhile. */
  #change(object: DrainObject | undefined): void {
    if (object !== undefined && isOlder(object, this.#seen)) return;
    this.#replace(object);
  }

  #take(object: DrainObject | undefined): void {
    const content = object?.content ?? { drains: [] };
    this.#setFault('fault' in content ? content.fault : undefined);
    if ('drains' in content) this.#onDrains(content.drains);
  }

  #setFault(fault: string | undefined): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#noteSince();
    const { log } = this.#options;
    const where = this.#where;
    if (fault === undefined) log.info({ where }, 'the shared drains are understood again');
    else
      log.warn(
        { code: 'DRAINS_NOT_UNDERSTOOD', where, reason: fault },
        'the shared drains are not understood: what was there before is in force',
      );
  }

  /** Says what changed about the trouble, not that it lasts. */
  #noteTrouble(): void {
    const { failingSinceMs, lastError } = this.#loop.state;
    const trouble = failingSinceMs === undefined ? undefined : lastError?.message;
    if (trouble === this.#trouble) return;
    const hadTrouble = this.#trouble !== undefined;
    this.#trouble = trouble;
    this.#noteSince();
    const { log } = this.#options;
    const where = this.#where;
    if (trouble !== undefined)
      log.warn(
        { where, reason: trouble },
        'the shared drains cannot be read: what was read last is in force',
      );
    else if (hadTrouble) log.info({ where }, 'the shared drains are read again');
  }

  #noteSince(): void {
    const isWell = this.#fault === undefined && this.#trouble === undefined;
    this.#sinceMs = isWell ? undefined : (this.#sinceMs ?? this.#options.clock());
  }
}

/** Resource versions of one object are numbers that grow (KEP-5504); of what is none, nothing is known. */
function isOlder(
  { uid, resourceVersion }: DrainObject,
  seen: Pick<DrainObject, 'uid' | 'resourceVersion'> | undefined,
): boolean {
  if (seen === undefined || seen.uid !== uid) return false;
  const [a, b] = [resourceVersion, seen.resourceVersion];
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return false;
  return BigInt(a) < BigInt(b);
}

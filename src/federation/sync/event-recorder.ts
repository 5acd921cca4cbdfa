/**
 * Records Events at the federation endpoint, and nowhere else. A trouble is told again only when it says something else, or
 * after a while. Events are a courtesy: where there are too many, some are left out and counted.
 */

import type { Clock } from '../../log.ts';
import type { ObjectClient } from '../api/object-client.ts';
import { apiVersionOf, type ResourceType } from '../api/object.ts';
import type { Federated } from './federated.ts';

/** Events that wait to be written. */
const WAITING_MAX = 5000;
/** Requests at a time: conditions and finalizers go first. */
const PARALLEL = 2;
/** The same is not told again within this time, in milliseconds. */
const REPEAT_MS = 600_000;
/** Events that are remembered for that. */
const REMEMBERED_MAX = 20_000;
/** The API takes 1024 characters. */
const MESSAGE_MAX = 1000;
/** Where Events about objects of the cluster stand. */
const CLUSTER_NAMESPACE = 'default';

const EVENT: ResourceType = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

export interface Told {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export class EventRecorder {
  readonly #objects: Pick<ObjectClient, 'create'>;
  readonly #clock: Clock;
  readonly #waiting: object[] = [];
  /** When each was told, oldest first. */
  readonly #told = new Map<string, number>();
  #running = 0;
  #isStopped = false;
  #lost = 0;

  constructor(objects: Pick<ObjectClient, 'create'>, clock: Clock) {
    this.#objects = objects;
    this.#clock = clock;
  }

  /** Events that were left out, or that the endpoint did not take. */
  get lost(): number {
    return this.#lost;
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
  }

  record(about: Federated, told: Told): void {
    if (this.#isStopped || this.#isRepeated(about, told)) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#lost++;
      return;
    }
    this.#waiting.push(eventOf(about, told, this.#clock()));
    if (this.#running < PARALLEL) void this.#write();
  }

  async #write(): Promise<void> {
    this.#running++;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      const { namespace } = (event as { metadata: { namespace: string } }).metadata;
      const { ok } = await this.#objects.create(EVENT, event, { namespace });
      if (!ok) this.#lost++;
    }
    this.#running--;
  }

  #isRepeated({ object }: Federated, { type, reason, message }: Told): boolean {
    if (type === 'Normal') return false;
    const key = `${object.metadata.uid} ${reason} ${message}`;
    const nowMs = this.#clock();
    const beforeMs = this.#told.get(key);
    if (beforeMs !== undefined && nowMs - beforeMs < REPEAT_MS) return true;
    this.#told.delete(key);
    this.#told.set(key, nowMs);
    const [oldest] = this.#told.keys();
    if (this.#told.size > REMEMBERED_MAX && oldest !== undefined) this.#told.delete(oldest);
    return false;
  }
}

function eventOf({ kind, object }: Federated, { type, reason, message }: Told, nowMs: number): object {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${name}.`, namespace: namespace ?? CLUSTER_NAMESPACE },
    involvedObject: {
      apiVersion: apiVersionOf(kind.type),
      kind: kind.type.kind,
      name,
      namespace,
      uid,
      resourceVersion,
    },
    type,
    reason,
    message: message.slice(0, MESSAGE_MAX),
    source: { component: 'fedns-federate' },
    reportingComponent: 'fedns-federate',
    reportingInstance: 'fedns-federate',
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/**
 * Which of several replicas is the active one: who holds a Lease (coordination.k8s.io) in the host. A holder that could not
 * renew it stops before anybody else may take it, and cuts off whatever it has under way; one that was killed is followed
 * within {@link LEASE_MS} and one round, which is below 15 s. Times are this process' own: the clocks of two machines are never compared.
 */

import type { Clock, Log } from '../../log.ts';
import { pause, type Random, type Timer, type Timers } from '../../timers.ts';
import type { Failure, Outcome } from '../api/failure.ts';
import type { ObjectClient } from '../api/object-client.ts';
import type { KubeObject, ObjectRef } from '../api/object.ts';

/** A Lease that has not changed for so long is free, in milliseconds. */
export const LEASE_MS = 11_000;
/** A holder acts for so long after the beginning of its last renewal that succeeded. What it has sent may take the rest. */
export const ACTIVE_MS = 9_000;
/** Between two rounds, in milliseconds: a holder has five in which to renew, and news of the Lease is noticed within one. */
export const ROUND_MS = 1_500;

/** Longest that one round waits for the host: a request that hangs must leave time for another. */
const ROUND_MS_MAX = 4_000;

/** What a holder writes on its Lease, and what it reads there. */
export type Annotations = Readonly<Record<string, string>>;

export interface LeadershipOptions {
  /** Of the host; a signal that aborts ends what is under way. */
  readonly objects: (signal: AbortSignal) => ObjectClient;
  readonly namespace: string;
  readonly name: string;
  /** Of this process and no other, also not of an earlier one. */
  readonly identity: string;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onLead: () => void;
  /** Must end at once whatever acts; the promise is waited for before the Lease is asked for again. */
  readonly onLose: () => Promise<void>;
  /** The annotations that are to stand on the Lease, by those that do. Called while this process holds it. */
  readonly annotate?: (found: Annotations) => Annotations;
}

interface Seen {
  readonly version: string;
  /** When this process saw it first. */
  readonly sinceMs: number;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #stopped = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #seen: Seen | undefined;
  #isLeader = false;
  /** For the round under way. */
  #objects!: ObjectClient;
  /** The Lease as this process has written it. */
  #held: KubeObject | undefined;
  #deadline: Timer | undefined;
  #ending: Promise<void> = Promise.resolve();
  #trouble: string | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Why the Lease could not be read or written in the last round. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Gives the Lease back, so that another need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
    const wasLeader = this.#isLeader;
    this.#lose();
    await this.#ending;
    if (wasLeader) await this.#giveBack();
  }

  async #run(): Promise<void> {
    const { timers, random } = this.#options;
    while (!this.#stopped.signal.aborted) {
      await this.#round();
      await pause(
        timers,
        Math.min(ROUND_MS * (0.9 + random() / 5), this.#untilFreeMs()),
        this.#stopped.signal,
      );
    }
  }

  /** One that waits for the end of a Lease looks at the very moment. */
  #untilFreeMs(): number {
    if (this.#isLeader || this.#seen === undefined) return Infinity;
    const leftMs = this.#seen.sinceMs + LEASE_MS - this.#options.timers.now();
    return leftMs > 0 ? leftMs : Infinity;
  }

  async #round(): Promise<void> {
    const { timers, objects } = this.#options;
    await this.#ending;
    const late = new AbortController();
    const timer = timers.after(ROUND_MS_MAX, () => late.abort());
    this.#objects = objects(late.signal);
    await this.#look(this.#objects);
    timer.cancel();
  }

  async #look(objects: ObjectClient): Promise<void> {
    const { timers } = this.#options;
    const startMs = timers.now();
    // What this process has written last is not read again, as long as nobody else writes there.
    if (this.#isLeader && this.#held !== undefined) {
      const renewed = await this.#renew(this.#held, startMs);
      if (renewed?.ok === true) return this.#hold(startMs, renewed.value);
      this.#held = undefined;
      if (renewed?.failure.cause !== 'changed') return this.#note(renewed?.failure);
    }
    const found = await objects.get(this.#ref());
    const written = found.ok ? await this.#renew(found.value, startMs) : await this.#begin(found.failure);
    if (written === undefined) return;
    this.#note(written.ok ? undefined : written.failure);
    if (written.ok) this.#hold(startMs, written.value);
  }

  /** There is none yet: whoever makes it holds it. */
  async #begin(failure: Failure): Promise<Outcome<KubeObject> | undefined> {
    if (failure.cause !== 'absent') {
      this.#note(failure);
      return undefined;
    }
    return this.#objects.create(this.#ref().type, this.#lease({}, 0), { namespace: this.#options.namespace });
  }

  /** @returns undefined: it is another's */
  async #renew(found: KubeObject, startMs: number): Promise<Outcome<KubeObject> | undefined> {
    const { identity, annotate } = this.#options;
    const spec = (found['spec'] ?? {}) as { holderIdentity?: string; leaseTransitions?: number };
    const isMine = spec.holderIdentity === identity;
    if (!isMine && this.#isLeader) this.#lose();
    if (!isMine && !this.#isFree(found, spec.holderIdentity, startMs)) {
      this.#note(undefined);
      return undefined;
    }
    const annotations = found.metadata.annotations ?? {};
    const transitions = (spec.leaseTransitions ?? 0) + (isMine ? 0 : 1);
    const lease = this.#lease(isMine && annotate ? annotate(annotations) : annotations, transitions);
    // Only over the version that was looked at: of two that try, one succeeds.
    const { resourceVersion, uid } = found.metadata;
    return this.#objects.replace(this.#ref(), {
      ...lease,
      metadata: { ...lease.metadata, resourceVersion, uid },
    });
  }

  #isFree(
    { metadata: { resourceVersion = '' } }: KubeObject,
    holder: string | undefined,
    nowMs: number,
  ): boolean {
    if (this.#seen?.version !== resourceVersion) this.#seen = { version: resourceVersion, sinceMs: nowMs };
    if (holder === undefined || holder === '') return true;
    return nowMs - this.#seen.sinceMs >= LEASE_MS;
  }

  #hold(startMs: number, lease: KubeObject): void {
    const { timers, log, onLead, identity } = this.#options;
    const leftMs = startMs + ACTIVE_MS - timers.now();
    // It took so long that it may be another's by now.
    if (leftMs <= 0) return;
    this.#seen = { version: lease.metadata.resourceVersion ?? '', sinceMs: startMs };
    this.#held = lease;
    this.#note(undefined);
    this.#deadline?.cancel();
    this.#deadline = timers.after(leftMs, () => this.#lose());
    if (this.#isLeader || this.#stopped.signal.aborted) return;
    this.#isLeader = true;
    log.info({ identity }, 'this replica is the active one');
    onLead();
  }

  #lose(): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
    if (!this.#isLeader) return;
    this.#isLeader = false;
    this.#held = undefined;
    const { log, onLose, identity } = this.#options;
    if (!this.#stopped.signal.aborted)
      log.warn({ identity, reason: this.#trouble }, 'this replica is no longer the active one');
    this.#ending = onLose();
  }

  async #giveBack(): Promise<void> {
    const { identity } = this.#options;
    const objects = this.#options.objects(new AbortController().signal);
    const found = await objects.get(this.#ref());
    if (!found.ok || (found.value['spec'] as { holderIdentity?: string })?.holderIdentity !== identity)
      return;
    const spec = { ...(found.value['spec'] as object), holderIdentity: undefined };
    await objects.replace(this.#ref(), { ...found.value, spec });
  }

  #note(failure: Failure | undefined): void {
    const trouble = failure === undefined || failure.cause === 'changed' ? undefined : failure.message;
    if (trouble !== undefined && trouble !== this.#trouble)
      this.#options.log.warn(
        { reason: trouble },
        'the Lease of the active replica cannot be read or written',
      );
    this.#trouble = trouble;
  }

  #ref(): ObjectRef {
    const { namespace, name } = this.#options;
    return { type: LEASE, namespace, name };
  }

  #lease(annotations: Annotations, leaseTransitions: number): KubeObject {
    const { namespace, name, identity, clock } = this.#options;
    const renewTime = new Date(clock()).toISOString().replace('Z', '000Z');
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace, annotations },
      spec: { holderIdentity: identity, leaseDurationSeconds: LEASE_MS / 1000, renewTime, leaseTransitions },
    };
  }
}

export const LEASE = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
} as const;

/**
 * Keeps the status of the host's Clusters: what `kubectl get clusters` shows. Runs inside `fedns federate`, in the replica that is
 * active. Each member is looked at by itself (member-probe.ts); what is news is written at once, and that it was looked at once
 * in a minute. A Cluster without credentials is told so.
 */

import type { Clock, Log } from '../../log.ts';
import { pause, type Random, type Timers } from '../../timers.ts';
import type { Credentials } from '../../watchers/credentials/credentials.ts';
import type { ObjectClient } from '../api/object-client.ts';
import { saysSame, statusOf } from './cluster-status.ts';
import { CLUSTER, type ClusterObject, type ClusterStatus } from './cluster-type.ts';
import type { Placement } from './member-objects.ts';
import { MemberProbe, type ProbeOptions } from './member-probe.ts';

/** Time between two looks at what is to be written. */
const TICK_MS = 5_000;
/** Time after which a status is written though it says nothing new: Federation v1 did so every 40 s. */
const HEARTBEAT_MS = 60_000;

export interface StatusKeeperOptions {
  /** Of the host, where the Clusters are. Not closed here. */
  readonly objects: Pick<ObjectClient, 'list' | 'merge'>;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Log, 'warn'>;
  /** Default: over the network. */
  readonly openProbe?: (options: ProbeOptions) => Probe;
}

/** What looks at one member. */
export type Probe = Pick<MemberProbe, 'start' | 'stop' | 'seen'>;

/** A member as the keeper is told of it. */
export interface KeptMember extends Placement {
  readonly name: string;
}

interface Kept {
  readonly probe: Probe;
  uid?: string;
}

interface Written {
  readonly status: ClusterStatus;
  /** On the monotonic clock. */
  readonly atMs: number;
}

export class StatusKeeper {
  readonly #options: StatusKeeperOptions;
  readonly #stopped = new AbortController();
  readonly #members = new Map<string, Kept>();
  /** What stands in the host, as far as this keeper has written it. */
  readonly #written = new Map<string, Written>();
  #wake = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  readonly #startedMs: number;
  #listedMs = -Infinity;
  #joinedMs = -Infinity;
  #trouble: string | undefined;

  constructor(options: StatusKeeperOptions) {
    this.#options = options;
    this.#startedMs = options.timers.now();
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Leaves no timer and no socket behind, and the statuses as they stand. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake.abort();
    const probes = [...this.#members.values()].map(({ probe }) => probe.stop());
    this.#members.clear();
    await Promise.all([this.#loop, ...probes]);
  }

  /** @param credentials - of the member, closed by whoever made them */
  join(member: KeptMember, credentials: Credentials): void {
    const { name, region, zones } = member;
    const { timers, clock, random, openProbe = openOverNetwork } = this.#options;
    const isGiven = zones !== undefined && zones.length > 0;
    const probe = openProbe({
      placement: { ...(region !== undefined && { region }), ...(isGiven && { zones }) },
      credentials,
      uid: () => this.#members.get(name)?.uid,
      onChange: () => this.#wake.abort(),
      timers,
      clock,
      random,
    });
    void this.#members.get(name)?.probe.stop();
    this.#members.set(name, { probe });
    this.#joinedMs = timers.now();
    probe.start();
    this.#wake.abort();
  }

  leave(name: string): void {
    void this.#members.get(name)?.probe.stop();
    this.#members.delete(name);
    this.#written.delete(name);
  }

  async #run(): Promise<void> {
    const { timers } = this.#options;
    while (!this.#stopped.signal.aborted) {
      this.#wake = new AbortController();
      await this.#round();
      await pause(timers, TICK_MS, this.#wake.signal);
    }
  }

  async #round(): Promise<void> {
    if (this.#options.timers.now() - this.#listedMs >= this.#listEveryMs) await this.#readClusters();
    for (const name of this.#written.keys()) {
      if (this.#stopped.signal.aborted) return;
      await this.#write(name);
    }
  }

  /** `fedns join` makes the Cluster after the Secret: the one of a member that has just joined is looked for. */
  get #listEveryMs(): number {
    const isMissing = [...this.#members.keys()].some((name) => !this.#written.has(name));
    const isNew = this.#options.timers.now() - this.#joinedMs < HEARTBEAT_MS;
    return isMissing && isNew ? TICK_MS : HEARTBEAT_MS;
  }

  /** A Cluster that is not there, since its Secret was made by hand, is nobody's trouble. */
  async #readClusters(): Promise<void> {
    const { objects, timers, log } = this.#options;
    const listed = await objects.list(CLUSTER);
    if (this.#stopped.signal.aborted) return;
    const isAbsent = !listed.ok && listed.failure.cause === 'kindAbsent';
    const trouble = listed.ok || isAbsent ? undefined : listed.failure.message;
    if (trouble !== undefined && trouble !== this.#trouble)
      log.warn({ reason: trouble }, 'the Clusters of the host cannot be read: their status stays as it was');
    this.#trouble = trouble;
    if (trouble !== undefined) return;
    this.#listedMs = timers.now();
    this.#take(listed.ok ? (listed.value.items as readonly ClusterObject[]) : []);
  }

  #take(clusters: readonly ClusterObject[]): void {
    const names = new Set(clusters.map(({ metadata }) => metadata.name));
    for (const name of this.#written.keys()) if (!names.has(name)) this.#written.delete(name);
    for (const { metadata, spec, status } of clusters) {
      const member = this.#members.get(metadata.name);
      if (member !== undefined) member.uid = spec.uid;
      if (this.#written.has(metadata.name)) continue;
      this.#written.set(metadata.name, { status: status ?? NOTHING, atMs: -Infinity });
    }
  }

  async #write(name: string): Promise<void> {
    const { objects, timers, clock } = this.#options;
    const before = this.#written.get(name);
    if (before === undefined) return;
    const seen = this.#members.get(name)?.probe.seen() ?? this.#withoutSecret();
    // Nothing is written of what nobody has looked at yet: what stands there is better.
    if (seen === undefined || seen.health === 'unknown') return;
    const status = statusOf(before.status, seen, clock());
    if (saysSame(status, before.status) && timers.now() - before.atMs < HEARTBEAT_MS) return;
    const outcome = await objects.merge({ type: CLUSTER, name }, { status }, { subresource: 'status' });
    if (outcome.ok) this.#written.set(name, { status, atMs: timers.now() });
    else this.#noteRefusal(name, outcome.failure.message, outcome.failure.cause === 'absent');
  }

  /** Members are told of after the Secrets have been listed: before that nobody knows that there is none. */
  #withoutSecret(): { readonly health: 'noSecret' } | undefined {
    return this.#startedLongAgo ? { health: 'noSecret' } : undefined;
  }

  get #startedLongAgo(): boolean {
    return this.#options.timers.now() - this.#startedMs >= HEARTBEAT_MS;
  }

  #noteRefusal(name: string, message: string, isGone: boolean): void {
    if (isGone) {
      this.#written.delete(name);
      return;
    }
    if (this.#trouble === message) return;
    this.#trouble = message;
    this.#options.log.warn({ cluster: name, reason: message }, 'the status of a Cluster cannot be written');
  }
}

function openOverNetwork(options: ProbeOptions): Probe {
  return new MemberProbe(options);
}

const NOTHING: ClusterStatus = { phase: 'Unknown', conditions: [] };

/**
 * Decides, over all clusters together, what an outage does to a cluster's facts: held at first, withdrawn after a
 * grace period, and held on when so many clusters are out of reach at once that fedns must be the isolated one.
 * Whether a cluster is in contact is found out elsewhere (cluster-health.ts).
 *
 * ```
 *   pending ──contact──► available ◄──contact── held ──grace──► withdrawn ──contact──► available
 *      └──grace──► withdrawn          lost ──► held         no ──grace──► while isolated
 * ```
 */

import type { ClusterStatus } from '../../zonebuilder/facts.ts';
import type { ClusterSource } from '../source.ts';
import type { Timer, Timers } from '../../timers.ts';

/** The `outage` settings. */
export interface OutageLimits {
  /** How long the facts of a cluster out of contact count, in seconds. */
  readonly graceSeconds: number;
  /** Fraction of all clusters; when more are out of contact at once, nothing is withdrawn. */
  readonly failStaticAbove: number;
}

export interface OutageOptions extends OutageLimits {
  readonly timers: Timers;
  /** Called when the isolation begins and ends. */
  readonly onIsolation?: (isolated: boolean, outOfContact: number, clusters: number) => void;
}

interface Member {
  status: ClusterStatus;
  /** On the monotonic clock; undefined: in contact. */
  lostSinceMs: number | undefined;
  readonly onStatus: (status: ClusterStatus) => void;
}

export class OutageGovernor {
  readonly #timers: Timers;
  readonly #onIsolation: OutageOptions['onIsolation'];
  #limits: OutageLimits;
  readonly #members = new Map<string, Member>();
  #isolated = false;
  /** When the last isolation ended: from then on, grace periods run anew. */
  #reunitedMs = -Infinity;
  #timer: Timer | undefined;

  constructor(options: OutageOptions) {
    this.#timers = options.timers;
    this.#onIsolation = options.onIsolation;
    this.#limits = options;
  }

  /** Takes other settings, for all clusters at once. */
  configure(limits: OutageLimits): void {
    this.#limits = limits;
    this.#judge();
  }

  /** Whether fedns takes itself to be cut off from its clusters. */
  get isolated(): boolean {
    return this.#isolated;
  }

  /**
   * Adds a cluster, by default out of contact until {@link contact}. Every cluster is to be added, also those read from files:
   * the fraction is one of all clusters.
   *
   * @param onStatus - called for every change of status after this call
   * @param inContact - the cluster is in contact from the start, as files always are
   */
  join(name: string, onStatus: (status: ClusterStatus) => void, inContact = false): void {
    const lostSinceMs = inContact ? undefined : this.#timers.now();
    this.#members.set(name, { status: inContact ? 'available' : 'pending', lostSinceMs, onStatus });
    this.#judge();
  }

  leave(name: string): void {
    this.#members.delete(name);
    this.#judge();
  }

  status(name: string): ClusterStatus | undefined {
    return this.#members.get(name)?.status;
  }

  /** The cluster is in contact and its facts are complete. */
  contact(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    member.lostSinceMs = undefined;
    this.#set(member, 'available');
    this.#judge();
  }

  /** The cluster has been out of contact since `sinceMs` (monotonic clock). */
  lost(name: string, sinceMs: number): void {
    const member = this.#members.get(name);
    if (member === undefined || member.lostSinceMs !== undefined) return;
    member.lostSinceMs = sinceMs;
    this.#set(member, 'held');
    this.#judge();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#members.clear();
  }

  #judge(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#judgeIsolation();
    if (this.#isolated) return;
    let nextMs = Infinity;
    for (const member of this.#members.values()) nextMs = Math.min(nextMs, this.#judgeMember(member));
    if (nextMs < Infinity) this.#timer = this.#timers.after(Math.max(1, nextMs), () => this.#judge());
  }

  #judgeIsolation(): void {
    const total = this.#members.size;
    const out = [...this.#members.values()].filter(({ lostSinceMs }) => lostSinceMs !== undefined).length;
    const isolated = total > 0 && out / total > this.#limits.failStaticAbove;
    if (isolated === this.#isolated) return;
    this.#isolated = isolated;
    if (!isolated) this.#reunitedMs = this.#timers.now();
    this.#onIsolation?.(isolated, out, total);
  }

  /** @returns how long until the member is due, in milliseconds */
  #judgeMember(member: Member): number {
    if (member.lostSinceMs === undefined || member.status === 'withdrawn') return Infinity;
    // After an isolation the others come back within seconds of each other: none is withdrawn for being second.
    const fromMs = Math.max(member.lostSinceMs, this.#reunitedMs);
    const leftMs = fromMs + this.#limits.graceSeconds * 1000 - this.#timers.now();
    if (leftMs > 0) return leftMs;
    this.#set(member, 'withdrawn');
    return Infinity;
  }

  #set(member: Member, status: ClusterStatus): void {
    if (member.status === status) return;
    member.status = status;
    member.onStatus(status);
  }
}

/** Counts a source that is always in contact, such as one that reads files, among the governor's clusters. */
export function alwaysInContact(governor: OutageGovernor, source: ClusterSource): ClusterSource {
  return {
    name: source.name,
    start() {
      governor.join(source.name, () => {});
      governor.contact(source.name);
      return source.start();
    },
    stop() {
      governor.leave(source.name);
      return source.stop();
    },
    report: () => source.report(),
    account: (namespace, service) => source.account(namespace, service),
    serviceKeys: () => source.serviceKeys(),
  };
}

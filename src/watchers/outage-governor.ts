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

import type { ClusterStatus } from '../zonebuilder/facts.ts';
import type { Timer, Timers } from './timers.ts';

export interface OutageOptions {
  readonly timers: Timers;
  /** How long the facts of a cluster out of contact count, in seconds. */
  readonly graceSeconds: number;
  /** Fraction of all clusters; when more are out of contact at once, nothing is withdrawn. */
  readonly failStaticAbove: number;
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
  readonly #options: OutageOptions;
  readonly #members = new Map<string, Member>();
  #isolated = false;
  /** When the last isolation ended: from then on, grace periods run anew. */
  #reunitedMs = -Infinity;
  #timer: Timer | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** Whether fedns takes itself to be cut off from its clusters. */
  get isolated(): boolean {
    return this.#isolated;
  }

  /**
   * Adds a cluster, out of contact until {@link contact}. Every cluster is to be added, also those read from files:
   * the fraction is one of all clusters.
   *
   * @param status - `held` when facts from the last run are in the sink
   * @param onStatus - called for every change of status after this call
   */
  join(name: string, status: 'pending' | 'held', onStatus: (status: ClusterStatus) => void): void {
    this.#members.set(name, { status, lostSinceMs: this.#options.timers.now(), onStatus });
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
    if (nextMs < Infinity) this.#timer = this.#options.timers.after(Math.max(1, nextMs), () => this.#judge());
  }

  #judgeIsolation(): void {
    const { timers, failStaticAbove, onIsolation } = this.#options;
    const total = this.#members.size;
    const out = [...this.#members.values()].filter(({ lostSinceMs }) => lostSinceMs !== undefined).length;
    const isolated = total > 0 && out / total > failStaticAbove;
    if (isolated === this.#isolated) return;
    this.#isolated = isolated;
    if (!isolated) this.#reunitedMs = timers.now();
    onIsolation?.(isolated, out, total);
  }

  /** @returns how long until the member is due, in milliseconds */
  #judgeMember(member: Member): number {
    if (member.lostSinceMs === undefined || member.status === 'withdrawn') return Infinity;
    const { timers, graceSeconds } = this.#options;
    // After an isolation the others come back within seconds of each other: none is withdrawn for being second.
    const fromMs = Math.max(member.lostSinceMs, this.#reunitedMs);
    const leftMs = fromMs + graceSeconds * 1000 - timers.now();
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

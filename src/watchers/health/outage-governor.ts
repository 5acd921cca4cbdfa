/**
 * Decides, over all clusters together, what an outage does to a cluster's facts: held at first, withdrawn after a
 * grace period, and held on when so many clusters are out of reach at once that fedns must be the isolated one.
 * Whether a cluster is in contact is found out elsewhere (cluster-health.ts).
 *
 * A cluster that answers and refuses fedns has lost nothing but our credentials: it is held for longer.
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
  /** The same for a cluster that answers and refuses fedns, in seconds; at least {@link graceSeconds}. */
  readonly refusedGraceSeconds: number;
  /** Fraction of all clusters; when more are out of contact at once, nothing is withdrawn. */
  readonly failStaticAbove: number;
}

export interface OutageOptions extends OutageLimits {
  readonly timers: Timers;
  /** Called when the isolation begins and ends. */
  readonly onIsolation?: (isolated: boolean, outOfContact: number, clusters: number) => void;
}

/**
 * How a cluster joins: in contact from the start, as files always are; with facts of an earlier run, which are held; or
 * with nothing of it ever read.
 */
export type Joining = 'inContact' | 'known' | 'unread';

/** How contact was lost. Times are on the monotonic clock, in milliseconds. */
export interface Loss {
  readonly sinceMs: number;
  /** The cluster answers, and refuses fedns. Default: it is silent. */
  readonly refused?: boolean;
  /** When the cluster was last heard all the same, asked for when it matters: the grace period begins there. */
  readonly heardMs?: () => number;
}

interface Member {
  status: ClusterStatus;
  /** Undefined: in contact. */
  loss: Loss | undefined;
  /** It has been in contact, or its loss was said: it is not merely still to be read. */
  tried: boolean;
  /** There are facts to hold. */
  known: boolean;
  readonly onStatus: (status: ClusterStatus) => void;
}

export class OutageGovernor {
  readonly #timers: Timers;
  readonly #onIsolation: OutageOptions['onIsolation'];
  #limits: OutageLimits;
  readonly #members = new Map<string, Member>();
  #isolated = false;
  /** Whether the isolation was told: that clusters are still to be read, as at every start, is none to tell of. */
  #told = false;
  /** When the last isolation ended: from then on, grace periods run anew. */
  #reunitedMs = -Infinity;
  #timer: Timer | undefined;
  #isStopped = false;

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
   */
  join(name: string, onStatus: (status: ClusterStatus) => void, joining: Joining = 'unread'): void {
    const inContact = joining === 'inContact';
    const loss = inContact ? undefined : { sinceMs: this.#timers.now() };
    this.#members.set(name, {
      status: inContact ? 'available' : 'pending',
      loss,
      tried: inContact,
      known: joining !== 'unread',
      onStatus,
    });
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
    member.loss = undefined;
    member.tried = true;
    member.known = true;
    this.#set(member, 'available');
    this.#judge();
  }

  /** The cluster is out of contact. Said again when it is so in another way. */
  lost(name: string, loss: Loss): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    member.loss = laterOf(member.loss, loss);
    member.tried = true;
    if (member.status === 'available') this.#set(member, 'held');
    this.#judge();
  }

  /** Clusters that leave from now on, one after the other, are no outage. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#members.clear();
  }

  #judge(): void {
    if (this.#isStopped) return;
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
    const out = [...this.#members.values()].filter(({ loss }) => loss !== undefined);
    const isolated = total > 0 && out.length / total > this.#limits.failStaticAbove;
    if (this.#isolated && !isolated) this.#reunitedMs = this.#timers.now();
    this.#isolated = isolated;
    const lost = out.filter(({ tried }) => tried).length;
    const told = isolated && (this.#told || lost / total > this.#limits.failStaticAbove);
    if (told === this.#told) return;
    this.#told = told;
    this.#onIsolation?.(told, out.length, total);
  }

  /** @returns how long until the member is due, in milliseconds */
  #judgeMember(member: Member): number {
    const { loss, known } = member;
    if (loss === undefined || member.status === 'withdrawn') return Infinity;
    const { graceSeconds, refusedGraceSeconds } = this.#limits;
    // Of a cluster that was never read there is nothing to hold; while it is waited for, all answers are short-lived.
    const isLong = loss.refused === true && known;
    const seconds = isLong ? Math.max(refusedGraceSeconds, graceSeconds) : graceSeconds;
    // After an isolation the others come back within seconds of each other: none is withdrawn for being second.
    const fromMs = Math.max(loss.sinceMs, this.#reunitedMs, loss.heardMs?.() ?? -Infinity);
    const leftMs = fromMs + seconds * 1000 - this.#timers.now();
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

/** The first sign counts, except that silence after a refusal begins with the silence. */
function laterOf(before: Loss | undefined, loss: Loss): Loss {
  if (before === undefined || (before.refused === true && loss.refused !== true)) return loss;
  return { ...loss, sinceMs: before.sinceMs };
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
    lacks: (shard) => source.lacks(shard),
    acceptVersions: () => source.acceptVersions?.(),
  };
}

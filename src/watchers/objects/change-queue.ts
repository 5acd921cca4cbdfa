/**
 * Holds one cluster's changes to its rate. Within the rate a change is applied before `push` returns; above it, it
 * waits, and a later change of the same object takes its place, so that however fast a cluster flaps, its newest
 * state gets through and no other cluster is delayed. Also holds changes back while a cluster is relisted.
 */

import { objectName, type ObjectKind } from './objects.ts';
import { TokenBucket } from '../token-bucket.ts';
import type { Timer, Timers } from '../../timers.ts';

/** Waiting changes above which the cluster's connections are no longer read. */
const WAITING_SLOW = 5_000;
/** Longest time for which reading is put off at once. */
const SLOW_MS_MAX = 5_000;
/** Changes that a cluster may save up: a deployment that rolls is a burst, not a flood. */
const BURST_SECONDS = 2;

/** A change of one object. */
export interface QueuedChange {
  readonly kind: ObjectKind;
  /** Names the object among all of its cluster. */
  readonly key: string;
  readonly apply: () => void;
}

export interface ChangeQueueOptions {
  readonly timers: Timers;
  readonly perSecond: number;
  /** Changes that may wait; the cluster's limit of objects. */
  readonly waitingMax: number;
  /** A change found no room: only a relist of its kind can make up for it. */
  readonly onOverflow: (kind: ObjectKind) => void;
}

export class ChangeQueue {
  readonly #options: ChangeQueueOptions;
  readonly #bucket: TokenBucket;
  readonly #waiting = new Map<string, QueuedChange>();
  #timer: Timer | undefined;
  #held = false;
  #slowed = 0;

  constructor(options: ChangeQueueOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.timers, options.perSecond, options.perSecond * BURST_SECONDS);
  }

  /** Changes that wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Changes that had to wait for the rate, since the start. */
  get slowed(): number {
    return this.#slowed;
  }

  push(change: QueuedChange): void {
    if (!this.#held && this.#waiting.size === 0 && this.#bucket.tryTake()) return change.apply();
    if (!this.#held) this.#slowed++;
    if (this.#waiting.size >= this.#options.waitingMax && !this.#waiting.has(change.key)) {
      return this.#options.onOverflow(change.kind);
    }
    this.#waiting.set(change.key, change);
    this.#schedule();
  }

  /** Forgets what waits of a kind, or of a kind in one namespace: a list has overtaken it. */
  drop(kind: ObjectKind, namespace?: string): void {
    const prefix = namespace === undefined ? '' : objectName(kind, namespace, '');
    for (const [key, change] of this.#waiting) {
      if (change.kind === kind && key.startsWith(prefix)) this.#waiting.delete(key);
    }
  }

  /** Lets every change wait until {@link release}. */
  hold(): void {
    this.#held = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  release(): void {
    this.#held = false;
    this.#drain();
  }

  /** How long the cluster's connections are best left unread, in milliseconds. */
  pressureMs(): number {
    if (this.#held || this.#waiting.size < WAITING_SLOW) return 0;
    const excess = this.#waiting.size - WAITING_SLOW / 2;
    return Math.min(SLOW_MS_MAX, (excess * 1000) / this.#options.perSecond);
  }

  stop(): void {
    this.hold();
    this.#waiting.clear();
  }

  #drain(): void {
    this.#timer = undefined;
    for (const [key, change] of this.#waiting) {
      if (!this.#bucket.tryTake()) break;
      this.#waiting.delete(key);
      change.apply();
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#held || this.#timer !== undefined || this.#waiting.size === 0) return;
    this.#timer = this.#options.timers.after(Math.max(1, this.#bucket.waitMs()), () => this.#drain());
  }
}

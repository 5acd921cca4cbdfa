/**
 * Finds out how a cluster's API server is: Ready, NotReady or Offline. A probe of `/readyz` and the state of the
 * list/watch loops go in, a condition comes out, after as many failures or successes in a row as it takes to be
 * sure. What a condition does to the cluster's facts is decided in outage-governor.ts.
 */

import { ApiError, asApiError } from '../api-error.ts';
import { CONNECTION_CODES, type ApiClient } from '../api/api-client.ts';
import type { Clock } from '../../log.ts';
import type { ClusterCondition } from '../source.ts';
import { pause, type Random, type Timers } from '../../timers.ts';

/** Time between probes while all is well. */
export const PROBE_MS = 5_000;
/** Time between probes while the outcome is in doubt or the cluster is down. */
export const PROBE_DOUBT_MS = 1_000;
/** Failures in a row before a cluster counts as out of contact, and successes before it counts as back. */
export const PROBE_FAILURES = 3;
export const PROBE_SUCCESSES = 2;
/** A loop that has not worked for this long makes its cluster NotReady, whatever `/readyz` says. */
export const LOOP_FAILING_MS = 20_000;

const PROBE_LIMITS = { headersMs: 4_000, idleMs: 4_000 };
const PROBE_OCTETS_MAX = 16 * 1024;

export interface HealthOptions {
  readonly client: ApiClient;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  /** The loop that has failed for longest: since when (monotonic) and why. */
  readonly worstLoop: () => { readonly sinceMs: number; readonly reason: string } | undefined;
  /** `/readyz` says ok after it did not: reason for loops that wait to try again. */
  readonly onAnswer: () => void;
  /** `sinceMs`: when the first sign of the condition was seen, on the monotonic clock. */
  readonly onCondition: (condition: ClusterCondition, sinceMs: number) => void;
}

type Outcome = 'ok' | 'notReady' | 'unreachable';

export class ClusterHealth {
  readonly #options: HealthOptions;
  readonly #stopped = new AbortController();
  #wait = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #condition: ClusterCondition = 'Pending';
  #conditionSinceMs: number;
  #version: string | undefined;
  #lastError: string | undefined;
  /** Outcomes in a row that speak for another condition. */
  #streak = 0;
  #streakSinceMs = 0;
  #answers = true;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#conditionSinceMs = options.clock();
  }

  get condition(): ClusterCondition {
    return this.#condition;
  }

  /** In milliseconds since the epoch. */
  get conditionSinceMs(): number {
    return this.#conditionSinceMs;
  }

  /** The Kubernetes version, as far as known. */
  get version(): string | undefined {
    return this.#version;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wait.abort();
    await this.#loop;
  }

  /** Another server may have another version: asked for anew with the next probe. */
  forgetVersion(): void {
    this.#version = undefined;
  }

  /** Probes at once: a watch has just broken. */
  probeNow(): void {
    this.#wait.abort();
  }

  async #run(): Promise<void> {
    const { timers, random } = this.#options;
    while (!this.#stopped.signal.aborted) {
      this.#wait = new AbortController();
      await this.#probe();
      const calm = this.#condition === 'Ready' && this.#streak === 0;
      const ms = (calm ? PROBE_MS : PROBE_DOUBT_MS) * (0.9 + random() / 5);
      if (!this.#stopped.signal.aborted) await pause(timers, ms, this.#wait.signal);
    }
  }

  async #probe(): Promise<void> {
    const startedMs = this.#options.timers.now();
    const outcome = await this.#readyz();
    if (this.#stopped.signal.aborted) return;
    this.#count(outcome, startedMs);
    if (outcome === 'ok' && this.#version === undefined) await this.#readVersion();
  }

  async #readyz(): Promise<Outcome> {
    const { client } = this.#options;
    try {
      const body = await client.getText(
        '/readyz',
        '*/*',
        PROBE_LIMITS,
        this.#stopped.signal,
        PROBE_OCTETS_MAX,
      );
      if (!body.startsWith('ok')) throw new ApiError('NOT_JSON', '/readyz does not say ok');
      if (!this.#answers) this.#options.onAnswer();
      this.#answers = true;
      return this.#loopOutcome();
    } catch (error) {
      return this.#failedOutcome(asApiError(error, 'UNREACHABLE'));
    }
  }

  #failedOutcome(error: ApiError): Outcome {
    // A server that will not tell strangers how it is has answered; whether it works, the loops know.
    if (ANSWERED.has(error.code)) return this.#loopOutcome();
    this.#lastError = error.message;
    this.#answers = false;
    return CONNECTION_CODES.has(error.code) ? 'unreachable' : 'notReady';
  }

  #loopOutcome(): Outcome {
    const { worstLoop, timers } = this.#options;
    const worst = worstLoop();
    if (worst === undefined || timers.now() - worst.sinceMs < LOOP_FAILING_MS) return 'ok';
    this.#lastError = worst.reason;
    return 'notReady';
  }

  #count(outcome: Outcome, atMs: number): void {
    const wasReady = this.#condition === 'Ready';
    if (this.#condition !== 'Pending' && (outcome === 'ok') === wasReady) {
      this.#streak = 0;
      // Down for another reason is still down, and said at once.
      if (outcome !== 'ok') this.#set(CONDITION_OF[outcome], atMs);
      return;
    }
    if (this.#streak === 0) this.#streakSinceMs = atMs;
    this.#streak++;
    const enough = outcome !== 'ok' ? PROBE_FAILURES : this.#condition === 'Pending' ? 1 : PROBE_SUCCESSES;
    if (this.#streak >= enough) this.#set(CONDITION_OF[outcome], this.#streakSinceMs);
  }

  #set(condition: ClusterCondition, sinceMs: number): void {
    if (condition === this.#condition) return;
    this.#condition = condition;
    this.#conditionSinceMs = this.#options.clock();
    this.#streak = 0;
    // It may come back upgraded.
    if (condition === 'Offline') this.#version = undefined;
    this.#options.onCondition(condition, sinceMs);
  }

  async #readVersion(): Promise<void> {
    const { client } = this.#options;
    try {
      const text = await client.getText(
        '/version',
        'application/json',
        PROBE_LIMITS,
        this.#stopped.signal,
        PROBE_OCTETS_MAX,
      );
      const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
      if (typeof gitVersion === 'string') this.#version = gitVersion.slice(0, 64);
    } catch {
      // Only for show; asked for again with the next probe.
    }
  }
}

const CONDITION_OF: Readonly<Record<Outcome, ClusterCondition>> = {
  ok: 'Ready',
  notReady: 'NotReady',
  unreachable: 'Offline',
};

const ANSWERED: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'FORBIDDEN', 'NOT_FOUND', 'BUSY']);

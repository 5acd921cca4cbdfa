/**
 * Finds out how a cluster's API server is: Ready, Refused, NotReady or Offline. A probe of `/readyz` and the state of the
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
  /** The loop that says most of what is wrong. */
  readonly worstLoop: () => LoopTrouble | undefined;
  /** Whether every loop has had an outcome: before that, nothing is known of a new cluster. Default: yes. */
  readonly tried?: () => boolean;
  /** Called before each probe. */
  readonly onProbe?: () => void;
  /** `/readyz` says ok after it did not: reason for loops that wait to try again. */
  readonly onAnswer: () => void;
  readonly onCondition: (condition: ClusterCondition, evidence: ConditionEvidence) => void;
}

/** A loop that does not work. */
export interface LoopTrouble {
  /** On the monotonic clock. */
  readonly sinceMs: number;
  readonly reason: string;
  /** The server, or our own credentials, refuse it. */
  readonly refused?: boolean;
}

/** What a condition was concluded from. */
export interface ConditionEvidence {
  /** When the first sign was seen, on the monotonic clock. */
  readonly sinceMs: number;
  /** It was a probe that failed, while the loops may go on. */
  readonly byProbe: boolean;
  /** The machine refuses new connections, so that it is there, and open ones may be alive. */
  readonly turnedAway: boolean;
}

type Outcome = 'ok' | 'refused' | 'notReady' | 'unreachable';

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
  #byProbe = false;
  #turnedAway = false;

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
      // What is refused waits for people, and a plugin that fails is a program to start each time.
      const calm = CALM.has(this.#condition) && this.#streak === 0;
      const ms = (calm ? PROBE_MS : PROBE_DOUBT_MS) * (0.9 + random() / 5);
      if (!this.#stopped.signal.aborted) await pause(timers, ms, this.#wait.signal);
    }
  }

  async #probe(): Promise<void> {
    const { timers, tried, onProbe } = this.#options;
    const startedMs = timers.now();
    onProbe?.();
    const outcome = await this.#readyz();
    if (this.#stopped.signal.aborted) return;
    const isEarly = this.#condition === 'Pending' && outcome === 'ok' && tried?.() === false;
    if (!isEarly) this.#count(outcome, startedMs);
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
    this.#byProbe = true;
    this.#turnedAway = TURNED_AWAY.has(error.system ?? '');
    if (REFUSALS.has(error.code)) return 'refused';
    return CONNECTION_CODES.has(error.code) ? 'unreachable' : 'notReady';
  }

  #loopOutcome(): Outcome {
    const { worstLoop, timers } = this.#options;
    const worst = worstLoop();
    this.#byProbe = false;
    this.#turnedAway = false;
    if (worst === undefined) return 'ok';
    if (worst.refused !== true && timers.now() - worst.sinceMs < LOOP_FAILING_MS) return 'ok';
    this.#lastError = worst.reason;
    return worst.refused === true ? 'refused' : 'notReady';
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
    const enough = this.#isFirst(outcome) ? 1 : outcome === 'ok' ? PROBE_SUCCESSES : PROBE_FAILURES;
    if (this.#streak >= enough) this.#set(CONDITION_OF[outcome], this.#streakSinceMs);
  }

  /** An answer is enough for a cluster of which nothing is known; silence may be a start under way. */
  #isFirst(outcome: Outcome): boolean {
    return this.#condition === 'Pending' && (outcome === 'ok' || outcome === 'refused');
  }

  #set(condition: ClusterCondition, sinceMs: number): void {
    if (condition === this.#condition) return;
    this.#condition = condition;
    this.#conditionSinceMs = this.#options.clock();
    this.#streak = 0;
    // It may come back upgraded.
    if (condition === 'Offline') this.#version = undefined;
    const evidence = { sinceMs, byProbe: this.#byProbe, turnedAway: this.#turnedAway };
    this.#options.onCondition(condition, evidence);
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
  refused: 'Refused',
  notReady: 'NotReady',
  unreachable: 'Offline',
};

/** Conditions that need no haste. */
const CALM: ReadonlySet<ClusterCondition> = new Set(['Ready', 'Refused']);

/** Refusals of which there is no doubt whom they are for: `/readyz` itself may be closed to us while all else is open. */
const REFUSALS: ReadonlySet<string> = new Set(['CREDENTIALS', 'UNTRUSTED']);

const TURNED_AWAY: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET']);

const ANSWERED: ReadonlySet<string> = new Set(['UNAUTHORIZED', 'FORBIDDEN', 'NOT_FOUND', 'BUSY']);

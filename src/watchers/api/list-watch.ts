/**
 * Follows one kind of objects in one cluster for ever: list, watch from there, watch again, list again when the
 * server has forgotten where we were. There is no terminal state: whatever goes wrong is waited out. What the
 * objects mean, and what it means for the cluster that this fails, is decided by the source that owns the loop.
 *
 * ```
 *            ┌────────────── 410, another history, resync ──────────────┐
 *            ▼                                                          │
 *   [discover] ──► list ──► watch ──► ended ──► [has the server reached it?] ──► watch from the last version seen
 *        ▲           │        │
 *        └── wait ◄──┴────────┴── anything else: back off, then go on where we were
 * ```
 */

import { ApiError, asApiError } from '../api-error.ts';
import type { ApiClient } from './api-client.ts';
import { AuditTimes } from './audit-times.ts';
import { backOffMs } from './back-off.ts';
import { findPath } from './discovery.ts';
import { gateOf } from './list-gate.ts';
import { listAll, type ListContext, type Listing } from './list-pages.ts';
import { scopedPath, type Resource } from './resources.ts';
import type { Clock } from '../../log.ts';
import { pause, type Random, type Timers } from '../../timers.ts';
import { checkReached } from './version-check.ts';
import { WatchBar } from './watch-bar.ts';
import { WatchCourse } from './watch-course.ts';
import { WATCH_SECONDS, watchOnce, type ChangeType, type WatchEvents } from './watch-stream.ts';

/** How often a kind that the cluster does not have is looked for: a CRD is installed once. */
export const ABSENT_POLL_MS = 30_000;
/** 404s in a row before a kind that was there counts as gone: an API server that starts answers 404 for a moment. */
const ABSENT_AFTER = 3;
/**
 * The failure in a row at which the version is doubted: what comes back after an outage may have another history.
 * Doubted again from time to time, but not at each: a list may be large.
 */
const DOUBT_AT = 3;
const DOUBT_EVERY = 16;

export interface ListWatchOptions<T> {
  readonly resource: Resource<T>;
  readonly client: ApiClient;
  readonly objectOctetsMax: number;
  readonly objectsMax: number;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  /** A complete list, or an empty one when the cluster does not have the kind. */
  readonly onList: (listing: Listing<T>) => void;
  /** A complete list of what the watches have told of; what differs from it was lost. */
  readonly onAudit?: (listing: Listing<T>) => void;
  /** `arrivedMs`: when its octets came, on the monotonic clock. */
  readonly onChange: (type: ChangeType, object: T, arrivedMs: number) => void;
  /** The loop failed or works again. */
  readonly onState: () => void;
  /** Awaited before each list and watch: whether the server is still the same. */
  readonly checkServer?: () => Promise<void>;
  /** The server went back in time: what is known of any kind is of a history that it does not have. */
  readonly onHistory?: () => void;
}

/** How a loop is doing. */
export interface ListWatchState {
  /** Since when it has not worked, on the monotonic clock; absent: it works. */
  readonly failingSinceMs?: number;
  readonly lastError?: ApiError;
  /** When the last octet came, in milliseconds since the epoch. */
  readonly lastOctetMs?: number;
  /** When the last octet came over a watch, the first being that it was accepted, on the monotonic clock. */
  readonly lastWatchOctetMs?: number;
  /** Why watches do not get through, while lists take their place. */
  readonly barred?: string;
  /** Whether a watch is open at this moment. */
  readonly isWatching: boolean;
  readonly lists: number;
  readonly watches: number;
}

/** One loop. Start it once; stop it once. */
export class ListWatch<T> {
  readonly #options: ListWatchOptions<T>;
  readonly #stopped = new AbortController();
  /** Aborts the attempt under way. */
  #attempt = new AbortController();
  /** Ends the wait before the next one. */
  #wait = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #version: string | undefined;
  #path: string | undefined;
  readonly #bar = new WatchBar();
  readonly #audits: AuditTimes;
  /** In a row, since the loop last worked. */
  #failures = 0;
  #absences = 0;
  /** Whether the cluster has the kind; undefined: not known yet. */
  #present: boolean | undefined;
  /** Whether the last thing that happened was a complete list. */
  #listedLast = false;
  #failingSinceMs: number | undefined;
  #lastError: ApiError | undefined;
  #lastOctetMs: number | undefined;
  #lastWatchOctetMs: number | undefined;
  #isWatching = false;
  #arrivedMs = 0;
  /** Whether the server may have gone back behind the version seen last. */
  #doubtful = false;
  #lists = 0;
  #watches = 0;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#audits = new AuditTimes(options.random, options.timers.now());
    this.#failingSinceMs = options.timers.now();
  }

  get state(): ListWatchState {
    return {
      ...(this.#failingSinceMs === undefined ? {} : { failingSinceMs: this.#failingSinceMs }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#lastOctetMs === undefined ? {} : { lastOctetMs: this.#lastOctetMs }),
      ...(this.#lastWatchOctetMs === undefined ? {} : { lastWatchOctetMs: this.#lastWatchOctetMs }),
      ...(this.#bar.reason === undefined ? {} : { barred: this.#bar.reason }),
      isWatching: this.#isWatching,
      lists: this.#lists,
      watches: this.#watches,
    };
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends the loop and whatever it has under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#attempt.abort();
    this.#wait.abort();
    await this.#loop;
  }

  /** Forgets the version and lists anew, at once; an absent kind is reported as absent anew. */
  resync(): void {
    this.#version = undefined;
    if (this.#present === false) this.#present = undefined;
    this.#attempt.abort();
    this.#wait.abort();
  }

  /** Ends a wait before its time, if there is one: there is reason to think that the cluster is back. */
  nudge(): void {
    this.#wait.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#attempt = new AbortController();
      const waitMs = await this.#step(this.#attempt.signal);
      if (this.#stopped.signal.aborted) return;
      this.#wait = new AbortController();
      await pause(this.#options.timers, waitMs, this.#wait.signal);
    }
  }

  /** @returns how long to wait before the next step, in milliseconds */
  async #step(signal: AbortSignal): Promise<number> {
    try {
      await this.#options.checkServer?.();
      if (signal.aborted) return 0;
      const isBarred = this.#bar.isDown(this.#options.timers.now());
      if (this.#version !== undefined && !isBarred) await this.#follow(this.#version, signal);
      else await this.#list(signal);
      return isBarred && !signal.aborted ? this.#bar.pollMs : 0;
    } catch (error) {
      return signal.aborted ? 0 : this.#fail(this.#explained(asApiError(error, 'NOT_JSON')));
    }
  }

  async #follow(version: string, signal: AbortSignal): Promise<void> {
    if (!this.#doubtful && this.#audits.isDue(this.#options.timers.now())) await this.#audit(version, signal);
    if (!signal.aborted) await this.#watch(version, signal);
  }

  /** Lists what there was at the version up to which every event has been told, between two watches. */
  async #audit(version: string, signal: AbortSignal): Promise<void> {
    const { timers, onAudit } = this.#options;
    try {
      const listing = await listAll({ ...this.#context(this.#path!, signal), exactVersion: version });
      if (signal.aborted) return;
      this.#audits.done(timers.now());
      // A server that does not know `Exact` lists the newest, of which the watch is going to tell.
      if (listing.resourceVersion === version && !listing.truncated) onAudit?.(listing);
    } catch {
      // No news: what is known goes on counting, and if it was the server, the watch is about to find out.
      this.#audits.failed(timers.now());
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource } = this.#options;
    const whole = resource.path ?? (await findPath(client, resource.discover!, signal));
    const path = scopedPath(whole, resource.namespace);
    const startMs = this.#options.timers.now();
    const listing = await listAll(this.#context(path, signal)).catch((error: unknown) => {
      this.#bar.clear();
      throw error;
    });
    if (signal.aborted) return;
    this.#bar.listed(this.#options.timers.now() - startMs);
    this.#path = path;
    this.#version = listing.resourceVersion;
    this.#present = true;
    this.#listedLast = true;
    this.#doubtful = false;
    this.#absences = 0;
    this.#lists++;
    // No watch will tell that the list was the last thing to happen.
    if (this.#bar.reason !== undefined) this.#works();
    this.#options.onList(listing);
  }

  #context(path: string, signal: AbortSignal): ListContext<T> {
    const { client, resource, objectOctetsMax, objectsMax, timers } = this.#options;
    const onOctets = (): void => this.#hear();
    return { client, resource, path, objectOctetsMax, objectsMax, gate: gateOf(timers), signal, onOctets };
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const context = this.#context(this.#path!, signal);
    if (this.#doubtful) await checkReached(context, resourceVersion);
    try {
      await this.#watchFrom(context, resourceVersion, signal);
    } catch (error) {
      throw signal.aborted ? error : this.#noteBar(asApiError(error, 'NOT_JSON'));
    }
  }

  /** Barred, a loop goes on by listing: that it has failed is to be told only when that does not work either. */
  #noteBar(error: ApiError): ApiError {
    const nowMs = this.#options.timers.now();
    const isBarred = this.#bar.fail(error, nowMs);
    if (isBarred && (this.#listedLast || this.#failingSinceMs === undefined)) this.#failingSinceMs = nowMs;
    if (isBarred) this.#listedLast = false;
    return error;
  }

  async #watchFrom(context: ListContext<T>, resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { random, timers } = this.#options;
    const span = WATCH_SECONDS.max - WATCH_SECONDS.min;
    const seconds = WATCH_SECONDS.min + Math.floor(random() * (span + 1));
    const watch = new WatchCourse(timers, signal, () => {
      this.#bar.opens();
      this.#works();
    });
    const events = this.#eventsOf(watch, signal);
    const onOctets = (): void => {
      this.#hear();
      this.#lastWatchOctetMs = this.#arrivedMs;
    };
    this.#watches++;
    let wasSilent = false;
    // Until it is known how this one ends.
    this.#doubtful = true;
    try {
      await watchOnce({ ...context, onOctets, resourceVersion, seconds, events });
      // One that ends before anything came would be begun again without end.
      if (!watch.worked && !signal.aborted)
        throw new ApiError('INTERRUPTED', 'the watch ended as soon as it began');
      this.#doubtful = !watch.isConclusive(seconds);
    } catch (error) {
      wasSilent = error instanceof ApiError && error.code === 'IDLE';
      throw error;
    } finally {
      // An end that the server or its machine has brought about is a sign of it, too.
      if (this.#isWatching && !wasSilent) this.#lastWatchOctetMs = timers.now();
      this.#isWatching = false;
      watch.end();
    }
  }

  #eventsOf(watch: WatchCourse, signal: AbortSignal): WatchEvents<T> {
    return {
      onOpen: () => {
        this.#isWatching = true;
        this.#lastWatchOctetMs = this.#options.timers.now();
        // With a list just read, what is known is complete, however long this watch is going to last.
        if (this.#listedLast) this.#recovers();
        this.#listedLast = false;
        watch.open();
      },
      onChange: (type, object) => {
        if (signal.aborted) return;
        watch.works();
        this.#options.onChange(type, object, this.#arrivedMs);
      },
      onVersion: (version) => {
        if (signal.aborted) return;
        watch.works();
        watch.told = true;
        this.#unbar();
        this.#version = version;
      },
    };
  }

  #unbar(): void {
    const wasBarred = this.#bar.reason !== undefined;
    this.#bar.clear();
    if (wasBarred) this.#options.onState();
  }

  #works(): void {
    this.#failures = 0;
    this.#recovers();
  }

  #recovers(): void {
    if (this.#failingSinceMs === undefined) return;
    this.#failingSinceMs = undefined;
    this.#options.onState();
  }

  #hear(): void {
    this.#arrivedMs = this.#options.timers.now();
    this.#lastOctetMs = this.#options.clock();
  }

  #explained(error: ApiError): ApiError {
    const { absence } = this.#options.resource;
    if (error.code !== 'NOT_FOUND' || absence === undefined) return error;
    return new ApiError('NOT_FOUND', `${error.message}: ${absence}`, { status: 404 });
  }

  /** @returns how long to wait, in milliseconds */
  #fail(error: ApiError): number {
    if (error.code === 'NOT_FOUND' && this.#options.resource.path === undefined) return this.#absent();
    const worked = this.#failingSinceMs === undefined;
    this.#failures++;
    this.#lastError = error;
    this.#failingSinceMs ??= this.#options.timers.now();
    const relist = error.code === 'GONE' || error.code === 'HISTORY';
    if (relist || this.#failures % DOUBT_EVERY === DOUBT_AT) this.#version = undefined;
    this.#options.onState();
    if (error.code === 'HISTORY') this.#options.onHistory?.();
    // What a first 410 or 401 asks for is to be done at once: a relist, or other credentials.
    if (this.#bar.isDown(this.#options.timers.now()) && this.#failures === 1) return 0;
    const atOnce = relist || error.code === 'UNAUTHORIZED';
    if (atOnce && worked && this.#failures === 1) return 0;
    return backOffMs(this.#failures, this.#options.random, error.retryAfterMs);
  }

  /** The cluster does not have the kind, which is no failure. */
  #absent(): number {
    this.#version = undefined;
    this.#absences++;
    if (this.#present === true && this.#absences < ABSENT_AFTER) {
      return backOffMs(this.#absences + 4, this.#options.random);
    }
    if (this.#present !== false) this.#options.onList(EMPTY_LISTING);
    this.#present = false;
    this.#works();
    return ABSENT_POLL_MS * (1 + this.#options.random() / 10);
  }
}

const EMPTY_LISTING: Listing<never> = { resourceVersion: '', objects: [], truncated: false };

/**
 * Reads one watch request from its beginning to its end and hands over its events. When to watch, from where, and
 * what follows from its end is decided in list-watch.ts.
 */

import { ApiError, statusError } from '../api-error.ts';
import { LineSplitter } from './line-splitter.ts';
import type { ListContext } from './list-pages.ts';
import { notJson, parseJson } from './list-scanner.ts';
import { TOO_LARGE_VERSION } from './version-check.ts';
import { acceptHeader } from './resources.ts';

/**
 * Seconds that the server lets a watch last: drawn anew for each, so that they do not all end together. Below the
 * idle limit of common load balancers (60 s), which therefore never cut one off; the server sends a bookmark just
 * before the end, so that the next one starts from a fresh version even where nothing happens.
 */
export const WATCH_SECONDS = { min: 30, max: 45 } as const;
/** Longest silence within a watch: longer than any watch lasts, so that only a dead connection gets there. */
export const WATCH_IDLE_MS = 50_000;
/**
 * An idle API server sends the headers of a watch at once. A busy one lets it wait for a seat (API Priority and
 * Fairness) for 15 s and then says 429 with `Retry-After`: the limit lies above that, so that the two are told apart.
 */
export const WATCH_HEADERS_MS = 20_000;
/** Room for `{"type":"MODIFIED","object":` around an object. */
const EVENT_OCTETS = 64;

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** What a watch reports while it lasts. */
export interface WatchEvents<T> {
  /** The server has accepted the watch. */
  onOpen(): void;
  onChange(type: ChangeType, object: T): void;
  /** Events up to this version have been seen. */
  onVersion(resourceVersion: string): void;
}

export interface WatchContext<T> extends Omit<ListContext<T>, 'objectsMax' | 'gate'> {
  readonly resourceVersion: string;
  readonly seconds: number;
  readonly events: WatchEvents<T>;
}

/**
 * Watches until the server ends it.
 *
 * @throws ApiError; `GONE` when the version is too old, `HISTORY` when the server says that it is of another history
 */
export async function watchOnce<T>(context: WatchContext<T>): Promise<void> {
  const { client, resource, objectOctetsMax } = context;
  const splitter = new LineSplitter({
    lineOctetsMax: objectOctetsMax + EVENT_OCTETS,
    onLine: (line) => readEvent(context, line),
    onTooLong: (head) => readTooLong(context, head),
  });
  const limits = { headersMs: WATCH_HEADERS_MS, idleMs: WATCH_IDLE_MS };
  const reply = await client.get(watchPath(context), acceptHeader(resource, 'watch'), limits, context.signal);
  context.events.onOpen();
  for await (const chunk of reply.chunks) {
    context.onOctets();
    splitter.push(chunk);
  }
  if (splitter.unfinished) throw new ApiError('INTERRUPTED', 'the watch ended in the middle of an event');
}

function watchPath({ path, resource, resourceVersion, seconds }: WatchContext<unknown>): string {
  const version = encodeURIComponent(resourceVersion);
  return `${path}?watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${version}${resource.query}`;
}

function readEvent<T>({ resource, events }: WatchContext<T>, line: Buffer): void {
  const event = parseJson(line) as { type?: unknown; object?: unknown } | null;
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      readVersion(event.object, events);
      events.onChange(event.type, resource.read(event.object));
      return;
    case 'BOOKMARK':
      readVersion(event.object, events);
      return;
    case 'ERROR':
      throw inBandError(event.object);
    default:
      throw notJson(line);
  }
}

function readVersion(object: unknown, events: WatchEvents<unknown>): void {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
  if (typeof version === 'string' && version !== '') events.onVersion(version);
}

/** kube-apiserver does not say that a version is one to come (version-check.ts); servers that do are believed. */
function inBandError(object: unknown): ApiError {
  const status = object as {
    code?: unknown;
    message?: unknown;
    details?: { causes?: readonly { reason?: unknown }[]; retryAfterSeconds?: unknown };
  } | null;
  const code = typeof status?.code === 'number' ? status.code : 0;
  const message = typeof status?.message === 'string' ? status.message : 'an error within the watch';
  if (TOO_LARGE_VERSION.test(message)) return new ApiError('HISTORY', message, { status: code });
  const retryAfter = status?.details?.retryAfterSeconds;
  return statusError(code, message, typeof retryAfter === 'number' ? retryAfter * 1000 : 0);
}

/** An object too large to be taken counts as refused; where its name cannot be told, only a relist helps. */
function readTooLong<T>({ resource, objectOctetsMax, events }: WatchContext<T>, head: Buffer): void {
  const fault = resource.readTooLarge(head, objectOctetsMax);
  if (fault === undefined)
    throw new ApiError('GONE', `an object larger than ${objectOctetsMax} octets, without a name`);
  events.onChange('MODIFIED', fault);
}

/**
 * Reads the complete list of one kind, page by page. What follows from a list is decided in list-watch.ts.
 */

import { ApiError } from '../api-error.ts';
import type { ApiClient, RequestLimits } from './api-client.ts';
import type { ListGate } from './list-gate.ts';
import { ListScanner, notJson, parseJson } from './list-scanner.ts';
import { acceptHeader, type Resource } from './resources.ts';

/** Objects asked for at once: what kubectl asks for, and what keeps a page near a megabyte. */
export const PAGE_OBJECTS = 500;
/** Pages of one list, so that a server that never ends one is noticed. Many times any cluster's. */
const PAGES_MAX = 20_000;
/** A continue token is a few hundred octets; a request line must fit what servers take. */
const CONTINUE_CHARS_MAX = 4096;
/** A page may take the server a while; then octets must flow. */
const LIST_LIMITS: RequestLimits = { headersMs: 30_000, idleMs: 15_000 };

export interface ListContext<T> {
  readonly client: ApiClient;
  readonly resource: Resource<T>;
  readonly path: string;
  readonly objectOctetsMax: number;
  /** Objects kept of one list; further ones are dropped and the list ends there. */
  readonly objectsMax: number;
  readonly gate: ListGate;
  readonly signal: AbortSignal;
  /** The version that the list is to be of; absent: the newest. */
  readonly exactVersion?: string;
  /** Called for each block of octets that arrives. */
  readonly onOctets: () => void;
}

/** A complete list. */
export interface Listing<T> {
  readonly resourceVersion: string;
  readonly objects: readonly T[];
  /** Whether there were more objects than `objectsMax`. */
  readonly truncated: boolean;
}

/**
 * Lists all objects of a kind. When a continue token expires (410) the list starts again, and the second time
 * without pages: a list that outlives its tokens would never end otherwise.
 *
 * @throws ApiError
 */
export async function listAll<T>(context: ListContext<T>): Promise<Listing<T>> {
  const release = await context.gate.enter(context.signal);
  try {
    // One version is what it is or gone: it is not tried again, and without pages it would be the newest.
    for (const limit of context.exactVersion === undefined
      ? [PAGE_OBJECTS, PAGE_OBJECTS, 0]
      : [PAGE_OBJECTS]) {
      const listing = await listPages(context, limit);
      if (listing !== 'expired') return listing;
    }
  } finally {
    release();
  }
  throw new ApiError('GONE', 'the list expired while it was read', { status: 410 });
}

/** The version that a list of at most a few objects comes with. @param query - without the resource's own */
export async function readListVersion<T>(context: ListContext<T>, query: string): Promise<string> {
  const { resourceVersion } = await readPage(
    context,
    `${context.path}?${query}${context.resource.query}`,
    [],
  );
  return resourceVersion;
}

async function listPages<T>(context: ListContext<T>, limit: number): Promise<Listing<T> | 'expired'> {
  const objects: T[] = [];
  let resume = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const frame = await readPage(context, pagePath(context, limit, resume), objects).catch(
      (error: unknown) => {
        if (error instanceof ApiError && error.code === 'GONE' && resume !== '') return 'expired' as const;
        throw error;
      },
    );
    if (frame === 'expired') return frame;
    const truncated = objects.length > context.objectsMax;
    if (truncated) objects.length = context.objectsMax;
    if (truncated || frame.resume === '')
      return { resourceVersion: frame.resourceVersion, objects, truncated };
    resume = frame.resume;
  }
  throw new ApiError('TOO_LARGE', `a list of more than ${PAGES_MAX} pages`);
}

function pagePath(context: ListContext<unknown>, limit: number, resume: string): string {
  const { path, resource, exactVersion } = context;
  const version = encodeURIComponent(exactVersion ?? '');
  // With a continue token the version is said by it, and must not be said again.
  const exact =
    version === '' || resume !== '' ? '' : `&resourceVersion=${version}&resourceVersionMatch=Exact`;
  const paged = limit === 0 ? 'resourceVersion=' : `limit=${limit}${exact}`;
  return `${path}?${paged}${resource.query}${resume === '' ? '' : `&continue=${encodeURIComponent(resume)}`}`;
}

interface Frame {
  readonly resourceVersion: string;
  readonly resume: string;
}

async function readPage<T>(context: ListContext<T>, path: string, objects: T[]): Promise<Frame> {
  const { client, resource, objectOctetsMax, objectsMax } = context;
  const keep = (object: T | undefined): void => {
    // One more than the limit is enough to know that there were more.
    if (object !== undefined && objects.length <= objectsMax) objects.push(object);
  };
  const scanner = new ListScanner({
    itemOctetsMax: objectOctetsMax,
    onItem: (octets) => keep(resource.read(parseJson(octets))),
    onTooLarge: (head) => keep(resource.readTooLarge(head, objectOctetsMax)),
  });
  const reply = await client.get(path, acceptHeader(resource, 'list'), LIST_LIMITS, context.signal);
  for await (const chunk of reply.chunks) {
    context.onOctets();
    scanner.push(chunk);
  }
  return readFrame(scanner.finish());
}

function readFrame(list: unknown): Frame {
  const { metadata, kind } = list as { metadata?: unknown; kind?: unknown };
  if (typeof metadata !== 'object' || metadata === null || !String(kind).endsWith('List')) throw notJson();
  const { resourceVersion, continue: resume } = metadata as Record<string, unknown>;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') throw notJson();
  if (typeof resume === 'string' && resume.length > CONTINUE_CHARS_MAX) {
    throw new ApiError('TOO_LARGE', 'a continue token that no request could hold');
  }
  return { resourceVersion, resume: typeof resume === 'string' ? resume : '' };
}

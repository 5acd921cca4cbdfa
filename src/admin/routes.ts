/** Owns the table of admin paths and what each of them answers. Sockets and limits belong to server.ts. */

import { isIP } from 'node:net';
import type { ServerResponse } from 'node:http';
import { QuestionError } from './control-plane.ts';
import type { ControlPlane, RecordFilter } from './control-plane.ts';
import { JSON_LIST, NDJSON, slicesOf, type Listing } from './listing.ts';
import type { Metrics } from './metrics.ts';
import { pendingClusters } from './ready.ts';
import { sendError, sendJson, sendSlices, sendText } from './reply.ts';

export interface RouteContext {
  readonly control: ControlPlane;
  readonly metrics: Metrics;
  /** Listings that are being read at the moment. */
  readonly listings: { count: number };
}

type Serve = (
  context: RouteContext,
  query: URLSearchParams,
  response: ServerResponse,
) => void | Promise<void>;

/** A path, and what `/` says of it. */
interface Route {
  readonly about: string;
  readonly serve: Serve;
}

/** A longer name cannot be one: 255 octets, each written as `\DDD` (RFC 1035 section 5.1). */
const NAME_CHARACTERS_MAX = 1024;
const TYPE_PATTERN = /^[A-Z][A-Z0-9-]{0,15}$/;
/** Types that a listing may be asked for at once. */
const TYPES_MAX = 32;

/** Listings at a time, so that readers in no hurry leave connections for scrapers and the kubelet. */
const LISTINGS_MAX = 16;

/** By what a listing of records can be narrowed. */
const RECORD_KEYS: ReadonlySet<string> = new Set(['federation', 'namespace', 'service', 'name', 'type']);

/** Every path of the admin server; all are read with GET or HEAD. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/', { about: 'this list', serve: (_context, _query, response) => sendIndex(response) }],
  [
    '/healthz',
    {
      about: 'whether the process runs',
      serve: (_context, _query, response) => sendText(response, 200, 'ok\n'),
    },
  ],
  [
    '/readyz',
    {
      about: 'whether every cluster has been read, or 503 with those that have not',
      serve: (context, _query, response) => sendReadiness(context.control, response),
    },
  ],
  [
    '/metrics',
    {
      about: 'metrics in the Prometheus text format',
      serve: async ({ metrics }, _query, response) => {
        sendText(response, 200, await metrics.text(), { 'content-type': metrics.contentType });
      },
    },
  ],
  [
    '/api/v1/records',
    {
      about: `what is served (${[...RECORD_KEYS].join(', ')}); as NDJSON with "Accept: ${NDJSON.mediaType}"`,
      serve: sendRecords,
    },
  ],
  [
    '/api/v1/clusters',
    {
      about: 'the member clusters and how they are',
      serve: ({ control }, _query, response) => sendJson(response, 200, control.clusters()),
    },
  ],
  [
    '/api/v1/status',
    {
      about: 'the server itself: its serial, and which settings wait for a restart',
      serve: ({ control }, _query, response) => sendStatus(control, response),
    },
  ],
  [
    '/api/v1/explain',
    {
      about: 'how a question is answered, and why (name, type, client)',
      serve: ({ control }, query, response) => sendExplanation(control, query, response),
    },
  ],
  [
    '/api/v1/geo',
    {
      about: 'where a client is, and where it is sent (client); without one, how the databases are',
      serve: ({ control }, query, response) => sendLocation(control, query, response),
    },
  ],
  [
    '/api/v1/geo/map',
    { about: 'networks and where their clients are sent first, as compiled', serve: sendMap },
  ],
]);

function sendLocation(control: ControlPlane, query: URLSearchParams, response: ServerResponse): void {
  const client = query.get('client');
  if (client === null) return sendJson(response, 200, control.geo?.status() ?? {});
  if (isIP(client) === 0 || client.includes('%'))
    return sendError(response, 400, 'client: an IP address is needed');
  sendJson(response, 200, control.geo?.locate(client) ?? {});
}

async function sendMap(
  context: RouteContext,
  _query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const { control } = context;
  const rows = control.geo?.map() ?? [];
  await sendListing(context, response, { of: 'geo', rows, serial: () => control.vitals().serial });
}

function sendStatus(control: ControlPlane, response: ServerResponse): void {
  const { serial, services, restartPending } = control.vitals();
  sendJson(response, 200, { serial, services, restartPending });
}

function sendIndex(response: ServerResponse): void {
  const width = Math.max(...[...ROUTES.keys()].map((path) => path.length));
  const lines = [...ROUTES].map(([path, { about }]) => `${path.padEnd(width)}  ${about}\n`);
  sendText(response, 200, `The admin address of fedns:\n\n${lines.join('')}`);
}

async function sendRecords(
  context: RouteContext,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const filter = readFilter(query);
  if (typeof filter === 'string') return sendError(response, 400, filter);
  const listing = asked(response, () => context.control.records(filter));
  if (listing !== undefined) await sendListing(context, response, listing);
}

async function sendListing(
  { listings }: RouteContext,
  response: ServerResponse,
  listing: Listing<unknown>,
): Promise<void> {
  if (listings.count >= LISTINGS_MAX)
    return sendError(response, 503, `${listings.count} listings are being read already`);
  const isNdjson = response.req.headers.accept?.includes(NDJSON.mediaType) === true;
  const form = isNdjson ? NDJSON : JSON_LIST;
  listings.count++;
  try {
    await sendSlices(response, form.mediaType, slicesOf(listing, form));
  } finally {
    listings.count--;
  }
}

/** @returns the filter, or what is wrong with it */
function readFilter(query: URLSearchParams): RecordFilter | string {
  const unknown = [...query.keys()].find((key) => !RECORD_KEYS.has(key));
  if (unknown !== undefined) return `${unknown}: not one of ${[...RECORD_KEYS].join(', ')}`;
  const types = query.getAll('type').flatMap((text) => text.toUpperCase().split(','));
  if (types.length > TYPES_MAX || !types.every((type) => TYPE_PATTERN.test(type)))
    return 'type: mnemonics such as AAAA, or TYPEnnn';
  const texts: Record<string, string> = {};
  for (const key of ['federation', 'namespace', 'service', 'name']) {
    const text = query.get(key);
    if (text === null) continue;
    if (text === '' || text.length > NAME_CHARACTERS_MAX) return `${key}: a name is needed`;
    texts[key] = text;
  }
  return { ...texts, ...(types.length > 0 && { types }) };
}

function sendReadiness(control: ControlPlane, response: ServerResponse): void {
  const pending = pendingClusters(control.clusters());
  if (pending.length === 0) sendText(response, 200, 'ok\n');
  else sendText(response, 503, `waiting for the first sync of ${pending.join(', ')}\n`);
}

function sendExplanation(control: ControlPlane, query: URLSearchParams, response: ServerResponse): void {
  const name = query.get('name') ?? '';
  const type = (query.get('type') ?? 'A').toUpperCase();
  const client = query.get('client') ?? undefined;
  if (name === '' || name.length > NAME_CHARACTERS_MAX)
    return sendError(response, 400, 'name: one name is needed');
  if (!TYPE_PATTERN.test(type)) return sendError(response, 400, 'type: a mnemonic such as AAAA, or TYPEnnn');
  if (client !== undefined && isIP(client) === 0)
    return sendError(response, 400, 'client: an IP address is needed');
  const question = { name, type, ...(client !== undefined && { client }) };
  const explanation = asked(response, () => control.explain(question));
  if (explanation !== undefined) sendJson(response, 200, explanation);
}

/** What the control plane says; a question that it finds malformed is answered with 400 here. */
function asked<Answer>(response: ServerResponse, ask: () => Answer): Answer | undefined {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    sendError(response, 400, error.message);
    return undefined;
  }
}

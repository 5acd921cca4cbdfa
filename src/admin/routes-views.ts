/** Owns the paths that show what is served, by which clusters, and why. */

import { isIP } from 'node:net';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { QuestionError } from './control-plane.ts';
import type { ControlPlane, RecordFilter } from './control-plane.ts';
import { NDJSON } from './listing.ts';
import { sendError, sendJson } from './reply.ts';
import { TIME_FORM, timeOf } from './time.ts';
import type { Call, Parameter, Routes } from './route.ts';
import {
  clientLocationSchema,
  clusterViewSchema,
  explanationSchema,
  geoMapRowSchema,
  geoStatusSchema,
  recordSetSchema,
  statusSchema,
} from './schemas-views.ts';
import { listed, sendListing, TOO_MANY_LISTINGS } from './send-listing.ts';

/** A longer name cannot be one: 255 octets, each written as `\DDD` (RFC 1035 section 5.1). */
const NAME_CHARACTERS_MAX = 1024;
const TYPE_PATTERN = /^[A-Z][A-Z0-9-]{0,15}$/;
/** Types that a listing may be asked for at once. */
const TYPES_MAX = 32;

const CLIENT: Parameter = {
  name: 'client',
  about: 'address of the client or resolver that asks',
  example: '203.0.113.7',
};

/** By what a listing of records can be narrowed. */
const RECORD_PARAMETERS: readonly Parameter[] = [
  { name: 'federation', about: 'only Services of this federation' },
  { name: 'namespace', about: 'only Services of this namespace' },
  { name: 'service', about: 'only Services of this name' },
  { name: 'name', about: 'only this name; *.NAME for all below NAME too' },
  { name: 'type', about: 'only records of this type, or of several: A,AAAA', isRepeated: true },
];

export const VIEW_ROUTES: Routes = new Map([
  [
    '/api/v1/records',
    {
      GET: {
        about: `what is served (${namesOf(RECORD_PARAMETERS)}); as NDJSON with "Accept: ${NDJSON.mediaType}"`,
        parameters: RECORD_PARAMETERS,
        replies: listed(recordSetSchema),
        otherReplies: TOO_MANY_LISTINGS,
        serve: sendRecords,
      },
    },
  ],
  [
    '/api/v1/clusters',
    {
      GET: {
        about: 'the member clusters and how they are',
        replies: { 'application/json': z.array(clusterViewSchema) },
        serve: ({ control, response }: Call) => sendJson(response, 200, control.clusters()),
      },
    },
  ],
  [
    '/api/v1/status',
    {
      GET: {
        about: 'the server itself: its serial, and which settings wait for a restart',
        replies: { 'application/json': statusSchema },
        serve: ({ control, response }: Call) => sendStatus(control, response),
      },
    },
  ],
  [
    '/api/v1/explain',
    {
      GET: {
        about: 'how a question is answered, and why (name, type, client), or was answered (at)',
        parameters: [
          {
            name: 'name',
            about: 'one name, absolute with or without the trailing dot',
            isRequired: true,
            example: 'nginx.mynamespace.myfederation.svc.example.com',
          },
          { name: 'type', about: 'a mnemonic such as AAAA, or TYPEnnn; default A', example: 'A' },
          CLIENT,
          { name: 'at', about: `how it was answered at that time, by the journal: ${TIME_FORM}` },
        ],
        replies: { 'application/json': explanationSchema },
        serve: ({ control, query, response }: Call) =>
          query.has('at') ? sendPast(control, query, response) : sendExplanation(control, query, response),
      },
    },
  ],
  [
    '/api/v1/geo',
    {
      GET: {
        about: 'where a client is, and where it is sent (client); without one, how the databases are',
        parameters: [CLIENT],
        replies: { 'application/json': z.union([clientLocationSchema, geoStatusSchema]) },
        serve: ({ control, query, response }: Call) => sendLocation(control, query, response),
      },
    },
  ],
  [
    '/api/v1/geo/map',
    {
      GET: {
        about: 'networks and where their clients are sent first, as compiled',
        replies: listed(geoMapRowSchema),
        otherReplies: TOO_MANY_LISTINGS,
        serve: sendMap,
      },
    },
  ],
]);

function namesOf(parameters: readonly Parameter[]): string {
  return parameters.map(({ name }) => name).join(', ');
}

function sendLocation(control: ControlPlane, query: URLSearchParams, response: ServerResponse): void {
  const client = query.get('client');
  if (client === null) return sendJson(response, 200, control.geo?.status() ?? {});
  if (!isAddress(client)) return sendError(response, 400, 'client: an IP address is needed');
  sendJson(response, 200, control.geo?.locate(client) ?? {});
}

/** A zone of IPv6 says which interface of one machine is meant, and nothing of where a client is. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

async function sendMap(call: Call): Promise<void> {
  const { control, response } = call;
  const rows = control.geo?.map() ?? [];
  await sendListing(call, response, { of: 'geo', rows, serial: () => control.vitals().serial });
}

function sendStatus(control: ControlPlane, response: ServerResponse): void {
  const { serial, services, restartPending } = control.vitals();
  sendJson(response, 200, { serial, services, restartPending });
}

async function sendRecords(call: Call): Promise<void> {
  const { control, query, response } = call;
  const filter = readFilter(query);
  if (typeof filter === 'string') return sendError(response, 400, filter);
  const listing = asked(response, () => control.records(filter));
  if (listing !== undefined) await sendListing(call, response, listing);
}

/** @returns the filter, or what is wrong with it */
function readFilter(query: URLSearchParams): RecordFilter | string {
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

function sendExplanation(control: ControlPlane, query: URLSearchParams, response: ServerResponse): void {
  const name = query.get('name') ?? '';
  const type = (query.get('type') ?? 'A').toUpperCase();
  const client = query.get('client') ?? undefined;
  if (name === '' || name.length > NAME_CHARACTERS_MAX)
    return sendError(response, 400, 'name: one name is needed');
  if (!TYPE_PATTERN.test(type)) return sendError(response, 400, 'type: a mnemonic such as AAAA, or TYPEnnn');
  if (client !== undefined && !isAddress(client))
    return sendError(response, 400, 'client: an IP address is needed');
  const question = { name, type, ...(client !== undefined && { client }) };
  const explanation = asked(response, () => control.explain(question));
  if (explanation !== undefined) sendJson(response, 200, explanation);
}

async function sendPast(
  { journal }: ControlPlane,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const [name, type] = [query.get('name') ?? '', (query.get('type') ?? 'A').toUpperCase()];
  const timeMs = timeOf(query.get('at')!);
  if (name === '' || name.length > NAME_CHARACTERS_MAX)
    return sendError(response, 400, 'name: one name is needed');
  if (Number.isNaN(timeMs)) return sendError(response, 400, `at: ${TIME_FORM}`);
  if (query.has('client'))
    return sendError(response, 400, 'client: of the past only what everybody was answered with is known');
  if (journal === undefined) return sendError(response, 400, 'at: no journal is kept');
  try {
    sendJson(response, 200, await journal.explainAt({ name, type, timeMs }));
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    sendError(response, 400, error.message);
  }
}

/** What the control plane says; a question that it finds malformed is answered with 400 here. */
export function asked<Answer>(response: ServerResponse, ask: () => Answer): Answer | undefined {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    sendError(response, 400, error.message);
    return undefined;
  }
}

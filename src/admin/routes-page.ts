/** Owns the paths that the page lives on: the federation, Services, traffic, and the stream of events. */

import type { Tick } from './live-feed.ts';
import { sendError, sendEvents, sendJson } from './reply.ts';
import type { Call, Parameter, Routes } from './route.ts';
import { servicePageSchema, serviceReportSchema, topologySchema, trafficSchema } from './schemas-page.ts';
import { searchServices } from './service-search.ts';
import { SERVICE_HEALTHS, type ServiceHealth } from './services.ts';

export type { Tick };

/** Characters of a search, and of a Service's name. */
const SEARCH_MAX = 256;
/** Rows of one reply: what a long list shows at once, several times over. */
export const ROWS_MAX = 500;
const ROWS_DEFAULT = 100;
/** Searches at a time. Each gives way to other work, and the later ones of somebody who types end the earlier. */
const SEARCHES_MAX = 16;
/** Seconds after which a page that found no room may look again. */
const FULL_RETRY_SECONDS = 10;

const COUNT = { type: 'integer', minimum: 0 } as const;
const SERVICES_PARAMETERS: readonly Parameter[] = [
  { name: 'search', about: 'parts of the name, separated by spaces, all of which it has', example: 'nginx' },
  {
    name: 'health',
    about: `${SERVICE_HEALTHS.join(', ')}: with a shard that does not count, without one that does; default all`,
    schema: { type: 'string', enum: SERVICE_HEALTHS },
    example: 'all',
  },
  { name: 'offset', about: 'rows to leave out, default 0', schema: COUNT, example: '0' },
  {
    name: 'limit',
    about: `most rows, at most ${ROWS_MAX}, default ${ROWS_DEFAULT}`,
    schema: { ...COUNT, maximum: ROWS_MAX },
    example: '10',
  },
];

/** The paths that the page and `fedns status`, `services` and `service` read. */
export const PAGE_ROUTES: Routes = new Map([
  [
    '/api/v1/topology',
    {
      GET: {
        about: 'the federation as people think of it: regions, zones, clusters, and how they are',
        replies: { 'application/json': topologySchema },
        serve: sendTopology,
      },
    },
  ],
  [
    '/api/v1/services',
    {
      GET: {
        about: 'the Services and how they are (search, health, offset, limit)',
        parameters: SERVICES_PARAMETERS,
        replies: { 'application/json': servicePageSchema },
        otherReplies: { 503: { about: 'Too many searches are under way.' } },
        serve: sendServices,
      },
    },
  ],
  [
    '/api/v1/service',
    {
      GET: {
        about: 'one Service: its shards, and who answers for it at each place (name)',
        parameters: [
          {
            name: 'name',
            about: 'SERVICE.NAMESPACE.FEDERATION, or any name of the Service',
            isRequired: true,
            example: 'nginx.mynamespace.myfederation',
          },
        ],
        replies: { 'application/json': serviceReportSchema },
        otherReplies: { 404: { about: 'No such Service is known.' } },
        serve: sendService,
      },
    },
  ],
  [
    '/api/v1/traffic',
    {
      GET: {
        about: 'replies a second by RCODE and how long changes took, of the last minutes',
        replies: { 'application/json': trafficSchema },
        serve: sendTraffic,
      },
    },
  ],
  [
    '/api/v1/events',
    {
      GET: {
        about: 'all of this as it changes, as server-sent events',
        replies: { 'text/event-stream': undefined },
        otherReplies: { 503: { about: 'So many pages are open already.' } },
        serve: openEvents,
      },
    },
  ],
]);

function sendTopology({ control, response }: Call): void {
  if (control.topology === undefined) return sendError(response, 404, 'nothing is known of the federation');
  sendJson(response, 200, control.topology());
}

let searches = 0;

async function sendServices({ control, query, response }: Call): Promise<void> {
  const search = (query.get('search') ?? '').toLowerCase();
  const health = (query.get('health') ?? 'all') as ServiceHealth;
  const offset = readCount(query.get('offset'), 0);
  const limit = readCount(query.get('limit'), ROWS_DEFAULT);
  if (control.services === undefined) return sendError(response, 404, 'nothing is known of Services');
  if (search.length > SEARCH_MAX) return sendError(response, 400, 'search: parts of a name are needed');
  if (!SERVICE_HEALTHS.includes(health))
    return sendError(response, 400, `health: not one of ${SERVICE_HEALTHS.join(', ')}`);
  if (offset === undefined || limit === undefined || limit > ROWS_MAX)
    return sendError(response, 400, `offset, limit: numbers are needed, limit at most ${ROWS_MAX}`);
  if (searches >= SEARCHES_MAX) return sendError(response, 503, `${searches} searches are under way already`);
  searches++;
  try {
    const asked = { search, health, offset, limit };
    const found = await searchServices(control.services, asked, () => !response.destroyed);
    if (!response.destroyed) sendJson(response, 200, { serial: control.vitals().serial, ...found });
  } finally {
    searches--;
  }
}

/** @returns undefined where it is no count */
function readCount(text: string | null, otherwise: number): number | undefined {
  if (text === null) return otherwise;
  return /^[0-9]{1,7}$/.test(text) ? Number(text) : undefined;
}

function sendService({ control, query, response }: Call): void {
  const name = query.get('name')!;
  if (name === '' || name.length > SEARCH_MAX)
    return sendError(response, 400, 'name: one name is needed, such as nginx.mynamespace.myfederation');
  const report = control.services?.report(serviceOf(name));
  if (report === undefined)
    return sendError(response, 404, `no Service ${name} is known; its name is SERVICE.NAMESPACE.FEDERATION`);
  sendJson(response, 200, report);
}

/** `S.N.F` of any name of a Service: at a level, of a port or cluster, with or without the trailing dot. */
function serviceOf(name: string): string {
  const lower = name.toLowerCase().replace(/\.$/, '');
  const svc = `${lower}.`.indexOf('.svc.');
  return (svc === -1 ? lower : lower.slice(0, svc)).split('.').slice(-3).join('.');
}

function sendTraffic({ live, response }: Call): void {
  if (live === undefined) return sendError(response, 404, 'nothing is measured');
  sendJson(response, 200, live.traffic());
}

function openEvents({ live, response }: Call): void {
  if (live === undefined) return sendError(response, 404, 'there is nothing to follow');
  if (response.req.method === 'HEAD') return sendEvents(response, () => void response.end());
  if (live.isFull)
    return sendError(response, 503, `${live.pages} pages are open already`, {
      'retry-after': String(FULL_RETRY_SECONDS),
    });
  sendEvents(response, () => live.open(response));
}

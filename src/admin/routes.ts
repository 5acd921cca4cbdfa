/** Owns the table of admin paths and what each of them answers. Sockets and limits belong to server.ts. */

import { isIP } from 'node:net';
import type { ServerResponse } from 'node:http';
import { QuestionError } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Metrics } from './metrics.ts';
import { pendingClusters } from './ready.ts';
import { sendError, sendJson, sendList, sendText } from './reply.ts';

export interface RouteContext {
  readonly control: ControlPlane;
  readonly metrics: Metrics;
}

type Route = (
  context: RouteContext,
  query: URLSearchParams,
  response: ServerResponse,
) => void | Promise<void>;

/** A longer name cannot be one: 255 octets, each written as `\DDD` (RFC 1035 section 5.1). */
const NAME_CHARACTERS_MAX = 1024;
const TYPE_PATTERN = /^[A-Z][A-Z0-9-]{0,15}$/;

/** Every path of the admin server; all are read with GET. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/healthz', (_context, _query, response) => sendText(response, 200, 'ok\n')],
  ['/readyz', (context, _query, response) => sendReadiness(context.control, response)],
  [
    '/metrics',
    async ({ metrics }, _query, response) => {
      sendText(response, 200, await metrics.text(), { 'content-type': metrics.contentType });
    },
  ],
  ['/api/v1/records', ({ control }, _query, response) => sendList(response, control.records())],
  ['/api/v1/clusters', ({ control }, _query, response) => sendJson(response, 200, control.clusters())],
  ['/api/v1/explain', ({ control }, query, response) => sendExplanation(control, query, response)],
]);

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
  try {
    const question = { name, type, ...(client !== undefined && { client }) };
    sendJson(response, 200, control.explain(question));
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    sendError(response, 400, error.message);
  }
}

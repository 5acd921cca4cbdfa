/** Owns the paths about drains: which there are, what one would change, and orders and ends of them. */

import type { ServerResponse } from 'node:http';
import { BY_CHARACTERS_MAX } from '../steering/drains/drain.ts';
import { DRAIN_KINDS, type DrainKind } from '../zonebuilder/drains.ts';
import type { DrainControl, DrainOrder, DrainTarget, NameChange, Refusal } from './drains.ts';
import { sendError, sendJson } from './reply.ts';
import { taking, type Call, type Parameter, type Routes } from './route.ts';
import {
  conflictSchema,
  drainsSchema,
  endedSchema,
  nameChangeSchema,
  type OrderBody,
  orderSchema,
  rolloutSchema,
  setSchema,
} from './schemas-drains.ts';
import { listed, sendListing, TOO_MANY_LISTINGS } from './send-listing.ts';

const TARGET: readonly Parameter[] = [
  {
    name: 'kind',
    about: DRAIN_KINDS.join(', '),
    isRequired: true,
    schema: { type: 'string', enum: DRAIN_KINDS },
    example: 'zone',
  },
  {
    name: 'name',
    about: 'CLUSTER, REGION, ZONE or ZONE.REGION, SERVICE.NAMESPACE or SERVICE.NAMESPACE.FEDERATION',
    isRequired: true,
    example: 'us-central1-a.us-central1',
  },
  { name: 'cluster', about: 'of a Service only its shard in this cluster' },
];

const NOT_STEERED = 'this server has no drains';

const UNKNOWN = { 422: { about: 'No such cluster, region, zone or Service is known.' } };
const UNKEPT = { 503: { about: 'It cannot be written where replicas share it; nothing has changed.' } };

export const DRAIN_ROUTES: Routes = new Map([
  [
    '/api/v1/drains',
    {
      GET: {
        about: 'what is drained, until when and why, and whether every replica serves it',
        replies: { 'application/json': drainsSchema },
        serve: ({ control, response }: Call<unknown>) =>
          withDrains(control.drains, response, (drains) => sendJson(response, 200, drains.view())),
      },
      POST: taking({
        about: 'drain something, or go on with another end',
        body: orderSchema,
        example: {
          kind: 'zone',
          name: 'us-central1-a.us-central1',
          forSeconds: 1800,
          reason: 'new racks',
          by: 'anna',
        },
        replies: { 'application/json': setSchema },
        otherReplies: {
          409: {
            about: 'Names would be without addresses, or it would do nothing.',
            content: { 'application/json': conflictSchema },
          },
          ...UNKNOWN,
          ...UNKEPT,
        },
        serve: sendOrder,
      }),
      DELETE: {
        about: 'end the drain of something (kind, name, cluster, by)',
        parameters: [...TARGET, { name: 'by', about: 'who wants it, for the journal' }],
        replies: { 'application/json': endedSchema },
        otherReplies: { 422: { about: 'It is not drained.' }, ...UNKEPT },
        serve: sendEnd,
      },
    },
  ],
  [
    '/api/v1/drains/preview',
    {
      GET: {
        about:
          'the names whose answers a drain would change, before and after (kind, name, cluster, percent; end)',
        parameters: [
          ...TARGET,
          {
            name: 'percent',
            about: 'how much of its weight would be left; default 0',
            schema: { type: 'integer', minimum: 0, maximum: 99 },
          },
          {
            name: 'end',
            about: 'true: of the end of the drain',
            schema: { type: 'string', enum: ['true', 'false'] },
          },
        ],
        replies: listed(nameChangeSchema),
        otherReplies: { 422: { about: 'Nothing of the kind is known, or drained.' }, ...TOO_MANY_LISTINGS },
        serve: sendPreview,
      },
    },
  ],
  [
    '/api/v1/rollout',
    {
      GET: {
        about: 'how far the drains of this server alone have come, for the other replicas',
        replies: { 'application/json': rolloutSchema },
        serve: ({ control, response }: Call<unknown>) =>
          withDrains(control.drains, response, (drains) => sendJson(response, 200, drains.rollout())),
      },
    },
  ],
]);

function withDrains<T>(
  drains: DrainControl | undefined,
  response: ServerResponse,
  serve: (drains: DrainControl) => T,
): T | void {
  if (drains === undefined) return sendError(response, 404, NOT_STEERED);
  return serve(drains);
}

async function sendOrder({ control, body, response }: Call<OrderBody>): Promise<void> {
  await withDrains(control.drains, response, async (drains) => {
    const { forSeconds, ...order } = body;
    const untilMs = forSeconds === undefined ? undefined : drains.nowMs() + forSeconds * 1000;
    // Of JSON nothing is undefined.
    const asked = { ...order, ...(untilMs !== undefined && { untilMs }) } as DrainOrder;
    const outcome = await drains.order(asked);
    switch (outcome.kind) {
      case 'set': {
        const { drain, services, warnings } = outcome;
        return sendJson(response, 200, { drain, services, warnings });
      }
      case 'losses': {
        const { message, losses, count } = outcome;
        return sendJson(response, 409, { error: message, losses, count });
      }
      default:
        return refuse(response, outcome);
    }
  });
}

async function sendEnd({ control, query, response }: Call<unknown>): Promise<void> {
  await withDrains(control.drains, response, async (drains) => {
    const target = readTarget(query);
    if (typeof target === 'string') return sendError(response, 400, target);
    const by = query.get('by')?.slice(0, BY_CHARACTERS_MAX);
    const outcome = await drains.end(target, by);
    if (outcome.kind !== 'ended') return refuse(response, outcome);
    sendJson(response, 200, {
      drains: outcome.drains,
      services: outcome.services,
      warnings: outcome.warnings,
    });
  });
}

async function sendPreview(call: Call<unknown>): Promise<void> {
  const { control, query, response } = call;
  await withDrains(control.drains, response, async (drains) => {
    const target = readTarget(query);
    if (typeof target === 'string') return sendError(response, 400, target);
    const percentText = query.get('percent') ?? '0';
    if (!/^[1-9]?[0-9]$/.test(percentText)) return sendError(response, 400, 'percent: 0 to 99');
    const rows: Iterable<NameChange | undefined> | Refusal =
      query.get('end') === 'true'
        ? drains.previewEnd(target)
        : drains.preview({ ...target, percent: Number(percentText) });
    if ('message' in rows) return refuse(response, rows);
    await sendListing(call, response, { of: 'changes', rows, serial: () => control.vitals().serial });
  });
}

const STATUSES: Readonly<Record<Refusal['kind'], number>> = { unknown: 422, conflict: 409, unkept: 503 };

function refuse(response: ServerResponse, { kind, message }: Refusal): void {
  sendError(response, STATUSES[kind], message);
}

/** @returns the target, or what is wrong with it */
function readTarget(query: URLSearchParams): DrainTarget | string {
  const kind = query.get('kind');
  const isKnown = DRAIN_KINDS.some((known) => known === kind);
  if (!isKnown) return `kind: one of ${DRAIN_KINDS.join(', ')}`;
  const cluster = query.get('cluster') ?? undefined;
  return { kind: kind as DrainKind, name: query.get('name')!, ...(cluster !== undefined && { cluster }) };
}

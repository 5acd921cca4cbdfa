/** Owns the paths of the guard: what it withholds, and letting go of it. */

import { z } from 'zod';
import { sendError, sendJson } from './reply.ts';
import { taking, type Call, type PathRoutes, type Routes } from './route.ts';
import { guardReleasedSchema, guardStatusSchema, type GuardReleased } from './schemas-guard.ts';

const releaseBody = z.strictObject({
  id: z.string().max(20).optional().describe('Of a stop; without it all are released.'),
});

export const GUARD_ROUTES: Routes = new Map<string, PathRoutes>([
  [
    '/api/v1/guard',
    {
      GET: {
        about: 'what the guard withholds, and for how long still',
        replies: { 'application/json': guardStatusSchema },
        serve: ({ control, response }) =>
          control.guard === undefined
            ? sendError(response, 404, 'there is no guard')
            : sendJson(response, 200, control.guard.status()),
      },
    },
  ],
  [
    '/api/v1/guard/release',
    {
      POST: taking({
        about: 'lets go of what the guard withholds: of one stop, or of all',
        body: releaseBody,
        example: {},
        replies: { 'application/json': guardReleasedSchema },
        otherReplies: { 404: { about: 'There is no such stop.' } },
        serve: release,
      }),
    },
  ],
]);

function release({ control, body, response }: Call<z.infer<typeof releaseBody>>): void {
  const shards = control.guard?.release(body.id);
  if (shards === undefined) return sendError(response, 404, `there is no stop ${body.id ?? ''}`.trimEnd());
  const released: GuardReleased = { shards };
  sendJson(response, 200, released);
}

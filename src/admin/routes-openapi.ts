/** Owns the path that describes all the others. How they are described: openapi.ts. */

import { z } from 'zod';
import { describeRoutes } from './openapi.ts';
import { sendText } from './reply.ts';
import type { Call, Routes } from './route.ts';

/** The description of a description goes as far as whoever reads it can rely on. */
const documentSchema = z
  .looseObject({
    openapi: z.string().regex(/^3\.1\.\d+$/),
    info: z.looseObject({ title: z.string(), version: z.string() }),
    paths: z.record(z.string(), z.looseObject({})).describe('By path, then by method in lower case.'),
    components: z.looseObject({}),
  })
  .meta({ id: 'OpenApi', description: 'An OpenAPI 3.1 document.' });

/** @param routes - all of them, this one too */
export function openapiRoutes(routes: () => Routes): Routes {
  let text: string | undefined;
  return new Map([
    [
      '/api/v1/openapi.json',
      {
        GET: {
          about: 'what all of these take and answer, as OpenAPI 3.1',
          replies: { 'application/json': documentSchema },
          serve({ response }: Call) {
            // Made when it is asked for the first time: nobody else pays for it.
            text ??= openapiText(routes());
            sendText(response, 200, text, { 'content-type': 'application/json' });
          },
        },
      },
    ],
  ]);
}

/** The document as it is served, and as docs/openapi.json has it. */
export function openapiText(routes: Routes): string {
  return `${JSON.stringify(describeRoutes(routes), null, 2)}\n`;
}

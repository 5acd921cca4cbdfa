/** Owns what `/` answers: the list of all paths as text. A page for browsers is served to whoever accepts text/html. */

import type { ServerResponse } from 'node:http';
import { sendText } from './reply.ts';
import { METHODS, type Call, type Routes } from './route.ts';

/** @param routes - all of them, this one too */
export function indexRoutes(routes: () => Routes): Routes {
  return new Map([
    [
      '/',
      {
        GET: {
          about: 'this list',
          replies: { 'text/plain': undefined },
          serve: ({ response }: Call) => sendIndex(response, routes()),
        },
      },
    ],
  ]);
}

function sendIndex(response: ServerResponse, routes: Routes): void {
  const rows = [...routes].flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const about = methods[method]?.about;
      return about === undefined ? [] : [[method === 'GET' ? path : `${method} ${path}`, about] as const];
    }),
  );
  const width = Math.max(...rows.map(([what]) => what.length));
  const lines = rows.map(([what, about]) => `${what.padEnd(width)}  ${about}\n`);
  sendText(response, 200, `The admin address of fedns:\n\n${lines.join('')}`);
}

/** Owns what `/` answers: the page to a browser, which accepts text/html, and the list of all paths to anybody else. */

import type { ServerResponse } from 'node:http';
import { sendPage, wantsPage } from './page-files.ts';
import { sendText } from './reply.ts';
import { METHODS, type Call, type Routes } from './route.ts';

/** @param routes - all of them, this one too */
export function indexRoutes(routes: () => Routes): Routes {
  return new Map([
    [
      '/',
      {
        GET: {
          about: 'this list; to a browser, the page',
          replies: { 'text/plain': undefined, 'text/html': undefined },
          serve: ({ request, response }: Call) =>
            wantsPage(request) ? sendPage(request, response) : sendIndex(response, routes()),
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

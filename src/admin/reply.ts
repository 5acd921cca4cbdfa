/** Owns the forms of an HTTP reply: text, JSON, and a JSON list too long to be built at once. */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

/** Rows between two looks at the event loop: about a millisecond of work. */
const ROWS_PER_TURN = 500;

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

/** Sends a whole reply. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, `${JSON.stringify(value)}\n`, { 'content-type': 'application/json' });
}

/** An error as every route reports it. */
export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify({ error: message })}\n`;
  sendText(response, status, text, { 'content-type': 'application/json', ...headers });
}

/**
 * Sends a JSON list with one element a line, as fast as the client reads it. Between slices other work goes on, so a
 * listing of a million rows delays nothing else.
 */
export async function sendList(response: ServerResponse, rows: Iterable<unknown>): Promise<void> {
  response.writeHead(200, { ...COMMON_HEADERS, 'content-type': 'application/json' });
  let slice = '[';
  let count = 0;
  for (const row of rows) {
    slice += `${count === 0 ? '' : ','}\n${JSON.stringify(row)}`;
    if (++count % ROWS_PER_TURN !== 0) continue;
    await writeSlice(response, slice);
    if (response.destroyed) return;
    slice = '';
  }
  response.end(`${slice}\n]\n`);
}

async function writeSlice(response: ServerResponse, slice: string): Promise<void> {
  if (response.write(slice)) await turn();
  else await Promise.race([once(response, 'drain'), once(response, 'close')]);
}

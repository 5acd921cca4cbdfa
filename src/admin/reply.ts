/** Owns the forms of an HTTP reply: text, JSON, and what is too long to be built at once. */

import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

/** How long a client may pause within a listing, in milliseconds: somebody reads it in a pager. */
const READING_MS_MAX = 15 * 60_000;

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
 * Sends slices of text as fast as the client reads them. Between two slices other work goes on, so a listing of a
 * million rows delays nothing else; a client that goes away ends it.
 */
export async function sendSlices(
  response: ServerResponse,
  mediaType: string,
  slices: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, { ...COMMON_HEADERS, 'content-type': mediaType });
  response.setTimeout(READING_MS_MAX);
  // Whoever asks for the head only is not read a million rows.
  if (response.req.method === 'HEAD') return void response.end();
  for await (const slice of slices) {
    if (slice !== '' && !response.write(slice)) await drained(response);
    if (response.destroyed) return;
    // A socket that takes everything at once would otherwise never let go of the event loop.
    await turn();
  }
  response.end();
}

/** Begins a stream of server-sent events; what comes is written by `open`. */
export function sendEvents(response: ServerResponse, open: () => void): void {
  // The end of the connection is the end of the stream: in chunks, each event would cost twice as much.
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { ...COMMON_HEADERS, 'content-type': 'text/event-stream', connection: 'close' });
  open();
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  response.on('drain', resolve).on('close', resolve);
  await promise;
  response.off('drain', resolve).off('close', resolve);
}

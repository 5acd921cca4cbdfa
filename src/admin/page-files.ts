/** Owns the page for browsers as it is served: built once, in a thread, when the first browser asks, so that no change waits for it. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Worker } from 'node:worker_threads';
import type { BuiltPage, PageFile } from './page-build.ts';
import { sendError } from './reply.ts';

/** Nobody frames the page, and nothing of where it is told goes elsewhere. */
const PAGE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
} as const;

let built: Promise<BuiltPage> | undefined;

/** The page of this process. A build that fails is tried again by the next who asks. */
function thePage(): Promise<BuiltPage> {
  built ??= buildAside().catch((error: unknown) => {
    built = undefined;
    throw error;
  });
  return built;
}

async function buildAside(): Promise<BuiltPage> {
  const { promise, resolve, reject } = Promise.withResolvers<BuiltPage>();
  const worker = new Worker(threadUrl(), { name: 'page', execArgv: ['--no-warnings'] });
  worker.once('message', resolve).once('error', reject);
  worker.once('exit', (code) => reject(new Error(`the thread that builds the page ended with ${code}`)));
  return promise;
}

/** This module is TypeScript in the repository and JavaScript in the package. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './page-thread.ts' : './page-thread.js', import.meta.url);
}

/** Whether a path is that of a file of the page. */
export function isPageFile(path: string): boolean {
  return path.startsWith('/page/');
}

/** Whether a request is a browser's that wants to show something. */
export function wantsPage({ headers }: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(headers.accept ?? '');
}

/** Sends the HTML; a browser that has it is told so. */
export async function sendPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { digest, html, policy } = await thePage();
  const etag = `"${digest}"`;
  const headers = {
    'cache-control': 'no-cache',
    etag,
    vary: 'accept, accept-encoding',
    'content-security-policy': policy,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ...PAGE_HEADERS, ...headers });
    response.end();
    return;
  }
  sendFile(request, response, html, headers);
}

/** Sends a file of the page: `/page/DIGEST/NAME`. */
export async function sendPageFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { digest, files } = await thePage();
  const [, , asked, ...name] = request.url!.replace(/\?.*$/, '').split('/');
  const file = asked === digest ? files.get(name.join('/')) : undefined;
  if (file === undefined) return sendError(response, 404, 'no such file of the page; / has the newest');
  sendFile(request, response, file, {
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
  });
}

function sendFile(
  { headers: asked }: IncomingMessage,
  response: ServerResponse,
  { mediaType, octets, gzip }: PageFile,
  headers: Readonly<Record<string, string>>,
): void {
  const isSmall = /\bgzip\b/i.test(String(asked['accept-encoding'] ?? ''));
  const body = isSmall ? gzip : octets;
  response.writeHead(200, {
    ...PAGE_HEADERS,
    ...headers,
    'content-type': mediaType,
    'content-length': String(body.length),
    ...(isSmall && { 'content-encoding': 'gzip' }),
  });
  response.end(body);
}

/**
 * Requests to one API server: one keep-alive pool per cluster, time limits for the beginning of a reply and for
 * silence in the middle of it, and replies as streams of chunks that the reader takes at its own pace. What the
 * chunks say is read in list-pages.ts and watch-stream.ts.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { SecureContext } from 'node:tls';
import { ApiError, asApiError, statusError, type ApiErrorCode } from '../api-error.ts';
import type { ApiAccess } from '../credentials/credentials.ts';
import { proxyName } from '../credentials/proxy.ts';
import { readSaid } from './said-status.ts';
import { endRequest, makeAgent, makeContext, type ApiAgent } from './api-agent.ts';
import { pause, type Timer, type Timers } from '../../timers.ts';

/** Connections to one API server: four watches, their lists while the watches still run, and the probe. */
export const SOCKETS_MAX = 12;
/** Idle connections kept for the next list or probe. */
const FREE_SOCKETS_MAX = 4;
/** Octets read of an error's body, for its message. */
const ERROR_OCTETS_MAX = 16 * 1024;
/** Time for the body of an error. */
const ERROR_BODY_MS = 2_000;

/** What a write is answered with: done, made, or, of an object that goes by and by, noted. */
const DONE_STATUSES: ReadonlySet<number> = new Set([200, 201, 202]);

export interface RequestLimits {
  /** From the request to the first octet of the reply: DNS, TCP, TLS and the server's thinking, in milliseconds. */
  readonly headersMs: number;
  /** Longest silence within the reply, in milliseconds. */
  readonly idleMs: number;
}

/** Where credentials come from; `Credentials` in credentials.ts. */
export interface CredentialSource {
  current(): Promise<ApiAccess>;
  refused(authorization: string | undefined): void;
}

export interface ApiClientOptions {
  readonly credentials: CredentialSource;
  readonly timers: Timers;
  readonly userAgent: string;
  /** Connections at once. Default: {@link SOCKETS_MAX}. */
  readonly socketsMax?: number;
  /** The credentials lead to another server than before. Called before anything is sent to it. */
  readonly onServer?: () => void;
  /** Called for every octet block that arrives; returns how long to wait before the next, in milliseconds. */
  readonly pace?: (octets: number) => number;
}

/** A reply whose status is 200. */
export interface ApiReply {
  /** Throws ApiError `IDLE` or `INTERRUPTED`. Leaving the loop early closes the connection. */
  readonly chunks: AsyncIterable<Buffer>;
}

interface RequestPlan {
  readonly path: string;
  readonly accept: string;
  readonly limits: RequestLimits;
  readonly signal: AbortSignal;
  /** Absent: a GET. */
  readonly write?: Write;
}

/** What a request brings. */
export interface Write {
  readonly method: 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly body: string;
  /** Default: JSON. */
  readonly contentType?: string;
}

interface Pool {
  readonly tlsId: string;
  readonly agent: ApiAgent;
  /** Absent: no TLS. */
  readonly context: SecureContext | undefined;
}

/** Talks to one API server. */
export class ApiClient {
  readonly #options: ApiClientOptions;
  /** Ends a request that is under way. */
  readonly #inFlight = new Set<(error: ApiError) => void>();
  #pool: Pool | undefined;
  #serverId: string | undefined;
  #closed = false;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  /**
   * Sends a GET.
   *
   * @param path - with query, relative to the server's own path
   * @param accept - when it asks for JSON, anything else is an error: HTML from a proxy and the like
   * @throws ApiError on everything but status 200. After that, `chunks` must be read
   */
  async get(path: string, accept: string, limits: RequestLimits, signal: AbortSignal): Promise<ApiReply> {
    const access = await this.#access();
    if (this.#closed || signal.aborted) throw new ApiError('INTERRUPTED', 'stopped');
    const response = await this.#send(access, { path, accept, limits, signal });
    if (response.statusCode === 200) {
      checkType(response, accept);
      return { chunks: this.#chunks(response, limits.idleMs, signal) };
    }
    if (response.statusCode === 401) this.#options.credentials.refused(access.authorization);
    throw await this.#readError(response, signal);
  }

  /** Sends a GET and reads the whole reply as text. @throws ApiError, also when it is longer than `octetsMax` */
  async getText(
    path: string,
    accept: string,
    limits: RequestLimits,
    signal: AbortSignal,
    octetsMax: number,
  ): Promise<string> {
    const { chunks } = await this.get(path, accept, limits, signal);
    return readText(chunks, octetsMax);
  }

  /**
   * Writes an object and reads what has become of it. One that is sent again, because its connection had been closed, meets what it
   * has brought about itself: its resource version, or the name that it creates, tells.
   *
   * @throws ApiError; with status 409 where the object is there already, or is another by now
   */
  async write(
    write: Write,
    path: string,
    limits: RequestLimits,
    signal: AbortSignal,
    octetsMax: number,
  ): Promise<string> {
    const access = await this.#access();
    if (this.#closed || signal.aborted) throw new ApiError('INTERRUPTED', 'stopped');
    const response = await this.#send(access, { path, accept: 'application/json', limits, signal, write });
    if (response.statusCode === 401) this.#options.credentials.refused(access.authorization);
    if (!DONE_STATUSES.has(response.statusCode ?? 0)) throw await this.#readError(response, signal);
    return readText(this.#chunks(response, limits.idleMs, signal), octetsMax);
  }

  /** Ends everything that is under way and closes all connections. */
  close(): void {
    this.#closed = true;
    for (const end of this.#inFlight) end(new ApiError('INTERRUPTED', 'stopped'));
    this.#pool?.agent.destroy();
    this.#pool = undefined;
  }

  async #access(): Promise<ApiAccess> {
    const { credentials, onServer } = this.#options;
    const access = await credentials.current().catch((error: unknown) => {
      throw asApiError(error, 'CREDENTIALS');
    });
    const before = this.#serverId;
    this.#serverId = serverIdOf(access);
    if (before !== undefined && before !== this.#serverId) onServer?.();
    return access;
  }

  /** Other TLS material means other connections: those in use end by themselves, within one watch. */
  #poolFor(access: ApiAccess): Pool {
    if (this.#pool?.tlsId === access.tlsId) return this.#pool;
    const pool = openPool(access, this.#options.socketsMax ?? SOCKETS_MAX);
    for (const sockets of Object.values(this.#pool?.agent.freeSockets ?? {})) {
      for (const socket of sockets ?? []) socket.destroy();
    }
    this.#pool = pool;
    return pool;
  }

  /** A kept connection may have been closed by the server a moment before: that says nothing of the server. */
  async #send(access: ApiAccess, plan: RequestPlan): Promise<IncomingMessage> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#sendOnce(access, plan);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
        if (attempt > FREE_SOCKETS_MAX) throw new ApiError('UNREACHABLE', error.message);
      }
    }
  }

  #sendOnce(
    access: ApiAccess,
    { path, accept, limits, signal, write }: RequestPlan,
  ): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const open = access.server.protocol === 'http:' ? httpRequest : httpsRequest;
    const request = open(
      requestOptions(access, path, accept, this.#poolFor(access), this.#options.userAgent, write),
    );
    request.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }) => {
      if (statusCode !== 200) request.destroy(proxyError(access.proxy!, statusCode));
    });
    // A request that waits for its connection tells of its end only when it has got one: whoever waits is told here.
    const end = (error: ApiError): void => {
      over();
      reject(error);
      endRequest(request, error);
    };
    const late = this.#deadline(limits.headersMs, () => end(noReply(access, limits.headersMs)));
    const abort = (): void => end(new ApiError('INTERRUPTED', 'stopped'));
    const over = (): void => {
      late.cancel();
      signal.removeEventListener('abort', abort);
      this.#inFlight.delete(end);
    };
    this.#inFlight.add(end);
    signal.addEventListener('abort', abort);
    request.on('response', (response) => {
      late.cancel();
      resolve(response);
    });
    // An error after the response has begun also reaches the response, where its reader sees it.
    request.on('error', (error) => {
      late.cancel();
      reject(isStale(request, error) ? new StaleConnection(error.message) : asApiError(error, 'UNREACHABLE'));
    });
    request.on('close', () => {
      over();
      reject(new ApiError('UNREACHABLE', 'the connection was closed before a reply'));
    });
    request.end(write?.body);
    return promise;
  }

  /**
   * A time limit in two halves, one set after the other: when this process itself was held up, a reply that has come
   * meanwhile gets another half to be noticed, instead of being taken for none.
   */
  #deadline(ms: number, run: () => void): Timer {
    const { timers } = this.#options;
    let timer = timers.after(ms / 2, () => {
      timer = timers.after(ms / 2, run);
    });
    return { cancel: () => timer.cancel() };
  }

  async *#chunks(response: IncomingMessage, idleMs: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const silence = new SilenceGuard(this.#options.timers, idleMs, () =>
      response.destroy(new ApiError('IDLE', `nothing came for ${idleMs / 1000} s`)),
    );
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        silence.end();
        yield chunk;
        await pause(this.#options.timers, this.#options.pace?.(chunk.length) ?? 0, signal);
        silence.begin();
      }
    } catch (error) {
      throw asApiError(error, 'INTERRUPTED');
    } finally {
      silence.close();
      if (!response.complete) response.destroy();
    }
  }

  async #readError(response: IncomingMessage, signal: AbortSignal): Promise<ApiError> {
    const status = response.statusCode ?? 0;
    const retryAfterMs = readRetryAfter(response.headers['retry-after']);
    const text = await readText(this.#chunks(response, ERROR_BODY_MS, signal), ERROR_OCTETS_MAX).catch(
      () => '',
    );
    const target = readTarget(response);
    const said = readSaid(text);
    const message = target === undefined ? (said?.message ?? text.slice(0, 120)) : `redirected to ${target}`;
    return statusError(status, message, retryAfterMs, said);
  }
}

/** The end of a time limit for silence. */
const LAST_BIT_MS = 500;

/** Fires when nothing has come for a while. Cheap to touch: the timer is only moved when it fires early. */
class SilenceGuard {
  readonly #timers: Timers;
  readonly #idleMs: number;
  readonly #onSilence: () => void;
  #timer: Timer | undefined;
  #sinceMs = 0;
  #listening = true;
  #warned = false;

  constructor(timers: Timers, idleMs: number, onSilence: () => void) {
    this.#timers = timers;
    this.#idleMs = idleMs;
    this.#onSilence = onSilence;
    this.begin();
  }

  begin(): void {
    this.#listening = true;
    this.#sinceMs = this.#timers.now();
    this.#timer ??= this.#timers.after(this.#idleMs, () => this.#check());
  }

  /** Something came: the time that the reader takes for it is no silence of the server's. */
  end(): void {
    this.#listening = false;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #check(): void {
    this.#timer = undefined;
    const silentMs = this.#listening ? this.#timers.now() - this.#sinceMs : 0;
    const leftMs = this.#idleMs - silentMs;
    if (leftMs <= 0 && this.#warned) return this.#onSilence();
    // The last bit is waited for apart: octets that have come while this process was held up are read first.
    this.#warned = leftMs <= LAST_BIT_MS;
    this.#timer = this.#timers.after(Math.max(LAST_BIT_MS, leftMs - LAST_BIT_MS), () => this.#check());
  }
}

/** What makes a server another one. Authority and proxy count: in another network the same address is another's. */
function serverIdOf({ server, proxy, tls }: ApiAccess): string {
  return JSON.stringify([server.href, proxy?.host, tls.servername, tls.ca]);
}

/** The request was written to a connection that the server had already closed. */
class StaleConnection extends Error {}

function isStale(request: ClientRequest, error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
}

function requestOptions(
  access: ApiAccess,
  path: string,
  accept: string,
  { agent, context }: Pool,
  userAgent: string,
  write?: Write,
): RequestOptions {
  const { server, authorization, headers, tls } = access;
  return {
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    ...(context === undefined ? {} : { secureContext: context }),
    rejectUnauthorized: tls.rejectUnauthorized,
    agent,
    method: write?.method ?? 'GET',
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port === '' ? (server.protocol === 'http:' ? 80 : 443) : server.port,
    path: server.pathname.replace(/\/$/, '') + path,
    headers: {
      ...headers,
      accept,
      'user-agent': userAgent,
      ...(write && {
        'content-type': write.contentType ?? JSON_TYPE,
        'content-length': Buffer.byteLength(write.body),
      }),
      ...(authorization === undefined ? {} : { authorization }),
    },
  };
}

function openPool(access: ApiAccess, maxSockets: number): Pool {
  const agent = makeAgent(access, { maxSockets, maxFreeSockets: FREE_SOCKETS_MAX });
  const context = access.server.protocol === 'http:' ? undefined : makeContext(access.tls);
  return { tlsId: access.tlsId, agent, context };
}

function noReply({ proxy }: ApiAccess, ms: number): ApiError {
  const through = proxy === undefined ? '' : ` through the proxy ${proxyName(proxy)}`;
  return new ApiError('TIMEOUT', `no reply within ${ms / 1000} s${through}`);
}

/** A proxy that asks for a password has answered: what is wrong is what fedns shows it. */
function proxyError(proxy: URL, status: number): ApiError {
  const text = `the proxy ${proxyName(proxy)} answers ${status} to CONNECT`;
  if (status === 407)
    return new ApiError('UNAUTHORIZED', `${text}: it wants a user name and password`, { status });
  return new ApiError('UNREACHABLE', text, { status });
}

/** A reply that is not read would keep its connection: it is closed here. */
function checkType(response: IncomingMessage, accept: string): void {
  const type = response.headers['content-type'] ?? 'of no type';
  if (!accept.startsWith(JSON_TYPE) || type.toLowerCase().startsWith(JSON_TYPE)) return;
  response.destroy();
  throw new ApiError('NOT_JSON', `the reply is ${type}, not JSON`);
}

const JSON_TYPE = 'application/json';

async function readText(chunks: AsyncIterable<Buffer>, octetsMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let octets = 0;
  for await (const chunk of chunks) {
    octets += chunk.length;
    if (octets > octetsMax) throw new ApiError('TOO_LARGE', `the reply is longer than ${octetsMax} octets`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Delay-seconds only: what an API server sends. Its clock is not trusted, so a date means nothing. */
function readRetryAfter(value: string | undefined): number {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : 0;
}

/**
 * Where a redirect points, without its query, which may hold a secret. API servers send none: it is the log-in page of
 * something before them, and its name tells the operator what that is.
 */
function readTarget({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  if (statusCode < 300 || statusCode > 399 || headers.location === undefined) return undefined;
  const url = URL.parse(headers.location);
  return url === null ? headers.location.replace(/[?#].*/s, '') : url.origin + url.pathname;
}

/** Codes after which the connection, not the request, is in doubt. */
export const CONNECTION_CODES: ReadonlySet<ApiErrorCode> = new Set([
  'UNREACHABLE',
  'INTERRUPTED',
  'TIMEOUT',
  'IDLE',
]);

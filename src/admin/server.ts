/**
 * Owns the admin listener: its sockets, its limits, and which requests reach a route. It runs beside the data plane
 * and can neither delay nor stop answers. What the paths answer: routes.ts.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import type { ListenAddress } from '../config/settings.ts';
import { isAuthorized, whyUnauthorized } from './auth.ts';
import { isOwnHost } from './hosts.ts';
import { isPageFile, sendPageFile } from './page-files.ts';
import { sendError } from './reply.ts';
import { hasBody, readBody } from './body.ts';
import {
  faultOf,
  METHODS,
  type Method,
  type PathRoutes,
  type Route,
  type RouteContext,
  type Routes,
} from './route.ts';
import { ROUTES } from './routes.ts';

/** Octets of a request's header: our own requests have a few hundred, scrapers about a thousand. */
const HEADER_OCTETS_MAX = 8192;
/** Time for a request's header to arrive, in milliseconds. */
const HEADER_MS_MAX = 5000;
/** Time without an octet in either direction, in milliseconds; a listing has more (reply.ts). */
const SILENCE_MS_MAX = 60_000;
/** Connections at a time: a scraper or two, a kubelet and some people. Pages that follow events have room beside it (live-feed.ts). */
const CONNECTIONS_MAX = 64;

export interface AdminServerOptions extends Omit<RouteContext, 'listings'> {
  readonly listen: ListenAddress;
  /** A descriptor of a socket that listens there, for each start another one. Absent: it is opened. */
  readonly socket?: () => number;
  readonly log: Log;
  /** What a request that changes something must carry; absent: none may. */
  readonly token?: string;
  /** Names besides addresses and localhost that requests may be for, lower case. Default: none. */
  readonly hosts?: () => readonly string[];
  /** Default: {@link ROUTES}. */
  readonly routes?: Routes;
}

/** The admin listener of one server. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #context: RouteContext;
  readonly #server: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#context = { ...options, listings: { count: 0 } };
    this.#server = createServer(
      {
        maxHeaderSize: HEADER_OCTETS_MAX,
        headersTimeout: HEADER_MS_MAX,
        requestTimeout: HEADER_MS_MAX,
        connectionsCheckingInterval: 1000,
        keepAliveTimeout: HEADER_MS_MAX,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
    // Whoever follows events stays for hours, and takes no scraper's place by that.
    if (options.live !== undefined)
      options.live.onPages = (count) => (this.#server.maxConnections = CONNECTIONS_MAX + count);
    this.#server.timeout = SILENCE_MS_MAX;
  }

  /** @throws the error of the operating system, such as `EADDRINUSE` */
  async start(): Promise<void> {
    const { address, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const { socket } = this.#options;
      if (socket === undefined) this.#server.listen(port, address, resolve);
      else this.#server.listen({ fd: socket() }, resolve);
    });
    this.#server.removeAllListeners('error');
    this.#server.on('error', (error) => this.#options.log.error({ reason: error.message }, 'admin listener'));
  }

  /** The bound address; the port is the real one where port 0 was asked for. */
  get address(): ListenAddress {
    const { address, port } = this.#server.address() as AddressInfo;
    return { address, port };
  }

  /** Ends all connections; a listing under way is cut. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      this.#options.metrics.fault();
      this.#options.log.error({ path: request.url, reason: String(error) }, 'an admin request failed');
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'internal error, see the log');
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host, upgrade = '' } = request.headers;
    if (!isOwnHost(host, this.#options.hosts?.() ?? [])) return sendError(response, 421, NOT_OUR_HOST);
    // Other protocols are an offer, which may be passed over (RFC 9110 section 7.8); a WebSocket client takes nothing else.
    if (/\bwebsocket\b/i.test(upgrade)) return sendError(response, 400, 'no WebSockets are spoken here');
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    // Who may not change anything is told so first; a browser that asks whether it may (OPTIONS) is told nothing.
    if (isChange && request.method !== 'OPTIONS' && !isAuthorized(request, this.#options.token))
      return sendError(response, 401, whyUnauthorized(request), { 'www-authenticate': 'Bearer' });
    const url = URL.parse(request.url ?? '', 'http://admin');
    if (url !== null && !isChange && isPageFile(url.pathname)) return sendPageFile(request, response);
    const path = url === null ? undefined : (this.#options.routes ?? ROUTES).get(url.pathname);
    if (url === null || path === undefined) return sendError(response, 404, 'no such path; / lists them');
    const method = methodOf(request);
    const route = method && path[method];
    if (route === undefined)
      return sendError(response, 405, 'not with this method', { allow: allowed(path) });
    await this.#call(route, url.searchParams, request, response);
  }

  async #call(
    route: Route<unknown>,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (route.body === undefined && hasBody(request))
      return sendError(response, 413, 'a request for this has no body');
    const fault = route.parameters && faultOf(query, route.parameters);
    if (fault !== undefined) return sendError(response, 400, fault);
    const body = route.body === undefined ? NO_BODY : await readBody(request, route.body);
    if (body.kind === 'gone') return;
    // What is left of it is read and dropped by Node, within the time that a request has: a close would cut the refusal off.
    if (body.kind === 'refused') return sendError(response, body.status, body.message);
    await route.serve({ ...this.#context, query, body: body.value, request, response });
  }
}

const NO_BODY = { kind: 'read', value: undefined } as const;

/** The method of the table; undefined where the table can have no such row. */
function methodOf({ method }: IncomingMessage): Method | undefined {
  return method === 'HEAD' ? 'GET' : METHODS.find((known) => known === method);
}

function allowed(path: PathRoutes): string {
  return METHODS.filter((method) => path[method] !== undefined)
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');
}

/** RFC 9110 section 15.5.20. */
const NOT_OUR_HOST =
  'not for this host: ask by IP address or localhost, or name the host in adminHosts of the configuration';

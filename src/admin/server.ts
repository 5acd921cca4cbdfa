/**
 * Owns the admin listener: its sockets, its limits, and which requests reach a route. It runs beside the data plane
 * and can neither delay nor stop answers. What the paths answer: routes.ts.
 */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import type { ListenAddress } from '../config/settings.ts';
import { isAuthorized } from './auth.ts';
import { isOwnHost } from './hosts.ts';
import { sendError } from './reply.ts';
import { ROUTES } from './routes.ts';
import type { RouteContext } from './routes.ts';

/** Octets of a request's header: our own requests have a few hundred, scrapers about a thousand. */
const HEADER_OCTETS_MAX = 8192;
/** Time for a request's header to arrive, in milliseconds. */
const HEADER_MS_MAX = 5000;
/** Time without an octet in either direction, in milliseconds; a listing has more (reply.ts). */
const SILENCE_MS_MAX = 60_000;
/** Connections at a time: a scraper or two, a kubelet and some people. */
const CONNECTIONS_MAX = 64;

export interface AdminServerOptions extends Omit<RouteContext, 'listings'> {
  readonly listen: ListenAddress;
  readonly log: Log;
  /** What a request that changes something must carry; absent: none may. */
  readonly token?: string;
  /** Names besides addresses and localhost that requests may be for, lower case. Default: none. */
  readonly hosts?: () => readonly string[];
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
    this.#server.timeout = SILENCE_MS_MAX;
  }

  /** @throws the error of the operating system, such as `EADDRINUSE` */
  async start(): Promise<void> {
    const { address, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, address, resolve);
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
    if (!isOwnHost(host, this.#options.hosts?.() ?? [])) return refuse(response, 421, NOT_OUR_HOST);
    // Other protocols are an offer, which may be passed over (RFC 9110 section 7.8); a WebSocket client takes nothing else.
    if (/\bwebsocket\b/i.test(upgrade)) return refuse(response, 400, 'no WebSockets are spoken here');
    const url = URL.parse(request.url ?? '', 'http://admin');
    const route = url === null ? undefined : ROUTES.get(url.pathname);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads) return this.#refuseChange(request, response);
    if (hasBody(request)) return refuse(response, 413, 'a GET request has no body');
    if (url === null || route === undefined) return sendError(response, 404, 'no such path; / lists them');
    await route.serve(this.#context, url.searchParams, response);
  }

  /** Nothing can be changed yet; who may not is told so first. */
  #refuseChange(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'OPTIONS' || isAuthorized(request, this.#options.token))
      refuse(response, 405, 'read with GET', { allow: 'GET, HEAD' });
    else refuse(response, 401, 'the admin token is needed', { 'www-authenticate': 'Bearer' });
  }
}

/** RFC 9110 section 15.5.20. */
const NOT_OUR_HOST =
  'not for this host: ask by IP address or localhost, or name the host in adminHosts of the configuration';

function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/** Refuses and closes, because a body that nobody reads may follow. */
function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendError(response, status, message, { connection: 'close', ...headers });
}

/**
 * What kubeconfigs lead to, for tests that compare fedns with kubectl: an API server that notes who came and how, and
 * proxies of each kind before it. All on sockets of this machine; the name api.example.test is only known to the
 * proxies.
 */

import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { issueCertificate, type Identity } from '../../cluster/certificates.ts';

export interface World {
  readonly authority: Identity;
  readonly client: Identity;
  /** Ports of the API server and of the proxies. */
  readonly port: number;
  readonly httpProxy: number;
  readonly httpsProxy: number;
  readonly socksProxy: number;
  /** What the API server saw since this was last asked; empty: nobody came. */
  seen(): string;
  stop(): Promise<void>;
}

export const PROXY_PASSWORD = 'me:let-me-in';

export async function openWorld(): Promise<World> {
  const authority = issueCertificate({ commonName: 'world authority' });
  const names = ['127.0.0.1', 'localhost', 'api.example.test'];
  const identity = issueCertificate({ commonName: 'api', names, issuer: authority });
  const client = issueCertificate({ commonName: 'robot', issuer: authority });
  const sockets = new Set<Socket>();
  const ways: string[] = [];
  const visits: string[] = [];
  const api = createHttpsServer({
    ...identity,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  api.on('request', (request: IncomingMessage, response) => {
    visits.push([ways.pop() ?? 'direct', describe(request)].join(' '));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"gitVersion":"v1.36.3"}');
  });
  const toApi = (way: string): Socket => {
    ways.push(way);
    return connect(portOf(api), '127.0.0.1');
  };
  const plain = connectProxy(createHttpServer(), () => toApi('http'));
  const secure = connectProxy(createHttpsServer(identity), () => toApi('https'));
  const socks = socksProxy(() => toApi('socks5'));
  const servers: readonly Server[] = [api, plain, secure, socks];
  for (const server of servers) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
  return {
    authority,
    client,
    port: portOf(api),
    httpProxy: portOf(plain),
    httpsProxy: portOf(secure),
    socksProxy: portOf(socks),
    seen: () => {
      ways.length = 0;
      return visits.splice(0).at(-1) ?? '';
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** `path`, then who: certificate, authorization, and whom they act as. */
function describe({ url, headers, socket }: IncomingMessage): string {
  const certificate = (socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
  const acting = Object.entries(headers)
    .filter(([name]) => name.startsWith('impersonate-'))
    .map(([name, value]) => `${name.slice('impersonate-'.length)}=${String(value)}`)
    .toSorted();
  const who = [
    certificate.subject?.CN,
    headers.authorization,
    acting.length === 0 ? undefined : `as ${acting.join(' ')}`,
  ].filter((part) => part !== undefined);
  // kubectl adds its time limit as a query.
  const [path] = (url ?? '').split('?');
  return [path, ...(who.length === 0 ? ['anonymous'] : who)].join(' ');
}

/** Lets anybody through that names api.example.test, which wants a password, or a loopback address. */
function connectProxy<T extends HttpServer>(server: T, open: () => Socket): T {
  server.on('connect', (request: IncomingMessage, from: Duplex) => {
    const wanted = `Basic ${Buffer.from(PROXY_PASSWORD).toString('base64')}`;
    const isOpen = !String(request.url).startsWith('locked.');
    if (!isOpen && request.headers['proxy-authorization'] !== wanted) {
      from.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    from.write('HTTP/1.1 200 OK\r\n\r\n');
    join(from, open());
  });
  return server;
}

/** RFC 1928, without authentication and for CONNECT to a name or an IPv4 address. */
function socksProxy(open: () => Socket): Server {
  return createTcpServer((from) => {
    from.once('data', () => {
      from.write(Buffer.of(5, 0));
      from.once('data', () => {
        from.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
        join(from, open());
      });
    });
  });
}

function join(from: Duplex, to: Socket): void {
  from.on('error', () => to.destroy());
  to.on('error', () => from.destroy());
  from.pipe(to).pipe(from);
}

/**
 * An API server for tests, over real TLS: lists in pages, watches with bookmarks, forgets old versions, and does
 * whatever else a test tells it to do instead.
 */

import { createServer as createTlsServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { issueCertificate, type Identity } from '../cluster/certificates.ts';

export type Json = Record<string, unknown>;

/** A chance to answer a request in another way. @returns true when it did */
export type Script = (request: ScriptedRequest) => boolean | void;

export interface ScriptedRequest {
  readonly path: string;
  /** The only one that is asked for; `path` is that of the whole cluster. */
  readonly namespace?: string;
  readonly query: URLSearchParams;
  readonly watch: boolean;
  readonly headers: IncomingMessage['headers'];
  readonly response: ServerResponse;
  readonly socket: Socket;
}

interface Event {
  readonly version: number;
  readonly path: string;
  readonly line: string;
  readonly object: Json;
}

interface Watcher {
  readonly path: string;
  readonly response: ServerResponse;
  readonly from: number;
  readonly namespace: string | undefined;
}

export const SERVICES = '/api/v1/services';
export const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';
export const NODES = '/api/v1/nodes';
export const EXPORTS = '/apis/multicluster.x-k8s.io/v1alpha1/serviceexports';

export const KUBE_SYSTEM = '/api/v1/namespaces/kube-system';
const EXPORTS_GROUP = '/apis/multicluster.x-k8s.io';

const LIST_KINDS = {
  [SERVICES]: 'ServiceList',
  [SLICES]: 'EndpointSliceList',
  [NODES]: 'PartialObjectMetadataList',
  [EXPORTS]: 'PartialObjectMetadataList',
};

let authority: Identity | undefined;

/** The certificate authority of all scripted servers. */
export function testAuthority(): Identity {
  authority ??= issueCertificate({ commonName: 'test authority' });
  return authority;
}

export class ScriptedApiServer {
  /** Tried in order before the normal behaviour. */
  scripts: Script[] = [];
  readonly requests: ScriptedRequest[] = [];
  /** Every authorization that requests came with. */
  readonly authorizations: (string | undefined)[] = [];
  hasExports = false;
  /** Of the namespace kube-system; undefined: nobody may read it. */
  uid: string | undefined = 'a-cluster';
  /** Kinds of the group of ServiceExports by version, the preferred version first. */
  exportVersions: Record<string, readonly string[]> = { v1alpha1: ['serviceexports', 'serviceimports'] };
  readyz = 200;
  version = 100;
  readonly #listKinds = new Map<string, string>(Object.entries(LIST_KINDS));
  readonly #objects = new Map<string, Map<string, Json>>();
  #events: Event[] = [];
  #watchers = new Set<Watcher>();
  #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(identity: Identity = issueServerCertificate()) {
    this.#server = createTlsServer({
      ...identity,
      ca: testAuthority().cert,
      requestCert: true,
      rejectUnauthorized: false,
    });
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#answer(request, response),
    );
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.on('connection', (socket: Socket) => socket.on('error', () => {}));
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get watching(): number {
    return this.#watchers.size;
  }

  /** Starts, or starts again on the port it had. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Resets all connections and takes no new ones. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.reset();
    await closed;
  }

  /** Takes no new connections, and lets those that are in use go on, as an API server does that is told to end. */
  drain(): void {
    this.#server.close();
  }

  /** Resets all connections. */
  reset(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#watchers.clear();
  }

  /** Serves another kind. */
  addKind(path: string, listKind: string): void {
    this.#listKinds.set(path, listKind);
  }

  /** Creates, updates or removes an object without telling anyone, as when its event is lost on the way. */
  lose(path: string, object: Json, removed = false): void {
    const stored = this.#stamp(object);
    if (removed) this.#objectsAt(path).delete(keyOf(object));
    else this.#objectsAt(path).set(keyOf(object), stored);
  }

  /** Creates or updates an object and tells the watches. */
  put(path: string, object: Json): void {
    const objects = this.#objectsAt(path);
    const key = keyOf(object);
    const stored = this.#stamp(object);
    this.#publish(path, objects.has(key) ? 'MODIFIED' : 'ADDED', stored);
    objects.set(key, stored);
  }

  remove(path: string, key: string): void {
    const objects = this.#objectsAt(path);
    const object = objects.get(key);
    if (object === undefined) throw new Error(`no ${key}`);
    objects.delete(key);
    this.#publish(path, 'DELETED', this.#stamp(object));
  }

  /** Loads many objects without telling anyone. */
  load(path: string, objects: readonly Json[]): void {
    for (const object of objects) this.#objectsAt(path).set(keyOf(object), this.#stamp(object));
  }

  /** Forgets the past: every version before now is too old. */
  compact(): void {
    this.#events = [];
    this.version++;
    this.#floor = this.version;
  }
  #floor = 0;

  /** Another history: no objects, and versions from the beginning. */
  wipe(): void {
    this.#objects.clear();
    this.#events = [];
    this.#floor = 0;
    this.version = 1;
  }

  /** Writes to every watch of a path, as it is; of a version, to those that want to know of it. */
  send(path: string, text: string, version = Infinity, object?: Json): void {
    for (const { path: watched, namespace, response, from } of this.#watchers) {
      const isTold = object === undefined || isIn(object, namespace);
      if (watched === path && version > from && isTold) response.write(text);
    }
  }

  bookmark(path: string): void {
    const object = { metadata: { resourceVersion: String(this.version) } };
    this.send(path, JSON.stringify({ type: 'BOOKMARK', object }) + '\n');
  }

  /** Ends every watch in good order. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  /** How often a path was listed (first pages only, no checks of versions) or watched. */
  count(path: string, what: 'list' | 'watch'): number {
    return this.requests.filter(
      (request) =>
        request.path === path &&
        request.watch === (what === 'watch') &&
        !request.query.has('continue') &&
        !request.query.has('resourceVersionMatch'),
    ).length;
  }

  #objectsAt(path: string): Map<string, Json> {
    let objects = this.#objects.get(path);
    if (objects === undefined) this.#objects.set(path, (objects = new Map()));
    return objects;
  }

  #stamp(object: Json): Json {
    this.version++;
    const metadata = { ...(object['metadata'] as Json), resourceVersion: String(this.version) };
    return { ...object, metadata };
  }

  #publish(path: string, type: string, object: Json): void {
    const line = JSON.stringify({ type, object }) + '\n';
    this.#events.push({ version: this.version, path, line, object });
    this.send(path, line, this.version, object);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, 'https://server');
    const [, root, namespace, plural] = /^(.*)\/namespaces\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
    const isScoped = plural !== undefined && !this.#listKinds.has(url.pathname);
    const asked: ScriptedRequest = {
      path: isScoped ? `${root}/${plural}` : url.pathname,
      ...(isScoped ? { namespace: namespace! } : {}),
      query: url.searchParams,
      watch: url.searchParams.get('watch') === '1',
      headers: request.headers,
      response,
      socket: request.socket,
    };
    this.requests.push(asked);
    this.authorizations.push(request.headers.authorization);
    response.on('error', () => {});
    if (!this.scripts.some((script) => script(asked) === true)) this.#normally(asked);
  }

  #normally(asked: ScriptedRequest): void {
    const { path, response } = asked;
    if (path === '/readyz')
      return void response.writeHead(this.readyz).end(this.readyz === 200 ? 'ok' : 'not ok');
    if (path === KUBE_SYSTEM) {
      if (this.uid === undefined) return replyStatus(response, 403, 'namespaces "kube-system" is forbidden');
      return reply(response, 200, { kind: 'PartialObjectMetadata', metadata: { uid: this.uid } });
    }
    if (path === '/version') return reply(response, 200, { gitVersion: 'v1.36.3' });
    if (path.startsWith(EXPORTS_GROUP) && this.hasExports && this.#discovery(asked)) return;
    if (!this.#listKinds.has(path) || (path === EXPORTS && !this.hasExports)) {
      return replyStatus(response, 404, 'the server could not find the requested resource');
    }
    if (asked.watch) this.#watch(asked);
    else this.#list(asked);
  }

  /** What the group of ServiceExports offers. @returns whether it was asked for */
  #discovery({ path, response }: ScriptedRequest): boolean {
    const versions = Object.keys(this.exportVersions);
    if (path === EXPORTS_GROUP) {
      const entries = versions.map((version) => ({ version }));
      reply(response, 200, { preferredVersion: entries[0], versions: entries });
      return true;
    }
    const names = this.exportVersions[path.slice(EXPORTS_GROUP.length + 1)];
    if (names === undefined) return false;
    reply(response, 200, { kind: 'APIResourceList', resources: names.map((name) => ({ name })) });
    return true;
  }

  #list({ path, namespace, query, response }: ScriptedRequest): void {
    const least = Number(query.get('resourceVersion') ?? 0);
    if (query.get('resourceVersionMatch') === 'NotOlderThan' && least > this.version) {
      const message = `Timeout: Too large resource version: ${least}, current: ${this.version}`;
      return replyStatus(response, 504, message);
    }
    if (query.get('resourceVersionMatch') === 'Exact' && least !== this.version) {
      return replyStatus(response, 410, 'The provided resource version is too old');
    }
    const limit = Number(query.get('limit') ?? 0);
    const from = Number(query.get('continue') ?? 0);
    const all = [...this.#objectsAt(path).values()].filter((object) => isIn(object, namespace));
    const items = limit > 0 ? all.slice(from, from + limit) : all;
    const more = from + items.length < all.length;
    reply(response, 200, {
      kind: this.#listKinds.get(path),
      apiVersion: 'v1',
      metadata: {
        resourceVersion: String(this.version),
        ...(more ? { continue: String(from + limit) } : {}),
      },
      items,
    });
  }

  #watch({ path, namespace, query, response }: ScriptedRequest): void {
    const from = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.#floor) {
      response.end(errorLine(410, 'too old resource version'));
      return;
    }
    for (const event of this.#events) {
      if (event.path === path && event.version > from && isIn(event.object, namespace))
        response.write(event.line);
    }
    // As kube-apiserver: a version to come is no error, and what happens up to it is not told.
    const watcher = { path, namespace, response, from };
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
  }
}

/** Answers with a `Status`, as Kubernetes does for errors. */
export function replyStatus(
  response: ServerResponse,
  code: number,
  message: string,
  headers: Json = {},
): void {
  reply(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }, headers);
}

export function reply(response: ServerResponse, code: number, body: unknown, headers: Json = {}): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers } as Record<string, string>);
  response.end(JSON.stringify(body));
}

/** An ERROR event. */
export function errorLine(code: number, message: string): string {
  return JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, message } }) + '\n';
}

export function issueServerCertificate(options: { notAfter?: Date; names?: string[] } = {}): Identity {
  return issueCertificate({
    commonName: 'kube-apiserver',
    names: ['127.0.0.1', 'localhost'],
    issuer: testAuthority(),
    ...options,
  });
}

function isIn(object: Json, namespace: string | undefined): boolean {
  return namespace === undefined || (object['metadata'] as Json)['namespace'] === namespace;
}

function keyOf(object: Json): string {
  const { namespace, name } = object['metadata'] as { namespace?: string; name: string };
  return `${namespace ?? ''}/${name}`;
}

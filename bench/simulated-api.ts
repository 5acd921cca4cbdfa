/**
 * API servers that are none, for the bench of the federation: as much of the API as `fedns federate` asks for, over HTTP, many
 * in one process. No validation, no defaults, no managed fields: an apply puts what it brings in the place of what was there.
 * Each stands below a path of its own. Run as a program it listens, and prints its port.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Meta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  finalizers?: string[];
  deletionTimestamp?: string;
  [field: string]: unknown;
}
interface Stored {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  [field: string]: unknown;
}
type Json = Record<string, unknown>;

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  namespaces: ['v1', 'Namespace'],
  configmaps: ['v1', 'ConfigMap'],
  secrets: ['v1', 'Secret'],
  services: ['v1', 'Service'],
  events: ['v1', 'Event'],
  deployments: ['apps/v1', 'Deployment'],
  replicasets: ['apps/v1', 'ReplicaSet'],
  daemonsets: ['apps/v1', 'DaemonSet'],
  ingresses: ['networking.k8s.io/v1', 'Ingress'],
  leases: ['coordination.k8s.io/v1', 'Lease'],
};

/** Events that are kept of a kind. */
const HISTORY_MAX = 100_000;

class Api {
  readonly name: string;
  /** By plural, then by `namespace/name`. */
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #watches = new Map<string, Set<ServerResponse>>();
  /** Newest last: a watch begins with what has happened since the version that it names. */
  readonly #history = new Map<string, { readonly version: number; readonly line: string }[]>();
  version = 100;
  writes = 0;

  constructor(name: string) {
    this.name = name;
  }

  of(plural: string): Map<string, Stored> {
    let objects = this.#objects.get(plural);
    if (objects === undefined) this.#objects.set(plural, (objects = new Map()));
    return objects;
  }

  put(plural: string, key: string, object: Stored): Stored {
    const objects = this.of(plural);
    const before = objects.get(key);
    const { resourceVersion: _v, ...meta } = object.metadata;
    const metadata = { uid: before?.metadata.uid ?? `${this.name}-${this.version + 1}`, ...meta };
    const next: Stored = { ...object, metadata };
    if (before !== undefined && JSON.stringify(withoutVersion(before)) === JSON.stringify(next))
      return before;
    this.writes++;
    next.metadata.resourceVersion = String(++this.version);
    if (next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0)
      return this.#drop(plural, key, next);
    objects.set(key, next);
    this.#tell(plural, before === undefined ? 'ADDED' : 'MODIFIED', next);
    return next;
  }

  remove(plural: string, key: string): Stored | undefined {
    const found = this.of(plural).get(key);
    if (found === undefined) return undefined;
    if ((found.metadata.finalizers ?? []).length === 0) return this.#drop(plural, key, found);
    return this.put(plural, key, {
      ...found,
      metadata: { ...found.metadata, deletionTimestamp: '2026-11-28T00:00:00Z' },
    });
  }

  #drop(plural: string, key: string, object: Stored): Stored {
    this.of(plural).delete(key);
    this.writes++;
    object.metadata.resourceVersion = String(++this.version);
    this.#tell(plural, 'DELETED', object);
    return object;
  }

  #tell(plural: string, type: string, object: Stored): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    const history = this.#history.get(plural) ?? [];
    this.#history.set(plural, history);
    history.push({ version: Number(object.metadata.resourceVersion), line });
    if (history.length > HISTORY_MAX) history.splice(0, HISTORY_MAX / 2);
    for (const watch of this.#watches.get(plural) ?? []) watch.write(line);
  }

  watch(plural: string, response: ServerResponse, seconds: number, from: number): void {
    const watches = this.#watches.get(plural) ?? new Set();
    this.#watches.set(plural, watches.add(response));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const { version, line } of this.#history.get(plural) ?? []) if (version > from) response.write(line);
    const timer = setTimeout(
      () => {
        const [apiVersion, kind] = KINDS[plural]!;
        const metadata = { resourceVersion: String(this.version) };
        response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { apiVersion, kind, metadata } })}\n`);
        setTimeout(() => response.end(), 1000);
      },
      Math.max(0, seconds - 1.5) * 1000,
    );
    response.on('close', () => {
      clearTimeout(timer);
      watches.delete(response);
    });
  }
}

function withoutVersion({ metadata: { resourceVersion: _v, ...metadata }, ...rest }: Stored): object {
  return { ...rest, metadata };
}

const apis = new Map<string, Api>();
const apiOf = (name: string): Api => apis.get(name) ?? apis.set(name, new Api(name)).get(name)!;

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  return text === '' ? {} : (JSON.parse(text) as Json);
}

function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const next: Json = {
    ...(typeof target === 'object' && target !== null && !Array.isArray(target) ? (target as Json) : {}),
  };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete next[name];
    else next[name] = merged(next[name], value);
  }
  return next;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function missing(response: ServerResponse, plural: string, name: string): void {
  send(response, 404, {
    kind: 'Status',
    code: 404,
    reason: 'NotFound',
    message: `${plural} "${name}" not found`,
    details: { name, kind: plural },
  });
}

interface Target {
  readonly api: Api;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly query: URLSearchParams;
}

function targetOf(url: string): Target | undefined {
  const { pathname, searchParams: query } = new URL(url, 'http://x');
  const found =
    /^\/([^/]+)\/(?:api\/v1|apis\/[^/]+\/v1)(?:\/namespaces\/([^/]+)(?=\/[a-z]))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(
      pathname,
    );
  if (found === null) return undefined;
  const [, api = '', namespace = '', plural = '', name = '', subresource = ''] = found;
  // `/namespaces/NAME/status` is of a Namespace, and no collection within it.
  if (plural === 'status' && name === '')
    return {
      api: apiOf(api),
      plural: 'namespaces',
      namespace: '',
      name: namespace,
      subresource: plural,
      query,
    };
  return { api: apiOf(api), plural, namespace, name, subresource, query };
}

function list({ api, plural }: Target, response: ServerResponse): void {
  const [apiVersion, kind] = KINDS[plural]!;
  const items = [...api.of(plural).values()];
  send(response, 200, {
    kind: `${kind}List`,
    apiVersion,
    metadata: { resourceVersion: String(api.version) },
    items,
  });
}

/** Puts many ConfigMaps into one server at once, as if they had always been there. */
function seed(url: string, body: Json): object {
  const api = apiOf(url.slice('/seed/'.length));
  for (const object of body['objects'] as Stored[])
    api.put('configmaps', `${object.metadata.namespace}/${object.metadata.name}`, object);
  return {};
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '';
  if (url === '/writes')
    return send(response, 200, Object.fromEntries([...apis].map(([name, { writes }]) => [name, writes])));
  if (url.startsWith('/seed/')) return send(response, 200, seed(url, await bodyOf(request)));
  if (url === '/sizes')
    return send(
      response,
      200,
      Object.fromEntries(
        [...apis].map(([name, api]) => [name, api.of('services').size + api.of('configmaps').size]),
      ),
    );
  const target = targetOf(url);
  if (target === undefined || KINDS[target.plural] === undefined)
    return send(response, 404, { kind: 'Status', code: 404 });
  const { api, plural, namespace, name, subresource, query } = target;
  const key = `${namespace}/${name}`;
  const found = api.of(plural).get(key);
  if (request.method === 'GET') {
    if (query.get('watch') === '1')
      return api.watch(
        plural,
        response,
        Number(query.get('timeoutSeconds') ?? 30),
        Number(query.get('resourceVersion') ?? 0),
      );
    if (name === '') return list(target, response);
    if (plural === 'namespaces' && name === 'kube-system')
      return send(response, 200, {
        kind: 'PartialObjectMetadata',
        metadata: { name, uid: `uid-${api.name}` },
      });
    return found === undefined ? missing(response, plural, name) : send(response, 200, found);
  }
  const body = await bodyOf(request);
  const [apiVersion, kind] = KINDS[plural]!;
  if (request.method === 'DELETE') return send(response, 200, api.remove(plural, key) ?? {});
  if (plural === 'events') return send(response, 201, body);
  if (request.method === 'POST') {
    const meta = { ...(body['metadata'] as Meta), ...(namespace !== '' && { namespace }) };
    return send(
      response,
      201,
      api.put(plural, `${namespace}/${meta.name}`, { ...body, apiVersion, kind, metadata: meta }),
    );
  }
  if (request.method === 'PUT') return send(response, 200, api.put(plural, key, body as Stored));
  const isApply = request.headers['content-type'] === 'application/apply-patch+yaml';
  if (subresource === 'status')
    return send(response, 200, api.put(plural, key, merged(found, { status: body['status'] }) as Stored));
  const next = isApply ? { ...body, apiVersion, kind } : merged(found, body);
  send(response, 200, api.put(plural, key, next as Stored));
}

const server = createServer((request, response) => void handle(request, response));
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

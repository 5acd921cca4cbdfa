/**
 * The API servers of many member clusters behind one TLS port, each under a path of its own. Lists are blocks rendered
 * once for all clusters; watches carry what {@link ApiServers.change} writes. Made to cost little, for they share the
 * machine with the fedns that is measured.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { issueCertificate } from '../../test/cluster/certificates.ts';
import {
  BLOCK_OBJECTS,
  makeTemplate,
  renderBlock,
  renderNodes,
  renderService,
  renderSlice,
  stamp,
  type Template,
} from './member-objects.ts';

/** How many of what. */
export interface ServersShape {
  readonly clusters: number;
  /** EndpointSlices of one cluster, each with a Service; a multiple of {@link BLOCK_OBJECTS}. */
  readonly slices: number;
  /** Services of the federation, which the clusters take their share of in turn. */
  readonly services: number;
}

interface Collection {
  readonly listKind: string;
  readonly blocks: (cluster: number) => readonly Template[];
}

/** The watch of one cluster's slices, or what it has missed while there was none. */
interface SliceWatch {
  response: ServerResponse | undefined;
  missed: Buffer[];
}

const SLICES_PATH = '/apis/discovery.k8s.io/v1/endpointslices';

export class ApiServers {
  /** Certificate of the authority, PEM. */
  readonly authority: string;
  readonly #shape: ServersShape;
  readonly #server: Server;
  readonly #collections: ReadonlyMap<string, Collection>;
  readonly #watches: readonly SliceWatch[];
  #version = 1000;
  #octets = 0;
  #listsBegun = 0;

  constructor(shape: ServersShape) {
    this.#shape = shape;
    this.#watches = Array.from({ length: shape.clusters }, () => ({ response: undefined, missed: [] }));
    this.#collections = collectionsOf(shape);
    const authority = issueCertificate({ commonName: 'bench authority' });
    const names = ['127.0.0.1'];
    this.authority = authority.cert;
    this.#server = createServer(issueCertificate({ commonName: 'bench', names, issuer: authority }));
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.#answer(new URL(request.url!, 'https://server'), response),
    );
  }

  /** Octets of list replies written. */
  get octetsListed(): number {
    return this.#octets;
  }

  /** First pages asked for. */
  get listsBegun(): number {
    return this.#listsBegun;
  }

  /** Kinds that a cluster is asked for. */
  get kinds(): number {
    return this.#collections.size;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', 1024, resolve));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  urlOf(cluster: number): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${cluster}`;
  }

  /** The number of a cluster's n-th Service. */
  serviceOf(cluster: number, n: number): number {
    return (firstService(this.#shape, cluster) + n) % this.#shape.services;
  }

  /** Makes the endpoints of a cluster's n-th Service ready, or not ready. */
  change(cluster: number, n: number, ready: boolean): void {
    const object = renderSlice(this.serviceOf(cluster, n), ready, ++this.#version);
    const line = stamp(makeTemplate(`{"type":"MODIFIED","object":${object}}\n`), cluster);
    const watch = this.#watches[cluster]!;
    if (watch.response === undefined) watch.missed.push(line);
    else watch.response.write(line);
  }

  #answer({ pathname, searchParams: query }: URL, response: ServerResponse): void {
    response.on('error', () => {});
    const [, number = '', ...rest] = pathname.split('/');
    const path = `/${rest.join('/')}`;
    const cluster = Number(number);
    const collection = this.#collections.get(path);
    if (path === '/readyz') return void response.end('ok');
    response.setHeader('content-type', 'application/json');
    if (path === '/version') response.end('{"gitVersion":"v1.36.3"}');
    else if (collection === undefined) response.writeHead(404).end('{}');
    else if (query.has('watch')) this.#watch(path, cluster, Number(query.get('timeoutSeconds')), response);
    else this.#list(collection, cluster, Number(query.get('continue') ?? 0), response);
  }

  #list({ listKind, blocks }: Collection, cluster: number, page: number, response: ServerResponse): void {
    const templates = blocks(cluster);
    const more = page + 1 < templates.length ? `,"continue":"${page + 1}"` : '';
    const head = `{"kind":"${listKind}","apiVersion":"v1","metadata":{"resourceVersion":"${this.#version}"${more}},"items":[`;
    const items = stamp(templates[page]!, cluster);
    this.#octets += items.length;
    if (page === 0) this.#listsBegun++;
    response.write(head);
    response.write(items);
    response.end(']}');
  }

  /** Ends with a bookmark after the time that was asked for, as API servers do. */
  #watch(path: string, cluster: number, seconds: number, response: ServerResponse): void {
    response.flushHeaders();
    const watch = path === SLICES_PATH ? this.#watches[cluster] : undefined;
    if (watch !== undefined) {
      for (const line of watch.missed) response.write(line);
      watch.missed = [];
      watch.response = response;
    }
    const leave = (): void => {
      clearTimeout(timer);
      if (watch?.response === response) watch.response = undefined;
    };
    const timer = setTimeout(() => {
      leave();
      response.end(`{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"${this.#version}"}}}\n`);
    }, seconds * 1000);
    response.on('close', leave);
  }
}

function firstService({ slices, services }: ServersShape, cluster: number): number {
  return (cluster * slices) % services;
}

function collectionsOf(shape: ServersShape): ReadonlyMap<string, Collection> {
  const nodes = [renderNodes()];
  return new Map([
    ['/api/v1/services', { listKind: 'ServiceList', blocks: blocksOf(shape, renderService) }],
    [SLICES_PATH, { listKind: 'EndpointSliceList', blocks: blocksOf(shape, (i) => renderSlice(i)) }],
    ['/api/v1/nodes', { listKind: 'PartialObjectMetadataList', blocks: () => nodes }],
  ]);
}

/** All blocks are rendered beforehand: what they cost must not fall into what is measured. */
function blocksOf(shape: ServersShape, render: (i: number) => string): Collection['blocks'] {
  const all = Array.from({ length: shape.services / BLOCK_OBJECTS }, (_, i) => renderBlock(render, i));
  return (cluster) => {
    const first = firstService(shape, cluster) / BLOCK_OBJECTS;
    return Array.from(
      { length: shape.slices / BLOCK_OBJECTS },
      (_, page) => all[(first + page) % all.length]!,
    );
  };
}

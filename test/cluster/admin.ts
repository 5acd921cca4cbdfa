/** Requests to a real API server as its administrator, over one kept connection per cluster. */

import { Agent, request } from 'node:https';
import type { Identity } from './certificates.ts';

export type Json = Record<string, unknown>;

/** An API server's answer that is no success. */
export class AdminError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${status}: ${text.slice(0, 300)}`);
    this.status = status;
  }
}

export class Admin {
  readonly #server: string;
  readonly #agent: Agent;

  constructor(server: string, ca: string, identity: Identity) {
    this.#server = server;
    this.#agent = new Agent({ keepAlive: true, ca, ...identity });
  }

  get(path: string): Promise<Json> {
    return this.#send('GET', path);
  }

  create(path: string, object: Json): Promise<Json> {
    return this.#send('POST', path, object);
  }

  remove(path: string): Promise<Json> {
    return this.#send('DELETE', path, { gracePeriodSeconds: 0 });
  }

  /** A merge patch (RFC 7386). */
  patch(path: string, change: Json): Promise<Json> {
    return this.#send('PATCH', path, change, 'application/merge-patch+json');
  }

  /** Creates any object at the path that its type and namespace say. */
  apply(object: Json): Promise<Json> {
    return this.create(pathOf(object), object);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body?: Json, type = 'application/json'): Promise<Json> {
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const sent = request(`${this.#server}${path}`, {
      method,
      agent: this.#agent,
      headers: { 'content-type': type, 'content-length': Buffer.byteLength(text) },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let answer = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        answer += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 300) reject(new AdminError(statusCode, answer));
        else resolve(answer.startsWith('{') ? (JSON.parse(answer) as Json) : { answer });
      });
    });
    sent.end(text);
    return promise;
  }
}

/** Kinds that tests create, by their plural. */
const PLURALS: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  Service: 'services',
  Node: 'nodes',
  Pod: 'pods',
  Secret: 'secrets',
  EndpointSlice: 'endpointslices',
  CustomResourceDefinition: 'customresourcedefinitions',
  ServiceExport: 'serviceexports',
  Deployment: 'deployments',
  ReplicaSet: 'replicasets',
  DaemonSet: 'daemonsets',
  Ingress: 'ingresses',
};

function pathOf(object: Json): string {
  const { apiVersion, kind, metadata } = object as { apiVersion: string; kind: string; metadata: Json };
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { namespace } = metadata;
  return `${root}${typeof namespace === 'string' ? `/namespaces/${namespace}` : ''}/${PLURALS[kind]}`;
}

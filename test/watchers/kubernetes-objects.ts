/** Kubernetes objects as an API server returns them, and the settings of a cluster, for tests. */

import type { ClusterSettings } from '../../src/config/settings.ts';
import { slimObject, type SlimObject, type SlimOptions } from '../../src/watchers/objects/objects.ts';

type Json = Record<string, unknown>;

export function clusterSettings(changes: Partial<ClusterSettings> = {}): ClusterSettings {
  return {
    name: 'one',
    origin: { kind: 'manifests', path: '/nowhere' },
    clients: [],
    publish: 'loadBalancer',
    addresses: { allow: [], deny: [] },
    hostnames: { allow: [], deny: [] },
    namespaces: { allow: [], deny: [] },
    limits: { objects: 1000, objectOctets: 1_000_000, changesPerSecond: 1000 },
    ...changes,
  };
}

/** A LoadBalancer Service `web/nginx` of the federation `main`; `changes` replaces whole fields. */
export function service(
  changes: {
    name?: string;
    namespace?: string;
    labels?: Json;
    annotations?: Json;
    metadata?: Json;
    spec?: Json;
    ingress?: unknown;
  } = {},
): Json {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: changes.name ?? 'nginx',
      namespace: changes.namespace ?? 'web',
      resourceVersion: '7',
      labels: changes.labels ?? { 'fedns.io/federation': 'main' },
      ...(changes.annotations === undefined ? {} : { annotations: changes.annotations }),
      ...changes.metadata,
    },
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      ...changes.spec,
    },
    status: { loadBalancer: { ingress: changes.ingress ?? [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
  };
}

/** An EndpointSlice of `web/nginx`. */
export function slice(
  endpoints: unknown,
  changes: { name?: string; namespace?: string; service?: string; fields?: Json } = {},
): Json {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: changes.name ?? 'nginx-abcde',
      namespace: changes.namespace ?? 'web',
      labels: { 'kubernetes.io/service-name': changes.service ?? 'nginx' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints,
    ...changes.fields,
  };
}

export function node(name: string, labels: Json = {}): Json {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
}

export function serviceExport(name = 'nginx', namespace = 'web'): Json {
  return {
    apiVersion: 'multicluster.x-k8s.io/v1alpha1',
    kind: 'ServiceExport',
    metadata: { name, namespace },
  };
}

/** An endpoint that is ready. */
export const READY = {
  addresses: ['10.1.0.5'],
  conditions: { ready: true, serving: true, terminating: false },
};

/** Slims an object that must be fine. */
export function slim(value: unknown, options: SlimOptions = {}): SlimObject {
  const object = slimObject(value, options);
  if (object.kind === 'Fault' || object.kind === 'Other') throw new Error(JSON.stringify(object));
  return object;
}

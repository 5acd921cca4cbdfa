/**
 * The objects of the scripted member clusters, as a kube-apiserver writes them, `managedFields` included. They are the
 * same in all clusters but for a mark of three digits, so that a block of them is rendered once and stamped per cluster.
 */

import { FEDERATION, namespaceOf, serviceName } from '../federation.ts';

/** Objects rendered together: a page of a list. */
export const BLOCK_OBJECTS = 500;
/** Clusters have marks from 100 on, each one octet of an IPv4 address. */
const FIRST_MARK = 100;
export const CLUSTERS_MAX = 256 - FIRST_MARK;
/** The number of a Service is the lower half of its address. */
export const SERVICES_MAX = 65_536;

const MARK = '@@@';
const ZONES = ['a', 'b', 'c'];
const NODES = 12;
const CREATED = '2026-01-01T00:00:00Z';

/** Octets with a cluster's mark in some places. */
export interface Template {
  readonly octets: Buffer;
  readonly marks: readonly number[];
}

export function markOf(cluster: number): string {
  return String(FIRST_MARK + cluster);
}

export function zoneOf(cluster: number, zone = 'a'): { readonly zone: string; readonly region: string } {
  const region = `region-${markOf(cluster)}`;
  return { region, zone: `${region}-${zone}` };
}

/** The address that a cluster publishes for a Service. */
export function addressOf(cluster: number, service: number): string {
  return `20.${markOf(cluster)}.${service >> 8}.${service & 255}`;
}

export function makeTemplate(text: string): Template {
  const octets = Buffer.from(text);
  const marks: number[] = [];
  for (let at = octets.indexOf(MARK); at !== -1; at = octets.indexOf(MARK, at + MARK.length)) marks.push(at);
  return { octets, marks };
}

/** A copy for one cluster. */
export function stamp({ octets, marks }: Template, cluster: number): Buffer {
  const copy = Buffer.from(octets);
  const mark = markOf(cluster);
  for (const at of marks) copy.write(mark, at, 'latin1');
  return copy;
}

/** A block of objects, joined by commas. */
export function renderBlock(render: (i: number) => string, block: number): Template {
  const texts = Array.from({ length: BLOCK_OBJECTS }, (_, i) => render(block * BLOCK_OBJECTS + i));
  return makeTemplate(texts.join(','));
}

export function renderNodes(): Template {
  const texts = Array.from({ length: NODES }, (_, i) => {
    const labels = {
      'kubernetes.io/hostname': `node-${i}`,
      'topology.kubernetes.io/region': `region-${MARK}`,
      'topology.kubernetes.io/zone': zoneText(i),
    };
    return JSON.stringify({ metadata: { name: `node-${i}`, uid: uid(3, i), resourceVersion: '7', labels } });
  });
  return makeTemplate(texts.join(','));
}

export function renderService(i: number): string {
  const name = serviceName(i);
  return JSON.stringify({
    metadata: {
      name,
      namespace: namespaceOf(i),
      uid: uid(1, i),
      resourceVersion: '7',
      creationTimestamp: CREATED,
      labels: { app: name, 'fedns.io/federation': FEDERATION },
      finalizers: ['service.kubernetes.io/load-balancer-cleanup'],
      managedFields: [
        managed('kubectl-client-side-apply', 'v1', { 'f:spec': { 'f:ports': {}, 'f:selector': {} } }),
        managed('cloud-controller-manager', 'v1', {
          'f:status': { 'f:loadBalancer': { 'f:ingress': {} } },
        }),
      ],
    },
    spec: {
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30_000 + (i % 2768) }],
      selector: { app: name },
      clusterIP: `10.96.${i >> 8}.${i & 255}`,
      clusterIPs: [`10.96.${i >> 8}.${i & 255}`],
      type: 'LoadBalancer',
      sessionAffinity: 'None',
      externalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      allocateLoadBalancerNodePorts: true,
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: { ingress: [{ ip: `20.${MARK}.${i >> 8}.${i & 255}`, ipMode: 'VIP' }] } },
  });
}

/** The one slice of a Service: two Pods in different zones. */
export function renderSlice(i: number, ready = true, resourceVersion = 7): string {
  const name = serviceName(i);
  return JSON.stringify({
    metadata: {
      name: `${name}-x7k2p`,
      generateName: `${name}-`,
      namespace: namespaceOf(i),
      uid: uid(2, i),
      resourceVersion: String(resourceVersion),
      generation: 3,
      creationTimestamp: CREATED,
      labels: {
        app: name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': name,
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': CREATED },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name,
          uid: uid(1, i),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        managed('kube-controller-manager', 'discovery.k8s.io/v1', {
          'f:addressType': {},
          'f:endpoints': {},
          'f:metadata': {
            'f:annotations': {},
            'f:generateName': {},
            'f:labels': {},
            'f:ownerReferences': {},
          },
          'f:ports': {},
        }),
      ],
    },
    addressType: 'IPv4',
    endpoints: [0, 1].map((pod) => endpoint(i, pod, ready)),
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  });
}

function endpoint(i: number, pod: number, ready: boolean): unknown {
  return {
    addresses: [`10.${pod}.${i >> 8}.${i & 255}`],
    conditions: { ready, serving: ready, terminating: false },
    targetRef: {
      kind: 'Pod',
      namespace: namespaceOf(i),
      name: `${serviceName(i)}-6d4cf56db6-${pod}abcd`,
      uid: uid(4 + pod, i),
    },
    nodeName: `node-${(i + pod) % NODES}`,
    zone: zoneText(i + pod),
  };
}

function zoneText(i: number): string {
  return `region-${MARK}-${ZONES[i % ZONES.length]}`;
}

function uid(kind: number, i: number): string {
  return `${kind}f7d2c1e-0000-4000-8000-${i.toString(16).padStart(12, '0')}`;
}

function managed(manager: string, apiVersion: string, fieldsV1: unknown): unknown {
  return { manager, operation: 'Update', apiVersion, time: CREATED, fieldsType: 'FieldsV1', fieldsV1 };
}

/** What tests put into a real cluster: a Node, a load-balanced Service `web/nginx` and its Pods. */

import type { Admin, Json } from './admin.ts';

const PODS = '/api/v1/namespaces/web/pods';

/** Creates the Node of a region and zone, and the Service with the address that its load balancer would get. */
export async function createService(
  admin: Admin,
  place: { region: string; zone: string; address: string },
): Promise<void> {
  const labels = {
    'topology.kubernetes.io/region': place.region,
    'topology.kubernetes.io/zone': place.zone,
  };
  await admin.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1', labels } });
  await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web' } });
  await createNginx(admin, place.address);
}

/** The Service, with an address in its status. */
export async function createNginx(admin: Admin, address: string): Promise<void> {
  await admin.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'nginx', namespace: 'web', labels: { 'fedns.io/federation': 'main' } },
    spec: { type: 'LoadBalancer', selector: { app: 'nginx' }, ports: [{ name: 'http', port: 80 }] },
  });
  await admin.patch('/api/v1/namespaces/web/services/nginx/status', {
    status: { loadBalancer: { ingress: [{ ip: address }] } },
  });
}

/** A Pod of the Service, bound to the Node and ready, as a kubelet would report it. */
export async function createPod(admin: Admin, name = 'nginx-1', ip = '10.1.0.1'): Promise<void> {
  await admin.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'web', labels: { app: 'nginx' } },
    spec: { nodeName: 'worker-1', containers: [{ name: 'nginx', image: 'nginx' }] },
  });
  await setReady(admin, name, true, ip);
}

export async function setReady(admin: Admin, name: string, ready: boolean, ip = '10.1.0.1'): Promise<void> {
  const status: Json = {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  };
  await admin.patch(`${PODS}/${name}/status`, { status });
}

export async function removePod(admin: Admin, name = 'nginx-1'): Promise<void> {
  await admin.remove(`${PODS}/${name}`);
}

/** The CRD of the multicluster API, as small as it can be. */
export const SERVICE_EXPORT_CRD: Json = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'serviceexports.multicluster.x-k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' },
  },
  spec: {
    group: 'multicluster.x-k8s.io',
    names: { kind: 'ServiceExport', plural: 'serviceexports' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

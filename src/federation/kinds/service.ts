/**
 * Owns what a federated Service is: the same spec in each cluster, less what a cluster allots itself (addresses, node
 * ports, the port of health checks), and as its status the addresses of all clusters together.
 */

import type { JsonPatch } from '../api/object-client.ts';
import type { FederatedKind, Fields, KubeObject } from '../sync/kind.ts';
import { entryPointsOf, type SeenEntryPoints, unionOf } from './load-balancers.ts';

type Port = Fields & { readonly port?: number; readonly protocol?: string };

/** Fields of the spec that each cluster has its own value of. `None` is no address, but says that there is to be none. */
const ALLOTTED: ReadonlySet<string> = new Set([
  'clusterIP',
  'clusterIPs',
  'healthCheckNodePort',
  'ipFamilies',
  'ports',
]);

export const serviceKind: FederatedKind<SeenEntryPoints> = {
  type: { group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true },
  hasConditions: true,
  staysHome: ({ metadata: { name, namespace } }) =>
    name === 'kubernetes' && namespace === 'default' ? 'every cluster has its own' : undefined,
  see: ({ status }) => ({ ingress: entryPointsOf(status) }),
  desire: ({ spec = {} }) => ({ spec: desiredSpec(spec) }),
  surplus: surplusPorts,
  status: (_federated, members) => ({ loadBalancer: { ingress: unionOf(members) } }),
};

function desiredSpec(spec: Fields): Fields {
  const kept = Object.entries(spec).filter(([name]) => !ALLOTTED.has(name) && !isOwnFamily(name, spec));
  return {
    ...Object.fromEntries(kept),
    ...(spec['clusterIP'] === 'None' && { clusterIP: 'None' }),
    ...(Array.isArray(spec['ports']) && { ports: spec['ports'].map(withoutNodePort) }),
  };
}

/** One family is what a server without the choice allots; two are asked for. */
function isOwnFamily(name: string, spec: Fields): boolean {
  return name === 'ipFamilyPolicy' && spec[name] === 'SingleStack';
}

function withoutNodePort({ nodePort: _own, ...port }: Port): Port {
  return port;
}

/** Ports are one list by port and protocol, and a foreign one would be answered for and balanced. */
function surplusPorts({ spec }: KubeObject, desired: Fields): JsonPatch {
  const wanted = new Set(portsOf(desired['spec']).map(portKey));
  const removals = portsOf(spec).map((port, index) =>
    wanted.has(portKey(port)) ? [] : removal(index, port),
  );
  // From the end, so that no step moves what a later one means.
  return removals.toReversed().flat();
}

function removal(index: number, value: Port): JsonPatch {
  const path = `/spec/ports/${index}`;
  return [
    { op: 'test', path, value },
    { op: 'remove', path },
  ];
}

function portKey({ port, protocol = 'TCP' }: Port): string {
  return `${port}/${protocol}`;
}

function portsOf(spec: unknown): readonly Port[] {
  const ports = (spec as Fields | undefined)?.['ports'];
  return Array.isArray(ports) ? (ports as Port[]) : [];
}

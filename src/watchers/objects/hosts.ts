/**
 * Hosts that the Ingresses, Gateways and HTTPRoutes of one cluster name inside the served domain, each as the Service that it
 * is answered as (host-names.ts): its entry points are the load balancer's addresses of that Service. Owns which object
 * names which host; what becomes of the Service is left to shards.ts.
 *
 * ```
 *   Ingress    host            ── status.loadBalancer.ingress
 *   Gateway    listener's host ─┐
 *   HTTPRoute  hostname ────────┴─ status.addresses of the Gateways that have accepted it
 * ```
 */
import { HOSTS_NAMESPACE, hostLabel } from '../../zonebuilder/host-names.ts';
import type { Finding } from '../refusals.ts';
import type {
  ObjectKind,
  SlimGateway,
  SlimHTTPRoute,
  SlimIngress,
  SlimIngressObject,
  SlimService,
} from './objects.ts';
import { excludes, isNamespaceAllowed, type ShardRules } from './shards.ts';

export type HostObject = SlimIngressObject | SlimGateway | SlimHTTPRoute;
export type HostKind = HostObject['kind'];

export const HOST_KINDS: ReadonlySet<ObjectKind> = new Set<HostKind>(['Ingress', 'Gateway', 'HTTPRoute']);

/** Labels of hosts that one object names, and what is wrong with others. */
interface Named {
  readonly labels: readonly string[];
  readonly findings: readonly Finding[];
}

/** What came of a change. */
export interface HostChange {
  /** Labels of the hosts that may be others now. */
  readonly labels: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

const NOTHING: HostChange = { labels: new Set(), findings: [] };

export class HostIndex {
  readonly #rules: Pick<ShardRules, 'domain' | 'federations' | 'namespaces'>;
  readonly #objects = new Map<string, HostObject>();
  /** Ids of the objects that name a host, by its label. */
  readonly #byLabel = new Map<string, Set<string>>();
  /** Labels of the hosts of the routes that a Gateway has accepted. */
  readonly #routesOf = new Map<string, Set<string>>();
  readonly #isWanted: boolean;

  constructor(rules: Pick<ShardRules, 'domain' | 'federations' | 'namespaces'>) {
    this.#rules = rules;
    this.#isWanted = rules.federations.some(({ hosts }) => hosts === true);
  }

  get size(): number {
    return this.#objects.size;
  }

  has(kind: HostKind, key: string): boolean {
    return this.#objects.has(`${kind} ${key}`);
  }

  /** `namespace/name` of all objects of a kind. */
  keys(kind: HostKind): string[] {
    const prefix = `${kind} `;
    return [...this.#objects.keys()].flatMap((id) =>
      id.startsWith(prefix) ? [id.slice(prefix.length)] : [],
    );
  }

  put(object: HostObject): HostChange {
    if (!this.#isWanted) return NOTHING;
    const id = idOf(object);
    const labels = new Set(this.#remove(id));
    const { labels: named, findings } = this.#namedBy(object);
    this.#objects.set(id, object);
    for (const label of named) {
      labels.add(label);
      addTo(this.#byLabel, label, id);
    }
    if (object.kind === 'HTTPRoute') for (const parent of object.parents) addTo(this.#routesOf, parent, id);
    if (object.kind === 'Gateway') this.#addRouted(id, labels);
    return { labels, findings };
  }

  drop(kind: HostKind, key: string): HostChange {
    const labels = new Set(this.#remove(`${kind} ${key}`));
    if (kind === 'Gateway') this.#addRouted(`Gateway ${key}`, labels);
    return { labels, findings: [] };
  }

  /** The Service that a host is answered as; undefined where no object that counts names it. */
  service(label: string): SlimService | undefined {
    const ids = [...(this.#byLabel.get(label) ?? [])].toSorted();
    const entries = ids.flatMap((id) => this.#entriesOf(this.#objects.get(id)!));
    const [first] = entries;
    if (first === undefined) return undefined;
    // Objects of another federation say nothing of this one's host.
    const own = entries.filter(({ object }) => object.marks.federation === first.object.marks.federation);
    return {
      kind: 'Service',
      namespace: HOSTS_NAMESPACE,
      name: label,
      type: 'LoadBalancer',
      marks: first.object.marks,
      clusterIPs: [],
      externalIPs: [],
      ingress: own.flatMap(({ entryPoints }) => entryPoints),
      ports: [],
      publishNotReadyAddresses: true,
      deleting: false,
    };
  }

  /** The selected objects whose entry points an object's hosts have. */
  #entriesOf(
    object: HostObject,
  ): { object: SlimIngressObject | SlimGateway; entryPoints: readonly SlimIngress[] }[] {
    const owners = object.kind === 'HTTPRoute' ? object.parents.flatMap((id) => this.#gateway(id)) : [object];
    return owners
      .filter((owner) => this.#isSelected(owner))
      .map((owner) => ({ object: owner, entryPoints: owner.entryPoints }));
  }

  #gateway(id: string): SlimGateway[] {
    const object = this.#objects.get(id);
    return object?.kind === 'Gateway' ? [object] : [];
  }

  /** As Services are: by the label, or all of them. */
  #isSelected({ namespace, marks, deleting }: SlimIngressObject | SlimGateway): boolean {
    if (deleting || excludes(marks.exclude) || !isNamespaceAllowed(namespace, this.#rules.namespaces))
      return false;
    const label = marks.federation?.toLowerCase();
    return this.#rules.federations.some(
      ({ name, select, hosts }) => hosts === true && (select === 'all' || name === label),
    );
  }

  #namedBy(object: HostObject): Named {
    const findings: Finding[] = [];
    const labels = new Set<string>();
    for (const host of object.hosts) {
      const label = this.#labelOf(host, findings);
      if (label !== undefined) labels.add(label);
    }
    return { labels: [...labels], findings };
  }

  /** Hosts elsewhere are most of them, and nothing to report. */
  #labelOf(text: string, findings: Finding[]): string | undefined {
    const { domain } = this.#rules;
    const host = text.toLowerCase();
    const refuse = (why: string): undefined =>
      void findings.push({ code: 'HOST_REFUSED', message: `host ${host} ${why}` });
    if (host === domain)
      return refuse('is the domain itself, which a cluster cannot have; an ALIAS record can lead there');
    if (!host.endsWith(`.${domain}`)) return undefined;
    if (!HOST.test(host)) return refuse('is no host name');
    // Labels `svc` part Services from places: no object may name what is, or may become, a Service's.
    if (
      host
        .slice(0, -domain.length - 1)
        .split('.')
        .includes('svc')
    )
      return refuse('is a name that Services have');
    return hostLabel(host, domain) ?? refuse('is too long');
  }

  #addRouted(gateway: string, labels: Set<string>): void {
    for (const id of this.#routesOf.get(gateway) ?? []) {
      const route = this.#objects.get(id);
      if (route !== undefined) for (const label of this.#namedBy(route).labels) labels.add(label);
    }
  }

  /** @returns the labels that it named */
  #remove(id: string): readonly string[] {
    const object = this.#objects.get(id);
    if (object === undefined) return [];
    this.#objects.delete(id);
    const { labels } = this.#namedBy(object);
    for (const label of labels) removeFrom(this.#byLabel, label, id);
    if (object.kind === 'HTTPRoute')
      for (const parent of object.parents) removeFrom(this.#routesOf, parent, id);
    return labels;
  }
}

/** RFC 1123 labels, the first of which may be the wildcard. */
const HOST = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function idOf({ kind, namespace, name }: HostObject): string {
  return `${kind} ${namespace}/${name}`;
}

function addTo(map: Map<string, Set<string>>, key: string, id: string): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([id]));
  else set.add(id);
}

function removeFrom(map: Map<string, Set<string>>, key: string, id: string): void {
  const set = map.get(key);
  set?.delete(id);
  if (set?.size === 0) map.delete(key);
}

/**
 * Kubernetes objects, slimmed at the edge to the few fields that fedns reads. Owns the shapes and the strictness:
 * a field we read must have its type, everything else may be anything and is dropped. What the fields mean for an
 * answer is left to shards.ts. Nothing here throws: an object that cannot be taken is an {@link ObjectFault}.
 */

import { nodeNetworks } from './node-networks.ts';
import {
  asBoolean,
  asFields,
  asInteger,
  asList,
  asScalarText,
  asText,
  asTexts,
  FieldFault,
  own,
  type Fields,
} from './fields.ts';
import { serviceImporter, sliceImporter } from './imported.ts';
import { detach, intern, SharedTable } from './intern.ts';

/** Kinds that fedns reads. */
export const OBJECT_KINDS = [
  'Service',
  'EndpointSlice',
  'Node',
  'ServiceExport',
  'Ingress',
  'Gateway',
  'HTTPRoute',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

interface SlimMeta {
  /** Empty for a Node. */
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion?: string;
}

/** A port as the Service states it; whether it can be published is decided later. */
export interface SlimPort {
  /** Empty where the port has no name. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** An entry of `status.loadBalancer.ingress`. `ipMode: Proxy` (KEP-1860) is still an address that clients use. */
export interface SlimIngress {
  readonly ip?: string;
  readonly hostname?: string;
}

/** Values of the labels and annotations that fedns reads, as written. */
export interface SlimMarks {
  /** Label `fedns.io/federation`. */
  readonly federation?: string;
  readonly ttl?: string;
  readonly exclude?: string;
  readonly externalIPs?: string;
  readonly policy?: string;
  readonly weight?: string;
  readonly maxAddresses?: string;
  readonly srvPriority?: string;
  readonly srvWeight?: string;
  /** A key of ours that means nothing where it stands: misspelt, or a label that is to be an annotation. */
  readonly stray?: { readonly place: 'labels' | 'annotations'; readonly key: string };
}

export interface SlimService extends SlimMeta {
  readonly kind: 'Service';
  readonly type: string;
  readonly marks: SlimMarks;
  /** `spec.clusterIPs`; `['None']` for a headless Service. */
  readonly clusterIPs: readonly string[];
  readonly externalIPs: readonly string[];
  readonly ingress: readonly SlimIngress[];
  readonly ports: readonly SlimPort[];
  readonly publishNotReadyAddresses: boolean;
  /** Being deleted: Kubernetes is already taking its load balancer down. */
  readonly deleting: boolean;
  /** The tool that stands for another cluster's Service with this one. */
  readonly importer?: string;
}

/** Endpoints of a slice, as far as zones go. Instances are shared: equal summaries are the same object. */
export interface EndpointSummary {
  /** Zones of the endpoints, lower case, sorted, each once. */
  readonly zones: readonly string[];
  /** Whether an endpoint names no zone. */
  readonly unzoned: boolean;
}

export interface SlimEndpointSlice extends SlimMeta {
  readonly kind: 'EndpointSlice';
  /** Label `kubernetes.io/service-name`; a slice without it, or of another cluster, belongs to no Service. */
  readonly service?: string;
  /** The tool that has brought the slice from another cluster. */
  readonly importer?: string;
  /** Endpoints that are ready. */
  readonly ready: EndpointSummary;
  /** All endpoints, for Services with `publishNotReadyAddresses`. */
  readonly all: EndpointSummary;
  /** Only where the reader asked for them. */
  readonly addresses?: EndpointAddresses;
}

/** Addresses of a slice's endpoints. */
export interface EndpointAddresses {
  readonly ready: readonly string[];
  readonly all: readonly string[];
  /** The zone of each of them, '' for none; absent where no endpoint names one. Shared as summaries are. */
  readonly zones?: { readonly ready: readonly string[]; readonly all: readonly string[] };
}

/** Metadata, and where the reader asked for it, networks. */
export interface SlimNode extends SlimMeta {
  readonly kind: 'Node';
  /** It stands for capacity elsewhere, so where it says to be is not where the cluster is. */
  readonly virtual?: true;
  readonly region?: string;
  readonly zone?: string;
  /** Of its Pods and of itself, CIDR text, as far as they can be only this cluster's. */
  readonly networks?: readonly string[];
}

export interface SlimServiceExport extends SlimMeta {
  readonly kind: 'ServiceExport';
}

/** What names hosts, and has entry points. */
interface SlimEntrance extends SlimMeta {
  readonly marks: SlimMarks;
  /** As written; inside of the served domain or not. */
  readonly hosts: readonly string[];
  readonly entryPoints: readonly SlimIngress[];
  readonly deleting: boolean;
}

export interface SlimIngressObject extends SlimEntrance {
  readonly kind: 'Ingress';
}

/** Hosts are those of its listeners. */
export interface SlimGateway extends SlimEntrance {
  readonly kind: 'Gateway';
}

export interface SlimHTTPRoute extends SlimMeta {
  readonly kind: 'HTTPRoute';
  readonly hosts: readonly string[];
  /** `Gateway namespace/name` of those that have accepted it. */
  readonly parents: readonly string[];
}

export type SlimObject =
  | SlimService
  | SlimEndpointSlice
  | SlimNode
  | SlimServiceExport
  | SlimIngressObject
  | SlimGateway
  | SlimHTTPRoute;

/** An object of a kind that fedns reads, or that should have one, and cannot be taken. */
export interface ObjectFault {
  readonly kind: 'Fault';
  readonly code: 'OBJECT_MALFORMED' | 'OBJECT_TOO_LARGE';
  /** Where known: what it claims to be. */
  readonly of?: ObjectKind;
  readonly namespace: string;
  readonly name: string;
  /** The field at fault, for example `spec.ports[0].port`. */
  readonly path: string;
  readonly message: string;
}

/** An object of a kind that fedns does not read. */
export interface OtherObject {
  readonly kind: 'Other';
}

export type SlimResult = SlimObject | ObjectFault | OtherObject;

export interface SlimOptions {
  /** Keep the endpoints' addresses: only for clusters that publish those of headless Services. */
  readonly endpointAddresses?: boolean;
  /** Keep the networks of Nodes: only where clients are told apart by them. */
  readonly nodeNetworks?: boolean;
}

type SlimReader = (fields: Fields, meta: SlimMeta, options: SlimOptions) => SlimObject;

const READER_OF: Readonly<Record<ObjectKind, SlimReader>> = {
  Service: readService,
  EndpointSlice: readEndpointSlice,
  Node: readNode,
  ServiceExport: readServiceExport,
  Ingress: readIngressObject,
  Gateway: readGateway,
  HTTPRoute: readHTTPRoute,
};

/** `apiVersion kind` of the objects that are read. */
const KINDS: ReadonlyMap<string, ObjectKind> = new Map([
  ['v1 Service', 'Service'],
  ['discovery.k8s.io/v1 EndpointSlice', 'EndpointSlice'],
  ['discovery.k8s.io/v1beta1 EndpointSlice', 'EndpointSlice'],
  ['v1 Node', 'Node'],
  ['multicluster.x-k8s.io/v1alpha1 ServiceExport', 'ServiceExport'],
  ['multicluster.x-k8s.io/v1beta1 ServiceExport', 'ServiceExport'],
  ['networking.k8s.io/v1 Ingress', 'Ingress'],
  ['gateway.networking.k8s.io/v1 Gateway', 'Gateway'],
  ['gateway.networking.k8s.io/v1beta1 Gateway', 'Gateway'],
  ['gateway.networking.k8s.io/v1 HTTPRoute', 'HTTPRoute'],
  ['gateway.networking.k8s.io/v1beta1 HTTPRoute', 'HTTPRoute'],
]);

const OTHER: OtherObject = { kind: 'Other' };

/** Lists within lists, as a careless tool may write them; deeper is refused. */
const LIST_DEPTH_MAX = 4;

/** Zones taken of one slice: more than a cluster spans, and a bound for one that invents them. */
const SLICE_ZONES_MAX = 64;

/**
 * What is kept of one object, so that an object costs little whatever its size. Each limit lies above the one that
 * shards.ts reports, and each text limit above the longest text that can be valid.
 */
const ENTRIES_MAX = 256;
const PORTS_MAX = 100;
const ENDPOINTS_MAX = 1000;
const TEXT_MAX = 256;
const ADDRESS_TEXT_MAX = 64;

/** Values that most objects of most clusters have in common are kept once. */
const summaries = new SharedTable<EndpointSummary>();
const addressZones = new SharedTable<NonNullable<EndpointAddresses['zones']>>();
const portLists = new SharedTable<readonly SlimPort[]>();
const markSets = new SharedTable<SlimMarks>();
const NONE: readonly never[] = [];

/** How objects are named in causes and refusals: `Service mynamespace/nginx`, `Node worker-1`. */
export function objectName(kind: string, namespace: string, name: string): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/**
 * Slims one object. Items of typed lists lack `apiVersion` and `kind`; pass them as `defaults`.
 *
 * @param value - the object as parsed from JSON or YAML
 */
export function slimObject(value: unknown, options: SlimOptions = {}, defaults?: TypeMeta): SlimResult {
  try {
    const fields = asFields(value, 'the object');
    const { apiVersion, kind } = typeMeta(fields, defaults);
    const known = KINDS.get(`${apiVersion} ${kind}`);
    return known === undefined ? OTHER : readObject(fields, known, options);
  } catch (error) {
    return asFault(error, { namespace: '', name: '' });
  }
}

/**
 * Slims an object of a kind that is known from where it was asked for, whatever it says of itself: items of typed
 * lists say nothing, and metadata-only replies say `PartialObjectMetadata`.
 */
export function slimAs(kind: ObjectKind, value: unknown, options: SlimOptions = {}): SlimResult {
  try {
    return readObject(asFields(value, 'the object'), kind, options);
  } catch (error) {
    return asFault(error, { of: kind, namespace: '', name: '' });
  }
}

/** What an object is: its `apiVersion` and `kind`. */
export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/** An item of a list, with the type it takes from the list where it states none. */
export interface ListItem {
  readonly value: unknown;
  readonly defaults?: TypeMeta;
}

/**
 * Takes lists apart: `kind: List`, `ServiceList`, `EndpointSliceList` and so on, also nested.
 *
 * @returns the single objects; the value itself where it is no list
 */
export function listItems(value: unknown, defaults?: TypeMeta, depth = 0): ListItem[] {
  const single = [defaults === undefined ? { value } : { value, defaults }];
  if (typeof value !== 'object' || value === null || depth >= LIST_DEPTH_MAX) return single;
  const { apiVersion, kind, items } = value as Record<string, unknown>;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return single;
  const itemKind = kind.slice(0, -'List'.length);
  const inherited =
    itemKind === '' || typeof apiVersion !== 'string' ? undefined : { apiVersion, kind: itemKind };
  return items.flatMap((item: unknown) => listItems(item, inherited, depth + 1));
}

function typeMeta(fields: Fields, defaults?: TypeMeta): TypeMeta {
  const apiVersion = asText(own(fields, 'apiVersion'), 'apiVersion') ?? defaults?.apiVersion;
  const kind = asText(own(fields, 'kind'), 'kind') ?? defaults?.kind;
  if (apiVersion === undefined) throw new FieldFault('apiVersion', 'the object has no apiVersion');
  if (kind === undefined) throw new FieldFault('kind', 'the object has no kind');
  return { apiVersion, kind };
}

function readObject(fields: Fields, kind: ObjectKind, options: SlimOptions): SlimResult {
  const known: { of: ObjectKind; namespace: string; name: string } = { of: kind, namespace: '', name: '' };
  try {
    const metadata = asFields(own(fields, 'metadata'), 'metadata');
    known.name = readName(metadata, kind);
    if (kind !== 'Node') known.namespace = readNamespace(metadata);
    return READER_OF[kind](fields, readMeta(metadata, known), options);
  } catch (error) {
    return asFault(error, known);
  }
}

function asFault(
  error: unknown,
  known: { readonly of?: ObjectKind; readonly namespace: string; readonly name: string },
): ObjectFault {
  if (!(error instanceof FieldFault)) throw error;
  return { kind: 'Fault', code: 'OBJECT_MALFORMED', ...known, path: error.path, message: error.message };
}

/** RFC 1123 labels are what Kubernetes allows for Services and namespaces; other kinds may have subdomains. */
function readName(metadata: Fields, kind: ObjectKind): string {
  const name = asText(own(metadata, 'name'), 'metadata.name') ?? '';
  const valid = kind === 'Service' || kind === 'ServiceExport' ? isDnsLabel(name) : isSubdomain(name);
  if (!valid) throw new FieldFault('metadata.name', `metadata.name ${quote(name)} is no valid name`);
  return detach(name);
}

function readNamespace(metadata: Fields): string {
  const namespace = asText(own(metadata, 'namespace'), 'metadata.namespace') ?? '';
  if (!isDnsLabel(namespace)) {
    const message =
      namespace === ''
        ? "metadata.namespace is missing; kubectl's default is not assumed, write it down"
        : `${quote(namespace)} is no namespace`;
    throw new FieldFault('metadata.namespace', message);
  }
  return intern(namespace);
}

function readMeta(metadata: Fields, known: { readonly namespace: string; readonly name: string }): SlimMeta {
  const resourceVersion = asText(own(metadata, 'resourceVersion'), 'metadata.resourceVersion');
  return {
    namespace: known.namespace,
    name: known.name,
    ...(resourceVersion === undefined ? {} : { resourceVersion: short(resourceVersion) }),
  };
}

function readService(fields: Fields, meta: SlimMeta): SlimService {
  const metadata = asFields(own(fields, 'metadata'), 'metadata');
  const labels = asFields(own(metadata, 'labels'), 'metadata.labels');
  const spec = asFields(own(fields, 'spec'), 'spec');
  const importer = serviceImporter(metadata, labels, meta.name);
  return {
    kind: 'Service',
    ...meta,
    ...(importer === undefined ? {} : { importer }),
    type: shortShared(asText(own(spec, 'type'), 'spec.type') ?? 'ClusterIP'),
    marks: readMarks(metadata),
    clusterIPs: readClusterIPs(spec),
    externalIPs: detached(asTexts(own(spec, 'externalIPs'), 'spec.externalIPs')),
    ingress: readIngress(asFields(own(fields, 'status'), 'status')),
    ports: sharedPorts(asList(own(spec, 'ports'), 'spec.ports').slice(0, PORTS_MAX).map(readPort)),
    publishNotReadyAddresses:
      asBoolean(own(spec, 'publishNotReadyAddresses'), 'spec.publishNotReadyAddresses') ?? false,
    deleting: asText(own(metadata, 'deletionTimestamp'), 'metadata.deletionTimestamp') !== undefined,
  };
}

/** What each mark is called, and whether it is a label or an annotation. */
const MARKS: readonly (readonly [key: Exclude<keyof SlimMarks, 'stray'>, place: MarkPlace, mark: string])[] =
  [
    ['federation', 'labels', 'fedns.io/federation'],
    ['ttl', 'annotations', 'fedns.io/ttl'],
    ['exclude', 'annotations', 'fedns.io/exclude'],
    ['externalIPs', 'annotations', 'fedns.io/external-ips'],
    ['policy', 'annotations', 'fedns.io/policy'],
    ['weight', 'annotations', 'fedns.io/weight'],
    ['maxAddresses', 'annotations', 'fedns.io/max-addresses'],
    ['srvPriority', 'annotations', 'fedns.io/srv-priority'],
    ['srvWeight', 'annotations', 'fedns.io/srv-weight'],
  ];
type MarkPlace = 'labels' | 'annotations';
const MARK_PREFIX = 'fedns.io/';

/** Every mark with where it belongs, for whoever explains one that stands elsewhere. */
export const MARK_PLACES: ReadonlyMap<string, MarkPlace> = new Map(
  MARKS.map(([, place, mark]) => [mark, place]),
);

function readMarks(metadata: Fields): SlimMarks {
  const from: Readonly<Record<MarkPlace, Fields>> = {
    labels: asFields(own(metadata, 'labels'), 'metadata.labels'),
    annotations: asFields(own(metadata, 'annotations'), 'metadata.annotations'),
  };
  const marks: { -readonly [key in keyof SlimMarks]: SlimMarks[key] } = {};
  for (const [key, place, mark] of MARKS) {
    const text = asScalarText(own(from[place], mark), `metadata.${place}[${mark}]`);
    // No mark that means anything is longer; what is kept of a longer one is enough to refuse it.
    if (text !== undefined) marks[key] = intern(text.slice(0, 64));
  }
  const stray = strayMark(from);
  if (stray !== undefined) marks.stray = stray;
  return markSets.share(JSON.stringify(marks), () => marks);
}

/** The first key with our prefix that means nothing where it stands. */
function strayMark(from: Readonly<Record<MarkPlace, Fields>>): SlimMarks['stray'] {
  for (const place of ['labels', 'annotations'] as const) {
    for (const key of Object.keys(from[place])) {
      if (key.startsWith(MARK_PREFIX) && MARK_PLACES.get(key) !== place)
        return { place, key: intern(key.slice(0, 64)) };
    }
  }
  return undefined;
}

/** `clusterIPs` came with dual stack (Kubernetes 1.20); before, there was only `clusterIP`. */
function readClusterIPs(spec: Fields): readonly string[] {
  const all = asTexts(own(spec, 'clusterIPs'), 'spec.clusterIPs');
  const first = asText(own(spec, 'clusterIP'), 'spec.clusterIP');
  const texts = all.length === 0 && first !== undefined ? [first] : all;
  return detached(texts.filter((text) => text !== ''));
}

function detached(texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? NONE : texts.slice(0, ENTRIES_MAX).map(shortAddress);
}

function short(text: string): string {
  return detach(text.slice(0, TEXT_MAX));
}

function shortShared(text: string): string {
  return intern(text.slice(0, TEXT_MAX));
}

function shortAddress(text: string): string {
  return detach(text.slice(0, ADDRESS_TEXT_MAX));
}

function sharedPorts(ports: readonly SlimPort[]): readonly SlimPort[] {
  return portLists.share(JSON.stringify(ports), () => ports);
}

function readIngress(status: Fields): SlimIngress[] {
  const path = 'status.loadBalancer.ingress';
  const loadBalancer = asFields(own(status, 'loadBalancer'), 'status.loadBalancer');
  const entries = asList(own(loadBalancer, 'ingress'), path).slice(0, ENTRIES_MAX);
  return entries.map((entry, i) => {
    const fields = asFields(entry, `${path}[${i}]`);
    const ip = asText(own(fields, 'ip'), `${path}[${i}].ip`);
    const hostname = asText(own(fields, 'hostname'), `${path}[${i}].hostname`);
    return {
      ...(ip === undefined || ip === '' ? {} : { ip: shortAddress(ip) }),
      ...(hostname === undefined || hostname === '' ? {} : { hostname: short(hostname) }),
    };
  });
}

function readIngressObject(fields: Fields, meta: SlimMeta): SlimIngressObject {
  const rules = asList(own(asFields(own(fields, 'spec'), 'spec'), 'rules'), 'spec.rules');
  const entryPoints = readIngress(asFields(own(fields, 'status'), 'status'));
  return {
    kind: 'Ingress',
    ...meta,
    ...readEntrance(fields),
    hosts: readHosts(rules, 'spec.rules', 'host'),
    entryPoints,
  };
}

function readGateway(fields: Fields, meta: SlimMeta): SlimGateway {
  const listeners = asList(own(asFields(own(fields, 'spec'), 'spec'), 'listeners'), 'spec.listeners');
  const addresses = asList(own(asFields(own(fields, 'status'), 'status'), 'addresses'), 'status.addresses');
  return {
    kind: 'Gateway',
    ...meta,
    ...readEntrance(fields),
    hosts: readHosts(listeners, 'spec.listeners', 'hostname'),
    entryPoints: addresses.slice(0, ENTRIES_MAX).flatMap(readGatewayAddress),
  };
}

function readEntrance(fields: Fields): Pick<SlimEntrance, 'marks' | 'deleting'> {
  const metadata = asFields(own(fields, 'metadata'), 'metadata');
  const deletion = asText(own(metadata, 'deletionTimestamp'), 'metadata.deletionTimestamp');
  return { marks: readMarks(metadata), deleting: deletion !== undefined };
}

function readHosts(entries: readonly unknown[], path: string, field: string): readonly string[] {
  const hosts = entries.slice(0, ENTRIES_MAX).flatMap((entry, i) => {
    const host = asText(own(asFields(entry, `${path}[${i}]`), field), `${path}[${i}].${field}`);
    return host === undefined || host === '' ? [] : [short(host)];
  });
  return hosts.length === 0 ? NONE : [...new Set(hosts)];
}

/** The type is IPAddress where none is said; named addresses mean something to their implementation only. */
function readGatewayAddress(entry: unknown, i: number): SlimIngress[] {
  const path = `status.addresses[${i}]`;
  const fields = asFields(entry, path);
  const value = asText(own(fields, 'value'), `${path}.value`) ?? '';
  if (value === '') return [];
  const type = asText(own(fields, 'type'), `${path}.type`) ?? 'IPAddress';
  if (type === 'IPAddress') return [{ ip: shortAddress(value) }];
  return type === 'Hostname' ? [{ hostname: short(value) }] : [];
}

/** Only what a Gateway says to have accepted: anybody may name it as a parent. */
function readHTTPRoute(fields: Fields, meta: SlimMeta): SlimHTTPRoute {
  const hosts = asTexts(own(asFields(own(fields, 'spec'), 'spec'), 'hostnames'), 'spec.hostnames');
  const parents = asList(own(asFields(own(fields, 'status'), 'status'), 'parents'), 'status.parents');
  const accepted = parents.slice(0, ENTRIES_MAX).flatMap((entry, i) => readParent(entry, i, meta.namespace));
  return {
    kind: 'HTTPRoute',
    ...meta,
    hosts: hosts.slice(0, ENTRIES_MAX).map(short),
    parents: [...new Set(accepted)],
  };
}

function readParent(entry: unknown, i: number, namespace: string): string[] {
  const path = `status.parents[${i}]`;
  const fields = asFields(entry, path);
  const ref = asFields(own(fields, 'parentRef'), `${path}.parentRef`);
  const kind = asText(own(ref, 'kind'), `${path}.parentRef.kind`) ?? 'Gateway';
  const name = asText(own(ref, 'name'), `${path}.parentRef.name`);
  const conditions = asList(own(fields, 'conditions'), `${path}.conditions`);
  const isAccepted = conditions.some((each) => {
    const condition = asFields(each, `${path}.conditions`);
    return own(condition, 'type') === 'Accepted' && own(condition, 'status') === 'True';
  });
  if (kind !== 'Gateway' || name === undefined || !isAccepted) return [];
  const of = asText(own(ref, 'namespace'), `${path}.parentRef.namespace`) ?? namespace;
  return [short(`Gateway ${of}/${name}`)];
}

function readPort(entry: unknown, i: number): SlimPort {
  const path = `spec.ports[${i}]`;
  const fields = asFields(entry, path);
  return {
    name: shortShared(asText(own(fields, 'name'), `${path}.name`) ?? ''),
    protocol: shortShared(asText(own(fields, 'protocol'), `${path}.protocol`) ?? 'TCP'),
    port: asInteger(own(fields, 'port'), `${path}.port`) ?? 0,
  };
}

const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'] as const;
/** How virtual kubelets mark their Nodes (virtual-kubelet/virtual-kubelet, and Liqo's as of liqotech/liqo). */
const VIRTUAL_NODES = [
  ['type', 'virtual-kubelet'],
  ['liqo.io/type', 'virtual-node'],
] as const;
const REGION_LABELS = ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'] as const;

interface SlimEndpoint {
  readonly ready: boolean;
  readonly zone: string | undefined;
  readonly addresses: readonly string[];
}

function readEndpointSlice(fields: Fields, meta: SlimMeta, options: SlimOptions): SlimEndpointSlice {
  const labels = asFields(own(asFields(own(fields, 'metadata'), 'metadata'), 'labels'), 'metadata.labels');
  const service = asText(own(labels, 'kubernetes.io/service-name'), 'metadata.labels');
  // FQDN slices count for readiness, but hold no addresses.
  const addressed = options.endpointAddresses === true && own(fields, 'addressType') !== 'FQDN';
  const endpoints = asList(own(fields, 'endpoints'), 'endpoints').map((entry, i) =>
    readEndpoint(entry, `endpoints[${i}]`, addressed),
  );
  // Without a Service they are nobody's: an API server is not even asked for such slices.
  if (service === undefined || service === '') return emptySlice(meta);
  const importer = sliceImporter(labels, service);
  if (importer !== undefined) return emptySlice(meta, importer);
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return {
    kind: 'EndpointSlice',
    ...meta,
    service: short(service),
    ready: summarize(ready),
    all: summarize(endpoints),
    ...(addressed ? { addresses: readAddresses(ready, endpoints) } : {}),
  };
}

function emptySlice(meta: SlimMeta, importer?: string): SlimEndpointSlice {
  const none = sharedSummary(NONE, false);
  return {
    kind: 'EndpointSlice',
    ...meta,
    ...(importer === undefined ? {} : { importer }),
    ready: none,
    all: none,
  };
}

/**
 * Only `ready` decides (KEP-1672). An endpoint that terminates is not ready, even while it still serves: kube-proxy
 * falls back to such endpoints when its cluster has no other, but here another cluster may have ready ones, and
 * an answer outlives the endpoint's grace period. Where `ready` is absent, the API says to take it for true.
 */
function readEndpoint(entry: unknown, path: string, addressed: boolean): SlimEndpoint {
  const fields = asFields(entry, path);
  const conditions = asFields(own(fields, 'conditions'), `${path}.conditions`);
  return {
    ready: asBoolean(own(conditions, 'ready'), `${path}.conditions.ready`) ?? true,
    zone: readZone(fields, path),
    addresses: addressed ? detached(asTexts(own(fields, 'addresses'), `${path}.addresses`)) : [],
  };
}

/** `zone` in v1; in v1beta1 a `topology` map, which v1 keeps as `deprecatedTopology` for converted objects. */
function readZone(fields: Fields, path: string): string | undefined {
  const zone = asText(own(fields, 'zone'), `${path}.zone`);
  if (zone !== undefined && zone !== '') return location(zone);
  for (const key of ['topology', 'deprecatedTopology']) {
    const text = firstLabel(asFields(own(fields, key), `${path}.${key}`), ZONE_LABELS, `${path}.${key}`);
    if (text !== undefined) return text;
  }
  return undefined;
}

function readNode(fields: Fields, meta: SlimMeta, options: SlimOptions): SlimNode {
  const labels = asFields(own(asFields(own(fields, 'metadata'), 'metadata'), 'labels'), 'metadata.labels');
  const region = firstLabel(labels, REGION_LABELS, 'metadata.labels');
  const zone = firstLabel(labels, ZONE_LABELS, 'metadata.labels');
  const isVirtual = VIRTUAL_NODES.some(([label, value]) => own(labels, label) === value);
  return {
    kind: 'Node',
    ...meta,
    ...(isVirtual ? { virtual: true } : {}),
    ...(region === undefined ? {} : { region }),
    ...(zone === undefined ? {} : { zone }),
    // What a virtual Node says is of wherever its capacity is.
    ...(options.nodeNetworks === true && !isVirtual ? { networks: nodeNetworks(fields) } : {}),
  };
}

function readServiceExport(_fields: Fields, meta: SlimMeta): SlimServiceExport {
  return { kind: 'ServiceExport', ...meta };
}

function firstLabel(labels: Fields, keys: readonly string[], path: string): string | undefined {
  for (const key of keys) {
    const text = asText(own(labels, key), `${path}[${key}]`);
    if (text !== undefined && text !== '') return location(text);
  }
  return undefined;
}

/** Lower case; one character more than a label may have is enough to refuse it later. */
function location(text: string): string {
  return intern(text.slice(0, 64).toLowerCase());
}

function summarize(endpoints: readonly SlimEndpoint[]): EndpointSummary {
  const zones = new Set<string>();
  let unzoned = false;
  for (const { zone } of endpoints) {
    if (zone === undefined) unzoned = true;
    else zones.add(zone);
  }
  return sharedSummary([...zones].toSorted().slice(0, SLICE_ZONES_MAX), unzoned);
}

function sharedSummary(zones: readonly string[], unzoned: boolean): EndpointSummary {
  // What an API server calls a zone may hold any character, and all clusters share these.
  const key = JSON.stringify([unzoned, zones]);
  return summaries.share(key, () => ({ zones, unzoned }));
}

function readAddresses(ready: readonly SlimEndpoint[], all: readonly SlimEndpoint[]): EndpointAddresses {
  const [ofReady, ofAll] = [zonesByAddress(ready), zonesByAddress(all)];
  const addresses = { ready: [...ofReady.keys()], all: [...ofAll.keys()] };
  if (all.every(({ zone }) => zone === undefined)) return addresses;
  const zones = { ready: [...ofReady.values()], all: [...ofAll.values()] };
  return { ...addresses, zones: addressZones.share(JSON.stringify(zones), () => zones) };
}

function zonesByAddress(endpoints: readonly SlimEndpoint[]): Map<string, string> {
  const zones = new Map<string, string>();
  for (const { addresses, zone = '' } of endpoints) {
    for (const address of addresses) {
      if (zones.size >= ENDPOINTS_MAX) return zones;
      if (!zones.has(address)) zones.set(address, zone);
    }
  }
  return zones;
}

/** Whether a text is a lower-case RFC 1123 label. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

function isSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => isDnsLabel(label));
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? text.slice(0, 64) + '…' : text);
}

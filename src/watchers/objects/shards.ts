/**
 * Reduces one Service to shards: whether it is federated, which addresses it publishes, where it is ready, with
 * which ports and TTL. Pure; owns the meaning of labels and annotations. When it is called, and what happens with
 * the outcome, is left to cluster-objects.ts.
 */

import type { ClusterSettings, FederationSettings } from '../../config/settings.ts';
import type { ShardPort, ShardState } from '../../zonebuilder/facts.ts';
import { MAX_ADDRESSES_LIMIT, SRV_DEFAULTS } from '../../zonebuilder/facts.ts';
import { POLICIES, WEIGHT_MAX } from '../../zonebuilder/policy.ts';
import { HOSTS_NAMESPACE } from '../../zonebuilder/host-names.ts';
import type { AddressRule } from './addresses.ts';
import type { Endpoints } from './endpoint-index.ts';
import { checkHostname } from '../hostnames/hostnames.ts';
import { SharedTable } from './intern.ts';
import { MARK_PLACES } from './objects.ts';
import type { SlimMarks, SlimPort, SlimService } from './objects.ts';
import type { Finding } from '../refusals.ts';
import { sameTexts } from './topology.ts';

/** Addresses of one shard: what fits a reply of 4 KiB; no load balancer publishes as many. */
const SHARD_ADDRESSES_MAX = 255;
/** Ports of one shard, each a name of its own at every level. */
const SHARD_PORTS_MAX = 64;
/** Hostnames of one Service. */
const SERVICE_HOSTNAMES_MAX = 16;
/** RFC 2181 section 8. */
const TTL_SECONDS_MAX = 2_147_483_647;
/** Characters of a name in text, without the trailing dot: 255 octets in wire form (RFC 1035 section 2.3.4). */
const NAME_TEXT_MAX = 253;

const zoneLists = new SharedTable<readonly string[]>();
const NO_ZONES: readonly string[] = [];

/** What holds for every Service of a cluster. */
export interface ShardRules {
  readonly cluster: string;
  readonly domain: string;
  readonly federations: readonly FederationSettings[];
  readonly publish: ClusterSettings['publish'];
  readonly namespaces: ClusterSettings['namespaces'];
  readonly hostnames: ClusterSettings['hostnames'];
  readonly address: AddressRule;
}

/** What else must be known of one Service. */
export interface ServiceFacts {
  /** A ServiceExport of the same namespace and name exists. */
  readonly exported: boolean;
  readonly endpoints: Endpoints;
  readonly region: string | undefined;
  /** Zones of the cluster, sorted. */
  readonly zones: readonly string[];
  /** One of its objects is of an earlier version than was seen before. Default: no. */
  readonly older?: boolean;
  /** Follows exactly these hostnames for this Service from now on; called once per reduction. */
  resolve(hostnames: readonly string[], findings: Finding[]): readonly string[];
  /** Least TTL in seconds of the hostnames that {@link resolve} was called with last; undefined where none is known. */
  resolvedTtlSeconds?(): number | undefined;
}

/** A shard without what led to it. */
export type ShardFacts = Omit<ShardState, 'cause'>;

export interface Reduction {
  /** One per federation that the Service belongs to; empty where it is not published. */
  readonly shards: readonly ShardFacts[];
  readonly findings: readonly Finding[];
}

/** Reduces one Service. The same input gives the same shards in the same order. */
export function reduceService(service: SlimService, facts: ServiceFacts, rules: ShardRules): Reduction {
  const findings: Finding[] = [];
  checkStray(service.marks.stray, findings);
  const federations = publishable(service, facts, rules, findings);
  const texts = federations.length === 0 ? undefined : addressSources(service, facts, rules, findings);
  if (texts === undefined) {
    facts.resolve([], findings);
    return { shards: [], findings };
  }
  const hostnames = texts.hostnames.length === 0 ? [] : usableHostnames(texts.hostnames, rules, findings);
  const resolved = facts.resolve(hostnames, findings);
  const addresses = usableAddresses([...texts.addresses, ...resolved], rules, findings);
  const inZones = readyZones(service, facts);
  const shared = {
    addresses,
    readyZones: inZones,
    addressZones: isHeadless(service, rules) ? placeAddresses(addresses, inZones, facts, rules) : undefined,
    ports: usablePorts(service.ports, findings),
    marks: {
      ...(facts.older === true && { older: true as const }),
      ...missingOf(service, facts, { ...texts, usable: hostnames, resolved }),
      ...readTtl(service.marks.ttl, findings),
      ...(resolved.length > 0 && resolvedTtl(facts)),
      ...readMaxAddresses(service.marks.maxAddresses, findings),
      ...readSrv(service.marks, findings),
      ...readPolicy(service.marks.policy, findings),
      ...readWeight(service.marks.weight, findings),
    },
  };
  return { shards: federations.map((federation) => makeShard(federation, service, shared, rules)), findings };
}

function makeShard(
  federation: string,
  service: SlimService,
  shared: Pick<ShardFacts, 'addresses' | 'ports'> & {
    readonly readyZones: ShardState['readyZones'] | undefined;
    readonly addressZones: readonly string[] | undefined;
    readonly marks: ShardMarks;
  },
  rules: ShardRules,
): ShardFacts {
  return {
    cluster: rules.cluster,
    federation,
    namespace: service.namespace,
    service: service.name,
    addresses: shared.addresses,
    ready: shared.readyZones !== undefined,
    readyZones: shared.readyZones ?? NO_ZONES,
    ...(shared.addressZones !== undefined && { addressZones: shared.addressZones }),
    ports: shared.ports,
    ...shared.marks,
  };
}

/**
 * What is missing of a Service that is not healthy, where no endpoint of it says that it is not ready. Addresses that were
 * refused are there, and a slice without endpoints says that there are none.
 */
function missingOf(
  { deleting }: SlimService,
  { endpoints }: ServiceFacts,
  found: AddressSources & { readonly usable: readonly string[]; readonly resolved: readonly string[] },
): Pick<ShardFacts, 'missing'> {
  if (!endpoints.any && endpoints.slices > 0) return {};
  if (deleting) return { missing: 'service' };
  if (!endpoints.any) return { missing: 'slices' };
  const { addresses, hostnames, usable, resolved } = found;
  const isRefused = hostnames.length > 0 && usable.length === 0;
  return addresses.length + resolved.length > 0 || isRefused ? {} : { missing: 'addresses' };
}

/** What only some shards say. */
type ShardMarks = Pick<
  ShardFacts,
  'missing' | 'older' | 'ttlSeconds' | 'addressTtlSeconds' | 'maxAddresses' | 'srv' | 'policy' | 'weight'
>;

/** Whether two shards say the same. */
export function sameFacts(a: ShardFacts, b: ShardFacts): boolean {
  return (
    a.federation === b.federation &&
    a.ready === b.ready &&
    a.missing === b.missing &&
    a.older === b.older &&
    a.ttlSeconds === b.ttlSeconds &&
    a.addressTtlSeconds === b.addressTtlSeconds &&
    a.maxAddresses === b.maxAddresses &&
    a.policy === b.policy &&
    a.weight === b.weight &&
    a.srv?.priority === b.srv?.priority &&
    a.srv?.weight === b.srv?.weight &&
    a.namespace === b.namespace &&
    a.service === b.service &&
    a.cluster === b.cluster &&
    sameZones(a.readyZones, b.readyZones) &&
    sameTexts(a.addresses, b.addresses) &&
    sameTexts(a.addressZones ?? NO_ZONES, b.addressZones ?? NO_ZONES) &&
    samePorts(a.ports, b.ports)
  );
}

function sameZones(a: ShardState['readyZones'], b: ShardState['readyZones']): boolean {
  return a === b || (a !== 'every' && b !== 'every' && sameTexts(a, b));
}

function samePorts(a: readonly ShardPort[], b: readonly ShardPort[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every((x, i) => {
    const y = b[i]!;
    return x.name === y.name && x.protocol === y.protocol && x.port === y.port;
  });
}

/** The federations that a Service belongs to and may be published in. */
function publishable(
  service: SlimService,
  facts: ServiceFacts,
  rules: ShardRules,
  findings: Finding[],
): string[] {
  const selected = selectingFederations(service, facts.exported, rules, findings);
  if (selected.length === 0 || isExcluded(service.marks.exclude, findings)) return [];
  if (service.importer !== undefined) {
    const message = `${service.importer} stands for a Service of another cluster with it`;
    findings.push({ code: 'SERVICE_IMPORTED', message });
    return [];
  }
  if (service.type === 'ExternalName') {
    findings.push({ code: 'EXTERNAL_NAME', message: 'a Service of type ExternalName cannot be federated' });
    return [];
  }
  // Of a host, that was asked of the objects which name it.
  if (!isHost(service) && !isNamespaceAllowed(service.namespace, rules.namespaces)) {
    const message = `namespace ${service.namespace} is excluded by the cluster's namespaces filter`;
    findings.push({ code: 'NAMESPACE_FILTERED', message });
    return [];
  }
  return selected.filter((federation) => nameFits(federation, service, facts, rules, findings));
}

/** A federation's way of selecting is its only one: a label means nothing to a federation that selects exports. */
function selectingFederations(
  service: SlimService,
  exported: boolean,
  rules: ShardRules,
  findings: Finding[],
): string[] {
  const label = service.marks.federation?.toLowerCase();
  if (label !== undefined && !rules.federations.some((federation) => federation.name === label)) {
    const known = rules.federations.map(({ name }) => name).join(', ');
    const message = `the label fedns.io/federation names ${JSON.stringify(label)}, which is not configured; there is ${known}`;
    findings.push({ code: 'FEDERATION_UNKNOWN', message });
  }
  const selects = { label: false, export: exported, all: service.type === 'LoadBalancer' };
  return rules.federations
    .filter(({ name, select, hosts }) =>
      isHost(service)
        ? hosts === true && (select === 'all' || name === label)
        : select === 'label'
          ? name === label
          : selects[select],
    )
    .map(({ name }) => name);
}

/** Whether it stands for a host (hosts.ts). */
function isHost({ namespace }: SlimService): boolean {
  return namespace === HOSTS_NAMESPACE;
}

/** A mark that means nothing where it stands is most likely meant: the Service is not published, or not as wanted. */
function checkStray(stray: SlimMarks['stray'], findings: Finding[]): void {
  if (stray === undefined) return;
  const [is, belongs] = stray.place === 'labels' ? ['label', 'annotation'] : ['annotation', 'label'];
  if (MARK_PLACES.has(stray.key)) {
    findings.push({
      code: 'MARK_MISPLACED',
      message: `${stray.key} is written as ${is}, and means something as ${belongs} only`,
    });
    return;
  }
  const known = [...MARK_PLACES.keys()].join(', ');
  findings.push({
    code: 'MARK_UNKNOWN',
    message: `the ${is} ${stray.key} means nothing; known are ${known}`,
  });
}

/** Whether a cluster's filter lets a namespace through. */
export function isNamespaceAllowed(namespace: string, filter: ShardRules['namespaces']): boolean {
  if (filter.deny.includes(namespace)) return false;
  return filter.allow.length === 0 || filter.allow.includes(namespace);
}

/** Names at this cluster's own locations; those of other clusters' are checked where the tree is built. */
function nameFits(
  federation: string,
  service: SlimService,
  facts: ServiceFacts,
  rules: ShardRules,
  findings: Finding[],
): boolean {
  const zone = facts.zones.reduce((longest, text) => (text.length > longest.length ? text : longest), '');
  const labels = [service.name, service.namespace, federation, 'svc', zone, facts.region ?? '', rules.domain];
  const name = labels.filter((label) => label !== '').join('.');
  if (name.length <= NAME_TEXT_MAX) return true;
  findings.push({ code: 'NAME_TOO_LONG', message: `${name} has more than ${NAME_TEXT_MAX} characters` });
  return false;
}

interface AddressSources {
  readonly addresses: readonly string[];
  readonly hostnames: readonly string[];
}

/**
 * Where the addresses come from. A load balancer that has none yet is published without addresses: known, and
 * unhealthy. A Service of another type that publishes none is not published at all.
 */
function addressSources(
  service: SlimService,
  facts: ServiceFacts,
  rules: ShardRules,
  findings: Finding[],
): AddressSources | undefined {
  const external = isTrue(service.marks.externalIPs, 'fedns.io/external-ips', findings);
  const externalIPs = external ? service.externalIPs : [];
  if (service.type === 'LoadBalancer') {
    const addresses = service.ingress.flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
    return { addresses: [...addresses, ...externalIPs], hostnames: ingressHostnames(service) };
  }
  if (rules.publish === 'clusterIP') {
    return { addresses: [...clusterAddresses(service, facts), ...externalIPs], hostnames: [] };
  }
  if (external) return { addresses: externalIPs, hostnames: [] };
  const message =
    `a Service of type ${service.type} has no address outside its cluster; make it a LoadBalancer, or set ` +
    "publish: clusterIP where clients reach the cluster's own network";
  findings.push({ code: 'TYPE_UNPUBLISHED', message });
  return undefined;
}

/** A hostname beside an address needs no resolving. */
function ingressHostnames(service: SlimService): string[] {
  return service.ingress.flatMap(({ ip, hostname }) =>
    ip === undefined && hostname !== undefined ? [hostname] : [],
  );
}

function clusterAddresses(service: SlimService, facts: ServiceFacts): readonly string[] {
  return service.clusterIPs[0] === 'None' ? facts.endpoints.addresses : service.clusterIPs;
}

/** Whether what is published are the addresses of Pods. */
function isHeadless(service: SlimService, rules: ShardRules): boolean {
  return rules.publish === 'clusterIP' && service.type !== 'LoadBalancer' && service.clusterIPs[0] === 'None';
}

function usableHostnames(texts: readonly string[], rules: ShardRules, findings: Finding[]): string[] {
  const hostnames = new Set<string>();
  for (const text of texts) {
    const check = checkHostname(text, rules.hostnames, rules.domain);
    if (check.ok) hostnames.add(check.hostname);
    else findings.push({ code: check.code, message: check.message });
  }
  return capped([...hostnames], SERVICE_HOSTNAMES_MAX, 'HOSTNAME_LIMIT', 'hostnames', findings);
}

/** Sorted, so that the order in which slices or replies arrive changes nothing. */
function usableAddresses(texts: readonly string[], rules: ShardRules, findings: Finding[]): string[] {
  const addresses = new Set<string>();
  for (const text of new Set(texts)) {
    const check = rules.address(text);
    if (check.ok) addresses.add(check.address);
    else findings.push({ code: check.code, message: check.message });
  }
  return capped([...addresses].toSorted(), SHARD_ADDRESSES_MAX, 'ADDRESS_LIMIT', 'addresses', findings);
}

/**
 * A Service that is being deleted is not ready: its load balancer goes first, its endpoints last.
 * A cluster of one zone is in that zone, whatever its endpoints say.
 */
function readyZones(service: SlimService, facts: ServiceFacts): ShardState['readyZones'] | undefined {
  const { any, zones } = facts.endpoints;
  if (!any || service.deleting) return undefined;
  if (facts.zones.length === 1) return facts.zones;
  if (zones.size === 0) return 'every';
  const ready = facts.zones.filter((zone) => zones.has(zone));
  return zoneLists.share(ready.join(' '), () => ready);
}

/**
 * The zone of each address of a headless Service; undefined where all count in each ready zone. An address that several
 * zones claim, as while a Pod's successor takes it over, is in the first of them, whatever the order of the slices.
 */
function placeAddresses(
  addresses: readonly string[],
  zones: ShardState['readyZones'] | undefined,
  facts: ServiceFacts,
  rules: ShardRules,
): readonly string[] | undefined {
  if (zones === undefined || zones === 'every' || zones.length === 0) return undefined;
  if (facts.zones.length === 1) return undefined;
  const byAddress = new Map<string, string>();
  facts.endpoints.addresses.forEach((text, i) => {
    const zone = facts.endpoints.addressZones[i]!;
    const check = rules.address(text);
    if (!check.ok || !zones.includes(zone)) return;
    const other = byAddress.get(check.address);
    if (other === undefined || zone < other) byAddress.set(check.address, zone);
  });
  const places = addresses.map((address) => byAddress.get(address) ?? '');
  const isOne = zones.length === 1 && places.every((zone) => zone === zones[0]);
  return isOne ? undefined : places;
}

/** Ports as published, by the list that the Service states; such lists are shared (objects.ts). */
const portsOf = new WeakMap<readonly SlimPort[], readonly ShardPort[]>();

function usablePorts(ports: readonly SlimPort[], findings: Finding[]): readonly ShardPort[] {
  const known = portsOf.get(ports);
  if (known !== undefined) return known;
  const before = findings.length;
  const usable = checkPorts(ports, findings);
  // Only where there is nothing to report: findings belong to each Service.
  if (findings.length === before) portsOf.set(ports, usable);
  return usable;
}

function checkPorts(ports: readonly SlimPort[], findings: Finding[]): ShardPort[] {
  const usable = new Map<string, ShardPort>();
  for (const port of ports) {
    if (port.name === '') continue;
    const fault = portFault(port);
    const protocol = port.protocol.toLowerCase() as ShardPort['protocol'];
    if (fault !== undefined) findings.push({ code: 'PORT_INVALID', message: fault });
    else if (!usable.has(`${port.name}/${protocol}`)) {
      usable.set(`${port.name}/${protocol}`, { name: port.name, protocol, port: port.port });
    }
  }
  return capped([...usable.values()], SHARD_PORTS_MAX, 'PORT_LIMIT', 'named ports', findings);
}

function portFault({ name, protocol, port }: SlimPort): string | undefined {
  if (!isPortName(name)) return `port name ${JSON.stringify(name)} is no DNS label of up to 62 characters`;
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase()))
    return `port ${name} has protocol ${protocol}`;
  return port >= 1 && port <= 65_535 ? undefined : `port ${name} has number ${port}`;
}

/**
 * Every name that Kubernetes allows, a DNS label, as its DNS specification has an SRV record for every named port; not
 * only the service names of RFC 6335 section 5.1. The underscore in front leaves 62 octets of the label. A port without
 * a name has no SRV record.
 */
function isPortName(name: string): boolean {
  return name.length <= 62 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name);
}

function readTtl(text: string | undefined, findings: Finding[]): { ttlSeconds?: number } {
  if (text === undefined) return {};
  const ttlSeconds = /^[0-9]{1,10}$/.test(text) ? Number(text) : Infinity;
  if (ttlSeconds <= TTL_SECONDS_MAX) return { ttlSeconds };
  const message = `fedns.io/ttl is ${JSON.stringify(text)}, not 0 to ${TTL_SECONDS_MAX} seconds; the default is used`;
  findings.push({ code: 'TTL_INVALID', message });
  return {};
}

/** TTLs are rounded down to these, so that what a caching resolver has left of one changes answers seldom. */
const TTL_STEPS_SECONDS = [300, 240, 180, 120, 90, 60, 45, 30, 20, 15, 10, 5];

function resolvedTtl(facts: ServiceFacts): { addressTtlSeconds?: number } {
  const ttlSeconds = facts.resolvedTtlSeconds?.();
  if (ttlSeconds === undefined) return {};
  return { addressTtlSeconds: TTL_STEPS_SECONDS.find((step) => step <= ttlSeconds) ?? ttlSeconds };
}

function readMaxAddresses(text: string | undefined, findings: Finding[]): { maxAddresses?: number } {
  const maxAddresses = readNumber('fedns.io/max-addresses', text, 1, MAX_ADDRESSES_LIMIT, findings);
  return maxAddresses === undefined ? {} : { maxAddresses };
}

/** One of the two alone leaves the other at its default (service-ports.ts). */
function readSrv(marks: SlimService['marks'], findings: Finding[]): Pick<ShardMarks, 'srv'> {
  const priority = readNumber('fedns.io/srv-priority', marks.srvPriority, 0, 65_535, findings);
  const weight = readNumber('fedns.io/srv-weight', marks.srvWeight, 0, 65_535, findings);
  if (priority === undefined && weight === undefined) return {};
  return { srv: { priority: priority ?? SRV_DEFAULTS.priority, weight: weight ?? SRV_DEFAULTS.weight } };
}

function readNumber(
  annotation: string,
  text: string | undefined,
  min: number,
  max: number,
  findings: Finding[],
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  if (number >= min && number <= max) return number;
  const message = `${annotation} is ${JSON.stringify(text)}, not ${min} to ${max}; it is ignored`;
  findings.push({ code: 'ANNOTATION_INVALID', message });
  return undefined;
}

function readPolicy(text: string | undefined, findings: Finding[]): Pick<ShardMarks, 'policy'> {
  const policy = POLICIES.find((known) => known === text?.trim());
  if (policy !== undefined) return { policy };
  if (text === undefined) return {};
  const message = `fedns.io/policy is ${JSON.stringify(text)}, not one of ${POLICIES.join(', ')}; it is ignored`;
  findings.push({ code: 'POLICY_INVALID', message });
  return {};
}

function readWeight(text: string | undefined, findings: Finding[]): Pick<ShardMarks, 'weight'> {
  const weight = readNumber('fedns.io/weight', text, 0, WEIGHT_MAX, findings);
  return weight === undefined ? {} : { weight };
}

/** Whoever writes the annotation `fedns.io/exclude` wants the Service closed: what is not understood closes it. */
export function excludes(text: string | undefined): boolean {
  return text !== undefined && text.trim().toLowerCase() !== 'false';
}

function isExcluded(text: string | undefined, findings: Finding[]): boolean {
  if (!excludes(text)) return false;
  if (text!.trim().toLowerCase() !== 'true') {
    const message = `fedns.io/exclude is ${JSON.stringify(text)}, neither "true" nor "false"; the Service is left out`;
    findings.push({ code: 'ANNOTATION_INVALID', message });
  }
  return true;
}

function isTrue(text: string | undefined, annotation: string, findings: Finding[]): boolean {
  const word = text?.trim().toLowerCase();
  if (word === undefined || word === 'false') return false;
  if (word === 'true') return true;
  const message = `${annotation} is ${JSON.stringify(text)}, neither "true" nor "false"; it is ignored`;
  findings.push({ code: 'ANNOTATION_INVALID', message });
  return false;
}

function capped<T>(entries: T[], max: number, code: string, what: string, findings: Finding[]): T[] {
  if (entries.length <= max) return entries;
  findings.push({ code, message: `${entries.length} ${what}, of which ${max} are taken` });
  return entries.slice(0, max);
}

/**
 * The records that the answers amount to: every name at every location, written out. For listings and zone files;
 * the server never does this, it works each answer out from the image.
 */
import type { Apex } from './apex.ts';
import { SOA_EXPIRE_SECONDS, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS } from './apex.ts';
import { flattenAlias } from './alias-records.ts';
import type { ServiceView } from './builder.ts';
import { Type } from './dns.ts';
import { GLOBAL, TargetKind } from './layout.ts';
import type { FamilyLevels } from './levels.ts';
import type { LocationName } from './locations.ts';
import type { RecordFilter } from './record-filter.ts';
import { isOfServices, recordTest, serviceTest } from './record-filter.ts';
import type { Level, RecordSet, RecordSource } from './record-sets.ts';
import {
  addressesAt,
  addressText,
  hasAddresses,
  leadsTo,
  levelsOf,
  PLACEHOLDER_TYPE,
  ttlAt,
} from './record-sets.ts';
import { decodeName } from './names.ts';
import { formatRdata, typeText } from './rr-types.ts';
import type { ServicePort } from './service-ports.ts';
import { SRV_PRIORITY, SRV_WEIGHT } from './service-ports.ts';
import { type PortTarget, SHARED_TYPES, splitServiceName } from './service-statics.ts';
import { namesOf } from './services.ts';
import { recordsOf, type StaticRecord } from './static-set.ts';
import { takenNames } from './taken-names.ts';

export { PLACEHOLDER_TYPE, type RecordSet, type RecordSource } from './record-sets.ts';

/** Every RRset that is served, the SOA first. */
export function* listRecords(builder: RecordSource, soa: RecordSet): Generator<RecordSet> {
  for (const set of walkRecords(builder, soa)) if (set !== undefined) yield set;
}

/**
 * Reads the records out, step by step: an RRset, or undefined after a Service that the filter leaves out. Each step
 * costs about as much as one Service, so whoever takes them may stop between any two and let others go on; facts may
 * change meanwhile, and each Service is as it is when its turn comes.
 */
export function* walkRecords(
  builder: RecordSource,
  soa: RecordSet,
  filter: RecordFilter = {},
): Generator<RecordSet | undefined> {
  const isWanted = recordTest(filter);
  if (!isOfServices(filter)) {
    if (isWanted(soa)) yield soa;
    for (const set of listStatics(builder)) yield isWanted(set) ? set : undefined;
  }
  for (const set of stepServices(builder, stepViews(builder, serviceTest(filter)))) {
    yield set !== undefined && isWanted(set) ? set : undefined;
  }
}

function* stepViews(
  builder: RecordSource,
  isWanted: (serviceText: string) => boolean,
): Generator<ServiceView | undefined> {
  for (const name of builder.serviceNames()) yield isWanted(name) ? builder.view(name) : undefined;
}

/** The SOA record in text. */
export function soaRecord(options: {
  readonly domain: string;
  readonly primary: string;
  readonly hostmaster: string;
  readonly serial: number;
  readonly apex: Pick<Apex, 'ttlSeconds' | 'nodataTtlSeconds'>;
}): RecordSet {
  const { domain, primary, hostmaster, serial, apex } = options;
  const timers = [SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS, SOA_EXPIRE_SECONDS, apex.nodataTtlSeconds];
  const data = `${primary}. ${hostmaster}. ${[serial, ...timers].join(' ')}`;
  return { name: `${domain}.`, type: 'SOA', ttlSeconds: apex.ttlSeconds, data: [data] };
}

/** The RRsets of some Services, at every level. */
export function* listServices(builder: RecordSource, views: Iterable<ServiceView>): Generator<RecordSet> {
  for (const set of stepServices(builder, views)) if (set !== undefined) yield set;
}

function* stepServices(
  builder: RecordSource,
  views: Iterable<ServiceView | undefined>,
): Generator<RecordSet | undefined> {
  const list = serviceLister(builder);
  for (const view of views) {
    if (view === undefined) yield undefined;
    else yield* list(view);
  }
}

/** Lists one Service after the other: what is the same for all of them is worked out once. */
export function serviceLister(builder: RecordSource): (view: ServiceView) => Generator<RecordSet> {
  const locations = builder.locationNames();
  const read = builder.namedClusters().filter(({ unread }) => !unread);
  const clusters = new Map(read.map(({ label, number }) => [number, label]));
  const taken = takenNames(builder);
  const kept = new Set<string>();
  return function* list(view) {
    yield* listService(builder, view, locations, clusters, taken);
    const names = namesOf(view.known);
    const namespace = `${names.namespace}.${names.federation}.svc.${builder.domain}`;
    if (!isAbsent(builder, view) || taken(namespace) || kept.has(namespace)) return;
    kept.add(namespace);
    yield placeholder(view, namespace);
  };
}

/** The RRsets of the configuration, the apex's NS included, without those that Services have with their own. */
export function* listStatics(builder: RecordSource): Generator<RecordSet> {
  const isShared = sharedNames(builder);
  const { statics, domain } = builder;
  // Records are read and written out as their turn comes: of a hundred thousand that takes a while.
  for (let entry = 0; entry < statics.offsets.length; entry++)
    yield* listRrsets(builder, recordsOf(statics, entry, domain), isShared);
}

/** The same of one name. */
export function staticsAt(builder: RecordSource, name: string): Generator<RecordSet> {
  return listRrsets(builder, builder.staticIndex.at(name), sharedNames(builder));
}

function* listRrsets(
  builder: RecordSource,
  ofName: readonly StaticRecord[],
  isShared: (name: string, type: number) => boolean,
): Generator<RecordSet> {
  for (const records of Map.groupBy(ofName, ({ type }) => type).values()) {
    const { name, type, ttlSeconds } = records[0]!;
    if (isShared(name, type)) continue;
    if (type === Type.ALIAS) {
      yield* flattenAlias(builder, records[0]!);
      continue;
    }
    const data = records.map(({ rdata }) => formatRdata(type, rdata));
    yield { name: `${name}.`, type: typeText(type), ttlSeconds, data };
  }
}

function* listService(
  builder: RecordSource,
  view: ServiceView,
  locations: readonly LocationName[],
  clusters: ReadonlyMap<number, string>,
  taken: (name: string) => boolean,
): Generator<RecordSet> {
  const levels = levelsOf(view.known.name, builder.domain, locations);
  for (const level of levels) {
    const place = { level, levels, taken };
    if (!taken(level.name)) yield* listLevel(builder, view, place);
    for (const port of view.ports) yield* listPort(builder, view, place, port);
  }
  for (const number of view.clusters) {
    const name = `${clusters.get(number)}.${levels[0]!.name}`;
    if (clusters.has(number) && !taken(name)) yield* listCluster(builder, view, number, name);
  }
}

/** Tells the static RRsets that are part of one of a Service (kept-levels.ts, service-ports.ts). */
function sharedNames(builder: RecordSource): (name: string, type: number) => boolean {
  const views = new Map<string, ServiceView | undefined>();
  const viewOf = (service: string): ServiceView | undefined => {
    if (!views.has(service)) views.set(service, builder.view(service));
    return views.get(service);
  };
  const locations = new Map(builder.locationNames().map(({ text, location }) => [text, location.id]));
  return (name, type) => {
    if (!SHARED_TYPES.has(type)) return false;
    const parts = splitServiceName(name, builder.domain);
    const view = parts && viewOf(parts.service);
    const location = parts?.location === '' ? GLOBAL : locations.get(parts?.location ?? '');
    if (parts === undefined || view === undefined || location === undefined) return false;
    if (type === Type.SRV)
      return view.ports.some((port) => portPrefix(port) === parts.prefix && hasTargets(port, location));
    const { slices } = type === Type.A ? view.v4 : view.v6;
    return parts.prefix === '' && slices.some((slice) => slice.location === location);
  };
}

/** The labels in front of the Service. */
export function portPrefix({ name, protocol }: ServicePort): string {
  return `_${name}._${protocol}`;
}

/** Whether a port whose levels differ is answered for at one. */
export function hasTargets({ levels }: ServicePort, location: number): boolean {
  return levels.some((level) => level.location === location);
}

/** A level of a Service among all of them. */
interface ListedLevel {
  readonly level: Level;
  readonly levels: readonly Level[];
  /** Tells names that belong to something else. */
  readonly taken: (name: string) => boolean;
}

function* listLevel(
  builder: RecordSource,
  view: ServiceView,
  { level, levels, taken }: ListedLevel,
): Generator<RecordSet> {
  const { name } = level;
  const isHere = (location: number): boolean => hasAddresses(view, location);
  if (isHere(level.location)) return yield* listAddresses(view, name, level.location);
  if (builder.hasStatics(name)) return;
  const to = leadsTo(view, level, levels, isHere, taken);
  if ('from' in to) yield* listAddresses(view, name, to.from.location);
  else if (to.above !== undefined) yield toSet(view.ttlSeconds, name, 'CNAME', [`${to.above}.`]);
  else if (!isAbsent(builder, view)) yield placeholder(view, name);
}

/** The addresses of a location, as those of a name. */
function* listAddresses(view: ServiceView, name: string, location: number): Generator<RecordSet> {
  const ttlSeconds = ttlAt(view, location);
  const { kind } = view.policy;
  const isPart = location === GLOBAL && (kind === 'nearest' || kind === 'weighted');
  const mark = isPart ? { policy: kind } : {};
  const v4 = addressesAt(view.v4, location);
  const v6 = addressesAt(view.v6, location);
  if (v4.length > 0) yield { ...toSet(ttlSeconds, name, 'A', v4), ...mark };
  if (v6.length > 0) yield { ...toSet(ttlSeconds, name, 'AAAA', v6), ...mark };
}

function* listPort(
  builder: RecordSource,
  view: ServiceView,
  { level, levels, taken }: ListedLevel,
  port: ServicePort,
): Generator<RecordSet> {
  const prefix = portPrefix(port);
  const name = `${prefix}.${level.name}`;
  if (taken(name)) return;
  const data = srvData(builder, view, level, port);
  if (data.length > 0) return yield toSet(ttlAt(view, level.location), name, 'SRV', data);
  if (builder.hasStatics(name)) return;
  const isHere = (location: number): boolean =>
    port.port === 0 ? hasTargets(port, location) : hasAddresses(view, location);
  const to = leadsTo(view, level, levels, isHere, (above) => taken(`${prefix}.${above}`));
  if ('from' in to)
    yield toSet(ttlAt(view, to.from.location), name, 'SRV', srvData(builder, view, to.from, port));
  else if (to.above !== undefined) yield toSet(view.ttlSeconds, name, 'CNAME', [`${prefix}.${to.above}.`]);
  else if (!isAbsent(builder, view)) yield placeholder(view, name);
}

function srvData(builder: RecordSource, view: ServiceView, level: Level, port: ServicePort): string[] {
  const { location } = level;
  if (port.port === 0) return targetsAt(builder, view, location, port);
  return hasAddresses(view, location) ? [`${SRV_PRIORITY} ${SRV_WEIGHT} ${port.port} ${level.name}.`] : [];
}

/** The data of the SRV records at a level, of a port whose levels differ. */
export function targetsAt(
  builder: RecordSource,
  view: ServiceView,
  location: number,
  port: ServicePort,
): string[] {
  const targets = port.levels.find((candidate) => candidate.location === location)?.targets ?? [];
  return targets.map((target) => formatTarget(builder, view, target));
}

function formatTarget(builder: RecordSource, view: ServiceView, target: PortTarget): string {
  const { kind, name, priority, weight, port } = target;
  const global = `${view.known.name}.svc`;
  const names = {
    [TargetKind.level]: () => [global, name, builder.domain].filter((part) => part !== '').join('.'),
    [TargetKind.cluster]: () => `${name}.${global}.${builder.domain}`,
    [TargetKind.name]: () => decodeName(Buffer.from(name, 'latin1')),
  };
  const text = names[kind]();
  return `${priority} ${weight} ${port} ${text === '.' ? '' : text}.`;
}

function* listCluster(
  builder: RecordSource,
  view: ServiceView,
  number: number,
  name: string,
): Generator<RecordSet> {
  const v4 = clusterAddresses(view.v4, number);
  const v6 = clusterAddresses(view.v6, number);
  if (v4.length > 0) yield toSet(view.ttlSeconds, name, 'A', v4);
  if (v6.length > 0) yield toSet(view.ttlSeconds, name, 'AAAA', v6);
  if (v4.length + v6.length > 0 || builder.hasStatics(name)) return;
  if (!isAbsent(builder, view)) yield placeholder(view, name);
}

export function clusterAddresses(family: FamilyLevels, number: number): string[] {
  const slice = family.clusters.find(({ cluster }) => cluster === number);
  return slice === undefined ? [] : addressText(family, slice);
}

/** Whether the global name does not exist for the time being. The namespace above it does (RFC 8020 is about names below). */
function isAbsent(builder: RecordSource, view: ServiceView): boolean {
  return builder.whenNoneHealthy === 'nxdomain' && view.v4.pool.length + view.v6.pool.length === 0;
}

function placeholder(view: ServiceView, name: string): RecordSet {
  return toSet(view.ttlSeconds, name, PLACEHOLDER_TYPE, ['\\# 0']);
}

function toSet(ttlSeconds: number, name: string, type: string, data: readonly string[]): RecordSet {
  return { name: `${name}.`, type, ttlSeconds, data };
}

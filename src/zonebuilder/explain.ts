/**
 * Says how a question is answered and why, step by step, from the facts themselves. It shares no code with the
 * query path, so that the tests can hold one against the other.
 */
import { aliasTargetName, findAliasTarget } from './alias-records.ts';
import type { ServiceView, ZoneBuilder } from './builder.ts';
import type { ClusterState, ShardState } from './facts.ts';
import { Type } from './dns.ts';
import {
  type Asker,
  type Chosen,
  type ClientReport,
  explainPolicy,
  type ExplainStep,
  recordsWithin,
} from './explain-policy.ts';
import { HOSTS_NAMESPACE } from './host-names.ts';
import { GLOBAL } from './layout.ts';
import { isWithin, parentOf } from './names.ts';
import type { Level, RecordSet } from './record-sets.ts';
import { addressesAt, hasAddresses, leadsTo, levelsOf, PLACEHOLDER_TYPE } from './record-sets.ts';
import { hasTargets, listServices, portPrefix, staticsAt } from './records.ts';
import type { StaticRecord } from './static-set.ts';
import { takenNames } from './taken-names.ts';
import { unreadThatCouldKnow } from './unread.ts';
import { type Verdict, verdictText } from './verdict.ts';

export type { ExplainStep };

/** How a question is answered, and why. */
export interface Explanation {
  readonly rcode: string;
  readonly steps: readonly ExplainStep[];
  /** The RRsets of the answer section: the alias chain, then what it ends in. */
  readonly answer: readonly RecordSet[];
}

/** Aliases that are followed, as the server does. */
const CHAIN_MAX = 8;

/**
 * Explains one question.
 *
 * @param question - name lower case without trailing dot; type as a mnemonic or `TYPEnnn`
 * @param soa - the SOA as it is now
 * @param client - who asks; absent: what depends on the client is shown as a whole
 */
export function explain(
  builder: ZoneBuilder,
  question: { readonly name: string; readonly type: string },
  soa: RecordSet,
  client?: ClientReport,
): Explanation {
  const steps: ExplainStep[] = [];
  const answer: RecordSet[] = [];
  let { name } = question;
  const asker = { type: question.type, client };
  for (let links = 0; links < CHAIN_MAX; links++) {
    if (!isIn(name, builder.domain)) return outside(name, builder.domain, steps, answer);
    const here = recordsAt(builder, name, soa);
    const chosen = describe(builder, name, asker, steps);
    if (isCut(builder, name, question.type)) return { rcode: 'NOERROR', steps, answer };
    const found = choose(here, question.type, chosen);
    const awaited = found === undefined ? awaitedBehind(builder, name, question.type) : undefined;
    if (awaited !== undefined) return notReady(steps, awaited);
    if (found === undefined) return negative(builder, name, here, steps, answer);
    answer.push(found);
    if (found.type !== 'CNAME' || question.type === 'CNAME' || question.type === 'ANY')
      return { rcode: 'NOERROR', steps, answer };
    name = found.data[0]!.slice(0, -1).toLowerCase();
    steps.push({ rule: 'alias', text: `${found.name} is an alias of ${name}.` });
    if (answer.some((set) => set.name === `${name}.`)) break;
  }
  return { rcode: 'NOERROR', steps, answer };
}

function choose(here: readonly RecordSet[], type: string, chosen: Chosen | undefined): RecordSet | undefined {
  const real = here
    .filter((set) => set.type !== PLACEHOLDER_TYPE)
    .flatMap((set) => (chosen === undefined ? set : (recordsWithin(set, chosen) ?? [])));
  if (type === 'ANY') return real[0];
  return real.find((set) => set.type === type) ?? real.find((set) => set.type === 'CNAME');
}

function outside(name: string, domain: string, steps: ExplainStep[], answer: RecordSet[]): Explanation {
  steps.push({ rule: 'domain', text: `${name}. is not in ${domain}.` });
  return { rcode: answer.length === 0 ? 'REFUSED' : 'NOERROR', steps, answer };
}

function negative(
  builder: ZoneBuilder,
  name: string,
  here: readonly RecordSet[],
  steps: ExplainStep[],
  answer: RecordSet[],
): Explanation {
  const exists = here.some((set) => set.type !== PLACEHOLDER_TYPE);
  const pending = pendingNames(builder);
  if (!exists && isWithoutShard(builder, name) && pending.length > 0) {
    return notReady(steps, pendingStep(pending));
  }
  if (exists || here.length > 0 || hasBelow(builder, name)) {
    steps.push({ rule: 'exists', text: `${name}. exists and has no such record` });
    return { rcode: 'NOERROR', steps, answer };
  }
  const unread = isOfKnownService(builder, name) ? [] : clusterNames(unreadBy(builder, name));
  if (unread.length > 0) {
    return notReady(steps, unreadStep(unread, name));
  }
  steps.push({ rule: 'absent', text: `${name}. does not exist` });
  return { rcode: 'NXDOMAIN', steps, answer };
}

function pendingStep(clusters: readonly string[]): ExplainStep {
  const text = `${clusters.join(', ')} may have a healthy shard, and was not read yet`;
  return { rule: 'pending', text, clusters };
}

function unreadStep(clusters: readonly string[], name: string): ExplainStep {
  const text = `never read, so it may know ${name}.: ${clusters.join(', ')}; have it read, or remove it`;
  return { rule: 'pending', text, clusters };
}

/** The name that the ALIAS at a name leads to, where it has one. */
function aliasTargetAt(builder: ZoneBuilder, name: string): string | undefined {
  const record = builder.staticIndex.at(name).find(({ type }) => type === Type.ALIAS);
  return record && aliasTargetName(record);
}

/** Who may yet bring addresses to a name with an ALIAS that has none. */
function awaitedBehind(builder: ZoneBuilder, name: string, type: string): ExplainStep | undefined {
  const target = type === 'A' || type === 'AAAA' ? aliasTargetAt(builder, name) : undefined;
  if (target === undefined) return undefined;
  const view = findAliasTarget(builder, target)?.view;
  if (view === undefined) {
    const unread = clusterNames(unreadBy(builder, target));
    return unread.length > 0 ? unreadStep(unread, target) : undefined;
  }
  const isDown = view.v4.pool.length + view.v6.pool.length === 0;
  const pending = pendingNames(builder);
  return isDown && pending.length > 0 ? pendingStep(pending) : undefined;
}

function notReady(steps: ExplainStep[], step: ExplainStep): Explanation {
  steps.push(step);
  return { rcode: 'SERVFAIL', steps, answer: [] };
}

function clusterNames(clusters: readonly ClusterState[]): string[] {
  return clusters.map(({ name }) => name);
}

/** Clusters that have not been read yet, and not been given up. */
function pendingNames(builder: ZoneBuilder): string[] {
  return clusterNames(builder.clusters().filter(({ status }) => status === 'pending'));
}

function unreadBy(builder: ZoneBuilder, name: string): ClusterState[] {
  if (name === builder.domain) return [];
  return unreadThatCouldKnow(name.slice(0, -builder.domain.length - 1), {
    clusters: builder.clusters(),
    locations: builder.locationNames(),
    federations: builder.federations,
    hasHosts: builder.hasHosts,
  });
}

/** Whether a name is one of a known Service at the global level or below it, also where that does not exist for the time being. */
function isOfKnownService(builder: ZoneBuilder, name: string): boolean {
  const parts = splitName(builder, name);
  const view = parts && builder.service(parts.federation, parts.namespace, parts.service);
  if (view === undefined || parts?.level !== `${parts?.base}.svc.${builder.domain}`) return false;
  const prefix = name.slice(0, -parts.level.length - 1);
  const named = builder
    .namedClusters()
    .filter(({ number, unread }) => !unread && view.clusters.includes(number));
  return (
    prefix === '' ||
    view.ports.some((port) => portPrefix(port) === prefix || `_${port.protocol}` === prefix) ||
    named.some(({ label }) => label === prefix)
  );
}

/** Whether a name is one of a known Service at the global level, for which no shard counts. What one cluster has, no other brings. */
function isWithoutShard(builder: ZoneBuilder, name: string): boolean {
  const parts = splitName(builder, name);
  const view = parts && builder.service(parts.federation, parts.namespace, parts.service);
  if (view === undefined || parts?.level !== `${parts?.base}.svc.${builder.domain}`) return false;
  const prefix = name.slice(0, -parts.level.length - 1);
  if (prefix !== '' && !prefix.startsWith('_')) return false;
  if (view.v4.pool.length + view.v6.pool.length === 0) return true;
  const port = view.ports.find((each) => portPrefix(each) === prefix);
  return port !== undefined && port.port === 0 && !hasTargets(port, GLOBAL);
}

/** The RRsets that a name owns, or that a wildcard gives it. */
function recordsAt(builder: ZoneBuilder, name: string, soa: RecordSet): RecordSet[] {
  const own = [...ownRecords(builder, name, soa)];
  if (own.length > 0 || isThere(builder, name)) return own;
  const encloser = closestEncloser(builder, name, soa);
  const wildcard = [...staticsAt(builder, `*.${encloser}`)];
  return wildcard.map((set) => ({ ...set, name: `${name}.` }));
}

function* ownRecords(builder: ZoneBuilder, name: string, soa: RecordSet): Generator<RecordSet> {
  if (name === builder.domain) yield soa;
  const parts = splitName(builder, name);
  const view = parts && builder.service(parts.federation, parts.namespace, parts.service);
  const candidates = [
    ...staticsAt(builder, name),
    ...(view === undefined ? [] : listServices(builder, [view])),
  ];
  for (const set of candidates) if (set.name === `${name}.`) yield set;
}

/** RFC 4592 section 3.3.1: the longest existing ancestor. */
function closestEncloser(builder: ZoneBuilder, name: string, soa: RecordSet): string {
  const parent = parentOf(name);
  if (parent === builder.domain || isThere(builder, parent)) return parent;
  return ownRecords(builder, parent, soa).next().done === true
    ? closestEncloser(builder, parent, soa)
    : parent;
}

/** Whether no wildcard takes the name's place. A Service keeps its names from them also while it is down and NXDOMAIN. */
function isThere(builder: ZoneBuilder, name: string): boolean {
  return hasBelow(builder, name) || isOfService(builder, name);
}

/** Whether a name is one of a known Service: at a level, of a port there, or of a cluster. */
function isOfService(builder: ZoneBuilder, name: string): boolean {
  const parts = splitName(builder, name);
  const view = parts && builder.service(parts.federation, parts.namespace, parts.service);
  if (parts === undefined || view === undefined) return false;
  const levels = levelsOf(parts.base, builder.domain, builder.locationNames());
  const level = levels.find((candidate) => candidate.name === parts.level);
  const prefix = name.slice(0, -parts.level.length);
  if (level === undefined || prefix === '') return level !== undefined;
  const isOfPort = view.ports.some(
    ({ name: port, protocol }) => prefix === `_${port}._${protocol}.` || prefix === `_${protocol}.`,
  );
  const cluster = builder.namedClusters().find(({ label }) => prefix === `${label}.`);
  return (
    isOfPort || (level.location === GLOBAL && cluster !== undefined && view.clusters.includes(cluster.number))
  );
}

/** Whether names exist below this one, so that it is at least an empty non-terminal. */
function hasBelow(builder: ZoneBuilder, name: string): boolean {
  if (builder.staticIndex.has(name)) return true;
  const relative = name.slice(0, -builder.domain.length - 1);
  const locations = ['', ...builder.locationNames().map(({ text }) => text)];
  for (const location of locations) {
    const base = location === '' ? 'svc' : `svc.${location}`;
    const isAbove = relative === base || base.endsWith(`.${relative}`);
    const prefix = relative.endsWith(`.${base}`) ? relative.slice(0, -base.length - 1) : undefined;
    if (!isAbove && prefix === undefined) continue;
    if (isAbove ? builder.serviceCount > 0 : isAboveService(builder, prefix!, location === '')) return true;
  }
  return false;
}

/** Whether `prefix` is a namespace or federation with Services, or `_proto` of a Service's ports. */
function isAboveService(builder: ZoneBuilder, prefix: string, isGlobal: boolean): boolean {
  const [, protocol, service, namespace, federation] =
    /^_([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)$/.exec(prefix) ?? [];
  if (protocol !== undefined) {
    const view = builder.service(federation!, namespace!, service!);
    if (view === undefined || !view.ports.some((port) => port.protocol === protocol)) return false;
    // RFC 8020: nothing is below a global name that is NXDOMAIN.
    return (
      !isGlobal || builder.whenNoneHealthy !== 'nxdomain' || view.v4.pool.length + view.v6.pool.length > 0
    );
  }
  for (const name of builder.serviceNames()) if (name.endsWith(`.${prefix}`)) return true;
  return false;
}

function isCut(builder: ZoneBuilder, name: string, type: string): boolean {
  const { domain, staticIndex } = builder;
  let cut = type === 'DS' ? parentOf(name) : name;
  while (isWithin(cut, domain) && cut !== domain) {
    if (staticIndex.at(cut).some((record) => record.type === Type.NS)) return true;
    cut = parentOf(cut);
  }
  return false;
}

/** Notes what a name is: a static name, or a Service at a level with its shards. */
function describe(
  builder: ZoneBuilder,
  name: string,
  asker: Omit<Asker, 'name'>,
  steps: ExplainStep[],
): Chosen | undefined {
  const parts = splitName(builder, name);
  const view = parts && builder.service(parts.federation, parts.namespace, parts.service);
  const own = builder.staticIndex.at(name);
  if (own.length > 0) {
    steps.push({ rule: 'static', text: `${name}. ${whoseRecords(own)}` });
    const isAlias = own.some((record) => record.type === Type.CNAME);
    if (isAlias && view !== undefined)
      steps.push({ rule: 'hidden', text: `its CNAME hides what Service ${view.known.name} has there` });
    if (isAlias) return undefined;
  }
  const target = aliasTargetAt(builder, name);
  if (target !== undefined) {
    steps.push({ rule: 'alias', text: `${name}. has the addresses of ${target}.` });
    return describe(builder, target, asker, steps);
  }
  if (parts === undefined || view === undefined) return undefined;
  const service = `Service ${parts.service} of namespace ${parts.namespace}, federation ${parts.federation}`;
  const wasTold = steps.some((step) => step.text === service);
  if (!wasTold) steps.push({ rule: 'service', text: service });
  const levels = levelsOf(parts.base, builder.domain, builder.locationNames());
  const level = levels.find((candidate) => candidate.name === parts.level);
  if (level === undefined) return undefined;
  if (!wasTold)
    view.shards.forEach((shard, i) =>
      steps.push({ rule: 'shard', text: describeShard(builder, shard, view.verdicts[i]!) }),
    );
  const answering = answeringLevel(builder, view, name, level, levels);
  steps.push({ rule: 'level', text: describeLevel(view, level, answering) });
  if (!wasTold) for (const text of builder.notices(view)) steps.push({ rule: 'notice', text });
  // Of names in front of the level, those of ports follow its policy; that of a cluster means the cluster.
  if (answering.location !== GLOBAL || (name !== level.name && !name.startsWith('_'))) return undefined;
  const place = explainPolicy(builder, view, { ...asker, name }, steps);
  return place && { view, place };
}

/** Hosts have an ALIAS that no configuration says. */
function whoseRecords(own: readonly StaticRecord[]): string {
  const isHost = own.every(
    (record) => record.type === Type.ALIAS && aliasTargetName(record).includes(`.${HOSTS_NAMESPACE}.`),
  );
  return isHost ? 'is a host of an Ingress or Gateway' : 'has records in the configuration';
}

function describeShard(builder: ZoneBuilder, shard: ShardState, verdict: Verdict): string {
  const cluster = builder.clusters().find((candidate) => candidate.name === shard.cluster)!;
  const where = [cluster.region ?? 'no region', ...cluster.zones].join(' ');
  return `${shard.cluster} (${where}): ${verdictText(verdict)}; addresses ${describeAddresses(shard) || 'none'}`;
}

/** With the zone of each, where they are in one zone each. */
function describeAddresses({ addresses, addressZones }: ShardState): string {
  if (addressZones === undefined) return addresses.join(' ');
  return addresses.map((address, i) => `${address} (${addressZones[i] || 'no zone'})`).join(' ');
}

/** The level whose records a name of a level has: of a flat Service, that may be one above. */
function answeringLevel(
  builder: ZoneBuilder,
  view: ServiceView,
  name: string,
  level: Level,
  levels: readonly Level[],
): Level {
  if (!view.isFlat) return level;
  const prefix = name.slice(0, -level.name.length);
  const port = view.ports.find((each) => `${portPrefix(each)}.` === prefix && each.port === 0);
  const isHere = (location: number): boolean =>
    port === undefined ? hasAddresses(view, location) : hasTargets(port, location);
  const isTaken = takenNames(builder);
  const to = leadsTo(view, level, levels, isHere, (above) => isTaken(`${prefix}${above}`));
  return 'from' in to && !builder.hasStatics(name) ? to.from : level;
}

function describeLevel(view: ServiceView, level: Level, answering: Level): string {
  const addressesOf = ({ location }: Level): string[] => [
    ...addressesAt(view.v4, location),
    ...addressesAt(view.v6, location),
  ];
  const addresses = addressesOf(level);
  const kind = level.location === GLOBAL ? 'global level' : `level ${level.name}.`;
  if (addresses.length > 0) return `${kind}: answers with ${addresses.join(' ')}`;
  if (answering !== level)
    return `${kind}: no healthy shard, so it has what ${answering.name}. has: ${addressesOf(answering).join(' ')}`;
  return level.above === undefined
    ? `${kind}: no shard is healthy anywhere`
    : `${kind}: no healthy shard, so it aliases to ${level.above}.`;
}

interface NameParts {
  readonly service: string;
  readonly namespace: string;
  readonly federation: string;
  readonly base: string;
  /** The name without port labels. */
  readonly level: string;
}

function splitName(builder: ZoneBuilder, name: string): NameParts | undefined {
  const match = /^(?:(?:_[^.]+\.)?_[^.]+\.|[^._][^.]*\.)?(([^.]+)\.([^.]+)\.([^.]+))\.svc(?:\..+)?$/.exec(
    name.slice(0, -builder.domain.length - 1),
  );
  if (match === null) return undefined;
  const [, base = '', service = '', namespace = '', federation = ''] = match;
  return { service, namespace, federation, base, level: name.slice(name.indexOf(`${base}.svc`)) };
}

function isIn(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

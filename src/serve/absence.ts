/**
 * Why a name is not answered as its asker hoped: what the clusters say of the Service, how the clusters are, and which
 * name may have been meant. Adds steps to an explanation that ends in nothing; how a name is answered is
 * zonebuilder/explain.ts, and what a cluster says of a Service is watchers/objects/service-account.ts.
 */

import type { Explanation } from '../admin/control-plane.ts';
import type { ClusterReport, ServiceAccount } from '../watchers/source.ts';
import type { ZoneBuilder } from '../zonebuilder/builder.ts';
import type { ExplainStep } from '../zonebuilder/explain.ts';
import { GLOBAL } from '../zonebuilder/layout.ts';
import { namesOfStatics } from '../zonebuilder/static-set.ts';
import {
  nameOf,
  nearInDomain,
  nearLocation,
  nearOfShape,
  nearest,
  nearService,
  partsOf,
  placesOf,
} from './near-names.ts';
import type { AskedName, KnownNames } from './near-names.ts';

/** Who is asked about what is not in the answers. */
export interface Witness {
  /** What each cluster can say of a Service. */
  accounts(namespace: string, service: string): Iterable<readonly [cluster: string, ServiceAccount]>;
  /** `namespace/name` of every Service of every cluster. */
  serviceKeys(): Iterable<string>;
  reports(): readonly ClusterReport[];
}

export interface AbsenceContext {
  readonly builder: ZoneBuilder;
  /** Configured federations. */
  readonly federations: readonly string[];
  readonly witness: Witness;
}

/** Reasons of one cluster that are told. */
const REASONS_MAX = 8;
/** Clusters, ports or places that are named in one step. */
const NAMED_MAX = 8;

/**
 * Adds to an explanation why it is not better, where it could be.
 *
 * @param name - the name that was asked for, lower case, no trailing dot
 */
export function explainAbsence(name: string, explanation: Explanation, context: AbsenceContext): Explanation {
  const steps = [...stepsFor(lastName(name, explanation), explanation, context)];
  return steps.length === 0 ? explanation : { ...explanation, steps: [...explanation.steps, ...steps] };
}

/** Where the chain of aliases has led. */
function lastName(name: string, { answer }: Explanation): string {
  const last = answer.at(-1);
  return last?.type === 'CNAME' ? last.data[0]!.slice(0, -1).toLowerCase() : name;
}

function* stepsFor(name: string, explanation: Explanation, context: AbsenceContext): Generator<ExplainStep> {
  const { builder } = context;
  const { domain } = builder;
  if (name !== domain && !name.endsWith(`.${domain}`)) return yield* outside(name, explanation, context);
  const asked = partsOf(name, domain);
  if (asked !== undefined) return yield* aboutService(asked, explanation, context);
  if (explanation.rcode !== 'NXDOMAIN') return yield* unread(explanation, context);
  const near = nearOfShape(name, knownNames(context));
  yield near === undefined
    ? {
        rule: 'hint',
        text: `names of Services are SERVICE.NAMESPACE.FEDERATION.svc[.ZONE].[REGION.]${domain}., and no record of the configuration is called ${name}.`,
      }
    : hint(existing(near, context));
}

/** The same name with the Service that was meant, where it has none of that name. */
function existing(name: string, context: AbsenceContext): string {
  const { domain } = context.builder;
  const asked = partsOf(name, domain);
  if (asked === undefined) return name;
  const [namespace, service] = nearService(asked, knownNames(context))?.split('/') ?? [];
  return namespace === undefined || service === undefined
    ? name
    : nameOf({ ...asked, namespace, service }, domain);
}

function* outside(name: string, { rcode }: Explanation, context: AbsenceContext): Generator<ExplainStep> {
  if (rcode !== 'REFUSED') return;
  const near = nearInDomain(name, knownNames(context));
  yield near === undefined
    ? { rule: 'hint', text: `fedns serves ${context.builder.domain}. and what is below it, nothing else` }
    : hint(existing(near, context));
}

/** What is wrong with the parts of the name first, then with the Service itself. */
function* aboutService(
  asked: AskedName,
  explanation: Explanation,
  context: AbsenceContext,
): Generator<ExplainStep> {
  const { federation, namespace, service } = asked;
  if (!context.federations.includes(federation)) return yield* wrongFederation(asked, context);
  const view = context.builder.service(federation, namespace, service);
  if (view === undefined) yield* notPublished(asked, context);
  else yield* notHealthy(asked, regionOf(endOf(asked, explanation, context), context.builder), context);
  yield* wrongLocation(asked, context);
  if (view !== undefined && asked.port !== '') yield* wrongPort(asked, view.ports);
  yield* unread(explanation, context);
}

function* wrongFederation(asked: AskedName, context: AbsenceContext): Generator<ExplainStep> {
  const { federations, builder } = context;
  yield {
    rule: 'federation',
    text: `${asked.federation} is no federation; configured: ${list(federations) || 'none'}`,
  };
  const near = nearest(asked.federation, federations);
  if (near !== undefined) yield hint(nameOf({ ...asked, federation: near }, builder.domain));
}

function* wrongLocation(asked: AskedName, context: AbsenceContext): Generator<ExplainStep> {
  const known = knownNames(context);
  const { location } = asked;
  if (location === '' || known.locations.includes(location)) return;
  const places = placesOf(location, known);
  if (places.length > 1) {
    const names = places.map((place) => nameOf({ ...asked, location: place }, known.domain));
    const text = `zone ${location} is in several regions, so it has long names only: ${list(names)}`;
    return yield { rule: 'ambiguous', text };
  }
  yield { rule: 'location', text: `no cluster has registered a zone or region ${location}` };
  const near = nearLocation(location, known);
  if (near !== undefined) yield hint(nameOf({ ...asked, location: near }, known.domain));
}

function* wrongPort(
  { port }: AskedName,
  ports: readonly { readonly name: string; readonly protocol: string }[],
): Generator<ExplainStep> {
  const names = ports.map(({ name, protocol }) => `_${name.toLowerCase()}._${protocol}`);
  if (names.includes(port)) return;
  yield { rule: 'port', text: `the Service has no port ${port}; it has ${list(names) || 'no named port'}` };
}

/** No cluster publishes the Service: each that has it says why, and if none has it, another may have been meant. */
function* notPublished(asked: AskedName, context: AbsenceContext): Generator<ExplainStep> {
  const { namespace, service } = asked;
  let isThere = false;
  for (const [cluster, { exists, reasons }] of context.witness.accounts(namespace, service)) {
    isThere ||= exists;
    yield* reasonsOf(cluster, reasons);
  }
  const other = inFederation(asked, context);
  if (other !== undefined) return yield hint(nameOf({ ...asked, federation: other }, context.builder.domain));
  if (isThere) return;
  yield {
    rule: 'service',
    text: `no cluster that was read has a Service ${service} in namespace ${namespace}`,
  };
  const near = nearService(asked, knownNames(context));
  if (near === undefined) return;
  const [space = '', name = ''] = near.split('/');
  yield hint(nameOf({ ...asked, namespace: space, service: name }, context.builder.domain));
}

/** Another federation that has the Service. */
function inFederation({ namespace, service }: AskedName, context: AbsenceContext): string | undefined {
  const { builder, federations } = context;
  return federations.find((federation) => builder.service(federation, namespace, service) !== undefined);
}

/** What the clusters say whose shards do not count, of those that the name asks. */
function* notHealthy(
  { federation, namespace, service }: AskedName,
  region: string | undefined,
  context: AbsenceContext,
): Generator<ExplainStep> {
  const { builder, witness } = context;
  const statuses = new Map(builder.clusters().map(({ name, status }) => [name, status]));
  const reports = new Map(witness.reports().map((report) => [report.name, report]));
  const shards = new Set(
    builder.service(federation, namespace, service)?.shards.map(({ cluster }) => cluster),
  );
  const elsewhere = new Set(
    builder.clusters().flatMap((one) => (isElsewhere(one, region) ? [one.name] : [])),
  );
  for (const [cluster, { reasons }] of witness.accounts(namespace, service))
    if (!elsewhere.has(cluster)) yield* reasonsOf(cluster, reasons);
  for (const cluster of shards) {
    if (elsewhere.has(cluster)) continue;
    const status = statuses.get(cluster);
    const report = reports.get(cluster);
    if (status !== 'available' && report !== undefined)
      yield { rule: 'cluster', text: describeCluster(report, status ?? 'pending') };
  }
}

/** The level of the Service that answers. */
function endOf(asked: AskedName, { answer }: Explanation, { builder }: AbsenceContext): AskedName {
  const last = answer.at(-1);
  if (last === undefined || last.type === 'CNAME') return asked;
  return partsOf(last.name.slice(0, -1).toLowerCase(), builder.domain) ?? asked;
}

/** The region in which the chain of aliases has ended; undefined: at the global level, or nowhere. */
function regionOf({ location }: AskedName, builder: ZoneBuilder): string | undefined {
  const names = builder.locationNames();
  const found = names.find(({ text }) => text === location)?.location;
  if (found === undefined) return undefined;
  if (found.parent === GLOBAL) return location;
  // `Z.R`, also where `Z` was asked for.
  return names
    .find(({ text, location: { id } }) => id === found.id && text.includes('.'))
    ?.text.split('.')[1];
}

/** Whether a cluster has no say in what a name of a region answers. */
function isElsewhere({ region }: { readonly region?: string }, asked: string | undefined): boolean {
  return asked !== undefined && region !== undefined && region !== asked;
}

function* reasonsOf(cluster: string, reasons: ServiceAccount['reasons']): Generator<ExplainStep> {
  for (const { message } of reasons.slice(0, REASONS_MAX))
    yield { rule: 'reason', text: `${cluster}: ${message}` };
}

/** Clusters that keep negative answers back, each with what keeps it from being read. */
function* unread({ steps }: Explanation, { builder, witness }: AbsenceContext): Generator<ExplainStep> {
  const waitedFor = new Set(steps.flatMap(({ clusters = [] }) => clusters));
  if (waitedFor.size === 0) return;
  const statuses = new Map(builder.clusters().map(({ name, status }) => [name, status]));
  const reports = witness.reports().filter(({ name }) => waitedFor.has(name));
  for (const report of reports.slice(0, NAMED_MAX)) {
    const isGivenUp = statuses.get(report.name) === 'withdrawn';
    yield { rule: 'cluster', text: describeCluster(report, isGivenUp ? 'not read' : 'pending') };
  }
}

function describeCluster(report: ClusterReport, status: string): string {
  const since = new Date(report.conditionSinceMs).toISOString();
  const cause = report.lastError === undefined ? '' : `: ${report.lastError}`;
  return `${report.name} is ${status}, for it is ${report.condition} since ${since}${cause}`;
}

function knownNames({ builder, federations, witness }: AbsenceContext): KnownNames {
  return {
    domain: builder.domain,
    federations,
    locations: builder.locationNames().map(({ text }) => text),
    statics: () => namesOfStatics(builder.statics, builder.domain),
    services: () => witness.serviceKeys(),
  };
}

function hint(name: string): ExplainStep {
  return { rule: 'hint', text: `did you mean ${name}?` };
}

function list(words: readonly string[]): string {
  const rest = words.length - NAMED_MAX;
  return words.slice(0, NAMED_MAX).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

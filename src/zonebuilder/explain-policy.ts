/**
 * Says how the policy of a Service picks what its global name answers with, and what it comes to for one client. Walks names;
 * shares no code with the query path.
 */
import type { ServiceView, ZoneBuilder } from './builder.ts';
import { Orders } from './layout.ts';
import { type OrderStep, placeOfStep } from './orders.ts';
import { addressesAt, type RecordSet, ttlAt } from './record-sets.ts';
import { clusterAddresses, portPrefix, targetsAt } from './records.ts';
import type { ServicePort } from './service-ports.ts';

/** One rule that was applied on the way to an answer. */
export interface ExplainStep {
  /** A stable word: `domain`, `static`, `cut`, `service`, `shard`, `level`, `policy`, `skipped`, `chosen`, `scope`, `alias`, `hidden`, `notice`, `pending`, `absent`, `exists`. */
  readonly rule: string;
  readonly text: string;
  /** Clusters that are waited for; absent: none. */
  readonly clusters?: readonly string[];
}

/** Where a client is, as the tables of clients' places have it. */
export interface ClientReport {
  /** Address or network that was looked up. */
  readonly client: string;
  /** How it was found: the network that matched, where it is, how far things are. */
  readonly steps: readonly ExplainStep[];
  /** Of the tables. */
  readonly row: number;
  readonly version: number;
  /** What a client subnet with this address comes to. */
  readonly subnet: {
    /** Prefix length that it is answered with. */
    readonly scope: number;
    /** Whose place counts: one address may be in a network that is smaller than any scope. */
    readonly place: 'client' | 'network' | 'resolver';
  };
}

/** Who asks, and for what. */
export interface Asker {
  /** In lower case. */
  readonly name: string;
  /** Mnemonic of the RR type. */
  readonly type: string;
  readonly client: ClientReport | undefined;
}

/** A part of a Service. */
export interface Place {
  readonly text: string;
  /** Of a level; undefined for a cluster. */
  readonly location: number | undefined;
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  /** What SRV records say there, where the port that was asked for is not the same everywhere. */
  readonly srv?: readonly string[];
}

/**
 * Notes what the policy does at the global level.
 *
 * @returns the place that the client is answered with; undefined where it gets the level as a whole
 */
export function explainPolicy(
  builder: ZoneBuilder,
  view: ServiceView,
  asker: Asker,
  steps: ExplainStep[],
): Place | undefined {
  const { policy } = view;
  const { client } = asker;
  const note = (text: string): void => void steps.push({ rule: 'policy', text });
  switch (policy.kind) {
    case 'all':
      return undefined;
    case 'weighted':
      note(`weighted: each reply has one of ${weightsText(builder, view)}`);
      return undefined;
    case 'failover':
      note(`failover: region ${policy.regionText} is in use`);
      return undefined;
    case 'nearest':
      if (client !== undefined) return nearest(builder, view, { ...asker, client }, steps);
      note(
        'nearest: what a client is answered with depends on where it is; all of it is shown without --client',
      );
      return undefined;
  }
}

/** The places of a weighted Service with their weights; empty where it is not weighted. */
export function weightsText(builder: ZoneBuilder, { policy }: ServiceView): string {
  if (policy.kind !== 'weighted') return '';
  const names = new Map(
    builder
      .locationNames()
      .map(({ location, text }) => [location.id, text] as const)
      .toReversed(),
  );
  const sum = policy.places.reduce((total, { weight }) => total + weight, 0);
  const parts = policy.places.map(({ place, weight }) => {
    const isCluster = (place & Orders.clusterBit) !== 0;
    const text = isCluster ? `cluster ${builder.clusterName(place & 0xffff)}` : `region ${names.get(place)}`;
    return `${text} (${weight} of ${sum})`;
  });
  return parts.join(', ');
}

function nearest(
  builder: ZoneBuilder,
  view: ServiceView,
  asker: Asker & { readonly client: ClientReport },
  steps: ExplainStep[],
): Place | undefined {
  const { client } = asker;
  steps.push(...client.steps);
  const { version, rows } = builder.orders;
  const order = client.version === version ? (rows[client.row] ?? []) : [];
  const port = ownPort(view, asker.name);
  const skipped: string[] = [];
  let chosen: Place | undefined;
  for (const step of order) {
    const place = placeOf(builder, view, step, port);
    if (typeof place === 'string') skipped.push(place);
    else if (place.v4.length + place.v6.length === 0) skipped.push(`${place.text} has no healthy shard`);
    else chosen = place;
    if (chosen !== undefined) break;
  }
  for (const text of skipped) steps.push({ rule: 'skipped', text });
  const text =
    order.length === 0
      ? 'nothing is known of the client, so it gets every healthy shard'
      : 'nothing of its order is left, so it gets every healthy shard';
  steps.push({
    rule: 'chosen',
    text: chosen === undefined ? text : `${chosen.text}: ${placeText(chosen)}`,
  });
  steps.push({ rule: 'scope', text: isTailored(view, asker) ? scopeText(client) : SAME_FOR_ALL });
  return chosen;
}

function placeText({ v4, v6, srv }: Place): string {
  return srv === undefined ? [...v4, ...v6].join(' ') : srv.join(', ');
}

/** The port that a name is of, where its numbers differ from level to level. */
function ownPort(view: ServiceView, name: string): ServicePort | undefined {
  return view.ports.find((port) => port.port === 0 && name.startsWith(`${portPrefix(port)}.`));
}

const SAME_FOR_ALL = 'every client gets the same: a client subnet is answered with scope 0';

/** Whether replies of a type are made of the client's place, as at the name of the Service and of its ports. */
function isTailored({ v4, v6 }: ServiceView, { type, name }: Asker): boolean {
  const [hasV4, hasV6] = [v4.pool.length > 0, v6.pool.length > 0];
  if (name.startsWith('_')) return /^_[^.]+\._/.test(name) && (type === 'SRV' || type === 'ANY');
  if (type === 'ANY') return hasV4 || hasV6;
  return type === 'A' ? hasV4 : type === 'AAAA' && hasV6;
}

function scopeText({ subnet: { scope, place } }: ClientReport): string {
  const text = `a client subnet of a trusted resolver is answered with scope ${Math.max(1, scope)}`;
  switch (place) {
    case 'client':
      return text;
    case 'network':
      return `${text}, by the place of that whole network, which is another one than the client’s`;
    case 'resolver':
      return `${text}, by the place of the resolver, since the subnet tells nothing`;
  }
}

/** The place of a step, or why there is none. */
function placeOf(
  builder: ZoneBuilder,
  view: ServiceView,
  step: OrderStep,
  port: ServicePort | undefined,
): Place | string {
  if (step.kind === 'cluster') {
    // Ports that shards do not have alike are known by level.
    if (port !== undefined) return `cluster ${step.cluster} is no level, and shards differ in this port`;
    const number = view.clusters.find((cluster) => builder.clusterName(cluster) === step.cluster);
    const text = `cluster ${step.cluster}`;
    if (number === undefined) return `${text} has no shard of the Service`;
    return {
      text,
      location: undefined,
      v4: clusterAddresses(view.v4, number),
      v6: clusterAddresses(view.v6, number),
    };
  }
  const text = `${step.kind} ${placeOfStep(step)}`;
  const location = builder.locationNumber(placeOfStep(step));
  if (location === undefined) return `${text} has no cluster`;
  const place = { text, location, v4: addressesAt(view.v4, location), v6: addressesAt(view.v6, location) };
  if (port === undefined) return place;
  const srv = targetsAt(builder, view, location, port);
  return srv.length === 0 ? `${text} has no healthy shard with this port` : { ...place, srv };
}

/** What a client is answered with of a Service. */
export interface Chosen {
  readonly view: ServiceView;
  readonly place: Place;
}

/** What is left of an RRset at the global name, or that of a port, for a client; undefined: nothing. */
export function recordsWithin(set: RecordSet, { view, place }: Chosen): RecordSet | undefined {
  const ttlSeconds = place.location === undefined ? view.ttlSeconds : ttlAt(view, place.location);
  if (set.type === 'SRV') return { ...set, ttlSeconds, data: place.srv ?? set.data };
  if (set.type !== 'A' && set.type !== 'AAAA') return set;
  const data = set.type === 'A' ? place.v4 : place.v6;
  if (data.length === 0) return undefined;
  const { name, type } = set;
  return { name, type, ttlSeconds, data };
}

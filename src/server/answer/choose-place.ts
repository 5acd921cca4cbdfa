/**
 * Chooses what the global name of a Service answers with, where its policy leaves that to the client (nearest) or to the reply
 * (weighted). A place is a level of the Service or its addresses in one cluster, chosen over both families together, out of the
 * one blob that the reply is made from.
 *
 * Where an answer depends on the client, so does its scope (RFC 7871 section 7.2.1), and never may it be 0: resolvers give
 * an answer of scope 0 to everybody. A policy of nearest counts as depending on the client also while all would get the same:
 * a region that comes back within the TTL makes it so, and until then such an answer would stand before the better ones.
 */
import { Type } from '../../zonebuilder/dns.ts';
import { GLOBAL, Orders, PolicyCode } from '../../zonebuilder/layout.ts';
import { NOWHERE_ROW } from '../../geo/network-tree.ts';
import { SCOPE4_MAX, SCOPE6_MAX } from '../../geo/layout.ts';
import type { Answering } from './answering.ts';
import { OptionBit } from './exchange.ts';
import { Kind } from './find.ts';
import { Round } from './weighted-turns.ts';

/** Stands for the location of a cluster's addresses: no level has this number. */
export const NO_LOCATION = -1;

/**
 * Chooses, and leaves the place in `found.location`, `placeV4` and `placeV6`; everything stays as it is where the global level
 * answers as a whole.
 *
 * @param v4 - entry of the global level, 0 without such addresses
 */
export function choosePlace(a: Answering, kind: Kind, extras: number, v4: number, v6: number): void {
  const { view, found } = a;
  a.placeV4 = v4;
  a.placeV6 = v6;
  const policy = view.policy(extras);
  if (policy === PolicyCode.all || !isTypeChosen(a, kind, v4, v6)) return;
  a.isTailored = true;
  if (policy === PolicyCode.nearest) chooseNearest(a, kind);
  else {
    const round = roundOf(a.x.type);
    const unit = a.turns.next(
      view.weightTurn(extras),
      round,
      view.weightSum(extras),
      view.weightStride(extras),
    );
    if (!take(a, kind, view.weightedPlace(extras, unit))) found.location = GLOBAL;
  }
}

/** A type that the Service has nowhere is NODATA for everybody, as is anything at the name above ports. */
function isTypeChosen({ x, found }: Answering, kind: Kind, v4: number, v6: number): boolean {
  const { type } = x;
  if (kind === Kind.port) return found.port !== 0 && (type === Type.SRV || type === Type.ANY);
  if (type === Type.ANY) return true;
  return type === Type.A ? v4 !== 0 : type === Type.AAAA && v6 !== 0;
}

function roundOf(type: number): number {
  return type === Type.A ? Round.a : type === Type.AAAA ? Round.aaaa : Round.other;
}

/** The first step from the client's place that has an address; the whole Service where nothing is known or near. */
function chooseNearest(a: Answering, kind: Kind): void {
  const { view, geo } = a;
  locate(a);
  if (geo === undefined) return;
  const order = view.findOrder(geo.version, geo.row);
  if (order === 0) return;
  for (let i = 0, steps = view.stepCount(order); i < steps; i++)
    if (take(a, kind, view.orderStep(order, i))) return;
}

/** Takes a place if it has an answer. */
function take(a: Answering, kind: Kind, place: number): boolean {
  const { view, found } = a;
  const { blob } = found;
  const isCluster = (place & Orders.clusterBit) !== 0;
  // Ports that shards do not have alike are known by level.
  const isOwnPort = kind === Kind.port && view.portNumber(found.port) === 0;
  if (isOwnPort && (isCluster || view.findPortLevel(found.port, place) === 0)) return false;
  const entry = isCluster ? view.clusterV4(blob, place & 0xffff) : view.levelV4(blob, place);
  const v4 = isCluster && entry !== 0 && view.levelCount(entry) === 0 ? 0 : entry;
  const v6 = isCluster ? view.clusterV6(blob, place & 0xffff) : view.levelV6(blob, place);
  if (v4 === 0 && v6 === 0) return false;
  found.location = isCluster ? NO_LOCATION : place;
  a.placeV4 = v4;
  a.placeV6 = v6;
  return true;
}

/** Finds out where the client is, and the scope of what it is told. */
function locate(a: Answering): void {
  const { x, geo } = a;
  if ((x.options & OptionBit.ecs) !== 0 && locateSubnet(a)) return;
  geo?.locate(x.client, x.clientStart, x.clientLength);
}

/** Takes the client subnet of a resolver that is believed. Returns whether it told where the client is. */
function locateSubnet(a: Answering): boolean {
  const { x, geo } = a;
  const { family, source, words } = x.subnet;
  // RFC 7871 section 7.1.2: nothing is to be told of the client; the resolver does not give the answer to other clients.
  if (source === 0) return false;
  if (!a.isTrusted()) {
    // RFC 7871 section 7.2.1: a server that takes no account of the option leaves it out. The answer is that for the resolver
    // itself, the same for all of its clients: what a reply without the option means to it (section 7.3), too.
    x.options &= ~OptionBit.ecs;
    return false;
  }
  if (geo === undefined) {
    const finest = family === 1 ? SCOPE4_MAX : SCOPE6_MAX;
    x.ecsScope = source < finest ? source : finest;
    return false;
  }
  geo.locateNetwork(words, family, source);
  // A whole family may be one place; half of it is then one, too.
  x.ecsScope = geo.scope === 0 ? 1 : geo.scope;
  // RFC 7871 section 11.3: an address that nobody is routed by is as good as the resolver's own.
  return geo.row !== NOWHERE_ROW;
}

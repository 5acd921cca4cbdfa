/**
 * Answers for the names of Services and their ports: the addresses of a level, or the aliases up to a level that has
 * some (DESIGN: zone → region → global), all from one blob and so from one state.
 */
import { Rcode, Type } from '../../zonebuilder/dns.ts';
import { BlobKind, GLOBAL, PORT_LEVEL_OCTETS, Target, TargetKind } from '../../zonebuilder/layout.ts';
import { depthBit } from '../../zonebuilder/static-set.ts';
import { follow, type Answering } from './answering.ts';
import { choosePlace, NO_LOCATION } from './choose-place.ts';
import {
  levelAbove,
  levelName,
  moveTo,
  writeAddresses,
  writeAlias,
  writeFewAddresses,
  writeFullAlias,
  writeService,
  writeTargetRecord,
  SRV_FIXED_OCTETS,
} from './compose.ts';
import { truncate } from './exchange.ts';
import { isStatic, isTaken, Kind } from './find.ts';
import { deny, denyBeside, denyLasting, denySigned, denyUnlessPending } from './negative.ts';
import { endExtra, endRrset } from './seal.ts';
import { canPointAt, RECORD_OCTETS } from './write.ts';
import { answerStatic } from './answer-static.ts';

/** Answers for a Service's name or port. Returns whether an alias leads to a name that static records decide about. */
export function answerService(a: Answering, kind: Kind): boolean {
  const { x, view, found } = a;
  let owner = a.nameAt;
  a.isTailored = false;
  x.answerKey = found.blob;
  for (;;) {
    const v4 = view.levelV4(found.blob, found.location);
    const v6 = view.levelV6(found.blob, found.location);
    if (hasAnswer(a, kind, found.location, v4, v6)) answerPlace(a, kind, owner, v4, v6);
    // Nothing above has addresses either: where it had, records beside a Service keep its name from being an alias.
    else if (found.entry !== 0) return answerStatic(a, a.apex.negativeTtlSeconds);
    else if (found.location === GLOBAL) noneHealthy(a);
    // `_tcp.S.…` has no data of its own: it is no alias, only the port names below it are.
    else if (kind === Kind.port && found.port === 0) denyLasting(a);
    else {
      const region = levelAbove(view, found, a.name);
      const flat = isFlat(a, kind);
      if (isStaticLevel(a, region, flat)) return aliasToStatic(a, owner);
      if (!flat) {
        owner = addAlias(a, owner, region);
        if (owner === 0 || x.type === Type.CNAME || x.type === Type.ANY) return false;
      }
      moveTo(view, found, region);
      continue;
    }
    return false;
  }
}

/** Adds the alias to the level above. @returns where that level's name stands, 0 when the alias does not fit */
function addAlias(a: Answering, owner: number, region: number): number {
  const { x, view, found } = a;
  const start = x.at;
  const target = writeAlias(x, view, found, a.name, a.nameAt, owner, region);
  const records = target === 0 ? 0 : endRrset(a, start, 1, owner);
  if (records === 0) {
    truncate(x);
    return 0;
  }
  x.answers += records;
  a.ownerAt = target;
  return target;
}

/** A level with an answer: itself, or at the global name what the policy chooses. */
export function answerPlace(a: Answering, kind: Kind, owner: number, v4: number, v6: number): void {
  const { view, found } = a;
  a.extras = view.extras(found.blob);
  if (a.extras === 0 || found.location !== GLOBAL) return answerLevel(a, kind, owner, v4, v6);
  choosePlace(a, kind, a.extras, v4, v6);
  answerLevel(a, kind, owner, a.placeV4, a.placeV6);
}

/** Answers for a Service's name in one cluster, which never leads anywhere else. */
export function answerCluster(a: Answering): boolean {
  const { x, view, found } = a;
  a.isTailored = false;
  x.answerKey = found.blob;
  const entry = view.clusterV4(found.blob, found.cluster);
  const v4 = view.levelCount(entry) === 0 ? 0 : entry;
  const v6 = view.clusterV6(found.blob, found.cluster);
  found.location = NO_LOCATION;
  a.extras = view.extras(found.blob);
  if (v4 !== 0 || v6 !== 0) answerLevel(a, Kind.service, a.nameAt, v4, v6);
  else if (found.entry !== 0) return answerStatic(a, a.apex.negativeTtlSeconds);
  // Whatever clusters that are not read yet may bring, it is not this one's.
  else deny(a, isAbsent(a) ? Rcode.NXDOMAIN : Rcode.NOERROR);
  return false;
}

/** Whether a level answers itself. It does with addresses, but not every shard has every port. */
function hasAnswer(
  { view, found }: Answering,
  kind: Kind,
  location: number,
  v4: number,
  v6: number,
): boolean {
  if (kind === Kind.port && found.port !== 0 && view.portNumber(found.port) === 0)
    return view.findPortLevel(found.port, location) !== 0;
  return v4 !== 0 || v6 !== 0;
}

/** Whether a level without an answer has that of the level above as its own; not where there is none above either. */
function isFlat(a: Answering, kind: Kind): boolean {
  const { view, found } = a;
  if (view.blobKind(found.blob) !== BlobKind.flatService) return false;
  const { blob } = found;
  return hasAnswer(a, kind, GLOBAL, view.levelV4(blob, GLOBAL), view.levelV6(blob, GLOBAL));
}

/** Whether the configuration has records at the level above; of a flat Service, whether that name is not the Service's at all. */
function isStaticLevel(a: Answering, region: number, flat: boolean): boolean {
  const { view } = a;
  const below = a.found.svcLabel + (region === 0 ? 1 : 2);
  if (view.cutDepths === 0 && (view.staticDepths & depthBit(below)) === 0) return false;
  levelName(view, a.found, a.name, region, a.target);
  return flat ? isTaken(view, a.target, below, a.aside) : isStatic(view, a.target, below, a.aside);
}

function aliasToStatic(a: Answering, owner: number): boolean {
  const { x } = a;
  const start = x.at;
  const isWritten = writeFullAlias(x, a.view, a.found, a.target, owner) !== 0;
  const records = isWritten ? endRrset(a, start, 1, owner) : 0;
  if (records === 0) {
    truncate(x);
    return false;
  }
  x.answers += records;
  return x.type !== Type.CNAME && x.type !== Type.ANY && follow(a, start);
}

/** A level with addresses (DESIGN: failover is decided over both families, so the other family is NODATA). */
function answerLevel(a: Answering, kind: Kind, owner: number, v4: number, v6: number): void {
  const { x } = a;
  if (kind === Kind.port) {
    if (a.found.port !== 0 && (x.type === Type.SRV || x.type === Type.ANY)) answerPort(a, owner, v4, v6);
    else if (!answerBeside(a)) denyBeside(a, ttlHere(a));
    return;
  }
  // RFC 8482 section 4.1: ANY is answered with one of the RRsets.
  const wantsV4 = x.type === Type.A || (x.type === Type.ANY && v4 !== 0);
  const level = wantsV4 ? v4 : x.type === Type.AAAA || x.type === Type.ANY ? v6 : 0;
  if (level === 0) {
    if (!answerBeside(a)) noOtherFamily(a);
    return;
  }
  const start = x.at;
  const count = writeLevel(a, a.found.location, level, wantsV4 ? Type.A : Type.AAAA, owner);
  const records = endRrset(a, start, count, owner);
  if (records === 0) truncate(x);
  else x.answers += records;
}

/** Writes addresses of a level of the Service. Returns their number, 0 when they do not fit. */
function writeLevel(a: Answering, location: number, level: number, type: number, owner: number): number {
  const { x, view, extras } = a;
  const { blob } = a.found;
  if (extras !== 0)
    return writeFewAddresses(x, view, blob, extras, location, level, type, owner, a.isSigning);
  return writeAddresses(x, view, blob, level, view.ttlSeconds(blob), type, owner);
}

/** Answers with the static RRset of the type that stands beside the Service. Returns false where there is none. */
function answerBeside(a: Answering): boolean {
  const { entry } = a.found;
  if (entry === 0 || a.view.findRrset(entry, a.x.type) === 0) return false;
  answerStatic(a, a.apex.negativeTtlSeconds);
  return true;
}

function answerPort(a: Answering, owner: number, v4: number, v6: number): void {
  const { x, view, found } = a;
  if (view.portNumber(found.port) === 0) return answerTargets(a, owner);
  const start = x.at;
  const target = writeService(x, view, a.domain, found, owner);
  const records = target === 0 ? 0 : endRrset(a, start, 1, owner);
  if (records === 0) return truncate(x);
  x.answers += records;
  // RFC 7871 section 7.3.1: nothing but the answer section may depend on the client.
  if (!a.isTailored) addAddresses(a, found.location, v4, v6, target);
}

/** A port that not all shards have alike: a record for each target (service-ports.ts). */
function answerTargets(a: Answering, owner: number): void {
  const { x, view, found } = a;
  const level = view.findPortLevel(found.port, found.location);
  const count = view.targetCount(level);
  const start = x.at;
  let target = level + PORT_LEVEL_OCTETS;
  for (let i = 0; i < count; i++, target = view.nextTarget(target)) {
    if (writeTargetRecord(x, view, a.domain, found, owner, target) !== 0) continue;
    // RFC 2181 section 9: an RRset is there as a whole or not at all.
    x.at = start;
    return truncate(x);
  }
  const records = endRrset(a, start, count, owner);
  if (records === 0) return truncate(x);
  x.answers += records;
  let at = start;
  target = level + PORT_LEVEL_OCTETS;
  for (let i = 0; i < count; i++, target = view.nextTarget(target)) {
    const name = at + RECORD_OCTETS + SRV_FIXED_OCTETS;
    at += RECORD_OCTETS + ((x.reply[at + 10]! << 8) | x.reply[at + 11]!);
    addTargetAddresses(a, target, name);
  }
}

function addTargetAddresses(a: Answering, target: number, name: number): void {
  const { view } = a;
  const { blob } = a.found;
  const place = view.targetShort(target, Target.place);
  switch (view.octets[target + Target.kind]) {
    case TargetKind.level:
      if (place === GLOBAL && a.isTailored) return;
      return addAddresses(a, place, view.levelV4(blob, place), view.levelV6(blob, place), name);
    case TargetKind.cluster: {
      const entry = view.clusterV4(blob, place);
      const v4 = entry === 0 || view.levelCount(entry) === 0 ? 0 : entry;
      return addAddresses(a, NO_LOCATION, v4, view.clusterV6(blob, place), name);
    }
    default:
  }
}

/** RFC 2782: a target's addresses save a query; they are left out when they do not fit. */
function addAddresses(a: Answering, location: number, v4: number, v6: number, name: number): void {
  const { x } = a;
  if (!canPointAt(x, name)) return;
  // What proves that a wildcard was expanded stands in the section before.
  if (a.expanded > 0) return;
  if (v4 !== 0) addFamily(a, location, v4, Type.A, name);
  if (v6 !== 0) addFamily(a, location, v6, Type.AAAA, name);
}

function addFamily(a: Answering, location: number, level: number, type: number, name: number): void {
  const start = a.x.at;
  a.x.additionals += endExtra(a, start, writeLevel(a, location, level, type, name), name);
}

/** Nothing here and nothing above: the Service is down, or has no healthy shard with the port or in the cluster. */
function noneHealthy(a: Answering): void {
  denyUnlessPending(a, isAbsent(a) ? Rcode.NXDOMAIN : Rcode.NOERROR);
}

/** Whether the global name does not exist for the time being, and with it nothing below (RFC 8020). */
function isAbsent(a: Answering): boolean {
  const { view, found } = a;
  return (
    a.apex.nxdomainWhenNoneHealthy &&
    view.levelV4(found.blob, GLOBAL) === 0 &&
    view.levelV6(found.blob, GLOBAL) === 0 &&
    !isAboveStatic(a)
  );
}

/** Whether the configuration has records below the global name, which exists then whatever its Service does (RFC 8020). */
function isAboveStatic(a: Answering): boolean {
  const { view } = a;
  const below = a.found.svcLabel + 1;
  if ((view.staticDepths & depthBit(below)) === 0) return false;
  levelName(view, a.found, a.name, 0, a.target);
  return view.findStatic(a.target.data, 0, a.target.labels[below]!) !== 0;
}

/**
 * A type that the level does not have. While a cluster is pending it may yet bring that type, so the SOA is left
 * out: a negative answer without one is not cached (RFC 2308 section 5), and clients that ask for A and AAAA
 * together go on with the family they got, as they would not after SERVFAIL.
 *
 * So it is where another place has the type: there are resolvers that keep negative answers for all of their clients, whatever
 * the scope (RFC 7871 section 7.4 leaves it open).
 */
function noOtherFamily(a: Answering): void {
  const mayKeep = !a.isTailored && (!a.view.isPending || a.found.location === NO_LOCATION);
  if (mayKeep) denyBeside(a, ttlHere(a));
  // Without a proof the empty answer would be bogus; with one it is kept no longer than it takes to read.
  else if (a.isSigning) denySigned(a, Rcode.NOERROR, 0);
}

/** TTL in seconds of what the present level has. */
function ttlHere({ view, found, extras }: Answering): number {
  return extras === 0
    ? view.ttlSeconds(found.blob)
    : view.levelTtlSeconds(found.blob, extras, found.location);
}

/**
 * Answers for the names of Services and their ports: the addresses of a level, or the aliases up to a level that has
 * some (DESIGN: zone → region → global), all from one blob and so from one state.
 */
import { Rcode, Type } from '../../zonebuilder/dns.ts';
import { GLOBAL } from '../../zonebuilder/layout.ts';
import { depthBit } from '../../zonebuilder/static-table.ts';
import { follow, type Answering } from './answering.ts';
import {
  levelAbove,
  levelName,
  moveTo,
  writeAddresses,
  writeAlias,
  writeFullAlias,
  writeService,
} from './compose.ts';
import { truncate } from './exchange.ts';
import { isStatic, Kind } from './find.ts';
import { deny, denyUnlessPending } from './negative.ts';
import { canPointAt } from './write.ts';

/** Answers for a Service's name or port. Returns whether an alias leads to a name that static records decide about. */
export function answerService(a: Answering, kind: Kind): boolean {
  const { x, view, found } = a;
  let owner = a.nameAt;
  x.answerKey = found.blob;
  for (;;) {
    const v4 = view.levelV4(found.blob, found.location);
    const v6 = view.levelV6(found.blob, found.location);
    if (v4 !== 0 || v6 !== 0) answerLevel(a, kind, owner, v4, v6);
    else if (found.location === GLOBAL) noneHealthy(a);
    // `_tcp.S.…` has no data of its own: it is no alias, only the port names below it are.
    else if (kind === Kind.port && found.port === 0) deny(a, Rcode.NOERROR);
    else {
      const region = levelAbove(view, found, a.name);
      if (isStaticLevel(a, region)) return aliasToStatic(a, owner);
      owner = writeAlias(x, view, found, a.name, a.nameAt, owner, region);
      if (owner === 0) truncate(x);
      else x.answers++;
      if (owner === 0 || x.type === Type.CNAME || x.type === Type.ANY) return false;
      moveTo(view, found, region);
      continue;
    }
    return false;
  }
}

/** Whether the configuration has records at the level above. */
function isStaticLevel(a: Answering, region: number): boolean {
  const { view } = a;
  const below = a.found.svcLabel + (region === 0 ? 1 : 2);
  if (view.cutDepths === 0 && (view.staticDepths & depthBit(below)) === 0) return false;
  levelName(view, a.found, a.name, region, a.target);
  return isStatic(view, a.target, below, a.aside);
}

function aliasToStatic(a: Answering, owner: number): boolean {
  const { x } = a;
  const start = x.at;
  if (writeFullAlias(x, a.view, a.found, a.target, owner) === 0) {
    truncate(x);
    return false;
  }
  x.answers++;
  return x.type !== Type.CNAME && x.type !== Type.ANY && follow(a, start);
}

/** A level with addresses (DESIGN: failover is decided over both families, so the other family is NODATA). */
function answerLevel(a: Answering, kind: Kind, owner: number, v4: number, v6: number): void {
  const { x } = a;
  if (kind === Kind.port) {
    if (a.found.port !== 0 && (x.type === Type.SRV || x.type === Type.ANY)) answerPort(a, owner, v4, v6);
    else deny(a, Rcode.NOERROR);
    return;
  }
  // RFC 8482 section 4.1: ANY is answered with one of the RRsets.
  const wantsV4 = x.type === Type.A || (x.type === Type.ANY && v4 !== 0);
  const level = wantsV4 ? v4 : x.type === Type.AAAA || x.type === Type.ANY ? v6 : 0;
  if (level === 0) return noOtherFamily(a);
  const count = writeAddresses(x, a.view, a.found, level, wantsV4 ? Type.A : Type.AAAA, owner);
  if (count === 0) truncate(x);
  else x.answers += count;
}

function answerPort(a: Answering, owner: number, v4: number, v6: number): void {
  const { x, view } = a;
  const target = writeService(x, view, a.domain, a.found, owner);
  if (target === 0) return truncate(x);
  x.answers++;
  if (!canPointAt(x, target)) return;
  // RFC 2782: the target's addresses save a query; they are left out when they do not fit.
  if (v4 !== 0) x.additionals += writeAddresses(x, view, a.found, v4, Type.A, target);
  if (v6 !== 0) x.additionals += writeAddresses(x, view, a.found, v6, Type.AAAA, target);
}

function noneHealthy(a: Answering): void {
  const isAbsent = a.apex.nxdomainWhenNoneHealthy && !isAboveStatic(a);
  denyUnlessPending(a, isAbsent ? Rcode.NXDOMAIN : Rcode.NOERROR);
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
 */
function noOtherFamily(a: Answering): void {
  if (!a.view.isPending) deny(a, Rcode.NOERROR);
}

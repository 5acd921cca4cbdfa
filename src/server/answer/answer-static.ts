/** Answers from the static table: records of the configuration, the apex, and referrals at zone cuts. */
import { Type } from '../../zonebuilder/dns.ts';
import { RECORD_HEADER_OCTETS } from '../../zonebuilder/layout.ts';
import { follow, type Answering } from './answering.ts';
import { writeRrset } from './compose.ts';
import { truncate } from './exchange.ts';
import { labelsBelow, readName } from './name.ts';
import { addSoa, denyBeside, denyLasting } from './negative.ts';
import { writeInsecureCut } from './nsec.ts';
import { endExtra, endRrset } from './seal.ts';
import { canPointAt } from './write.ts';

/** Name servers whose addresses one referral carries (all that a delegation in use has). */
const GLUE_NAMES_MAX = 16;

/**
 * Answers for a name with static records. Returns whether an alias leads on to another name of the domain.
 *
 * @param nodataTtlSeconds - how long it may be kept that there is nothing of a type
 */
export function answerStatic(a: Answering, nodataTtlSeconds: number): boolean {
  const { x, view } = a;
  const { entry } = a.found;
  x.answerKey = entry;
  if (a.below === 0 && (x.type === Type.SOA || x.type === Type.ANY)) {
    answerApex(a);
    return false;
  }
  const alias = x.type === Type.CNAME ? 0 : view.findRrset(entry, Type.CNAME);
  const rrset =
    alias !== 0 ? alias : x.type === Type.ANY ? view.firstRrset(entry) : view.findRrset(entry, x.type);
  if (rrset === 0) {
    denyBeside(a, nodataTtlSeconds);
    return false;
  }
  const start = x.at;
  const isFirst = x.answers === 0;
  const count = writeRrset(x, view, rrset, a.nameAt);
  const records = endRrset(a, start, count, a.nameAt);
  if (records === 0) {
    truncate(x);
    return false;
  }
  x.answers += records;
  if (x.type === Type.NS && alias === 0 && isFirst) addGlue(a, start, count);
  return alias !== 0 && x.type !== Type.ANY && follow(a, start);
}

/** Answers for the apex: its SOA; NS and the rest are static records. */
export function answerApex(a: Answering): void {
  const { x } = a;
  if (x.type !== Type.SOA && x.type !== Type.ANY) return denyLasting(a);
  const records = addSoa(a, a.apex.ttlSeconds, a.view.serial);
  x.hasApexSoa = records > 0;
  if (records === 0) truncate(x);
  x.answers += records;
}

/** RFC 1034 section 4.3.2 step 3b: below a zone cut the delegation is all we know, and it is not ours. */
export function refer(a: Answering): void {
  const { x, view, found } = a;
  if (x.answers === 0) x.isAuthoritative = false;
  const start = x.at;
  const rrset = view.findRrset(found.entry, Type.NS);
  const count = writeRrset(x, view, rrset, a.nameAt + a.name.labels[found.cutLabel]!);
  if (count === 0) return truncate(x);
  x.authorities += count;
  if (a.isSigning && !proveCut(a)) return truncate(x);
  // RFC 9471: glue that is needed to follow the referral and does not fit sets TC.
  if (!addGlue(a, start, count)) truncate(x);
}

/** RFC 4035 section 3.1.4: beside a delegation stands its DS RRset, or the proof that there is none. */
function proveCut(a: Answering): boolean {
  const { x, view, found } = a;
  const ownerAt = a.nameAt + a.name.labels[found.cutLabel]!;
  const ds = view.findRrset(found.entry, Type.DS);
  const start = x.at;
  const records =
    ds === 0
      ? writeInsecureCut(a, ownerAt, a.apex.negativeTtlSeconds)
      : endRrset(a, start, writeRrset(x, view, ds, ownerAt), ownerAt);
  x.authorities += records;
  return records > 0;
}

/** Adds the static addresses of the targets of NS records that start at `start`. Returns whether all fit. */
function addGlue(a: Answering, start: number, count: number): boolean {
  const { x } = a;
  let at = start;
  let complete = true;
  for (let i = 0; i < count && i < GLUE_NAMES_MAX; i++) {
    const target = at + 2 + RECORD_HEADER_OCTETS;
    at = target + ((x.reply[target - 2]! << 8) | x.reply[target - 1]!);
    complete = addAddresses(a, target, at) && complete;
  }
  return complete;
}

function addAddresses(a: Answering, target: number, end: number): boolean {
  const { x, view } = a;
  readName(a.target, x.replyData, target, end);
  const below = labelsBelow(a.target, a.domain, a.domainLabels);
  if (below < 1 || !canPointAt(x, target)) return true;
  const entry = view.findStatic(a.target.data, 0, a.target.labels[below]!);
  if (entry === 0) return true;
  return addRrset(a, entry, Type.A, target) && addRrset(a, entry, Type.AAAA, target);
}

function addRrset(a: Answering, entry: number, type: number, owner: number): boolean {
  const { x } = a;
  const rrset = a.view.findRrset(entry, type);
  if (rrset === 0) return true;
  const start = x.at;
  const count = writeRrset(x, a.view, rrset, owner);
  // What stands beside a referral is there to be followed, and is asked for anew by who wants proof.
  x.additionals += x.authorities > 0 ? count : endExtra(a, start, count, owner);
  return count !== 0;
}

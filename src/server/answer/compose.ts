/**
 * Composes the sections of a reply from what find.ts found. A whole RRset fits or is left out (RFC 2181 section 9);
 * every function returns whether its RRset was written.
 */
import type { Apex } from '../../zonebuilder/apex.ts';
import { SOA_EXPIRE_SECONDS, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS } from '../../zonebuilder/apex.ts';
import { Type } from '../../zonebuilder/dns.ts';
import {
  GLOBAL,
  Location,
  RRSET_HEADER_OCTETS,
  Blob,
  RECORD_HEADER_OCTETS,
  Target,
  TargetKind,
} from '../../zonebuilder/layout.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import { SRV_PRIORITY, SRV_WEIGHT } from '../../zonebuilder/service-ports.ts';
import type { Exchange } from './exchange.ts';
import type { Found } from './find.ts';
import type { ImageView } from './image-view.ts';
import type { Name } from './name.ts';
import { NAME_OCTETS_MAX, readName } from './name.ts';
import { apexNameOctets, RECORD_OCTETS, write16, write32, writeApexName, writeRecordHead } from './write.ts';

/** Priority, weight and port in front of an SRV record's target. */
export const SRV_FIXED_OCTETS = 6;

/** Where a name is put together. */
const scratch = new DataView(new ArrayBuffer(NAME_OCTETS_MAX));

/** State of the generator that turns the order of addresses, xorshift32: fairness matters here, secrecy does not. */
let turn = 0x9e3779b9 | 0;

function nextTurn(count: number): number {
  turn ^= turn << 13;
  turn ^= turn >>> 17;
  turn ^= turn << 5;
  return ((turn >>> 16) * count) >>> 16;
}

/** Different choices of addresses in signed replies of a Service with more than a reply may have. */
const SIGNED_CHOICES = 16;

/** An odd number whose multiples are spread over 32 bits (the golden ratio's). */
const SPREAD = 0x9e3779b1;

/**
 * Writes all addresses of a level, starting at another one each time. Returns their number, 0 when they do not fit.
 *
 * @param owner - position of the owner name in the reply
 */
export function writeAddresses(
  x: Exchange,
  view: ImageView,
  blob: number,
  level: number,
  ttlSeconds: number,
  type: number,
  owner: number,
): number {
  const count = view.levelCount(level);
  const octets = type === Type.A ? 4 : 16;
  if (x.at + count * (RECORD_OCTETS + octets) > x.limit) return 0;
  const from = view.levelAddresses(blob, level, octets);
  const { data } = view;
  let turnTo = count === 1 ? 0 : nextTurn(count);
  x.firstAddress = turnTo === 0 ? 0 : count - turnTo;
  for (let i = 0; i < count; i++) {
    const at = writeRecordHead(x, owner, type, ttlSeconds, octets);
    x.at = copyOctets(x.replyData, at, data, from + turnTo * octets, octets);
    turnTo = turnTo + 1 === count ? 0 : turnTo + 1;
  }
  return count;
}

/**
 * As {@link writeAddresses}, for a Service with extras: the level's own TTL, and no more addresses than a reply is to
 * have.
 *
 * @param location - whose TTL and share count; NO_LOCATION for a cluster
 */
export function writeFewAddresses(
  x: Exchange,
  view: ImageView,
  blob: number,
  extras: number,
  location: number,
  level: number,
  type: number,
  owner: number,
  isSigned: boolean,
): number {
  const ttlSeconds = view.levelTtlSeconds(blob, extras, location);
  const max = view.maxAddresses(extras);
  if (max === 0 || view.levelCount(level) <= max)
    return writeAddresses(x, view, blob, level, ttlSeconds, type, owner);
  return writeSome(x, view, blob, extras, location, level, ttlSeconds, type, owner, max, isSigned);
}

/**
 * Writes `max` addresses of a level with more. They are dealt out as cards are, one from each cluster in turn, from
 * another first cluster and another first address of each every time: every cluster has the same share of replies as far
 * as its addresses go, and every address of a cluster is as frequent as the other.
 */
function writeSome(
  x: Exchange,
  view: ImageView,
  blob: number,
  extras: number,
  location: number,
  level: number,
  ttlSeconds: number,
  type: number,
  owner: number,
  max: number,
  isSigned: boolean,
): number {
  const octets = type === Type.A ? 4 : 16;
  if (x.at + max * (RECORD_OCTETS + octets) > x.limit) return 0;
  const from = view.levelAddresses(blob, level, octets);
  const share = view.findShare(extras, location, octets);
  const count = view.levelCount(level);
  const runs = share === 0 ? 1 : view.shareRuns(share);
  // Each choice that replies are made of has a signature of its own, so that those that are signed are made of a few.
  const choice = isSigned ? nextTurn(SIGNED_CHOICES) : 0;
  const first = isSigned ? choice % runs : nextTurn(runs);
  const seed = isSigned ? Math.imul(choice + 1, SPREAD) : turn;
  x.firstAddress = 0;
  let written = 0;
  for (let round = 0; written < max && round < count; round++) {
    for (let i = 0; i < runs && written < max; i++) {
      const run = first + i < runs ? first + i : first + i - runs;
      const start = share === 0 ? 0 : view.shareEnd(share, run - 1);
      const length = (share === 0 ? count : view.shareEnd(share, run)) - start;
      if (round >= length) continue;
      const offset = ((scatter(seed, run) >>> 16) * length) >>> 16;
      const index = start + (offset + round < length ? offset + round : offset + round - length);
      const at = writeRecordHead(x, owner, type, ttlSeconds, octets);
      x.at = copyOctets(x.replyData, at, view.data, from + index * octets, octets);
      written++;
    }
  }
  return written;
}

/** A number for one run in one reply, as if drawn for it. */
function scatter(seed: number, run: number): number {
  let mixed = Math.imul(seed ^ Math.imul(run + 1, SPREAD), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/**
 * The entry of the region above a level, 0 when the global level is above. A name that would pass 255 octets cannot
 * be aliased to (a region's label may be longer than its zone's), so the global level takes its place.
 */
export function levelAbove(view: ImageView, found: Found, name: Name): number {
  if (view.locationParentId(found.locationEntry) === GLOBAL) return 0;
  const region = view.locationParent(found.locationEntry);
  const fixed = name.labels[found.svcLabel + 1]! + name.octets - name.labels[found.below]!;
  return fixed + view.octets[region + Location.keyOctets]! > NAME_OCTETS_MAX ? 0 : region;
}

/** Moves to a level, given the entry of its location. */
export function moveTo(view: ImageView, found: Found, region: number): void {
  found.locationEntry = region;
  found.location = region === 0 ? GLOBAL : view.locationId(region);
}

/**
 * Writes the CNAME from a level to the one above. The target is the labels up to `svc` and the location above, both as
 * the zone has them (RFC 1034 section 3.1: case is preserved, and a target's is not the query's), then a pointer to the
 * domain in the name that was asked for: compressed names share their case with what they point at, and writing the
 * domain out for its case alone would cost its octets in every link.
 *
 * @param nameAt - position in the reply of the name that was looked up
 * @param region - entry of the region above, 0 for the global level
 * @returns the position of the target's name, 0 when the record does not fit
 */
export function writeAlias(
  x: Exchange,
  view: ImageView,
  found: Found,
  name: Name,
  nameAt: number,
  owner: number,
  region: number,
): number {
  const { replyData: data } = x;
  const prefix = name.labels[found.svcLabel + 1]!;
  const regionOctets = region === 0 ? 0 : view.octets[region + Location.keyOctets]!;
  const octets = prefix + regionOctets + 2;
  if (x.at + RECORD_OCTETS + octets > x.limit) return 0;
  const target = writeRecordHead(x, owner, Type.CNAME, view.ttlSeconds(found.blob), octets);
  let at = copyOctets(data, target, name.data, 0, prefix);
  at = copyOctets(data, at, view.data, region + Location.key, regionOctets);
  data.setUint16(at, 0xc000 | (nameAt + name.labels[found.below]! - x.base));
  x.at = at + 2;
  return target;
}

/** As {@link writeAlias}, for a target given in full, which is written without compression. */
export function writeFullAlias(
  x: Exchange,
  view: ImageView,
  found: Found,
  target: Name,
  owner: number,
): number {
  if (x.at + RECORD_OCTETS + target.octets > x.limit) return 0;
  const at = writeRecordHead(x, owner, Type.CNAME, view.ttlSeconds(found.blob), target.octets);
  x.at = copyOctets(x.replyData, at, target.data, 0, target.octets);
  return at;
}

/** Makes the name of a level: the labels up to `svc`, the region, the domain. */
export function levelName(view: ImageView, found: Found, name: Name, region: number, target: Name): void {
  const prefix = name.labels[found.svcLabel + 1]!;
  const regionOctets = region === 0 ? 0 : view.octets[region + Location.keyOctets]!;
  const domain = name.labels[found.below]!;
  let at = copyOctets(scratch, 0, name.data, 0, prefix);
  at = copyOctets(scratch, at, view.data, region + Location.key, regionOctets);
  at = copyOctets(scratch, at, name.data, domain, name.octets - domain);
  readName(target, scratch, 0, at);
}

/**
 * Writes the SRV record of a port that every shard of the level has. Its target is the Service's name at that level,
 * never compressed (RFC 2782) and never an alias, since the level has addresses.
 *
 * @returns the position of the target's name, 0 when the record does not fit
 */
export function writeService(
  x: Exchange,
  view: ImageView,
  domain: DataView,
  found: Found,
  owner: number,
): number {
  const { blob, location, locationEntry } = found;
  const locationOctets = locationEntry === 0 ? 0 : view.octets[locationEntry + Location.keyOctets]!;
  const octets = SRV_FIXED_OCTETS + serviceOctets(view, blob, domain) + locationOctets;
  if (x.at + RECORD_OCTETS + octets > x.limit) return 0;
  const at = writeRecordHead(x, owner, Type.SRV, ttlAt(view, blob, location), octets);
  write16(x.reply, at, SRV_PRIORITY);
  write16(x.reply, at + 2, SRV_WEIGHT);
  write16(x.reply, at + 4, view.portNumber(found.port));
  const target = at + SRV_FIXED_OCTETS;
  x.at = writeTarget(x, view, blob, domain, target, locationEntry + Location.key, locationOctets);
  return target;
}

/**
 * Writes the SRV record of one target of a port (layout.ts, `Target`).
 *
 * @returns the position of the target's name, 0 when the record does not fit
 */
export function writeTargetRecord(
  x: Exchange,
  view: ImageView,
  domain: DataView,
  found: Found,
  owner: number,
  target: number,
): number {
  const { blob } = found;
  const kind = view.octets[target + Target.kind]!;
  const nameOctets = view.octets[target + Target.nameOctets]!;
  const octets =
    SRV_FIXED_OCTETS + nameOctets + (kind === TargetKind.name ? 0 : serviceOctets(view, blob, domain));
  if (x.at + RECORD_OCTETS + octets > x.limit) return 0;
  const at = writeRecordHead(x, owner, Type.SRV, ttlAt(view, blob, found.location), octets);
  write16(x.reply, at, view.targetShort(target, Target.priority));
  write16(x.reply, at + 2, view.targetShort(target, Target.weight));
  write16(x.reply, at + 4, view.targetShort(target, Target.port));
  const start = at + SRV_FIXED_OCTETS;
  const name = target + Target.name;
  if (kind === TargetKind.level) x.at = writeTarget(x, view, blob, domain, start, name, nameOctets);
  else {
    const end = copyOctets(x.replyData, start, view.data, name, nameOctets);
    x.at = kind === TargetKind.name ? end : writeTarget(x, view, blob, domain, end, 0, 0);
  }
  return start;
}

/** Octets of a Service's global name. */
function serviceOctets(view: ImageView, blob: number, domain: DataView): number {
  return view.octets[blob + Blob.keyOctets]! + 4 + domain.byteLength;
}

/** TTL in seconds of a level's records. */
function ttlAt(view: ImageView, blob: number, location: number): number {
  const extras = view.extras(blob);
  return extras === 0 ? view.ttlSeconds(blob) : view.levelTtlSeconds(blob, extras, location);
}

/** Writes `S.N.F.svc`, a location and the domain. Returns the position behind them. */
function writeTarget(
  x: Exchange,
  view: ImageView,
  blob: number,
  domain: DataView,
  start: number,
  location: number,
  locationOctets: number,
): number {
  let at = copyOctets(x.replyData, start, view.data, blob + Blob.key, view.octets[blob + Blob.keyOctets]!);
  write32(x.reply, at, 0x03737663);
  at = copyOctets(x.replyData, at + 4, view.data, location, locationOctets);
  return copyOctets(x.replyData, at, domain, 0, domain.byteLength);
}

/** Writes an RRset of the static table. Returns the number of records, 0 when they do not fit. */
export function writeRrset(x: Exchange, view: ImageView, rrset: number, owner: number): number {
  const count = view.rrsetRecords(rrset);
  if (x.at + view.rrsetOctets(rrset) + count * 2 > x.limit) return 0;
  let from = rrset + RRSET_HEADER_OCTETS;
  let { at } = x;
  x.firstAddress = 0;
  for (let i = 0; i < count; i++) {
    write16(x.reply, at, 0xc000 | (owner - x.base));
    const octets = RECORD_HEADER_OCTETS + ((view.octets[from + 8]! << 8) | view.octets[from + 9]!);
    at = copyOctets(x.replyData, at + 2, view.data, from, octets);
    from += octets;
  }
  x.at = at;
  return count;
}

/**
 * Writes the SOA record.
 *
 * @param ttlSeconds - the SOA's own TTL at the apex, how long a denial may be kept below one (RFC 2308 section 3)
 */
export function writeSoa(
  x: Exchange,
  apex: Apex,
  domainAt: number,
  ttlSeconds: number,
  serial: number,
): boolean {
  const octets = apexNameOctets(apex.primary) + apexNameOctets(apex.hostmaster) + 20;
  if (x.at + RECORD_OCTETS + octets > x.limit) return false;
  let at = writeRecordHead(x, domainAt, Type.SOA, ttlSeconds, octets);
  at = writeApexName(x, at, apex.primary, domainAt);
  at = writeApexName(x, at, apex.hostmaster, domainAt);
  x.serial = serial;
  write32(x.reply, at, serial);
  write32(x.reply, at + 4, SOA_REFRESH_SECONDS);
  write32(x.reply, at + 8, SOA_RETRY_SECONDS);
  write32(x.reply, at + 12, SOA_EXPIRE_SECONDS);
  write32(x.reply, at + 16, apex.nodataTtlSeconds);
  x.at = at + 20;
  return true;
}

/** Lowers the TTLs of so many records from `start` on to at most so many seconds. */
export function boundTtls(x: Exchange, start: number, count: number, ttlSeconds: number): void {
  const { reply, replyData } = x;
  let at = start;
  for (let i = 0; i < count; i++) {
    if (replyData.getUint32(at + 6) > ttlSeconds) write32(reply, at + 6, ttlSeconds);
    at += RECORD_OCTETS + ((reply[at + 10]! << 8) | reply[at + 11]!);
  }
}

/** Whether the answer already has records of a name, so that an alias to it leads in a circle. */
export function isAnswered(x: Exchange, name: Name): boolean {
  const { reply } = x;
  let at = x.questionEnd;
  while (at < x.at) {
    if (isNameAt(x, pointerAt(x, at), name)) return true;
    at += RECORD_OCTETS + ((reply[at + 10]! << 8) | reply[at + 11]!);
  }
  return false;
}

/** Whether a name that was written into the reply, perhaps with a pointer at its end, is `name`. */
function isNameAt(x: Exchange, position: number, name: Name): boolean {
  const { lower } = name;
  let at = position;
  for (let i = 0; i < name.octets;) {
    while (x.reply[at]! >= 0xc0) at = pointerAt(x, at);
    for (const end = i + 1 + lower[i]!; i < end; i++, at++) {
      const octet = x.reply[at]!;
      if ((octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet) !== lower[i]) return false;
    }
  }
  return true;
}

/** Reads a name that was written into the reply, perhaps with a pointer at its end. */
export function readNameAt(x: Exchange, position: number, name: Name): void {
  const { reply } = x;
  let from = position;
  let at = 0;
  for (;;) {
    while (reply[from]! >= 0xc0) from = pointerAt(x, from);
    const octets = reply[from]! + 1;
    at = copyOctets(scratch, at, x.replyData, from, octets);
    if (octets === 1) break;
    from += octets;
  }
  readName(name, scratch, 0, at);
}

function pointerAt(x: Exchange, at: number): number {
  return x.base + (((x.reply[at]! & 0x3f) << 8) | x.reply[at + 1]!);
}

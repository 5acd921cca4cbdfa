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
} from '../../zonebuilder/layout.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import type { Exchange } from './exchange.ts';
import type { Found } from './find.ts';
import type { ImageView } from './image-view.ts';
import type { Name } from './name.ts';
import { NAME_OCTETS_MAX, readName } from './name.ts';
import { apexNameOctets, RECORD_OCTETS, write16, write32, writeApexName, writeRecordHead } from './write.ts';

/** SRV priority and weight: every healthy shard is as good as the other (as CoreDNS's kubernetes plugin has it). */
const SRV_PRIORITY = 0;
const SRV_WEIGHT = 100;
const SRV_FIXED_OCTETS = 6;

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

/** Writes all addresses of a level, starting at another one each time. Returns their number, 0 when they do not fit. */
export function writeAddresses(
  x: Exchange,
  view: ImageView,
  found: Found,
  level: number,
  type: number,
  owner: number,
): number {
  const count = view.levelCount(level);
  const octets = type === Type.A ? 4 : 16;
  if (x.at + count * (RECORD_OCTETS + octets) > x.limit) return 0;
  const ttlSeconds = view.ttlSeconds(found.blob);
  const from = view.levelAddresses(found.blob, level, octets);
  const { data } = view;
  let turnTo = count === 1 ? 0 : nextTurn(count);
  for (let i = 0; i < count; i++) {
    const at = writeRecordHead(x, owner, type, ttlSeconds, octets);
    x.at = copyOctets(x.replyData, at, data, from + turnTo * octets, octets);
    turnTo = turnTo + 1 === count ? 0 : turnTo + 1;
  }
  return count;
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
 * Writes the CNAME from a level to the one above. The target is the labels up to `svc` as they were asked for, then
 * the location above, then a pointer to the domain in the name that was asked for.
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
  let at = copyOctets(data, target, data, nameAt, prefix);
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
 * Writes the SRV record of a port at a level. Its target is the Service's name at that level, never compressed
 * (RFC 2782) and never an alias, since the level has addresses.
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
  const serviceOctets = view.octets[found.blob + Blob.keyOctets]!;
  const locationOctets =
    found.locationEntry === 0 ? 0 : view.octets[found.locationEntry + Location.keyOctets]!;
  const octets = SRV_FIXED_OCTETS + serviceOctets + 4 + locationOctets + domain.byteLength;
  if (x.at + RECORD_OCTETS + octets > x.limit) return 0;
  let at = writeRecordHead(x, owner, Type.SRV, view.ttlSeconds(found.blob), octets);
  write16(x.reply, at, SRV_PRIORITY);
  write16(x.reply, at + 2, SRV_WEIGHT);
  write16(x.reply, at + 4, found.port);
  const target = at + SRV_FIXED_OCTETS;
  at = copyOctets(x.replyData, target, view.data, found.blob + Blob.key, serviceOctets);
  write32(x.reply, at, 0x03737663);
  at = copyOctets(x.replyData, at + 4, view.data, found.locationEntry + Location.key, locationOctets);
  x.at = copyOctets(x.replyData, at, domain, 0, domain.byteLength);
  return target;
}

/** Writes an RRset of the static table. Returns the number of records, 0 when they do not fit. */
export function writeRrset(x: Exchange, view: ImageView, rrset: number, owner: number): number {
  const count = view.rrsetRecords(rrset);
  if (x.at + view.rrsetOctets(rrset) + count * 2 > x.limit) return 0;
  let from = rrset + RRSET_HEADER_OCTETS;
  let { at } = x;
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
 * @param ttlSeconds - the SOA's own TTL at the apex, the negative TTL below a negative answer (RFC 2308 section 3)
 */
export function writeSoa(
  x: Exchange,
  view: ImageView,
  apex: Apex,
  domainAt: number,
  ttlSeconds: number,
): boolean {
  const octets = apexNameOctets(apex.primary) + apexNameOctets(apex.hostmaster) + 20;
  if (x.at + RECORD_OCTETS + octets > x.limit) return false;
  let at = writeRecordHead(x, domainAt, Type.SOA, ttlSeconds, octets);
  at = writeApexName(x, at, apex.primary, domainAt);
  at = writeApexName(x, at, apex.hostmaster, domainAt);
  write32(x.reply, at, view.serial);
  write32(x.reply, at + 4, SOA_REFRESH_SECONDS);
  write32(x.reply, at + 8, SOA_RETRY_SECONDS);
  write32(x.reply, at + 12, SOA_EXPIRE_SECONDS);
  write32(x.reply, at + 16, apex.negativeTtlSeconds);
  x.at = at + 20;
  return true;
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

function pointerAt(x: Exchange, at: number): number {
  return x.base + (((x.reply[at]! & 0x3f) << 8) | x.reply[at + 1]!);
}

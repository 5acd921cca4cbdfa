/**
 * Answers for names with an ALIAS record, which no client ever sees: with the addresses of the Service's level that it
 * leads to, or of the first level above with some, as if they were the name's own. For names that cannot be a CNAME,
 * such as the apex.
 */
import { Rcode, Type } from '../../zonebuilder/dns.ts';
import { GLOBAL, RECORD_HEADER_OCTETS, RRSET_HEADER_OCTETS } from '../../zonebuilder/layout.ts';
import { answerPlace } from './answer-service.ts';
import type { Answering } from './answering.ts';
import { boundTtls, levelAbove, moveTo, writeRrset } from './compose.ts';
import { truncate } from './exchange.ts';
import { find, Kind } from './find.ts';
import { labelsBelow, readName } from './name.ts';
import { deny, denyUnlessPending, notReady } from './negative.ts';
import { endRrset } from './seal.ts';
import { couldBeUnread } from './unread.ts';

/** The ALIAS that decides about the question at the present name, which is static; 0 for none. */
export function aliasAt({ x, view, found }: Answering): number {
  if (x.type === Type.A || x.type === Type.AAAA) return view.findRrset(found.entry, Type.ALIAS);
  if (x.type !== Type.ANY) return 0;
  // RFC 8482 section 4.1: ANY is answered with one of the RRsets, and an ALIAS stands behind all others.
  const first = view.firstRrset(found.entry);
  return first === view.findRrset(found.entry, Type.ALIAS) ? first : 0;
}

/** Answers with the addresses that the ALIAS leads to. */
export function answerAlias(a: Answering, rrset: number): void {
  const { x, view, name, below, found } = a;
  const { at: start, answers } = x;
  const record = rrset + RRSET_HEADER_OCTETS;
  x.answerKey = found.entry;
  a.isTailored = false;
  readTarget(a, record);
  const kind = find(view, a.name, a.below, false, found);
  if (kind === Kind.service) climb(a);
  const isUnread = kind !== Kind.service && couldBeUnread(a);
  a.name = name;
  a.below = below;
  if (isUnread) return notReady(a);
  if (kind === Kind.service) answerHere(a);
  else answerBeside(a, kind === Kind.static ? found.entry : 0);
  // The shorter of both: neither the record nor the addresses are to be kept for longer than they say.
  boundTtls(x, start, x.answers - answers, view.data.getUint32(record + TTL_AT));
}

/** Where a record's TTL stands: behind type and class. */
const TTL_AT = 4;

/** Takes the target of the record as the present name, until the caller puts its own back. */
function readTarget(a: Answering, record: number): void {
  const { data } = a.view;
  const at = record + RECORD_HEADER_OCTETS;
  readName(a.target, data, at, at + data.getUint16(at - 2));
  a.name = a.target;
  a.below = labelsBelow(a.target, a.domain, a.domainLabels);
}

/** Goes up to the level that the Service answers with: both families decide together, as for its own name. */
function climb({ view, found, name }: Answering): void {
  while (found.location !== GLOBAL) {
    if (view.levelV4(found.blob, found.location) !== 0 || view.levelV6(found.blob, found.location) !== 0)
      return;
    moveTo(view, found, levelAbove(view, found, name));
  }
}

function answerHere(a: Answering): void {
  const { view, found } = a;
  const v4 = view.levelV4(found.blob, found.location);
  const v6 = view.levelV6(found.blob, found.location);
  if (v4 !== 0 || v6 !== 0) answerPlace(a, Kind.service, a.nameAt, v4, v6);
  else if (found.entry !== 0) answerBeside(a, found.entry);
  // The name exists, whatever its Service does (RFC 8020), so that there is no NXDOMAIN.
  else denyUnlessPending(a, Rcode.NOERROR);
}

/** With static addresses at the name of the Service, where that has none. */
function answerBeside(a: Answering, entry: number): void {
  const { x, view } = a;
  const rrset = entry === 0 ? 0 : addressesAt(a, entry);
  if (rrset === 0) return deny(a, Rcode.NOERROR);
  const start = x.at;
  const records = endRrset(a, start, writeRrset(x, view, rrset, a.nameAt), a.nameAt);
  if (records === 0) truncate(x);
  else x.answers += records;
}

function addressesAt({ x, view }: Answering, entry: number): number {
  if (x.type !== Type.ANY) return view.findRrset(entry, x.type);
  const v4 = view.findRrset(entry, Type.A);
  return v4 !== 0 ? v4 : view.findRrset(entry, Type.AAAA);
}

/**
 * NSEC records that are made for one name each (RFC 4470, RFC 9824): what the name has, or that there is none. What they cover is
 * no wider than that name, so that none ever speaks of another.
 *
 * Types follow what a name is, not how it fares: a Service has addresses of both families, whether or not it has any at the
 * moment, but for the type that is being denied. A proof that somebody keeps can then contradict no later answer but one to
 * the same question.
 */
import { Type } from '../../zonebuilder/dns.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import type { Answering } from './answering.ts';
import { readNameAt } from './compose.ts';
import type { Exchange } from './exchange.ts';
import { find, Kind } from './find.ts';
import { labelsBelow, Name, NAME_OCTETS_MAX } from './name.ts';
import { rrset, settle, writeSignatures } from './seal.ts';
import { addType, forgetTypes, typesOctets, writeTypes } from './type-bitmap.ts';
import { canPointAt, RECORD_OCTETS, write16, writeRecordHead } from './write.ts';

const LABEL_OCTETS_MAX = 63;
/** Octets 255 that a predecessor ends with, where there is room: names that lie behind those are none that anybody has. */
const PADDING_OCTETS = 3;

/** The name that an NSEC record is about. */
const owner = new Name();

/**
 * Notes the types of a name, whatever its state.
 *
 * @param entry - of the records of the configuration at it, 0 for none
 */
function noteTypes(a: Answering, entry: number): void {
  const { view, kind, found } = a;
  switch (kind) {
    case Kind.service:
    case Kind.cluster:
      addUnlessAsked(a.x, Type.A);
      addUnlessAsked(a.x, Type.AAAA);
      break;
    case Kind.port:
      if (found.port !== 0) addUnlessAsked(a.x, Type.SRV);
      break;
    default:
  }
  if (entry === 0) return;
  // RFC 4035 section 2.3: of a zone cut the parent tells what is its own.
  const isCut = a.below > 0 && view.findRrset(entry, Type.NS) !== 0;
  let at = view.firstRrset(entry);
  for (let left = view.rrsetCount(entry); left > 0; left--, at = view.nextRrset(at)) {
    const type = view.rrsetType(at);
    if (isCut && type !== Type.NS && type !== Type.DS) continue;
    if (type !== Type.ALIAS) addUnlessAsked(a.x, type);
    else {
      addUnlessAsked(a.x, Type.A);
      addUnlessAsked(a.x, Type.AAAA);
    }
  }
  if (a.below === 0) addUnlessAsked(a.x, Type.SOA);
}

function addUnlessAsked(x: Exchange, type: number): void {
  if (type !== x.type) addType(type);
}

/**
 * Writes the NSEC record of a name that exists, with its signature: NODATA for the type asked for.
 *
 * @param ownerAt - where the name stands in the reply
 * @returns the number of records, 0 where they do not fit
 */
export function writeNodata(a: Answering, ownerAt: number, ttlSeconds: number): number {
  noteTypes(a, ownerAt === a.nameAt ? a.entry : 0);
  return writeOwn(a, ownerAt, ttlSeconds, a.wildcardLabel > 0 && ownerAt === a.nameAt);
}

/** As {@link writeNodata}, for a name that does not exist (RFC 9824 section 3.1). */
export function writeNoName(a: Answering, ownerAt: number, ttlSeconds: number): number {
  addType(Type.NXNAME);
  return writeOwn(a, ownerAt, ttlSeconds, true);
}

/** As {@link writeNodata}, for a zone cut without DS (RFC 4035 section 3.1.4.1). */
export function writeInsecureCut(a: Answering, ownerAt: number, ttlSeconds: number): number {
  addType(Type.NS);
  return writeOwn(a, ownerAt, ttlSeconds, false);
}

function writeOwn(a: Answering, ownerAt: number, ttlSeconds: number, isDenial: boolean): number {
  const { x } = a;
  addType(Type.RRSIG);
  addType(Type.NSEC);
  readNameAt(x, ownerAt, owner);
  const start = x.at;
  const nextOctets = makeSuccessor(owner, a.domainLabels);
  const octets = nextOctets + typesOctets();
  if (start + RECORD_OCTETS + octets > x.limit) {
    forgetTypes();
    return 0;
  }
  const at = writeRecordHead(x, ownerAt, Type.NSEC, ttlSeconds, octets);
  x.at = writeTypes(x, copyOctets(x.replyData, at, nextData, 0, nextOctets));
  return a.isSigning ? seal(a, start, start + 2, ownerAt, ttlSeconds, isDenial) : 1;
}

function seal(
  a: Answering,
  start: number,
  typeAt: number,
  ownerAt: number,
  ttlSeconds: number,
  isDenial: boolean,
): number {
  rrset.owner = owner;
  rrset.typeAt = typeAt;
  rrset.count = 1;
  rrset.first = 0;
  rrset.ttlSeconds = ttlSeconds;
  rrset.isDenial = isDenial;
  return settle(a.x, start, 1, writeSignatures(a, ownerAt));
}

/** The next name of a record, put together before it is known to fit. */
const next = new Uint8Array(NAME_OCTETS_MAX);
const nextData = new DataView(next.buffer);

/**
 * Makes the next name behind one alone: `\000.name`, or where that is too long the one behind all that could lie below it.
 *
 * @param domainLabels - labels of the domain, whose name is next behind the last of its names (RFC 4034 section 4.1.1)
 * @returns octets of {@link next}
 */
function makeSuccessor(name: Name, domainLabels: number): number {
  const { octets, data } = name;
  if (octets + 2 > NAME_OCTETS_MAX) return makeAfter(name, domainLabels);
  write16(next, 0, 0x0100);
  return copyOctets(nextData, 2, data, 0, octets);
}

/** As {@link makeSuccessor}, the next name behind one and all below it. */
function makeAfter({ octets, data, lower, labels, count }: Name, domainLabels: number): number {
  const last = count - domainLabels;
  for (let label = 0; label < last; label++) {
    const start = labels[label]!;
    const end = labels[label + 1]!;
    const isWhole = octets - start === NAME_OCTETS_MAX || lower[start] === LABEL_OCTETS_MAX;
    const kept = isWhole ? raisableOctets(lower, start + 1, end) : end - start - 1;
    // A label of octets 255 alone is the last there is: what comes next lies behind the name above.
    if (kept === 0) continue;
    copyOctets(nextData, 1, data, start + 1, kept);
    if (isWhole) next[kept] = octetAfter(next[kept]!);
    else next[kept + 1] = 0;
    const labelOctets = isWhole ? kept : kept + 1;
    next[0] = labelOctets;
    return copyOctets(nextData, 1 + labelOctets, data, end, octets - end);
  }
  return copyOctets(nextData, 0, data, labels[last]!, octets - labels[last]!);
}

/** How many octets of a label are left without those at its end that have none behind them. */
function raisableOctets(lower: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && lower[at - 1] === 0xff) at--;
  return at - start;
}

/** Capitals sort as small letters do, so they are passed over. */
function octetAfter(octet: number): number {
  return octet === 0x40 ? 0x5b : octet + 1;
}

/**
 * Proves that a wildcard was right to be expanded (RFC 4035 section 3.1.3.3): nothing is nearer to the name asked for. The
 * record covers the next closer name and what could be below it, by names that nobody has (RFC 4470 section 3.1.1).
 *
 * @param closerAt - where the next closer name stands in the reply
 * @returns the number of records, 0 where they do not fit
 */
export function writeExpansion(a: Answering, closerAt: number, ttlSeconds: number): number {
  const { x } = a;
  readNameAt(x, closerAt, owner);
  const end = owner.labels[1]!;
  // Before a label of one octet 0 is nothing but the name above, which has what it has.
  if (end === 2 && owner.lower[1] === 0) noteTypesOf(a, closerAt + end);
  addType(Type.RRSIG);
  addType(Type.NSEC);
  const start = x.at;
  const nextOctets = makeAfter(owner, a.domainLabels);
  const rdataOctets = nextOctets + typesOctets();
  if (start + end + PADDING_OCTETS + 3 + 10 + rdataOctets > x.limit || !canPointAt(x, start)) {
    forgetTypes();
    return 0;
  }
  const ownerEnd = writePredecessor(x, start, closerAt, end);
  const { replyData } = x;
  replyData.setUint32(ownerEnd, (Type.NSEC << 16) | 1);
  replyData.setUint32(ownerEnd + 4, ttlSeconds);
  replyData.setUint16(ownerEnd + 8, rdataOctets);
  x.at = writeTypes(x, copyOctets(replyData, ownerEnd + 10, nextData, 0, nextOctets));
  readNameAt(x, start, owner);
  return seal(a, start, ownerEnd, start, ttlSeconds, true);
}

/** Notes all types of a name in the reply. It becomes the present one. */
function noteTypesOf(a: Answering, nameAt: number): void {
  const { x, view, found } = a;
  const { type } = x;
  readNameAt(x, nameAt, a.target);
  a.name = a.target;
  a.below = labelsBelow(a.name, a.domain, a.domainLabels);
  a.kind = find(view, a.name, a.below, false, found);
  x.type = 0;
  noteTypes(a, found.entry);
  x.type = type;
}

/** A label in front of the name's first one, then the rest of the name. @returns the position behind it */
function writePredecessor(x: Exchange, start: number, closerAt: number, end: number): number {
  const { reply, replyData } = x;
  const { lower, data, octets } = owner;
  const last = lower[end - 1]!;
  let at: number;
  if (end === 2 && last === 0) at = start;
  else if (last === 0) {
    // `foo` may be a name that has something; what is before `foo\000`, too, and nobody has, lies below it.
    at = writePadding(reply, start + 1, Math.min(PADDING_OCTETS, NAME_OCTETS_MAX - octets));
    reply[start] = at - start - 1;
    if (reply[start] === 0) at = start;
    reply[at] = lower[0]! - 1;
    at = copyOctets(replyData, at + 1, data, 1, end - 2);
  } else {
    at = copyOctets(replyData, start, data, 0, end - 1);
    reply[at++] = last === 0x5b ? 0x40 : last - 1;
    const room = Math.min(PADDING_OCTETS, LABEL_OCTETS_MAX - lower[0]!, NAME_OCTETS_MAX - octets);
    at = writePadding(reply, at, room);
    reply[start]! += room;
  }
  write16(reply, at, 0xc000 | (closerAt + end - x.base));
  return at + 2;
}

function writePadding(reply: Uint8Array, start: number, count: number): number {
  for (let at = start; at < start + count; at++) reply[at] = 0xff;
  return start + count;
}

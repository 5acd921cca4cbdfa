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
import { Kind } from './find.ts';
import { Name, NAME_OCTETS_MAX } from './name.ts';
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
  const nextOctets = successorOctets(owner);
  const octets = nextOctets + typesOctets();
  if (start + RECORD_OCTETS + octets > x.limit) {
    forgetTypes();
    return 0;
  }
  const at = writeRecordHead(x, ownerAt, Type.NSEC, ttlSeconds, octets);
  writeSuccessor(x, at, owner);
  x.at = writeTypes(x, at + nextOctets);
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

/**
 * The next name behind one and all that could lie below it being left out: `\000.name`, or where that is too long the first label
 * with another octet.
 */
function successorOctets({ octets, lower }: Name): number {
  if (octets + 2 <= NAME_OCTETS_MAX) return octets + 2;
  return octets < NAME_OCTETS_MAX && lower[0]! < LABEL_OCTETS_MAX ? octets + 1 : octets;
}

function writeSuccessor(
  { reply, replyData }: Exchange,
  at: number,
  { octets, data, lower, labels }: Name,
): void {
  if (octets + 2 <= NAME_OCTETS_MAX) {
    write16(reply, at, 0x0100);
    copyOctets(replyData, at + 2, data, 0, octets);
    return;
  }
  const end = labels[1]!;
  if (octets < NAME_OCTETS_MAX && lower[0]! < LABEL_OCTETS_MAX) {
    copyOctets(replyData, at, data, 0, end);
    reply[at]!++;
    reply[at + end] = 0;
    copyOctets(replyData, at + end + 1, data, end, octets - end);
    return;
  }
  copyOctets(replyData, at, data, 0, octets);
  reply[at + end - 1] = octetAfter(lower[end - 1]!);
}

/** Capitals sort as small letters do, so they are passed over. The last octet there is has none behind it but itself. */
function octetAfter(octet: number): number {
  return octet === 0x40 ? 0x5b : octet === 0xff ? octet : octet + 1;
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
  addType(Type.RRSIG);
  addType(Type.NSEC);
  const start = x.at;
  const end = owner.labels[1]!;
  const isLong = owner.lower[0] === LABEL_OCTETS_MAX || owner.octets === NAME_OCTETS_MAX;
  const nextOctets = isLong ? owner.octets : owner.octets + 1;
  const rdataOctets = nextOctets + typesOctets();
  if (start + end + PADDING_OCTETS + 2 + 10 + rdataOctets > x.limit || !canPointAt(x, start)) {
    forgetTypes();
    return 0;
  }
  const ownerEnd = writePredecessor(x, start, closerAt, end);
  const { replyData } = x;
  replyData.setUint32(ownerEnd, (Type.NSEC << 16) | 1);
  replyData.setUint32(ownerEnd + 4, ttlSeconds);
  replyData.setUint16(ownerEnd + 8, rdataOctets);
  writeAfter(x, ownerEnd + 10, owner, isLong);
  x.at = writeTypes(x, ownerEnd + 10 + nextOctets);
  readNameAt(x, start, owner);
  return seal(a, start, ownerEnd, start, ttlSeconds, true);
}

/** The label in front of the name's first one, then the rest of the name. @returns the position behind it */
function writePredecessor(x: Exchange, start: number, closerAt: number, end: number): number {
  const { reply, replyData } = x;
  const { lower, data, octets } = owner;
  const last = lower[end - 1]!;
  let at = copyOctets(replyData, start, data, 0, end - 1);
  if (last === 0) reply[start]!--;
  else {
    reply[at++] = last === 0x5b ? 0x40 : last - 1;
    const room = Math.min(PADDING_OCTETS, LABEL_OCTETS_MAX - lower[0]!, NAME_OCTETS_MAX - octets);
    for (let i = 0; i < room; i++) reply[at++] = 0xff;
    reply[start]! += room;
  }
  // A label of one octet 0 has nothing before it but the name above.
  if (reply[start] === 0) at = start;
  write16(reply, at, 0xc000 | (closerAt + end - x.base));
  return at + 2;
}

function writeAfter(
  { reply, replyData }: Exchange,
  at: number,
  { octets, data, lower, labels }: Name,
  isLong: boolean,
): void {
  const end = labels[1]!;
  copyOctets(replyData, at, data, 0, end);
  if (isLong) {
    reply[at + end - 1] = octetAfter(lower[end - 1]!);
    copyOctets(replyData, at + end, data, end, octets - end);
    return;
  }
  reply[at]!++;
  reply[at + end] = 0;
  copyOctets(replyData, at + end + 1, data, end, octets - end);
}

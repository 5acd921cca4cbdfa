/** Negative answers, and the SOA that bounds how long they are kept. */
import { Rcode } from '../../zonebuilder/dns.ts';
import { domainAt, type Answering } from './answering.ts';
import { writeSoa } from './compose.ts';
import { ExtendedError } from './edns.ts';
import { truncate } from './exchange.ts';
import { Kind } from './find.ts';
import { writeExpansion, writeNodata, writeNoName } from './nsec.ts';
import { sealRrset } from './seal.ts';
import type { Sealing } from './sealing.ts';
import { Head } from '../signing/signatures.ts';
import { isFull, Waiting, wakeSigner } from '../signing/waiting.ts';
import { couldBeUnread } from './unread.ts';

/** No shard of a known Service counts. A cluster that is not read yet, and not given up, may bring one. */
export function denyUnlessPending(a: Answering, rcode: number): void {
  if (a.view.isPending) notReady(a);
  else deny(a, rcode);
}

/** The present name is not known. One that only a cluster could know that was never read is not denied, however long that lasts. */
export function denyUnlessUnread(a: Answering): void {
  if (couldBeUnread(a)) notReady(a);
  else deny(a, Rcode.NXDOMAIN);
}

/** Nothing is known yet, and nothing is said. */
export function notReady(a: Answering): void {
  const { x } = a;
  a.expanded = 0;
  x.rcode = Rcode.SERVFAIL;
  x.extendedError = ExtendedError.notReady;
  x.isAuthoritative = false;
  x.answers = 0;
  x.at = x.questionEnd;
}

/** NODATA or NXDOMAIN that may be wrong the next moment, also at the end of a chain (RFC 6604 section 2). */
export function deny(a: Answering, rcode: number): void {
  denyFor(a, rcode, a.apex.negativeTtlSeconds);
}

/** NODATA that only another configuration ends, or that a name has because others lie below it. */
export function denyLasting(a: Answering): void {
  denyFor(a, Rcode.NOERROR, a.apex.nodataTtlSeconds);
}

/**
 * NODATA for a type that a name with other data does not have. It may be kept as long as that data: for so long an answer
 * may be old in any case.
 */
export function denyBeside(a: Answering, ttlSeconds: number): void {
  const { nodataTtlSeconds } = a.apex;
  denyFor(a, Rcode.NOERROR, ttlSeconds < nodataTtlSeconds ? ttlSeconds : nodataTtlSeconds);
}

/**
 * RFC 2308 section 3 takes the TTL from the SOA's MINIMUM; here the MINIMUM is the longest that there is, and the TTL
 * says what holds for this name. Resolvers keep a denial for the lesser of the two (section 5).
 */
function denyFor(a: Answering, rcode: number, ttlSeconds: number): void {
  const { x } = a;
  if (a.isSigning) return denySigned(a, rcode, ttlSeconds);
  x.rcode = rcode;
  const records = addSoa(a, ttlSeconds, a.view.serial);
  if (records === 0) truncate(x);
  x.authorities += records;
}

/**
 * As {@link deny}, with the proof in one NSEC record (RFC 9824). The RCODE says that a name does not exist only to who can tell that
 * from a lie (section 5): to other validators the proof is one of NODATA.
 *
 * @param ttlSeconds - of the SOA and the proof
 */
export function denySigned(a: Answering, rcode: number, ttlSeconds: number): void {
  const { x } = a;
  const isAbsent = rcode === Rcode.NXDOMAIN;
  x.rcode = isAbsent && !x.isCompactOk ? Rcode.NOERROR : rcode;
  if (isAbsent && waitsInVain(a, ttlSeconds)) return;
  const soa = addSoa(a, ttlSeconds, soaSerial(a));
  x.authorities += soa;
  const proof = isAbsent ? writeNoName(a, a.ownerAt, ttlSeconds) : writeNodata(a, a.ownerAt, ttlSeconds);
  x.authorities += proof;
  if (soa === 0 || proof === 0) truncate(x);
}

/**
 * Whether the proof that a name does not exist would have to wait in a row that has no room, by the proof alone: of a flood of random
 * names nothing else is composed, for the reply is thrown away. One that is kept is sent, whoever fills the row.
 */
function waitsInVain(a: Answering, ttlSeconds: number): boolean {
  const { x, sealing } = a;
  if (x.isClientProven || sealing!.isSigner || !isFull(sealing!.waiting, Waiting.denial)) return false;
  const start = x.at;
  writeNoName(a, a.ownerAt, ttlSeconds);
  x.at = start;
  return x.waitingFor === Waiting.denial;
}

/** Writes the SOA with its signature. @returns the number of records, 0 where they do not fit */
export function addSoa(a: Answering, ttlSeconds: number, serial: number): number {
  const { x } = a;
  const start = x.at;
  const at = domainAt(a);
  if (!writeSoa(x, a.apex, at, ttlSeconds, serial)) return 0;
  if (!a.isSigning) return 1;
  const records = sealRrset(a, start, 1, at, a.apex.ttlSeconds);
  if (a.sealing!.isSigner) noteSoa(a.sealing!, serial);
  return records;
}

function noteSoa({ signatures: { words } }: Sealing, serial: number): void {
  Atomics.store(words, Head.soaSerial, serial | 0);
  Atomics.store(words, Head.soaSigned, 1);
}

/** How long the SOA of a serial is signed for denials, in milliseconds, also while there are newer ones. */
const SOA_PAUSE_MS = 50;
let soaSignedMs = -Infinity;

/** Whether a signer is to sign the SOA of a newer serial; `nowMs` on any clock. */
export function isSoaDue({ signatures: { words } }: Sealing, serial: number, nowMs: number): boolean {
  if (words[Head.soaSigned] !== 0 && words[Head.soaSerial] === (serial | 0)) return false;
  if (Math.abs(nowMs - soaSignedMs) < SOA_PAUSE_MS) return false;
  soaSignedMs = nowMs;
  return true;
}

/**
 * The serial of the SOA beside a denial: the newest that was signed. Each change makes a new one, and no denial has to wait for
 * the signature of an SOA that says nothing but that something else has changed.
 */
function soaSerial({ view, sealing }: Answering): number {
  const { serial } = view;
  const { words } = sealing!.signatures;
  if (words[Head.soaSigned] === 0 || words[Head.soaSerial] === (serial | 0)) return serial;
  wakeSigner(sealing!.waiting);
  return words[Head.soaSerial]!;
}

/** Answers a question for the NSEC record of a name. Returns false where the name may be one that is not known yet. */
export function answerNsec(a: Answering): boolean {
  const { x, kind } = a;
  if (kind === Kind.nxdomain && couldBeUnread(a)) return false;
  const ttlSeconds = a.apex.negativeTtlSeconds;
  const isAbsent = kind === Kind.nxdomain;
  const records = isAbsent ? writeNoName(a, a.nameAt, ttlSeconds) : writeNodata(a, a.nameAt, ttlSeconds);
  if (records === 0) truncate(x);
  x.answers += records;
  return true;
}

/** Proves that the wildcards of the answer were right to be expanded (RFC 4035 section 3.1.3.3). */
export function proveExpansions(a: Answering): void {
  const { x } = a;
  // A denial says of the name itself what it has.
  const last = x.authorities > 0 && a.wildcardLabel > 0 ? a.expanded - 1 : a.expanded;
  for (let i = 0; i < last; i++) {
    const records = writeExpansion(a, a.expansions[i]!, a.apex.negativeTtlSeconds);
    if (records === 0) return truncate(x);
    x.authorities += records;
  }
}

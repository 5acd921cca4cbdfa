/**
 * Signs what stands in a reply: finds the signature of an RRset by its content and writes the RRSIG record behind it (RFC 4034
 * section 3). Where there is none yet, a worker notes what the reply waits for, and a signer makes it.
 *
 * Composing goes on after that, so that the reply is known to be one that fits or does not; a worker throws it away, and the signer
 * that is handed the query composes it once more, with all signatures.
 */
import { Type } from '../../zonebuilder/dns.ts';
import { countLabels } from '../../dnssec/canonical.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import { makeSignature } from '../signing/make-signature.ts';
import { addContent, beginContent, endContent, tag } from '../signing/content.ts';
import type { KeyChoice } from '../signing/keys.ts';
import type { SigningKey } from '../signing/settings.ts';
import {
  Entry,
  findSignature,
  keepSignature,
  SIGNATURE_OCTETS,
  touch,
  versionOf,
  type Signatures,
} from '../signing/signatures.ts';
import { Waiting } from '../signing/waiting.ts';
import type { Answering } from './answering.ts';
import { readNameAt } from './compose.ts';
import type { Exchange } from './exchange.ts';
import { Name, NAME_OCTETS_MAX, readName } from './name.ts';
import { RECORD_OCTETS, write16, write32, writeRecordHead } from './write.ts';

/** Octets of RRSIG rdata in front of the signer's name. */
const RRSIG_FIXED_OCTETS = 18;
/** A signature is not used in the last part of its time, as long as an answer with it may be kept, but at most this part of it. */
const LAST_PART = 8;
/** Serial and timers at the end of an SOA record. */
const SOA_NUMBERS_OCTETS = 20;
/** How long one that is due is left to the signer that was told, in seconds. */
const REFRESH_PAUSE_SECONDS = 30;

/** The target of an alias, and an owner, which stand compressed in the reply. */
const target = new Name();
const ownerRead = new Name();

/** What is to be signed: records in the reply, and what is known of them besides. Reused. */
export const rrset = {
  /** The name that is signed: of what a wildcard expands to, the wildcard's. */
  owner: ownerRead,
  /** Where the type of the first record stands. */
  typeAt: 0,
  count: 0,
  /** Which record comes first in the order of the image. */
  first: 0,
  /** The TTL that is signed, in seconds. */
  ttlSeconds: 0,
  /** Of what exists, or of denials of what does not. */
  isDenial: false,
};

/**
 * Ends an RRset: signs it where replies are signed.
 *
 * @param start - where its records begin, which are the last ones written
 * @param ownerAt - where its owner's name stands
 * @returns the number of records with their signatures, 0 where they do not fit and are taken back
 */
export function endRrset(a: Answering, start: number, count: number, ownerAt: number): number {
  return a.isSigning && count > 0 ? sealRrset(a, start, count, ownerAt, 0) : count;
}

/** As {@link endRrset}, for what a reply can do without: unsigned, it is left out until somebody has asked for it. */
export function endExtra(a: Answering, start: number, count: number, ownerAt: number): number {
  const { x } = a;
  if (!a.isSigning || count === 0) return count;
  const { waitingFor } = x;
  const records = sealRrset(a, start, count, ownerAt, 0);
  if (x.waitingFor === waitingFor || waitingFor !== Waiting.none) return records;
  x.waitingFor = waitingFor;
  x.at = start;
  return 0;
}

/**
 * As {@link endRrset}, for replies that are signed.
 *
 * @param ttlSeconds - the TTL that is signed, 0 for that of the records
 */
export function sealRrset(
  a: Answering,
  start: number,
  count: number,
  ownerAt: number,
  ttlSeconds: number,
): number {
  const { x } = a;
  const type = x.replyData.getUint16(start + 2);
  rrset.owner = ownerOf(a, ownerAt);
  rrset.typeAt = start + 2;
  rrset.count = count;
  rrset.first = type === Type.A || type === Type.AAAA ? x.firstAddress : 0;
  rrset.ttlSeconds = ttlSeconds !== 0 ? ttlSeconds : x.replyData.getUint32(start + 6);
  rrset.isDenial = false;
  return settle(x, start, count, writeSignatures(a, ownerAt));
}

/** What became of records whose signatures were written, or were not. */
export function settle(x: Exchange, start: number, count: number, signatures: number): number {
  if (signatures >= 0) return count + signatures;
  x.at = start;
  return 0;
}

function ownerOf(a: Answering, ownerAt: number): Name {
  if (ownerAt === a.nameAt) return a.wildcardLabel > 0 ? wildcardOwner(a) : a.name;
  readNameAt(a.x, ownerAt, ownerRead);
  return ownerRead;
}

const wildcard = new DataView(new ArrayBuffer(NAME_OCTETS_MAX + 2));

/** RFC 4035 section 5.3.2: what a wildcard expands to is signed under the wildcard's name. */
function wildcardOwner({ name, wildcardLabel }: Answering): Name {
  const start = name.labels[wildcardLabel]!;
  wildcard.setUint16(0, 0x012a);
  copyOctets(wildcard, 2, name.data, start, name.octets - start);
  readName(ownerRead, wildcard, 0, 2 + name.octets - start);
  return ownerRead;
}

/**
 * Writes the signatures of {@link rrset} at the end of the reply.
 *
 * @param ownerAt - where the owner's name stands in the reply
 * @returns the number of records, 0 where the reply waits for one; -1: they do not fit
 */
export function writeSignatures(a: Answering, ownerAt: number): number {
  const { x } = a;
  const sealing = a.sealing!;
  const kept = rrset.isDenial ? sealing.denials : sealing.signatures;
  const type = x.replyData.getUint16(rrset.typeAt);
  tagRrset(a, type, kept);
  const { low, high } = tag;
  const choices = sealing.keysFor(type);
  for (let i = 0; i < choices.length; i++) {
    if (x.at + rrsigOctets(a) > x.limit) return -1;
    if (findAndWrite(a, kept, choices[i]!, type, ownerAt, low, high)) continue;
    if (sealing.isSigner) sign(a, kept, choices[i]!.active, type, ownerAt, low, high);
    else return waitFor(x);
  }
  return choices.length;
}

function rrsigOctets({ domain }: Answering): number {
  return RECORD_OCTETS + RRSIG_FIXED_OCTETS + domain.byteLength + SIGNATURE_OCTETS;
}

function waitFor(x: Exchange): number {
  const waiting = !rrset.isDenial ? Waiting.data : x.isClientProven ? Waiting.provenDenial : Waiting.denial;
  if (waiting > x.waitingFor) x.waitingFor = waiting;
  return 0;
}

/** Writes the signature of the active key, or one of a former key that is good still. */
function findAndWrite(
  a: Answering,
  kept: Signatures,
  { active, former }: KeyChoice,
  type: number,
  ownerAt: number,
  low: number,
  high: number,
): boolean {
  const { x } = a;
  const entry = findSignature(kept, low, high, active.id);
  const isAnew = a.sealing!.isRefreshing;
  if (entry !== 0 && !(isAnew && isHalfOver(kept, entry, x.signingSeconds))) {
    if (((x.signingSeconds - kept.words[entry + Entry.refresh]!) | 0) >= 0) noteDue(x, kept, entry);
    return writeEntry(a, kept, entry, active, type, ownerAt);
  }
  if (isAnew || ((x.signingSeconds - a.sealing!.settings.times.formerUntilSeconds) | 0) >= 0) return false;
  for (let i = 0; i < former.length; i++) {
    const older = findSignature(kept, low, high, former[i]!.id);
    if (older === 0 || !writeEntry(a, kept, older, former[i]!, type, ownerAt)) continue;
    noteFormer(x, kept, older);
    return true;
  }
  return false;
}

/** The first that finds it due tells a signer, which then has a while for it. */
function noteDue(x: Exchange, { words }: Signatures, entry: number): void {
  const due = words[entry + Entry.refresh]!;
  const next = (x.signingSeconds + REFRESH_PAUSE_SECONDS) | 0;
  if (Atomics.compareExchange(words, entry + Entry.refresh, due, next) === due) x.isDue = true;
}

/** A signature of a former key is due whatever it says. */
function noteFormer(x: Exchange, kept: Signatures, entry: number): void {
  const left = (kept.words[entry + Entry.refresh]! - x.signingSeconds) | 0;
  if (left <= 0 || left > REFRESH_PAUSE_SECONDS) noteDue(x, kept, entry);
}

/** Signatures fall due by chance from half of their time on (make-signature.ts). */
function isHalfOver({ words }: Signatures, entry: number, nowSeconds: number): boolean {
  const inception = words[entry + Entry.inception]!;
  return ((nowSeconds - inception) | 0) * 2 >= ((words[entry + Entry.expiration]! - inception) | 0);
}

/** Writes a signature that is kept. Returns whether it is good, and was not replaced meanwhile. */
function writeEntry(
  a: Answering,
  kept: Signatures,
  entry: number,
  key: SigningKey,
  type: number,
  ownerAt: number,
): boolean {
  const { x } = a;
  const { words, data } = kept;
  const start = x.at;
  const version = versionOf(kept, entry);
  const inception = words[entry + Entry.inception]!;
  const expiration = words[entry + Entry.expiration]!;
  const { validitySeconds } = a.sealing!.settings.times;
  const needed = Math.min(rrset.ttlSeconds, (validitySeconds / LAST_PART) | 0);
  const isGood = ((expiration - x.signingSeconds) | 0) > needed && ((x.signingSeconds - inception) | 0) >= 0;
  if ((version & 1) !== 0 || !isGood) return false;
  writeRrsig(a, key, type, ownerAt, inception, expiration, data, (entry + Entry.signature) * 4);
  if (versionOf(kept, entry) === version) {
    touch(kept, entry, x.signingSeconds);
    return true;
  }
  x.at = start;
  return false;
}

function writeRrsig(
  a: Answering,
  key: SigningKey,
  type: number,
  ownerAt: number,
  inception: number,
  expiration: number,
  signature: DataView,
  from: number,
): void {
  const { x, domain } = a;
  const { reply, replyData } = x;
  const octets = RRSIG_FIXED_OCTETS + domain.byteLength + SIGNATURE_OCTETS;
  const at = writeRecordHead(x, ownerAt, Type.RRSIG, replyData.getUint32(rrset.typeAt + 4), octets);
  write16(reply, at, type);
  reply[at + 2] = key.algorithm;
  reply[at + 3] = countLabels(rrset.owner.lower);
  write32(reply, at + 4, rrset.ttlSeconds);
  write32(reply, at + 8, expiration);
  write32(reply, at + 12, inception);
  write16(reply, at + 16, key.keyTag);
  const end = copyOctets(replyData, at + RRSIG_FIXED_OCTETS, domain, 0, domain.byteLength);
  x.at = copyOctets(replyData, end, signature, from, SIGNATURE_OCTETS);
}

/** The tag of the records in the order of the image, which replies begin at another address each time. */
function tagRrset(a: Answering, type: number, kept: Signatures): void {
  const { x } = a;
  const { count, typeAt, owner } = rrset;
  beginContent(type, count, rrset.ttlSeconds);
  addContent(owner.data, 0, owner.octets);
  if (type === Type.CNAME) {
    readNameAt(x, typeAt + 10, target);
    addContent(target.data, 0, target.octets);
  } else if (type === Type.SOA) {
    const { soaNames } = a.sealing!;
    addContent(soaNames, 0, soaNames.byteLength);
    addContent(x.replyData, soaNumbersAt(x), SOA_NUMBERS_OCTETS);
  } else if (rrset.first === 0) addRecords(x, typeAt + 8, count);
  else addTurned(x, typeAt + 8, count, rrset.first);
  endContent(kept);
}

/** Where serial and timers stand: the names in front are compressed. */
function soaNumbersAt({ replyData }: Exchange): number {
  return rrset.typeAt + 10 + replyData.getUint16(rrset.typeAt + 8) - SOA_NUMBERS_OCTETS;
}

function addRecords({ replyData }: Exchange, lengthAt: number, count: number): void {
  let at = lengthAt;
  for (let i = 0; i < count; i++) {
    const octets = replyData.getUint16(at);
    addContent(replyData, at + 2, octets);
    at += octets + RECORD_OCTETS;
  }
}

/** Records of one length that the reply has from the middle on. */
function addTurned({ replyData }: Exchange, lengthAt: number, count: number, first: number): void {
  const octets = replyData.getUint16(lengthAt);
  let record = first;
  for (let i = 0; i < count; i++) {
    addContent(replyData, lengthAt + 2 + record * (RECORD_OCTETS + octets), octets);
    record = record + 1 === count ? 0 : record + 1;
  }
}

/** Makes a signature, keeps it, and writes it. */
function sign(
  a: Answering,
  kept: Signatures,
  key: SigningKey,
  type: number,
  ownerAt: number,
  low: number,
  high: number,
): void {
  const { x } = a;
  const sealing = a.sealing!;
  const { owner, ttlSeconds } = rrset;
  const made = makeSignature(
    { owner: owner.lower.subarray(0, owner.octets), type, ttlSeconds, rdatas: rdatasOf(a, type) },
    a.apex.domain,
    key,
    sealing.settings.times,
    x.signingSeconds,
  );
  sealing.made++;
  keepSignature(kept, low, high, made, x.signingSeconds);
  const { inception, expiration, octets } = made;
  const data = new DataView(octets.buffer, octets.byteOffset, octets.length);
  writeRrsig(a, key, type, ownerAt, inception, expiration, data, 0);
}

/** The data of the records without compression. */
function rdatasOf(a: Answering, type: number): Buffer[] {
  const { x } = a;
  if (type === Type.CNAME) {
    readNameAt(x, rrset.typeAt + 10, target);
    return [Buffer.from(target.lower.subarray(0, target.octets))];
  }
  if (type === Type.SOA) {
    const { soaNames } = a.sealing!;
    const names = new Uint8Array(soaNames.buffer, soaNames.byteOffset, soaNames.byteLength);
    const numbers = soaNumbersAt(x);
    return [Buffer.concat([names, x.reply.subarray(numbers, numbers + SOA_NUMBERS_OCTETS)])];
  }
  const rdatas: Buffer[] = [];
  for (let i = 0, at = rrset.typeAt + 8; i < rrset.count; i++) {
    const octets = x.replyData.getUint16(at);
    rdatas.push(Buffer.from(x.reply.subarray(at + 2, at + 2 + octets)));
    at += octets + RECORD_OCTETS;
  }
  return rdatas;
}

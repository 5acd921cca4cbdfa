/** DS records and the keys that they are digests of (RFC 4034 sections 5 and appendix B). */

import { createHash, timingSafeEqual } from 'node:crypto';
import { encodeNameLower } from '../../zonebuilder/names.ts';
import type { DnsRecord } from './message.ts';

/** IANA, "DNSSEC Delegation Signer Digest Algorithms": those that are in use. */
const DIGESTS: Readonly<Record<number, string>> = { 1: 'sha1', 2: 'sha256', 4: 'sha384' };
const SHA256 = 2;
/** RFC 4034 section 2.1.1: the flag of a key that DS records are made of. */
const SECURE_ENTRY_POINT = 0x0001;
const ZONE_KEY = 0x0100;

/** RFC 4034 appendix B. */
export function keyTag(dnskey: Buffer): number {
  const sum = dnskey.reduce((total, octet, i) => total + (i % 2 === 0 ? octet << 8 : octet), 0);
  return (sum + ((sum >>> 16) & 0xffff)) & 0xffff;
}

/** Whether a DS record is of this key; undefined: of a digest that is not known here. */
export function isDigestOf(ds: Buffer, dnskey: Buffer, owner: string): boolean | undefined {
  const digest = digestOf(ds[3]!, dnskey, owner);
  if (digest === undefined) return undefined;
  if (ds.readUInt16BE(0) !== keyTag(dnskey) || ds[2] !== dnskey[3]) return false;
  return digest.length === ds.length - 4 && timingSafeEqual(digest, ds.subarray(4));
}

/** The DS record that the parent wants for a key, in presentation form. */
export function dsText(dnskey: Buffer, owner: string): string {
  const digest = digestOf(SHA256, dnskey, owner)!;
  return `${keyTag(dnskey)} ${dnskey[3]} ${SHA256} ${digest.toString('hex').toUpperCase()}`;
}

/** Keys that a DS record may be of, those that say so first. */
export function entryKeys(dnskeys: readonly DnsRecord[]): Buffer[] {
  const keys = dnskeys.map(({ rdata }) => rdata).filter((rdata) => rdata.length > 4 && has(rdata, ZONE_KEY));
  const marked = keys.filter((key) => has(key, SECURE_ENTRY_POINT));
  return marked.length > 0 ? marked : keys;
}

function has(dnskey: Buffer, flag: number): boolean {
  return (dnskey.readUInt16BE(0) & flag) !== 0;
}

function digestOf(algorithm: number, dnskey: Buffer, owner: string): Buffer | undefined {
  const name = DIGESTS[algorithm];
  if (name === undefined) return undefined;
  return createHash(name).update(encodeNameLower(owner)).update(dnskey).digest();
}

/** Owns the rdata of DNSKEY records (RFC 4034 section 2), which CDNSKEY records share (RFC 7344 section 3.2), and key tags. */
import type { KeyObject } from 'node:crypto';
import { algorithmOf, publicKeyFrom, publicKeyOctets, type Algorithm } from './algorithms.ts';

/** Flags of a DNSKEY record (RFC 4034 section 2.1.1). */
export const DnskeyFlag = { ZONE: 0x0100, SEP: 0x0001 } as const;

/** A key that signs the zone and that no DS record points at. */
export const ZSK_FLAGS = DnskeyFlag.ZONE;
/** A key that the parent's DS records point at: a KSK, or one key for all. */
export const SEP_FLAGS = DnskeyFlag.ZONE | DnskeyFlag.SEP;

/** RFC 4034 section 2.1.2. */
const PROTOCOL = 3;
const HEAD_OCTETS = 4;

/** The rdata that publishes a key. */
export function dnskeyRdata(algorithm: Algorithm, flags: number, key: KeyObject): Buffer {
  return Buffer.concat([
    Buffer.of(flags >> 8, flags & 0xff, PROTOCOL, algorithm.number),
    publicKeyOctets(algorithm, key),
  ]);
}

/** The fields of a DNSKEY record; undefined: it is not of an algorithm that fedns signs with, or broken. */
export function readDnskey(
  rdata: Buffer,
): { readonly algorithm: Algorithm; readonly flags: number; readonly key: KeyObject } | undefined {
  const algorithm = rdata.length > HEAD_OCTETS ? algorithmOf(rdata[3]!) : undefined;
  if (algorithm === undefined || rdata.length !== HEAD_OCTETS + algorithm.publicKeyOctets) return undefined;
  const key = publicKeyFrom(algorithm, rdata.subarray(HEAD_OCTETS));
  return { algorithm, flags: rdata.readUInt16BE(0), key };
}

/** The key tag of a DNSKEY record's rdata, 0 to 65535 (RFC 4034 appendix B). Two keys may share one. */
export function keyTag(dnskey: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < dnskey.length; i++) sum += (i & 1) === 0 ? dnskey[i]! << 8 : dnskey[i]!;
  return (sum + (sum >>> 16)) & 0xffff;
}

/** Owns the rdata of DS records (RFC 4034 section 5), which CDS records share, and the request to delete them (RFC 8078 section 4). */
import { createHash } from 'node:crypto';
import { keyTag } from './dnskey.ts';

/** A way to digest a key; SHA-1 is no longer made (RFC 9904). */
export interface DigestType {
  /** IANA's number (DS RR Type Digest Algorithms). */
  readonly number: number;
  readonly mnemonic: DigestName;
  /** What node:crypto calls it. */
  readonly hash: string;
}

export const DIGEST_NAMES = ['SHA-256', 'SHA-384'] as const;
export type DigestName = (typeof DIGEST_NAMES)[number];

export const DIGEST_TYPES: Readonly<Record<DigestName, DigestType>> = {
  'SHA-256': { number: 2, mnemonic: 'SHA-256', hash: 'sha256' },
  'SHA-384': { number: 4, mnemonic: 'SHA-384', hash: 'sha384' },
};

/**
 * The rdata of a DS record.
 *
 * @param owner - the zone's name in lower-case wire form with root label
 * @param dnskey - rdata of the key's DNSKEY record
 */
export function dsRdata(owner: Uint8Array, dnskey: Uint8Array, digestType: DigestType): Buffer {
  const tag = keyTag(dnskey);
  const digest = createHash(digestType.hash).update(owner).update(dnskey).digest();
  return Buffer.concat([Buffer.of(tag >> 8, tag & 0xff, dnskey[3]!, digestType.number), digest]);
}

/** CDS that asks the parent to take its DS records away (RFC 8078 section 4). */
export const CDS_DELETE: Buffer = Buffer.of(0, 0, 0, 0, 0);
/** The same as CDNSKEY. */
export const CDNSKEY_DELETE: Buffer = Buffer.of(0, 0, 3, 0, 0);

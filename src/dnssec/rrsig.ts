/**
 * Owns signatures over RRsets: what is signed, and the rdata of RRSIG records (RFC 4034 section 3). Which sets are signed, by
 * which keys and for how long is for others to say.
 */
import type { KeyObject } from 'node:crypto';
import { Class } from '../zonebuilder/dns.ts';
import { lowerWireName } from '../zonebuilder/names.ts';
import { signOctets, verifyOctets, type Algorithm } from './algorithms.ts';
import { canonicalRdatas, countLabels } from './canonical.ts';

/** Records of one name and type. */
export interface Rrset {
  /** Wire form with root label, in any case. Of what a wildcard expands to: the wildcard's own name. */
  readonly owner: Uint8Array;
  readonly type: number;
  /** The TTL that the server of the zone gives, in seconds; what is left of it in a cache does not count. */
  readonly ttlSeconds: number;
  /** Uncompressed, in any order. */
  readonly rdatas: readonly Buffer[];
}

/** A key that signs. */
export interface SigningKey {
  readonly algorithm: Algorithm;
  /** Of its DNSKEY record, 0 to 65535. */
  readonly tag: number;
  /** Goes to other threads as it is, with `postMessage`. */
  readonly privateKey: KeyObject;
}

/** Who signs, and from when to when the signature holds. */
export interface Signer {
  /** The zone's name in lower-case wire form with root label. */
  readonly zone: Uint8Array;
  readonly key: SigningKey;
  /** In seconds since the epoch, both ends included; the wire carries them modulo 2^32 (RFC 4034 section 3.1.5). */
  readonly inceptionSeconds: number;
  readonly expirationSeconds: number;
}

/** Octets of RRSIG rdata in front of the signer's name. */
const FIXED_OCTETS = 18;

/** The rdata of an RRSIG record over an RRset. Blocks for some ten microseconds. */
export function signRrset(rrset: Rrset, signer: Signer): Buffer {
  const head = rrsigHead(rrset, signer);
  const { algorithm, privateKey } = signer.key;
  return Buffer.concat([head, signOctets(algorithm, privateKey, signedOctets(rrset, head))]);
}

/** Whether RRSIG rdata holds for an RRset under a key. Its time is not looked at. */
export function verifyRrset(
  rrset: Rrset,
  rrsig: Buffer,
  key: { readonly algorithm: Algorithm; readonly key: KeyObject },
): boolean {
  const { signatureOctets } = key.algorithm;
  const head = rrsig.subarray(0, rrsig.length - signatureOctets);
  const signature = rrsig.subarray(rrsig.length - signatureOctets);
  return verifyOctets(key.algorithm, key.key, { octets: signedOctets(rrset, head), signature });
}

/** RRSIG rdata without its signature (RFC 4034 section 3.1). */
export function rrsigHead(rrset: Rrset, { zone, key, inceptionSeconds, expirationSeconds }: Signer): Buffer {
  const head = Buffer.alloc(FIXED_OCTETS + zone.length);
  head.writeUInt16BE(rrset.type, 0);
  head[2] = key.algorithm.number;
  head[3] = countLabels(rrset.owner);
  head.writeUInt32BE(rrset.ttlSeconds, 4);
  head.writeUInt32BE(expirationSeconds % 2 ** 32, 8);
  head.writeUInt32BE(inceptionSeconds % 2 ** 32, 12);
  head.writeUInt16BE(key.tag, 16);
  head.set(zone, FIXED_OCTETS);
  return head;
}

/** What a signature is over: the head, then each record in canonical form and order (RFC 4034 section 3.1.8.1). */
export function signedOctets(rrset: Rrset, head: Uint8Array): Buffer {
  const owner = lowerWireName(Buffer.from(rrset.owner));
  const fixed = Buffer.alloc(8);
  fixed.writeUInt16BE(rrset.type, 0);
  fixed.writeUInt16BE(Class.IN, 2);
  fixed.writeUInt32BE(rrset.ttlSeconds, 4);
  const parts: Uint8Array[] = [head];
  for (const rdata of canonicalRdatas(rrset.type, rrset.rdatas))
    parts.push(owner, fixed, Buffer.of(rdata.length >> 8, rdata.length & 0xff), rdata);
  return Buffer.concat(parts);
}

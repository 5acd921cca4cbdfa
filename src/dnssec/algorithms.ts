/**
 * Owns the algorithms that fedns signs with: one table of what DNS and node:crypto call them, and how keys and signatures
 * look on the wire. The two that RFC 9904 recommends for signing and that every validator of today knows.
 */
import {
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
  type SigningOptions,
} from 'node:crypto';

/** What is known of one algorithm. */
export interface Algorithm {
  /** IANA's number (DNS Security Algorithm Numbers). */
  readonly number: number;
  readonly mnemonic: AlgorithmName;
  /** Octets of the public key in a DNSKEY record. */
  readonly publicKeyOctets: number;
  /** Octets of a signature in an RRSIG record. */
  readonly signatureOctets: number;
  /** The digest that node:crypto is told; null: the algorithm has its own. */
  readonly digest: string | null;
  readonly generate: () => KeyObject;
  /** Whether a key is of this kind. */
  readonly fits: (key: KeyObject) => boolean;
  /** Where DER's SubjectPublicKeyInfo keeps the octets that DNS publishes, behind what is the same for each key. */
  readonly spkiHead: Buffer;
}

export const ALGORITHM_NAMES = ['ECDSAP256SHA256', 'ED25519'] as const;
export type AlgorithmName = (typeof ALGORITHM_NAMES)[number];

export const ALGORITHMS: Readonly<Record<AlgorithmName, Algorithm>> = {
  // RFC 6605 section 4: the uncompressed point without its first octet, and R | S, each 32 octets.
  ECDSAP256SHA256: {
    number: 13,
    mnemonic: 'ECDSAP256SHA256',
    publicKeyOctets: 64,
    signatureOctets: 64,
    digest: 'sha256',
    generate: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
    fits: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1',
    spkiHead: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
  },
  // RFC 8080 sections 3 and 4: as RFC 8032 has them.
  ED25519: {
    number: 15,
    mnemonic: 'ED25519',
    publicKeyOctets: 32,
    signatureOctets: 64,
    digest: null,
    generate: () => generateKeyPairSync('ed25519').privateKey,
    fits: (key) => key.asymmetricKeyType === 'ed25519',
    spkiHead: Buffer.from('302a300506032b6570032100', 'hex'),
  },
};

/** The algorithm with a number; undefined: none that fedns signs with. */
export function algorithmOf(number: number): Algorithm | undefined {
  return Object.values(ALGORITHMS).find((algorithm) => algorithm.number === number);
}

/** The algorithm that a private key is for; undefined: none that fedns signs with. */
export function algorithmFor(key: KeyObject): Algorithm | undefined {
  return Object.values(ALGORITHMS).find(({ fits }) => fits(key));
}

/** The public half of a key as DNSKEY records carry it. */
export function publicKeyOctets(algorithm: Algorithm, key: KeyObject): Buffer {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(algorithm.spkiHead.length);
}

/** The key that a DNSKEY record carries. Throws where the octets are no point of the curve. */
export function publicKeyFrom(algorithm: Algorithm, octets: Uint8Array): KeyObject {
  const key = Buffer.concat([algorithm.spkiHead, octets]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** The signature over octets, as an RRSIG record carries it. Blocks for some ten microseconds. */
export function signOctets(algorithm: Algorithm, privateKey: KeyObject, octets: Uint8Array): Buffer {
  return sign(algorithm.digest, octets, inDnsForm(privateKey));
}

/** Whether a signature is right. */
export function verifyOctets(
  algorithm: Algorithm,
  publicKey: KeyObject,
  { octets, signature }: { readonly octets: Uint8Array; readonly signature: Uint8Array },
): boolean {
  if (signature.length !== algorithm.signatureOctets) return false;
  return verify(algorithm.digest, octets, inDnsForm(publicKey), signature);
}

/** DNS takes R and S as they are, DER is what OpenSSL makes of ECDSA otherwise; Ed25519 does not look at it. */
function inDnsForm(key: KeyObject): SigningOptions & { readonly key: KeyObject } {
  return { key, dsaEncoding: 'ieee-p1363' };
}

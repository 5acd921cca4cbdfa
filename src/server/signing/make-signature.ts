/** Makes signatures, in signers alone: each blocks its thread for some 35 µs, as long as fifteen answers. */
import { algorithmOf } from '../../dnssec/algorithms.ts';
import { signRrset, type Rrset } from '../../dnssec/rrsig.ts';
import { SIGNATURE_OCTETS, type NewSignature } from './signatures.ts';
import type { SignatureTimes, SigningKey } from './settings.ts';

/** From half to three quarters of its time on, a signature is made anew: by chance, so that not all are at once. */
const REFRESH_FROM = 0.5;
const REFRESH_SPREAD = 0.25;

/**
 * Signs an RRset.
 *
 * @param zone - the domain in lower-case wire form
 * @param random - a uniform number in [0, 1)
 * @throws Error when the key is not one to sign with
 */
export function makeSignature(
  rrset: Rrset,
  zone: Uint8Array,
  key: SigningKey,
  times: SignatureTimes,
  nowSeconds: number,
  random: () => number = Math.random,
): NewSignature {
  const algorithm = algorithmOf(key.algorithm);
  if (algorithm === undefined || key.privateKey === undefined)
    throw new Error(`key ${key.keyTag} cannot sign here`);
  const inception = nowSeconds - times.inceptionMarginSeconds;
  const expiration = nowSeconds + times.validitySeconds - Math.floor(random() * times.jitterSeconds);
  const rdata = signRrset(rrset, {
    zone,
    key: { algorithm, tag: key.keyTag, privateKey: key.privateKey },
    inceptionSeconds: inception,
    expirationSeconds: expiration,
  });
  const share = REFRESH_FROM + random() * REFRESH_SPREAD;
  return {
    key: key.id,
    inception,
    expiration,
    refresh: nowSeconds + Math.floor((expiration - nowSeconds) * share),
    octets: rdata.subarray(rdata.length - SIGNATURE_OCTETS),
  };
}

/**
 * Who goes first among clusters of equal weight: the lower hash of the cluster's name with the object's. By name alone, the
 * first in the alphabet would run every single replica of every object.
 */

const OFFSET = 2_166_136_261;
const PRIME = 16_777_619;

/**
 * FNV-1, 32 bits: multiply, then xor. Name and key are joined without a separator, as Federation v1 did.
 *
 * @param cluster - its name
 * @param key - `namespace/name` of the object
 */
export function tieHash(cluster: string, key: string): number {
  let hash = OFFSET;
  for (const octet of Buffer.from(cluster + key, 'utf8')) hash = (Math.imul(hash, PRIME) ^ octet) >>> 0;
  return hash;
}

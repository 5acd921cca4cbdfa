/** The hash of the image's tables, the same for the writer and the readers. */

/**
 * Hashes octets `start` to `end` (exclusive): FNV-1a, then the finish of MurmurHash3, since short names that differ
 * in their last octet must not land side by side.
 *
 * @returns a signed 32-bit integer, never 0
 */
export function hashOctets(octets: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ octets[i]!, 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}

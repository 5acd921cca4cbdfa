/** The hash of the image's tables, the same for the writer and the readers. */
import { tailOctets } from './octets.ts';

/**
 * Hashes octets `start` to `end` (exclusive), MurmurHash3 for 32 bits: four octets a step, at any alignment.
 *
 * @returns a signed 32-bit integer, never 0
 */
export function hashOctets(octets: DataView, start: number, end: number, seed: number): number {
  let hash = seed;
  const words = end - 4;
  for (let at = start; at <= words; at += 4) {
    hash ^= scramble(octets.getInt32(at, true));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash ^= scramble(tailOctets(octets, start, end)) ^ (end - start);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}

/** {@link hashOctets} of a whole key, for the writer. */
export function hashKey(key: Uint8Array, seed: number): number {
  return hashOctets(new DataView(key.buffer, key.byteOffset, key.length), 0, key.length, seed);
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

/**
 * The tag of an RRset: a keyed hash of its owner, type, TTL and data, by which its signature is found. Who changes answers does not
 * know the key, so nobody can make one RRset pass for another.
 *
 * The hash is HalfSipHash (Aumasson and Bernstein) with one round a word and three at the end, as hash tables use SipHash, and
 * with 64 bits of result. Content is put together in one buffer first: a hash in one loop keeps its state in registers.
 */
import { copyOctets, tailOctets } from '../../zonebuilder/octets.ts';
import { Head, type Signatures } from './signatures.ts';

/** The longest message, its owner name once more in full, and the numbers in front. */
const CONTENT_OCTETS_MAX = 65_535 + 255 + 64;
const content = new DataView(new ArrayBuffer(CONTENT_OCTETS_MAX));
let end = 0;

/** The tag of what was begun last, as {@link endContent} left it. */
export const tag = { low: 0, high: 0 };

/** Begins with what stands in front of the data. */
export function beginContent(type: number, count: number, ttlSeconds: number): void {
  content.setInt32(0, (type << 16) | (count & 0xffff), true);
  content.setInt32(4, ttlSeconds, true);
  end = 8;
}

/** Adds octets, behind their number: two runs are not one run of the same octets. */
export function addContent(octets: DataView, start: number, length: number): void {
  content.setUint16(end, length, true);
  end = copyOctets(content, end + 2, octets, start, length);
}

/** Leaves the tag in {@link tag}. */
export function endContent({ words }: Signatures): void {
  const k0 = words[Head.secret]!;
  const k1 = words[Head.secret + 1]!;
  let v0 = k0;
  let v1 = k1 ^ 0xee;
  let v2 = k0 ^ 0x6c796765;
  let v3 = k1 ^ 0x74656462;
  const last = end - 4;
  for (let at = 0; ; at += 4) {
    const isLast = at > last;
    const word = isLast ? tailOctets(content, 0, end) | (end << 24) : content.getInt32(at, true);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (isLast) break;
  }
  v2 ^= 0xee;
  for (let round = 0; round < 6; round++) {
    if (round === 3) {
      tag.low = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  tag.high = v1 ^ v3;
}

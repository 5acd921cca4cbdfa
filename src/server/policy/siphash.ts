/**
 * SipHash-2-4 (Aumasson and Bernstein) with a 64-bit result, over pairs of 32-bit words: no BigInt and no allocation,
 * because it runs once per query that carries a DNS cookie. What is hashed, and under which secret, is decided in
 * cookies.ts.
 *
 * A 64-bit word `v` is kept as its low half `vl` and its high half `vh`, both signed 32-bit.
 */

/** Octets of a SipHash key. */
export const SIPHASH_KEY_OCTETS = 16;

/** Result of the last {@link sipHash24}: word 0 is the low half, word 1 the high half. */
export const sipDigest = new Int32Array(2);

/** The state: v0 low, v0 high, v1 low, … v3 high. */
const v = new Int32Array(8);

/**
 * Hashes `length` octets of `data` from `start`; the result is left in {@link sipDigest}.
 *
 * @param key - holds the 16 octets of the key from `keyStart`
 */
export function sipHash24(
  key: Uint8Array,
  keyStart: number,
  data: Uint8Array,
  start: number,
  length: number,
): void {
  initialize(key, keyStart);
  const end = start + (length & ~7);
  for (let pos = start; pos < end; pos += 8) compress(word(data, pos), word(data, pos + 4));
  const last = lastBlock(data, end, length & 7);
  compress(last, (length << 24) | lastHigh(data, end, length & 7));
  finish();
}

/** Writes {@link sipDigest} as 8 octets, least significant first, as the reference implementation does. */
export function writeSipDigest(out: Uint8Array, start: number): void {
  for (let i = 0; i < 8; i++) out[start + i] = sipDigest[i >> 2]! >>> ((i & 3) * 8);
}

function initialize(key: Uint8Array, keyStart: number): void {
  const k0l = word(key, keyStart);
  const k0h = word(key, keyStart + 4);
  const k1l = word(key, keyStart + 8);
  const k1h = word(key, keyStart + 12);
  // The constants spell "somepseudorandomlygeneratedbytes".
  v[0] = k0l ^ 0x70736575;
  v[1] = k0h ^ 0x736f6d65;
  v[2] = k1l ^ 0x6e646f6d;
  v[3] = k1h ^ 0x646f7261;
  v[4] = k0l ^ 0x6e657261;
  v[5] = k0h ^ 0x6c796765;
  v[6] = k1l ^ 0x79746573;
  v[7] = k1h ^ 0x74656462;
}

/** Mixes one 64-bit word of the message into the state: two rounds. */
function compress(low: number, high: number): void {
  v[6] = v[6]! ^ low;
  v[7] = v[7]! ^ high;
  rounds(2);
  v[0] = v[0]! ^ low;
  v[1] = v[1]! ^ high;
}

/** Four rounds, then all four words together. */
function finish(): void {
  v[4] = v[4]! ^ 0xff;
  rounds(4);
  sipDigest[0] = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
  sipDigest[1] = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
}

/**
 * `count` SipRounds. Written out on locals: a 64-bit addition is two 32-bit ones with the carry taken from an unsigned
 * comparison, a rotation by 32 swaps the halves.
 */
function rounds(count: number): void {
  let v0l = v[0]!;
  let v0h = v[1]!;
  let v1l = v[2]!;
  let v1h = v[3]!;
  let v2l = v[4]!;
  let v2h = v[5]!;
  let v3l = v[6]!;
  let v3h = v[7]!;
  let t = 0;
  for (let round = 0; round < count; round++) {
    // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
    t = (v0l + v1l) | 0;
    v0h = (v0h + v1h + (t >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
    v0l = t;
    t = (v1l << 13) | (v1h >>> 19);
    v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
    v1l = t ^ v0l;
    t = v0l;
    v0l = v0h;
    v0h = t;
    // v2 += v3; v3 = rotl(v3, 16) ^ v2
    t = (v2l + v3l) | 0;
    v2h = (v2h + v3h + (t >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
    v2l = t;
    t = (v3l << 16) | (v3h >>> 16);
    v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
    v3l = t ^ v2l;
    // v0 += v3; v3 = rotl(v3, 21) ^ v0
    t = (v0l + v3l) | 0;
    v0h = (v0h + v3h + (t >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
    v0l = t;
    t = (v3l << 21) | (v3h >>> 11);
    v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
    v3l = t ^ v0l;
    // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
    t = (v2l + v1l) | 0;
    v2h = (v2h + v1h + (t >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
    v2l = t;
    t = (v1l << 17) | (v1h >>> 15);
    v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
    v1l = t ^ v2l;
    t = v2l;
    v2l = v2h;
    v2h = t;
  }
  v[0] = v0l;
  v[1] = v0h;
  v[2] = v1l;
  v[3] = v1h;
  v[4] = v2l;
  v[5] = v2h;
  v[6] = v3l;
  v[7] = v3h;
}

/** Four octets, least significant first. */
function word(data: Uint8Array, pos: number): number {
  return data[pos]! | (data[pos + 1]! << 8) | (data[pos + 2]! << 16) | (data[pos + 3]! << 24);
}

/** The low half of the last block: up to four of the `count` octets left. */
function lastBlock(data: Uint8Array, pos: number, count: number): number {
  let low = 0;
  for (let i = 0; i < count && i < 4; i++) low |= data[pos + i]! << (i * 8);
  return low;
}

/** The high half of the last block without its length octet: octets four to six of the `count` left. */
function lastHigh(data: Uint8Array, pos: number, count: number): number {
  let high = 0;
  for (let i = 4; i < count; i++) high |= data[pos + i]! << ((i - 4) * 8);
  return high;
}

/**
 * Signatures in memory that all threads share: signers write, workers read. Owns the layout, look-ups, and which signature gives
 * way to a new one; what is signed is content.ts, and who signs sign.ts.
 *
 * ```
 *  head │ set of 4 entries │ set of 4 entries │ …        an entry: tag of the RRset, key, times, 64 octets of signature
 * ```
 *
 * A signature is found by what it covers: the tag is a keyed hash of owner, type, TTL and data. So an RRset that changes leaves
 * its signature behind in the same moment, one that comes back finds it again, and nothing has to be told when a blob of
 * the image is replaced. What nobody asks for any more gives way.
 *
 * An entry that is being written has an odd version; a reader that saw another version behind its copy has read nothing.
 */
import { randomFillSync } from 'node:crypto';

/** Octets of a signature by ECDSA P-256 (RFC 6605 section 4) or Ed25519 (RFC 8080 section 4). */
export const SIGNATURE_OCTETS = 64;

/** Words of the head: entries' sets minus one, the secret of the tags, and the newest serial whose SOA was signed. */
export const Head = { mask: 0, secret: 1, soaSerial: 3, soaSigned: 4 } as const;
const HEAD_WORDS = 16;

/** Words of an entry. Times are seconds since 1970, modulo 2^32. */
export const Entry = {
  version: 0,
  tagLow: 1,
  tagHigh: 2,
  key: 3,
  inception: 4,
  expiration: 5,
  /** From then on another one is made before it is needed. */
  refresh: 6,
  /** When it was last found, to the second. */
  used: 7,
  signature: 8,
} as const;
export const ENTRY_WORDS = Entry.signature + SIGNATURE_OCTETS / 4;
const WAYS = 4;
const SET_WORDS = WAYS * ENTRY_WORDS;

/** One thread's view of the signatures. */
export interface Signatures {
  readonly words: Int32Array;
  readonly data: DataView;
}

/** Octets of memory for so many signatures, rounded up to a power of two. */
export function signatureOctets(signatures: number): number {
  return (HEAD_WORDS + setsFor(signatures) * SET_WORDS) * 4;
}

function setsFor(signatures: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(signatures, WAYS) / WAYS));
}

/** Shared memory for signatures. */
export function createSignatures(signatures: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(signatureOctets(signatures));
  const words = new Int32Array(memory);
  words[Head.mask] = setsFor(signatures) - 1;
  words.set(randomFillSync(new Int32Array(2)), Head.secret);
  return memory;
}

export function openSignatures(memory: SharedArrayBuffer): Signatures {
  return { words: new Int32Array(memory), data: new DataView(memory) };
}

/**
 * Finds a signature.
 *
 * @param key - identifies the key that made it
 * @returns the word where its entry begins, 0 when there is none
 */
export function findSignature({ words }: Signatures, tagLow: number, tagHigh: number, key: number): number {
  const first = HEAD_WORDS + (tagLow & words[Head.mask]!) * SET_WORDS;
  for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
    if (
      words[at + Entry.tagLow] === tagLow &&
      words[at + Entry.tagHigh] === tagHigh &&
      words[at + Entry.key] === key
    )
      return at;
  }
  return 0;
}

/** The version of an entry, to be taken before anything of it is read; odd: it is being written. */
export function versionOf({ words }: Signatures, entry: number): number {
  return Atomics.load(words, entry + Entry.version);
}

/** Notes that a signature was of use. */
export function touch({ words }: Signatures, entry: number, nowSeconds: number): void {
  if (words[entry + Entry.used] !== (nowSeconds | 0)) words[entry + Entry.used] = nowSeconds;
}

/** A signature as it is made. Times in seconds since 1970. */
export interface NewSignature {
  readonly key: number;
  readonly inception: number;
  readonly expiration: number;
  readonly refresh: number;
  readonly octets: Uint8Array;
}

/** Keeps a signature in place of the one for the same content, or the one of its set that was of no use for longest. */
export function keepSignature(
  { words, data }: Signatures,
  tagLow: number,
  tagHigh: number,
  made: NewSignature,
  nowSeconds: number,
): void {
  const at = placeFor(words, tagLow, tagHigh, made.key, nowSeconds);
  const version = words[at + Entry.version]!;
  // Another signer is at it: one of the two is enough, and which does not matter.
  if (
    (version & 1) !== 0 ||
    Atomics.compareExchange(words, at + Entry.version, version, version + 1) !== version
  )
    return;
  words[at + Entry.tagLow] = tagLow;
  words[at + Entry.tagHigh] = tagHigh;
  words[at + Entry.key] = made.key;
  words[at + Entry.inception] = made.inception;
  words[at + Entry.expiration] = made.expiration;
  words[at + Entry.refresh] = made.refresh;
  words[at + Entry.used] = nowSeconds;
  for (let i = 0; i < SIGNATURE_OCTETS; i++) data.setUint8((at + Entry.signature) * 4 + i, made.octets[i]!);
  Atomics.store(words, at + Entry.version, version + 2);
}

function placeFor(
  words: Int32Array,
  tagLow: number,
  tagHigh: number,
  key: number,
  nowSeconds: number,
): number {
  const first = HEAD_WORDS + (tagLow & words[Head.mask]!) * SET_WORDS;
  let oldest = first;
  for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
    if (
      words[at + Entry.tagLow] === tagLow &&
      words[at + Entry.tagHigh] === tagHigh &&
      words[at + Entry.key] === key
    )
      return at;
    if (ageSeconds(words, at, nowSeconds) > ageSeconds(words, oldest, nowSeconds)) oldest = at;
  }
  return oldest;
}

function ageSeconds(words: Int32Array, at: number, nowSeconds: number): number {
  return words[at + Entry.key] === 0 ? Infinity : (nowSeconds - words[at + Entry.used]!) | 0;
}

/** How many entries hold a signature. Walks all of them: for a scrape. */
export function countSignatures({ words }: Signatures): number {
  let count = 0;
  for (let at = HEAD_WORDS; at < words.length; at += ENTRY_WORDS) if (words[at + Entry.key] !== 0) count++;
  return count;
}

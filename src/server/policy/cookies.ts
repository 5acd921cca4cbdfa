/**
 * DNS cookies (RFC 7873) in the interoperable form of RFC 9018: makes and verifies server cookies. Which clients must
 * show one, and what they are exempt from when they do, is decided where queries are answered.
 *
 * The secrets lie in shared memory, so that any worker knows a cookie that another one made. Replicas behind one
 * address read the same secrets from a file.
 */
import { randomFillSync } from 'node:crypto';
import { SIPHASH_KEY_OCTETS, sipHash24, writeSipDigest } from './siphash.ts';

/** Octets of a client cookie (RFC 7873 section 4). */
export const CLIENT_COOKIE_OCTETS = 8;
/** Octets of a server cookie as RFC 9018 section 4 makes it. */
export const SERVER_COOKIE_OCTETS = 16;
/** Octets of a COOKIE option's data in a reply. */
export const COOKIE_OCTETS = CLIENT_COOKIE_OCTETS + SERVER_COOKIE_OCTETS;
/** A server cookie of any server has 8 to 32 octets (RFC 7873 section 4.2), so the option has 8, or 16 to 40. */
const COOKIE_OCTETS_MAX = 40;

const VERSION = 1;
/** RFC 9018 section 4.3: older cookies are refused, */
const ACCEPTED_SECONDS = 3600;
/** those from further ahead too, */
const AHEAD_SECONDS = 300;
/** and those older than this are accepted, but answered with a new one. */
const RENEWED_SECONDS = 1800;

/** What a COOKIE option is worth. */
export const CookieVerdict = {
  /** Of a length that RFC 7873 section 5.2.2 forbids: FORMERR. */
  malformed: 0,
  /** A client cookie alone, or with a server cookie that is not ours or too old. */
  unproven: 1,
  /** A server cookie of ours for this client: its address is no forgery. */
  valid: 2,
  /** As `valid`, and half its time is over: the reply carries a new one. */
  aging: 3,
} as const;
export type CookieVerdict = (typeof CookieVerdict)[keyof typeof CookieVerdict];

/**
 * Secrets are written to a ring, and `current` then moves on to them: a worker that still reads the current or the
 * previous secret is not disturbed, and would have to sleep through two rolls to read one half-written.
 */
const SLOTS = 4;
const HEADER_OCTETS = 4;

/** The secrets, current and previous. Cheap views of shared memory; each worker makes its own. */
export interface CookieSecrets {
  readonly memory: SharedArrayBuffer;
  readonly current: Int32Array;
  readonly octets: Uint8Array;
}

/** What is hashed: client cookie, version, reserved, timestamp, client address (RFC 9018 section 4.4). */
const hashed = new Uint8Array(CLIENT_COOKIE_OCTETS + 8 + 16);
const digest = new Uint8Array(8);

/** Shared memory for the secrets, with random ones in it. */
export function createCookieMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_OCTETS + SLOTS * SIPHASH_KEY_OCTETS);
  const octets = new Uint8Array(memory, HEADER_OCTETS);
  octets.set(randomFillSync(new Uint8Array(octets.length)));
  return memory;
}

/** A worker's view of {@link createCookieMemory}'s result. */
export function openCookieSecrets(memory: SharedArrayBuffer): CookieSecrets {
  return {
    memory,
    current: new Int32Array(memory, 0, 1),
    octets: new Uint8Array(memory, HEADER_OCTETS),
  };
}

/**
 * Makes `secret` the current one and the current one the previous. Cookies under the previous secret stay valid, so
 * rolls must be at least an hour apart for no client to notice (RFC 9018 section 5).
 *
 * @param secret - 16 octets that nobody can guess
 */
export function rollCookieSecret(secrets: CookieSecrets, secret: Uint8Array): void {
  const next = (Atomics.load(secrets.current, 0) + 1) % SLOTS;
  secrets.octets.set(secret.subarray(0, SIPHASH_KEY_OCTETS), next * SIPHASH_KEY_OCTETS);
  Atomics.store(secrets.current, 0, next);
}

/**
 * Judges the data of a COOKIE option. Allocates nothing and throws nothing.
 *
 * @param query - holds the option's data at `start`, `length` octets
 * @param client - holds the client's address at `clientStart`: 4 or 16 octets
 * @param nowSeconds - seconds since 1970
 */
export function verifyCookie(
  secrets: CookieSecrets,
  query: Uint8Array,
  start: number,
  length: number,
  client: Uint8Array,
  clientStart: number,
  clientLength: number,
  nowSeconds: number,
): CookieVerdict {
  if (length === CLIENT_COOKIE_OCTETS) return CookieVerdict.unproven;
  if (length < 2 * CLIENT_COOKIE_OCTETS || length > COOKIE_OCTETS_MAX) return CookieVerdict.malformed;
  if (length !== COOKIE_OCTETS || query[start + 8] !== VERSION) return CookieVerdict.unproven;
  // Serial arithmetic (RFC 9018 section 4.3): the 32-bit clock wraps in 2106.
  const ageSeconds = (nowSeconds - readUint32(query, start + 12)) | 0;
  if (ageSeconds > ACCEPTED_SECONDS || ageSeconds < -AHEAD_SECONDS) return CookieVerdict.unproven;
  const hashedLength = fillHashed(query, start, client, clientStart, clientLength);
  if (!matchesSecret(secrets, 0, hashedLength, query, start + 16)) {
    // A cookie under the previous secret is good, and is renewed at once, before that secret goes.
    if (!matchesSecret(secrets, 1, hashedLength, query, start + 16)) return CookieVerdict.unproven;
    return CookieVerdict.aging;
  }
  return ageSeconds > RENEWED_SECONDS ? CookieVerdict.aging : CookieVerdict.valid;
}

/**
 * Writes the data of a reply's COOKIE option, {@link COOKIE_OCTETS} octets: the client's cookie and a new server cookie.
 *
 * @param query - holds the client cookie at `start`
 */
export function writeCookie(
  secrets: CookieSecrets,
  query: Uint8Array,
  start: number,
  client: Uint8Array,
  clientStart: number,
  clientLength: number,
  nowSeconds: number,
  reply: Uint8Array,
  replyStart: number,
): void {
  for (let i = 0; i < CLIENT_COOKIE_OCTETS; i++) reply[replyStart + i] = query[start + i]!;
  reply[replyStart + 8] = VERSION;
  // RFC 9018 section 4.2: reserved octets are sent as zero.
  for (let i = 9; i < 12; i++) reply[replyStart + i] = 0;
  for (let i = 0; i < 4; i++) reply[replyStart + 12 + i] = nowSeconds >>> (24 - 8 * i);
  const hashedLength = fillHashed(reply, replyStart, client, clientStart, clientLength);
  hashUnder(secrets, 0, hashedLength);
  for (let i = 0; i < 8; i++) reply[replyStart + 16 + i] = digest[i]!;
}

/** Copies what the hash covers to {@link hashed}. @returns its length in octets */
function fillHashed(
  cookie: Uint8Array,
  start: number,
  client: Uint8Array,
  clientStart: number,
  clientLength: number,
): number {
  // RFC 9018 section 4.1: the reserved octets are hashed as they came.
  for (let i = 0; i < 16; i++) hashed[i] = cookie[start + i]!;
  for (let i = 0; i < clientLength; i++) hashed[16 + i] = client[clientStart + i]!;
  return 16 + clientLength;
}

/** Hashes {@link hashed} under the current secret, or the one `back` rolls before it, to {@link digest}. */
function hashUnder(secrets: CookieSecrets, back: number, length: number): void {
  const slot = (Atomics.load(secrets.current, 0) + SLOTS - back) % SLOTS;
  sipHash24(secrets.octets, slot * SIPHASH_KEY_OCTETS, hashed, 0, length);
  writeSipDigest(digest, 0);
}

function matchesSecret(
  secrets: CookieSecrets,
  back: number,
  length: number,
  cookie: Uint8Array,
  start: number,
): boolean {
  hashUnder(secrets, back, length);
  // All octets are compared, so that the time taken does not tell how many were right.
  let difference = 0;
  for (let i = 0; i < 8; i++) difference |= digest[i]! ^ cookie[start + i]!;
  return difference === 0;
}

function readUint32(octets: Uint8Array, pos: number): number {
  return (octets[pos]! << 24) | (octets[pos + 1]! << 16) | (octets[pos + 2]! << 8) | octets[pos + 3]!;
}

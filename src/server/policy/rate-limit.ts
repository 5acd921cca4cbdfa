/**
 * Response rate limiting: how many alike replies a client network gets over UDP in a second, so that queries with a
 * forged source cannot turn this server against the owner of that address. The caller says which replies are not
 * counted at all (over TCP, to a valid cookie); exempt networks are known here.
 *
 * The state is one table of fixed size, shared by the workers. They read and write it without locks: a lost update
 * counts one reply too few. A flood of forged networks overwrites the entries that were longest unused and grows nothing.
 */
import { randomFillSync } from 'node:crypto';
import type { RateLimitSettings } from '../../config/settings.ts';
import { compileNetworks, containsAddress, type NetworkSet } from './access.ts';

/** What is alike among replies. All but answers are counted per client network alone, whatever the names. */
export const ReplyClass = {
  /** Records of the name asked for, counted per owner name: of a wildcard, the wildcard's own name. */
  answer: 0,
  nodata: 1,
  nxdomain: 2,
  referral: 3,
  error: 4,
} as const;
export type ReplyClass = (typeof ReplyClass)[keyof typeof ReplyClass];

/** What becomes of a reply. */
export const RateVerdict = {
  send: 0,
  drop: 1,
  /** Send an empty reply with TC set: a real client comes back over TCP, which cannot be forged. */
  slip: 2,
} as const;
export type RateVerdict = (typeof RateVerdict)[keyof typeof RateVerdict];

export interface RateLimiter {
  readonly table: Int32Array;
  /** Rate, and the balance's upper bound, in thousandths of a reply per second. */
  readonly perSecond: number;
  readonly windowSeconds: number;
  readonly slip: number;
  readonly exempt: NetworkSet;
}

/**
 * Entries in the table: 1 MiB. A /24 with five classes and a handful of names fills ten, so some six thousand busy
 * networks fit; a network that finds its entry overwritten starts anew.
 */
const ENTRIES = 65_536;
/** Entries that a key may stand in; the longest unused one gives way. */
const WAYS = 4;
const ENTRY_WORDS = 4;
/** Words of an entry: a second hash of the key, the time of the last change, the balance, replies limited so far. */
const TAG = 0;
const AT_MS = 1;
const BALANCE = 2;
const LIMITED = 3;
/** Words before the table: two secrets, so that nobody can choose networks that share an entry with another. */
const SEED_WORDS = 2;
/** The balance counts thousandths of a reply, so that it can be credited by the millisecond. */
const REPLY = 1000;

/** Shared memory for the table. */
export function createRateLimitMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((SEED_WORDS + ENTRIES * ENTRY_WORDS) * 4);
  new Int32Array(memory).set(randomFillSync(new Int32Array(SEED_WORDS)));
  return memory;
}

/**
 * A worker's view of {@link createRateLimitMemory}'s result.
 *
 * @throws NetworkError when an exempt network is none
 */
export function openRateLimiter(memory: SharedArrayBuffer, settings: RateLimitSettings): RateLimiter {
  return {
    table: new Int32Array(memory),
    perSecond: settings.perSecond,
    windowSeconds: settings.windowSeconds,
    slip: settings.slip,
    exempt: compileNetworks(settings.exempt),
  };
}

/**
 * Counts one reply and says what becomes of it. Allocates nothing.
 *
 * @param nameHash - what the owner name is told apart by, for {@link ReplyClass}.answer; else ignored
 * @param client - holds the client's address at `start`: 4 or 16 octets, the latter never v4-mapped
 * @param nowMs - milliseconds, of a clock that all workers share; a step back of over a minute forgives everything
 */
export function limitReply(
  limiter: RateLimiter,
  replyClass: ReplyClass,
  nameHash: number,
  client: Uint8Array,
  start: number,
  length: number,
  nowMs: number,
): RateVerdict {
  if (limiter.exempt.count > 0 && containsAddress(limiter.exempt, client, start, length))
    return RateVerdict.send;
  const entry = findEntry(limiter.table, replyClass, nameHash, client, start, length, nowMs | 0);
  const balance = charge(limiter, entry, nowMs | 0);
  return balance >= 0 ? RateVerdict.send : limitedVerdict(limiter, entry);
}

/** The word where the key's entry begins; a new entry has a full balance. */
function findEntry(
  table: Int32Array,
  replyClass: ReplyClass,
  nameHash: number,
  client: Uint8Array,
  start: number,
  length: number,
  nowMs: number,
): number {
  const high = prefixWord(client, start, length === 4 ? 3 : 4);
  // Three octets of IPv6 stay below 2^24, so that networks of the two families never meet.
  const low = length === 4 ? 1 << 24 : prefixWord(client, start + 4, 3);
  const rest = replyClass === ReplyClass.answer ? nameHash : -1 - replyClass;
  const place = mix(mix(mix(table[0]! ^ high) ^ low) ^ rest);
  const tag = mix(mix(mix(table[1]! ^ rest) ^ low) ^ high);
  const first = SEED_WORDS + (place & (ENTRIES / WAYS - 1)) * WAYS * ENTRY_WORDS;
  let oldest = first;
  for (let entry = first; entry < first + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
    if (table[entry + TAG] === tag) return entry;
    if (ageMs(table, entry, nowMs) > ageMs(table, oldest, nowMs)) oldest = entry;
  }
  table[oldest + TAG] = tag;
  table[oldest + AT_MS] = nowMs;
  table[oldest + BALANCE] = 0x7fffffff;
  table[oldest + LIMITED] = 0;
  return oldest;
}

/** Credits the time since the last reply and charges this one. @returns the balance; below zero: too many */
function charge(limiter: RateLimiter, entry: number, nowMs: number): number {
  const { table, perSecond, windowSeconds } = limiter;
  const fullAfterMs = (windowSeconds + 1) * 1000;
  const creditedMs = Math.min(ageMs(table, entry, nowMs), fullAfterMs);
  const credited = Math.min(table[entry + BALANCE]! + creditedMs * perSecond, perSecond * REPLY);
  const balance = Math.max(credited - REPLY, -windowSeconds * perSecond * REPLY);
  table[entry + AT_MS] = nowMs;
  table[entry + BALANCE] = balance;
  return balance;
}

function limitedVerdict({ table, slip }: RateLimiter, entry: number): RateVerdict {
  if (slip === 0) return RateVerdict.drop;
  const limited = (table[entry + LIMITED]! + 1) % slip;
  table[entry + LIMITED] = limited;
  return limited === 0 ? RateVerdict.slip : RateVerdict.drop;
}

/**
 * Milliseconds since an entry was last used. The clock is kept in 32 bits and wraps: what looks a little ahead was
 * written by another worker just now, what looks far ahead is more than 24 days old.
 */
function ageMs(table: Int32Array, entry: number, nowMs: number): number {
  const age = (nowMs - table[entry + AT_MS]!) | 0;
  if (age >= 0) return age;
  return age > -60_000 ? 0 : 0x7fffffff;
}

/** The first `count` octets, in one word. */
function prefixWord(octets: Uint8Array, pos: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word = (word << 8) | octets[pos + i]!;
  return word;
}

/** MurmurHash3's finalizer: every bit of the input changes half of the result's. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}

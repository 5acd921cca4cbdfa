/**
 * Sets of networks as flat tables, for the query path: who is answered, who is exempt from rate limiting. A set is
 * compiled once; asking it is a binary search over 32-bit words that allocates nothing.
 *
 * It means what `net.BlockList` means: IPv4 and IPv6 are one space, an IPv4 address being the v4-mapped `::ffff:a.b.c.d`,
 * so that `::/0` holds everything and a v4-mapped client is known by its IPv4 network.
 */
import { parseAddress } from '../../zonebuilder/ip-text.ts';

/**
 * The bounds of the networks, sorted, nested and adjoining ones merged: from an even bound up to the odd one after it
 * is inside. Each bound is one 128-bit number in four words; the last one may be 2^128, which is left out.
 */
export interface NetworkSet {
  readonly bounds: Uint32Array;
  /** Bounds in {@link bounds}. */
  readonly count: number;
  /**
   * Those within the v4-mapped addresses, as IPv4 addresses: most clients are found among few words of one. Their first bit is
   * turned over, so that they are in order as signed numbers, which V8 keeps without a box.
   */
  readonly bounds4: Int32Array;
  readonly count4: number;
  /** Bounds up to the first v4-mapped address. */
  readonly below4: number;
}

/** Who is answered: clients in `allow` (empty: all) and not in `deny`. */
export interface AccessTable {
  readonly allow: NetworkSet;
  readonly deny: NetworkSet;
}

/** A network text that is none. */
export class NetworkError extends Error {
  readonly code = 'BAD_NETWORK';

  constructor(text: string) {
    super(`"${text}" is no network: an address, or an address, a slash and a prefix length is expected`);
    this.name = 'NetworkError';
  }
}

const ADDRESS_BITS = 128;
/** Prefix length of the v4-mapped addresses in IPv6. */
const MAPPED_BITS = 96;
const END = 1n << 128n;
const FIRST_BIT = 1 << 31;
const MAPPED = 0xffffn << 32n;
const MAPPED_END = MAPPED + (1n << 32n);

/**
 * Compiles a list of networks. Control-plane code: it allocates.
 *
 * @param networks - CIDR text (`10.0.0.0/8`, `2001:db8::/32`) or plain addresses; bits beyond the prefix are ignored
 * @throws NetworkError when one of them is neither
 */
export function compileNetworks(networks: readonly string[]): NetworkSet {
  const merged = merge(networks.map(parseNetwork));
  const bounds = merged.flatMap(({ first, end }) => (end === END ? [first] : [first, end]));
  const words = new Uint32Array(bounds.length * 4);
  bounds.forEach((bound, i) => {
    for (let word = 0; word < 4; word++)
      words[i * 4 + word] = Number((bound >> BigInt(96 - word * 32)) & 0xffffffffn);
  });
  const bounds4 = bounds.filter((bound) => bound > MAPPED && bound < MAPPED_END);
  return {
    bounds: words,
    count: bounds.length,
    bounds4: Int32Array.from(bounds4, (bound) => Number(bound - MAPPED) ^ FIRST_BIT),
    count4: bounds4.length,
    below4: bounds.filter((bound) => bound <= MAPPED).length,
  };
}

/** Compiles both lists of an {@link AccessTable}. */
export function compileAccess(lists: { allow: readonly string[]; deny: readonly string[] }): AccessTable {
  return { allow: compileNetworks(lists.allow), deny: compileNetworks(lists.deny) };
}

/** Whether a client is to be answered. Allocates nothing. */
export function isAllowed(table: AccessTable, client: Uint8Array, start: number, length: number): boolean {
  if (table.deny.count > 0 && containsAddress(table.deny, client, start, length)) return false;
  return table.allow.count === 0 || containsAddress(table.allow, client, start, length);
}

/**
 * Whether an address lies in one of the networks. Allocates nothing.
 *
 * @param address - holds 4 octets of IPv4 or 16 of IPv6 at `start`
 */
export function containsAddress(
  set: NetworkSet,
  address: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (length === 4) return containsIpv4(set, address, start);
  const w0 = readUint32(address, start);
  const w1 = readUint32(address, start + 4);
  const w2 = readUint32(address, start + 8);
  const w3 = readUint32(address, start + 12);
  // Counts the bounds at or below the address: an odd count means inside.
  let low = 0;
  let high = set.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAbove(set.bounds, middle * 4, w0, w1, w2, w3)) high = middle;
    else low = middle + 1;
  }
  return (low & 1) === 1;
}

function containsIpv4(set: NetworkSet, address: Uint8Array, start: number): boolean {
  const { bounds4 } = set;
  const word = readInt32(address, start) ^ FIRST_BIT;
  let low = 0;
  let high = set.count4;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bounds4[middle]! > word) high = middle;
    else low = middle + 1;
  }
  return ((set.below4 + low) & 1) === 1;
}

/** Whether the bound at `at` is greater than the address of the four words. */
function isAbove(bounds: Uint32Array, at: number, w0: number, w1: number, w2: number, w3: number): boolean {
  if (bounds[at]! !== w0) return bounds[at]! > w0;
  if (bounds[at + 1]! !== w1) return bounds[at + 1]! > w1;
  if (bounds[at + 2]! !== w2) return bounds[at + 2]! > w2;
  return bounds[at + 3]! > w3;
}

function readUint32(octets: Uint8Array, pos: number): number {
  return readInt32(octets, pos) >>> 0;
}

function readInt32(octets: Uint8Array, pos: number): number {
  return (octets[pos]! << 24) | (octets[pos + 1]! << 16) | (octets[pos + 2]! << 8) | octets[pos + 3]!;
}

/** A half-open range of 128-bit addresses. */
interface Range {
  readonly first: bigint;
  readonly end: bigint;
}

function parseNetwork(text: string): Range {
  const slash = text.indexOf('/');
  const octets = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!octets) throw new NetworkError(text);
  const v4 = octets.length === 4;
  const prefix = slash < 0 ? octets.length * 8 : parsePrefix(text.slice(slash + 1), octets.length * 8);
  if (prefix === undefined) throw new NetworkError(text);
  const address = BigInt(`0x${octets.toString('hex')}`) | (v4 ? MAPPED : 0n);
  const hostBits = BigInt(ADDRESS_BITS - (v4 ? MAPPED_BITS + prefix : prefix));
  const first = (address >> hostBits) << hostBits;
  return { first, end: first + (1n << hostBits) };
}

function parsePrefix(text: string, max: number): number | undefined {
  return /^[0-9]{1,3}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

/** Sorts the ranges and joins those that overlap or touch. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: { first: bigint; end: bigint }[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const last = merged.at(-1);
    if (!last || range.first > last.end) merged.push({ ...range });
    else if (range.end > last.end) last.end = range.end;
  }
  return merged;
}

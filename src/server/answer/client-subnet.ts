/**
 * EDNS Client Subnet options (RFC 7871): one is read into numbers while the query is read, before a reply is written in its place,
 * and echoed from them. Whose subnet is believed, and what is answered to it, is decided elsewhere.
 */

/** EDNS option code. */
export const CLIENT_SUBNET = 8;
/** Octets before the address: family, source and scope prefix length. */
const FIXED_OCTETS = 4;

/** The option of one query, as numbers. */
export class ClientSubnet {
  /** 1 for IPv4, 2 for IPv6, 0 where it tells nothing: `dig +subnet=0` sends that, whatever the family would be. */
  family = 0;
  /** Source prefix length in bits. */
  source = 0;
  /** The address: one word of IPv4, four of IPv6, signed as all words on the query path are. The bits behind the prefix are 0. */
  readonly words = new Int32Array(4);
}

/**
 * Reads the option's data.
 *
 * @param at - where the data stand: they and the option's head before them lie within the query
 * @returns whether they obey RFC 7871 section 6: a known family, scope 0, as many octets of address as the source prefix
 *   needs, and zeros behind the prefix
 */
export function readSubnet(subnet: ClientSubnet, query: DataView, at: number, length: number): boolean {
  if (length < FIXED_OCTETS) return false;
  const head = query.getInt32(at);
  const family = head >>> 16;
  const source = (head >>> 8) & 0xff;
  const sourceMax = family === 1 ? 32 : family === 2 ? 128 : family === 0 ? 0 : -1;
  if ((head & 0xff) !== 0 || source > sourceMax || length !== FIXED_OCTETS + subnetOctets(source))
    return false;
  subnet.family = family;
  subnet.source = source;
  const { words } = subnet;
  if (family === 1) return (words[0] = wordAt(query, at + FIXED_OCTETS, source)) === cut(words[0]!, source);
  let isCut = true;
  for (let i = 0, bits = source; i < 4; i++, bits -= 32) {
    const word = wordAt(query, at + FIXED_OCTETS + i * 4, bits);
    words[i] = word;
    if (word !== cut(word, bits)) isCut = false;
  }
  return isCut;
}

/** Octets of the option without its head. */
export function subnetLength(subnet: ClientSubnet): number {
  return FIXED_OCTETS + subnetOctets(subnet.source);
}

/**
 * Writes the option as it was asked, with the scope that the answer holds for (RFC 7871 section 7.2.1).
 *
 * @returns the position behind it
 */
export function writeSubnet(reply: DataView, at: number, subnet: ClientSubnet, scope: number): number {
  const { family, source, words } = subnet;
  const octets = subnetOctets(source);
  reply.setInt32(at, (CLIENT_SUBNET << 16) | (FIXED_OCTETS + octets));
  reply.setInt32(at + 4, (family << 16) | (source << 8) | scope);
  const address = at + 8;
  if (octets <= 4) writeFirst(reply, address, words[0]!, octets);
  else for (let i = 0; i < octets; i += 4) writeFirst(reply, address + i, words[i >>> 2]!, octets - i);
  return address + octets;
}

/** Writes the first octets of a word, and no others: the reply may end behind them. */
function writeFirst(reply: DataView, at: number, word: number, octets: number): void {
  if (octets >= 4) return reply.setInt32(at, word);
  if (octets === 1) return reply.setInt8(at, word >>> 24);
  if (octets >= 2) reply.setInt16(at, word >>> 16);
  if (octets === 3) reply.setInt8(at + 2, word >>> 8);
}

function subnetOctets(source: number): number {
  return (source + 7) >>> 3;
}

/** The octets that so many bits need, as the first of a word. What stands before them belongs to the option, too. */
function wordAt(query: DataView, at: number, bits: number): number {
  if (bits > 24) return query.getInt32(at);
  if (bits <= 0) return 0;
  const octets = (bits + 7) >>> 3;
  return query.getInt32(at + octets - 4) << (32 - octets * 8);
}

/** A word without the bits behind the prefix. */
function cut(word: number, bits: number): number {
  return bits >= 32 ? word : bits <= 0 ? 0 : word & (-1 << (32 - bits));
}

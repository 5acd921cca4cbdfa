/**
 * The form of EDNS Client Subnet options (RFC 7871): whether one is well formed, and its echo in the reply. Whose subnet is
 * believed, and what is answered to it, is decided elsewhere.
 */
import { copyOctets } from '../../zonebuilder/octets.ts';

/** EDNS option code. */
export const CLIENT_SUBNET = 8;
/** Octets before the address: family, source and scope prefix length. */
const FIXED_OCTETS = 4;
/** Where the address stands, from the option's data. */
export const SUBNET_ADDRESS = FIXED_OCTETS;

/**
 * Whether the option's data obeys RFC 7871 section 6: a known family, scope 0, as many octets of address as the source
 * prefix needs, and zeros behind the prefix.
 */
export function isSubnetWellFormed(query: Uint8Array, at: number, length: number): boolean {
  if (length < FIXED_OCTETS || query[at + 3] !== 0) return false;
  const family = (query[at]! << 8) | query[at + 1]!;
  const source = query[at + 2]!;
  // `dig +subnet=0` sends family 0: nothing is told, whatever the family would be.
  const sourceMax = family === 1 ? 32 : family === 2 ? 128 : family === 0 ? 0 : -1;
  const octets = (source + 7) >>> 3;
  if (source > sourceMax || length !== FIXED_OCTETS + octets) return false;
  return (source & 7) === 0 || (query[at + length - 1]! & (0xff >>> (source & 7))) === 0;
}

/** The family of a well-formed option: 1 for IPv4, 2 for IPv6, 0 where it tells nothing. */
export function subnetFamily(query: Uint8Array, at: number): number {
  return query[at + 1]!;
}

/** The source prefix length of a well-formed option. */
export function subnetSource(query: Uint8Array, at: number): number {
  return query[at + 2]!;
}

/**
 * Writes the option as it was asked, with the scope that the answer holds for (RFC 7871 section 7.2.1).
 *
 * @returns the position behind it
 */
export function writeSubnet(
  reply: DataView,
  replyAt: number,
  query: DataView,
  queryAt: number,
  length: number,
  scope: number,
): number {
  reply.setInt32(replyAt, (CLIENT_SUBNET << 16) | length);
  const end = copyOctets(reply, replyAt + 4, query, queryAt, length);
  reply.setUint8(replyAt + 4 + 3, scope);
  return end;
}

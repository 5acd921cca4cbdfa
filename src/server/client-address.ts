/** Client addresses as transports hand them over: 4 octets of IPv4, or 16 of IPv6. */

/** Where the IPv4 address stands in a v4-mapped one. */
export const MAPPED_OFFSET = 12;

/** Whether 16 octets are an IPv4 address, as a dual-stack socket shows it (RFC 4291 section 2.5.5.2). */
export function isMapped(octets: Uint8Array, start: number): boolean {
  for (let i = 0; i < 10; i++) if (octets[start + i] !== 0) return false;
  return octets[start + 10] === 0xff && octets[start + 11] === 0xff;
}

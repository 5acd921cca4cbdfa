/** Networks as text and as octets: how claims of clusters are read, compared and written. */
import { formatAddress, parseAddress } from '../../zonebuilder/ip-text.ts';

/** A network of either family; bits behind the prefix are 0. */
export interface Network {
  /** 4 octets of IPv4 or 16 of IPv6. */
  readonly address: Uint8Array;
  readonly prefix: number;
}

/** Reads CIDR text or an address; undefined where it is neither, or has bits behind its prefix. */
export function readNetwork(text: string): Network | undefined {
  const [addressText, prefixText, ...more] = text.split('/');
  const address = parseAddress(addressText!);
  if (address === undefined || more.length > 0) return undefined;
  const bits = address.length * 8;
  const prefix = prefixText === undefined ? bits : /^[0-9]{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
  if (prefix < 0 || prefix > bits || hasHostBits(address, prefix)) return undefined;
  return { address, prefix };
}

export function networkText({ address, prefix }: Network): string {
  return `${formatAddress(Buffer.from(address))}/${prefix}`;
}

/** The network of a prefix length around an address. */
export function networkAround(address: Uint8Array, prefix: number): Network {
  return { address: address.map((octet, i) => octet & maskOf(prefix - i * 8)), prefix };
}

/** Whether all of `inner` lies in `outer`. */
export function isWithinNetwork(inner: Network, outer: Network): boolean {
  if (inner.address.length !== outer.address.length || inner.prefix < outer.prefix) return false;
  return outer.address.every((octet, i) => (inner.address[i]! & maskOf(outer.prefix - i * 8)) === octet);
}

/** The bits of an octet that a prefix covers, of which so many are left. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff00 >> bits) & 0xff;
}

function hasHostBits(address: Uint8Array, prefix: number): boolean {
  return address.some((octet, i) => (octet & ~maskOf(prefix - i * 8) & 0xff) !== 0);
}

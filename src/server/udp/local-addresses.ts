/**
 * The addresses of this machine's interfaces, as sockets are bound to them. Addresses that lead here and stand at no interface
 * (most of 127.0.0.0/8, routes of type `local`) are not among them.
 */

import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/**
 * Addresses that get sockets of their own, in each worker. Hosts have a handful for clients; one with hundreds has them on the
 * links to its Pods, and those are link-local and come last.
 */
export const LOCAL_ADDRESSES_MAX = 256;

/** Every address of this machine, once; those of a link carry its name (`fe80::1%eth0`). */
export function localAddresses(): readonly string[] {
  const found = Object.entries(networkInterfaces()).flatMap(([name, infos = []]) =>
    infos.map((info) => addressAt(name, info)),
  );
  const [links, others] = [found.filter(hasScope), found.filter((address) => !hasScope(address))];
  return [...new Set([...others, ...links])].slice(0, LOCAL_ADDRESSES_MAX);
}

/** RFC 4007 section 11: an address of a link says nothing without it. */
function addressAt(name: string, info: NetworkInterfaceInfo): string {
  return info.family === 'IPv6' && info.scopeid !== 0 ? `${info.address}%${name}` : info.address;
}

function hasScope(address: string): boolean {
  return address.includes('%');
}

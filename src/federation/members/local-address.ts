/**
 * Addresses that mean something else on another machine: of a loopback, link-local, or unspecified. A member that is known by
 * one of these is out of the host's reach, unless the host is on this machine, too.
 */

import { BlockList, isIP } from 'node:net';
import { FederationError } from './federation-error.ts';

const LOCAL = new BlockList();
LOCAL.addSubnet('127.0.0.0', 8, 'ipv4');
LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LOCAL.addAddress('0.0.0.0', 'ipv4');
LOCAL.addAddress('::1', 'ipv6');
LOCAL.addAddress('::', 'ipv6');
LOCAL.addSubnet('fe80::', 10, 'ipv6');

/** Whether an address means this machine or its link only. */
export function isLocal({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const family = isIP(host);
  if (family !== 0) return LOCAL.check(host, family === 4 ? 'ipv4' : 'ipv6');
  // RFC 6761, section 6.3; the other is a name within each cluster, for that cluster.
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    /^kubernetes(\.default(\.svc(\..+)?)?)?$/.test(host)
  );
}

export interface Addressed {
  readonly server: URL;
  readonly proxy?: URL;
}

/** @throws FederationError `ADDRESS_LOCAL` when the host cannot reach the member as it is reached from here */
export function checkReachable(member: Addressed, host: Addressed): void {
  if (isLocal(host.server)) return;
  const wrong = [member.proxy, member.server].find((url) => url !== undefined && isLocal(url));
  if (wrong === undefined) return;
  throw new FederationError(
    'ADDRESS_LOCAL',
    `the host, ${host.server.host}, cannot reach ${wrong.host}, which means this machine or its link: give the address that the host reaches the cluster by with --server`,
  );
}

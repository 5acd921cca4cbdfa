/**
 * Owns which host names the admin address answers to. A page in somebody's browser can have a name of its own lead here (DNS
 * rebinding) and would read everything as if it were from one origin; only names that nobody else can hand out are accepted.
 */

import { isIP } from 'node:net';

/**
 * Whether a `Host` header is one of ours: an IP address, `localhost`, or a name of the configuration.
 *
 * @param host - the header; absent only in HTTP/1.0, which no browser speaks
 * @param names - lower case
 */
export function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return true;
  const name = nameOf(host);
  // Addresses are not resolved, and localhost by the system alone (RFC 6761 section 6.3).
  return isIP(name) !== 0 || name === 'localhost' || names.includes(name);
}

/** The host of `host:port`, lower case, without brackets and a trailing dot. */
function nameOf(host: string): string {
  const [, six, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(host) ?? [];
  return six ?? name.replace(/\.$/, '').toLowerCase();
}

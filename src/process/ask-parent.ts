/** Asks the parent's servers for the DS records of a domain, for `fedns keys roll --resolver`. Loaded only then. */

import { CommandError } from '../cli/environment.ts';
import { asker } from '../doctor/dns/ask.ts';
import { findDelegation, NoParent } from '../doctor/dns/delegation.ts';
import { NoResolver } from '../doctor/dns/resolver.ts';
import { parseResolver } from '../watchers/hostnames/resolv-conf.ts';

/** Time for a reply of a name server, in milliseconds, as dig waits. */
const PATIENCE_MS = 5000;
const DNS_PORT = 53;

/**
 * Through a resolver to the parent's servers, past what caches hold.
 *
 * @returns rdata of the DS records by server
 * @throws CommandError where one of them does not tell
 */
export async function askParent(domain: string, resolver: string): Promise<readonly (readonly Buffer[])[]> {
  const address = parseResolver(resolver);
  if (address === undefined)
    throw new CommandError(`--resolver ${resolver}: not an address such as 192.0.2.53 or [2001:db8::53]:53`);
  try {
    const world = { ask: asker(PATIENCE_MS), resolvers: [address], dnsPort: DNS_PORT };
    const { servers } = await findDelegation(domain, world);
    return servers.map(({ address: at, word }) => {
      if (word.kind === 'delegated' && word.ds !== undefined) return word.ds.map(({ rdata }) => rdata);
      const why = word.kind === 'delegated' ? 'no answer' : word.message;
      throw new CommandError(`the parent's server ${at} does not tell the DS records of ${domain}: ${why}`);
    });
  } catch (error) {
    if (error instanceof NoParent || error instanceof NoResolver) throw new CommandError(error.message);
    throw error;
  }
}

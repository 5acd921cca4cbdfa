/** Which recursive resolvers to ask: from the settings, or those of the system (resolv.conf(5)). */

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

export interface ResolverAddress {
  readonly address: string;
  readonly port: number;
}

const DNS_PORT = 53;
/** resolv.conf(5): MAXNS. */
const SYSTEM_RESOLVERS_MAX = 3;

/**
 * Reads `address`, `address:port` or `[address]:port`.
 *
 * @returns undefined where it is none of these
 */
export function parseResolver(text: string): ResolverAddress | undefined {
  if (isIP(text) !== 0) return { address: text, port: DNS_PORT };
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || isIP(address) === 0) return undefined;
  return Number(port) >= 1 && Number(port) <= 65_535 ? { address, port: Number(port) } : undefined;
}

/** The `nameserver` lines of a resolv.conf; without any, the local host, as resolv.conf(5) has it. */
export function parseResolvConf(text: string): ResolverAddress[] {
  const found = text.split('\n').flatMap((line) => {
    const [, address] = /^nameserver[ \t]+([^ \t#;]+)/.exec(line) ?? [];
    return address !== undefined && isIP(address) !== 0 ? [{ address, port: DNS_PORT }] : [];
  });
  return found.length === 0
    ? [{ address: '127.0.0.1', port: DNS_PORT }]
    : found.slice(0, SYSTEM_RESOLVERS_MAX);
}

/** The system's resolvers, as the file has them now. */
export async function systemResolvers(path = '/etc/resolv.conf'): Promise<ResolverAddress[]> {
  try {
    return parseResolvConf(await readFile(path, 'utf8'));
  } catch {
    return parseResolvConf('');
  }
}

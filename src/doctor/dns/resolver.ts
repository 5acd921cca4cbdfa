/** Questions to recursive resolvers, one after the other, and what their replies come to. */

import { isIPv6 } from 'node:net';
import type { ResolverAddress } from '../../watchers/hostnames/resolv-conf.ts';
import { Rcode, Type } from '../../zonebuilder/dns.ts';
import { type Ask, askWhole } from './ask.ts';
import type { DnsRecord, DnsReply } from './message.ts';

/** Whom to ask, in order; at least one. */
export interface Resolvers {
  readonly ask: Ask;
  readonly resolvers: readonly ResolverAddress[];
}

/** A reply, and who gave it. */
export interface Resolved {
  readonly reply: DnsReply;
  readonly from: ResolverAddress;
}

/** None of the resolvers answers. */
export class NoResolver extends Error {}

/**
 * Asks recursively; the first that answers is believed, whatever it says.
 *
 * @throws NoResolver
 */
export async function resolve(
  { ask, resolvers }: Resolvers,
  name: string,
  type: number,
  isUnchecked = false,
): Promise<Resolved> {
  const faults: string[] = [];
  for (const from of resolvers) {
    const asked = await askWhole(ask, from, { name, type, isRecursive: true, isUnchecked });
    if (asked.kind === 'reply') return { reply: asked.reply, from };
    faults.push(`${serverText(from)}: ${asked.message}`);
  }
  throw new NoResolver(`no resolver answers: ${faults.join('; ')}`);
}

/** The addresses of a host, as text; none where it has none. @throws NoResolver */
export async function addressesOf(inputs: Resolvers, host: string): Promise<string[]> {
  const replies = await Promise.all([resolve(inputs, host, Type.A), resolve(inputs, host, Type.AAAA)]);
  return replies.flatMap(({ reply }) => addressesIn(reply.answers));
}

export function addressesIn(records: readonly DnsRecord[]): string[] {
  return records.filter(({ type }) => type === Type.A || type === Type.AAAA).map(({ data }) => data);
}

/** Records of one name and type. */
export function recordsOf(records: readonly DnsRecord[], name: string, type: number): DnsRecord[] {
  return records.filter((record) => record.name === name && record.type === type);
}

/** `address`, and the port where it is not that of DNS. */
export function serverText({ address, port }: ResolverAddress): string {
  if (port === 53) return address;
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An RCODE by its name. */
export function rcodeText(rcode: number): string {
  return Object.entries(Rcode).find(([, code]) => code === rcode)?.[0] ?? `RCODE ${rcode}`;
}

/** What a reply says beside its records: RCODE, and the reason where one is given. */
export function statusText({ rcode, error }: DnsReply): string {
  return error === undefined ? rcodeText(rcode) : `${rcodeText(rcode)}, ${error}`;
}

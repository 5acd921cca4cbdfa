/**
 * How the parent zone delegates a domain: which zone that is, its servers, and what each of them says when it is asked as
 * a resolver asks on its way down (RFC 1034 section 4.3.2: a referral, with glue), and the DS records, which are the parent's
 * own (RFC 4035 section 3.1.4.1).
 */

import { Rcode, Type } from '../../zonebuilder/dns.ts';
import { isWithin, parentOf } from '../../zonebuilder/names.ts';
import { askWhole } from './ask.ts';
import type { DnsRecord, DnsReply } from './message.ts';
import { addressesIn, addressesOf, recordsOf, resolve, type Resolvers, statusText } from './resolver.ts';

/** A name server, with the addresses that were given beside it. */
export interface NamedServer {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What one server of the parent zone says. */
export type ParentWord =
  | {
      readonly kind: 'delegated';
      /** With glue, where it was given. */
      readonly nameservers: readonly NamedServer[];
      /** Absent: it does not answer for them. */
      readonly ds?: readonly DnsRecord[];
    }
  /** It answers, and knows of no delegation. */
  | { readonly kind: 'absent'; readonly message: string }
  | { readonly kind: 'silent'; readonly message: string };

export interface ParentServer {
  readonly name: string;
  readonly address: string;
  readonly word: ParentWord;
}

export interface Delegation {
  /** The parent zone; empty: the root. */
  readonly parent: string;
  /** Those that were asked; at least one. */
  readonly servers: readonly ParentServer[];
}

/** The parent zone cannot be asked; the message says why. */
export class NoParent extends Error {}

interface World extends Resolvers {
  readonly dnsPort: number;
}

/** Servers of the parent that are asked: a zone's servers are copies, and a third tells which of two is the odd one. */
const PARENT_SERVERS_MAX = 3;

/** @throws NoParent, NoResolver */
export async function findDelegation(domain: string, world: World): Promise<Delegation> {
  const parent = await findParent(domain, world);
  const { reply } = await resolve(world, parent === '' ? '.' : parent, Type.NS);
  const names = recordsOf(reply.answers, parent, Type.NS).map(({ data }) => hostOf(data));
  if (names.length === 0) throw new NoParent(`no name server of ${zoneText(parent)} is known`);
  const known = await Promise.all(
    names
      .toSorted()
      .slice(0, PARENT_SERVERS_MAX)
      .map((name) => addressed(name, reply, world)),
  );
  const servers = await Promise.all(
    known.flatMap(({ name, addresses }) =>
      addresses
        .slice(0, 1)
        .map(async (address) => ({ name, address, word: await askParent(domain, address, world) })),
    ),
  );
  if (servers.length === 0)
    throw new NoParent(`none of the name servers of ${zoneText(parent)} has an address: ${names.join(', ')}`);
  return { parent, servers };
}

/** The nearest name above that has an SOA record of its own. */
async function findParent(domain: string, world: World): Promise<string> {
  for (let zone = parentOf(domain); zone !== ''; zone = parentOf(zone)) {
    const { reply } = await resolve(world, zone, Type.SOA);
    if (recordsOf(reply.answers, zone, Type.SOA).length > 0) return zone;
    if (reply.rcode !== Rcode.NOERROR && reply.rcode !== Rcode.NXDOMAIN)
      throw new NoParent(`the resolver says ${statusText(reply)} for the SOA record of ${zone}`);
  }
  return '';
}

async function addressed(name: string, reply: DnsReply, world: World): Promise<NamedServer> {
  const given = addressesIn(reply.additionals.filter((record) => record.name === name));
  // IPv4 first: more machines have it.
  const addresses = given.length > 0 ? given : await addressesOf(world, name);
  return { name, addresses: addresses.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':'))) };
}

async function askParent(domain: string, address: string, world: World): Promise<ParentWord> {
  const server = { address, port: world.dnsPort };
  const [referral, ds] = await Promise.all([
    askWhole(world.ask, server, { name: domain, type: Type.NS }),
    askWhole(world.ask, server, { name: domain, type: Type.DS }),
  ]);
  if (referral.kind === 'silence') return { kind: 'silent', message: referral.message };
  const { reply } = referral;
  // A server that has the child zone, too, answers from that.
  const records = [...reply.answers, ...reply.authorities];
  const nameservers = recordsOf(records, domain, Type.NS).map(({ data }) =>
    gluedServer(hostOf(data), domain, reply),
  );
  if (nameservers.length === 0) return { kind: 'absent', message: statusText(reply) };
  const sorted = nameservers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (ds.kind === 'silence') return { kind: 'delegated', nameservers: sorted };
  return { kind: 'delegated', nameservers: sorted, ds: recordsOf(ds.reply.answers, domain, Type.DS) };
}

/** Glue counts below the domain only; what else comes along, a resolver does not believe. */
function gluedServer(name: string, domain: string, { additionals }: DnsReply): NamedServer {
  const glue = isWithin(name, domain) ? additionals.filter((record) => record.name === name) : [];
  return { name, addresses: addressesIn(glue).toSorted() };
}

/** A name in rdata, as names are written here. */
function hostOf(data: string): string {
  return data.replace(/\.$/, '').toLowerCase();
}

export function zoneText(zone: string): string {
  return zone === '' ? 'the root' : zone;
}

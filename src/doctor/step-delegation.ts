/** The registrar's delegation: what the parent zone's servers say against `nameservers`. */

import type { NameserverSettings } from '../config/settings.ts';
import { isWithin } from '../zonebuilder/names.ts';
import { type NamedServer, NoParent, type ParentServer, zoneText } from './dns/delegation.ts';
import { NoResolver } from './dns/resolver.ts';
import { canonicalAddress } from '../zonebuilder/ip-text.ts';
import type { Facts } from './facts.ts';
import { type Finding, type Look, Unknowable, untried, well, wrong } from './report.ts';

const TRIED = 'the resolver for the parent zone, and its servers for the NS records of the domain';

export async function checkDelegation(facts: Facts): Promise<readonly Finding[]> {
  const { domain, nameservers } = await facts.settings();
  const { parent, servers } = await knownDelegation(facts, TRIED);
  return servers.flatMap((server) => judgeParent(server, { domain, parent, nameservers }));
}

/** How the parent delegates, for each step that goes by it. */
export async function knownDelegation(
  facts: Facts,
  tried: string,
): Promise<Awaited<ReturnType<Facts['delegation']>>> {
  try {
    return await facts.delegation();
  } catch (error) {
    const isOurs = error instanceof NoParent || error instanceof NoResolver;
    if (!isOurs) throw error;
    throw new Unknowable(tried, error.message, 'name a resolver that answers here with --resolver');
  }
}

interface Wanted {
  readonly domain: string;
  readonly parent: string;
  readonly nameservers: readonly NameserverSettings[];
}

function judgeParent({ name, address, word }: ParentServer, wanted: Wanted): readonly Finding[] {
  const look = { about: `${name} (${address})`, tried: `NS of ${wanted.domain}, as a resolver asks it` };
  switch (word.kind) {
    case 'silent':
      return [untried(look, word.message, 'see whether this machine may ask servers on the internet')];
    case 'absent': {
      const found = `${zoneText(wanted.parent)} has no delegation of ${wanted.domain} (${word.message})`;
      return [wrong(look, found, 'register the domain, or add NS records for it at the parent')];
    }
    case 'delegated':
      return judgeServers(look, word.nameservers, wanted);
  }
}

function judgeServers(look: Look, given: readonly NamedServer[], wanted: Wanted): readonly Finding[] {
  const faults = [
    ...wanted.nameservers.flatMap((server) => judgeWanted(look, server, given, wanted.domain)),
    ...given.flatMap(({ name }) => judgeGiven(look, name, wanted)),
  ];
  return faults.length > 0 ? faults : [well(look, given.map(nameText).join(', '))];
}

function judgeWanted(
  look: Look,
  { name, addresses }: NameserverSettings,
  given: readonly NamedServer[],
  domain: string,
): readonly Finding[] {
  const there = given.find((server) => server.name === name);
  if (there === undefined)
    return [wrong(look, `${name} is not among the NS records`, `add NS ${name}. at the registrar`)];
  if (!isWithin(name, domain)) return [];
  const glue = there.addresses.map(canonical);
  const missing = addresses.filter((address) => !glue.includes(canonical(address)));
  const strange = there.addresses.filter((address) => !addresses.map(canonical).includes(canonical(address)));
  if (missing.length + strange.length === 0) return [];
  const found = `glue of ${name} is ${glue.join(' ') || 'missing'}, and nameservers has ${addresses.join(' ')}`;
  return [wrong(look, found, `set the host record of ${name} at the registrar to ${addresses.join(' ')}`)];
}

function judgeGiven(look: Look, name: string, { nameservers }: Wanted): readonly Finding[] {
  if (nameservers.some((server) => server.name === name)) return [];
  const next = `have NS ${name}. removed at the registrar, or add it to nameservers`;
  return [wrong(look, `${name} is among the NS records and not in nameservers`, next)];
}

function nameText({ name, addresses }: NamedServer): string {
  return addresses.length === 0 ? name : `${name} (${addresses.join(' ')})`;
}

function canonical(address: string): string {
  return canonicalAddress(address) ?? address;
}

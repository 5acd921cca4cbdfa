/** The authoritative servers of the domain as the world may come to ask them: those of `nameservers` and those that the parent names. */

import { addressesOf } from './dns/resolver.ts';
import type { Facts } from './facts.ts';

export interface Authority {
  readonly name: string;
  /** Absent: nothing says where it is. */
  readonly address?: string;
  /** Who says so: the configuration, the parent's glue, or a resolver. */
  readonly by: 'nameservers' | 'glue' | 'resolver';
}

/** Addresses that are asked at most: a delegation has up to 13 name servers. */
const AUTHORITIES_MAX = 40;

/** Each address once. Names that only the parent has count, and so do those whose address nobody knows. */
export async function findAuthorities(facts: Facts): Promise<readonly Authority[]> {
  const { nameservers } = await facts.settings();
  const configured = nameservers.flatMap(({ name, addresses }) =>
    addresses.map((address) => ({ name, address, by: 'nameservers' as const })),
  );
  const given = await glued(facts);
  const named = [...nameservers.map(({ name }) => name), ...given.map(({ name }) => name)];
  const known = [...configured, ...given.filter(({ address }) => address !== undefined)];
  const lost = [...new Set(named)].filter((name) => !known.some((each) => each.name === name));
  const found = await Promise.all(lost.map((name) => lookUp(facts, name)));
  return distinct([...known, ...found.flat()]).slice(0, AUTHORITIES_MAX);
}

/** What the parent's servers say; nothing where they cannot be asked, which is the step delegation's to say. */
async function glued(facts: Facts): Promise<readonly Authority[]> {
  try {
    const { servers } = await facts.delegation();
    const words = servers.flatMap(({ word }) => (word.kind === 'delegated' ? word.nameservers : []));
    return words.flatMap(({ name, addresses }) =>
      addresses.length === 0
        ? [{ name, by: 'glue' as const }]
        : addresses.map((address) => ({ name, address, by: 'glue' as const })),
    );
  } catch {
    return [];
  }
}

async function lookUp(facts: Facts, name: string): Promise<readonly Authority[]> {
  const addresses = await addressesOf(facts, name).catch(() => []);
  if (addresses.length === 0) return [{ name, by: 'resolver' }];
  return addresses.map((address) => ({ name, address, by: 'resolver' as const }));
}

function distinct(authorities: readonly Authority[]): Authority[] {
  return [
    ...new Map(authorities.toReversed().map((each) => [`${each.name} ${each.address}`, each])).values(),
  ].toReversed();
}

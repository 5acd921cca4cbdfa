/**
 * What a fact about a shard says, and what it leaves unsaid. Owns which facts take something away without saying why; what
 * follows from that is guard.ts.
 */

import type { ShardId, ShardState } from '../zonebuilder/facts.ts';

/** What is missing where nobody says that a shard does not work. `older`: nothing, but the fact is of an earlier version. */
export type Loss = NonNullable<ShardState['missing']> | 'older';

/** What people call each of them. */
export const LOSSES: Readonly<Record<Loss, string>> = {
  service: 'its Service is gone or being deleted, and no endpoint says that it is not ready',
  slices: 'it has no EndpointSlice any more, and no endpoint says that it is not ready',
  addresses: 'its Service has no address any more, while its endpoints are ready',
  older: 'an earlier version of its objects than was seen before says something else',
};

/** Whether a shard counts, as far as it is up to itself. */
export function isUp({ ready, addresses }: ShardState): boolean {
  return ready && addresses.length > 0;
}

/** @returns undefined for a fact that is to be followed: the shard is up, or said to be down */
export function lossOf(shard: ShardState): Loss | undefined {
  if (shard.older === true) return 'older';
  return isUp(shard) ? undefined : shard.missing;
}

/** Names a shard among those of its cluster: `S.N.F`, as the domain names its Service. */
export function nameOf({ federation, namespace, service }: ShardId): string {
  return `${service}.${namespace}.${federation}`;
}

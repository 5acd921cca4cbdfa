/** Checks the names that people give to clusters and places. */

import { isDnsLabel } from '../../watchers/objects/objects.ts';
import { FederationError } from './federation-error.ts';

/** @param what - for the message, such as `cluster` @throws FederationError `NAME_MALFORMED` */
export function checkName(name: string, what: string): string {
  // `svc` marks where the places of a name begin.
  if (isDnsLabel(name) && name !== 'svc') return name;
  throw new FederationError(
    'NAME_MALFORMED',
    `${JSON.stringify(name.slice(0, 80))} cannot be the name of a ${what}: it is to be a label of DNS names, up to 63 of a-z, 0-9 and -, neither first nor last, and not svc`,
  );
}

/** @param list - separated by commas; sorted, each once, as a result */
export function checkZones(list: string): string[] {
  const names = list.split(',').map((zone) => checkName(zone.trim().toLowerCase(), 'zone'));
  return [...new Set(names)].toSorted();
}

/** Owns what tests say of a domain's apex where it is not the point. */

import { type Apex, makeApex } from '../../src/zonebuilder/apex.ts';

/** @param more - what is to be another than usual */
export function apexOf(domain: string, more: Partial<Parameters<typeof makeApex>[0]> = {}): Apex {
  return makeApex({
    domain,
    primary: `ns1.${domain}`,
    hostmaster: `hostmaster.${domain}`,
    ttlSeconds: 21600,
    negativeTtlSeconds: 15,
    nodataTtlSeconds: 180,
    nxdomainWhenNoneHealthy: false,
    ...more,
  });
}

/** Owns what the server must know of the domain itself, as the settings have it. */

import type { Settings } from '../config/settings.ts';
import type { Apex } from '../zonebuilder/apex.ts';
import { makeApex } from '../zonebuilder/apex.ts';

export function apexOf(settings: Settings): Apex {
  return makeApex({
    domain: settings.domain,
    primary: primaryOf(settings),
    hostmaster: settings.hostmaster,
    ttlSeconds: settings.apexTtlSeconds,
    negativeTtlSeconds: settings.negativeTtlSeconds,
    nodataTtlSeconds: settings.nodataTtlSeconds,
    nxdomainWhenNoneHealthy: settings.whenNoneHealthy === 'nxdomain',
    hasHosts: settings.federations.some(({ hosts }) => hosts === true),
    federations: settings.federations.map(({ name }) => name),
  });
}

/** MNAME of the SOA record: the first name server (RFC 1035 section 3.3.13). */
export function primaryOf(settings: Settings): string {
  return settings.nameservers[0]!.name;
}

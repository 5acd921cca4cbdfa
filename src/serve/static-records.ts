/**
 * Owns which records follow from the configuration alone, in the form that the zone builder takes: the apex's NS, the
 * addresses of name servers in the domain, and the operator's own records.
 */

import { isIPv6 } from 'node:net';
import type { Settings } from '../config/settings.ts';
import type { Apex } from '../zonebuilder/apex.ts';
import { makeApex } from '../zonebuilder/apex.ts';
import { isWithin } from '../zonebuilder/names.ts';
import { parseRdata } from '../zonebuilder/rr-types.ts';
import type { StaticRecord } from '../zonebuilder/static-table.ts';

/** @throws RdataError when a record's data is malformed, which the loader has ruled out */
export function staticRecords(settings: Settings): readonly StaticRecord[] {
  const { domain, nameservers, apexTtlSeconds, records } = settings;
  const list: StaticRecord[] = [];
  const add = (name: string, typeName: string, data: string, ttlSeconds: number): void => {
    list.push({ name, ttlSeconds, ...parseRdata(typeName, data) });
  };
  for (const { name, addresses } of nameservers) {
    add(domain, 'NS', `${name}.`, apexTtlSeconds);
    if (!isWithin(name, domain)) continue;
    // Glue has the TTL of the NS it belongs to, so that a resolver never keeps the one without the other.
    for (const address of addresses) add(name, isIPv6(address) ? 'AAAA' : 'A', address, apexTtlSeconds);
  }
  for (const { name, type, data, ttlSeconds } of records) add(name, type, data, ttlSeconds);
  return list;
}

/** What the server must know of the domain itself. */
export function apexOf(settings: Settings): Apex {
  return makeApex({
    domain: settings.domain,
    primary: primaryOf(settings),
    hostmaster: settings.hostmaster,
    ttlSeconds: settings.apexTtlSeconds,
    negativeTtlSeconds: settings.negativeTtlSeconds,
    nxdomainWhenNoneHealthy: settings.whenNoneHealthy === 'nxdomain',
    federations: settings.federations.map(({ name }) => name),
  });
}

/** MNAME of the SOA record: the first name server (RFC 1035 section 3.3.13). */
export function primaryOf(settings: Settings): string {
  return settings.nameservers[0]!.name;
}

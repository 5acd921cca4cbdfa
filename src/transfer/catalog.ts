/**
 * The catalog zone (RFC 9432, version 2): a zone of its own that lists the served domain, so that secondaries that read it configure
 * themselves. It has one member, and changes only with the configuration.
 */
import { createHash } from 'node:crypto';
import { CATALOG_TTL_SECONDS, catalogSoaData, type CatalogVersion } from '../server/policy/catalog-soa.ts';
import { Type } from '../zonebuilder/dns.ts';
import { encodeName, encodeNameLower } from '../zonebuilder/names.ts';
import { parseRdata } from '../zonebuilder/rr-types.ts';
import type { WireRecord } from './wire-record.ts';

export interface Catalog {
  readonly wireName: Buffer;
  readonly soa: WireRecord;
  zone(domain: string): {
    readonly soa: WireRecord;
    readonly records: readonly WireRecord[];
    readonly serial: number;
  };
}

export function openCatalog({ name, serial }: CatalogVersion): Catalog {
  const soa = soaRecord(name, serial);
  return {
    wireName: encodeNameLower(name),
    soa,
    zone: (domain) => ({ soa, records: members(name, domain), serial }),
  };
}

function soaRecord(name: string, serial: number): WireRecord {
  return {
    owner: encodeName(name),
    type: Type.SOA,
    ttlSeconds: CATALOG_TTL_SECONDS,
    rdata: catalogSoaData(serial),
  };
}

function members(name: string, domain: string): WireRecord[] {
  // Section 4.2: the label stands for the member for as long as it is one.
  const label = createHash('sha256').update(domain).digest('hex').slice(0, 16);
  return [
    record(name, 'NS', 'invalid.'),
    record(`version.${name}`, 'TXT', '"2"'),
    record(`${label}.zones.${name}`, 'PTR', `${domain}.`),
  ];
}

function record(owner: string, typeName: string, data: string): WireRecord {
  return { owner: encodeName(owner), ttlSeconds: CATALOG_TTL_SECONDS, ...parseRdata(typeName, data) };
}

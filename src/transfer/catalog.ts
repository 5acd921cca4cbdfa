/**
 * The catalog zone (RFC 9432, version 2): a zone of its own that lists the served domain, so that secondaries that read it configure
 * themselves. It has one member, and changes only with the configuration.
 */
import { createHash } from 'node:crypto';
import { Type } from '../zonebuilder/dns.ts';
import { encodeName, encodeNameLower } from '../zonebuilder/names.ts';
import { parseRdata } from '../zonebuilder/rr-types.ts';
import { SOA_EXPIRE_SECONDS, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS } from '../zonebuilder/apex.ts';
import type { WireRecord } from './wire-record.ts';

/** Nobody looks the records up but secondaries, which go by the serial (RFC 9432 section 4.1). */
const TTL_SECONDS = 0;

export interface Catalog {
  readonly wireName: Buffer;
  readonly soa: WireRecord;
  zone(domain: string): {
    readonly soa: WireRecord;
    readonly records: readonly WireRecord[];
    readonly serial: number;
  };
}

export function openCatalog({ name, serial }: { readonly name: string; readonly serial: number }): Catalog {
  const soa = soaRecord(name, serial);
  return {
    wireName: encodeNameLower(name),
    soa,
    zone: (domain) => ({ soa, records: members(name, domain), serial }),
  };
}

/** Section 4.1: the name server is `invalid.`, for the zone is not meant to be asked. */
function soaRecord(name: string, serial: number): WireRecord {
  const numbers = Buffer.alloc(20);
  const fields = [serial, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS, SOA_EXPIRE_SECONDS, TTL_SECONDS];
  fields.forEach((field, i) => numbers.writeUInt32BE(field, i * 4));
  const rdata = Buffer.concat([encodeName('invalid'), encodeName('invalid'), numbers]);
  return { owner: encodeName(name), type: Type.SOA, ttlSeconds: TTL_SECONDS, rdata };
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
  return { owner: encodeName(owner), ttlSeconds: TTL_SECONDS, ...parseRdata(typeName, data) };
}

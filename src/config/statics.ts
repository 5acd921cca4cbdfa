/**
 * Owns which records follow from the configuration alone: the apex's NS, the addresses of name servers in the domain, and the
 * operator's own records.
 */
import { isIPv6 } from 'node:net';
import { isWithin } from '../zonebuilder/names.ts';
import { parseRdata } from '../zonebuilder/rr-types.ts';
import { packStatics, type StaticRecord, type StaticSet } from '../zonebuilder/static-set.ts';
import { isNameserverGlue } from './check-records.ts';
import type { ConfigFile } from './schema.ts';

/**
 * The static records of a configuration that has passed every check.
 *
 * @param own - the operator's own, as the checks have read them
 */
export function staticsOf(config: ConfigFile, own: readonly StaticRecord[]): StaticSet {
  return packStatics(allRecords(config, own), config.domain);
}

function* allRecords(config: ConfigFile, own: readonly StaticRecord[]): Generator<StaticRecord> {
  const { domain, nameservers } = config;
  for (const nameserver of nameservers) yield* nameserverRecords(nameserver, domain, config.apexTtl);
  // Those that repeat an address of `nameservers` are served from there.
  for (const record of own) if (!isNameserverGlue(record, nameservers)) yield record;
}

function* nameserverRecords(
  { name, addresses }: ConfigFile['nameservers'][number],
  domain: string,
  ttlSeconds: number,
): Generator<StaticRecord> {
  yield toRecord(domain, 'NS', `${name}.`, ttlSeconds);
  if (!isWithin(name, domain)) return;
  // Glue has the TTL of the NS it belongs to, so that a resolver never keeps the one without the other.
  for (const address of addresses) yield toRecord(name, isIPv6(address) ? 'AAAA' : 'A', address, ttlSeconds);
}

function toRecord(name: string, type: string, data: string, ttlSeconds: number): StaticRecord {
  return { name, ttlSeconds, ...parseRdata(type, data) };
}

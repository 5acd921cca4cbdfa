/** Owns the joining of settings and zone builder: the domain that is served, as the composition root knows it. */

import { QuestionError } from '../admin/control-plane.ts';
import type { Settings } from '../config/settings.ts';
import type { Apex } from '../zonebuilder/apex.ts';
import { makeApex } from '../zonebuilder/apex.ts';
import { ZoneBuilder } from '../zonebuilder/builder.ts';
import { explain } from '../zonebuilder/explain.ts';
import { decodeName, encodeNameLower, NameError } from '../zonebuilder/names.ts';
import type { RecordSet } from '../zonebuilder/records.ts';
import { listRecords, soaRecord } from '../zonebuilder/records.ts';
import { parseRdata, typeCode, typeText } from '../zonebuilder/rr-types.ts';
import type { StaticRecord } from '../zonebuilder/static-table.ts';
import type { ServedDomain, ServedDomainHooks } from './parts.ts';

/** Builds the domain that the settings describe, without any cluster. */
export function openServedDomain(settings: Settings, hooks: ServedDomainHooks): ServedDomain {
  const builder = new ZoneBuilder({
    domain: settings.domain,
    ttlSeconds: settings.ttlSeconds,
    whenNoneHealthy: settings.whenNoneHealthy,
    statics: staticsOf(settings),
    nextSerial: hooks.nextSerial,
    clock: hooks.clock,
    onMemory: hooks.onImage,
    onChange: ({ cluster, cause }) => hooks.onChange({ cluster, causeMs: cause.timeMs }),
  });
  const soa = (): RecordSet => soaOf(settings, hooks.currentSerial());
  return {
    setCluster: (state) => builder.setCluster(state),
    removeCluster: (name) => builder.removeCluster(name),
    upsertShard: (shard) => builder.upsertShard(shard),
    removeShard: (id, cause) => builder.removeShard(id, cause),
    replaceShards: (cluster, shards, cause) => builder.replaceShards(cluster, shards, cause),
    batch: (cause, work) => builder.batch(cause, work),
    get image() {
      return builder.memory;
    },
    *facts() {
      for (const cluster of builder.clusters())
        yield { cluster, shards: builder.shardsOfCluster(cluster.name) };
    },
    records: () => listRecords(builder, soa()),
    explain: ({ name, type }) => explain(builder, readQuestion(name, type), soa()),
    summary(cluster) {
      const state = builder.clusters().find((candidate) => candidate.name === cluster);
      if (state === undefined) return undefined;
      const { shards, healthy } = builder.shardCounts(cluster);
      return { status: state.status, shards, healthyShards: healthy };
    },
    figures: () => ({
      services: builder.serviceCount,
      imageOctetsUsed: builder.size.used,
      imageOctetsTotal: builder.size.capacity,
    }),
  };
}

/** What the workers must know of the domain besides the image. */
export function apexOf(settings: Settings): Apex {
  return makeApex({
    domain: settings.domain,
    primary: primaryOf(settings),
    hostmaster: settings.hostmaster,
    ttlSeconds: settings.apexTtlSeconds,
    negativeTtlSeconds: settings.negativeTtlSeconds,
    nxdomainWhenNoneHealthy: settings.whenNoneHealthy === 'nxdomain',
  });
}

function primaryOf({ nameservers }: Settings): string {
  return nameservers[0]!.name;
}

function soaOf(settings: Settings, serial: number): RecordSet {
  const { domain, hostmaster, apexTtlSeconds: ttlSeconds, negativeTtlSeconds } = settings;
  return soaRecord({
    domain,
    primary: primaryOf(settings),
    hostmaster,
    serial,
    apex: { ttlSeconds, negativeTtlSeconds },
  });
}

/** The records of the configuration, the apex's NS and the addresses of name servers in the domain. */
function staticsOf(settings: Settings): StaticRecord[] {
  const { domain, nameservers, apexTtlSeconds } = settings;
  const records = new Map<string, StaticRecord>();
  const add = (name: string, ttlSeconds: number, type: string, data: string): void => {
    const record = { name, ttlSeconds, ...parseRdata(type, data) };
    const key = `${name} ${record.type} ${record.rdata.toString('hex')}`;
    // Glue may be given as a record too; the record's TTL was checked to be the only one.
    if (!records.has(key)) records.set(key, record);
  };
  for (const { name, type, data, ttlSeconds } of settings.records) add(name, ttlSeconds, type, data);
  for (const { name, addresses } of nameservers) {
    add(domain, apexTtlSeconds, 'NS', `${name}.`);
    for (const address of addresses) add(name, apexTtlSeconds, address.includes(':') ? 'AAAA' : 'A', address);
  }
  return [...records.values()];
}

function readQuestion(nameText: string, typeName: string): { name: string; type: string } {
  const code = typeCode(typeName);
  if (code === undefined) throw new QuestionError(`${typeName} is no RR type`);
  try {
    return { name: decodeName(encodeNameLower(nameText)), type: typeText(code) };
  } catch (error) {
    if (error instanceof NameError) throw new QuestionError(error.message);
    throw error;
  }
}

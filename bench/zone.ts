/**
 * The federation as a zone file, for servers that read one, and as queries. A zone has two names in each cluster's
 * zone, `S.N.F.svc.Z.D` and `S.N.F.svc.Z.R.D`; the peers are given only the shorter ones, so that they hold 18 names
 * per Service and not 31: fedns has no names in memory, and the comparison shall not profit from that twice.
 */

import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import { listRecords, soaRecord, type RecordSet } from '../src/zonebuilder/records.ts';
import { APEX, DOMAIN } from './domain.ts';
import { placeClusters } from './federation.ts';

/** What a benchmark asks for. */
export interface ZoneNames {
  /** Names with an A RRset. */
  readonly hits: readonly string[];
  /** Names that are an alias. */
  readonly chains: readonly string[];
}

/** Lines are collected up to this many characters before they are written. */
const CHUNK_CHARACTERS = 1 << 16;

/** Writes the zone file. */
export async function writeZone(builder: ZoneBuilder, clusters: number, path: string): Promise<ZoneNames> {
  const isLong = longForm(clusters);
  const file = createWriteStream(path);
  const names = { hits: [] as string[], chains: [] as string[] };
  let chunk = '';
  for (const set of listRecords(builder, soa())) {
    if (isLong(set.name)) continue;
    if (set.type === 'A') names.hits.push(set.name);
    else if (set.type === 'CNAME') names.chains.push(set.name);
    chunk += format(set);
    if (chunk.length < CHUNK_CHARACTERS) continue;
    if (!file.write(chunk)) await once(file, 'drain');
    chunk = '';
  }
  file.end(chunk);
  await finished(file);
  return { ...names, hits: names.hits.filter((name) => !name.startsWith('ns1.')) };
}

function soa(): RecordSet {
  return soaRecord({
    domain: DOMAIN,
    primary: `ns1.${DOMAIN}`,
    hostmaster: `hostmaster.${DOMAIN}`,
    serial: 1,
    apex: APEX,
  });
}

function format({ name, ttlSeconds, type, data }: RecordSet): string {
  return data.map((rdata) => `${name}\t${ttlSeconds}\tIN\t${type}\t${rdata}\n`).join('');
}

/** Whether a name is of the form with zone and region. */
function longForm(clusters: number): (name: string) => boolean {
  const endings = new Set(placeClusters(clusters).map(({ zone, region }) => `${zone}.${region}`));
  return (name) => {
    const location = name.slice(name.indexOf('.svc.') + 5, -DOMAIN.length - 2);
    return endings.has(location);
  };
}

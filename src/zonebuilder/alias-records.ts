/**
 * ALIAS records written out: the addresses that a name of the configuration has because a Service has them. Worked out
 * from the Service's view, as the server works them out from its image.
 */
import type { ServiceView } from './builder.ts';
import { Type } from './dns.ts';
import { decodeName } from './names.ts';
import type { Level, RecordSet, RecordSource } from './record-sets.ts';
import { addressesAt, hasAddresses, levelsOf, PLACEHOLDER_TYPE, ttlAt } from './record-sets.ts';
import { formatRdata } from './rr-types.ts';
import { splitServiceName } from './service-statics.ts';
import type { StaticRecord } from './static-set.ts';
import { takenNames } from './taken-names.ts';

/** Where an ALIAS leads to at the moment. */
export interface AliasTarget {
  readonly view: ServiceView;
  /** The level that answers: the target's own, or the first above with addresses. */
  readonly level: Level;
}

/** The name in the data of an ALIAS, lower case, without trailing dot. */
export function aliasTargetName({ rdata }: StaticRecord): string {
  return decodeName(rdata).toLowerCase();
}

/** Follows a name to the level of a Service that answers for it; undefined where no such Service or level is known. */
export function findAliasTarget(builder: RecordSource, name: string): AliasTarget | undefined {
  const parts = splitServiceName(name, builder.domain);
  const view = parts?.prefix === '' ? builder.view(parts.service) : undefined;
  if (view === undefined) return undefined;
  const levels = levelsOf(view.known.name, builder.domain, builder.locationNames());
  let level = levels.find((candidate) => candidate.name === name);
  while (level?.above !== undefined && !hasAddresses(view, level.location)) {
    const { above } = level;
    level = levels.find((candidate) => candidate.name === above);
  }
  return level && { view, level };
}

/** The RRsets that an ALIAS amounts to; a placeholder where it has none, and its name nothing else. */
export function flattenAlias(builder: RecordSource, record: StaticRecord): RecordSet[] {
  const { name, ttlSeconds } = record;
  const targetName = aliasTargetName(record);
  const addresses = takenNames(builder)(targetName) ? [] : addressesOf(builder, targetName);
  const sets = addresses.map((each) => ({
    name: `${name}.`,
    type: each.type,
    ttlSeconds: Math.min(ttlSeconds, each.ttlSeconds),
    data: each.data,
  }));
  const isAlone = builder.staticIndex.at(name).every((other) => other.type === Type.ALIAS);
  if (sets.length > 0 || !isAlone) return sets;
  return [{ name: `${name}.`, type: PLACEHOLDER_TYPE, ttlSeconds, data: ['\\# 0'] }];
}

type Addresses = Pick<RecordSet, 'type' | 'ttlSeconds' | 'data'>;

const FAMILIES = [
  ['A', 'v4'],
  ['AAAA', 'v6'],
] as const;

function addressesOf(builder: RecordSource, targetName: string): Addresses[] {
  const target = findAliasTarget(builder, targetName);
  const isHealthy = target !== undefined && hasAddresses(target.view, target.level.location);
  const all = FAMILIES.map(([type, family]): Addresses => {
    if (!isHealthy) return staticAddresses(builder, targetName, type);
    const { view, level } = target;
    return { type, ttlSeconds: ttlAt(view, level.location), data: addressesAt(view[family], level.location) };
  });
  return all.filter(({ data }) => data.length > 0);
}

/** Addresses of the configuration at the name of a Service: all that it has while nothing of it is healthy. */
function staticAddresses(builder: RecordSource, name: string, type: 'A' | 'AAAA'): Addresses {
  const code = Type[type];
  const records = builder.staticIndex.at(name).filter((record) => record.type === code);
  return {
    type,
    ttlSeconds: records[0]?.ttlSeconds ?? 0,
    data: records.map(({ rdata }) => formatRdata(code, rdata)),
  };
}

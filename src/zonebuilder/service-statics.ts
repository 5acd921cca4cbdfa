/**
 * Static records at names that Services have: at a level, at a port, at a cluster's name. Only a CNAME takes such a name
 * for itself (RFC 1034 section 3.6.2); all others stand beside what the Service answers with there.
 */
import { Type } from './dns.ts';
import { Target, TargetKind } from './layout.ts';
import { keyAt, namesWith, recordsOf, type StaticRecord, type StaticSet } from './static-set.ts';

/** The static records at one name of a Service. */
export interface StaticPlace {
  /** Absolute, as in the records. */
  readonly name: string;
  /** As in location names; '' for the global level. */
  readonly location: string;
  /** `_name._proto` in front of the Service, or '' for the level itself. */
  readonly prefix: string;
  readonly records: readonly StaticRecord[];
}

/** A static place whose location is known. */
export interface PlacedStatic extends StaticPlace {
  readonly at: number;
}

/** The parts of a name that some Service could have. */
export interface ServiceName {
  /** `S.N.F`. */
  readonly service: string;
  readonly location: string;
  /** What stands in front: nothing, a cluster's label, or `_name._proto`. */
  readonly prefix: string;
}

/** The label `svc` in wire form. */
const SVC_LABEL = Buffer.from('\x03svc', 'latin1');
/** Labels of a location, at most: `Z.R`. */
const LOCATION_LABELS_MAX = 2;
/** `S.N.F`. */
const SERVICE_LABELS = 3;
/** `_name._proto`. */
const PREFIX_LABELS_MAX = 2;

/**
 * Takes a name apart as the server does: a location is never called `svc`, so the rightmost label `svc` among the last
 * three below the domain separates.
 *
 * @param name - lower case, without trailing dot
 */
export function splitServiceName(name: string, domain: string): ServiceName | undefined {
  if (!name.endsWith(`.${domain}`) || name.includes('\\')) return undefined;
  const labels = name.slice(0, -domain.length - 1).split('.');
  const svc = labels.lastIndexOf('svc');
  const extra = svc - SERVICE_LABELS;
  if (svc < labels.length - 1 - LOCATION_LABELS_MAX || extra < 0 || extra > PREFIX_LABELS_MAX)
    return undefined;
  return {
    service: labels.slice(extra, svc).join('.'),
    location: labels.slice(svc + 1).join('.'),
    prefix: labels.slice(0, extra).join('.'),
  };
}

/** The static records at names that Services could have, by `S.N.F`. */
export function indexServiceStatics(
  set: StaticSet,
  domain: string,
): ReadonlyMap<string, readonly StaticPlace[]> {
  const index = new Map<string, StaticPlace[]>();
  for (let entry = 0; entry < set.offsets.length; entry++) {
    // Few names of many are of that form, and only these are worth to be read.
    if (!keyAt(set, entry).includes(SVC_LABEL)) continue;
    const records = recordsOf(set, entry, domain);
    const name = records[0]?.name;
    const parts = name === undefined ? undefined : splitServiceName(name, domain);
    if (name === undefined || parts === undefined) continue;
    const { service, location, prefix } = parts;
    index.set(service, [...(index.get(service) ?? []), { name, location, prefix, records }]);
  }
  return index;
}

/** Names that are delegated. */
export function zoneCuts(statics: StaticSet, domain: string): string[] {
  return statics.cutDepths === 0 ? [] : namesWith(statics, Type.NS, domain).filter((name) => name !== domain);
}

/** Tells the names at or below a zone cut. */
export function delegations(statics: StaticSet, domain: string): (name: string) => boolean {
  const cuts = new Set(zoneCuts(statics, domain));
  if (cuts.size === 0) return () => false;
  return (name) => {
    for (let at = 0; ; at = name.indexOf('.', at) + 1) {
      if (cuts.has(name.slice(at))) return true;
      if (!name.includes('.', at)) return false;
    }
  };
}

/** Whether the records take the name for themselves. */
export function isAlias({ records }: StaticPlace): boolean {
  return records.some((record) => record.type === Type.CNAME);
}

/** The data of the place's A or AAAA records, as one-byte text. */
export function staticAddresses({ records }: StaticPlace, family: 'v4' | 'v6'): string[] {
  const type = family === 'v4' ? Type.A : Type.AAAA;
  return records.filter((each) => each.type === type).map(({ rdata }) => rdata.toString('latin1'));
}

/** The least TTL of records that become one RRset with a Service's own (RFC 2181 section 5.2); Infinity for none. */
export function sharedTtl({ records }: StaticPlace): number {
  const shared = records.filter(({ type }) => SHARED_TYPES.has(type));
  return shared.reduce((least, { ttlSeconds }) => Math.min(least, ttlSeconds), Infinity);
}

/** Types that Services have, too. */
export const SHARED_TYPES: ReadonlySet<number> = new Set([Type.A, Type.AAAA, Type.SRV]);

/** A target of a Service's SRV record; how it is named is {@link TargetKind}. */
export interface PortTarget {
  readonly kind: (typeof TargetKind)[keyof typeof TargetKind];
  /** Location, or number of the cluster, with the target's addresses. */
  readonly place: number;
  /** Text of the location, label of the cluster, or wire form of a whole name as one-byte text. */
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The place's SRV records as targets. */
export function staticTargets({ records }: StaticPlace): PortTarget[] {
  return records
    .filter(({ type, rdata }) => type === Type.SRV && rdata.length > 6)
    .map(({ rdata }) => ({
      kind: TargetKind.name,
      place: 0,
      name: rdata.toString('latin1', 6),
      priority: rdata.readUInt16BE(0),
      weight: rdata.readUInt16BE(2),
      port: rdata.readUInt16BE(4),
    }));
}

/** Octets of a target's name in the image, at most: one octet holds the length. */
export const TARGET_NAME_OCTETS_MAX = 255;

/** Octets of a target in the image. */
export function targetOctets(nameOctets: number): number {
  return (Target.name + nameOctets + 1) & ~1;
}

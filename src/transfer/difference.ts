/** What differs between two states of the zone: records that go and records that come (RFC 1995 section 4). */
import { aliasTargetName } from '../zonebuilder/alias-records.ts';
import { Type } from '../zonebuilder/dns.ts';
import { indexServiceStatics, splitServiceName } from '../zonebuilder/service-statics.ts';
import { namesOfStatics, walkStatics, type StaticSet } from '../zonebuilder/static-set.ts';
import { listerOf, markerOf, namespaceOf, staticsOf } from './listing.ts';
import { packRecord, type WireRecord } from './wire-record.ts';
import type { ZoneView } from './zone-view.ts';

/** Packed records, one behind the other. */
export interface Difference {
  readonly removed: Buffer;
  readonly added: Buffer;
}

/** Static names that depend on Services: those beside one, and those that stand for one (ALIAS), by `S.N.F`. */
export type Dependants = ReadonlyMap<string, readonly string[]>;

/** Works out which static names depend on which Service. */
export function dependantsOf(statics: StaticSet, domain: string): Dependants {
  const names = new Map<string, string[]>();
  const add = (service: string, name: string): void => {
    names.set(service, [...(names.get(service) ?? []), name]);
  };
  for (const [service, places] of indexServiceStatics(statics, domain))
    for (const { name } of places) add(service, name);
  for (const record of walkStatics(statics, domain)) {
    if (record.type !== Type.ALIAS) continue;
    const target = splitServiceName(aliasTargetName(record), domain);
    if (target !== undefined) add(target.service, record.name);
  }
  return names;
}

/** What of two states is looked at. */
export interface Scope {
  /** Services whose blobs differ. */
  readonly services: ReadonlySet<string>;
  readonly before: Dependants;
  readonly after: Dependants;
  /** Namespaces that came or went, or stayed: with a Service before, and after. */
  readonly hadNamespace: (namespace: string) => boolean;
  readonly hasNamespace: (namespace: string) => boolean;
}

/** Compares two states that differ in nothing but some Services, and maybe their static records. */
export function compare(before: ZoneView, after: ZoneView, scope: Scope): Difference {
  const isSameStatics = before.statics === after.statics;
  const services = new Set(scope.services);
  const names = new Set<string>();
  if (!isSameStatics) {
    for (const dependants of [scope.before, scope.after])
      for (const service of dependants.keys()) services.add(service);
    for (const view of [before, after])
      for (const name of namesOfStatics(view.statics, view.domain)) names.add(name);
  }
  for (const service of services)
    for (const dependants of [scope.before, scope.after])
      for (const name of dependants.get(service) ?? []) names.add(name);
  const namespaces = new Set([...services].map(namespaceOf));
  const gone = recordsOf(before, services, names, [...namespaces].filter(scope.hadNamespace));
  const come = recordsOf(after, services, names, [...namespaces].filter(scope.hasNamespace));
  return {
    removed: pack(gone, (key) => !come.has(key)),
    added: pack(come, (key) => !gone.has(key)),
  };
}

function recordsOf(
  view: ZoneView,
  services: ReadonlySet<string>,
  names: ReadonlySet<string>,
  namespaces: readonly string[],
): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  const add = (list: Iterable<WireRecord>): void => {
    for (const record of list) {
      const octets = packRecord(record);
      records.set(octets.toString('latin1'), octets);
    }
  };
  const list = listerOf(view);
  for (const service of services) add(list(service));
  add(staticsOf(view, names));
  const markers = markerOf(view);
  for (const namespace of namespaces) add(markers(namespace));
  return records;
}

function pack(records: ReadonlyMap<string, Buffer>, isWanted: (key: string) => boolean): Buffer {
  const parts: Buffer[] = [];
  for (const [key, octets] of records) if (isWanted(key)) parts.push(octets);
  return Buffer.concat(parts);
}

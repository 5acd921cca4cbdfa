/** The records of a state in wire form: all of them, or those that some Services and static names have. */
import {
  listStatics,
  PLACEHOLDER_TYPE,
  type RecordSet,
  serviceLister,
  staticsAt,
} from '../zonebuilder/records.ts';
import { takenNames } from '../zonebuilder/taken-names.ts';
import { toWire, type WireRecord } from './wire-record.ts';
import type { ZoneView } from './zone-view.ts';

/** All records but the SOA, step by step: those of one Service, or of one static RRset, at a time. */
export function* walkWire(view: ZoneView): Generator<readonly WireRecord[]> {
  for (const set of listStatics(view)) yield [...toWire(set)];
  const list = listerOf(view);
  const namespaces = new Set<string>();
  for (const name of view.serviceNames()) {
    namespaces.add(namespaceOf(name));
    yield list(name);
  }
  const markers = markerOf(view);
  for (const namespace of namespaces) yield markers(namespace);
}

/** Lists the records of one Service after the other. */
export function listerOf(view: ZoneView): (service: string) => WireRecord[] {
  const list = serviceLister(view);
  const { domain } = view;
  return (service) => {
    const answers = view.view(service);
    if (answers === undefined) return [];
    const namespace = `${namespaceOf(service)}.svc.${domain}.`;
    const records: WireRecord[] = [];
    // The listing marks a namespace once for all of its Services, which one Service cannot tell: markerOf does.
    for (const set of list(answers)) if (set.name !== namespace) records.push(...toWire(set));
    return records;
  };
}

/** `N.F` of a Service. */
export function namespaceOf(service: string): string {
  return service.slice(service.indexOf('.') + 1);
}

/**
 * What keeps the name of a namespace in existence where its Services may be without any name (`whenNoneHealthy: nxdomain`):
 * at a secondary a name exists by what stands at or below it.
 */
export function markerOf(view: ZoneView): (namespace: string) => WireRecord[] {
  if (view.whenNoneHealthy !== 'nxdomain') return () => [];
  const taken = takenNames(view);
  return (namespace) => {
    const name = `${namespace}.svc.${view.domain}`;
    if (taken(name) || view.hasStatics(name)) return [];
    const set: RecordSet = {
      name: `${name}.`,
      type: PLACEHOLDER_TYPE,
      ttlSeconds: view.parts.start.nodataTtlSeconds,
      data: ['\\# 0'],
    };
    return [...toWire(set)];
  };
}

/** The static records at some names, as far as they are not part of a Service's RRsets. */
export function* staticsOf(view: ZoneView, names: Iterable<string>): Generator<WireRecord> {
  for (const name of names) for (const set of staticsAt(view, name)) yield* toWire(set);
}

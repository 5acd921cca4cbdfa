/**
 * What is kept of a Service between two changes. Half a million of them are kept, so what many Services have in common is
 * kept once, and what is a Service's own is one text. What the fields mean: objects.ts, shards.ts.
 */

import { isDeepStrictEqual } from 'node:util';
import { SharedTable, textOf } from './intern.ts';
import type { ObjectNames } from './object-key.ts';
import type { SlimIngress, SlimService } from './objects.ts';
import { versionOf } from './older-objects.ts';

/** What many Services have in common. */
type Traits = Pick<
  SlimService,
  'type' | 'marks' | 'ports' | 'publishNotReadyAddresses' | 'deleting' | 'importer'
>;

/** A Service without its names, which are those of its key. */
export interface KeptService {
  /** Shared: equal ones are the same object, as a rule. */
  readonly traits: Traits;
  /** JSON of {@link Sources}; empty where there are none. */
  readonly sources: string;
  /** Its resourceVersion as a number, 0 where nothing can be told. */
  version: number;
}

/** Where addresses come from: address and hostname of each entry, the external IPs, the cluster's own. */
type Sources = readonly [
  ingress: readonly (readonly [string?, string?])[],
  externalIPs: readonly string[],
  clusterIPs: readonly string[],
];

const NONE: readonly never[] = [];
const traitSets = new SharedTable<Traits>();

/**
 * Reduces a Service to what is kept: without what changes with every write, and without what its cluster does not
 * publish.
 */
export function keepService(service: SlimService, publishesClusterIPs: boolean): KeptService {
  const { type, marks, ports, publishNotReadyAddresses, deleting, importer } = service;
  const key = `${type} ${textOf(marks)} ${textOf(ports)} ${publishNotReadyAddresses} ${deleting} ${importer ?? ''}`;
  const traits = traitSets.share(key, () => ({
    type,
    marks,
    ports,
    publishNotReadyAddresses,
    deleting,
    ...(importer === undefined ? {} : { importer }),
  }));
  const { ingress, externalIPs } = service;
  const clusterIPs = publishesClusterIPs ? service.clusterIPs : NONE;
  const sources = packSources([ingress.map(packIngress), externalIPs, clusterIPs]);
  return { traits, sources, version: versionOf(service.resourceVersion) };
}

/** The Service again, by its names. */
export function unkeepService(names: ObjectNames, { traits, sources }: KeptService): SlimService {
  const [ingress, externalIPs, clusterIPs] = unpackSources(sources);
  return {
    kind: 'Service',
    ...names,
    ...traits,
    clusterIPs,
    externalIPs,
    ingress: ingress.map(unpackIngress),
  };
}

/** Whether two say the same. */
export function sameService(a: KeptService | undefined, b: KeptService): boolean {
  if (a === undefined || a.sources !== b.sources) return false;
  return a.traits === b.traits || isDeepStrictEqual(a.traits, b.traits);
}

function packSources(sources: Sources): string {
  return sources.every((list) => list.length === 0) ? '' : JSON.stringify(sources);
}

function unpackSources(text: string): Sources {
  return text === '' ? [NONE, NONE, NONE] : (JSON.parse(text) as Sources);
}

/** JSON has no undefined: an empty text stands for what is absent, which is never empty (objects.ts). */
function packIngress({ ip = '', hostname }: SlimIngress): [string, string?] {
  return hostname === undefined ? [ip] : [ip, hostname];
}

function unpackIngress([ip = '', hostname]: readonly [string?, string?]): SlimIngress {
  return { ...(ip === '' ? {} : { ip }), ...(hostname === undefined ? {} : { hostname }) };
}

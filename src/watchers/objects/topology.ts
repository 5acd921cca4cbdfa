/**
 * Where a cluster is: its region and zones, from the settings, else from its Nodes and endpoints. Owns the counting
 * and the conclusion; that a change of it touches every shard is left to cluster-objects.ts.
 */

import type { ClusterSettings } from '../../config/settings.ts';
import { isDnsLabel, type EndpointSummary, type SlimNode } from './objects.ts';
import { NEW_PLACES_PER_HOUR } from './place-budget.ts';
import type { Finding } from '../refusals.ts';

/** What was concluded. */
export interface Topology {
  readonly region?: string;
  /** Sorted, each once. */
  readonly zones: readonly string[];
  /** `config`, `nodes`, `endpoints` or `none`; several joined by `+`. */
  readonly from: string;
  readonly findings: readonly Finding[];
}

/** Zones of one cluster: each is a level of names for every Service. */
const ZONES_MAX = 100;
/** Different names looked at before giving up on a cluster that invents them. */
const CANDIDATES_MAX = 1000;

/** Nodes of one kind, counted by the places they name. */
class NodeTally {
  readonly regions = new Map<string, number>();
  readonly zones = new Map<string, number>();

  count({ region, zone }: Pick<SlimNode, 'region' | 'zone'>, by: 1 | -1): void {
    if (region !== undefined) count(this.regions, region, by);
    if (zone !== undefined) count(this.zones, zone, by);
  }
}

/** Counts the locations that a cluster's objects name. */
export class TopologyTally {
  /** Machines, and Nodes that stand for capacity elsewhere. */
  readonly machines = new NodeTally();
  readonly virtual = new NodeTally();
  readonly #endpointZones = new Map<string, number>();
  /** Whether anything that matters to {@link concludeTopology} changed since it was last reset. */
  changed = true;

  get endpointZones(): ReadonlyMap<string, number> {
    return this.#endpointZones;
  }

  countNode(node: Pick<SlimNode, 'region' | 'zone' | 'virtual'>, by: 1 | -1): void {
    this.changed = true;
    (node.virtual === true ? this.virtual : this.machines).count(node, by);
  }

  countEndpoints(summary: EndpointSummary, by: 1 | -1): void {
    for (const zone of summary.zones) {
      if (count(this.#endpointZones, zone, by)) this.changed = true;
    }
  }
}

/** What {@link concludeTopology} goes by beside the settings and the objects of the moment. */
export interface TopologyMemory {
  /** The last conclusion. */
  readonly known: Pick<Topology, 'region' | 'zones' | 'from'>;
  /** Whether the cluster may have a place, `region` or `zone.region`. */
  readonly admit: (place: string) => boolean;
}

/** Concludes a cluster's region and zones. What the settings say is final. */
export function concludeTopology(
  settings: Pick<ClusterSettings, 'region' | 'zones'>,
  tally: TopologyTally,
  memory: TopologyMemory,
): Topology {
  const findings: Finding[] = [];
  const region = settings.region ?? nodeRegion(tally, memory, findings);
  const regionFrom = settings.region === undefined ? (region === undefined ? [] : ['nodes']) : ['config'];
  const zones =
    settings.zones === undefined
      ? admittedZones(observedZones(tally, memory.known, findings), region, memory, findings)
      : configuredZones(settings.zones, tally, findings);
  const from = [...new Set([...regionFrom, ...zones.from])].join('+');
  return {
    ...(region === undefined ? {} : { region }),
    zones: zones.zones,
    from: from === '' ? 'none' : from,
    findings,
  };
}

/** Whether two conclusions place a cluster in the same way. */
export function sameTopology(a: Topology, b: Topology): boolean {
  return a.region === b.region && a.from === b.from && sameTexts(a.zones, b.zones);
}

export function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

/**
 * A region is one: where Nodes disagree, the one that is known already, else the one that most name, of equals the first
 * by name. A cluster without Nodes is where it was. Virtual Nodes are asked where there never was another.
 */
function nodeRegion(
  { machines, virtual }: TopologyTally,
  { known, admit }: TopologyMemory,
  findings: Finding[],
): string | undefined {
  const ofMachines = rankedRegions(machines.regions, findings);
  if (ofMachines.length === 0 && known.region !== undefined) return known.region;
  const ranked = ofMachines.length > 0 ? ofMachines : rankedRegions(virtual.regions, findings);
  const region = ranked.find((name) => name === known.region) ?? ranked[0];
  if (ranked.length > 1) {
    const message = `nodes name the regions ${ranked.slice(0, 5).join(', ')}; ${region} is taken`;
    findings.push({ code: 'REGION_AMBIGUOUS', message });
  }
  if (region === undefined || admit(region)) return region;
  findings.push(overBudget([region]));
  return known.region;
}

function rankedRegions(regions: ReadonlyMap<string, number>, findings: Finding[]): string[] {
  const names = usable([...regions.keys()].slice(0, CANDIDATES_MAX), 'region', 'a Node', findings);
  return names.toSorted((a, b) => regions.get(b)! - regions.get(a)! || compare(a, b));
}

interface Zones {
  readonly zones: readonly string[];
  readonly from: readonly string[];
}

function configuredZones(zones: readonly string[], tally: TopologyTally, findings: Finding[]): Zones {
  for (const zone of [...tally.endpointZones.keys()].slice(0, CANDIDATES_MAX)) {
    if (zones.includes(zone)) continue;
    findings.push({
      code: 'ZONE_NOT_CONFIGURED',
      message: `endpoints are in ${zone}, which is none of the cluster's zones ${zones.join(', ')}`,
    });
  }
  return { zones: [...new Set(zones)].toSorted(compare), from: ['config'] };
}

/**
 * Zones of endpoints count only where no Node names any: what an endpoint says of its zone is written by whoever made its
 * slice, and a zone of another cluster would be taken for one of this cluster's. Where the last zoned Node has gone, the
 * zones are those that there were.
 */
function observedZones(tally: TopologyTally, known: TopologyMemory['known'], findings: Finding[]): Zones {
  const names = (zones: ReadonlyMap<string, number>, what: string): string[] =>
    usable([...zones.keys()].slice(0, CANDIDATES_MAX), 'zone', what, findings).toSorted(compare);
  const ofMachines = names(tally.machines.zones, 'a Node');
  const isKnown = known.zones.length > 0 && known.from.includes('nodes') && !known.from.includes('endpoints');
  if (ofMachines.length === 0 && isKnown) return { zones: known.zones, from: ['nodes'] };
  const ofNodes = ofMachines.length > 0 ? ofMachines : names(tally.virtual.zones, 'a virtual Node');
  const ofEndpoints = names(tally.endpointZones, 'an endpoint').filter((zone) => !ofNodes.includes(zone));
  if (ofNodes.length === 0)
    return limited(ofEndpoints, ofEndpoints.length > 0 ? ['endpoints'] : [], findings);
  if (ofEndpoints.length > 0) {
    const message = `endpoints are in ${some(ofEndpoints)}, where the cluster has no Node; that is not counted`;
    findings.push({ code: 'ENDPOINT_ZONE_UNKNOWN', message });
  }
  return limited(ofNodes, ['nodes'], findings);
}

function limited(zones: readonly string[], from: readonly string[], findings: Finding[]): Zones {
  if (zones.length > ZONES_MAX) {
    const message = `${zones.length} zones, of which ${ZONES_MAX} are taken`;
    findings.push({ code: 'ZONE_LIMIT', message });
  }
  return { zones: zones.slice(0, ZONES_MAX), from };
}

function admittedZones(
  { zones, from }: Zones,
  region: string | undefined,
  { admit }: TopologyMemory,
  findings: Finding[],
): Zones {
  // Without a region a zone has no name.
  if (region === undefined) return { zones, from };
  const refused: string[] = [];
  const admitted = zones.filter((zone) => {
    const isAdmitted = admit(`${zone}.${region}`);
    if (!isAdmitted) refused.push(zone);
    return isAdmitted;
  });
  if (refused.length > 0) findings.push(overBudget(refused));
  return { zones: admitted, from };
}

function overBudget(places: readonly string[]): Finding {
  const message = `${some(places)} must wait: a cluster may bring ${NEW_PLACES_PER_HOUR} new places in an hour`;
  return { code: 'LOCATION_BUDGET', message };
}

/** The first few of a list that may be long. */
function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

/** A location is one label of a name, and `svc` marks where a name's locations begin. */
function usable(names: readonly string[], what: string, where: string, findings: Finding[]): string[] {
  return names.filter((name) => {
    const valid = isDnsLabel(name) && name !== 'svc';
    if (!valid) {
      findings.push({
        code: 'LOCATION_INVALID',
        message: `the ${what} "${name}" of ${where} is no usable label`,
      });
    }
    return valid;
  });
}

/** @returns whether a name came up or went */
function count(names: Map<string, number>, name: string, by: 1 | -1): boolean {
  const before = names.get(name) ?? 0;
  const after = before + by;
  if (after <= 0) names.delete(name);
  else names.set(name, after);
  return before === 0 || after <= 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

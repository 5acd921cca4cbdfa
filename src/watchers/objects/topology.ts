/**
 * Where a cluster is: its region and zones, from the settings, else from its Nodes and endpoints. Owns the counting
 * and the conclusion; that a change of it touches every shard is left to cluster-objects.ts.
 */

import type { ClusterSettings } from '../../config/settings.ts';
import { isDnsLabel, type EndpointSummary, type SlimNode } from './objects.ts';
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

/** Counts the locations that a cluster's objects name. */
export class TopologyTally {
  readonly #regions = new Map<string, number>();
  readonly #nodeZones = new Map<string, number>();
  readonly #endpointZones = new Map<string, number>();
  /** Whether anything that matters to {@link concludeTopology} changed since it was last reset. */
  changed = true;

  get regions(): ReadonlyMap<string, number> {
    return this.#regions;
  }

  get nodeZones(): ReadonlyMap<string, number> {
    return this.#nodeZones;
  }

  get endpointZones(): ReadonlyMap<string, number> {
    return this.#endpointZones;
  }

  countNode(node: Pick<SlimNode, 'region' | 'zone'>, by: 1 | -1): void {
    this.changed = true;
    if (node.region !== undefined) count(this.#regions, node.region, by);
    if (node.zone !== undefined) count(this.#nodeZones, node.zone, by);
  }

  countEndpoints(summary: EndpointSummary, by: 1 | -1): void {
    for (const zone of summary.zones) {
      if (count(this.#endpointZones, zone, by)) this.changed = true;
    }
  }
}

/** Concludes a cluster's region and zones. What the settings say is final. */
export function concludeTopology(
  settings: Pick<ClusterSettings, 'region' | 'zones'>,
  tally: TopologyTally,
): Topology {
  const findings: Finding[] = [];
  const region = settings.region ?? nodeRegion(tally.regions, findings);
  const regionFrom = settings.region === undefined ? (region === undefined ? [] : ['nodes']) : ['config'];
  const zones =
    settings.zones === undefined
      ? observedZones(tally, findings)
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

/** A region is one: where nodes disagree, the one that most name, of equals the first by name. */
function nodeRegion(regions: ReadonlyMap<string, number>, findings: Finding[]): string | undefined {
  const names = usable([...regions.keys()].slice(0, CANDIDATES_MAX), 'region', 'a Node', findings);
  const ranked = names.toSorted((a, b) => regions.get(b)! - regions.get(a)! || compare(a, b));
  if (ranked.length > 1) {
    const message = `nodes name the regions ${ranked.slice(0, 5).join(', ')}; ${ranked[0]} is taken`;
    findings.push({ code: 'REGION_AMBIGUOUS', message });
  }
  return ranked[0];
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

function observedZones(tally: TopologyTally, findings: Finding[]): Zones {
  const keys = (zones: ReadonlyMap<string, number>, what: string): string[] =>
    usable([...zones.keys()].slice(0, CANDIDATES_MAX), 'zone', what, findings).toSorted(compare);
  const ofNodes = keys(tally.nodeZones, 'a Node');
  const ofEndpoints = keys(tally.endpointZones, 'an endpoint').filter((zone) => !ofNodes.includes(zone));
  const all = [...ofNodes, ...ofEndpoints];
  if (all.length > ZONES_MAX) {
    findings.push({ code: 'ZONE_LIMIT', message: `${all.length} zones, of which ${ZONES_MAX} are taken` });
  }
  const from = [...(ofNodes.length > 0 ? ['nodes'] : []), ...(ofEndpoints.length > 0 ? ['endpoints'] : [])];
  return { zones: all.slice(0, ZONES_MAX).toSorted(compare), from };
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

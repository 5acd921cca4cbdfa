/** Where a cluster is by the labels of its Nodes, concluded as the DNS server concludes it. */

import { slimAs } from '../../watchers/objects/objects.ts';
import { concludeTopology, type Topology, TopologyTally } from '../../watchers/objects/topology.ts';
import type { Outcome } from '../api/failure.ts';
import type { ObjectClient } from '../api/object-client.ts';
import type { Placement } from './member-objects.ts';
import { TYPES } from './types.ts';

export interface NodePlaces extends Topology {
  /** Nodes that were looked at. */
  readonly nodes: number;
}

/** @param given - what people have said of it, which is final */
export async function readPlaces(objects: ObjectClient, given: Placement): Promise<Outcome<NodePlaces>> {
  const listed = await objects.list(TYPES.node, { metadataOnly: true });
  if (!listed.ok) return listed;
  const tally = new TopologyTally();
  for (const object of listed.value.items) {
    const node = slimAs('Node', object);
    if ('kind' in node && node.kind === 'Node') tally.countNode(node, 1);
  }
  const memory = { known: { zones: [], from: 'none' }, admit: () => true };
  const places = concludeTopology(given, tally, memory);
  return { ok: true, value: { ...places, nodes: listed.value.items.length } };
}

/** `region us-central1, zones us-central1-a, us-central1-b`, or what is not known. */
export function placeText({ region, zones = [] }: Placement): string {
  if (region === undefined && zones.length === 0) return 'no region and no zone';
  const zoned =
    zones.length === 0 ? 'no zone' : `${zones.length === 1 ? 'zone' : 'zones'} ${zones.join(', ')}`;
  return `${region === undefined ? 'no region' : `region ${region}`}, ${zoned}`;
}

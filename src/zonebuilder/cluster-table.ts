/**
 * The table of the image that leads from a cluster's label to its number, for names of one cluster,
 * `CLUSTER.S.N.F.svc.D`. A location stands behind `svc` and a port begins with an underscore, so that no name is both.
 */
import { hashKey } from './hash.ts';
import { Clusters } from './layout.ts';
import { insertSlot } from './locations.ts';

/** A cluster that has a name of its own below its Services. */
export interface NamedCluster {
  /** Lower case, one label. */
  readonly label: string;
  readonly number: number;
  /** Nothing was ever read of it, so that it may have a shard of any Service. */
  readonly unread: boolean;
}

/** The label of a cluster, lower case; undefined for a name that is no label of a host name. */
export function clusterLabel(name: string): string | undefined {
  const label = name.toLowerCase();
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label) ? label : undefined;
}

/** Encodes the cluster table; of two clusters with one label the first has it. */
export function encodeClusters(clusters: readonly NamedCluster[], seed: number): Buffer {
  const entries = new Map<string, Buffer>();
  for (const cluster of clusters)
    if (!entries.has(cluster.label)) entries.set(cluster.label, encodeEntry(cluster));
  let slots = 8;
  while (slots < entries.size * 2) slots *= 2;
  const head = Buffer.alloc(Clusters.slots + slots * 4);
  head.writeUInt32LE(slots - 1, Clusters.mask);
  let at = head.length;
  for (const [label, entry] of entries) {
    insertSlot(head, Clusters.slots, slots - 1, hashKey(wireLabel(label), seed), at);
    at += entry.length;
  }
  return Buffer.concat([head, ...entries.values()]);
}

/** A label in wire form, without root label. */
export function wireLabel(label: string): Buffer {
  return Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1');
}

function encodeEntry({ label, number, unread }: NamedCluster): Buffer {
  const key = wireLabel(label);
  const entry = Buffer.alloc((Clusters.key + key.length + 3) & ~3);
  entry.writeUInt16LE(number, Clusters.number);
  entry[Clusters.isUnread] = unread ? 1 : 0;
  entry[Clusters.keyOctets] = key.length;
  key.copy(entry, Clusters.key);
  return entry;
}

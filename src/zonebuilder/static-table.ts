/**
 * The static table of the image: names with records that no cluster has a say in — those of the configuration,
 * and the apex's own NS, with the addresses of name servers inside the domain. The records come packed (static-set.ts); only
 * where each name is found depends on the image.
 */
import { hashKey } from './hash.ts';
import { Statics } from './layout.ts';
import { insertSlot } from './locations.ts';
import { keyAt, slotsFor, type StaticSet } from './static-set.ts';

/** Encodes the static table with the hash seed of an image. */
export function encodeStatics(set: StaticSet, seed: number): Buffer {
  const slots = slotsFor(set);
  const entriesAt = Statics.slots + slots * 4;
  const table = Buffer.alloc(entriesAt + set.octets.length);
  table.writeUInt32LE(slots - 1, Statics.mask);
  table.writeInt32LE(set.depths, Statics.depths);
  table.writeInt32LE(set.cutDepths, Statics.cutDepths);
  table.writeUInt32LE(set.wildcards, Statics.wildcards);
  table.set(set.octets, entriesAt);
  for (const [entry, at] of set.offsets.entries())
    insertSlot(table, Statics.slots, slots - 1, hashKey(keyAt(set, entry), seed), entriesAt + at);
  return table;
}

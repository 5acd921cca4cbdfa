/** Owns what is left of a shard when zones of it are drained: as if the endpoints in them were not ready. */
import type { PackedShard } from './shard-pack.ts';

/**
 * @param zones - of the cluster
 * @param drained - some of them, not all that the shard counts in
 */
export function withoutZones(
  shard: PackedShard,
  zones: readonly string[],
  drained: readonly string[],
): PackedShard {
  const { readyZones, addressZones, v4, v6 } = shard;
  const isLeft = (zone: string): boolean => !drained.includes(zone);
  const left = (readyZones === 'every' ? zones : readyZones).filter(isLeft);
  if (readyZones === 'every' || addressZones === undefined) return { ...shard, readyZones: left };
  return {
    ...shard,
    readyZones: left,
    v4: v4.filter((_, i) => isLeft(addressZones[i]!)),
    v6: v6.filter((_, i) => isLeft(addressZones[v4.length + i]!)),
    addressZones: addressZones.filter(isLeft),
  };
}

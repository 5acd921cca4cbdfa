/** From shards as watchers report them to shards as they are kept (shard-pack.ts), and back for snapshot and explanation. */
import type { ShardState } from './facts.ts';
import { formatAddress, packAddress } from './ip-text.ts';
import { type KnownService, namesOf } from './services.ts';
import type { PackedShard } from './shard-pack.ts';

/** Packs what a cluster reports of a shard under the cluster's number. */
export function packShard(cluster: number, shard: ShardState): PackedShard {
  const addresses = shard.addresses.map((text) => packAddress(text)!);
  const zonesOf = (octets: number): string[] =>
    addresses.flatMap(({ length }, i) => (length === octets ? [shard.addressZones?.[i] ?? ''] : []));
  return {
    cluster,
    ready: shard.ready,
    readyZones: shard.readyZones,
    v4: addresses.filter((octets) => octets.length === 4),
    v6: addresses.filter((octets) => octets.length === 16),
    ...(shard.addressZones !== undefined && { addressZones: [...zonesOf(4), ...zonesOf(16)] }),
    ports: shard.ports,
    ttlSeconds: shard.ttlSeconds,
    addressTtlSeconds: shard.addressTtlSeconds,
    maxAddresses: shard.maxAddresses,
    policy: shard.policy,
    weight: shard.weight,
    srv: shard.srv,
    ...(shard.held === true && { held: true }),
    changedMs: shard.cause.timeMs,
  };
}

/** A packed shard as its cluster reported it; of the cause the Service and the time are left. */
export function toShardState(cluster: string, known: KnownService, shard: PackedShard): ShardState {
  const { federation, namespace, service } = namesOf(known);
  return {
    cluster,
    federation,
    namespace,
    service,
    addresses: [...shard.v4, ...shard.v6].map((octets) => formatAddress(Buffer.from(octets, 'latin1'))),
    ready: shard.ready,
    readyZones: shard.readyZones,
    ...(shard.addressZones === undefined ? {} : { addressZones: shard.addressZones }),
    ports: shard.ports,
    ...(shard.ttlSeconds === undefined ? {} : { ttlSeconds: shard.ttlSeconds }),
    ...(shard.addressTtlSeconds === undefined ? {} : { addressTtlSeconds: shard.addressTtlSeconds }),
    ...(shard.maxAddresses === undefined ? {} : { maxAddresses: shard.maxAddresses }),
    ...(shard.policy === undefined ? {} : { policy: shard.policy }),
    ...(shard.weight === undefined ? {} : { weight: shard.weight }),
    ...(shard.srv === undefined ? {} : { srv: shard.srv }),
    ...(shard.held === true && { held: true }),
    cause: { object: `Service ${namespace}/${service}`, timeMs: shard.changedMs },
  };
}

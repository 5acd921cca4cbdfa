/** Owns what is shown of Services: rows of a list, and one Service with its shards and places. */

import type { ServiceReport, ServicesControl, ShardRow } from '../admin/services.ts';
import type { ZoneBuilder } from '../zonebuilder/builder.ts';
import type { ShardState } from '../zonebuilder/facts.ts';
import { placesOfService } from '../zonebuilder/service-places.ts';
import { type Verdict, verdictText } from '../zonebuilder/verdict.ts';

/** @param serial - of what is served at the moment */
export function servicesOf(builder: ZoneBuilder, serial: () => number): ServicesControl {
  return {
    names: () => builder.serviceNames(),
    row(name) {
      const health = builder.serviceHealth(name);
      return health && { name, ...health };
    },
    report: (name) => reportOf(builder, name, serial()),
  };
}

function reportOf(builder: ZoneBuilder, name: string, serial: number): ServiceReport | undefined {
  const [service = '', namespace = '', federation = ''] = name.split('.');
  const view = builder.service(federation, namespace, service);
  if (view === undefined || view.known.name !== name) return undefined;
  return {
    name,
    serial,
    policy: view.policy.kind,
    ttlSeconds: view.ttlSeconds,
    ports: portsOf(view.shards),
    shards: view.shards.map((shard, i) => shardRow(builder, shard, view.verdicts[i]!)),
    places: placesOfService(builder, view),
    notices: builder.notices(view),
  };
}

function shardRow(builder: ZoneBuilder, shard: ShardState, verdict: Verdict): ShardRow {
  const cluster = builder.cluster(shard.cluster)!;
  return {
    cluster: shard.cluster,
    ...(cluster.region !== undefined && { region: cluster.region }),
    zones: shard.readyZones === 'every' ? cluster.zones : shard.readyZones,
    addresses: shard.addresses,
    counts: verdict.counts,
    reason: verdict.reason,
    why: verdictText(verdict),
    changedMs: shard.cause.timeMs,
  };
}

function portsOf(shards: readonly ShardState[]): string[] {
  const ports = shards.flatMap(({ ports: own }) => own);
  return [...new Set(ports.map(({ name, protocol, port }) => `${name}/${protocol} ${port}`))].toSorted();
}

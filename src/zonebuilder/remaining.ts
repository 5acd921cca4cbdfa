/** What would be left of Services, were something drained besides what is: shards that are in the answers, and those that lack. */
import type { ZoneBuilder } from './builder.ts';
import { drainKey, indexDrains, type DrainIndex, type DrainTarget } from './drains.ts';
import type { ClusterState } from './facts.ts';

/** A Service that a drain takes something of. */
export interface Remaining {
  /** `S.N.F`. */
  readonly service: string;
  /** Shards that would be in the answers. */
  readonly remaining: number;
  /** Shards of clusters that the target does not cover, and that are not in the answers as it is, as `CLUSTER (why)`. */
  readonly missing: readonly string[];
}

/** The Services that a drain of the target would take shards of, or zones of shards; undefined is a step. */
export function* remainingUnder(builder: ZoneBuilder, target: DrainTarget): Generator<Remaining | undefined> {
  const drains = withTarget(builder.drains, target);
  const key = drainKey(target);
  const covered = new Set(
    builder
      .clusters()
      .filter((cluster) => isIn(cluster, target))
      .map(({ name }) => name),
  );
  for (const service of builder.coveredBy([target])) {
    const now = builder.verdictsOf(service);
    const then = builder.verdictsOf(service, drains);
    const isTouched = then.some(
      ({ verdict }, i) => now[i]!.verdict.counts && verdict.drains.some((rule) => drainKey(rule) === key),
    );
    const missing = now.filter(({ cluster, verdict }) => !verdict.counts && !covered.has(cluster));
    yield isTouched
      ? {
          service,
          remaining: then.filter(({ verdict }) => verdict.counts).length,
          missing: missing.map(({ cluster, verdict }) => `${cluster} (${verdict.reason})`),
        }
      : undefined;
  }
}

/** Shards of a Service that are in the answers. */
export function countingShards(builder: ZoneBuilder, service: string): number {
  return builder.verdictsOf(service).filter(({ verdict }) => verdict.counts).length;
}

/** Whether a target is about a cluster, or a part of it. */
export function isIn({ name, region, zones }: ClusterState, target: DrainTarget): boolean {
  switch (target.kind) {
    case 'cluster':
      return name === target.name;
    case 'region':
      return region === target.name;
    case 'zone':
      return zones.some((zone) => `${zone}.${region}` === target.name);
    case 'service':
      return target.cluster === undefined || target.cluster === name;
  }
}

function withTarget(drains: DrainIndex, target: DrainTarget): DrainIndex {
  return indexDrains([...drains.values(), { ...target, percent: 0 }]);
}

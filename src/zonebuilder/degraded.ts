/**
 * Which levels of a Service are degraded: something at or below them is not as it should be, so that their answers are about to
 * change more likely than not. What follows from that for TTLs is service-view.ts.
 */
import { GLOBAL } from './layout.ts';
import type { Verdict } from './verdict.ts';

/** Where a shard is, whether or not it counts. */
export interface ShardPlace {
  readonly region: number;
  /** All zones of its cluster: which of them a shard that is down was in, nobody says. */
  readonly zones: Iterable<number>;
}

/** Whether a shard is anything but healthy and in full use. */
export function isDegraded({ reason, drains }: Verdict): boolean {
  return reason !== 'healthy' || drains.length > 0;
}

/** The levels that have a degraded shard at or below them. */
export function degradedLevels(
  verdicts: readonly Verdict[],
  placeOf: (i: number) => ShardPlace,
): Set<number> {
  const levels = new Set<number>();
  verdicts.forEach((verdict, i) => {
    if (!isDegraded(verdict)) return;
    const { region, zones } = placeOf(i);
    levels.add(GLOBAL).add(region);
    for (const zone of zones) levels.add(zone);
  });
  return levels;
}

/**
 * Owns what speaks against a drain: names that would be left without addresses, Services that a drain in part does nothing for.
 * Looked at slice by slice, since tens of thousands of Services may be concerned and other changes go on meanwhile.
 */

import { setImmediate as turn } from 'node:timers/promises';
import { type DrainIndex, drainText, type DrainRule, indexDrains } from '../../zonebuilder/drains.ts';
import type { ClusterState } from '../../zonebuilder/facts.ts';
import type { Loss, NameChange } from '../../zonebuilder/what-if.ts';
import type { DrainOutcome } from './drain.ts';
import { listed } from './targets.ts';

/** What can be foretold; undefined rows are steps that found nothing. */
export interface Forecast {
  changesUnder(drains: DrainIndex): Iterable<NameChange | undefined>;
  lossesUnder(drains: DrainIndex): Iterable<Loss | undefined>;
  unweightedUnder(
    drains: DrainIndex,
  ): Iterable<{ readonly service: string; readonly policy: string } | undefined>;
  clusterStates(): readonly ClusterState[];
}

/** Time between two looks at the event loop, in milliseconds. */
const SLICE_MS = 5;
/** Losses that a refusal names; all are counted. */
const LOSSES_TOLD_MAX = 100;

/**
 * Says what speaks against an order.
 *
 * @param rules - all that would be in force
 * @param rule - the one that is ordered
 * @returns undefined: nothing
 */
export async function objectionTo(
  forecast: Forecast,
  rules: readonly DrainRule[],
  rule: DrainRule,
): Promise<Exclude<DrainOutcome, { readonly kind: 'set' }> | undefined> {
  const drains = indexDrains(rules);
  if (rule.percent > 0) return (await objectionToPart(forecast, drains, rule)) ?? undefined;
  const { rows, count } = await collect(forecast.lossesUnder(drains), LOSSES_TOLD_MAX);
  if (count === 0) return undefined;
  const texts = rows.map(({ service, types }) => `${service} (${types.join(', ')})`);
  const message = `${drainText(rule)} would leave ${servicesText(count)} without addresses: ${listed(texts, count)}; force sets it all the same`;
  return { kind: 'losses', message, losses: rows, count };
}

async function objectionToPart(
  forecast: Forecast,
  drains: DrainIndex,
  rule: DrainRule,
): Promise<Exclude<DrainOutcome, { readonly kind: 'set' }> | undefined> {
  const wide = forecast.clusterStates().filter((cluster) => isWider(cluster, rule));
  if (wide.length > 0) {
    const names = listed(wide.map(({ name }) => name));
    const message = `a zone has no weight of its own where clusters are in other zones, too: drain them in part instead: ${names}`;
    return { kind: 'conflict', message };
  }
  const { rows, count } = await collect(forecast.unweightedUnder(drains), LOSSES_TOLD_MAX);
  if (count === 0) return undefined;
  const texts = rows.map(({ service, policy }) => `${service} (${policy})`);
  const message =
    `to ${rule.percent} % is a share of a weight, and does nothing for ${servicesText(count)} whose policy is not weighted: ` +
    `${listed(texts, count)}; force sets it all the same`;
  return { kind: 'conflict', message };
}

function isWider({ region, zones }: ClusterState, { kind, name }: DrainRule): boolean {
  return kind === 'zone' && zones.length > 1 && zones.some((zone) => `${zone}.${region}` === name);
}

function servicesText(count: number): string {
  return count === 1 ? 'a Service' : `${count} Services`;
}

/** Takes all rows in, and keeps the first of them. */
async function collect<Row>(
  steps: Iterable<Row | undefined>,
  keptMax: number,
): Promise<{ readonly rows: readonly Row[]; readonly count: number }> {
  const rows: Row[] = [];
  let count = 0;
  let sliceMs = performance.now();
  for (const row of steps) {
    if (row !== undefined && count++ < keptMax) rows.push(row);
    if (performance.now() - sliceMs < SLICE_MS) continue;
    await turn();
    sliceMs = performance.now();
  }
  return { rows, count };
}

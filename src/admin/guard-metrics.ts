/** Owns the metrics of the guard. */

import type { Registry } from 'prom-client';
import type { GuardStatus } from './guard-control.ts';
import { scrapedCounter, scrapedGauge } from './scraped.ts';

const RULES = ['empty', 'fraction', 'older'] as const;

/** @param status - undefined: there is no guard */
export function collectGuard(status: () => GuardStatus | undefined, registers: Registry[]): void {
  const held = {
    name: 'fedns_guard_held_shards',
    help: 'Shards that the guard keeps in the answers while their data are missing; above 0 somebody should look.',
    labelNames: ['cluster', 'rule'],
  };
  scrapedGauge(held, registers, (put) => {
    for (const { cluster, rule, shards } of status()?.stops ?? []) put({ cluster, rule }, shards);
  });
  const withheld = {
    name: 'fedns_guard_withheld_total',
    help: 'Shards that the guard has withheld, by rule.',
    labelNames: ['rule'],
  };
  scrapedCounter(withheld, registers, (put) => {
    for (const rule of RULES) put({ rule }, status()?.withheld[rule] ?? 0);
  });
  const released = {
    name: 'fedns_guard_released_total',
    help: 'Shards that the guard has let go, by why.',
    labelNames: ['why'],
  };
  scrapedCounter(released, registers, (put) => {
    for (const [why, shards] of Object.entries(status()?.released ?? {})) put({ why }, shards);
  });
}

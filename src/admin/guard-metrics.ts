/** Owns the metrics of the guard. */

import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { GuardStatus } from './guard-control.ts';

const RULES = ['empty', 'fraction', 'older'] as const;

/** @param status - undefined: there is no guard */
export function collectGuard(status: () => GuardStatus | undefined, registers: Registry[]): void {
  const held: Gauge<'cluster' | 'rule'> = new Gauge({
    name: 'fedns_guard_held_shards',
    help: 'Shards that the guard keeps in the answers while their data are missing; above 0 somebody should look.',
    labelNames: ['cluster', 'rule'],
    registers,
    collect: () => {
      held.reset();
      for (const { cluster, rule, shards } of status()?.stops ?? []) held.inc({ cluster, rule }, shards);
    },
  });
  const withheld: Counter<'rule'> = new Counter({
    name: 'fedns_guard_withheld_total',
    help: 'Shards that the guard has withheld, by rule.',
    labelNames: ['rule'],
    registers,
    collect: () => {
      withheld.reset();
      for (const rule of RULES) withheld.inc({ rule }, status()?.withheld[rule] ?? 0);
    },
  });
  const released: Counter<'why'> = new Counter({
    name: 'fedns_guard_released_total',
    help: 'Shards that the guard has let go, by why.',
    labelNames: ['why'],
    registers,
    collect: () => {
      released.reset();
      for (const [why, shards] of Object.entries(status()?.released ?? {})) released.inc({ why }, shards);
    },
  });
}

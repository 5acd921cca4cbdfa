/** Owns how drills and plans become metrics. */

import type { Registry } from 'prom-client';
import type { DrillView } from '../steering/drills/drill-keeper.ts';
import { stepWaiting } from '../steering/drills/plan.ts';
import type { DrillsControl } from './drills-control.ts';
import { type Put, scrapedGauge } from './scraped.ts';

/** Registers the metrics; without drills and plans they have no series. */
export function collectDrills(control: () => DrillsControl | undefined, registers: Registry[]): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    read: (put: Put, drills: DrillsControl) => void,
  ): void =>
    scrapedGauge({ name, help, labelNames }, registers, (put) => {
      const drills = control();
      if (drills !== undefined) read(put, drills);
    });
  const ofDrills = (name: string, help: string, value: (view: DrillView) => number): void =>
    gauge(name, help, ['drill'], (put, drills) => {
      for (const view of drills.drills()) put({ drill: view.settings.name }, value(view));
    });
  ofDrills('fedns_drill_running', '1 while a drill runs.', ({ running }) => (running === undefined ? 0 : 1));
  ofDrills('fedns_drill_next_timestamp_seconds', 'When a drill is next.', ({ nextMs }) => nextMs / 1000);
  gauge(
    'fedns_drill_last_timestamp_seconds',
    'When a drill ended last, or did not begin, by what came of it.',
    ['drill', 'outcome'],
    (put, drills) => {
      for (const { last } of drills.drills())
        if (last !== undefined) put({ drill: last.drill, outcome: last.outcome }, last.endedMs / 1000);
    },
  );
  gauge(
    'fedns_plan_waiting_step',
    'The step of a plan that waits for an approval, from 1; 0: the plan is not under way.',
    ['plan'],
    (put, drills) => {
      for (const { plan, run } of drills.plans()) put({ plan: plan.name }, (run && stepWaiting(run)) ?? 0);
    },
  );
}

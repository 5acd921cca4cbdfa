/** Owns how the drills and plans of a server are put together, and what of them the admin server sees. */

import type { DrillsControl } from '../admin/drills-control.ts';
import type { DrillSettings, PlanSettings } from '../config/settings.ts';
import { nextMoment, type Schedule } from '../jobs.ts';
import type { Journal } from '../journal/entry.ts';
import type { Clock, Log } from '../log.ts';
import type { StateLayout } from '../state/layout.ts';
import type { DrillState } from '../steering/drills/drill-book.ts';
import { DrillKeeper } from '../steering/drills/drill-keeper.ts';
import type { Ground } from '../steering/drills/ground.ts';
import { ledgerFile } from '../steering/drills/ledger-file.ts';
import { PlanKeeper, type PlanState } from '../steering/drills/plan-keeper.ts';
import { systemTimers } from '../timers.ts';

export interface DrillsOptions {
  readonly ground: Ground;
  /** Undefined: nothing outlasts the process. */
  readonly layout: StateLayout | undefined;
  readonly schedule: Schedule;
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Pick<Journal, 'note'>;
}

interface SteeringSettings {
  readonly drills: readonly DrillSettings[];
  readonly plans: readonly PlanSettings[];
}

/** The drills and plans of one server. */
export class DrillsKeeper {
  #settings: SteeringSettings = { drills: [], plans: [] };
  readonly #drills: DrillKeeper;
  readonly #plans: PlanKeeper;

  constructor({ ground, layout, schedule, clock, log, journal }: DrillsOptions) {
    const common = {
      ground,
      clock,
      log,
      note: (event: Parameters<Journal['note']>[0]) => journal.note(event),
    };
    this.#drills = new DrillKeeper({
      ...common,
      ledger: ledgerFile<DrillState>(layout?.drills, ['reports'], log),
      schedule,
      nextMoment,
      timers: systemTimers,
      planUnderWay: () => this.#plans.underWay,
    });
    this.#plans = new PlanKeeper({
      ...common,
      ledger: ledgerFile<PlanState>(layout?.plans, ['runs'], log),
      drillRunning: () => this.#drills.running,
    });
  }

  /** Takes up what the last run has left. To be called once the drains of that run are in force. */
  async start(settings: SteeringSettings): Promise<void> {
    await this.#plans.start();
    await this.#drills.start();
    await this.adopt(settings);
  }

  async adopt({ drills, plans }: SteeringSettings): Promise<void> {
    this.#settings = { drills, plans };
    this.#plans.adopt(plans);
    await this.#drills.adopt(drills);
  }

  /** Answers have changed: what a drill needs may have fallen. */
  look(services: readonly string[]): void {
    this.#drills.lookAt(services);
  }

  /** Ends the drill that runs, and begins none. May be called again. */
  stop(): Promise<void> {
    return this.#drills.stop();
  }

  /** Takes back a {@link stop}. */
  async resume(): Promise<void> {
    this.#drills.resume();
    await this.adopt(this.#settings);
  }

  readonly control: DrillsControl = {
    drills: () => this.#drills.views(),
    beginDrill: (name, by, isDry) => this.#drills.begin(name, by, isDry),
    endDrill: (name, by) => this.#drills.end(name, by),
    plans: () => this.#plans.views(),
    outlook: (plan) => this.#plans.outlook(plan),
    runPlan: (name, by, isDry) => this.#plans.run(name, by, isDry),
    approvePlan: (name, by, step) => this.#plans.approve(name, by, step),
    abortPlan: (name, by) => this.#plans.abort(name, by),
  };
}

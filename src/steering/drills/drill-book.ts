/** Owns what is written down of drills: the last report of each, the one that runs, and what the log and the journal are told. */

import type { JournalEvent } from '../../journal/entry.ts';
import type { Log } from '../../log.ts';
import { drainKey } from '../../zonebuilder/drains.ts';
import { reportText, type DrillReport, type DrillRun } from './drill.ts';
import type { Ledger } from './ledger.ts';

/** A drill that runs, as it is kept over a restart: what it is measured by is of no use to another process. */
export type KeptRun = Omit<DrillRun, 'baseline'>;

/** What is kept over a restart. */
export interface DrillState {
  /** The last report of each drill. */
  readonly reports: readonly DrillReport[];
  /** The drill that runs. */
  readonly running?: KeptRun;
}

export interface BookOptions {
  readonly ledger: Ledger<DrillState>;
  readonly log: Log;
  readonly note: (event: JournalEvent) => void;
}

export class DrillBook {
  readonly #options: BookOptions;
  readonly #reports = new Map<string, DrillReport>();
  #running: KeptRun | undefined;

  constructor(options: BookOptions) {
    this.#options = options;
  }

  /** @returns the drill that the last process left running */
  async load(): Promise<KeptRun | undefined> {
    const state = await this.#options.ledger.load();
    for (const report of state?.reports ?? []) this.#reports.set(report.drill, report);
    return state?.running;
  }

  /** What came of a drill last. */
  last(drill: string): DrillReport | undefined {
    return this.#reports.get(drill);
  }

  async begun({ baseline: _baseline, ...run }: DrillRun): Promise<void> {
    const { drill, target, by, untilMs, names, services } = run;
    const { note, log } = this.#options;
    const what = drainKey(target);
    log.info({ drill, what, names, services }, 'a drill began');
    const text = `${what}: ${names} names of ${services} Services`;
    note({ what: 'drillBegun', subject: drill, by, untilMs, text });
    this.#running = run;
    await this.#save();
  }

  /** A drill has ended, or did not begin. @param isOfRunning - it is the one that runs */
  async ended(report: DrillReport, isOfRunning: boolean): Promise<void> {
    const { log, note } = this.#options;
    const { drill, code, why, by, outcome } = report;
    this.#reports.set(drill, report);
    const text = reportText(report);
    const isWell = outcome === 'succeeded' || outcome === 'skipped';
    log[isWell ? 'info' : 'warn']({ drill, code, reason: why }, `a drill: ${text}`);
    note({ what: 'drillEnded', subject: drill, by, why, text });
    if (isOfRunning) this.#running = undefined;
    await this.#save();
  }

  async #save(): Promise<void> {
    const running = this.#running && { running: this.#running };
    await this.#options.ledger.save({ reports: [...this.#reports.values()], ...running });
  }
}

/** Owns `fedns federate` as a process: what is written when it cannot start, signals, and the exit code. */

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { LoadedConfig } from '../cli/environment.ts';
import type { FederateSettings, Settings } from '../config/settings.ts';
import { federatedKinds } from '../federation/kinds/table.ts';
import { confirmRemovals } from '../federation/run/confirm.ts';
import { Federate } from '../federation/run/federate.ts';
import { createLog, stderrForm, type LeveledLog } from '../logging/pino-log.ts';
import { reasonOf } from '../state/layout.ts';
import { systemTimers } from '../timers.ts';
import { keepMemoryLow } from './lean-memory.ts';
import { catchSignals } from './stop-signals.ts';

export interface FederateProcess {
  readonly file: string;
  readonly load: (file: string) => Promise<LoadedConfig>;
  /** Confirms what waits, and ends. */
  readonly confirm: boolean;
}

/** Federates until SIGTERM or SIGINT. @returns the exit code */
export async function runFederate({ file, load, confirm }: FederateProcess): Promise<number> {
  const config = await load(file);
  if (config.kind === 'refused') return complain(config.faults);
  const { settings } = config;
  const { federate } = settings;
  if (federate === undefined)
    return complain([`${file}: there is no federate: it says what is brought into the member clusters`]);
  return confirm ? confirmOnce(settings, federate) : run(settings, federate);
}

async function confirmOnce(settings: Settings, federate: FederateSettings): Promise<number> {
  const { text, code } = await confirmRemovals(settings, federate, { timers: systemTimers, clock: Date.now });
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  return code;
}

async function run(settings: Settings, federate: FederateSettings): Promise<number> {
  const signals = catchSignals();
  await keepMemoryLow();
  const log = createLog(settings.log.level, stderrForm(settings.log.format));
  const running = new Federate({
    settings,
    federate,
    kinds: federatedKinds({ division: federate.division }),
    identity: `${hostname()}_${randomUUID()}`,
    timers: systemTimers,
    clock: Date.now,
    random: Math.random,
    log,
  });
  try {
    await running.start();
  } catch (error) {
    return complain([`fedns: ${reasonOf(error)}`]);
  }
  reportFaults(log);
  log.info({ federation: federate.federation, select: federate.select }, 'federating');
  log.info({ signal: await signals.stop }, 'stopping');
  await running.stop();
  log.info({}, 'stopped');
  return 0;
}

/** What nobody caught ends nothing: the Lease goes on being renewed, and what is left undone is looked at anew. */
function reportFaults(log: LeveledLog): void {
  const fault = (error: unknown): void =>
    log.error(
      { code: 'FAULT', error: error instanceof Error ? error : String(error) },
      'nobody caught this: a bug, please report it',
    );
  process.on('uncaughtException', fault).on('unhandledRejection', fault);
}

function complain(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`);
  return 1;
}

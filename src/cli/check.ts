/**
 * Owns `fedns check`: everything that `fedns serve` would refuse, or that could never work, in the configuration and
 * in what it names. Nothing is bound, and nothing is contacted unless that is asked for.
 */

import type { Environment, Inspection, LoadedConfig } from './environment.ts';

/** @returns the exit code: 1 when something is wrong, 0 also with warnings */
export async function runCheck(environment: Environment, file: string, live: boolean): Promise<number> {
  const config = await environment.load(file);
  const { faults, warnings, notes = [] } = await lookAt(config, environment, live);
  for (const line of [...warnings, ...faults]) environment.err(`${line}\n`);
  for (const note of notes) await environment.out(`${note}\n`);
  if (faults.length > 0) {
    environment.err(`${file}: ${count(faults.length, 'fault')}\n`);
    return 1;
  }
  const doubtful = warnings.length > 0 ? `, ${count(warnings.length, 'warning')}` : '';
  await environment.out(`${file}: no faults${doubtful}\n`);
  return 0;
}

/** What a file names is only known once the file itself is without faults. */
async function lookAt(config: LoadedConfig, environment: Environment, live: boolean): Promise<Inspection> {
  if (config.kind === 'refused') return { faults: config.faults, warnings: config.warnings };
  const found = (await environment.inspect?.(config.settings, live)) ?? { faults: [], warnings: [] };
  return { ...found, warnings: [...config.warnings, ...found.warnings] };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

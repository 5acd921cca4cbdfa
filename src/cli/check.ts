/**
 * Owns `fedns check`: everything that `fedns serve` checks before it binds an address, and what it could never serve of
 * the files that the configuration names. Nothing is bound or contacted.
 */

import type { Environment, LoadedConfig } from './environment.ts';

/** @returns the exit code: 1 when something is wrong */
export async function runCheck(environment: Environment, file: string): Promise<number> {
  const config = await environment.load(file);
  const inspected = await inspect(environment, config);
  const warnings = [...config.warnings, ...inspected.warnings];
  for (const line of [...warnings, ...inspected.faults]) environment.err(`${line}\n`);
  if (inspected.faults.length > 0) {
    environment.err(`${file}: ${count(inspected.faults.length, 'fault')}\n`);
    return 1;
  }
  environment.out(
    `${file}: no faults${warnings.length > 0 ? `, ${count(warnings.length, 'warning')}` : ''}\n`,
  );
  return 0;
}

async function inspect(
  environment: Environment,
  config: LoadedConfig,
): Promise<{ readonly faults: readonly string[]; readonly warnings: readonly string[] }> {
  if (config.kind === 'refused') return { faults: config.faults, warnings: [] };
  return (await environment.inspect?.(config.settings)) ?? { faults: [], warnings: [] };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

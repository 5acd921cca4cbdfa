/** Owns `fedns check`: everything that `fedns serve` checks before it binds an address, and nothing is bound. */

import type { Environment } from './environment.ts';

/** @returns the exit code: 1 when the configuration would be refused */
export async function runCheck(environment: Environment, file: string): Promise<number> {
  const config = await environment.load(file);
  for (const warning of config.warnings) environment.err(`${warning}\n`);
  if (config.kind === 'refused') {
    for (const fault of config.faults) environment.err(`${fault}\n`);
    environment.err(`${file}: ${count(config.faults.length, 'fault')}\n`);
    return 1;
  }
  environment.out(
    `${file}: no faults${config.warnings.length > 0 ? `, ${count(config.warnings.length, 'warning')}` : ''}\n`,
  );
  return 0;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Owns `fedns unjoin`: what its words mean. What it takes away is in src/federation/members. */

import type { UnjoinChoice } from '../federation/members/unjoin.ts';
import type { Environment } from './environment.ts';
import { registering } from './registration.ts';

export async function runUnjoin(environment: Environment, name: string, choice: UnjoinChoice): Promise<void> {
  await registering(environment, async (registration) => {
    await registration.unjoin(name, choice);
    return '';
  });
}

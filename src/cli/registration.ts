/** What `init`, `join` and `unjoin` have in common: where they are done, and how what they refuse is told. */

import { FederationError } from '../federation/members/federation-error.ts';
import { CommandError, type Environment } from './environment.ts';
import type { Registration } from './registrar.ts';

export async function registering(
  { registration, out }: Environment,
  run: (registration: Registration) => Promise<string>,
): Promise<void> {
  if (registration === undefined) throw new CommandError('not here');
  try {
    await out(await run(registration));
  } catch (error) {
    if (error instanceof FederationError) throw new CommandError(error.message);
    throw error;
  }
}

/** Owns where commands that change something have the admin token from. */

import { readFile } from 'node:fs/promises';
import { layoutOf } from '../state/layout.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';

/**
 * The token of a running server: from a file that is named, else from the state folder that the configuration names.
 *
 * @throws CommandError when there is none
 */
export async function findToken(
  environment: Environment,
  { config, tokenFile }: { readonly config: string; readonly tokenFile?: string | undefined },
): Promise<string> {
  const file = tokenFile ?? (await tokenFileOf(environment, config));
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CommandError(
      `the admin token cannot be read: ${(error as Error).message}; --token-file names another`,
    );
  }
}

async function tokenFileOf(environment: Environment, file: string): Promise<string> {
  const config = await environment.load(file);
  const stateDir = config.kind === 'loaded' ? config.settings.stateDir : undefined;
  if (stateDir !== undefined) return layoutOf(stateDir).adminToken;
  const why = config.kind === 'loaded' ? 'has no stateDir' : 'has faults, which fedns check lists';
  throw new CommandError(`${file} ${why}, so the admin token is not found; --token-file names it`);
}

/** A world of name servers in a network namespace, for checkers that look at a delegation from outside. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { untapped } from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { scratch } from '../support/scratch.ts';

const WORLD = fileURLToPath(new URL('./world.ts', import.meta.url));
/** Time for a world and what runs in it, in milliseconds, on a machine with much else to do. */
export const WORLD_MS_MAX = 180_000;

/** Why tests in a network namespace are skipped: some systems do not let a user have one. False: they are not. */
export function missingWorld(): string | false {
  for (const command of ['unshare', 'ip', 'nsd', 'dig']) needCommand(command);
  const { status } = spawnSync('unshare', ['--net', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no network namespace';
}

/** Runs a command in the world of world.ts. @returns its standard output */
export function runInWorld(t: Test, command: string, ...args: string[]): string {
  const folder = scratch(t, {});
  const world = ['--net', '--map-root-user', process.execPath, WORLD, folder, command, ...args];
  const { stdout, stderr, status } = spawnSync(...untapped('unshare', world), {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) t.comment(`${command} ended with ${status}: ${stderr}`);
  return stdout;
}

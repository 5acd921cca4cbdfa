/** Programs of others that tests run, found or not. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { untapped } from '../process/serving.ts';

const WORLD = fileURLToPath(new URL('./world.ts', import.meta.url));
/** Time for a world and what runs in it, in milliseconds, on a machine with much else to do. */
export const WORLD_MS_MAX = 180_000;
/** Debian keeps daemons in folders that an ordinary user's PATH lacks. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** Where a command is; undefined: nowhere. */
export function findCommand(command: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, command)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why tests that need these commands are skipped; false: they are not. */
export function missing(...commands: string[]): string | false {
  const absent = commands.filter((command) => findCommand(command) === undefined);
  return absent.length > 0 && `not installed: ${absent.join(' ')}`;
}

/** The same for tests in a network namespace, which some systems do not let a user have. */
export function missingInWorld(...commands: string[]): string | false {
  const absent = missing('unshare', 'ip', 'nsd', 'dig', ...commands);
  if (absent !== false) return absent;
  const { status } = spawnSync('unshare', ['--net', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no network namespace';
}

/** Runs a command in the world of world.ts. @returns its standard output */
export function runInWorld(t: Test, command: string, ...args: string[]): string {
  const folder = t.testdir({});
  const world = ['--net', '--map-root-user', process.execPath, WORLD, folder, command, ...args];
  const { stdout, stderr, status } = spawnSync(...untapped('unshare', world), {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) t.comment(`${command} ended with ${status}: ${stderr}`);
  return stdout;
}

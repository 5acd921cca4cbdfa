/**
 * Owns where each thing lies in the state folder and how the folder comes into being. What the files hold is the
 * business of the file named after them: serial.ts, snapshot.ts, admin-token.ts, lock.ts.
 */

import { constants } from 'node:fs';
import { access, chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Paths of everything that fedns keeps between runs. */
export interface StateLayout {
  readonly directory: string;
  readonly lock: string;
  readonly serial: string;
  readonly snapshot: string;
  readonly adminToken: string;
  /** Why the newest attempt to have the process replaced has failed. */
  readonly succession: string;
  /** Drains ordered by operators, one JSON document. */
  readonly drains: string;
  /** What came of drills, and how runs of plans stand (steering/drills/ledger-file.ts). */
  readonly drills: string;
  readonly plans: string;
  /** Folder of the journal: segments of one JSON document a line (journal/segments.ts). */
  readonly journal: string;
}

/** Only the owner reads what may name internal addresses or grant rights. */
export const STATE_FILE_MODE = 0o600;
const STATE_DIRECTORY_MODE = 0o700;

/** A state folder that cannot be used. The message is one line for the operator; `code` is stable. */
export class StateError extends Error {
  /** `FULL`: there is no room to write; what is there can be read. */
  readonly code: 'UNUSABLE' | 'LOCKED' | 'FULL';

  constructor(code: StateError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StateError';
    this.code = code;
  }
}

/** The paths below `directory`; touches nothing. */
export function layoutOf(directory: string): StateLayout {
  return {
    directory,
    lock: join(directory, 'lock'),
    serial: join(directory, 'serial.json'),
    snapshot: join(directory, 'snapshot.ndjson'),
    adminToken: join(directory, 'admin.token'),
    succession: join(directory, 'succession.json'),
    drains: join(directory, 'drains.json'),
    drills: join(directory, 'drills.json'),
    plans: join(directory, 'plans.json'),
    journal: join(directory, 'journal'),
  };
}

/**
 * Makes the folder if it is missing and checks that files can be made in it.
 * A folder made here is closed to others; the mode of one that exists is the operator's choice.
 *
 * @throws StateError `UNUSABLE` with the reason of the operating system
 */
export async function openStateDirectory(directory: string): Promise<StateLayout> {
  try {
    const made = await makeFolder(directory);
    if (made) await chmod(directory, STATE_DIRECTORY_MODE);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StateError('UNUSABLE', `stateDir ${directory} cannot be used: ${reasonOf(error)}`);
  }
  return layoutOf(directory);
}

/**
 * Checks that {@link openStateDirectory} would succeed, and makes nothing.
 *
 * @throws StateError `UNUSABLE`
 */
export async function checkStateDirectory(directory: string): Promise<void> {
  let nearest = directory;
  while (!(await exists(nearest)) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    await access(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
    if (!(await isFolder(nearest))) throw new Error(`${nearest} is no folder`);
  } catch (error) {
    throw new StateError('UNUSABLE', `stateDir ${directory} cannot be used: ${reasonOf(error)}`);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}

/**
 * Node's recursive mkdir never returns where a folder that exists has no room for others, as in /proc.
 *
 * @returns whether it was missing
 */
async function makeFolder(directory: string): Promise<boolean> {
  if (await isFolder(directory)) return false;
  try {
    await mkdir(directory);
  } catch (error) {
    const parent = dirname(directory);
    const isParentMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isParentMissing || !(await makeFolder(parent))) throw error;
    await mkdir(directory);
  }
  return true;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** An error of the operating system while `path` was written: Node names no path where the disk is full. */
export function writeError(path: string, error: unknown): StateError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new StateError(isFull ? 'FULL' : 'UNUSABLE', `${path} cannot be written: ${reasonOf(error)}`, {
    cause: error,
  });
}

/** The message of whatever was thrown, in one line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

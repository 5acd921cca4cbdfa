/**
 * Owns the claim of one process to a state folder. Two processes on one folder would hand out the same serials and
 * overwrite each other's snapshot. The claim is a file with the owner's process id; a claim left by a crash is
 * recognised and taken over at once.
 */

import { readFileSync } from 'node:fs';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { STATE_FILE_MODE, StateError, reasonOf, writeError } from './layout.ts';

/** Who holds a folder. */
interface Claim {
  readonly pid: number;
  /** When the process began, in the kernel's ticks since boot; tells a reused process id. Absent without /proc. */
  readonly began?: string;
  readonly host: string;
}

export interface Lock {
  release(): Promise<void>;
}

/** Attempts before giving up, for the case that claims come and go while we look. */
const ATTEMPTS_MAX = 5;

/** Claims of this very process: its own id in a file says nothing of a second server in the same process. */
const held = new Set<string>();

/**
 * Claims the folder that `path` lies in.
 *
 * @throws StateError `LOCKED` when a living process holds it, `FULL` when there is no room for the claim and nobody does
 */
export async function acquireLock(path: string): Promise<Lock> {
  if (held.has(path)) throw lockedBy(path, ownClaim());
  // First of all: where there is no room, it must still be told that somebody else holds the folder.
  refuseLiving(path, await readClaim(path));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (await tryClaim(path)) {
      held.add(path);
      return { release: () => release(path) };
    }
    await clearStale(path);
  }
  throw new StateError('LOCKED', `${path} is contended, giving up after ${ATTEMPTS_MAX} attempts`);
}

/** The process of this machine that holds the folder; undefined: none does. */
export async function livingHolder(path: string): Promise<number | undefined> {
  const claim = await readClaim(path);
  return claim !== undefined && isAlive(claim) ? claim.pid : undefined;
}

/**
 * Takes the claim of a living process over, which has agreed to it.
 *
 * @throws StateError `LOCKED` when another one holds the folder, `FULL` when there is no room for the claim
 */
export async function inheritLock(path: string, from: number): Promise<Lock> {
  const seen = await readClaim(path);
  // It may have gone without a claim, where its disk was full.
  if (seen === undefined || seen.pid !== from) return acquireLock(path);
  const aside = await writeAside(path);
  await rename(aside, path);
  held.add(path);
  return { release: () => release(path) };
}

/**
 * Claims the folder again after a process that inherited it has died.
 *
 * @throws StateError as {@link acquireLock}
 */
export async function reclaimLock(path: string): Promise<void> {
  if ((await readClaim(path))?.pid === process.pid) return;
  held.delete(path);
  await acquireLock(path);
}

/** A claim that another process has inherited is that one's. */
async function release(path: string): Promise<void> {
  if (!held.delete(path)) return;
  if ((await readClaim(path))?.pid === process.pid) await unlink(path).catch(() => undefined);
}

/** Exclusive creation decides between processes that start together. */
async function tryClaim(path: string): Promise<boolean> {
  const aside = await writeAside(path);
  try {
    // A link appears with its content; a file opened with O_EXCL would be seen empty first.
    await link(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw new StateError('UNUSABLE', `${path} cannot be made: ${reasonOf(error)}`);
  } finally {
    await unlink(aside);
  }
}

/** Our claim in a file of its own. */
async function writeAside(path: string): Promise<string> {
  const aside = `${path}.${process.pid}.new`;
  try {
    await writeFile(aside, `${JSON.stringify(ownClaim())}\n`, { mode: STATE_FILE_MODE });
    return aside;
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw writeError(path, error);
  }
}

/**
 * Removes a claim whose owner is gone. The file is first moved away and read again, so that a claim made by another
 * process between look and removal is put back.
 */
async function clearStale(path: string): Promise<void> {
  refuseLiving(path, await readClaim(path));
  const away = `${path}.${process.pid}.stale`;
  try {
    await rename(path, away);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await readClaim(away);
  if (moved !== undefined && isAlive(moved)) await link(away, path).catch(() => undefined);
  await unlink(away);
}

function refuseLiving(path: string, seen: Claim | undefined): void {
  if (seen !== undefined && isAlive(seen)) throw lockedBy(path, seen);
}

/** The claim in a file; undefined when there is none or it is not ours to understand. */
async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    const claim = JSON.parse(await readFile(path, 'utf8')) as Claim;
    return Number.isInteger(claim.pid) && claim.pid > 0 ? claim : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether the claim's process lives. Another host's processes cannot be seen from here; such a claim counts as left
 * behind, because a Pod that was moved must be able to start. The same id as ours is a container's earlier life.
 */
function isAlive(claim: Claim): boolean {
  if (claim.host !== hostname() || claim.pid === process.pid) return false;
  try {
    process.kill(claim.pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  const began = beginningOf(claim.pid);
  return began === undefined || claim.began === undefined || began === claim.began;
}

function ownClaim(): Claim {
  const began = beginningOf(process.pid);
  return { pid: process.pid, ...(began !== undefined && { began }), host: hostname() };
}

/** Field 22 of /proc/PID/stat; the command name before it may hold spaces, so counting starts behind its bracket. */
function beginningOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function lockedBy(path: string, claim: Claim): StateError {
  return new StateError(
    'LOCKED',
    `another fedns (process ${claim.pid}) holds ${path}: give each a stateDir of its own`,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

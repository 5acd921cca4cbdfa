/** Owns the order in which the state folder is taken into use, and what there is without one. */

import { loadAdminToken } from '../state/admin-token.ts';
import { openStateDirectory, reasonOf, StateError } from '../state/layout.ts';
import { removeLeftovers } from '../state/leftovers.ts';
import type { StateLayout } from '../state/layout.ts';
import { acquireLock, inheritLock, reclaimLock } from '../state/lock.ts';
import type { Lock } from '../state/lock.ts';
import { Serial } from '../state/serial.ts';
import { loadSnapshot } from '../state/snapshot-file.ts';
import type { Snapshot } from '../state/snapshot-file.ts';
import type { Clock, Log } from '../log.ts';

export interface OpenState {
  /** Absent: no state is kept. */
  readonly layout?: StateLayout;
  readonly adminToken?: string;
  readonly snapshot?: Snapshot;
  readonly serial: Serial;
  /**
   * Takes the folder over from the process before. Absent: it is claimed already, or there is none.
   *
   * @throws StateError when it cannot be had
   */
  readonly inherit?: () => Promise<void>;
  /** Claims the folder again after a process that had taken it over has died. @throws StateError when it cannot be had */
  readonly reclaim?: () => Promise<void>;
}

/** The process that still holds the folder, and the serial that it goes to at most. */
export interface Holder {
  readonly pid: number;
  readonly serial: number;
}

/**
 * Claims the folder, reads what is in it and starts the serial. The stack takes what is to be undone at the end.
 *
 * @throws StateError with one line for the operator: a folder that cannot be used is found at the start and not with
 *   the first change that would be lost
 */
export async function openState(stateDir: string | undefined, options: OpenOptions): Promise<OpenState> {
  const { clock, log, stack, holder } = options;
  if (stateDir === undefined) return { serial: await startSerial({ clock, log }, stack) };
  const layout = await openStateDirectory(stateDir);
  if (holder === undefined) await claim(layout, () => acquireLock(layout.lock), options);
  const adminToken = await orWithout(log, 'nothing can be changed through the admin address', () =>
    loadAdminToken(layout.adminToken),
  );
  const snapshot = await readSnapshot(layout.snapshot, log);
  const witnesses = snapshot === undefined ? [] : [snapshot.serial];
  const serialOptions = { path: layout.serial, clock, log, witnesses };
  const serial = await startSerial(serialOptions, stack, holder);
  const inherit = async (): Promise<void> => {
    await claim(layout, () => inheritLock(layout.lock, holder!.pid), options);
    await orWithout(log, SERIAL_NOT_KEPT, () => serial.own());
  };
  return {
    layout,
    ...(adminToken !== undefined && { adminToken }),
    ...(snapshot !== undefined && { snapshot }),
    serial,
    reclaim: () => reclaimLock(layout.lock),
    ...(holder !== undefined && { inherit }),
  };
}

export interface OpenOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly stack: AsyncDisposableStack;
  /** Another process that lives and holds the folder, for a while. Absent: nobody does. */
  readonly holder?: Holder;
}

const SERIAL_NOT_KEPT = 'serials are not kept: after a crash some may come again';

/** What was left over may be what has filled the disk, so there is a second attempt without it. */
async function claim(
  layout: StateLayout,
  take: () => Promise<Lock>,
  { log, stack }: OpenOptions,
): Promise<void> {
  const lock =
    (await take().catch(ignoreFull)) ??
    (await removeLeftovers(layout).then(() =>
      orWithout(log, 'the folder is not claimed: start no other fedns on it', take),
    ));
  if (lock === undefined) return;
  stack.defer(() => lock.release());
  const names = await removeLeftovers(layout);
  if (names.length > 0) log.info({ names }, 'removed what an earlier run has left in the state folder');
}

function ignoreFull(error: unknown): undefined {
  if (!(error instanceof StateError) || error.code !== 'FULL') throw error;
}

/** A full disk is no reason not to serve what can be read: says what is missing for it, and goes on. */
async function orWithout<T>(log: Log, consequence: string, write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write();
  } catch (error) {
    ignoreFull(error);
    log.error({ code: 'STATE_FULL', reason: reasonOf(error) }, consequence);
    return undefined;
  }
}

async function startSerial(
  options: ConstructorParameters<typeof Serial>[0] & { readonly log: Log },
  stack: AsyncDisposableStack,
  holder?: Holder,
): Promise<Serial> {
  const serial = new Serial(options);
  if (holder === undefined) await orWithout(options.log, SERIAL_NOT_KEPT, () => serial.start());
  else serial.follow(holder.serial);
  stack.defer(async () => {
    try {
      await serial.stop();
    } catch (error) {
      // The ceiling on the disk is still ahead of every serial that was served, so nothing is lost but a gap.
      options.log.warn({ code: 'SERIAL_WRITE', reason: reasonOf(error) }, 'the last serial was not kept');
    }
  });
  return serial;
}

async function readSnapshot(path: string, log: Log): Promise<Snapshot | undefined> {
  const load = await loadSnapshot(path);
  switch (load.kind) {
    case 'none':
      return undefined;
    case 'broken':
      logBrokenSnapshot(log, path, load.reason);
      return undefined;
    case 'loaded':
      return load.snapshot;
  }
}

/** A snapshot that cannot be used is no reason not to start. */
export function logBrokenSnapshot(log: Log, path: string, reason: string): void {
  log.warn({ code: 'SNAPSHOT_BROKEN', path, reason }, 'the snapshot is ignored');
}

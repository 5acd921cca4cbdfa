/** Owns the order in which the state folder is taken into use, and what there is without one. */

import { loadAdminToken } from '../state/admin-token.ts';
import { openStateDirectory, reasonOf } from '../state/layout.ts';
import type { StateLayout } from '../state/layout.ts';
import { acquireLock } from '../state/lock.ts';
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
}

/**
 * Claims the folder, reads what is in it and starts the serial. The stack takes what is to be undone at the end.
 *
 * @throws StateError with one line for the operator: a folder that cannot be used is found at the start and not with
 *   the first change that would be lost
 */
export async function openState(
  stateDir: string | undefined,
  { clock, log, stack }: { readonly clock: Clock; readonly log: Log; readonly stack: AsyncDisposableStack },
): Promise<OpenState> {
  if (stateDir === undefined) return { serial: await startSerial({ clock, log }, stack) };
  const layout = await openStateDirectory(stateDir);
  const lock = await acquireLock(layout.lock);
  stack.defer(() => lock.release());
  const adminToken = await loadAdminToken(layout.adminToken);
  const snapshot = await readSnapshot(layout.snapshot, log);
  const witnesses = snapshot === undefined ? [] : [snapshot.serial];
  const serial = await startSerial({ path: layout.serial, clock, log, witnesses }, stack);
  return { layout, adminToken, ...(snapshot !== undefined && { snapshot }), serial };
}

async function startSerial(
  options: ConstructorParameters<typeof Serial>[0],
  stack: AsyncDisposableStack,
): Promise<Serial> {
  const serial = new Serial(options);
  await serial.start();
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

/**
 * What a process that ends and the one that follows it agree on, so that no query is lost and no serial goes back. How the two
 * talk is process/predecessor.ts and process/successor.ts; what each of them does in turn:
 *
 * ```
 *  predecessor                                successor
 *  serves, keeps its state ── estate ───────► restores the state, reads every cluster
 *  publishes no more       ◄─ ready, serial ─ publishes no more
 *  shows that serial       ── ceded ────────► owns state folder and admin address, answers from the same sockets
 *  answers no more         ◄─ serving ───────
 *  lets connections end    ── left ─────────► publishes again
 * ```
 *
 * Until `serving` the predecessor can take everything back.
 */

import type { PassedSocket } from '../server/workers/socket-ledger.ts';
import { addSerial } from '../state/serial.ts';
import type { ClusterReport } from '../watchers/source.ts';

/** What a process leaves to the one that follows it. */
export interface Estate {
  readonly pid: number;
  /** Of the state folder, absolute. */
  readonly stateDir: string;
  /** The serial that the predecessor goes to at most. */
  readonly serial: number;
  readonly sockets: readonly PassedSocket[];
  /** Clusters that it is in contact with, so that the successor must be, too. */
  readonly clusters: readonly string[];
}

/** The predecessor, as the successor sees it. */
export interface Predecessor {
  readonly estate: Estate;
  /** Says that all is ready under this serial. @returns resolves when it has ceded */
  cede(serial: number): Promise<void>;
  /** Says that queries are answered here. @returns resolves once the other answers none, or is gone */
  leave(): Promise<void>;
}

/** A process cannot be followed, or cannot follow; the message is for the operator. */
export class SuccessionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SuccessionError';
  }
}

/**
 * How far the successor's serials begin ahead: what the predecessor may publish meanwhile. A thousand changes a second for a
 * quarter of an hour, which is far more than a succession lasts, and small beside the 2^31 that secondaries look ahead.
 */
const SERIALS_APART = 2 ** 20;

/** The serial that a process leaves to its successor. */
export function serialToLeave(current: number): number {
  return addSerial(current, SERIALS_APART);
}

/** Clusters that answers must not become older for, when another process begins to watch them. */
export function clustersInContact(reports: readonly ClusterReport[]): string[] {
  return reports
    .filter(({ condition, syncedMs }) => condition === 'Ready' && syncedMs !== undefined)
    .map(({ name }) => name);
}

/**
 * Clusters that are still to be read.
 *
 * @param wanted - those that the predecessor is in contact with
 * @param reports - of the successor: what it does not know any more was taken out of its configuration
 */
export function clustersAwaited(wanted: readonly string[], reports: readonly ClusterReport[]): string[] {
  const unread = new Set(reports.filter(({ syncedMs }) => syncedMs === undefined).map(({ name }) => name));
  return wanted.filter((name) => unread.has(name));
}

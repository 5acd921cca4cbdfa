/**
 * Owns what a running server does when another process follows it, and what it does when it follows one; succession.ts has
 * the order of both. Talks to no process itself.
 */

import { setTimeout } from 'node:timers/promises';
import type { SocketLedger } from '../server/workers/socket-ledger.ts';
import type { AdminServer } from '../admin/server.ts';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { SnapshotKeeper } from '../state/snapshot.ts';
import type { Clock, Log } from '../log.ts';
import type { DrillsKeeper } from './drills-keeper.ts';
import type { FactRelay } from './fact-relay.ts';
import type { OpenState } from './open-state.ts';
import type { DataPlane, ServedDomain } from './parts.ts';
import type { Sources } from './sources.ts';
import {
  clustersAwaited,
  clustersInContact,
  serialToLeave,
  SuccessionError,
  type Estate,
  type Predecessor,
} from './succession.ts';

/** Time that a successor gets to read every cluster that its predecessor is in contact with, in milliseconds. */
const CATCH_UP_MS_MAX = 90_000;
/** How often it is looked whether it has, in milliseconds: a source tells nobody that it has read its cluster. */
const CATCH_UP_LOOK_MS = 50;

/**
 * How long more queries than ever may wait after a succession, in milliseconds: the answering code is compiled as it runs, and
 * the process before gives its memory back.
 */
const WARM_UP_MS = 10_000;

/** What of the server it works with. */
export interface SuccessionParts {
  readonly state: OpenState;
  /** Absent: the sockets cannot be passed on. */
  readonly ledger: SocketLedger | undefined;
  readonly relay: FactRelay;
  readonly sources: Pick<Sources, 'reports'>;
  readonly domain: () => ServedDomain;
  readonly dataPlane: () => DataPlane | undefined;
  readonly admin: () => AdminServer | undefined;
  readonly snapshots: () => SnapshotKeeper | undefined;
  readonly journal: Pick<LiveJournal, 'stop' | 'resume'>;
  readonly drills: Pick<DrillsKeeper, 'stop' | 'resume'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a successor does in between: everything of the start that is before queries are taken. */
export interface SuccessorSteps {
  /** All clusters have been read: gets the answers ready. */
  readonly prepare: () => Promise<void>;
  /** The state folder and the admin address are this process' from now on. */
  readonly own: () => Promise<void>;
}

export class SuccessionKeeper {
  readonly #parts: SuccessionParts;
  /** Two processes answer: neither may show a serial that the other one does not. */
  #isShared = false;
  /** Something has been published meanwhile. */
  #isSerialOwed = false;
  #narrowing: NodeJS.Timeout | undefined;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /** Where it is told why a handover has failed; undefined: nowhere. */
  get outcomeFile(): string | undefined {
    return this.#parts.state.layout?.succession;
  }

  /** The serial of the next published change. */
  nextSerial(): number {
    const { serial } = this.#parts.state;
    if (!this.#isShared) return serial.next();
    this.#isSerialOwed = true;
    return serial.current;
  }

  /**
   * Reads all that the predecessor knows, then takes the state folder and the admin address over from it.
   *
   * @throws SuccessionError when a cluster cannot be read that the predecessor can read
   */
  async succeed(predecessor: Predecessor, steps: SuccessorSteps): Promise<void> {
    const { state } = this.#parts;
    await this.#catchUp(predecessor.estate.clusters);
    await steps.prepare();
    this.#share();
    await predecessor.cede(state.serial.current);
    await state.inherit!();
    await steps.own();
  }

  /** Queries are answered here: sees the predecessor off, and publishes what has come meanwhile. */
  async seeOff(predecessor: Predecessor): Promise<void> {
    await predecessor.leave();
    this.#unshare();
    this.#narrowing = globalThis.setTimeout(() => this.#parts.ledger?.widen(false), WARM_UP_MS).unref();
  }

  /**
   * What is left to a process that follows; the descriptors of the sockets are this process'. Changes nothing but
   * how much may wait in them, until {@link takeBack}.
   *
   * @throws SuccessionError when this process cannot be followed
   */
  async estate(): Promise<Estate> {
    const { state, ledger, sources } = this.#parts;
    if (ledger === undefined) throw new SuccessionError('sockets are passed on by the batch transport only');
    if (state.layout === undefined)
      throw new SuccessionError('without stateDir there is nothing to follow on');
    const snapshots = this.#parts.snapshots();
    const isSaved = (await snapshots?.save()) === true || snapshots?.isCurrent === true;
    if (!isSaved) throw new SuccessionError('the state cannot be written, see the log');
    clearTimeout(this.#narrowing);
    ledger.widen(true);
    return {
      pid: process.pid,
      stateDir: state.layout.directory,
      serial: serialToLeave(state.serial.current),
      sockets: ledger.held,
      clusters: clustersInContact(sources.reports()),
    };
  }

  /**
   * Publishes no more, shows the successor's serial, and leaves the state folder and the admin address to it.
   *
   * @throws RangeError when the serial is not ahead of this server's own; then nothing has changed
   */
  async cede(serial: number): Promise<void> {
    const { state, domain, admin, snapshots, journal, drills } = this.#parts;
    // The end of a drill is published, and its drain is not to be taken over.
    await drills.stop();
    await state.serial.cede(serial);
    this.#share();
    domain().showSerial(serial);
    await snapshots()?.cede(true);
    await journal.stop();
    await admin()?.stop();
  }

  /** The successor has failed, and is gone: undoes what was done for it. */
  async takeBack(): Promise<void> {
    this.#parts.ledger?.widen(false);
    if (this.#isShared) await this.#takeBackState();
  }

  async #takeBackState(): Promise<void> {
    const { state, admin, snapshots, journal, drills, log } = this.#parts;
    const attempt = async (what: string, step: () => Promise<void> | undefined): Promise<void> => {
      try {
        await step();
      } catch (error) {
        log.error({ reason: String(error) }, `${what} could not be taken back`);
      }
    };
    await attempt('the state folder', () => state.reclaim?.());
    await attempt('the serial', () => state.serial.own());
    await attempt('the snapshot', () => snapshots()?.cede(false));
    journal.resume();
    await attempt('drills', () => drills.resume());
    await attempt('the admin address', () => admin()?.start());
    this.#unshare();
  }

  /** To be called at the end. */
  stop(): void {
    clearTimeout(this.#narrowing);
  }

  /** Leaves the sockets to the successor. @returns resolves once no datagram is answered here any more */
  async leave(): Promise<void> {
    await this.#parts.dataPlane()?.leave?.();
  }

  #share(): void {
    this.#parts.relay.pause();
    this.#isShared = true;
  }

  #unshare(): void {
    const { relay, clock, state, domain } = this.#parts;
    this.#isShared = false;
    if (this.#isSerialOwed) domain().showSerial(state.serial.next());
    this.#isSerialOwed = false;
    relay.resume({ object: 'succession', timeMs: clock() });
  }

  async #catchUp(clusters: readonly string[]): Promise<void> {
    const { sources } = this.#parts;
    const look = (): string[] => clustersAwaited(clusters, sources.reports());
    const giveUpMs = performance.now() + CATCH_UP_MS_MAX;
    while (look().length > 0) {
      if (performance.now() >= giveUpMs)
        throw new SuccessionError(`not read within ${CATCH_UP_MS_MAX / 1000} s: ${look().join(', ')}`);
      await setTimeout(CATCH_UP_LOOK_MS);
    }
  }
}

/** @throws SuccessionError when the state folder of the predecessor is another one */
export function refuseOtherFolder({ layout }: OpenState, { stateDir }: Estate): void {
  if (layout?.directory !== stateDir)
    throw new SuccessionError('stateDir is another now, so the state cannot be taken over: restart instead');
}

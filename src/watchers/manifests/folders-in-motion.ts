/**
 * Files that move from the folder of one cluster to that of another. Owns that what leaves a folder is taken away only
 * when the other folders in which something happens have been looked at: the object may be there by now, and must not
 * be missing in between. What arrives waits for nobody.
 */

import type { FactSink } from '../../zonebuilder/facts.ts';
import { pause, type Timers } from '../../timers.ts';

/** Longest that a removal waits for other folders, in milliseconds: one of them may be on a disk that hangs. */
const SETTLE_MS_MAX = 1500;

/** Folders of one cluster. */
export interface MovingFolders {
  /** Something has happened there that is not in the facts yet. */
  readonly isInMotion: boolean;
  /** Looks at them; for others whose file system gave no notice. */
  look(): void;
}

export class FoldersInMotion {
  readonly #members = new Set<MovingFolders>();
  readonly #waiting = new Set<MovingFolders>();
  #settled = new AbortController();

  join(folders: MovingFolders): void {
    this.#members.add(folders);
  }

  leave(folders: MovingFolders): void {
    this.#members.delete(folders);
    this.moved();
  }

  /** To be called whenever folders may have come to rest. */
  moved(): void {
    this.#settled.abort();
    this.#settled = new AbortController();
  }

  /**
   * Resolves when no other folder is in motion, or some time has passed.
   *
   * @param ask - has the others look first: nothing gave notice, so nothing is known of them
   */
  async settle(folders: MovingFolders, timers: Timers, ask: boolean): Promise<void> {
    const endMs = timers.now() + SETTLE_MS_MAX;
    this.#waiting.add(folders);
    this.moved();
    if (ask) for (const other of this.#others(folders)) other.look();
    for (;;) {
      const leftMs = endMs - timers.now();
      if (leftMs <= 0 || !this.#others(folders).some((other) => other.isInMotion)) break;
      await pause(timers, leftMs, this.#settled.signal);
    }
    this.#waiting.delete(folders);
  }

  /** Those who wait themselves have nothing more to show. */
  #others(folders: MovingFolders): MovingFolders[] {
    return [...this.#members].filter((other) => other !== folders && !this.#waiting.has(other));
  }
}

const bySink = new WeakMap<FactSink, FoldersInMotion>();

/** The one of all sources that report to the same sink. */
export function foldersInMotionOf(sink: FactSink): FoldersInMotion {
  let folders = bySink.get(sink);
  if (folders === undefined) bySink.set(sink, (folders = new FoldersInMotion()));
  return folders;
}

/**
 * Owns whether the wall clock can be believed, on which the times of signatures depend: it is behind a moment that is known to be
 * past, or it was set back. Both are told and shown; answers go on.
 */
import type { Clock, Log } from '../log.ts';
import type { Timer, Timers } from '../timers.ts';

/** No clock that is right shows less: when this version of fedns was made. */
export const MADE_MS = Date.UTC(2026, 10, 1);
/** How often the clock is looked at, in milliseconds. */
const LOOK_MS = 1000;
/** What it may be set back by without a word, in milliseconds: time servers correct as much. */
const STEP_MS_MAX = 1000;

export interface ClockStatus {
  /** How far it is behind what is known to be past, in milliseconds; 0: it is not. */
  readonly behindMs: number;
  /** How often it was set back by more than a second. */
  readonly stepsBack: number;
}

export class ClockWatch {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #log: Log;
  #knownMs = MADE_MS;
  #offsetMs: number;
  #stepsBack = 0;
  #wasBehind = false;
  #timer: Timer | undefined;

  constructor({ clock, timers, log }: { readonly clock: Clock; readonly timers: Timers; readonly log: Log }) {
    this.#clock = clock;
    this.#timers = timers;
    this.#log = log;
    this.#offsetMs = clock() - timers.now();
  }

  /** Begins to look. @param knownMs - a moment that is past, such as that of a snapshot */
  start(knownMs = 0): void {
    this.#knownMs = Math.max(this.#knownMs, knownMs);
    this.look();
    const again = (): void => {
      this.#timer = this.#timers.after(LOOK_MS, () => {
        this.look();
        again();
      });
    };
    again();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** The latest moment that is known to be past, in milliseconds since 1970. */
  get knownMs(): number {
    return this.#knownMs;
  }

  status(): ClockStatus {
    return { behindMs: Math.max(0, this.#knownMs - this.#clock()), stepsBack: this.#stepsBack };
  }

  look(): void {
    const offsetMs = this.#clock() - this.#timers.now();
    const backMs = Math.round(this.#offsetMs - offsetMs);
    this.#offsetMs = offsetMs;
    if (backMs > STEP_MS_MAX) {
      this.#stepsBack++;
      this.#log.warn({ backMs }, 'the clock was set back; signatures that begin later are made anew');
    }
    const { behindMs } = this.status();
    if (behindMs > 0 && !this.#wasBehind)
      this.#log.error(
        { behindMs, knownMs: this.#knownMs },
        'the clock is wrong: it is behind what is known to be past, from when on signatures are dated until it is set',
      );
    this.#wasBehind = behindMs > 0;
  }
}

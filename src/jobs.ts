/**
 * Owns the slow jobs' clock work: what runs when, never twice at once, in UTC or the time zone that a job names. The only
 * place that knows node-cron. What a job does, and what its failure means, is the business of the part that schedules it.
 *
 * node-cron is asked for the next moment only and starts no timer: its own walk through every moment that has passed
 * takes minutes after a step of years, and after a step back it waits until the clock has caught up. Here a timer on the
 * monotonic clock looks at the wall clock at least once a minute, so that a step in either direction costs one look.
 */

import { createTask, validateDetailed, type ScheduledTask } from 'node-cron';
import type { Clock, Log } from './log.ts';
import { systemTimers, type Timer, type Timers } from './timers.ts';

export interface Job {
  /** Ends the job; a run under way is not waited for. */
  stop(): Promise<void>;
}

/**
 * Runs `run` whenever the cron expression (six fields, seconds first, or five without) matches in the time zone and the last
 * run has ended. A run that rejects is logged and the next one takes place all the same. A moment that summer time skips is
 * left out, and one that it repeats comes once.
 *
 * @param timeZone - a name of the IANA database. Default: UTC
 */
export type Schedule = (name: string, cron: string, run: () => Promise<void>, timeZone?: string) => Job;

/** When a cron expression matches next in a time zone, in milliseconds since the epoch. Throws where either is no such thing. */
export function nextMoment(cron: string, timeZone: string): number {
  const task = createTask(cron, () => undefined, { timezone: timeZone });
  try {
    return nextRunMs(task);
  } finally {
    void task.destroy();
  }
}

/** What is wrong with a cron expression, in one line; undefined: nothing. */
export function cronFault(cron: string): string | undefined {
  const { valid, errors } = validateDetailed(cron);
  return valid ? undefined : (errors[0]?.message ?? 'is no cron expression');
}

/** Whether a text names a time zone of the IANA database. An offset does not: it knows no summer time. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

/** Where the clock stepped back over the next moment, it is worked out anew after at most so many milliseconds. */
const LOOK_MS_MAX = 60_000;

/** What a calendar job works with; tests bring their own. */
export interface JobTime {
  /** Milliseconds since the epoch. */
  readonly clock: Clock;
  readonly timers: Timers;
  /** The next matching moment after the clock's now, in milliseconds since the epoch. */
  readonly nextMs: () => number;
}

/**
 * A schedule on the real clock. Its timers do not keep the process alive.
 *
 * @param timers - tests bring their own
 */
export function createSchedule(log: Log, timers: Timers = idleTimers): Schedule {
  return (name, cron, run, timezone = 'UTC') => {
    const task = createTask(cron, () => undefined, { name, timezone });
    const time = { clock: () => Date.now(), timers, nextMs: () => nextRunMs(task) };
    const stop = runAtMoments(time, () => guarded(log, name, run));
    return {
      stop: async () => {
        stop();
        await task.destroy();
      },
    };
  };
}

/**
 * Calls `run` at each moment of a calendar, once for all moments that were skipped. Moments while a run lasts are left out.
 *
 * @param run - must not reject
 * @returns ends the calls
 */
export function runAtMoments({ clock, timers, nextMs }: JobTime, run: () => Promise<void>): () => void {
  let timer: Timer | undefined;
  let stopped = false;
  const arm = (): void => {
    if (stopped) return;
    const dueMs = nextMs();
    timer = timers.after(Math.min(Math.max(dueMs - clock(), 1), LOOK_MS_MAX), () => {
      if (clock() >= dueMs) void run().then(arm);
      else arm();
    });
  };
  arm();
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

async function guarded(log: Log, name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.error({ code: 'JOB_FAILED', job: name, reason: String(error) }, 'a job failed');
  }
}

/** A task that is not started has a calendar all the same. */
function nextRunMs(task: ScheduledTask): number {
  return task.getNextRuns(1)[0]!.getTime();
}

const idleTimers: Timers = {
  now: systemTimers.now,
  after(ms, run) {
    const handle = setTimeout(run, ms).unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

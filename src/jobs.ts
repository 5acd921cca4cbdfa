/**
 * Owns the slow jobs' clock work: what runs when, never twice at once, in UTC. The only place that knows node-cron.
 * What a job does, and what its failure means, is the business of the part that schedules it.
 */

import { schedule as scheduleCron } from 'node-cron';
import type { Log } from './log.ts';

export interface Job {
  /** Ends the job; a run under way is not waited for. */
  stop(): Promise<void>;
}

/**
 * Runs `run` whenever the cron expression (six fields, seconds first, UTC) matches and the last run has ended.
 * A run that rejects is logged and the next one takes place all the same.
 */
export type Schedule = (name: string, cron: string, run: () => Promise<void>) => Job;

/** A schedule on the real clock. Its timers do not keep the process alive. */
export function createSchedule(log: Log): Schedule {
  return (name, cron, run) => {
    const guarded = async (): Promise<void> => {
      try {
        await run();
      } catch (error) {
        log.error({ code: 'JOB_FAILED', job: name, reason: String(error) }, 'a job failed');
      }
    };
    const task = scheduleCron(cron, guarded, {
      name,
      timezone: 'UTC',
      noOverlap: true,
      unref: true,
      suppressMissedWarning: true,
      logger: {
        info: (message) => log.debug({ job: name }, message),
        warn: (message) => log.warn({ job: name }, message),
        error: (message) => log.error({ job: name }, String(message)),
        debug: (message) => log.debug({ job: name }, String(message)),
      },
    });
    return {
      stop: async () => {
        await task.destroy();
      },
    };
  };
}

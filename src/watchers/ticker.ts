/** Regular calls for slow jobs, by node-cron. Tests pass a ticker of their own and never wait. */

import { schedule } from 'node-cron';

/**
 * Calls `tick` regularly until the returned function is called.
 */
export type Ticker = (tick: () => void) => () => void;

/**
 * A ticker after a cron expression, in UTC, that keeps no process alive.
 *
 * @param expression - five fields, or six with seconds first
 */
export function cronTicker(expression: string): Ticker {
  return (tick) => {
    const task = schedule(expression, tick, {
      timezone: 'UTC',
      noOverlap: true,
      unref: true,
      suppressMissedWarning: true,
    });
    return () => void task.destroy();
  };
}

/**
 * Owns how the log is written: one JSON document a line on standard error. The only place that knows pino; the rest
 * speaks the `Log` of src/log.ts.
 */

import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log } from '../log.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** A log that can be made quieter or louder while it runs. */
export interface LeveledLog extends Log {
  setLevel(level: LogLevel): void;
}

/**
 * @param destination - where lines go; standard error when absent. Lines are written at once, so that none is lost
 *   when the process dies; the query path does not log.
 */
export function createLog(level: LogLevel, destination?: DestinationStream): LeveledLog {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}
